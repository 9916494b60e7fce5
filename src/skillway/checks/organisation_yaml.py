"""Rules about organisation.yaml beyond what its reader refuses: what YAML lets through and drops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skillway.catalog import Catalog, Problem
from skillway.catalog.reading import read_text
from skillway.checks.rules import CATALOG_CHECKS, ERROR, define, on
from skillway.organisation import FILE

DUPLICATE_KEY = define(
    "organisation-duplicate-key",
    ERROR,
    "organisation.yaml has no key twice",
    subject="Plugins",
    why="YAML keeps the last and drops the others without a word: teams that stand in the first list reach nobody.",
    bad="teams:\n  - support\nteams:\n  - data",
    good="teams:\n  - support\n  - data",
    outside=None,
)
_MERGE = "<<"


@on(CATALOG_CHECKS)
def find_keys_that_stand_twice(catalog: Catalog) -> Iterator[Problem]:
    """Look at every mapping of the file; that it is YAML at all, its reader has made sure of."""
    file = catalog.root / FILE
    text = read_text(file)[0] if catalog.teams is not None and file.is_file() else None
    if text is None:
        return
    import yaml  # noqa: PLC0415 - a plugin outside a repository is checked without it

    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return
    for name, first, line, column in _twice(top):
        message = f"The key {name} stands in line {first} and again in line {line}, and only the last counts"
        yield DUPLICATE_KEY.at(file, message, "Make one of the two.", line=line, column=column, seen=name)


def _twice(top: Any) -> Iterator[tuple[str, int, int, int]]:  # noqa: ANN401 - PyYAML's nodes have no types
    """Give each key that stands in one mapping again: its name, its first line, its line and its column."""
    pending, seen = [top], set()
    while pending:
        node = pending.pop()
        if node is None or id(node) in seen:
            continue  # an alias leads to what was looked at
        seen.add(id(node))
        if node.id == "sequence":
            pending.extend(node.value)
        if node.id != "mapping":
            continue
        lines: dict[str, int] = {}
        for key, value in node.value:
            pending.append(value)
            mark = key.start_mark
            if key.id == "scalar" and key.value != _MERGE:
                if key.value in lines:
                    yield key.value, lines[key.value], mark.line + 1, mark.column + 1
                lines.setdefault(key.value, mark.line + 1)
