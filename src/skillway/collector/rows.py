"""What of one telemetry record is kept, and in which column?

An attribute that reports ask for gets a column of its own, all others stay together as JSON, so that nothing but
what `privacy` takes out is lost. A row's `uid` is what makes a record that is sent twice be stored once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

from skillway.collector.privacy import is_free_text, is_private

LOG, POINT, SPAN = 0, 1, 2
"""The kinds of rows: log records, points of metrics, spans of traces."""

WORD_COLUMNS = {
    "session": "session.id",
    "prompt": "prompt.id",
    "user": "user.hash",
    "team": "team.id",
    "skill": "skill.name",
    "plugin": "plugin.name",
    "trigger": "invocation_trigger",
    "rule": "hook.rule.id",
    "decision": "hook.decision",
    "outcome": "sync.outcome",
    "release": "sync.to",
}
"""From column to attribute, for attributes whose few values are kept once, in the table `word`."""

NUMBER_COLUMNS = {"success": "success", "duration_ms": "duration_ms", "cost_usd": "cost_usd"}

MAX_ROW_BYTES = 64 << 10
"""A record whose other attributes take more is refused; Claude Code's largest native record is far below."""

_NATIVE = "com.anthropic.claude_code"
_MAX_WORD = 1024
_BIGGEST_TIME = (1 << 63) - 1
_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_UID_BYTES = 16
_UID_HEX = 2 * _UID_BYTES


class BadRecordError(ValueError):
    """One record cannot be kept; the others of its request can."""


class Row(NamedTuple):
    """One record as it is stored; texts become numbers of the table `word` on the way.

    Attributes:
        uid: 16 bytes that are equal for the same record sent again.
        ts: When it happened, nanoseconds since 1970 UTC.
        kind: `LOG`, `POINT` or `SPAN`.
        words: Name, source (resource and scope as JSON), then the values of `WORD_COLUMNS`, each a text or None.
        numbers: The values of `NUMBER_COLUMNS`, each a number or None.
        rest: All other attributes as a JSON object, or None.
    """

    uid: bytes
    ts: int
    kind: int
    words: tuple[str | None, ...]
    numbers: tuple[float | None, ...]
    rest: str | None


class Source(NamedTuple):
    """Who sent a record.

    Attributes:
        text: Resource and scope as one JSON text.
        inherited: Attributes of the resource that its records have too.
        is_native: Whether it is Claude Code itself, whose texts may be people's.
    """

    text: str
    inherited: dict[str, Any]
    is_native: bool


def make_source(resource: dict[str, Any], scope: str) -> Source:
    """Describe a sender; `resource` is its attributes, `scope` the instrumentation's name or ''."""
    kept = {key: value for key, value in resource.items() if not is_private(key)}
    inherited: dict[str, Any] = {key: kept.pop(key) for key in ("team.id", "user.hash") if key in kept}
    text = clean(dump({"resource": kept, "scope": scope}))
    return Source(text, inherited, is_native=scope.startswith(_NATIVE) or kept.get("service.name") == "claude-code")


def make_row(kind: int, name: str, ts: int, attributes: dict[str, Any], source: Source) -> Row:
    """Make the row of one record.

    Args:
        kind: `LOG`, `POINT` or `SPAN`.
        name: The event's, metric's or span's name.
        ts: When it happened, nanoseconds since 1970 UTC.
        attributes: The record's own; emptied on the way.
        source: Who sent it.

    Raises:
        BadRecordError: It has no usable name or time, or is too big.
    """
    if not name:
        raise BadRecordError("a record has neither event_name nor event.name nor a name as its body")
    if not 0 < ts <= _BIGGEST_TIME:
        raise BadRecordError(f"a record of {name!r} has the time {ts}, which is none")
    if source.inherited:
        attributes = source.inherited | attributes
    if len(source.text) > MAX_ROW_BYTES:
        raise BadRecordError(f"a record of {name!r} has a resource of {len(source.text)} bytes")
    uid = _uid(name, ts, attributes, source)
    pop = attributes.pop
    words = (
        clean(name),
        source.text,
        *[_word(pop(attribute, None)) for attribute in WORD_COLUMNS.values()],
    )
    numbers = tuple([_number(pop(attribute, None)) for attribute in NUMBER_COLUMNS.values()])
    rest = _rest(attributes, is_native=source.is_native)
    if rest is not None and len(rest) > MAX_ROW_BYTES:
        raise BadRecordError(f"a record of {name!r} has {len(rest)} bytes of attributes; the limit is {MAX_ROW_BYTES}")
    return Row(uid, ts, kind, words, numbers, rest)


def clean(text: str) -> str:
    """Replace what no file and no terminal takes: JSON can carry NUL, and half of a surrogate pair."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd") if "\0" in text else text


def dump(value: object) -> str:
    """Write a value as compact JSON with sorted keys, so that equal values are equal texts."""
    return _ENCODE(value)


def finite(value: float) -> float | str:
    """Give a number, or its name where JSON has no word for it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _uid(name: str, ts: int, attributes: dict[str, Any], source: Source) -> bytes:
    """Give the identity of a record: its own id, else session and sequence, else all of its content.

    The time stands beside session and sequence, because a resumed session keeps its id and counts from 0 again.
    """
    own = attributes.pop("log.record.uid", None)
    if isinstance(own, str) and own:
        return _own_uid(own)
    sequence = attributes.get("event.sequence")
    if sequence is not None and "session.id" in attributes:
        return _digest((attributes["session.id"], sequence, ts, name))
    return _digest((name, ts, source.text, dump(attributes)))


def _own_uid(own: str) -> bytes:
    if len(own) == _UID_HEX:
        try:
            return bytes.fromhex(own)
        except ValueError:
            pass
    return _digest((own,))


def _digest(parts: Iterable[object]) -> bytes:
    text = "\0".join(map(str, parts))
    return blake2b(text.encode("utf-8", "replace"), digest_size=_UID_BYTES).digest()


def _word(value: object) -> str | None:
    if value is None or value == "":
        return None
    text = clean(value if isinstance(value, str) else dump(value))
    if len(text) > _MAX_WORD:
        raise BadRecordError(f"an identifier has {len(text)} characters; the limit is {_MAX_WORD}")
    return text


def _number(value: object) -> float | None:
    """Take a number as it is, or as text: older clients sent numbers as texts."""
    if value is None or isinstance(value, (int, float)):
        return value
    if value in ("true", "false"):
        return value == "true"
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _rest(attributes: dict[str, Any], *, is_native: bool) -> str | None:
    kept = {key: value for key, value in attributes.items() if not is_private(key)}
    if is_native:
        kept = {key: value for key, value in kept.items() if not is_free_text(value)}
    return clean(dump(kept)) if kept else None
