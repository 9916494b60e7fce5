"""Rules about settings fragments: which variables they may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from skillway.catalog import Problem, SettingsFragment
from skillway.checks.rules import ERROR, FRAGMENT_CHECKS, Context, define, on

SUBJECT = "Settings fragments"
VARIABLE = "SKILLWAY_ROOT"
_REFERENCE = re.compile(r"\$\{(\w+)\}")

SETTINGS_VARIABLE = define(
    "settings-variable",
    ERROR,
    "A settings fragment uses no variable but ${SKILLWAY_ROOT}",
    subject=SUBJECT,
    why="Sync replaces that one variable by a path. ${CLAUDE_PLUGIN_ROOT} in a managed hook is refused by Claude Code, "
    "and the hook fails open (observed with 2.1.197 and 2.1.328).",
    bad='"command": "f=\\"${CLAUDE_PLUGIN_ROOT}/hooks/run\\"; …"',
    good='"command": "f=\\"${SKILLWAY_ROOT}/bin/run\\"; …"',
    outside=None,
)


@on(FRAGMENT_CHECKS)
def find_bad_variables(fragment: SettingsFragment, _context: Context) -> Iterator[Problem]:
    """Look for variables that nothing will replace; a shell's own, in a command or in a deny pattern, are fine."""
    for path, text in _texts(fragment.content, ()):
        for name in _REFERENCE.findall(text):
            is_meant_for_us = name.startswith(("CLAUDE_", "SKILLWAY_")) or path[:1] == ("env",)
            if name != VARIABLE and is_meant_for_us:
                line = next(
                    (fragment.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in fragment.lines), 1
                )
                message = f"The settings fragment uses ${{{name}}}, which nothing replaces"
                fix = f"Use ${{{VARIABLE}}} or an absolute path."
                yield SETTINGS_VARIABLE.at(
                    fragment.path, message, fix, line=line, seen=f"${{{name}}}", expected=f"${{{VARIABLE}}}"
                )


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
