"""How is a body of OTLP's protobuf encoding read? (opentelemetry-proto, OTLP 1.11.0)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from skillway.collector.decode import Encoding
from skillway.collector.errors import RequestError
from skillway.collector.otlp_names import log_name, point_row, span_row
from skillway.collector.rows import LOG, Row, Source, finite, make_row, make_source

Make = Callable[[int], Iterable[Row]]

CONTENT_TYPE = "application/x-protobuf"

_NUMBERS = ("NumberDataPoint",)


def _read(signal: str, body: bytes) -> Iterator[Make]:
    request = _parse(_REQUESTS[signal], body)
    return _READERS[signal](request)


def _parse(kind: Any, body: bytes) -> Any:  # noqa: ANN401 - three generated classes without a base of their own
    try:
        return kind.FromString(body)
    except DecodeError as error:
        name = kind.DESCRIPTOR.name
        raise RequestError(400, f"the body of {len(body)} bytes is no {name} in protobuf: {error}") from error


def _read_logs(request: Any) -> Iterator[Make]:  # noqa: ANN401 - as _parse
    for of_resource in request.resource_logs:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            source = make_source(resource, of_scope.scope.name)
            for record in of_scope.log_records:
                yield partial(_log, record, source)


def _log(record: Any, source: Source, arrived: int) -> tuple[Row]:  # noqa: ANN401 - as _parse
    attributes = _attributes(record.attributes)
    # a body that is no name is text, which is not kept
    name = log_name(record.event_name, attributes, _value(record.body))
    when = record.time_unix_nano or record.observed_time_unix_nano or arrived
    return (make_row(LOG, name, when, attributes, source),)


def _read_metrics(request: Any) -> Iterator[Make]:  # noqa: ANN401 - as _parse
    for of_resource in request.resource_metrics:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            source = make_source(resource, of_scope.scope.name)
            for metric in of_scope.metrics:
                yield partial(_metric, metric, source)


def _metric(metric: Any, source: Source, arrived: int) -> list[Row]:  # noqa: ANN401 - as _parse
    kind = metric.WhichOneof("data")
    if kind is None:
        return []
    return [
        point_row(
            metric.name,
            metric.unit,
            point.time_unix_nano or arrived,
            _attributes(point.attributes),
            {"start_ns": point.start_time_unix_nano, "kind": kind} | _measured(point),
            source,
        )
        for point in getattr(metric, kind).data_points
    ]


def _measured(point: Any) -> dict[str, Any]:  # noqa: ANN401 - as _parse
    if point.DESCRIPTOR.name in _NUMBERS:
        which = point.WhichOneof("value")
        return {"value": finite(getattr(point, which))} if which else {}
    measured: dict[str, Any] = {"count": point.count, "value": finite(point.sum)}
    if hasattr(point, "explicit_bounds"):
        measured |= {"bounds": list(point.explicit_bounds), "buckets": list(point.bucket_counts)}
    return measured


def _read_traces(request: Any) -> Iterator[Make]:  # noqa: ANN401 - as _parse
    for of_resource in request.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            source = make_source(resource, of_scope.scope.name)
            for span in of_scope.spans:
                yield partial(_span, span, source)


def _span(span: Any, source: Source, arrived: int) -> tuple[Row]:  # noqa: ANN401 - as _parse
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    times = (span.start_time_unix_nano or arrived, span.end_time_unix_nano)
    return (span_row(span.name, ids, times, span.status.code, _attributes(span.attributes), source),)


def _attributes(entries: Any) -> dict[str, Any]:  # noqa: ANN401 - a repeated field
    found = {}
    for entry in entries:
        value = entry.value
        which = value.WhichOneof("value")
        # the common kinds first: this line is most of the time that a record takes
        found[entry.key] = getattr(value, which) if which in _PLAIN else _value(value)
    return found


def _value(value: Any) -> Any:  # noqa: ANN401 - an AnyValue to any JSON value
    which = value.WhichOneof("value")
    if which is None:
        return None
    held = getattr(value, which)
    if which == "double_value":
        return finite(held)
    if which == "bytes_value":
        return b64encode(held).decode()  # as the JSON encoding has it
    if which == "array_value":
        return [_value(entry) for entry in held.values]
    if which == "kvlist_value":
        return _attributes(held.values)
    return held


_PLAIN = frozenset({"string_value", "int_value", "bool_value"})
_REQUESTS: dict[str, Any] = {
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "traces": ExportTraceServiceRequest,
}
_READERS: dict[str, Callable[[Any], Iterator[Make]]] = {
    "logs": _read_logs,
    "metrics": _read_metrics,
    "traces": _read_traces,
}
PROTOBUF = Encoding(CONTENT_TYPE, _read)
