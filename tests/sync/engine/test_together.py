"""Several runs at once, a run that is killed, and sessions that read while runs update: nobody is in the other's way."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from skillway_sync.engine import run
from skillway_sync.lock import BusyError, exclusive_lock
from skillway_sync.rollback import roll_back
from skillway_sync.verify import verify

PROCESSES = 20
UPDATES = 100


def start(site, *words) -> subprocess.Popen:
    command = [sys.executable, "-m", "skillway_sync", *words, "--root", site.prefix, "--home", site.prefix / "home"]
    return subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer_of(process) -> dict:
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    assert process.returncode == 0
    return json.loads(output)["data"]


@pytest.fixture
def holder(site):
    """A process that holds the lock until it is killed."""
    site.layout.state.mkdir(parents=True, exist_ok=True)
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom skillway_sync.lock import exclusive_lock\n"
        "with exclusive_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, site.layout.state], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_many_runs_at_once_all_exit_0_and_the_result_is_right(real_site):
    processes = [start(real_site, "run") for _ in range(PROCESSES)]

    states = [answer_of(process)["state"] for process in processes]

    assert set(states) <= {"ok", "busy"}
    assert "ok" in states
    assert real_site.catalogue() == real_site.digests(1)
    assert verify(real_site.laptop()).exit_code == 0
    assert not real_site.layout.staging.exists()


def test_second_run_is_busy_and_changes_nothing(site, holder, make):
    before = make.tree(site.prefix)

    outcome = run(site.laptop())

    assert (outcome.exit_code, outcome.state, outcome.changed) == (0, "busy", False)
    assert make.tree(site.prefix) == before


def test_rollback_beside_a_run_is_busy_and_changes_nothing(site, second_release, make, request):
    run(site.laptop())
    second_release(site.publisher)
    run(site.laptop())
    request.getfixturevalue("holder")
    before = make.tree(site.prefix)

    outcome = roll_back(site.laptop())

    assert (outcome.exit_code, outcome.state) == (0, "busy")
    assert make.tree(site.prefix) == before


def test_lock_of_a_killed_process_is_free_at_once(site, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    outcome = run(site.laptop())

    assert outcome.state == "ok"
    assert site.catalogue() == site.digests(1)


def test_lock_file_that_is_left_locks_nobody_out(site):
    site.layout.state.mkdir(parents=True)
    (site.layout.state / "lock").write_text("12345\n")

    assert run(site.laptop()).state == "ok"


def test_lock_is_held_by_one_and_free_afterwards(tmp_path):
    with exclusive_lock(tmp_path), pytest.raises(BusyError), exclusive_lock(tmp_path):
        pass
    with exclusive_lock(tmp_path):
        assert (tmp_path / "lock").exists()


class _Stuck(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.set()
        self.server.freed.wait(60)

    def log_message(self, *_):
        pass


@pytest.fixture
def stuck_store():
    """A server that never answers; `asked` is set when a run waits for it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Stuck)
    server.daemon_threads = True
    server.asked, server.freed = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.freed.set()
    server.shutdown()
    server.server_close()


def test_run_that_is_killed_while_it_works_leaves_the_next_one_free(real_site, stuck_store):
    real_site.configure(store=f"http://127.0.0.1:{stuck_store.server_address[1]}")
    process = start(real_site, "run")
    assert stuck_store.asked.wait(30)
    assert answer_of(start(real_site, "run"))["state"] == "busy"

    process.send_signal(signal.SIGKILL)
    process.communicate()
    real_site.configure()

    assert answer_of(start(real_site, "run"))["state"] == "ok"
    assert real_site.catalogue() == real_site.digests(1)
    assert not real_site.layout.staging.exists()


def test_status_and_verify_answer_while_a_run_works(site, request):
    run(site.laptop())
    request.getfixturevalue("holder")

    assert answer_of(start(site, "status"))["state"] == "ok"
    assert verify(site.laptop()).exit_code == 0


# --- sessions that read meanwhile -----------------------------------------------------------------------------------


def read_as_sessions(layout, digests, stop) -> dict[str, int]:
    """Be one session after the other: read the catalogue once, then the folders that it names, again and again."""
    seen = {"sessions": 0, "missing": 0, "mixed": 0, "guard": 0}
    known = {json.dumps(each, sort_keys=True) for each in digests}
    while not stop.exists():
        content = json.loads(layout.catalogue_file.read_bytes())
        folders = {entry["name"]: layout.root / entry["source"] for entry in content["plugins"]}
        names = json.dumps({name: folder.name for name, folder in folders.items()}, sort_keys=True)
        seen["mixed"] += names not in known
        files = [path for folder in folders.values() for path in folder.rglob("*") if path.is_file()]
        contents = [path.read_bytes() for path in files]
        for _ in range(3):
            try:
                seen["mixed"] += [path.read_bytes() for path in files] != contents
                base, _, digest = layout.guard_pointer.read_text().strip().partition("/")
                seen["guard"] += not (layout.store / base / digest / "hooks" / "guard.py").is_file()
                seen["guard"] += not layout.launcher.read_bytes().startswith(b"#!/bin/sh\n")
                json.loads(layout.policy_file.read_bytes())
            except FileNotFoundError:
                seen["missing"] += 1
        seen["sessions"] += 1
    return seen


def test_sessions_never_miss_a_file_and_never_see_two_releases_during_many_updates(site, make, tmp_path):
    texts = ("one", "two", "three")
    plugins = {text: {"base": make.base(text), "support": make.plugin("support", text)} for text in texts}
    for seq in range(2, 2 + len(texts)):
        site.publisher.release(seq, plugins[texts[seq - 2]], teams={"support": "support"})
    run(site.laptop())
    digests = [site.digests(seq) for seq in range(2, 2 + len(texts))]
    stop, answer = tmp_path / "stop", tmp_path / "answer"
    reader = os.fork()
    if reader == 0:
        code = 1
        try:
            answer.write_text(json.dumps(read_as_sessions(site.layout, digests, stop)))
            code = 0
        finally:
            os._exit(code)
    try:
        for seq in range(5, 5 + UPDATES):
            site.publisher.bodies.clear()  # they are in the store; writing all of them again is not what is tested
            site.publisher.release(seq, plugins[texts[(seq - 2) % 3]], teams={"support": "support"})
            assert run(site.laptop()).changed
    finally:
        stop.touch()
        _, status = os.waitpid(reader, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    seen = json.loads(answer.read_text())
    assert (seen["missing"], seen["mixed"], seen["guard"]) == (0, 0, 0)
    assert seen["sessions"] >= 20
