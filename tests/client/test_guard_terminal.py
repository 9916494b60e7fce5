"""What does a person at a terminal see when the guard stops something, and does their answer count?

The client runs in tmux, as a person would start it; the test types and reads the screen as it is drawn. The commands
are harmless if they do run: the project is no repository. Each ends by making a file.
"""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from skillway_sync.client import ClientStart
from skillway_sync.policy_overlay import overlaid
from skillway_sync.scripted_api import Call, Say, ScriptedApi

pytestmark = pytest.mark.client

TRACE = "ran.txt"
ASKED = f"git push origin --delete feature/old; touch {TRACE}"
DENIED = f"git push --force origin main; touch {TRACE}"
DONE = "That is all."
MODES = ["default", "bypassPermissions"]
QUESTION = "Do you want to proceed?"
WIDTH, HEIGHT = 110, 45
POINTER = "\u276f"
"""What the client draws before the prompt and the chosen answer."""


class ScreenError(AssertionError):
    """What was waited for did not come up."""


class Terminal:
    """One tmux server of its own; a context manager.

    Args:
        command: What runs in it.
        environment: The whole environment of that.
        cwd: Where it runs.
    """

    def __init__(self, command, *, environment, cwd):
        self._folder = tempfile.TemporaryDirectory(prefix="skillway-term-")
        self._socket = str(Path(self._folder.name) / "tmux")
        self._script = Path(self._folder.name) / "start.sh"
        words = [f"{name}={value}" for name, value in {**environment, "TERM": "screen-256color"}.items()]
        self._script.write_text(f"cd {shlex.quote(str(cwd))} && exec env -i {shlex.join([*words, *command])}\n")

    def __enter__(self):
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "/bin/sh", str(self._script))
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")
        self._folder.cleanup()

    def _tmux(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "TERM": "screen-256color", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def screen(self):
        """Give the text on the screen, lines joined by newlines."""
        try:
            return self._tmux("capture-pane", "-p")
        except subprocess.CalledProcessError as error:
            raise ScreenError(f"the program has ended: {error.stderr}") from error

    def wait(self, *texts, seconds=25):
        """Wait until all the texts are on the screen; give it."""
        until = time.monotonic() + seconds
        while True:
            shown = self.screen()
            if all(text in " ".join(shown.split()) for text in texts):
                return shown
            if time.monotonic() > until:
                raise ScreenError(f"{texts} did not come up; on the screen:\n{shown}")
            time.sleep(0.1)

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, key, *texts, seconds=25):
        """Press a key (Enter, Down) until the texts are on the screen: a new question ignores the first moments' keys."""
        until = time.monotonic() + seconds
        while True:
            self._tmux("send-keys", key)
            try:
                return self.wait(*texts, seconds=2)
            except ScreenError:
                if time.monotonic() > until:
                    raise


def can_use():
    return None if shutil.which("tmux") else "tmux is not installed here"


def prepare_home(home, project, key):
    """Write down what a client asks a new user once, so that it comes to the prompt: theme, key, trust in the folder."""
    path = home / ".claude.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    content |= {"hasCompletedOnboarding": True, "theme": "dark", "customApiKeyResponses": {"approved": [key[-20:]]}}
    content["projects"] = {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    content["bypassPermissionsModeAccepted"] = True
    path.write_text(json.dumps(content))


@pytest.fixture
def person(client, laptop, tmp_path):
    """Start a session at a terminal in which the model will run one command; gives the terminal and the project."""
    reason = can_use()
    if reason:
        pytest.skip(f"not run: {reason}")
    started = []

    def start(command, mode, *first):
        home, project, work = laptop.new_home(), tmp_path / "project", tmp_path / "work"
        project.mkdir()
        (work / "tmp").mkdir(parents=True)
        api = ScriptedApi([Call("Bash", {"command": command, "description": "Tidy up the branches"}), Say(DONE)])
        started.append(api)
        api.__enter__()
        begin = ClientStart(client.program, home, project, api.url)
        environment = begin.full_environment(work)
        prepare_home(home, project, environment["ANTHROPIC_API_KEY"])
        argv = [str(client.program), "--permission-mode", mode]
        terminal = Terminal(
            overlaid(argv, policy_dir=laptop.policy_dir, work=work), environment=environment, cwd=project
        )
        started.append(terminal)
        terminal.__enter__()
        terminal.wait("Claude Code v", client.version, POINTER)
        terminal.type("tidy up")
        terminal.wait(f"{POINTER} tidy up")
        terminal.press("Enter", *first)
        return terminal, project, api, home

    yield start
    for each in reversed(started):
        each.__exit__(None, None, None)


@pytest.mark.parametrize("mode", MODES)
def test_question_shows_the_part_the_reason_and_the_way_out(person, mode):
    terminal, project, _, _ = person(ASKED, mode, QUESTION)

    shown = " ".join(terminal.screen().split())

    assert "wants a person to confirm `git push origin --delete feature/old`" in shown
    assert "deletes a branch on the server" in shown
    assert "git branch --remotes --no-merged" in shown
    assert "1. Yes" in shown
    assert "2. No" in shown
    # No answer that would silence the guard from now on.
    assert "don't ask again" not in shown
    assert not (project / TRACE).exists()


def test_yes_lets_the_command_run(person):
    terminal, project, api, _ = person(ASKED, "default", QUESTION)
    terminal.press("Enter", DONE)

    assert (project / TRACE).exists()
    assert not api.tool_results()[0].is_error


def test_no_keeps_the_command_from_running(person):
    terminal, project, api, home = person(ASKED, "default", QUESTION)
    terminal.press("Down", f"{POINTER} 2. No")
    terminal.press("Enter", "tidy up", "Interrupted")

    assert not (project / TRACE).exists()
    assert [result for result in api.tool_results() if not result.is_error] == []
    log = home / ".local" / "state" / "skillway" / "guard" / "stops.jsonl"
    assert [json.loads(line)["decision"] for line in log.read_text().splitlines()] == ["ask"]


@pytest.mark.parametrize("mode", MODES)
def test_deny_asks_nobody(person, mode):
    terminal, project, api, _ = person(DENIED, mode, DONE)

    shown = terminal.screen()

    assert QUESTION not in shown
    assert not (project / TRACE).exists()
    assert "rule git-force-push" in api.tool_results()[0].text
