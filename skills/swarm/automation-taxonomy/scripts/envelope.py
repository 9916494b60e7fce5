"""How the program answers: one envelope with `--json`, plain words without, one exit code per kind of ending."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1

OK = 0
FAILED = 1
USAGE = 2
CANNOT_DECIDE = 3
FINDINGS = 5
NOT_FOUND = 7
CONFLICT = 8


class Failure(Exception):  # noqa: N818 - a normal ending of a command, not only an error
    """The command ends here.

    Args:
        code: Stable name of the ending, for programs (`bad_lines`).
        message: One sentence: what happened, where, and the value seen.
        fix: One sentence: what to do next.
        exit_code: One of the constants of this module.
        next_actions: Complete commands to run next.
        data: What is known although the command did not succeed.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        fix: str,
        exit_code: int = FAILED,
        next_actions: list[str] | None = None,
        data: Any = None,  # noqa: ANN401 - any JSON value
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.exit_code = exit_code
        self.next_actions = list(next_actions or [])
        self.data = data


@dataclass
class Answer:
    """What a command that came to its end has to say: a JSON value, the same for a person, and warnings."""

    data: Any
    text: str
    warnings: list[str] = field(default_factory=list)
    next_actions: list[str] = field(default_factory=list)


def print_answer(answer: Answer, *, wants_json: bool) -> int:
    """Print a good ending on stdout; return its exit code."""
    if wants_json:
        _print_envelope(True, answer.data, answer.warnings, None, answer.next_actions)
        return OK
    print(_printable(answer.text))
    for warning in answer.warnings:
        print(f"warning: {_printable(warning)}", file=sys.stderr)
    for action in answer.next_actions:
        print(f"  next: {_printable(action)}")
    return OK


def print_failure(failure: Failure, *, wants_json: bool) -> int:
    """Print why the command ended; return its exit code."""
    if wants_json:
        error = {"code": failure.code, "message": failure.message, "fix": failure.fix}
        _print_envelope(False, failure.data, [], error, failure.next_actions)
        return failure.exit_code
    print(f"{failure.code}: {_printable(failure.message)}\n  fix: {_printable(failure.fix)}", file=sys.stderr)
    for action in failure.next_actions:
        print(f"  next: {_printable(action)}", file=sys.stderr)
    return failure.exit_code


def _printable(text: str) -> str:
    """Return `text` without control characters, and without what the terminal's encoding cannot show."""
    plain = "".join(character if character >= " " or character in "\n\t" else "?" for character in text)
    encoding = sys.stdout.encoding or "utf-8"
    return plain.encode(encoding, "replace").decode(encoding)


def _print_envelope(ok: bool, data: object, warnings: list[str], error: object, next_actions: list[str]) -> None:
    envelope = {
        "ok": ok,
        "schema_version": SCHEMA_VERSION,
        "data": data,
        "warnings": warnings,
        "error": error,
        "next_actions": next_actions,
    }
    # ASCII only: a terminal or pipe with another encoding must not turn an answer into an error.
    print(json.dumps(envelope, ensure_ascii=True))
