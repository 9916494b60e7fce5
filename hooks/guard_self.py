"""Does a tool call take the guard, or the policy that starts it, out of service?"""

from guard_decision import ASK, DENY, Stop
from guard_options import read_options
from guard_paths import absolute, is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_paths import Places
    from guard_walk import Command

_POLICIES = (
    "/etc/claude-code",
    "/Library/Application Support/ClaudeCode",
    "/opt/skillway",
    "/Library/Application Support/skillway",
    "/etc/skillway",
    "/Library/Application Support/skillway-config",
)
_IN_HOME = (".claude/plugins", ".local/share/skillway", "Library/Application Support/skillway")
_ALL_OPERANDS = frozenset(
    ["rm", "mv", "unlink", "rmdir", "truncate", "tee", "chmod", "chown", "shred", "chattr", "chflags"]
)
_LAST_OPERAND = frozenset(["cp", "ln", "install", "rsync", "ditto"])
_EDITORS = frozenset(["sed", "gsed", "perl"])
_WRITERS = _ALL_OPERANDS | _LAST_OPERAND | _EDITORS | {"dd"}
_SETTINGS = ("settings.json", "settings.local.json")
_SWITCH = '"disableAllHooks"'


def own_folders(home: str, hooks_folder: str) -> "list[str]":
    """List the folders that the guard and its policy live in.

    Args:
        home: The user's home.
        hooks_folder: Where the running guard's files are; the laptop's root is found from it.
    """
    folders = [*_POLICIES, *(home + "/" + place for place in _IN_HOME)]
    root, is_installed, _ = hooks_folder.partition("/store/")
    if is_installed:
        root = absolute(root, None) or root
        folders.append(root)
    return folders


def judge_written_file(path: str, added: "list[str]", cwd: str, folders: "list[str]") -> "Stop | None":
    """Judge a file that a tool writes.

    Args:
        path: The file.
        added: The texts that the tool puts into it.
        cwd: The session's working directory.
        folders: `own_folders`.
    """
    full = absolute(path, cwd)
    if full is None:
        return None
    if any(is_inside(full, folder) for folder in folders):
        return _stop()
    is_settings = full.rpartition("/")[2] in _SETTINGS and full.rpartition("/")[0].endswith("/.claude")
    return _stop() if is_settings and any(_switches_off(text) for text in added) else None


def _switches_off(text: str) -> bool:
    return any(rest.lstrip(" \t\r\n:").startswith("true") for rest in text.split(_SWITCH)[1:])


def _is_known_text(command: "Command") -> bool:
    """Tell whether what is written is plain to see, and only added or created: a here-document, an echo."""
    return command.name in ("cat", "echo", "printf", "tee", "install") and not (
        command.name == "tee" and command.upstream() and not command.stdin()
    )


def _settings_question() -> Stop:
    return Stop(
        ASK,
        "settings-write",
        "it replaces the person's settings, which may switch hooks and permissions off, with something that is not seen here.",
        "change the one setting with the file-editing tool, or look at the settings",
        "cat ~/.claude/settings.json",
    )


def judge_command(command: "Command", folders: "list[str]", home: str) -> "Stop | None":
    """Judge a command that writes into the guard's folders, or settings that switch hooks off."""
    if command.is_remote:
        return None
    found = None
    targets: "list[str]" = [target for operator, target in command.redirects if operator != "<>"]
    if command.name in _WRITERS:
        targets.extend(_written(command))
    for target in targets:
        full = absolute(target, command.cwd)
        if full is None:
            continue
        if any(is_inside(full, folder) for folder in folders):
            return _stop()
        if full.endswith(_SETTINGS) and full.rpartition("/")[0] == home + "/.claude" and not _is_known_text(command):
            found = _settings_question()
        if full.endswith(_SETTINGS) and "/.claude/" in full and "disableAllHooks" in " ".join(command.arguments):
            return _stop()
        if full.endswith(_SETTINGS) and "/.claude/" in full and _switches_off(command.stdin()):
            return _stop()
    return found


def _written(command: "Command") -> "Sequence[str]":
    name = command.name
    operands = [argument for argument in command.arguments if not argument.startswith("-")]
    if name == "mv":
        return operands
    if name == "dd":
        return [argument[3:] for argument in command.arguments if argument.startswith("of=")]
    if name in _LAST_OPERAND:
        return operands[-1:]
    if name in _EDITORS:
        edits = any(argument.startswith(("-i", "--in-place", "-pi", "-ni")) for argument in command.arguments)
        return operands[1:] if edits else []
    return operands


def _stop() -> Stop:
    return Stop(
        DENY,
        "guard-tampering",
        "it changes what keeps the organisation's guard and policy in force on this laptop.",
        "if a rule is in the way, say which one to the person, who can ask its owners; the settings can be read",
        "cat ~/.claude/settings.json",
    )


def judge_claude(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Claude Code's own CLI: switching plugins off."""
    _, words = read_options(command.arguments, "", frozenset())
    if words[:1] not in (["plugin"], ["plugins"]) or words[1:2] not in (["disable"], ["uninstall"], ["remove"]):
        return None
    return Stop(
        DENY,
        "plugin-off",
        "plugins may be part of what the organisation put on this laptop.",
        "look at what is installed",
        "claude plugin list",
    )
