"""`skillway collector` as its own process: what it says, what it refuses, and with which exit code."""

import http.client
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time

import pytest

from skillway.collector.store import open_for_reading


def collector(*arguments, cwd):
    command = [sys.executable, "-m", "skillway", "collector", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


def post(endpoint, body, **headers):
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=20)
    connection.request("POST", "/v1/logs", body, {"Content-Type": "application/json", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_says_where_it_listens_and_how_a_laptop_gets_there(start_collector, home):
    _, told = start_collector()
    assert told["endpoint"].startswith("http://127.0.0.1:")
    assert told["store"] == str(home / ".local/state/skillway/usage.db")
    assert told["config"] == {"telemetry": {"endpoint": told["endpoint"]}}
    assert told["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == told["endpoint"]
    assert post(told["endpoint"], b"{}") == 200


def test_a_token_is_wanted_and_told_without_being_shown(start_collector, tmp_path):
    (tmp_path / "token").write_text("0123456789abcdef\n")
    _, told = start_collector("--host", "0.0.0.0", "--token-file", "token")
    assert told["config"]["telemetry"]["headers"] == {"Authorization": "Bearer TOKEN"}
    assert "0123456789abcdef" not in json.dumps(told)
    assert "0.0.0.0" not in told["config"]["telemetry"]["endpoint"], "no laptop can send to that"
    address = told["endpoint"].replace("0.0.0.0", "127.0.0.1")
    assert post(address, b"{}") == 401
    assert post(address, b"{}", Authorization="Bearer 0123456789abcdef") == 200


def test_old_events_are_removed_while_it_runs(start_collector, tmp_path, log_body):
    path = tmp_path / "usage.db"
    process, told = start_collector("--store", path)
    assert post(told["endpoint"], log_body(("1" * 32, "skillway.session.started", {"session.id": "s"}))) == 200
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    start_collector("--store", path, "--keep-days", 3)
    store = open_for_reading(path)
    deadline = time.monotonic() + 20
    while store.connection.execute("SELECT events FROM total").fetchone() != (0,):
        assert time.monotonic() < deadline, "the old event is still there"
        time.sleep(0.02)
    store.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_it_is_open_to_other_machines_only_with_a_token(tmp_path, host):
    done = collector("--host", host, "--port", "0", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--token-file" in done.stderr


@pytest.mark.parametrize("token", ["", "short", "with blanks in between it", "x" * 500, "nöt-ascii-but-long-enough"])
def test_a_token_that_is_none_is_refused(tmp_path, token):
    (tmp_path / "token").write_text(token)
    assert collector("--token-file", "token", cwd=tmp_path).returncode == 2


def test_a_token_file_that_is_missing_is_told_with_how_to_make_one(tmp_path):
    done = collector("--token-file", "token", cwd=tmp_path)
    assert done.returncode == 7
    assert "openssl" in done.stderr


def test_a_port_in_use_is_a_conflict_with_the_next_command(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = collector("--port", port, "--json", cwd=tmp_path)
    assert done.returncode == 8
    told = json.loads(done.stdout)
    assert str(port) in told["error"]["message"]
    assert told["next_actions"] == [f"skillway collector --port {port + 1 if port < 65535 else 0}"]


def test_a_foreign_file_as_store_is_refused_without_a_traceback(tmp_path):
    (tmp_path / "notes.txt").write_text("my notes, which are precious\n" * 40)
    done = collector("--store", "notes.txt", "--port", "0", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (tmp_path / "notes.txt").read_text().startswith("my notes")


def test_a_terminal_sees_a_line_of_counts(tmp_path, log_body):
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "skillway", "collector", "--port", "0", "--store", str(tmp_path / "u.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower, text=True, cwd=tmp_path)
    os.close(follower)
    endpoint = process.stdout.readline().split()[3].rstrip(",")
    assert post(endpoint, log_body(("1" * 32, "a", {}), ("2" * 32, "b", {}))) == 200
    seen = b""
    while b"2 events stored" not in seen:
        seen += os.read(leader, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    process.stdout.close()
    os.close(leader)
