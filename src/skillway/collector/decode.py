"""Which records are in a request's body, and which of them cannot be kept?

A body that cannot be read at all is refused as a whole; a single bad record is counted and the rest is kept, as
OTLP's partial success has it. The two encodings are read by `otlp_protobuf` and `otlp_json`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from skillway.collector.rows import BadRecordError, Row

SIGNALS = ("logs", "metrics", "traces")


class Encoding(NamedTuple):
    """One encoding of OTLP.

    Attributes:
        content_type: Its media type.
        read: From signal and body to one function per record, each of which makes the record's rows; it takes the
            time of arrival in nanoseconds, for records without a time of their own.
    """

    content_type: str
    read: Callable[[str, bytes], Iterable[Callable[[int], Iterable[Row]]]]


@dataclass(slots=True)
class Decoded:
    """What a body holds: rows to keep, how many records were refused, and why the first of them was."""

    rows: list[Row] = field(default_factory=list)
    rejected: int = 0
    reason: str = ""


def decode(signal: str, body: bytes, encoding: Encoding, *, now: Callable[[], int] = time.time_ns) -> Decoded:
    """Make the rows of one request.

    Args:
        signal: One of `SIGNALS`.
        body: The whole body, unpacked.
        encoding: How it is written.
        now: Gives the time in nanoseconds since 1970 UTC.

    Raises:
        RequestError: 400 when the body is not what its content type says.
    """
    arrived = now()
    found = Decoded()
    for make in encoding.read(signal, body):
        try:
            found.rows.extend(make(arrived))
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            # JSON of any shape gets here; what went wrong inside a record is the sender's to know
            found.rejected += 1
            found.reason = found.reason or _told(error)
    return found


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, BadRecordError) else f"a record is not as OTLP has it: {error!r}"
