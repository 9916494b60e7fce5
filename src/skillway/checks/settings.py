"""Rules about settings fragments: keys, types, permission rules, and which variables they may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from skillway.catalog import Problem, SettingsFragment
from skillway.checks.frontmatter_keys import TOOLS
from skillway.checks.nearness import nearest
from skillway.checks.rules import ERROR, FRAGMENT_CHECKS, WARNING, Context, define, on
from skillway.checks.settings_keys import KEYS, PERMISSION_KEYS, PERMISSION_LISTS
from skillway.checks.tool_names import is_tool, pattern_fault

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
KEY_UNKNOWN = define(
    "settings-key-unknown",
    WARNING,
    "Every key of a settings fragment is one that Claude Code knows",
    subject=SUBJECT,
    why="An unknown key is ignored in silence: what stands under `permisions` forbids nothing. A key of a client that is "
    "newer than this list is no fault.",
    bad='{"permisions": {"deny": ["Bash(mkfs:*)"]}}',
    good='{"permissions": {"deny": ["Bash(mkfs:*)"]}}',
    outside=None,
)
TYPE = define(
    "settings-type",
    ERROR,
    "Permissions are lists of texts, and env maps names to texts",
    subject=SUBJECT,
    why="Claude Code drops a value of another type, so what it should forbid is allowed on every laptop.",
    bad='{"permissions": {"deny": "Bash(mkfs:*)"}}',
    good='{"permissions": {"deny": ["Bash(mkfs:*)"]}}',
    outside=None,
)
PERMISSION_RULE = define(
    "settings-permission-rule",
    WARNING,
    "A permission rule is a tool's name, with or without a closed pattern",
    subject=SUBJECT,
    why="A rule with an open bracket or a misspelt tool matches no call, so it neither allows nor denies anything.",
    bad='"deny": ["Bash(mkfs:*"]',
    good='"deny": ["Bash(mkfs:*)"]',
    outside=None,
)
_TEXTS = "a list of texts"


@on(FRAGMENT_CHECKS)
def find_unknown_keys(fragment: SettingsFragment, _context: Context) -> Iterator[Problem]:
    """Look at the keys at the top and those of `permissions`."""
    permissions = fragment.content.get("permissions")
    inner = permissions if isinstance(permissions, dict) else {}
    for known, keys, prefix in ((KEYS, fragment.content, ()), (PERMISSION_KEYS, inner, ("permissions",))):
        for key in keys:
            if key not in known:
                near = nearest(key, known)
                place = " in permissions" if prefix else ""
                message = f"Claude Code has no setting {key!r}{place}, as far as is known here, and ignores it"
                fix = f"Write {near}." if near else "Remove it, or make sure that the laptops' clients know it."
                line = _line(fragment, (*prefix, key))
                yield KEY_UNKNOWN.at(fragment.path, message, fix, line=line, seen=key, expected=near)


@on(FRAGMENT_CHECKS)
def find_wrong_types(fragment: SettingsFragment, _context: Context) -> Iterator[Problem]:
    """Look at the types of `permissions` and `env`; those of hooks are told where hooks are loaded."""
    for path, value, expected in _wrong_types(fragment.content):
        name = ".".join(str(step) for step in path)
        message = f"The setting {name} is not {expected}"
        line = _line(fragment, path)
        yield TYPE.at(fragment.path, message, f"Write {expected}.", line=line, seen=repr(value), expected=expected)


def _wrong_types(content: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], object, str]]:
    for key in ("permissions", "env"):
        if not isinstance(content.get(key, {}), dict):
            yield (key,), content[key], "an object"
    for key, value in _object(content, "permissions").items():
        is_list_of_texts = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        if key in (*PERMISSION_LISTS, "additionalDirectories") and not is_list_of_texts:
            yield ("permissions", key), value, _TEXTS
    for key, value in _object(content, "env").items():
        if not isinstance(value, str | int | float):  # the client turns numbers and booleans into texts
            yield ("env", key), value, "a text"


@on(FRAGMENT_CHECKS)
def find_bad_permission_rules(fragment: SettingsFragment, _context: Context) -> Iterator[Problem]:
    """Look at the brackets of each permission rule and at the tool that it names."""
    permissions = _object(fragment.content, "permissions")
    for key in PERMISSION_LISTS:
        rules = permissions.get(key)
        for index, rule in enumerate(rules if isinstance(rules, list) else []):
            fault = _rule_fault(rule) if isinstance(rule, str) else None
            if fault:
                line = _line(fragment, ("permissions", key, index))
                message = f"The permission rule {rule!r} {fault[0]}"
                yield PERMISSION_RULE.at(fragment.path, message, fault[1], line=line, seen=rule)


def _rule_fault(rule: str) -> tuple[str, str] | None:
    """Say what is plainly wrong with a permission rule, and how to mend it, or None."""
    fault = pattern_fault(rule)
    if fault:
        return fault, "Write it as in Bash(git log:*)."
    name = rule.partition("(")[0].strip()
    near = None if is_tool(name) else nearest(name, TOOLS, cutoff=0.7)  # a name near to none may be a newer tool
    return (f"names {name!r}, and there is no such tool", f"Write {near}.") if near else None


def _object(content: dict[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


@on(FRAGMENT_CHECKS)
def find_bad_variables(fragment: SettingsFragment, _context: Context) -> Iterator[Problem]:
    """Look for variables that nothing will replace; a shell's own, in a command or in a deny pattern, are fine."""
    for path, text in _texts(fragment.content, ()):
        for name in _REFERENCE.findall(text):
            is_meant_for_us = name.startswith(("CLAUDE_", "SKILLWAY_")) or path[:1] == ("env",)
            if name != VARIABLE and is_meant_for_us:
                line = _line(fragment, path)
                message = f"The settings fragment uses ${{{name}}}, which nothing replaces"
                fix = f"Use ${{{VARIABLE}}} or an absolute path."
                yield SETTINGS_VARIABLE.at(
                    fragment.path, message, fix, line=line, seen=f"${{{name}}}", expected=f"${{{VARIABLE}}}"
                )


def _line(fragment: SettingsFragment, path: tuple[str | int, ...]) -> int:
    """Find the line of a value, or of the nearest one around it."""
    return next((fragment.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in fragment.lines), 1)


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
