"""What does the answer say? Graders `contains`, `not_contains`, `regex`, `not_regex` and `json_schema`."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from skillway_evals.graders.candidate import Candidate, Options, UndecidedGraderError, Verdict, shown

_JSON_BLOCK = re.compile(r"(?ms)^[ \t]*```(?:json)?[ \t]*\n(.*?)^[ \t]*```[ \t]*$")


def contains(candidate: Candidate, options: Options) -> Verdict:
    """Look for a text in the answer."""
    return find_text(candidate.answer, options, "the answer")


def not_contains(candidate: Candidate, options: Options) -> Verdict:
    """Make sure that a text is not in the answer."""
    found, evidence = contains(candidate, options)
    return not found, evidence


def regex(candidate: Candidate, options: Options) -> Verdict:
    """Look for a pattern in the answer, at least `at_least` times."""
    return find_pattern(candidate.answer, options, "the answer")


def not_regex(candidate: Candidate, options: Options) -> Verdict:
    """Make sure that a pattern is not in the answer."""
    found, evidence = regex(candidate, options)
    return not found, evidence


def json_schema(candidate: Candidate, options: Options) -> Verdict:
    """Hold a file, or the JSON of the answer, against a schema."""
    path = options.get("path")
    text = candidate.answer if path is None else candidate.read(path)
    where = "the answer" if path is None else str(path)
    if text is None:
        return False, f"{where} does not exist"
    try:
        content = json.loads(text if path is not None else _json_part(text))
    except ValueError as error:
        return False, f"{where} holds no JSON ({error}): {shown(text)}"
    return _hold(content, options["schema"], where)


def find_text(text: str, options: Options, where: str) -> Verdict:
    """Look for `text` of the options in a text."""
    wanted = str(options["text"])
    place = text.find(wanted) if options.get("case_sensitive", True) else text.casefold().find(wanted.casefold())
    if place < 0:
        return False, f"{where} does not contain {wanted!r}: {shown(text)!r}"
    return True, f"{where} contains {wanted!r}: {shown(text, place)!r}"


def find_pattern(text: str, options: Options, where: str) -> Verdict:
    """Look for `pattern` of the options in a text; `^` and `$` mean lines."""
    pattern, at_least = _compiled(str(options["pattern"])), int(options.get("at_least", 1))
    places = [match.span() for match in pattern.finditer(text)]
    if len(places) < at_least:
        return False, f"{where} matches {pattern.pattern!r} {len(places)} times, wanted {at_least}: {shown(text)!r}"
    start, end = places[0]
    return True, f"{where} matches {pattern.pattern!r}: {shown(text[start:end]) or shown(text, start)!r}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise UndecidedGraderError(f"the pattern {pattern!r} is none ({error})") from error


def _json_part(answer: str) -> str:
    """Give the JSON of an answer: all of it, or its only fenced block."""
    blocks = _JSON_BLOCK.findall(answer)
    return str(blocks[0]) if len(blocks) == 1 else answer


def _hold(content: object, schema: Any, where: str) -> Verdict:  # noqa: ANN401 - any JSON value
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 60 ms, and few suites use it
    from jsonschema.exceptions import SchemaError, best_match  # noqa: PLC0415

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise UndecidedGraderError(f"the grader's schema is none ({error.message})") from error
    fault = best_match(Draft202012Validator(schema).iter_errors(content))
    if fault is None:
        return True, f"{where} fits the schema"
    return False, f"{where} does not fit the schema at {fault.json_path}: {shown(fault.message)}"
