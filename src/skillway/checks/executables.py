"""Rules about how scripts are called: what is started by its own name can be started, and what is named is there."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator

from skillway.catalog import HookEntry, Plugin, Problem, Skill
from skillway.checks.markdown import own_script_calls
from skillway.checks.nearness import nearest
from skillway.checks.rules import HOOK_CHECKS, PLUGIN_CHECKS, SKILL_CHECKS, WARNING, Context, define, on

SUBJECT = "Scripts"
_DIRECT = re.compile(r"\s*(?:exec\s+)?[\"']?\$\{?(CLAUDE_SKILL_DIR|CLAUDE_PLUGIN_ROOT)\}?[\"']?/([\w./-]+)")
_DOT_SLASH = re.compile(r"\s*\./([\w-][\w./-]*\.\w+)(?=\s|$)")

MODE = define(
    "script-not-executable",
    WARNING,
    "A script that is started by its own name is executable and names its interpreter",
    subject=SUBJECT,
    why="The shell answers `Permission denied` (126). `claude plugin validate` of 2.1.197 does not look; the build gives "
    "the mode to files that start with #!, but a checkout and other people's plugins have it from git alone.",
    bad="bin/triage with mode 0644",
    good="git update-index --chmod=+x bin/triage",
)
BARE = define(
    "script-named-missing",
    WARNING,
    "A script that a skill calls by a path of its own folder is there",
    subject=SUBJECT,
    why="The model runs what it reads, and the command fails in front of the user.",
    bad="Run `python3 scripts/tirage.py`.   (the file is scripts/triage.py)",
    good="Run `python3 scripts/triage.py`.",
)


@on(PLUGIN_CHECKS)
def find_programs_without_mode(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look at bin/, which is on the PATH of the Bash tool."""
    for file in plugin.files:
        if file.path.startswith("bin/") and file.path.count("/") == 1 and not posixpath.splitext(file.path)[1]:
            yield from _mode_problem(plugin, file.path, "is on the PATH")


@on(SKILL_CHECKS)
def find_scripts_without_mode(skill: Skill, context: Context) -> Iterator[Problem]:
    """Look at each line of code that starts one of the skill's own files without an interpreter."""
    for command in own_script_calls(skill.body):
        is_mention = not command.is_in_block and not re.search(r"\S\s+\S", command.text.strip())
        path = None if is_mention else _called(command.text, skill, context)
        if path:
            yield from _mode_problem(context.plugin, path, f"is started by {skill.name}")


def _called(command: str, skill: Skill, context: Context) -> str | None:
    direct = _DIRECT.match(command)
    folder = skill.path.rpartition("/")[0]
    if direct:
        installed = (
            direct[2] if direct[1] == "CLAUDE_PLUGIN_ROOT" else context.plugin.installed_path(f"{folder}/{direct[2]}")
        )
        return context.installed.get(posixpath.normpath(installed))
    dot = _DOT_SLASH.match(command)
    return (
        context.installed.get(posixpath.normpath(context.plugin.installed_path(f"{folder}/{dot[1]}"))) if dot else None
    )


@on(HOOK_CHECKS)
def find_hooks_without_mode(hook: HookEntry, context: Context) -> Iterator[Problem]:
    """Look at a hook that starts a file of the plugin by its own name."""
    direct = _DIRECT.match(hook.command) if isinstance(hook.command, str) else None
    source = context.installed.get(direct[2]) if direct else None
    if source:
        yield from _mode_problem(context.plugin, source, f"is started by a {hook.event} hook")


def _mode_problem(plugin: Plugin, path: str, why: str) -> Iterator[Problem]:
    file = next((file for file in plugin.files if file.path == path), None)
    if file is None or file.is_executable or sys.platform == "win32":
        return
    message = f"{path} {why}, and it is not executable"
    fix = f"Make it so: git update-index --chmod=+x {path}"
    yield MODE.at(file.absolute, message, fix, seen="not executable", expected="mode 0755")


@on(SKILL_CHECKS)
def find_missing_named_scripts(skill: Skill, context: Context) -> Iterator[Problem]:
    """Look at paths such as scripts/x.py that a skill's text calls without saying from where."""
    folder = skill.path.rpartition("/")[0]
    own = {file.path[len(folder) :].lstrip("/") for file in context.plugin.files if file.path.startswith(folder)}
    for call in own_script_calls(skill.body):
        for path, is_command in call.named:
            if path in own or path in context.installed:
                continue
            known = [name for name in own if name.startswith(path.partition("/")[0] + "/")]
            near = nearest(path, known, cutoff=0.8)
            if not near and not (is_command and known):
                continue  # a folder that the skill does not have is probably the user's
            message = f"The skill calls {path}, and its folder has no such file"
            fix = f"Write {near}." if near else "Add the file or mend the path."
            line = skill.body_line + call.line - 1
            yield BARE.at(skill.file, message, fix, line=line, seen=path, expected=near)
