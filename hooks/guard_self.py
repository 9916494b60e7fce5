"""Does a tool call take the guard, or the policy that starts it, out of service?

Three kinds of files: the guard's own folders, which nobody but its installation writes; the settings that start it;
the project's file that makes it stricter. Leaves which files a command writes to `guard_written.py`, and Claude Code's
own switches to `guard_claude.py`.
"""

from guard_decision import ASK, DENY, Stop
from guard_paths import absolute, is_inside
from guard_policy import PROJECT_FILE
from guard_simple import UNKNOWN_TEXT
from guard_written import written
from payload import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

    Change = tuple[str, str]

_POLICIES = (
    "/etc/claude-code",
    "/Library/Application Support/ClaudeCode",
    "/opt/skillway",
    "/Library/Application Support/skillway",
    "/etc/skillway",
    "/Library/Application Support/skillway-config",
    "/Library/Managed Preferences/com.anthropic.claudecode.plist",
    "/usr/lib/ClaudeCode",
)
_IN_HOME = (".claude/plugins", ".local/share/skillway", "Library/Application Support/skillway")
_SETTINGS = ("settings.json", "settings.local.json")
_SWITCH = '"disableAllHooks"'
_HOOK_WORDS = ("hooks", "PreToolUse", "PostToolUse", "SessionStart", "skillway", "bin/run")
_PREFERENCES = "com.anthropic.claudecode"
_ENDING = frozenset([
    "stop", "disable", "mask", "kill", "unload", "bootout", "remove", "uninstall", "purge", "delete", "erase", "autoremove", "rm", "--remove", "-R", "-e", "-r", "--purge", "/delete", "/end", "--forget",
])  # fmt: skip
_SERVICES = frozenset([
    "systemctl", "launchctl", "service", "apt", "apt-get", "aptitude", "dpkg", "dnf", "yum", "rpm", "zypper", "pacman", "brew", "pip", "pip3", "pipx", "npm", "uv", "rc-service", "sc", "schtasks", "pkgutil",
    "msiexec", "winget", "choco", "snap", "flatpak", "installer",
])  # fmt: skip
_MAX_BYTES = 1 << 16


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


def judge_written_file(
    path: str, changes: "Sequence[Change]", cwd: str, folders: "list[str]", home: str
) -> "Stop | None":
    """Judge a file that a tool writes, moves or deletes.

    Args:
        path: The file.
        changes: Pairs of the text that is replaced, or "" for the whole file, and the text in its place; none when the
            tool takes the file away.
        cwd: The session's working directory.
        folders: `own_folders`.
        home: The user's home.
    """
    full = absolute(path.replace("~", home, 1) if path.startswith("~/") else path, cwd)
    if full is None:
        return None
    if any(is_inside(full, folder) for folder in folders):
        return _stop()
    if full.endswith("/" + PROJECT_FILE):
        return None if changes and all(_tightens(old, new, full) for old, new in changes) else _tightening_question()
    if not _is_settings(full):
        return None
    if any(_switches_off(new) or _disables_plugin(old, new) for old, new in changes):
        return _stop()
    if full.rpartition("/")[0] != home + "/.claude":
        return None
    return None if changes and all(_keeps_hooks(old, new) for old, new in changes) else _settings_question()


def _is_settings(full: str) -> bool:
    folder, _, last = full.rpartition("/")
    return last in _SETTINGS and folder.endswith("/.claude")


def _switches_off(text: str) -> bool:
    return any(rest.lstrip(" \t\r\n:").startswith("true") for rest in text.split(_SWITCH)[1:])


def _quoted_words(text: str) -> "frozenset[str]":
    return frozenset(text.split('"')[1::2])


def _disables_plugin(old: str, new: str) -> bool:
    """Tell whether a plugin, which is named `plugin@marketplace`, is set to false, or goes."""
    for name in _quoted_words(new):
        if "@" in name and new.partition('"' + name + '"')[2].lstrip(" \t\r\n:").startswith("false"):
            return True
    gone = _quoted_words(old) - _quoted_words(new)
    return any(
        "@" in name and old.partition('"' + name + '"')[2].lstrip(" \t\r\n:").startswith("true") for name in gone
    )


def _keeps_hooks(old: str, new: str) -> bool:
    """Tell whether the hooks stay that a text has; a whole file must have some."""
    if any(_is_emptied(word, new) for word in ("hooks", "PreToolUse")):
        return False
    if not old:
        return '"hooks"' in new
    return not any(word in old and word not in new for word in _HOOK_WORDS)


def _is_emptied(word: str, text: str) -> bool:
    value = text.partition('"' + word + '"')[2].lstrip(" \t\r\n:")
    return "".join(value[:8].split())[:2] in ("{}", "[]") or value.startswith("null")


def _tightens(old: str, new: str, full: str) -> bool:
    """Tell whether the project's file is at least as strict with a change as without it."""
    before = old or (read_file(full, _MAX_BYTES) or b"").decode("utf-8", "replace")
    if not _quoted_words(before) <= _quoted_words(new):
        return False
    return bool(old) or (
        '"schema"' in new
        and any('"' in new.partition('"' + key + '"')[2].partition("[")[2] for key in ("deny", "rules"))
    )


def judge_command(command: "Command", folders: "list[str]", home: str) -> "Stop | None":
    """Judge a command that writes into the guard's folders, its settings or its project's file."""
    if command.is_remote:
        return None
    if _ends_service(command) or _changes_preferences(command) or _programs_switch(command):
        return _stop()
    found = None
    for target in written(command):
        full = absolute(target, command.cwd)
        if full is None:
            continue
        if any(is_inside(full, folder) for folder in folders):
            return _stop()
        if full.endswith("/" + PROJECT_FILE) and command.name != "touch":
            text = _known_text(command)
            found = None if text is not None and _tightens("", text, full) else _tightening_question()
        elif (
            full.endswith("/.claude")
            and command.name in ("rm", "mv", "rmdir")
            and read_file(full + "/skillway-guard.json", _MAX_BYTES)
        ):
            found = _tightening_question()
        elif _is_settings(full):
            stop = _judge_settings(command, full, home)
            if stop is not None and stop.decision == DENY:
                return stop
            found = found or stop
    return found


def _judge_settings(command: "Command", full: str, home: str) -> "Stop | None":
    text = _known_text(command)
    if "disableAllHooks" in " ".join(command.arguments) or _switches_off(text or command.stdin()):
        return _stop()
    if full.rpartition("/")[0] != home + "/.claude" or command.name == "touch":
        return None
    return None if text is not None and _keeps_hooks("", text) else _settings_question()


def _known_text(command: "Command") -> "str | None":
    """Give the text that a here-document, echo or tee puts into its file; None when it is not plain to see."""
    if command.name in ("echo", "printf"):
        text = " ".join(command.arguments)
    elif command.name in ("cat", "tee") and (command.name == "tee" or not command.arguments):
        text = command.stdin()
    else:
        return None
    return text if text and UNKNOWN_TEXT not in text else None


def _ends_service(command: "Command") -> bool:
    """Tell whether a command ends or removes the program that keeps the guard up to date."""
    if not any("skillway" in argument for argument in command.arguments):
        return False
    if command.name in ("pkill", "killall"):
        return True
    return command.name in _SERVICES and not _ENDING.isdisjoint(command.arguments)


def _changes_preferences(command: "Command") -> bool:
    """Tell whether a command changes what macOS or Windows keeps for Claude Code."""
    words = command.arguments
    if command.name == "defaults":
        return words[:1] in (["write"], ["delete"], ["import"], ["rename"]) and any(
            _PREFERENCES in word for word in words
        )
    if command.name in ("reg", "remove-itemproperty", "set-itemproperty", "new-itemproperty"):
        return any("claudecode" in word.lower() for word in words) and words[:1] != ["query"]
    return False


def _settings_question() -> Stop:
    return Stop(
        ASK,
        "settings-write",
        "it replaces the person's settings, which may switch hooks and permissions off, with something that is not seen here.",
        "change the one setting with the file-editing tool, or look at the settings",
        "cat ~/.claude/settings.json",
    )


def _tightening_question() -> Stop:
    return Stop(
        ASK,
        "settings-write",
        "it takes back what makes the guard stricter in this project.",
        "leave the file to the project's owners; it can be read",
        "cat .claude/skillway-guard.json",
    )


def _stop() -> Stop:
    return Stop(
        DENY,
        "guard-tampering",
        "it changes what keeps the organisation's guard and policy in force on this laptop.",
        "if a rule is in the way, say which one to the person, who can ask its owners; the settings can be read",
        "cat ~/.claude/settings.json",
    )


_WRITE_WORDS = ("w'", 'w"', "write", "dump(", "sponge", "in-place")


def _programs_switch(command: "Command") -> bool:
    """Tell whether a program text, of an interpreter or of jq, sets the switch of the hooks in some settings."""
    text = " ".join(command.arguments) + command.stdin()
    if "disableAllHooks" not in text or "settings" not in text:
        return False
    if command.name in ("jq", "yq", "gojq", "jaq"):
        filtered = text.replace("==", "").replace("!=", "")
        return "=" in filtered.partition("disableAllHooks")[2][:12]
    is_interpreter = command.name.rstrip("0123456789.") in ("python", "node", "ruby", "perl", "php", "deno", "bun")
    return is_interpreter and any(word in text for word in _WRITE_WORDS)
