"""A receiver on loopback that answers as it is told, and the CLI as its own process."""

import gzip
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Receiver:
    """What was posted; `answer` may be replaced by a function of (path, body) to (status, headers, body)."""

    url: str = ""
    posts: list = field(default_factory=list)
    answer: object = None

    def bodies(self, path):
        return [body for seen, _, body in self.posts if seen == path]

    def spans(self):
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies("/v1/traces")]
        return [s for r in requests for rs in r.resource_spans for scope in rs.scope_spans for s in scope.spans]

    def logs(self):
        requests = [ExportLogsServiceRequest.FromString(body) for body in self.bodies("/v1/logs")]
        return [s for r in requests for rl in r.resource_logs for scope in rl.scope_logs for s in scope.log_records]


@pytest.fixture
def receiver():
    """An OTLP/HTTP receiver on loopback."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            status, headers, answer = made.answer(self.path, body) if made.answer else (200, {}, b"")
            made.posts.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def skillway(tmp_path):
    """Run the CLI as its own process in a folder outside any repository, or in `cwd`."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*arguments, cwd=None, **variables):
        environment = {**os.environ, **variables}
        command = [sys.executable, "-m", "skillway", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd or folder, env=environment, check=False)

    return run


def attributes(record):
    """From name to value of a protobuf record's or span's attributes."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in record.attributes}


@pytest.fixture
def read_attributes():
    return attributes
