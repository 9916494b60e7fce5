"""How is a body of OTLP's JSON encoding read? (OTLP 1.11.0: lowerCamelCase, 64-bit integers as texts, ids in hex).

Bytes of any shape can arrive here. What is wrong around the records refuses the body; what is wrong inside one
record fails that record's own function and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from skillway.collector.decode import Encoding
from skillway.collector.errors import RequestError
from skillway.collector.otlp_names import log_name, point_row, span_row
from skillway.collector.rows import LOG, BadRecordError, Row, Source, finite, make_row, make_source

Make = Callable[[int], Iterable[Row]]

CONTENT_TYPE = "application/json"

_KINDS = ("sum", "gauge", "histogram", "exponentialHistogram", "summary")
_FIELDS = {"logs": "resourceLogs", "metrics": "resourceMetrics", "traces": "resourceSpans"}
_SCOPES = {"logs": "scopeLogs", "metrics": "scopeMetrics", "traces": "scopeSpans"}
_RECORDS = {"logs": "logRecords", "metrics": "metrics", "traces": "spans"}


def _read(signal: str, body: bytes) -> Iterator[Make]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body of {len(body)} bytes is no JSON: {error}") from error
    if not isinstance(request, dict):
        raise RequestError(
            400, f"the body is a JSON {type(request).__name__}; expected an object with {_FIELDS[signal]}"
        )
    return _records(signal, request)


def _records(signal: str, request: dict[str, Any]) -> Iterator[Make]:
    make = _MAKERS[signal]
    for of_resource in _objects(request, _FIELDS[signal]):
        resource = _around(_attributes, _object(of_resource, "resource").get("attributes"))
        for of_scope in _objects(of_resource, _SCOPES[signal]):
            scope = _object(of_scope, "scope").get("name")
            source = make_source(resource, scope if isinstance(scope, str) else "")
            for record in _list(of_scope, _RECORDS[signal]):
                yield partial(make, record, source)


def _log(record: Any, source: Source, arrived: int) -> tuple[Row]:  # noqa: ANN401 - any JSON value
    attributes = _attributes(record.get("attributes"))
    # a body that is no name is text, which is not kept
    name = log_name(record.get("eventName"), attributes, _value(record.get("body") or {}))
    when = _integer(record.get("timeUnixNano")) or _integer(record.get("observedTimeUnixNano")) or arrived
    return (make_row(LOG, name, when, attributes, source),)


def _metric(metric: Any, source: Source, arrived: int) -> list[Row]:  # noqa: ANN401 - any JSON value
    kind = next((kind for kind in _KINDS if kind in metric), None)
    if kind is None:
        return []
    return [
        point_row(
            _text(metric, "name"),
            _text(metric, "unit"),
            _integer(point.get("timeUnixNano")) or arrived,
            _attributes(point.get("attributes")),
            {"start_ns": _integer(point.get("startTimeUnixNano")), "kind": _snake(kind)} | _measured(point),
            source,
        )
        for point in metric[kind].get("dataPoints", [])
    ]


def _measured(point: dict[str, Any]) -> dict[str, Any]:
    if "asDouble" in point:
        return {"value": finite(float(point["asDouble"]))}
    if "asInt" in point:
        return {"value": _integer(point["asInt"])}
    measured: dict[str, Any] = {"count": _integer(point.get("count")), "value": finite(float(point.get("sum", 0)))}
    if "explicitBounds" in point:
        buckets = [_integer(count) for count in point.get("bucketCounts", [])]
        measured |= {"bounds": [float(bound) for bound in point["explicitBounds"]], "buckets": buckets}
    return measured


def _span(span: Any, source: Source, arrived: int) -> tuple[Row]:  # noqa: ANN401 - any JSON value
    ids = (_text(span, "traceId").lower(), _text(span, "spanId").lower(), _text(span, "parentSpanId").lower())
    times = (_integer(span.get("startTimeUnixNano")) or arrived, _integer(span.get("endTimeUnixNano")))
    status = _integer((span.get("status") or {}).get("code"))
    return (span_row(_text(span, "name"), ids, times, status, _attributes(span.get("attributes")), source),)


def _attributes(entries: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    found = {}
    for entry in entries or ():
        value = entry.get("value") or {}
        # the common kind first: this loop is most of the time that a record takes
        text = value.get("stringValue")
        found[entry["key"]] = text if type(text) is str else _value(value)
    return found


def _value(value: Any) -> Any:  # noqa: ANN401 - an AnyValue to any JSON value
    for kind, held in value.items():
        reader = _VALUES.get(kind)
        if reader is None:
            raise BadRecordError(f"an attribute has a value of the kind {kind!r}, which OTLP does not know")
        return reader(held)
    return None


def _integer(value: object) -> int:
    """Read a 64-bit integer, a text in OTLP/JSON, but a number from some senders."""
    if value is None or isinstance(value, bool):
        return 0
    return int(value) if isinstance(value, (int, str)) else int(str(value))


def _text(value: dict[str, Any], key: str) -> str:
    held = value.get(key)
    return held if isinstance(held, str) else ""


def _snake(kind: str) -> str:
    return "exponential_histogram" if kind == "exponentialHistogram" else kind


def _list(value: dict[str, Any], key: str) -> list[Any]:
    held = value.get(key)
    if held is None:
        return []
    if not isinstance(held, list):
        raise RequestError(400, f"{key} is a JSON {type(held).__name__}; expected a list")
    return held


def _objects(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    held = _list(value, key)
    if all(isinstance(entry, dict) for entry in held):
        return held
    raise RequestError(400, f"{key} has an entry that is no object")


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    held = value.get(key)
    return held if isinstance(held, dict) else {}


def _around(read: Callable[[Any], dict[str, Any]], value: object) -> dict[str, Any]:
    """Read what stands around records, where something wrong is the whole body's fault."""
    try:
        return read(value)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RequestError(400, f"the resource's attributes are not as OTLP has them: {error!r}") from error


_VALUES: dict[str, Callable[[Any], Any]] = {
    "stringValue": str,
    "intValue": _integer,
    "doubleValue": lambda held: finite(float(held)),
    "boolValue": bool,
    "bytesValue": str,
    "arrayValue": lambda held: [_value(entry) for entry in held.get("values", [])],
    "kvlistValue": lambda held: _attributes(held.get("values")),
}
_MAKERS: dict[str, Callable[[Any, Source, int], Iterable[Row]]] = {"logs": _log, "metrics": _metric, "traces": _span}
JSON = Encoding(CONTENT_TYPE, _read)
