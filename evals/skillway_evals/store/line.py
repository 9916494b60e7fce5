"""What does one line of a verdict file say, and how is an edited one noticed?

A file (a shard) belongs to one run and is only ever appended to. Each line is one JSON object; `prev` is the
sha256 of the line before it, so that a line that was changed, added or taken out breaks the chain behind it. That
the last lines were cut off is not seen here: the protected branch keeps the files. Who may sign: `signing`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = 1
SHARD, BEGIN, VERDICT, BATCH = "shard", "begin", "verdict", "batch"
"""The types of line: the head of a file, an attempt that starts, what it gave, and a batch that was paid for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one attempt gave, raw: grades are derived from it, so that a better grader costs nothing.

    Attributes:
        key: Content hash of the slot, `content_key`'s.
        kind: What was asked: run, trigger, judge, pairwise or canary.
        body: What came back, as JSON values. `valid` in it is False when the infrastructure failed.
        at: When, in UTC (ISO 8601).
        provenance: `outcome.Provenance`'s value at the time of writing.
        signed: Whether a trusted key signed it and its file is as it was written.
    """

    key: str
    kind: str
    body: Mapping[str, Any]
    at: str
    provenance: str = "live"
    signed: bool = False

    @property
    def valid(self) -> bool:
        """Tell whether it is an answer, and not a failure of the infrastructure."""
        return self.body.get("valid") is True


def content_key(parts: Mapping[str, Any]) -> str:
    """Give the sha256 (64 hex) of everything that an answer depends on.

    Args:
        parts: JSON values; the order of keys does not matter.
    """
    return hashlib.sha256(canonical(parts)).hexdigest()


def canonical(value: object) -> bytes:
    """Encode a JSON value in the one way that hashes and signatures are made over."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "backslashreplace"
    )


def line_hash(line: bytes) -> str:
    """Give what the next line carries as `prev`; `line` is without its line end."""
    return hashlib.sha256(line).hexdigest()


def signed_part(record: Mapping[str, Any]) -> bytes:
    """Give the bytes that a signature covers: the whole line without the signature itself."""
    return canonical({name: value for name, value in record.items() if name not in ("sig", "signer")})
