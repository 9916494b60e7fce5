"""With IT's native settings the real client exports its own telemetry to IT's receiver, whatever the user's shell says."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from skillway_sync.scripted_api import Say

pytestmark = pytest.mark.client
KEY = "a key with == and %20 in it"


@pytest.fixture
def receiver():
    """A receiver on loopback; `posts` are (path, headers, body)."""
    posts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self._body()
            posts.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self):
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            return b"".join(pieces)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.posts = posts
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sync(laptop, telemetry):
    """Run sync again with this telemetry in IT's configuration."""
    path = laptop.layout.config_file
    path.write_text(json.dumps({**json.loads(path.read_text()), "telemetry": telemetry}))
    place = ["--user"] if laptop.layout.scope == "user" else ["--root", str(laptop.layout.prefix)]
    homes = [word for home in laptop.layout.homes for word in ("--home", str(home))]
    command = [sys.executable, "-m", "skillway_sync", "run", *place, *homes, "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("scope", ["own_laptop", "user_laptop"])
def test_client_exports_its_events_to_the_configured_receiver(drive, request, scope, receiver):
    laptop = request.getfixturevalue(scope)
    endpoint = f"http://127.0.0.1:{receiver.server_port}"
    sync(laptop, {"native": {"enabled": True, "endpoint": endpoint, "headers": {"x-team": KEY}}})

    drive(laptop, [Say("done")])

    logs = [(headers, body) for path, headers, body in receiver.posts if path == "/v1/logs"]
    assert logs, [path for path, *_ in receiver.posts]
    assert {headers.get("x-team") for headers, _ in logs} == {KEY}
    requests = [ExportLogsServiceRequest.FromString(body) for _, body in logs]
    records = [
        r for each in requests for resource in each.resource_logs for s in resource.scope_logs for r in s.log_records
    ]
    assert "claude_code.user_prompt" in {record.body.string_value for record in records}
    assert "/v1/metrics" in {path for path, *_ in receiver.posts}
