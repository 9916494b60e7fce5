"""OpenTelemetry's own SDKs, in Python and in JavaScript, send to our receiver."""

import shutil
import subprocess
from pathlib import Path

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SENDERS = Path(__file__).resolve().parents[2] / "senders"
INSTALL = "npm install --prefix tests/senders --no-package-lock --no-audit --no-fund --ignore-scripts"
RESOURCE = Resource({"service.name": "skillway", "team.id": "data"})
COMPRESSIONS = pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])


@COMPRESSIONS
def test_logs_of_the_python_sdk(running, compression):
    provider = LoggerProvider(RESOURCE)
    exporter = OTLPLogExporter(f"{running.url}/v1/logs", compression=compression)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    values = {"skill.name": "p:q", "success": True, "duration_ms": 1.5, "count": 7, "list": ["a", "b"]}
    for number in range(700):
        record = LogRecord(
            timestamp=1763000000000000000 + number,
            severity_number=SeverityNumber.INFO,
            event_name="skillway.skill.used",
            body="skillway.skill.used",
            attributes={**values, "log.record.uid": f"{number:032x}"},
        )
        provider.get_logger("test").emit(record)
    provider.shutdown()

    events = running.events()
    assert {event["uid"] for event in events} == {f"{number:032x}" for number in range(700)}
    assert events[0]["attributes"] == {**values, "team.id": "data"}


@COMPRESSIONS
def test_metrics_of_the_python_sdk(running, compression):
    exporter = OTLPMetricExporter(f"{running.url}/v1/metrics", compression=compression)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 10**9)], RESOURCE)
    meter = provider.get_meter("test")
    meter.create_counter("uses", unit="1").add(3, {"skill.name": "p:q"})
    meter.create_histogram("cost", unit="USD").record(0.25)
    meter.create_gauge("spool").set(9)
    provider.shutdown()

    found = {event["name"]: event["attributes"] for event in running.events()}
    assert (found["uses"]["metric.value"], found["uses"]["metric.kind"], found["uses"]["skill.name"]) == (
        3,
        "sum",
        "p:q",
    )
    assert (found["cost"]["metric.value"], found["cost"]["metric.count"]) == (0.25, 1)
    assert found["spool"]["metric.value"] == 9


@COMPRESSIONS
def test_spans_of_the_python_sdk(running, compression):
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(f"{running.url}/v1/traces", compression=compression))
    )
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("skillway build") as outer, tracer.start_as_current_span("pack"):
        pass
    provider.shutdown()

    found = {event["name"]: event["attributes"] for event in running.events()}
    assert (
        found["pack"]["parent.id"] == found["skillway build"]["span.id"] == f"{outer.get_span_context().span_id:016x}"
    )
    assert found["skillway build"]["duration_ms"] >= found["pack"]["duration_ms"] >= 0


_SCRIPT = """
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs')
const { OTLPLogExporter } = require(process.argv[2])
const { resourceFromAttributes } = require('@opentelemetry/resources')
const exporter = new OTLPLogExporter({ url: process.argv[3] + '/v1/logs', compression: process.argv[4] })
const resource = resourceFromAttributes({ 'service.name': 'skillway', 'team.id': 'data' })
const processor = new BatchLogRecordProcessor(exporter, { maxQueueSize: 1000 })
const provider = new LoggerProvider({ resource })
provider.addLogRecordProcessor(processor)
const logger = provider.getLogger('test')
for (let i = 0; i < 700; i++) {
  logger.emit({
    timestamp: Date.now(), body: 'skillway.skill.used', eventName: 'skillway.skill.used',
    attributes: { 'log.record.uid': i.toString(16).padStart(32, '0'), 'skill.name': 'p:q', success: true, duration_ms: 1.5 },
  })
}
provider.shutdown()
"""


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("exporter", ["proto", "http"])
def test_logs_of_the_javascript_sdk(running, tmp_path, exporter, compression):
    if not (SENDERS / "node_modules").is_dir() or not shutil.which("node"):
        pytest.skip(f"not run: no OpenTelemetry SDK for JavaScript in tests/senders (run: {INSTALL})")
    script = tmp_path / "send.js"
    script.write_text(_SCRIPT)
    package = f"@opentelemetry/exporter-logs-otlp-{exporter}"
    command = ["node", str(script), package, running.url, compression]
    environment = {"NODE_PATH": str(SENDERS / "node_modules"), "PATH": str(Path(shutil.which("node")).parent)}

    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert done.returncode == 0, done.stderr

    events = running.events()
    assert {event["uid"] for event in events} == {f"{number:032x}" for number in range(700)}
    assert len(events) == 700, "the second run sent the same ids"
    values = {"skill.name": "p:q", "success": True, "duration_ms": 1.5, "team.id": "data"}
    assert events[0]["attributes"] == values
    assert events[0]["resource"] == {"service.name": "skillway"}
