"""How do collected pull requests lie on disk?

A file of JSON lines: a header with where they come from and the salt of the authors' pseudonyms, then one record
each. Appended to, never rewritten; a torn last line (a kill, a full disk) is cut off by the next run and collected
again. The file holds people's texts, so it is 0600 and stays where it is.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from skillway.errors import ConflictError, NotFoundError, SkillwayError
from skillway.pulls.values import SCHEMA, PullRequest, pull_request

_KIND = "skillway.pulls"


@dataclass(frozen=True, slots=True)
class Collection:
    """A file of pull requests.

    Attributes:
        path: The file.
        source: Where they come from, such as `git main` or `github acme/shop`; one file has one source.
        salt: Makes the authors' pseudonyms.
        pulls: What it holds, each id once, the oldest first.
    """

    path: Path
    source: str
    salt: bytes
    pulls: tuple[PullRequest, ...]


def read_collection(path: Path) -> Collection:
    """Read a file.

    Raises:
        NotFoundError: There is none.
        SkillwayError: It is no file of pull requests, or of a later schema; a torn last line is no error.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no file {path}.", fix="Collect pull requests first.", next_actions=("skillway pr history",)
        ) from None
    except OSError as error:
        raise SkillwayError(f"{path} cannot be read ({error.strerror}).", fix="Name another file.") from error
    header = _header(lines[0], path)
    pulls: dict[str, PullRequest] = {}
    for number, line in enumerate(lines[1:-1], start=2):
        if line.strip():
            found = _record(line, path, number)
            pulls[found.commit or found.id] = found
    ordered = sorted(pulls.values(), key=lambda pull: pull.merged_at)
    return Collection(path, str(header["source"]), bytes.fromhex(header["salt"]), tuple(ordered))


def _header(line: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(line)
        if header["kind"] != _KIND or header["schema"] != SCHEMA:
            raise ValueError(f"kind {header['kind']!r}, schema {header['schema']!r}")  # noqa: TRY301 - one place tells it
        bytes.fromhex(header["salt"])
        str(header["source"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SkillwayError(
            f"{path} is no file of pull requests that this version reads ({error}).",
            fix="Name another file, or collect anew with: skillway pr history --output NEW.",
        ) from None
    return dict(header)


def _record(line: bytes, path: Path, number: int) -> PullRequest:
    try:
        return pull_request(json.loads(line))
    except (ValueError, RecursionError, AttributeError) as error:
        raise SkillwayError(
            f"{path}:{number} is no pull request ({error}).",
            fix="Take the line out, or collect anew into another file.",
        ) from None


@contextmanager
def appending(path: Path, source: str) -> Iterator[tuple[Collection, Appender]]:
    """Open a file to add to it; it is made when it does not exist.

    Yields:
        What it held, and what adds to it. Each record is on disk before the next one is taken.

    Raises:
        ConflictError: It holds pull requests of another source.
        SkillwayError: As `read_collection`, or it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _start(path, source)
    collection = read_collection(path)
    if collection.source != source:
        raise ConflictError(
            f"{path} holds pull requests of {collection.source!r}, not of {source!r}.", fix="Name another --output."
        )
    try:
        with path.open("r+b") as file:
            _cut_torn_line(file)
            yield collection, Appender(file)
    except OSError as error:
        raise SkillwayError(
            f"{path} cannot be written ({error.strerror}).", fix="Make room, or name another --output."
        ) from error


def _start(path: Path, source: str) -> None:
    header = {"kind": _KIND, "schema": SCHEMA, "source": source, "salt": secrets.token_hex(16)}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json.dumps(header).encode() + b"\n")


def _cut_torn_line(file: IO[bytes]) -> None:
    content = file.read()
    file.seek(content.rfind(b"\n") + 1)
    file.truncate()


class Appender:
    """Adds records to an open file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, pulls: Iterable[PullRequest]) -> int:
        """Write records and give how many; they are with the operating system when this returns."""
        lines = [json.dumps(pull.to_json(), ensure_ascii=False).encode() + b"\n" for pull in pulls]
        self._file.write(b"".join(lines))
        self._file.flush()
        return len(lines)
