"""Rules about the organisation's guard policy: its form, and the rules of the guard that it names.

What the policy does to a tool call is the guard's to say (`skillway guard policy check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from skillway.catalog import BASE, Problem
from skillway.catalog.jsontext import JsonError, KeyPath, parse_json
from skillway.catalog.reading import read_text
from skillway.checks.nearness import nearest
from skillway.checks.rules import ERROR, TEXT_CHECKS, WARNING, Context, TextFile, define, on
from skillway.checks.schema import find_departures

SUBJECT = "Settings fragments"
POLICY = "settings/guard-policy.json"
RULES_FILE = "README.md"
_TABLE = re.compile(r"^\|[ \t]*rule[ \t]*\|[^\n]*\n\|[-| :\t]+\n((?:\|[^\n]*(?:\n|\Z))+)", re.MULTILINE)
_ROW = re.compile(r"^\|[ \t]*`([a-z0-9-]+)`", re.MULTILINE)

FORM = define(
    "guard-policy-form",
    ERROR,
    "The guard's policy has the form that the guard reads",
    subject=SUBJECT,
    why="The guard falls back to its default for each key that it cannot use, so the policy that everybody believes in "
    "is not the one that holds.",
    bad='{"schema": 1, "off": "publish"}',
    good='{"schema": 1, "off": ["publish"]}',
    outside=None,
)
RULE = define(
    "guard-policy-rule",
    WARNING,
    "The guard's policy names rules that the guard has",
    subject=SUBJECT,
    why="A rule that does not exist switches nothing off. The table in hooks/README.md lists those that do.",
    bad='{"schema": 1, "ask": ["git-force-psuh"]}',
    good='{"schema": 1, "ask": ["git-force-push"]}',
    outside=None,
)


@on(TEXT_CHECKS)
def find_bad_policy(text: TextFile, context: Context) -> Iterator[Problem]:
    """Hold the policy against its schema, and the rules that it names against those of the guard."""
    if text.plugin is None or text.plugin.layer != BASE or text.path != POLICY:
        return
    try:
        parsed = parse_json(text.text)
    except JsonError:
        return  # settings-broken has told it
    if not isinstance(parsed.value, dict):
        return  # as above
    departures = list(find_departures(parsed.value, "guard-policy"))
    for found in departures:
        what = f"{_name(found.path)} {found.what}" if found.path else f"The guard's policy {found.what}"
        line = _line(found.path, parsed.lines)
        fix = f"Write {found.expected}."
        yield FORM.at(text.file, what, fix, line=line, seen=found.seen, expected=found.expected)
    if not departures:
        yield from _unknown_rules(text, parsed.value, parsed.lines, context)


def _unknown_rules(
    text: TextFile, policy: dict[str, Any], lines: dict[KeyPath, int], context: Context
) -> Iterator[Problem]:
    known = known_rules(context)
    if not known:
        return  # another guard than the one that this table describes
    known |= {rule["id"] for rule in policy.get("rules", [])}
    for key in ("off", "ask"):
        for index, name in enumerate(policy.get(key, [])):
            if name not in known:
                near = nearest(name, known, cutoff=0.6)
                message = f"The guard has no rule {name!r}, so {key!r} does nothing for it"
                fix = f"Write {near}." if near else "Name a rule of the table in hooks/README.md."
                line = _line((key, index), lines)
                yield RULE.at(text.file, message, fix, line=line, seen=name, expected=near)


def known_rules(context: Context) -> set[str]:
    """Read the guard's rules from the table in hooks/README.md; none where there is no such file or table."""
    file = next((file for file in context.catalog.hook_files if file.path == RULES_FILE), None)
    text = read_text(file.absolute)[0] if file else None
    table = _TABLE.search(text) if text else None
    return set(_ROW.findall(table[1])) if table else set()


def _name(path: KeyPath) -> str:
    """Write a path as people do, for example `rules[0].id`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _line(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)
