"""How is a fault of a suite's files told to somebody who writes skills and no programs?

Turns what the YAML reader and the JSON Schema validator say into a sentence about the author's own words, and one
that mends it. Finds no faults of its own.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from jsonschema.exceptions import ValidationError

from skillway.checks.nearness import nearest

GUIDE = "docs/guides/evals.md shows every key."
_SHOWN_CHARS = 120
_YAML = (
    (
        "mapping values are not allowed",
        "There is a colon where none can be",
        "Put a text that holds a colon into quotes; if this is a key, begin it below the key before it, which ends in a colon too.",
    ),
    ("tab", "A tab stands where spaces have to be", "Use spaces at the start of lines."),
    (
        "unknown escape",
        "A text in double quotes has a backslash in it",
        "Use single quotes for patterns: 'a\\d+'.",
    ),
    (
        "could not find expected ':'",
        "A key here has no colon after it",
        "Write `key:`; a text of several lines begins with `key: >-` and is indented below it.",
    ),
    ("cannot start any token", "A text cannot begin with this sign", "Put the whole text into quotes."),
    (
        "expected alphabetic or numeric character",
        "A text cannot begin with * or &",
        "Put the whole text into quotes.",
    ),
    ("undefined alias", "A text cannot begin with *", "Put the whole text into quotes."),
    ("end of stream", "A quote or bracket is opened and not closed", "Close it."),
    (
        "did not find expected",
        "This does not fit the lines around it",
        "Begin the line below what it belongs with, with as many spaces; a quote or bracket that is not closed does this too.",
    ),
)
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "yes or no"),
    ((int, float), "a number"),
    ((dt.date, dt.datetime), "a date"),
    (str, "a text"),
    (list, "a list"),
    (dict, "lines of `key: value`"),
    (type(None), "nothing"),
)
_WANTED = {
    "string": "a text",
    "array": "a list",
    "object": "lines of `key: value`",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_MENDS = {
    "string": "Put it into quotes.",
    "array": "Begin each entry on a line of its own with a dash: `- …`.",
    "object": "Write `key: value` lines, indented below it; in triggers.yaml `- prompt: …`.",
    "integer": "Write digits alone.",
    "number": "Write digits alone.",
    "boolean": "Write true or false.",
}


def yaml_words(problem: str) -> tuple[str, str]:
    """Give the sentence and the mend for what the YAML reader calls its problem."""
    for part, message, fix in _YAML:
        if part in problem:
            return f"{message} ({problem}).", fix
    return f"This is not YAML: {problem}.", "Mend this place."


def schema_words(error: ValidationError) -> tuple[str, str]:
    """Give what is wrong, to be put after the name of the place, and the mend."""
    teller = _TELLERS.get(str(error.validator))
    told = teller(error) if teller else None
    return told or (f"is not allowed: {_short(error.message)}", GUIDE)


def _type(error: ValidationError) -> tuple[str, str]:
    wanted = str(error.validator_value)
    if error.instance is None and not error.path:
        return "is empty", "Write it, or start a new suite: skillway eval new PLUGIN:SKILL."
    if error.instance is None:
        return "is empty", f"Write {_WANTED.get(wanted, wanted)} after the colon, or take the key away."
    read = f"is read as {_kind(error.instance)} ({_short(error.instance)}), and has to be {_WANTED.get(wanted, wanted)}"
    hint = " Without quotes yes, no, on and off mean true and false." if isinstance(error.instance, bool) else ""
    return read, _MENDS.get(wanted, GUIDE) + hint


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), type(value).__name__)


def _required(error: ValidationError) -> tuple[str, str]:
    missing = error.message.partition("'")[2].partition("'")[0]
    written: Any = error.instance
    near = nearest(missing, {str(key) for key in written}, cutoff=0.6)
    return f"has no {missing!r}", f"Add `{missing}: …`" + (f"; was {near!r} meant to be it?" if near else ".")


def _enum(error: ValidationError) -> tuple[str, str]:
    values: Any = error.validator_value
    allowed = [str(value) for value in values]
    near = nearest(str(error.instance), set(allowed), cutoff=0.6)
    return (
        f"is {_short(error.instance)!r}, which it cannot be",
        f"Did you mean {near}?" if near else f"Write one of: {', '.join(allowed)}.",
    )


def _pattern(error: ValidationError) -> tuple[str, str] | None:
    keys, value = {str(key) for key in error.path}, str(error.instance)
    if keys & {"id", "criteria"}:
        mended = re.sub(r"[^a-z0-9._-]+", "-", value.lower()).strip("-._")[:80] or "a-name"
        return f"is {value!r}; an id has lower-case letters, digits, dots and dashes, and no spaces", f"Write {mended}."
    if keys & {"skill", "instead", "siblings"}:
        return f"is {value!r}, which is no name of a skill", "Write plugin:skill, such as support:escalation-summary."
    if not value.strip():
        return "is blank", "Write what the user types."
    return f"is {value!r}, which is no path inside the folder", "Write a path without a leading / and without .. in it."


def _format(error: ValidationError) -> tuple[str, str] | None:
    try:
        re.compile(str(error.instance))
    except re.error as fault:
        fix = "Mend the pattern; write \\( for a bracket that is meant as one, or use kind: contains for a plain text."
        return f"is no regular expression ({fault}): {_short(error.instance)}", fix
    return None


def _alternatives(_error: ValidationError) -> tuple[str, str]:
    fix = "Write a list of names (`- chat.txt`), or `name in the project: name under files/` lines."
    return "has to name files of the suite's folder files/", fix


def _too_few(error: ValidationError) -> tuple[str, str]:
    return "is empty", f"Give {error.validator_value} entry or more."


def _const(error: ValidationError) -> tuple[str, str]:
    return f"is {_short(error.instance)}", f"Write {error.validator_value}; it is the one that this version reads."


_TELLERS: dict[str, Any] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "anyOf": _alternatives,
    "minItems": _too_few,
    "minLength": _too_few,
    "const": _const,
}


def _short(value: object) -> str:
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"


def place_words(path: tuple[str | int, ...], values: Any) -> str:  # noqa: ANN401 - any YAML value
    """Name a place for people: `The case 'voucher', grader 2, pattern`.

    Args:
        path: Keys and indexes from the top of the file.
        values: The file's values, for the ids.
    """
    words: list[str] = []
    for key in path:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            values = None
        if isinstance(key, int):
            words.append(_entry_words(words.pop() if words else "entry", key, values))
        else:
            words.append(str(key))
    if not words:
        return "The file"
    is_key_of_file = len(path) == 1 and isinstance(path[0], str)
    return words[0] if is_key_of_file else f"The {', '.join(words)}"


_ENTRIES = {
    "cases": "case",
    "graders": "grader",
    "criteria": "criterion",
    "should": "should-prompt",
    "should_not": "should_not-prompt",
}


def _entry_words(collection: str, index: int, value: object) -> str:
    name = value.get("id") if isinstance(value, dict) else None
    kind = _ENTRIES.get(collection, f"{collection} entry")
    return f"{kind} {name!r}" if isinstance(name, str) and name else f"{kind} {index + 1}"
