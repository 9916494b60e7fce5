"""Does a git command overwrite or delete what others have, or open a merge request by a push option?"""

from guard_decision import ASK, DENY, Stop
from guard_options import is_unique_prefix, names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_paths import Places
    from guard_walk import Command

_GLOBAL_SHORTS = "Cc"
_GLOBAL_LONGS = frozenset(["git-dir", "work-tree", "namespace", "config-env", "super-prefix", "attr-source"])
_PUSH_SHORTS = "o"
_PUSH_LONGS = frozenset(["push-option", "repo", "receive-pack", "exec"])
_PROTECTED = frozenset(["main", "master", "trunk", "production"])
_ORDINARY = frozenset([
    "status", "diff", "log", "show", "add", "commit", "fetch", "pull", "rev-parse", "merge", "blame", "remote", "ls-files", "grep", "clone", "tag",
    "describe", "merge-base", "for-each-ref", "cherry-pick", "init", "mv", "shortlog", "cat-file", "rev-list", "", "config", "apply",
])  # fmt: skip
"""Subcommands that discard nothing; they are most of git's use, and need no further module."""
_CREATION = "merge_request.create"


def judge_git(command: "Command", _places: "Places") -> "Stop | None":
    """Judge git by its subcommand."""
    settings, subcommand, arguments = _split(command.arguments)
    if subcommand == "push":
        return _judge_push(settings, arguments, command)
    if subcommand == "apply" and {"-R", "--reverse"} & set(arguments):
        return None if {"--check", "--stat", "--numstat", "--summary"} & set(arguments) else _judge_reversal(command)
    if subcommand == "add" and any(
        argument == "--force" or (argument[:1] == "-" and argument[1:2] != "-" and "f" in argument)
        for argument in arguments
    ):
        from guard_secrets import judge_forced_add

        return judge_forced_add(command)
    if subcommand in _ORDINARY:
        return None
    from guard_review import GIT_SUBCOMMANDS, opens_by_extension

    if subcommand in GIT_SUBCOMMANDS and opens_by_extension(subcommand, list(arguments)):
        from guard_forge import pull_request_stop

        return pull_request_stop()
    from guard_discard import judge_discard

    return judge_discard(subcommand, arguments, settings, command)


def judge_patch(command: "Command", _places: "Places") -> "Stop | None":
    """Judge patch -R."""
    reverses = any(a == "--reverse" or (a[:1] == "-" and a[1:2] != "-" and "R" in a) for a in command.arguments)
    return _judge_reversal(command) if reverses and "--dry-run" not in command.arguments else None


def _judge_reversal(command: "Command") -> "Stop | None":
    """Judge taking a patch back: one that `git diff` has just made is all that is not committed."""
    sources = command.upstream()
    if command.walk is not None:
        for argument in command.arguments:
            for first, last in (*argument.files, *argument.outputs):
                sources.extend(command.walk.plain(first, last, command.cwd, -1))
    if not any(source.name == "git" and "diff" in source.arguments for source in sources):
        return None
    return Stop(
        DENY,
        "git-discard",
        "it throws away every change that is not committed.",
        "put the changes aside first, so that they can come back",
        "git stash push -u",
    )


def _split(arguments: "Sequence[str]") -> "tuple[Sequence[str], str, Sequence[str]]":
    """Separate git's own options from the subcommand; give the values of -c, the subcommand and what follows it."""
    settings = []
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        argument = arguments[at]
        at += 1
        takes_next = argument in ("-C", "-c") or argument[2:] in _GLOBAL_LONGS
        if takes_next and at < len(arguments):
            if argument == "-c":
                settings.append(arguments[at])
            at += 1
    return settings, arguments[at] if at < len(arguments) else "", arguments[at + 1 :]


def _judge_push(settings: "Sequence[str]", arguments: "Sequence[str]", command: "Command") -> "Stop | None":
    options, operands = read_options(arguments, _PUSH_SHORTS, _PUSH_LONGS)
    found = names(options)
    if found & {"--help", "-h", "-n", "--dry-run"}:
        return None
    if _creates_merge_request(settings, options):
        from guard_forge import pull_request_stop

        return pull_request_stop()
    branches = operands[1:]
    if any("refs/for/" in branch for branch in branches):
        return _judge_review(branches)
    if found & {"--force", "-f"} or any(branch.startswith("+") for branch in branches):
        return force_stop()
    if any(is_unique_prefix(option, "mirror", 1) for option in found):
        return force_stop()
    if any(setting.lower().startswith("remote.") and setting.lower().endswith(".mirror=true") for setting in settings):
        return force_stop()
    if "--prune" in found:
        return _deletion_question()
    if command.is_bulk and ("-d" in found or any(is_unique_prefix(option, "delete", 1) for option in found)):
        return _judge_deletion(found, branches) or _deletion_question()
    return _judge_deletion(found, branches)


def _judge_review(branches: "list[str]") -> Stop:
    """Judge a push to a place where the server makes a change to review of it, or merges it at once."""
    if any("%" in branch and "submit" in branch for branch in branches):
        from guard_review import bypass_stop

        return bypass_stop()
    from guard_forge import pull_request_stop

    return pull_request_stop()


def _creates_merge_request(settings: "Sequence[str]", options: "list[tuple[str, str]]") -> bool:
    if any(setting.lower().startswith("push.pushoption=" + _CREATION) for setting in settings):
        return True
    return any(name in ("-o", "--push-option") and value.startswith(_CREATION) for name, value in options)


def _judge_deletion(found: "frozenset[str]", branches: "list[str]") -> "Stop | None":
    deletes = "-d" in found or any(is_unique_prefix(option, "delete", 1) for option in found)
    deleted = branches if deletes else [branch[1:] for branch in branches if branch.startswith(":") and branch != ":"]
    if not deleted:
        return None
    if any(branch.rpartition("/")[2] in _PROTECTED for branch in deleted):
        return Stop(
            DENY,
            "branch-delete-main",
            "it deletes a main branch on the server, for everybody.",
            "delete your own merged branch only, after looking at what is there",
            "git branch --remotes --merged",
        )
    return _deletion_question()


def _deletion_question() -> Stop:
    return Stop(
        ASK,
        "branch-delete-remote",
        "it deletes a branch on the server, where others may have built on it.",
        "see first what only that branch has",
        "git branch --remotes --no-merged",
    )


def force_stop() -> Stop:
    """Make the stop for a branch that is replaced by force."""
    return Stop(
        DENY,
        "git-force-push",
        "a forced push replaces what others have pushed, without looking.",
        "push your own branch so that git refuses when somebody else was there",
        "git push --force-with-lease origin HEAD",
    )
