"""What is already known, and how often was it asked?

Reads every shard of `evals/store/`. The first valid verdict of a key is the one that counts, whatever came later
(a signed one before unsigned ones): so running again until it is green changes nothing, and every attempt is counted. Writing is `journal`'s part.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway_evals.store.line import BATCH, BEGIN, FORMAT, SHARD, VERDICT, Verdict, line_hash
from skillway_evals.store.signing import TrustedKeys

STORE_FOLDER = "evals/store"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a verdict stands; bodies stay on disk, because transcripts are large."""

    file: Path
    offset: int
    size: int
    signed: bool


class VerdictStore:
    """All verdicts below a folder; `read` makes one.

    Attributes:
        problems: One sentence for each file that is not as it was written; its verdicts count as unsigned.
    """

    def __init__(self, folder: Path, trusted: TrustedKeys) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self._trusted = trusted
        self._places: dict[str, _Place] = {}
        self._attempts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._batches: dict[str, list[str]] = {}
        self._heads: dict[str, str] = {}

    @classmethod
    def read(cls, folder: Path, trusted: TrustedKeys) -> VerdictStore:
        """Read all shards, in the order of their names; a folder that is not there is an empty store."""
        store = cls(folder, trusted)
        for file in sorted(folder.glob("*.jsonl")):
            try:
                store._read_shard(file)
            except OSError as error:
                store.problems.append(f"{file.name} cannot be read ({error.strerror}). Its verdicts do not count.")
        return store

    def find(self, key: str, *, signed_only: bool = False) -> Verdict | None:
        """Give the first valid verdict of a key, a signed one before all others, or None.

        Args:
            key: The slot's content hash.
            signed_only: Look past verdicts that cannot gate; the protected workflow asks those slots itself.
        """
        place = self._places.get(key)
        if place is None or (signed_only and not place.signed):
            return None
        with place.file.open("rb") as source:
            source.seek(place.offset)
            record = json.loads(source.read(place.size))
        return _verdict(record, signed=place.signed)

    def attempts(self, key: str) -> int:
        """Tell how often a key was asked, the attempts that gave nothing included."""
        return self._attempts[key]

    def looks(self, key: str) -> int:
        """Tell how many attempts may have shown somebody an answer: all but those that ended in a recorded fault.

        An attempt that was killed counts: whoever killed it may have seen how it went.
        """
        return self._attempts[key] - self._faults[key]

    def trusts(self, key_id: str) -> bool:
        """Tell whether what this key signs may gate."""
        return key_id in self._trusted

    def head(self, name: str) -> str:
        """Give what the latest run that knew it said of itself, such as the `client`'s version, or an empty text."""
        return self._heads.get(name, "")

    def open_batches(self) -> list[str]:
        """Name the batches of which some reply was never written, as after kill -9."""
        return [batch for batch, keys in self._batches.items() if any(key not in self._places for key in keys)]

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def _read_shard(self, file: Path) -> None:
        """Index one file. Its places are known only at its end, because a broken chain makes all of it advisory."""
        found: dict[str, _Place] = {}
        previous, reason = "", ""
        began: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        for number, offset, line in _lines(file):
            record = _record(line)
            if record is None:
                reason = reason or f"line {number} is no line of a verdict file"
                continue
            if record.get("prev") != previous or (record["type"] == SHARD) != (number == 1):
                reason = reason or f"line {number} does not follow the line before it"
            previous = line_hash(line)
            key = str(record.get("key", ""))
            if record["type"] == SHARD and isinstance(record.get("head"), dict):
                self._heads.update({name: str(value) for name, value in record["head"].items() if value})
            if record["type"] == BATCH and isinstance(record.get("keys"), list):
                self._batches[str(record.get("batch"))] = [str(one) for one in record["keys"]]
            if record["type"] == BEGIN:
                began[key] += 1
            elif record["type"] == VERDICT and isinstance(record.get("body"), dict):
                ended[key] += 1
                self._faults[key] += record["body"].get("valid") is not True
                if record["body"].get("valid") is True and key not in found:
                    signed = "sig" in record and self._trusted.holds(record)
                    found[key] = _Place(file, offset, len(line), signed)
        self._attempts.update({key: max(began[key], ended[key]) for key in began | ended})
        if reason:
            self.problems.append(f"{file.name} was edited: {reason}. Its verdicts are advisory.")
        for key, place in found.items():
            kept = _Place(place.file, place.offset, place.size, place.signed and not reason)
            known = self._places.get(key)
            if known is None or (kept.signed and not known.signed):
                self._places[key] = kept


def _lines(file: Path) -> Iterator[tuple[int, int, bytes]]:
    """Give number, offset and bytes of each whole line; a torn tail, as kill -9 leaves it, is no line."""
    offset = 0
    with file.open("rb") as source:
        for number, line in enumerate(source, 1):
            if line.endswith(b"\n"):
                # a checkout may have changed line ends; no line of ours ends in \r
                yield number, offset, line[:-1].removesuffix(b"\r")
            offset += len(line)


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if (
        not isinstance(record, dict)
        or record.get("v") != FORMAT
        or record.get("type") not in (SHARD, BEGIN, VERDICT, BATCH)
    ):
        return None
    return record


def _verdict(record: Mapping[str, Any], *, signed: bool) -> Verdict:
    return Verdict(
        key=str(record["key"]),
        kind=str(record.get("kind", "")),
        body=record["body"],
        at=str(record.get("at", "")),
        provenance=str(record.get("provenance", "live")),
        signed=signed,
    )
