"""Receivers that others wrote understand what the flusher sends, and the SDK would have sent the same."""

import gzip
import json
import logging
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from receiver import attributes

RECEIVERS = Path(__file__).parent / "receivers"


class Unzipping:
    """A proxy before receivers that know no gzip."""

    def __init__(self, target):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                request = urllib.request.Request(
                    target.rstrip("/") + self.path, body, {"Content-Type": self.headers["Content-Type"]}
                )
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(request, timeout=20) as answer:
                    self.send_response(answer.status)
                    data = answer.read()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def lists(repository):
    return json.loads((repository / "hooks" / "events.json").read_text())


def spool_examples(laptop, lists):
    """Spool one record of every event with all of its attributes; give them as they are in the spool."""
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import spool\n"
        "for name, values in json.load(sys.stdin): assert spool.append(name, values)"
    )
    examples = [
        (name, {key: rule["example"] for key, rule in {**lists["common"], **event["attributes"]}.items()})
        for name, event in lists["events"].items()
    ]
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    subprocess.run(argv, input=json.dumps(examples), text=True, check=True, env=laptop.environment())
    return {record["name"]: record for record in laptop.records()}


def assert_all_arrived(found, spooled, event_name=True):
    """`found` are LogRecords of the receiver's; the flusher's own records may be among them."""
    by_uid = {attributes(record)["log.record.uid"]: record for record in found}
    for name, record in spooled.items():
        arrived = by_uid[record["id"]]
        assert arrived["body"] == {"stringValue": name}
        assert int(arrived["timeUnixNano"]) == record["ts"]
        values = attributes(arrived)
        for key, value in record["attributes"].items():
            assert values[key] == value, key
        assert set(values) - set(record["attributes"]) <= {"log.record.uid", "skillway.schema.version", "sampleRate"}
        if event_name:
            assert arrived["eventName"] == name


def test_elastics_receiver_understands_every_event(laptop, lists):
    node = shutil.which("node")
    if node is None or not (RECEIVERS / "node_modules" / "@elastic").exists():
        pytest.skip("not run: no npm receiver in tests/hooks/receivers (run: make test)")
    spooled = spool_examples(laptop, lists)
    with subprocess.Popen([node, RECEIVERS / "serve.js"], stdout=subprocess.PIPE, text=True, cwd=RECEIVERS) as server:
        proxy = Unzipping(json.loads(server.stdout.readline()))
        try:
            laptop.configure(proxy.url)
            laptop.flush()
            found = []
            while len(found) < len(spooled):
                document = json.loads(server.stdout.readline())
                found += [
                    r for resource in document["resourceLogs"] for s in resource["scopeLogs"] for r in s["logRecords"]
                ]
        finally:
            server.terminate()
            proxy.close()
    assert_all_arrived(found, spooled)
    assert laptop.waiting() == []


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_oteltests_receiver_understands_every_event(laptop, lists):
    from google.protobuf.json_format import MessageToDict
    from oteltest.sink import HttpSink
    from oteltest.sink.handler import AccumulatingHandler

    spooled = spool_examples(laptop, lists)
    handler = AccumulatingHandler()
    port = free_port()
    sink = HttpSink(handler, logging.getLogger("sink"), port=port, daemon=True)
    sink.start()
    until = time.monotonic() + 20
    while sink.httpd is None and time.monotonic() < until:
        time.sleep(0.01)
    proxy = Unzipping(f"http://127.0.0.1:{port}")
    laptop.configure(proxy.url)
    laptop.flush()
    proxy.close()
    requests = [MessageToDict(request.pbreq) for request in handler.telemetry.log_requests]
    found = [
        r
        for request in requests
        for resource in request["resourceLogs"]
        for s in resource["scopeLogs"]
        for r in s["logRecords"]
    ]
    assert_all_arrived(found, spooled)
    assert laptop.figures()["failure"] == ""


def test_the_sdk_encodes_the_same_records_to_the_same(laptop, lists, receiver):
    """The oracle for the encoder: both ends as protobuf, compared field by field."""
    from google.protobuf.json_format import Parse
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

    spooled = spool_examples(laptop, lists)
    laptop.flush()
    ours = {}
    for _, _, document in receiver.requests:
        request = Parse(json.dumps(document), ExportLogsServiceRequest())
        for record in request.resource_logs[0].scope_logs[0].log_records:
            ours[record.attributes[0].value.string_value] = record
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("skillway.hooks")
    for name, record in spooled.items():
        rules = {**lists["common"], **lists["events"][name]["attributes"]}
        values = {"log.record.uid": record["id"], "skillway.schema.version": 1}
        for key, value in record["attributes"].items():
            values[key] = float(value) if rules[key]["type"] == "number" else value
        if "skillway.sample.weight" in values:
            values["sampleRate"] = values["skillway.sample.weight"]
        mine = ours[record["id"]]
        logger.emit(
            LogRecord(
                timestamp=record["ts"],
                observed_timestamp=mine.observed_time_unix_nano,
                severity_number=SeverityNumber(mine.severity_number),
                severity_text=mine.severity_text,
                body=name,
                event_name=name,
                attributes=values,
            )
        )
    theirs = encode_logs(exporter.get_finished_logs())
    compared = 0
    for record in theirs.resource_logs[0].scope_logs[0].log_records:
        uid = next(entry.value.string_value for entry in record.attributes if entry.key == "log.record.uid")
        for side in (record, ours[uid]):
            ordered = sorted(side.attributes, key=lambda entry: entry.key)
            del side.attributes[:]
            side.attributes.extend(ordered)
        assert record == ours[uid]
        compared += 1
    assert compared == len(lists["events"])
