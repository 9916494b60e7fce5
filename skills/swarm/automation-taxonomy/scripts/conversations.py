"""Count a conversation export by level and topic, in one pass and in memory that does not grow with the file.

Every fault is reported with its line. What the counts mean for automation is `prediction`'s subject.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Callable, Iterable, Iterator

from envelope import CANNOT_DECIDE, NOT_FOUND, USAGE, Failure
from levels import LEVELS

LINE_LIMIT = 1024 * 1024  # bytes
TOPICS_LIMIT = 2_000  # topics counted one by one
TOPIC_LENGTH = 200  # characters
OTHER_TOPICS = "(other topics)"
_NEEDED = frozenset({"id", "topic", "level"})
_BUCKETS = 64
_HELD = 4 * 1024 * 1024  # bytes of identities in memory before they go to temporary files
_IDENTITY = struct.Struct("<QQH")  # digest of the id, line, number of the cell
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Fault:
    """What is wrong with one line of the export."""

    line: int
    problem: str


@dataclass
class Counts:
    """The export, counted.

    Attributes:
        cells: Conversations by (level, topic); topics beyond the first 2,000 are together in `(other topics)`.
        faults: The first faults, in the order in which they were found.
        fault_count: How many there are in all.
        extra_fields: Names of fields that are not needed.
    """

    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    extra_fields: set[str] = field(default_factory=set)

    @property
    def conversations(self) -> int:
        """How many conversations were counted."""
        return sum(self.cells.values())

    def note(self, line: int, problem: str, limit: int) -> None:
        """Note a fault; only the first `limit` are kept."""
        self.fault_count += 1
        if len(self.faults) < limit:
            self.faults.append(Fault(line, problem))


def count_conversations(path: str, *, own_topics: Iterable[str] = (), fault_limit: int = 50) -> Counts:
    """Count the export at `path`, or on stdin for `-`.

    Faulty lines and repeated ids are noted and not counted.

    Args:
        path: JSON lines with `id`, `topic` and `level`.
        own_topics: Topics that are always counted one by one, because rates or capabilities name them.
        fault_limit: How many faults are kept.

    Raises:
        Failure: the file is missing (exit 7), is no text in UTF-8 (exit 2) or holds no conversation (exit 3).
    """
    counts = Counts()
    topics = _Topics(own_topics)
    with _Identities() as identities:
        for number, line in enumerate(_lines(path), 1):
            _count_line(counts, topics, identities, number, line, fault_limit)
        for number, first, cell in identities.repeated():
            counts.cells[cell] -= 1
            counts.note(number, f"its id stands in line {first} already", fault_limit)
    counts.cells = +counts.cells
    if not counts.cells and not counts.fault_count:
        message = f"{path} holds no conversation."
        raise Failure("no_conversations", message, fix="Export them as JSON lines.", exit_code=CANNOT_DECIDE)
    return counts


def _count_line(
    counts: Counts, topics: _Topics, identities: _Identities, number: int, line: bytes, fault_limit: int
) -> None:
    if not line.strip():
        return
    record, problem = _parse(line)
    if problem:
        counts.note(number, problem, fault_limit)
        return
    cell = (record["level"], topics.filed(record["topic"]))
    counts.cells[cell] += 1
    identities.add(str(record["id"]), number, cell)
    if len(record) > len(_NEEDED) and len(counts.extra_fields) < fault_limit:
        counts.extra_fields.update(set(record) - _NEEDED)


def _parse(line: bytes) -> tuple[dict[str, str], str]:
    """Return the record, and what is wrong with it or an empty string."""
    if len(line) > LINE_LIMIT:
        return {}, "it is longer than 1 MiB"
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return {}, f"it is not UTF-8 (byte {error.start + 1} of the line)"
    except (ValueError, RecursionError):
        return {}, f"it is not JSON: {line[:40].decode('utf-8', 'replace').strip()}"
    if not isinstance(record, dict):
        return {}, "it is no JSON object; write one conversation per line"
    return record, _problem(record)


def _problem(record: dict[str, object]) -> str:
    identity, topic, level = record.get("id"), record.get("topic"), record.get("level")
    if isinstance(identity, bool) or not isinstance(identity, (str, int)) or identity == "":
        return "it has no id"
    if not isinstance(topic, str) or not topic.strip():
        return "it has no topic"
    if level not in LEVELS:
        return f"its level is {json.dumps(level)[:40]}; known are {', '.join(LEVELS)}"
    return ""


def _lines(path: str) -> Iterator[bytes]:
    with _opened(path) as stream:
        progress = _progress(path)
        first = True
        while True:
            line = stream.readline(LINE_LIMIT + 1)
            if not line:
                return
            if first:
                line, first = _without_mark(path, line), False
            if len(line) > LINE_LIMIT:
                _skip_line(stream, line)
            progress(len(line))
            yield line


def _opened(path: str) -> IO[bytes]:
    if path == "-":
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        message = f"The conversations {path} cannot be read ({error.strerror})."
        raise Failure("no_conversations_file", message, fix="Check the path.", exit_code=NOT_FOUND) from error


def _without_mark(path: str, line: bytes) -> bytes:
    if line.startswith(_BYTE_ORDER_MARKS):
        message = f"{path} is UTF-16."
        raise Failure("not_utf8", message, fix="Save it as UTF-8.", exit_code=USAGE)
    return line[3:] if line.startswith(b"\xef\xbb\xbf") else line


def _skip_line(stream: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(LINE_LIMIT)


def _progress(path: str) -> Callable[[int], None]:
    """Return what shows the share that was read, on a terminal once a second; elsewhere it does nothing."""
    total = Path(path).stat().st_size if path != "-" else 0
    read, shown = 0, time.monotonic()

    def note(length: int) -> None:
        nonlocal read, shown
        read += length
        if total and sys.stderr.isatty() and time.monotonic() - shown > 1:
            shown = time.monotonic()
            print(f"\r  {read / total:4.0%} of {path}", end="\n" if read == total else "", file=sys.stderr, flush=True)

    return note


class _Topics:
    """Keeps the number of topics bounded: later ones are counted together."""

    def __init__(self, own: Iterable[str]) -> None:
        self.own = frozenset(own)
        self.known: set[str] = set()

    def filed(self, topic: str) -> str:
        name = topic.strip()[:TOPIC_LENGTH]
        if name in self.known or name in self.own:
            return name
        if len(self.known) < TOPICS_LIMIT:
            self.known.add(name)
            return name
        return OTHER_TOPICS


class _Identities:
    """Finds repeated ids in constant memory: digests go to temporary files by bucket, and each is looked at alone."""

    def __init__(self) -> None:
        self.cells: list[tuple[str, str]] = []
        self.numbers: dict[tuple[str, str], int] = {}
        self.held = [bytearray() for _ in range(_BUCKETS)]
        self.size = 0
        self.files: list[IO[bytes]] = []

    def __enter__(self) -> _Identities:  # noqa: PYI034 - Python 3.9 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        for file in self.files:
            file.close()

    def add(self, identity: str, line: int, cell: tuple[str, str]) -> None:
        number = self.numbers.get(cell)
        if number is None:
            number = self.numbers[cell] = len(self.cells)
            self.cells.append(cell)
        raw = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.held[raw[0] % _BUCKETS] += _IDENTITY.pack(int.from_bytes(raw, "little"), line, number)
        self.size += _IDENTITY.size
        if self.size >= _HELD:
            self._spill()

    def _spill(self) -> None:
        if not self.files:
            self.files = [tempfile.TemporaryFile() for _ in range(_BUCKETS)]  # noqa: SIM115 - closed by __exit__
        for number, file in enumerate(self.files):
            file.write(self.held[number])
            self.held[number].clear()
        self.size = 0

    def repeated(self) -> Iterator[tuple[int, int, tuple[str, str]]]:
        """Yield each repetition as (line, line of the first, cell)."""
        for number, held in enumerate(self.held):
            content = bytes(held)
            if self.files:
                self.files[number].seek(0)
                content = self.files[number].read() + content
            first: dict[int, int] = {}
            for digest, line, cell in _IDENTITY.iter_unpack(content):
                if first.setdefault(digest, line) != line:
                    yield line, first[digest], self.cells[cell]
