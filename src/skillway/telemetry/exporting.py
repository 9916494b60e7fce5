"""How do a command's spans and events reach a receiver? Through the OpenTelemetry SDK, while the command works.

A receiver that does not answer costs a command at most `LONGEST_WAIT` at its end, and nothing else: exporting happens
in the SDK's own threads, which end with the process. What could not be sent is lost; a command can be run again.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from skillway import __version__
from skillway.telemetry import Span, Value
from skillway.telemetry.endpoint import ENVIRONMENT, Endpoint

if TYPE_CHECKING:
    from opentelemetry.context import Context

LONGEST_WAIT = 1.0
"""Seconds at the end of a command for a receiver that does not answer."""
_REQUEST_SECONDS = 0.9
_BATCH_EVERY = 5000
"""Milliseconds; a long command is seen while it works."""


class Exporting:
    """Spans and events to one receiver, with its own providers, so that nothing global is touched."""

    def __init__(self, endpoint: Endpoint) -> None:
        # What the SDK says of a dead receiver is for nobody who waits for a build.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        logging.getLogger("opentelemetry").propagate = False
        make_span_exporter, make_log_exporter = _exporters(endpoint)
        resource = Resource.create(_resource(endpoint))
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(
            BatchSpanProcessor(make_span_exporter("/v1/traces"), schedule_delay_millis=_BATCH_EVERY)
        )
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(make_log_exporter("/v1/logs"), schedule_delay_millis=_BATCH_EVERY)
        )
        self._tracer = self._traces.get_tracer("skillway", __version__)
        self._logger = self._logs.get_logger("skillway", __version__)
        self._parent: Context | None = TraceContextTextMapPropagator().extract(
            {"traceparent": os.environ.get("TRACEPARENT", "")}
        )

    def span(self, name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
        """Open a span below the present one; the first is below TRACEPARENT, where a pipeline sets it."""
        parent, self._parent = self._parent, None
        with self._tracer.start_as_current_span(
            name, context=parent, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
        ) as opened:
            yield _Open(opened)

    def event(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Send an event; the body repeats the name, because older receivers drop the field for it."""
        named: dict[str, Any] = {**attributes, "log.record.uid": uuid.uuid4().hex}
        self._logger.emit(
            LogRecord(
                event_name=name,
                body=name,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                attributes=named,
            )
        )

    def close(self) -> None:
        """Send what is left; a receiver that does not answer is left alone after `LONGEST_WAIT`."""
        threads = [threading.Thread(target=each.force_flush, daemon=True) for each in (self._traces, self._logs)]
        for thread in threads:
            thread.start()
        ends = time.monotonic() + LONGEST_WAIT
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))


class _Open(Span):
    def __init__(self, span: SdkSpan) -> None:
        self._span = span

    def set(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))


def _resource(endpoint: Endpoint) -> dict[str, str | bool]:
    found: dict[str, str | bool] = {
        "service.name": "skillway",
        "service.version": __version__,
        "os.type": {"win32": "windows"}.get(sys.platform, sys.platform),
        "host.arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
    }
    if endpoint.environment:
        found["deployment.environment.name"] = endpoint.environment
    if os.environ.get("CI", "") not in ("", "0", "false"):
        found["skillway.ci"] = True
    return found


def _exporters(endpoint: Endpoint) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """Give what makes the exporter of each signal, from the signal's path."""
    if endpoint.source == ENVIRONMENT and os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import (  # noqa: PLC0415 - 50 ms more than HTTP
            OTLPLogExporter as GrpcLogExporter,
        )
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415 - as above
            OTLPSpanExporter as GrpcSpanExporter,
        )

        return lambda _: GrpcSpanExporter(timeout=_REQUEST_SECONDS), lambda _: GrpcLogExporter(timeout=_REQUEST_SECONDS)
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415 - one of two
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above

    def options(path: str) -> dict[str, Any]:
        if endpoint.source == ENVIRONMENT:  # everything, per signal too, is the exporter's own business there
            return {"timeout": _REQUEST_SECONDS}
        url = f"{(endpoint.url or '').rstrip('/')}{path}"
        return {
            "endpoint": url,
            "headers": endpoint.headers,
            "certificate_file": endpoint.ca_file,
            "timeout": _REQUEST_SECONDS,
        }

    return lambda path: OTLPSpanExporter(**options(path)), lambda path: OTLPLogExporter(**options(path))
