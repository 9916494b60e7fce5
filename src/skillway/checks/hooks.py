"""Rules about hooks, wherever they are wired: events, commands, matchers, timeouts, and the scripts they start."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from skillway.catalog import HookEntry, Problem
from skillway.catalog.jsonfiles import FRAGMENTS_FOLDER
from skillway.checks.frontmatter_keys import TOOLS
from skillway.checks.nearness import nearest
from skillway.checks.rules import ERROR, HOOK_CHECKS, WARNING, Context, define, on

SUBJECT = "Hooks"
EVENTS_OF_2_1_197 = frozenset(
    [
        *("PreToolUse", "PostToolUse", "Notification", "UserPromptSubmit", "Stop", "SubagentStop", "PreCompact"),
        *("SessionStart", "SessionEnd"),
        *("PostToolUseFailure", "PostToolBatch", "UserPromptExpansion", "StopFailure", "SubagentStart", "PostCompact"),
        *("PermissionRequest", "PermissionDenied", "Setup", "TeammateIdle", "TaskCreated", "TaskCompleted"),
        *("Elicitation", "ElicitationResult", "ConfigChange", "WorktreeCreate", "WorktreeRemove", "CwdChanged"),
        *("InstructionsLoaded", "FileChanged", "MessageDisplay"),
    ]
)
"""Events that 2.1.197 knows: in a plugin's hooks.json none of them costs the other hooks (observed)."""

NEWER_EVENTS = frozenset({"PreModelSwitch", "PostModelSwitch", "DirectoryAdded"})
"""Events that came after 2.1.197 and that 2.1.328 has."""

HOOK_KEYS = frozenset(
    [
        *(
            "type",
            "command",
            "args",
            "timeout",
            "async",
            "asyncRewake",
            "if",
            "once",
            "statusMessage",
            "shell",
            "prompt",
        ),
        *("model", "url", "headers", "allowedEnvVars", "server", "tool", "input", "description", "name"),
    ]
)
"""Every key that a hook of some type has."""

_TOOL_EVENTS = frozenset({"PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "PermissionDenied"})
KINDS = ("command", "prompt", "agent", "http", "mcp_tool")
MAX_TIMEOUT_SECONDS = 600
SESSION_END_SECONDS = 1.5
_SAFE_FORM = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" NAME'
_BLOCKING_WHEN_MISSING = re.compile(r"(?:.*/)?(?:sh|dash|ash|ksh|python|python\d+(?:\.\d+)?|pypy3?|perl)(?:\.exe)?\Z")
_TESTED = re.compile(r"(?:\[|\btest)\s+-[refsx]\s")
_OWN_PATH = re.compile(r"\$\{?CLAUDE_PLUGIN_ROOT\}?\"?/([^\s\"';&|)<>]+)")
_JS_NAMED_GROUP = re.compile(r"\(\?<(?=[A-Za-z_])")
_NOT_JAVASCRIPT = re.compile(r"\(\?[aiLmsux]|\(\?P[<=]|\(\?>|\(\?\(|[*+?}]\+")

EVENT = define(
    "hook-event",
    ERROR,
    "A hook's event is one that Claude Code has",
    subject=SUBJECT,
    why="An unknown event in a hooks.json drops all hooks of the plugin on 2.1.197 (observed), silently.",
    bad='{"hooks": {"PreToolCall": [ … ]}}',
    good='{"hooks": {"PreToolUse": [ … ]}}',
)
EVENT_NEW = define(
    "hook-event-new",
    ERROR,
    "hooks.json uses only events that 2.1.197 knows",
    subject=SUBJECT,
    why="A client that does not know the event drops all hooks of the plugin; in a settings fragment it only ignores "
    "that entry (observed with 2.1.197), so newer events belong there.",
    bad='base-plugin/hooks/hooks.json: {"hooks": {"PostModelSwitch": [ … ]}}',
    good='base-plugin/settings/managed-settings.d/hooks.json: {"hooks": {"PostModelSwitch": [ … ]}}',
    outside=None,
)
COMMAND_MISSING = define(
    "hook-command-missing",
    ERROR,
    "A hook says what it runs",
    subject=SUBJECT,
    why="Claude Code refuses a hooks.json with a hook that has no known type or no command, and loads none of it.",
    bad='{"type": "command"}',
    good='{"type": "command", "command": "…"}',
)
COMMAND_FORM = define(
    "hook-command-form",
    ERROR,
    "A missing script cannot lock anybody out",
    subject=SUBJECT,
    why="sh FILE and python3 FILE exit with 2 when FILE is missing, and 2 blocks: every tool call of every user would "
    "be refused until restart (observed with 2.1.197 and 2.1.328). Test for the file first.",
    bad='"command": "python3 ${CLAUDE_PLUGIN_ROOT}/hooks/usage.py"',
    good='"command": "' + _SAFE_FORM.replace('"', '\\"').replace("NAME", "usage") + '"',
    outside=WARNING,
)
SCRIPT_MISSING = define(
    "hook-script-missing",
    ERROR,
    "The script that a hook starts exists",
    subject=SUBJECT,
    why="Claude Code checks this in no mode of `claude plugin validate` on 2.1.197; the hook then fails open or blocks "
    "every call, by its form.",
    bad='exec /bin/sh "$f" usgae   (there is no hooks/usgae.py)',
    good='exec /bin/sh "$f" usage',
)
EXEC_FORM = define(
    "hook-exec-form",
    ERROR,
    "In the exec form the command is one program and its arguments stand in args",
    subject=SUBJECT,
    why="With `args` no shell takes the command apart: Claude Code looks for a program whose name has blanks in it, finds "
    "none, and the hook fails open.",
    bad='{"type": "command", "command": "python3 -I check.py", "args": []}',
    good='{"type": "command", "command": "python3", "args": ["-I", "check.py"]}',
    outside=WARNING,
)
KEY_UNKNOWN = define(
    "hook-key-unknown",
    WARNING,
    "Every key of a hook is spelt as Claude Code spells it",
    subject=SUBJECT,
    why="A misspelt key is ignored in silence: with `timout` the hook has the default of 60 seconds.",
    bad='{"type": "command", "command": "…", "timout": 5}',
    good='{"type": "command", "command": "…", "timeout": 5}',
)
MATCHER_TOOL = define(
    "hook-matcher-tool",
    WARNING,
    "A matcher of a tool's event names a tool that there is",
    subject=SUBJECT,
    why="Names count to the letter; a matcher `bash` matches no call, and the hook never runs.",
    bad='"PreToolUse": [{"matcher": "bash", …}]',
    good='"PreToolUse": [{"matcher": "Bash", …}]',
)
MATCHER = define(
    "hook-matcher",
    ERROR,
    "A matcher is a regular expression",
    subject=SUBJECT,
    why="A matcher that does not compile matches nothing, so the hook never runs, and nothing says so.",
    bad='"matcher": "Bash(("',
    good='"matcher": "Bash|Write"',
)
TIMEOUT = define(
    "hook-timeout",
    ERROR,
    "A timeout is a positive number of seconds",
    subject=SUBJECT,
    why="Claude Code refuses a hooks.json with a timeout of another type, and loads none of it.",
    bad='"timeout": "10s"',
    good='"timeout": 10',
)
TIMEOUT_AT_END = define(
    "hook-timeout-session-end",
    WARNING,
    f"A plugin's SessionEnd hook asks for no more than {SESSION_END_SECONDS} seconds",
    subject=SUBJECT,
    why="Claude Code stops a plugin's SessionEnd hooks after that time whatever their timeout says (observed with 2.1.197 "
    "and 2.1.328); in a settings fragment a longer one counts.",
    bad='"SessionEnd": [{"hooks": [{"type": "command", "command": "…", "timeout": 30}]}]',
    good='"SessionEnd": [{"hooks": [{"type": "command", "command": "…", "timeout": 1}]}]',
)
TIMEOUT_LONG = define(
    "hook-timeout-long",
    WARNING,
    f"A timeout is at most {MAX_TIMEOUT_SECONDS} seconds",
    subject=SUBJECT,
    why="The unit is seconds. 10000 is nearly three hours in which a hanging hook holds the session.",
    bad='"timeout": 10000',
    good='"timeout": 10',
)


@on(HOOK_CHECKS)
def find_bad_event(hook: HookEntry, context: Context) -> Iterator[Problem]:
    """Look at the event's name, and whether it may stand in this file."""
    if hook.event in EVENTS_OF_2_1_197:
        return
    if hook.event not in NEWER_EVENTS:
        near = nearest(hook.event, EVENTS_OF_2_1_197 | NEWER_EVENTS, cutoff=0.6)
        fix = f"Write {near}." if near else "Use an event of code.claude.com/docs/en/hooks."
        message = f"There is no hook event {hook.event!r}"
        yield EVENT.at(hook.file, message, fix, line=hook.line, seen=hook.event, expected=near)
    elif context.plugin.is_layered and not is_in_settings(hook):
        message = f"Clients that do not know {hook.event} yet drop every hook of this file"
        fix = "Move the entry to base-plugin/settings/managed-settings.d/."
        yield EVENT_NEW.at(hook.file, message, fix, line=hook.line, seen=hook.event, expected="an event of 2.1.197")


def is_in_settings(hook: HookEntry) -> bool:
    """Tell whether a hook is wired by a settings fragment."""
    return FRAGMENTS_FOLDER in hook.file.as_posix()


@on(HOOK_CHECKS)
def find_missing_command(hook: HookEntry, _context: Context) -> Iterator[Problem]:
    """Look for a hook without a known type, and a command hook without a command."""
    if hook.kind not in KINDS:
        near = nearest(str(hook.kind), KINDS)
        message = "The hook has no type" if hook.kind is None else f"There is no hook type {hook.kind!r}"
        fix = f'Write "type": "{near or "command"}".'
        yield COMMAND_MISSING.at(hook.file, message, fix, line=hook.line, seen=hook.kind, expected=", ".join(KINDS))
    elif hook.kind == "command" and not (isinstance(hook.command, str) and hook.command.strip()):
        message = "The hook is of type command and has none"
        yield COMMAND_MISSING.at(
            hook.file, message, 'Add "command": "…".', line=hook.line, seen=hook.command, expected="a text"
        )


@on(HOOK_CHECKS)
def find_unsafe_command(hook: HookEntry, _context: Context) -> Iterator[Problem]:
    """Look for commands that exit with 2, and so block, when their script is gone."""
    if isinstance(hook.command, str) and starts_script_untested(hook.command, hook.args):
        message = "When the script is missing this command exits with 2, which blocks the user"
        yield COMMAND_FORM.at(
            hook.file, message, f"Write it as: {_SAFE_FORM}", line=hook.line, seen=hook.command, expected=_SAFE_FORM
        )


def starts_script_untested(command: str, args: object = None) -> bool:
    """Tell whether a command hands a script file to an interpreter without looking first whether it is there."""
    if isinstance(args, list):
        words = [command, *(str(word) for word in args)]
    else:
        if _TESTED.search(command):
            return False
        words = _first_command(command)
    while words and words[0] in ("exec", "command", "env", "/usr/bin/env", "nohup", "time"):
        words = words[1:]
    words = [word for word in words if not re.match(r"\w+=", word)]
    if len(words) < 2 or not _BLOCKING_WHEN_MISSING.match(words[0]):  # noqa: PLR2004 - a program and its script
        return False
    script = next((word for word in words[1:] if not word.startswith("-")), None)
    runs_text = any(re.match(r"-[A-Za-z]*[cme]$", word) for word in words[1:])
    return script is not None and not runs_text


def _first_command(command: str) -> list[str]:
    """Give the words of a shell text's first command that is no assignment, as well as they can be told apart."""
    for part in re.split(r"&&|\|\||[;\n|]", command):
        try:
            words = shlex.split(part)
        except ValueError:
            words = part.split()
        if any(not re.match(r"\w+=", word) for word in words):
            return words
    return []


@on(HOOK_CHECKS)
def find_missing_script(hook: HookEntry, context: Context) -> Iterator[Problem]:
    """Look whether the hook or file that a command names is there."""
    if not isinstance(hook.command, str):
        return
    args = hook.args if isinstance(hook.args, list) else []
    text = " ".join([hook.command, *(str(word) for word in args)])
    if hook.wired and context.catalog.has_hooks_folder and context.plugin.is_layered:
        known = {file.path.removesuffix(".py") for file in context.catalog.hook_files if file.path.endswith(".py")}
        if hook.wired not in known:
            near = nearest(hook.wired, known, cutoff=0.6)
            message = f"The command starts the hook {hook.wired}, and hooks/ has no {hook.wired}.py"
            fix = f"Write {near}, or add hooks/{hook.wired}.py." if near else f"Add hooks/{hook.wired}.py."
            yield SCRIPT_MISSING.at(hook.file, message, fix, line=hook.line, seen=hook.wired, expected=near)
    for path in _OWN_PATH.findall(text):
        copied_in = path == "hooks/run" and context.plugin.is_layered
        if not copied_in and "$" not in path and "*" not in path and path.rstrip("/") not in context.installed:
            message = f"The command names {path}, which the plugin does not have"
            yield SCRIPT_MISSING.at(hook.file, message, "Add the file or mend the path.", line=hook.line, seen=path)


@on(HOOK_CHECKS)
def find_bad_matcher(hook: HookEntry, _context: Context) -> Iterator[Problem]:
    """Look for matchers that JavaScript cannot compile."""
    fault = matcher_fault(hook.matcher)
    if fault:
        message = f"The matcher {hook.matcher!r} {fault}"
        fix = "Write tool names joined by |, for example Bash|Write."
        yield MATCHER.at(hook.file, message, fix, line=hook.line, seen=hook.matcher, expected="a regular expression")


def matcher_fault(matcher: object) -> str | None:
    """Say why a matcher does not work, or None when it does; an empty one and `*` match everything."""
    if matcher is None or matcher in ("", "*"):
        return None
    if not isinstance(matcher, str):
        return "is no text"
    if _NOT_JAVASCRIPT.search(matcher.replace("\\\\", "")) and "\\" not in matcher:
        return "uses something that JavaScript's regular expressions do not have"
    try:
        re.compile(_JS_NAMED_GROUP.sub("(?P<", matcher))
    except re.error as error:
        # JavaScript looks behind over any width, and reads a class that Python finds ambiguous.
        return None if "look-behind" in str(error) else f"is no regular expression: {error}"
    except (RecursionError, OverflowError):
        return "is too large to be meant"
    return None


@on(HOOK_CHECKS)
def find_bad_timeout(hook: HookEntry, _context: Context) -> Iterator[Problem]:
    """Look for timeouts that are no positive number, or far too long."""
    timeout = hook.timeout
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        message = f"The timeout {timeout!r} is no positive number of seconds"
        yield TIMEOUT.at(
            hook.file, message, 'Write "timeout": 10.', line=hook.line, seen=repr(timeout), expected="seconds"
        )
    elif hook.event == "SessionEnd" and timeout > SESSION_END_SECONDS and not is_in_settings(hook):
        message = f"The timeout is {timeout} seconds, and Claude Code stops the hook after {SESSION_END_SECONDS}"
        fix = 'Write "timeout": 1, or wire the hook in a settings fragment.'
        expected = f"at most {SESSION_END_SECONDS}"
        yield TIMEOUT_AT_END.at(hook.file, message, fix, line=hook.line, seen=timeout, expected=expected)
    elif timeout > MAX_TIMEOUT_SECONDS:
        message = f"The timeout is {timeout} seconds"
        fix = f'Write seconds, not milliseconds: "timeout": {max(1, int(timeout) // 1000)}.'
        expected = f"at most {MAX_TIMEOUT_SECONDS}"
        yield TIMEOUT_LONG.at(hook.file, message, fix, line=hook.line, seen=timeout, expected=expected)


@on(HOOK_CHECKS)
def find_bad_form(hook: HookEntry, context: Context) -> Iterator[Problem]:
    """Look for a whole command line in the exec form, and for misspelt keys."""
    if isinstance(hook.command, str) and isinstance(hook.args, list) and re.search(r"\S\s+\S", hook.command.strip()):
        own = _OWN_PATH.search(hook.command)
        if not (own and own[0] == hook.command.strip() and own[1] in context.installed):
            message = "The hook has args, so its command is one program's name, and that holds blanks"
            fix = "Move every word but the first to args."
            yield EXEC_FORM.at(hook.file, message, fix, line=hook.line, seen=hook.command, expected="one program")
    for key in hook.keys:
        near = nearest(key, HOOK_KEYS) if key not in HOOK_KEYS else None
        if near:
            message = f"Claude Code does not know the key {key!r} of a hook and ignores it"
            yield KEY_UNKNOWN.at(hook.file, message, f"Write {near}.", line=hook.line, seen=key, expected=near)


@on(HOOK_CHECKS)
def find_unknown_tool(hook: HookEntry, _context: Context) -> Iterator[Problem]:
    """Look at the names in a matcher that is a plain list of tools."""
    if hook.event not in _TOOL_EVENTS or not isinstance(hook.matcher, str):
        return
    for name in re.split(r"\s*\|\s*", hook.matcher.strip()):
        if re.fullmatch(r"[A-Za-z]+", name) and name not in TOOLS:
            near = nearest(name, TOOLS, cutoff=0.7)
            message = f"The matcher names {name!r}, and there is no such tool"
            fix = f"Write {near}." if near else "Name a tool of Claude Code."
            yield MATCHER_TOOL.at(hook.file, message, fix, line=hook.line, seen=hook.matcher, expected=near)
