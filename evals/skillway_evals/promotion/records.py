"""What did people decide?

One line per decision in an append-only file of the repository, with name, reason, day and what the gate said at that
moment. It is reviewed and kept like code. A decision counts for the content that it was made for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from skillway.errors import SkillwayError

FILE = "evals/promotion/decisions.jsonl"
SCHEMA = 1
ACCEPT, DECLINE = "accept", "decline"


class RecordError(SkillwayError):
    """The author must act: the file of decisions cannot be used or written."""

    code = "decisions"


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision of a person.

    Attributes:
        skill: `plugin:skill` at that time.
        stage: The stage that was asked for.
        decision: `accept` or `decline`.
        by: The person's name, as they gave it.
        reason: Why, in their words.
        at: When, UTC, as in 2026-11-20T14:00:00Z.
        gate: What the gate said at that moment.
        skill_digest: Content of the skill folder then; another content has to be decided again.
    """

    skill: str
    stage: str
    decision: str
    by: str
    reason: str
    at: str
    gate: str
    skill_digest: str


def read_decisions(repository: Path) -> tuple[Decided, ...]:
    """Read all decisions, the oldest first; none when there is no file.

    Raises:
        RecordError: A line cannot be used.
    """
    path = repository / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read ({error}).", fix="Restore it from git.") from error
    return tuple(_decided(path, number, line) for number, line in enumerate(lines, 1) if line.strip())


def _decided(path: Path, number: int, line: str) -> Decided:
    try:
        content = json.loads(line)
        if content.pop("schema") != SCHEMA or not all(isinstance(value, str) for value in content.values()):
            raise ValueError("another schema, or a value that is no text")  # noqa: TRY301 - told like every other fault
        return Decided(**content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(
            f"{path}:{number} is no decision ({type(error).__name__}: {error}).",
            fix="Restore the line from git; the file is only ever appended to.",
        ) from error


def append_decision(repository: Path, decided: Decided) -> Path:
    """Append one decision; it is on the disk when this returns.

    Raises:
        RecordError: The file cannot be written.
    """
    path = repository / FILE
    append_line(path, json.dumps({"schema": SCHEMA, **asdict(decided)}, ensure_ascii=False))
    return path


def append_line(path: Path, line: str) -> None:
    """Append a line to a file of records, in one write, and wait for the disk.

    A tail that a crash tore is ended first, so that it stays a line of its own.

    Raises:
        RecordError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            is_torn = size > 0 and (os.lseek(descriptor, -1, os.SEEK_END), os.read(descriptor, 1))[1] != b"\n"
            os.write(descriptor, b"\n" * is_torn + line.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RecordError(
            f"{path} cannot be written ({error.strerror}).", fix="Free space or mend the permissions, then try again."
        ) from error


def latest(decisions: Sequence[Decided], names: Sequence[str], stage: str, digest: str) -> Decided | None:
    """Give the last decision for a skill by any of its names, for this stage and content, or None."""
    found = [one for one in decisions if one.skill in names and one.stage == stage and one.skill_digest == digest]
    return found[-1] if found else None
