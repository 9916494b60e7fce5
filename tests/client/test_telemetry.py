"""Which telemetry events a session of the real client makes, and that they arrive without anybody's help."""

import fcntl
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import termios
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skillway_sync.client import ClientStart, run_client
from skillway_sync.client_proof import spool_records
from skillway_sync.scripted_api import Call, Say, ScriptedApi

pytestmark = pytest.mark.client

SKILL = "developer-tools:write-skill"
USE_SKILL = Call("Skill", {"skill": SKILL})
USED = "skillway.skill.used"


@pytest.fixture
def used(client, tmp_path):
    """Run one prompt; give the attributes of every recorded use of a skill."""

    def run(laptop, turns, *, prompt="go", subagent_turns=()):
        home = laptop.new_home()
        with ScriptedApi(turns, subagent_turns=subagent_turns) as api:
            arguments = ("--permission-mode", "bypassPermissions")
            start = ClientStart(
                client.program, home, tmp_path, api.url, policy_dir=laptop.policy_dir, arguments=arguments
            )
            done = run_client(start, prompt)
        assert done.version == client.version
        assert done.returncode == 0, done.stderr
        return [record["attributes"] for record in spool_records(home) if record["name"] == USED]

    return run


def test_a_skill_that_the_model_calls_is_one_event(used, laptop):
    (use,) = used(laptop, [USE_SKILL, Say("done")])

    assert (use["skill.name"], use["invocation_trigger"], use["success"]) == (SKILL, "claude-proactive", True)
    assert use["tool_use_id"]
    assert use["session.id"]
    assert use["prompt.id"]
    assert use["duration_ms"] >= 0
    assert "error.type" not in use


def test_a_skill_that_the_user_types_is_one_event_also_when_the_model_then_calls_it(used, laptop):
    (use,) = used(laptop, [USE_SKILL, Say("done")], prompt=f"/{SKILL} for release notes")

    assert (use["skill.name"], use["invocation_trigger"]) == (SKILL, "user-slash")
    assert use["prompt.id"]


def test_a_skill_that_a_subagent_uses_is_one_event(used, laptop):
    agent = Call("Agent", {"subagent_type": "general-purpose", "description": "Help", "prompt": "Write a skill"})
    (use,) = used(laptop, [agent, Say("waiting"), Say("done")], subagent_turns=[USE_SKILL, Say("written")])

    assert (use["skill.name"], use["invocation_trigger"], use["success"]) == (SKILL, "claude-proactive", True)


def test_a_skill_that_fails_is_one_event(used, own_laptop):
    """A skill's own command that fails before the skill is shown to the model."""
    (skill,) = own_laptop.layout.store.glob("developer-tools/*/skills/write-skill/SKILL.md")
    skill.chmod(0o644)
    skill.write_text(skill.read_text() + "\n!`exit 3`\n")

    (use,) = used(own_laptop, [USE_SKILL, Say("done")])

    assert (use["skill.name"], use["success"], use["error.type"]) == (SKILL, False, "failed")


class Collecting:
    """A receiver that keeps the names and attributes of what arrives."""

    def __init__(self):
        self.found = []
        collecting = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                document = json.loads(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
                for record in document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
                    values = {entry["key"]: next(iter(entry["value"].values())) for entry in record["attributes"]}
                    collecting.found.append((record["eventName"], values))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_for(self, name):
        """Wait until an event of this name is there; give all that arrived."""
        until = time.monotonic() + 30
        while name not in [found for found, _ in self.found] and time.monotonic() < until:
            time.sleep(0.05)
        return self.found


def test_a_session_is_delivered_by_the_flusher_that_its_end_starts(client, own_laptop, tmp_path):
    """Nobody is left but the flusher when the client has ended; what arrives is the whole session."""
    run, arrived, told = _deliver(client, own_laptop, tmp_path)
    if not arrived and told.get("failing"):
        # On a machine that is busy to the brim the receiver answers late, and the flusher rightly waits: once more.
        run, arrived, told = _deliver(client, own_laptop, tmp_path)

    assert run.returncode == 0
    assert "systemMessage" not in json.dumps(run.results)
    session = [name for name, values in arrived if values.get("session.id") == arrived_session(arrived)]
    assert sorted(session) == [
        "skillway.hook.decision",
        "skillway.session.ended",
        "skillway.session.started",
        USED,
    ], told
    assert len({values["log.record.uid"] for _, values in arrived}) == len(arrived)


def _deliver(client, laptop, folder):
    """Run one session in a fresh home; give the run, what arrived, and what the flusher says of itself."""
    receiver = Collecting()
    (laptop.layout.root / "telemetry.json").write_text(
        json.dumps({"schema": 1, "endpoint": receiver.url, "key_id": "k1"})
    )
    home = laptop.new_home()
    denied = Call("Bash", {"command": "gh pr create --fill", "description": "Create the pull request"})
    with ScriptedApi([USE_SKILL, denied, Say("done")]) as api:
        arguments = ("--permission-mode", "bypassPermissions")
        start = ClientStart(client.program, home, folder, api.url, policy_dir=laptop.policy_dir, arguments=arguments)
        run = run_client(start, "go")
    arrived = receiver.wait_for("skillway.session.ended")
    wait_until_idle(home)
    figures = home / ".local/state/skillway/flush.json"
    told = json.loads(figures.read_text()) if figures.exists() else {}
    shutil.rmtree(home)
    return run, arrived, told


def arrived_session(arrived):
    (session,) = {values["session.id"] for name, values in arrived if name == USED}
    return session


def wait_until_idle(home):
    """Wait until the flusher lets go of its lock."""
    with (home / ".local/state/skillway/flush.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")


def screen_until(start, work, wanted):
    """Run the client at a terminal of its own until it shows a text; give what it showed, without blanks and colours."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(start.cwd)
        os.execve(start.client, [str(start.client)], {**start.full_environment(work), "TERM": "xterm-256color"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 400, 0, 0))
    shown = b""
    until = time.monotonic() + 40
    try:
        while time.monotonic() < until and wanted not in _plain(shown):
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 1 << 16)
    except OSError:
        pass  # it has ended, and its terminal with it
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
    return _plain(shown)


def _plain(shown):
    return re.sub(r"\s+", "", ANSI.sub("", shown.decode("utf-8", "replace")))


def test_a_person_at_a_terminal_reads_the_notice_and_a_pipe_does_not(client, user_laptop, tmp_path):
    home = user_laptop.layout.homes[0]
    (user_laptop.layout.root / "telemetry.json").write_text(json.dumps({"schema": 1, "endpoint": "http://127.0.0.1:9"}))
    project, work = tmp_path / "project", tmp_path / "work"
    project.mkdir()
    (work / "tmp").mkdir(parents=True)
    known = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["test-key"], "rejected": []},
        "projects": {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    (home / ".claude.json").write_text(json.dumps(known))
    with ScriptedApi([Say("done")]) as api:
        start = ClientStart(client.program, home, project, api.url)
        piped = run_client(start, "go")
        assert not (home / ".local/state/skillway/notice.shown").exists()
        shown = screen_until(start, work, "switchesitoff")

    assert piped.results == ("done",)
    assert "skillway tells" not in json.dumps(piped.events)
    assert "skillwaytellsyourorganisation(127.0.0.1:9)" in shown
    assert (home / ".local/state/skillway/notice.shown").exists()
    wait_until_idle(home)
