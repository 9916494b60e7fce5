"""A receiver in this process, and one as its own process."""

import http.client
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillway.collector.server import Receiver
from skillway.collector.store import Store, open_for_reading, open_store
from skillway.collector.writer import Writer


@dataclass
class Running:
    """A running receiver: its server, its store's file, and how to talk to it."""

    receiver: Receiver
    path: Path

    @property
    def url(self):
        return self.receiver.url

    def post(self, body, *, path="/v1/logs", content_type="application/json", **headers):
        """Send one request and give status, headers and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver.server_port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, body, {"Content-Type": content_type, **named})
        answer = connection.getresponse()
        told = (answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return told

    def events(self):
        """Give name and attributes of every stored event, in order."""
        from skillway.usage.export import _event, read_events

        store: Store = open_for_reading(self.path)
        try:
            return [_event(row) for row in read_events(store, None, None)]
        finally:
            store.close()


@pytest.fixture
def running(tmp_path):
    """A receiver on loopback."""
    yield from _serve(tmp_path / "usage.db")


@pytest.fixture
def guarded(tmp_path):
    """A receiver that wants a token."""
    yield from _serve(tmp_path / "usage.db", token="a-token-of-some-length")


def _serve(path, **how):
    store = open_store(path)
    writer = Writer(store)
    receiver = Receiver(("127.0.0.1", 0), writer, **how)
    writer.start()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Running(receiver, path)
    receiver.shutdown()
    receiver.server_close()
    writer.stop()
    store.close()


@pytest.fixture
def start_collector(tmp_path):
    """Start `skillway collector` as its own process; gives the process and what it announced."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "skillway", "collector", "--port", "0", "--json", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        started.append(process)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                break
        return process, json.loads("".join(lines))["data"] if lines else None

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def log_body(*records, resource=()):
    """Write an OTLP/JSON request of log records, each as (uid, name, attributes)."""

    def attributes(values):
        return [{"key": key, "value": {"stringValue": value}} for key, value in values]

    listed = [
        {
            "timeUnixNano": "1763000000000000000",
            "eventName": name,
            "attributes": attributes([("log.record.uid", uid), *more.items()]),
        }
        for uid, name, more in records
    ]
    scope = [{"scope": {"name": "test"}, "logRecords": listed}]
    return json.dumps(
        {"resourceLogs": [{"resource": {"attributes": attributes(resource)}, "scopeLogs": scope}]}
    ).encode()


@pytest.fixture(name="log_body")
def _log_body():
    return log_body
