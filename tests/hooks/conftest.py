"""A laptop root as sync lays it out, and a way to send a payload through the whole hook as Claude Code starts it."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from receiver import Receiver

DIGEST = "ab" * 32


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def decision(self) -> str:
        """deny, ask or silent; fails when stdout, stderr and exit code do not say the same."""
        if not self.out:
            assert (self.code, self.err) == (0, ""), self
            return "silent"
        answer = json.loads(self.out)["hookSpecificOutput"]
        assert answer["hookEventName"] == "PreToolUse"
        assert answer["permissionDecision"] in ("deny", "ask")
        assert self.code == (2 if answer["permissionDecision"] == "deny" else 0)
        assert self.err == (answer["permissionDecisionReason"] + "\n" if self.code else "")
        return answer["permissionDecision"]

    @property
    def reason(self) -> str:
        return json.loads(self.out)["hookSpecificOutput"]["permissionDecisionReason"]

    @property
    def rule(self) -> str:
        return self.reason.partition("(rule ")[2].partition(")")[0]


class Laptop:
    """One laptop root below a folder whose name has a space, like macOS's Application Support."""

    def __init__(self, folder: Path, repository: Path, hooks: Path, home: Path) -> None:
        self.root = folder / "Application Support" / "skillway"
        self.home = home
        self.project = home / "work" / "shop"
        self.plugin = self.root / "store" / "base-plugin" / DIGEST
        self.launcher = self.root / "bin" / "run"
        self.state = home / ".local" / "state" / "skillway"
        self.spool = self.state / "spool"
        self._lay_out(repository, hooks)

    def _lay_out(self, repository: Path, hooks: Path) -> None:
        (self.project / ".git").mkdir(parents=True)
        shutil.copytree(hooks, self.plugin / "hooks")
        shutil.copytree(repository / "base-plugin" / "settings", self.plugin / "settings")
        (self.plugin / ".claude-plugin").mkdir()
        manifest = {"name": "base-plugin", "version": "0.1.0+abababababab"}
        (self.plugin / ".claude-plugin" / "plugin.json").write_text(json.dumps(manifest))
        (self.plugin / "skills" / "probe").mkdir(parents=True)
        for folder in ("bin", "guard", ".claude-plugin"):
            (self.root / folder).mkdir()
        shutil.copy(repository / "hooks" / "run", self.launcher)
        (self.root / "bin" / "interpreter").write_text(sys.executable + "\n")
        (self.root / "guard" / "current").write_text(f"base-plugin/{DIGEST}\n")
        entry = {"name": "base-plugin", "source": f"./store/base-plugin/{DIGEST}", "description": "base"}
        catalogue = {"name": "acme", "owner": {"name": "Acme"}, "plugins": [entry]}
        (self.root / ".claude-plugin" / "marketplace.json").write_text(json.dumps(catalogue))

    def environment(self, **more: str) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], **more}

    def start(
        self, hook: str, payload: object, *, launcher: Path | None = None, before: tuple[str, ...] = (), **more: str
    ) -> Answer:
        """Send a payload through launcher and hook; bytes and text go as they are, and `before` starts them."""
        data = payload if isinstance(payload, (bytes, str)) else json.dumps(payload)
        done = subprocess.run(
            [*before, "/bin/sh", str(launcher or self.launcher), hook],
            input=data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"),
            capture_output=True,
            env=self.environment(**more),
            timeout=30,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    def guard(self, tool: str, tool_input: object, **more: str) -> Answer:
        payload = {
            "hook_event_name": "PreToolUse",
            "session_id": "5e55-10a",
            "prompt_id": "p-7",
            "cwd": str(self.project),
            "tool_name": tool,
            "tool_input": tool_input,
            "tool_use_id": "toolu_9",
        }
        return self.start("guard", payload, **more)

    def bash(self, command: str, **more: str) -> Answer:
        return self.guard("Bash", {"command": command}, **more)

    def configure(self, endpoint: str, **more: object) -> None:
        """Leave what sync leaves for every user's flusher."""
        (self.root / "telemetry.json").write_text(json.dumps({"schema": 1, "endpoint": endpoint, **more}))

    def append(self, count: int = 1, name: str = "skillway.skill.used", **more: str) -> int:
        """Append records in one process; give how many it says are on disk."""
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); import spool\n"
            "print(sum(spool.append(sys.argv[3], {'tool_use_id': 't-%d' % n}) for n in range(int(sys.argv[2]))))"
        )
        argv = [sys.executable, "-I", "-S", "-c", program, str(self.plugin / "hooks"), str(count), name]
        done = subprocess.run(
            argv, capture_output=True, text=True, env=self.environment(**more), timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return int(done.stdout)

    def flush(self, *, prefix: str = "", again: bool = True, **more: str) -> str:
        """Run the flusher to its end, past any waiting; give what it printed.

        `prefix` is Python that runs before it, for limits and clocks.
        """
        entry = self.plugin / "hooks" / "flush.py"
        argv = [sys.executable, "-I", "-S", str(entry)]
        if prefix:
            argv = [
                sys.executable, "-I", "-S", "-c",
                f"{prefix}\n__file__ = {str(entry)!r}\nexec(compile(open(__file__).read(), __file__, 'exec'))",
            ]  # fmt: skip
        if again:
            self.forget_waiting()
        done = subprocess.run(
            argv, capture_output=True, text=True, env=self.environment(**more), timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        return done.stderr

    def hold_flusher(self) -> None:
        """Keep hooks from starting the flusher, as after a failure."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark = self.state / "flush.mark"
        mark.touch(mode=0o600)
        os.utime(mark, (time.time() + 1800,) * 2)

    def forget_waiting(self) -> None:
        """Let the time pass that the flusher waits after a failure."""
        state = self.state / "flush.json"
        if state.exists() and not state.is_symlink():
            state.write_text(json.dumps({**json.loads(state.read_text()), "next_try": 0}))

    def figures(self) -> "dict[str, object]":
        """Give the state file's values."""
        return json.loads((self.state / "flush.json").read_text())

    def waiting(self, name: str = "skillway.skill.used") -> "list[str]":
        """Give the ids of all records of one event that are in the spool and not done."""
        found = []
        for file in [*sorted(self.spool.glob("*.claimed")), *sorted(self.spool.glob("*.jsonl"))]:
            journal = file.with_suffix(".offset")
            done = int(journal.read_text()) if file.suffix == ".claimed" and journal.exists() else 0
            for line in file.read_bytes()[done:].split(b"\n"):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and record.get("name") == name:
                    found.append(record["id"])
        return found

    def records(self) -> list[dict[str, object]]:
        """Read the whole spool; a line that is no record fails."""
        found = []
        for file in sorted(self.spool.glob("*.jsonl")):
            found.extend(json.loads(line) for line in file.read_text().split("\n") if line)
        return found


@pytest.fixture(scope="session")
def compiled_hooks(tmp_path_factory):
    """The hooks with their byte code, as sync leaves them; compiling them for each test would take longer than it."""
    folder = tmp_path_factory.mktemp("compiled") / "hooks"
    source = Path(__file__).resolve().parents[2] / "hooks"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    return folder


@pytest.fixture
def laptop(tmp_path, repository, compiled_hooks, home):
    return Laptop(tmp_path, repository, compiled_hooks, home)


@pytest.fixture
def receiver(laptop):
    """A receiver that takes everything, and a laptop that sends to it."""
    with Receiver() as started:
        laptop.configure(started.url, key_id="2026-11", environment="test", headers={"x-key": "secret-1"})
        yield started


@pytest.fixture
def decide(repository):
    """Judge many commands in one process: the decision without launcher and start-up, for long lists."""

    def run(
        commands: list[str], home: str = "/home/dev", cwd: str = "/home/dev/work/shop"
    ) -> list[tuple[str, str, str]]:
        program = (
            "import json, sys; sys.path.insert(0, sys.argv[1])\n"
            "from guard_rules import Judge\n"
            "found = []\n"
            "for command in json.load(sys.stdin):\n"
            "    judge = Judge(sys.argv[2], sys.argv[3], sys.argv[1]); judge.judge('Bash', {'command': command})\n"
            "    stop = judge.stop\n"
            "    found.append((stop.decision, stop.rule, stop.command) if stop else ('silent', '', ''))\n"
            "print(json.dumps(found))\n"
        )
        argv = [sys.executable, "-I", "-c", program, str(repository / "hooks"), cwd, home]
        done = subprocess.run(argv, input=json.dumps(commands), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [tuple(row) for row in json.loads(done.stdout)]

    return run
