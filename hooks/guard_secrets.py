"""Does a tool call show a secret, or send one away?

What a command sends is followed through pipes, substitutions, variables and copies made in the same line. Leaves which
files are secret to `guard_secret_files.py`.
"""

from guard_decision import ASK, DENY, Stop
from guard_expansion import UNKNOWN_TEXT
from guard_paths import absolute
from guard_prefilter import READERS, SENDERS
from guard_secret_files import PERSONAL, PROJECT, holds_secrets, secrecy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from guard_paths import Places
    from guard_walk import Command

_FOLDER_READERS = frozenset([
    "tar", "bsdtar", "gtar", "zip", "7z", "7za", "cp", "mv", "scp", "rsync", "ditto", "cpio", "pax", "rclone", "aws",
    "gsutil", "croc", "wormhole", "rg", "ag", "ack",
])  # fmt: skip
_SEARCHERS = frozenset(["grep", "egrep", "fgrep"])
_NOT_CONTENT = frozenset([
    "-i", "-F", "-o", "--key", "--cert", "--cacert", "-E", "--identity", "--env-file", "--config", "--kubeconfig",
    "-K", "--netrc-file", "-n", "-b", "-c", "-S",
])  # fmt: skip
_WITH_IDENTITY = frozenset(
    ["scp", "sftp", "rsync", "curl", "wget", "docker", "kubectl", "git", "age", "gh", "http", "https", "xh"]
)
_UPLOADERS = frozenset(["aws", "gsutil", "gcloud", "az", "rclone", "s3cmd", "mc", "s5cmd", "azcopy", "oci"])
_UPLOADS = frozenset([
    "cp", "mv", "sync", "put", "upload", "copy", "copyto", "rsync", "move", "upload-batch", "put-object", "publish", "send-message",
])  # fmt: skip


def judge_read(path: str, cwd: str, home: str) -> "Stop | None":
    """Judge a file or folder that a tool reads."""
    full = absolute(path.replace("~", home, 1) if path.startswith("~/") else path, cwd)
    if full is None:
        return None
    return _read_stop() if secrecy(full, home) == PERSONAL else None


def judge_searched(path: str, cwd: str, home: str, glob: str = "") -> "Stop | None":
    """Judge a folder or file that a tool searches for text; `glob` selects files in it."""
    full = absolute(path.replace("~", home, 1) if path.startswith("~/") else path or ".", cwd)
    if full is not None and glob:
        names = (full + "/" + UNKNOWN_TEXT + "/" + glob.rpartition("/")[2], full + "/" + glob.lstrip("*/"))
        if any(secrecy(name, home) == PERSONAL for name in names):
            return _read_stop()
    if full is not None and (holds_secrets(full, home) or secrecy(full, home) == PERSONAL):
        return _read_stop()
    return None


class Secrets:
    """Follows secrets through the commands of one tool call.

    Args:
        places: The folders that paths are measured from.
    """

    def __init__(self, places: "Places") -> None:
        self._home = places.home
        self._copies: "set[str]" = set()

    def judge(self, command: "Command") -> "Stop | None":
        """Judge one command: does it read the person's secrets, or send any?"""
        read = self._level(command)
        if read and not command.is_remote:
            self._remember(command)
        sent = self._sends(command)
        if sent:
            return sent
        return _read_stop() if read == PERSONAL else None

    def _sends(self, command: "Command") -> "Stop | None":
        to_socket = any(target.startswith(("/dev/tcp/", "/dev/udp/")) for _, target in command.redirects)
        if not to_socket and not is_sender(command):
            return None
        if to_socket and (self._level(command) or _dumps_environment(command)):
            return _send_stop()
        # A name that is all of ssh's own may be a file of keys; it is used, not sent.
        if command.name != "ssh" and self._level(command):
            return _send_stop()
        sources = list(command.upstream())
        if command.fed is not None:
            sources.extend(command.fed.commands())
        if command.walk is not None:
            for argument in command.arguments:
                if not _is_header(argument):
                    for first, last in (*argument.outputs, *argument.files):
                        sources.extend(command.walk.plain(first, last, command.cwd, -1))
        if not sources:
            return None
        from guard_secret_printers import prints_secret

        return (
            _send_stop()
            if any(self._level(source) or _dumps_environment(source) or prints_secret(source) for source in sources)
            else None
        )

    def _level(self, command: "Command") -> int:
        """Say how secret what a command reads is."""
        level = 0
        for path in self._paths(command):
            full = absolute(path, command.cwd)
            if full is None:
                continue
            if full in self._copies:
                level = max(level, PROJECT)
            level = max(level, secrecy(full, self._home))
            is_folder_read = command.name in _FOLDER_READERS or (command.name in _SEARCHERS and _is_recursive(command))
            if (is_folder_read and holds_secrets(full, self._home)) or self._is_anything_in_holder(full, command):
                level = PERSONAL
        return level

    def _is_anything_in_holder(self, full: str, command: "Command") -> bool:
        folder, _, last = full.rpartition("/")
        is_anything = not last.strip("*" + UNKNOWN_TEXT) and ("*" in last or command.is_bulk)
        return is_anything and command.name in READERS and holds_secrets(folder, self._home)

    def _paths(self, command: "Command") -> "Iterable[str]":
        """Give the paths whose content a command reads."""
        found = list(command.files_in())
        names = {command.name, command.name.rstrip("0123456789.")}
        if not found and names.isdisjoint(READERS) and command.name not in SENDERS:
            return found
        if command.name in ("ssh", "git", "dig", "ping", "host"):
            return found
        skips = command.name in _WITH_IDENTITY
        previous = ""
        last_is_target = command.name in ("cp", "mv", "ln", "install", "ditto", "tee")
        arguments = command.arguments[:-1] if last_is_target and len(command.arguments) > 1 else command.arguments
        if command.name == "tee":
            return found
        for argument in arguments:
            if not (skips and previous in _NOT_CONTENT and not (previous == "-F" and command.name in ("curl", "gh"))):
                found.extend(_inside(argument))
            previous = argument
        return found

    def _remember(self, command: "Command") -> None:
        """Note where a command leaves what it read."""
        targets = [target for operator, target in command.redirects if operator[0] not in "<2"]
        if command.name in ("cp", "mv", "ln", "install", "ditto", "dd"):
            targets.extend(command.arguments[-1:])
        elif command.name in ("tar", "bsdtar", "gtar", "zip", "7z", "7za", "gpg", "openssl", "base64", "age"):
            targets.extend([argument for argument in command.arguments if not argument.startswith("-")])
        for target in targets:
            full = absolute(target.rpartition("=")[2], command.cwd)
            if full is not None and full != "/":
                self._copies.add(full)


def _is_header(argument: str) -> bool:
    """Tell whether a word is a header, where a token belongs."""
    head, colon, _ = argument.partition(":")
    return bool(colon) and head.lower() in (
        "authorization",
        "private-token",
        "x-api-key",
        "cookie",
        "api-key",
        "x-auth-token",
        "proxy-authorization",
    )


def _inside(argument: str) -> "list[str]":
    """Give the paths that a word may hold: itself, after `=`, after `@`, a `file://`."""
    found = []
    text = argument
    for mark in ("=", "@", "<"):
        _, sign, rest = text.rpartition(mark)
        if sign and rest:
            text = rest
    text = text.partition(";")[0]
    for word in (argument, text):
        path = word.removeprefix("file://").removeprefix("fileb://")
        if path and not path.startswith("-"):
            found.append(path)
    if argument.startswith("-T") and len(argument) > 2:  # noqa: PLR2004 - curl's -Tfile
        found.append(argument[2:])
    return found


def _is_recursive(command: "Command") -> bool:
    return any(
        (argument.startswith("-") and not argument.startswith("--") and ("r" in argument or "R" in argument))
        or argument in ("--recursive", "--dereference-recursive")
        for argument in command.arguments
    )


def _dumps_environment(command: "Command") -> bool:
    """Tell whether a command prints the whole environment, or a variable that is named like a secret."""
    name, arguments = command.name, command.arguments
    if name in ("set", "export", "declare", "typeset"):
        return not arguments or arguments[0] in ("-p", "-x", "-px")
    if name == "env":
        return all(argument.startswith("-") for argument in arguments)
    if name == "ps":
        return any(
            argument[:1] != "-" and "e" in argument and argument.strip("auxefwlmjsvhg") == ""
            for argument in arguments[:1]
        )
    return name == "printenv"


def is_sender(command: "Command") -> bool:
    """Tell whether a command gives what it gets to another machine."""
    name, arguments = command.name, command.arguments
    if name not in SENDERS:
        return False
    if name in ("scp", "rsync", "sftp"):
        # The last word is where it goes; a copy from another machine to this one sends nothing.
        last = arguments[-1] if arguments else ""
        is_fetched = name != "sftp" and ":" not in last
        return not is_fetched and any(":" in word and not word.startswith(("-", "/", "./")) for word in arguments)
    if name in _UPLOADERS:
        return not _UPLOADS.isdisjoint(arguments)
    if name in ("gh", "glab"):
        return arguments[:1] in (["gist"], ["api"], ["issue"], ["pr"], ["snippet"], ["release"])
    if name == "openssl":
        return arguments[:1] == ["s_client"]
    if name == "curl":
        return not any(argument in ("-K", "--config") for argument in arguments) or len(arguments) > 2  # noqa: PLR2004
    return True


def judge_printer(command: "Command") -> "Stop | None":
    """Judge a program that prints a secret; one whose output another command takes is that one's business."""
    from guard_secret_printers import KEPT_QUIET, goes_to_file, is_quiet

    if is_quiet(command) or command.name in KEPT_QUIET:
        return None
    if command.is_captured and not goes_to_file(command) and command.name not in ("security", "gpg", "gpg2"):
        return None
    return _read_stop()


def judge_shown(command: "Command") -> "Stop | None":
    """Judge a filter at the end of a pipe that a secret comes out of."""
    from guard_secret_printers import shows

    return _read_stop() if shows(command) else None


def judge_forced_add(command: "Command") -> "Stop | None":
    """Judge `git add -f` of a file that is ignored because it holds secrets."""
    for argument in command.arguments[1:]:
        full = absolute(argument, command.cwd)
        if not argument.startswith("-") and full is not None and secrecy(full, "/"):
            return Stop(
                ASK,
                "secret-send",
                "it puts a file with secrets into the repository's history, which everybody gets who clones it.",
                "commit an example without values",
                "git check-ignore -v .env",
            )
    return None


def _read_stop() -> Stop:
    return Stop(
        DENY,
        "secret-read",
        "it brings a key, a password or a token of the person into this conversation, or makes a copy of it.",
        "use the program that needs the secret, which reads it itself; see only that the file is there",
        "ls -l ~/.ssh",
    )


def _send_stop() -> Stop:
    return Stop(
        DENY,
        "secret-send",
        "it sends secrets of this machine or project to another one.",
        "send a file without secrets, such as the example file, or let the person hand the secret over",
        "cp .env.example settings-to-share.txt",
    )
