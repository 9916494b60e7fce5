"""Does a command run a file that the same line has downloaded, which nobody has read?"""

from guard_decision import ASK, Stop
from guard_paths import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_walk import Command

_RUNNERS = frozenset(
    ["sh", "bash", "zsh", "dash", "ksh", "fish", "source", ".", "node", "perl", "ruby", "php", "deno", "bun"]
)


_COPIERS = frozenset(["scp", "rsync", "aws", "gsutil", "gcloud", "rclone", "mc", "s5cmd", "s3cmd", "az", "sftp"])


def _copied(command: "Command") -> "list[str]":
    """Give the files that a copy from another machine or an object store makes, in the folder or at the place it names."""
    words = [argument for argument in command.arguments if not argument.startswith("-")]
    if len(words) < 2:  # noqa: PLR2004 - from and to
        return []
    source, target = words[-2:]
    is_far = "://" in source or (":" in source and "/" not in source.partition(":")[0])
    if not is_far or "://" in target or (":" in target and "/" not in target.partition(":")[0]):
        return []
    inside = target.rstrip("/") + "/" + source.rpartition("/")[2].rpartition(":")[2]
    return [full for full in [absolute(target, command.cwd), absolute(inside, command.cwd)] if full]


def downloads(command: "Command") -> "list[str]":
    """Give the files that a command downloads to."""
    if command.name in _COPIERS:
        return _copied(command)
    if command.name not in ("curl", "wget", "aria2c"):
        return []
    found: "list[str]" = [target for _, target in command.redirects]
    urls, previous = [], ""
    for argument in command.arguments:
        if previous in ("-o", "--output", "-O", "--output-document") or (previous.startswith("-") and not previous.startswith("--") and previous.endswith(("o", "O")) and command.name == "wget") or (previous.startswith("-") and not previous.startswith("--") and previous.endswith("o")):  # fmt: skip
            found.append(argument)
        elif argument.startswith(("--output=", "--output-document=")):
            found.append(argument.partition("=")[2])
        if "://" in argument:
            urls.append(argument.partition("?")[0])
        previous = argument
    if command.name != "curl" or any(
        a == "--remote-name" or (a[:1] == "-" and a[1:2] != "-" and "O" in a) for a in command.arguments
    ):
        found.extend([url.rpartition("/")[2] for url in urls])
    return [
        full for full in [absolute(path, command.cwd) for path in found if path and not path.startswith("-")] if full
    ]


def judge_downloaded(command: "Command", downloaded: "set[str]") -> "Stop | None":
    """Judge a command that runs a file which this line has downloaded.

    Args:
        command: The command.
        downloaded: Absolute paths.
    """
    if not downloaded:
        return None
    scripts: "list[str]" = [command.program] if "/" in command.program else []
    if command.name in _RUNNERS or command.name.startswith("python"):
        scripts += [argument for argument in command.arguments if not argument.startswith("-")][:1]
    if not any(absolute(script, command.cwd) in downloaded for script in scripts):
        return None
    return Stop(
        ASK,
        "downloaded-code",
        "it runs what was downloaded a moment ago, and nobody has read it.",
        "read the file first, in a step of its own",
        "head -50 downloaded.sh",
    )
