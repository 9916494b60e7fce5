"""Where a value departs from one of the published schemas.

Knows the few keywords that skillway's own schemas use; a whole validator takes longer to import than a repository
takes to check. The tests hold the two against each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from skillway.catalog.jsontext import KeyPath
from skillway.checks.nearness import nearest

FOLDER = Path(__file__).parent.parent / "schemas"
_TYPES: dict[str, tuple[type, ...]] = {"object": (dict,), "array": (list,), "string": (str,)}
_NAMES = {"object": "an object", "array": "a list", "string": "a text"}


@dataclass(frozen=True, slots=True)
class Departure:
    """One value that a schema refuses: its path from the top, what is wrong with it, and what should stand there."""

    path: KeyPath
    what: str
    expected: str
    seen: str


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Read a published schema, for example `guard-policy`."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def find_departures(value: Any, name: str) -> Iterator[Departure]:  # noqa: ANN401 - any JSON
    """Give every place where a value departs from the schema of that name, outermost first."""
    schema = load_schema(name)
    yield from _look(value, schema, schema.get("$defs", {}), ())


def _look(value: Any, schema: dict[str, Any], parts: dict[str, Any], path: KeyPath) -> Iterator[Departure]:  # noqa: ANN401 - any JSON
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    expected = _expected(value, schema)
    if expected:
        yield Departure(path, f"is not {expected}", expected, json.dumps(value))
    elif isinstance(value, dict):
        yield from _look_in_object(value, schema, parts, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _look(item, schema.get("items", {}), parts, (*path, index))


def _expected(value: Any, schema: dict[str, Any]) -> str | None:  # noqa: ANN401 - any JSON
    """Say what a value should be by itself, or None when it is."""
    kind = schema.get("type")
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if kind and not isinstance(value, _TYPES[kind]):
        return _NAMES[kind]
    if choices is not None and not any(value == choice and type(value) is type(choice) for choice in choices):
        return " or ".join(json.dumps(choice) for choice in choices)
    if isinstance(value, list) and len(value) > schema.get("maxItems", len(value)):
        return f"a list of at most {schema['maxItems']} entries"
    return _expected_text(value, schema) if isinstance(value, str) else None


def _expected_text(value: str, schema: dict[str, Any]) -> str | None:
    if len(value) < schema.get("minLength", 0):
        return "a text that says something"
    if len(value) > schema.get("maxLength", len(value)):
        return f"a text of at most {schema['maxLength']} characters"
    if not re.search(schema.get("pattern", ""), value):
        return f"a text of the form {schema['pattern']}"
    return None


def _look_in_object(
    value: dict[str, Any], schema: dict[str, Any], parts: dict[str, Any], path: KeyPath
) -> Iterator[Departure]:
    known = schema.get("properties", {})
    for key in schema.get("required", []):
        if key not in value:
            yield Departure(path, f"has no key {key!r}", f"the key {key}", "nothing")
    for key, inner in value.items():
        if key in known:
            yield from _look(inner, known[key], parts, (*path, key))
        elif schema.get("additionalProperties") is False:
            near = nearest(key, known, cutoff=0.6)
            yield Departure((*path, key), "is no key that stands here", near or ", ".join(known), key)
