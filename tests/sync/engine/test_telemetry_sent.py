"""With the hooks that ship: what a run did, and what a killed session left behind, reaches IT's receiver through sync."""

import gzip
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skillway_sync.engine import run
from skillway_sync.telemetry_run import telling

SALT = "0123456789abcdef" * 4


@pytest.fixture
def receiver():
    """An OTLP/HTTP receiver on loopback; `records` are the LogRecords that came, `keys` the keys that came with them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            server.keys.append(self.headers.get("x-key"))
            if server.status == 200:
                for resource in json.loads(body)["resourceLogs"]:
                    server.resources.append(resource["resource"])
                    server.records.extend(resource["scopeLogs"][0]["logRecords"])
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.records, server.resources, server.keys, server.status = [], [], [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def laptop(site, make, repository, receiver):
    """A laptop with the hooks of this repository, which send to the receiver."""
    names = [path for path in (repository / "hooks").iterdir() if path.suffix in (".py", ".json")]
    hooks = {f"hooks/{path.name}": path.read_bytes() for path in names if not path.name.startswith("guard")}
    site.publisher.release(2, {"base": make.base("one") | hooks, "tools": make.plugin("tools")})
    endpoint = f"http://127.0.0.1:{receiver.server_port}"
    telemetry = {"endpoint": endpoint, "headers": {"x-key": "k1"}, "key_id": "k1", "salt": SALT}
    site.configure(telemetry=telemetry, user={"id": "ada@example.com", "team": "support"})
    return site


def sync(site):
    with telling(site.layout) as command:
        command.outcome = run(site.laptop())


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def attributes(record):
    return {pair["key"]: next(iter(pair["value"].values())) for pair in record["attributes"]}


def named(receiver, name):
    return [attributes(record) for record in receiver.records if record["eventName"] == name]


def test_run_arrives_with_pseudonym_team_and_key(laptop, receiver):
    sync(laptop)
    wait_for(lambda: named(receiver, "skillway.sync.completed"))
    (seen,) = named(receiver, "skillway.sync.completed")
    assert (seen["sync.outcome"], seen["sync.to"], seen["sync.scope"]) == ("ok", "2", "system")
    assert seen["user.hash"] == hmac.new(SALT.encode(), b"ada@example.com", hashlib.sha256).hexdigest()[:32]
    described = {pair["key"]: pair["value"]["stringValue"] for pair in receiver.resources[0]["attributes"]}
    assert (described["service.name"], described["team.id"]) == ("skillway", "support")
    assert set(receiver.keys) == {"k1"}


def test_what_a_killed_session_left_is_sent_by_the_next_sync(laptop, receiver):
    spool = laptop.prefix / "home" / ".local" / "state" / "skillway" / "spool"
    spool.mkdir(parents=True)
    for folder in (spool.parent, spool):
        folder.chmod(0o700)
    left = {"v": 1, "id": os.urandom(16).hex(), "ts": time.time_ns(), "name": "skillway.skill.used"}
    left["attributes"] = {"skill.name": "support:mask", "success": True}
    (spool / "events.jsonl").write_text(f"\n{json.dumps(left)}\n")
    (spool / "events.jsonl").chmod(0o600)
    sync(laptop)
    wait_for(lambda: named(receiver, "skillway.skill.used"))
    assert named(receiver, "skillway.skill.used")[0]["log.record.uid"] == left["id"]


def test_refused_key_keeps_events_until_sync_brings_another(laptop, receiver):
    receiver.status = 401
    sync(laptop)
    state = laptop.prefix / "home" / ".local" / "state" / "skillway" / "flush.json"
    wait_for(lambda: state.exists() and json.loads(state.read_text())["failure"] == "auth")
    receiver.status = 200
    config = json.loads(laptop.layout.config_file.read_text())
    config["telemetry"] |= {"headers": {"x-key": "k2"}, "key_id": "k2"}
    laptop.layout.config_file.write_text(json.dumps(config))
    sync(laptop)
    wait_for(lambda: named(receiver, "skillway.sync.completed"))
    assert receiver.keys[-1] == "k2"
