"""Which lines of the spool are records, and what do they look like in OTLP/JSON?

The second reading of `events.json`: whatever wrote a line, only listed attributes with allowed values leave the laptop.
Pure; where lines come from is `flush_spool.py`'s and where they go `flush_http.py`'s.
"""

import json
from json.encoder import encode_basestring_ascii as quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCOPE = "skillway.hooks"

_BIGGEST_NUMBER = 1 << 53
_MAX_CACHED = 20_000
_HEX = frozenset("0123456789abcdef")
_ID_LENGTH = 32
_LAST_TIME = 1 << 63
_INFO = '"severityNumber":9,"severityText":"INFO"'
_WARN = '"severityNumber":13,"severityText":"WARN"'
_ERROR = '"severityNumber":17,"severityText":"ERROR"'


class Record:
    """One record, ready to be sent.

    Attributes:
        name: Of its event.
        ts: Nanoseconds since 1970.
        text: An OTLP LogRecord in JSON, without its end and without the time of observation.
        size: Bytes of its line in the spool.
        unknown: How many attributes were left out.
        decision: Of a hook's decision its session, rule, decision and milliseconds; else None.
        ended: The session that it ends, or "".
    """

    __slots__ = ("decision", "ended", "name", "size", "text", "ts", "unknown")

    def __init__(self, name: str, ts: int, text: str, size: int, unknown: int) -> None:
        self.name = name
        self.ts = ts
        self.text = text
        self.size = size
        self.unknown = unknown
        self.decision: "tuple[str, str, str, float] | None" = None
        self.ended = ""


class Reader:
    """Reads lines by one list of events.

    Args:
        lists: The content of `events.json`.
    """

    def __init__(self, lists: "dict[str, Any]") -> None:
        self._schema = lists["schema"]
        self._characters = {name: frozenset(text) for name, text in lists["characters"].items()}
        self._rules = {name: {**lists["common"], **event["attributes"]} for name, event in lists["events"].items()}
        self._cache: "dict[tuple[str, str, str], str]" = {}

    def read(self, line: bytes) -> "Record | str":
        """Read one line.

        Returns:
            The record, or why there is none: "torn", "invalid" or "future".
        """
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return "torn"
        if not isinstance(value, dict):
            return "invalid"
        name, uid, ts = value.get("name"), value.get("id"), value.get("ts")
        if value.get("v") != self._schema:
            return "future" if isinstance(value.get("v"), int) else "invalid"
        rules = self._rules.get(name) if isinstance(name, str) else None
        if rules is None or not isinstance(uid, str) or len(uid) != _ID_LENGTH or not _HEX.issuperset(uid):
            return "invalid"
        if type(ts) is not int or not 0 <= ts < _LAST_TIME:
            return "invalid"
        return self._record(str(name), uid, ts, value.get("attributes"), rules, len(line))

    def _record(self, name: str, uid: str, ts: int, attributes: object, rules: "dict[str, Any]", size: int) -> Record:
        values = attributes if isinstance(attributes, dict) else {}
        parts = [
            '{"key":"log.record.uid","value":{"stringValue":"' + uid + '"}}',
            '{"key":"skillway.schema.version","value":{"intValue":"' + str(self._schema) + '"}}',
        ]
        unknown = 0
        for key, value in values.items():
            part = self._cached(name, key, value, rules) if type(value) is str else self._part(key, value, rules)
            if part:
                parts.append(part)
            else:
                unknown += 1
        if "skillway.sample.weight" in values:
            parts.append(self._part("sampleRate", values["skillway.sample.weight"], _SAMPLE_RATE))
        text = (
            '{"timeUnixNano":"' + str(ts) + '",' + _severity(values) + ',"eventName":"' + name
            + '","body":{"stringValue":"' + name + '"},"attributes":[' + ",".join(filter(None, parts)) + "]"
        )  # fmt: skip
        record = Record(name, ts, text, size, unknown)
        if name in _SUMMED:
            _tell_session(record, values)
        return record

    def _cached(self, name: str, key: str, value: str, rules: "dict[str, Any]") -> str:
        """Write a text attribute; most of them come again and again."""
        place = (name, key, value)
        part = self._cache.get(place)
        if part is None:
            if len(self._cache) > _MAX_CACHED:
                self._cache.clear()
            part = self._cache[place] = self._part(key, value, rules)
        return part

    def _part(self, key: str, value: object, rules: "dict[str, Any]") -> str:
        """Write one attribute; empty when the list does not allow it."""
        rule = rules.get(key)
        written = self.value(value, rule) if rule else ""
        return '{"key":' + quote(key) + ',"value":' + written + "}" if written else ""

    def value(self, value: object, rule: "dict[str, Any]") -> str:
        """Write a value as OTLP's AnyValue; empty when its rule does not allow it."""
        kind = rule["type"]
        if isinstance(value, bool):
            return ('{"boolValue":true}' if value else '{"boolValue":false}') if kind == "boolean" else ""
        if isinstance(value, (int, float)):
            return _number(value, kind, rule.get("min", 0))
        if isinstance(value, list) and kind == "list":
            is_allowed = 0 < len(value) <= rule["max_items"] and all(self._is_text(item, rule) for item in value)
            items = ",".join('{"stringValue":' + quote(item) + "}" for item in value) if is_allowed else ""
            return '{"arrayValue":{"values":[' + items + "]}}" if is_allowed else ""
        if isinstance(value, str) and (
            value in rule["values"] if kind == "enum" else kind == "string" and self._is_text(value, rule)
        ):
            return '{"stringValue":' + quote(value) + "}"
        return ""

    def _is_text(self, value: object, rule: "dict[str, Any]") -> bool:
        return (
            isinstance(value, str)
            and 0 < len(value) <= rule["max"]
            and self._characters[rule["characters"]].issuperset(value)
        )


_SAMPLE_RATE = {"sampleRate": {"type": "integer", "min": 1}}


def _number(value: "int | float", kind: str, least: int) -> str:
    """Write a number in its rule's type, not in its own: a column must not change its type with a whole number."""
    if not least <= value <= _BIGGEST_NUMBER:
        return ""
    if kind == "number":
        return '{"doubleValue":' + repr(float(value)) + "}"
    return '{"intValue":"' + str(value) + '"}' if kind == "integer" and isinstance(value, int) else ""


_SUMMED = ("skillway.hook.decision", "skillway.session.ended")


def _tell_session(record: Record, values: "dict[str, Any]") -> None:
    """Keep beside the text what sums of a session are made of."""
    session, milliseconds = values.get("session.id"), values.get("duration_ms")
    if not isinstance(session, str):
        return
    if record.name == _SUMMED[1]:
        record.ended = session
    elif isinstance(milliseconds, (int, float)):
        record.decision = session, str(values.get("hook.rule.id", "")), str(values.get("hook.decision")), milliseconds


def _severity(values: "dict[str, Any]") -> str:
    if values.get("hook.decision") == "deny":
        return _WARN
    if values.get("hook.decision") in ("error", "timeout") or values.get("sync.outcome") == "failed":
        return _ERROR
    return _ERROR if values.get("success") is False else _INFO


def request_body(records: "list[Record]", resource: str, now_ns: int) -> bytes:
    """Write an ExportLogsServiceRequest.

    Args:
        records: In any order; they are sent by time.
        resource: What `resource_part` gave.
        now_ns: Time of observation.
    """
    end = ',"observedTimeUnixNano":"' + str(now_ns) + '"}'
    texts = [record.text for record in sorted(records, key=_time)]
    body = (
        '{"resourceLogs":[{"resource":{"attributes":[' + resource + ']},"scopeLogs":[{"scope":{"name":"' + SCOPE
        + '"},"logRecords":[' + (end + ",").join(texts) + end + "]}]}]}"
    )  # fmt: skip
    return body.encode()


def _time(record: Record) -> int:
    return record.ts


def resource_part(reader: Reader, rules: "dict[str, Any]", values: "dict[str, object]") -> str:
    """Write the resource's attributes, as far as the list allows them."""
    parts = []
    for key, value in values.items():
        written = reader.value(value, rules[key]) if value is not None and key in rules else ""
        if written:
            parts.append('{"key":' + quote(key) + ',"value":' + written + "}")
    return ",".join(parts)
