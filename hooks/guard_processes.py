"""Does a command end everything that runs, or never end itself?"""

from guard_decision import DENY, Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command


def judge_kill(command: "Command", _places: "Places") -> "Stop | None":
    """Judge kill: process -1 is every process of the user."""
    arguments = command.arguments
    if not arguments or arguments[0] == "-l":
        return None
    # The first word that looks like an option is the signal; only after it is -1 a process.
    takes_signal = arguments[0] in ("-s", "-n")
    processes = arguments[2:] if takes_signal else arguments[1:] if arguments[0].startswith("-") else arguments
    if arguments[0] == "--":
        processes = arguments[1:]
    if "-1" not in processes:
        return None
    return Stop(
        DENY,
        "kill-everything",
        "it ends every process that this user has, this session too.",
        "name the one process",
        "ps -f",
    )


def judge_crontab(command: "Command", _places: "Places") -> "Stop | None":
    """Judge crontab -r, which deletes all of a user's jobs without a question."""
    if not any(argument.startswith("-") and "r" in argument for argument in command.arguments):
        return None
    return Stop(
        DENY, "crontab-delete", "it deletes all scheduled jobs of this user.", "see what there is", "crontab -l"
    )


def judge_fork_bomb(command: "Command") -> "Stop | None":
    """Judge a function that pipes itself into itself."""
    if command.name != command.function.lower():
        return None
    if not any(other.name == command.name for other in command.upstream()):
        return None
    return Stop(
        DENY,
        "fork-bomb",
        "the function starts itself twice, again and again, until the machine stands still.",
        "run the work in a loop with an end",
        "seq 3",
    )
