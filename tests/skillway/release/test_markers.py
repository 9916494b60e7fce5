"""A published release is marked on Honeycomb's graphs where that is configured; a marker that fails is a warning."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def honeycomb(desk, monkeypatch):
    """Honeycomb's API on loopback, named in the desk's organisation.yaml; `markers` are (path, key, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.markers.append((self.path, self.headers["X-Honeycomb-Team"], body))
            data = json.dumps({"id": "d1c84ec0", **body}).encode()
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    desk.make_keys()
    desk.build()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.markers, server.status = [], 201
    with (desk.folder / "organisation.yaml").open("a") as file:
        file.write(f"telemetry:\n  honeycomb_api: http://127.0.0.1:{server.server_port}\n")
    monkeypatch.setenv("HONEYCOMB_API_KEY", "key-1")
    monkeypatch.chdir(desk.folder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_release_is_marked_once(desk, honeycomb):
    assert desk.cli("publish", "--dry-run")[0] == 0
    assert honeycomb.markers == []
    assert desk.cli("publish")[1]["data"]["marker"] == "d1c84ec0"
    body = {"message": "acme release 1 in broad, canary", "type": "catalog-release"}
    assert honeycomb.markers == [("/1/markers/__all__", "key-1", body)]
    desk.cli("publish")
    assert len(honeycomb.markers) == 1


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_refused_marker_is_a_warning_and_the_release_stands(desk, honeycomb, status):
    honeycomb.status = status
    code, envelope = desk.cli("publish")
    assert (code, envelope["ok"], envelope["data"]["release"], envelope["data"]["marker"]) == (0, True, 1, None)
    assert f"{status}" in envelope["warnings"][0]
    assert len(honeycomb.markers) == 1


def test_missing_key_is_a_warning(desk, honeycomb, monkeypatch):
    monkeypatch.delenv("HONEYCOMB_API_KEY")
    code, envelope = desk.cli("publish")
    assert code == 0
    assert "HONEYCOMB_API_KEY" in envelope["warnings"][0]
    assert honeycomb.markers == []


def test_without_configuration_nothing_is_asked_or_said(desk, monkeypatch):
    desk.make_keys()
    desk.build()
    monkeypatch.setenv("HONEYCOMB_API_KEY", "key-1")
    monkeypatch.chdir(desk.folder)
    code, envelope = desk.cli("publish")
    assert (code, envelope["warnings"], envelope["data"]["marker"]) == (0, [], None)
