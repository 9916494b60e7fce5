"""What is a record called, and what of a point or a span stands beside its attributes? The same in both encodings."""

from __future__ import annotations

import re
from typing import Any

from skillway.collector.rows import POINT, SPAN, Row, Source, make_row

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,127}")
_NANOSECONDS_PER_MS = 1e6


def log_name(event_name: object, attributes: dict[str, Any], body: object) -> str:
    """Name a log record: its `event_name`, else its body when that is a name, else its attribute `event.name`.

    Claude Code puts `claude_code.<name>` into the body, the bare name into the attribute and leaves the field empty.
    """
    for name in (event_name, body, attributes.get("event.name")):
        if isinstance(name, str) and _NAME.fullmatch(name):
            return name
    return ""


def point_row(
    name: str, unit: str, ts: int, attributes: dict[str, Any], measured: dict[str, Any], source: Source
) -> Row:
    """Make the row of one data point; what was measured stands beside the attributes as `metric.*`."""
    attributes |= {f"metric.{key}": value for key, value in measured.items()}
    if unit:
        attributes["metric.unit"] = unit
    return make_row(POINT, name, ts, attributes, source)


def span_row(
    name: str,
    ids: tuple[str, str, str],
    times: tuple[int, int],
    status: int,
    attributes: dict[str, Any],
    source: Source,
) -> Row:
    """Make the row of one span.

    Args:
        name: The span's name.
        ids: Trace, span and parent span in hexadecimal; the parent may be ''.
        times: Start and end, nanoseconds since 1970 UTC.
        status: OTLP's code: 0 unset, 1 ok, 2 error.
        attributes: The span's own.
        source: Who sent it.
    """
    trace, span, parent = ids
    start, end = times
    attributes |= {"trace.id": trace, "span.id": span, "status.code": status}
    attributes["log.record.uid"] = f"{trace}/{span}"
    attributes.setdefault("duration_ms", max(0, end - start) / _NANOSECONDS_PER_MS)
    if parent:
        attributes["parent.id"] = parent
    return make_row(SPAN, name, start, attributes, source)
