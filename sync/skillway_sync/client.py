"""What does the real Claude Code client do in an environment that holds nothing of anybody's?

Starts a given client against a given Messages API with a HOME of its own and an environment written from
scratch, once (`run_client`) or as a session that takes several prompts (`ClientSession`), and reads what it
reports. Which client: `installed_client`. What the API says: `scripted_api`. How a policy gets over /etc:
`policy_overlay`. Whether skillway works in it: `client_proof`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillway_sync.errors import SyncError
from skillway_sync.installed_client import find_client
from skillway_sync.policy_overlay import SYSTEM_PATH, can_overlay, overlaid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import IO, Self

__all__ = ["ClientError", "ClientRun", "ClientSession", "ClientStart", "can_overlay", "find_client", "run_client"]

DEFAULT_TIMEOUT = 60.0
"""Seconds. A session of a few turns takes 1 to 3 on two busy cores."""
_END_SECONDS = 10.0


class ClientError(SyncError):
    """Whoever asked for the proof must act: the client could not be started, or did not come to an end."""

    code = "client"


@dataclass(frozen=True, slots=True)
class ClientStart:
    """How a client is started; nothing of the caller's environment goes with it.

    Attributes:
        client: The client's program; `find_client` gives one.
        home: Its HOME; whatever it writes lands there.
        cwd: The folder that it works in.
        api_url: Base address of the Messages API.
        arguments: Further arguments, for example `("--permission-mode", "acceptEdits")`.
        settings: What `--settings` gets: a file.
        plugin_dirs: One `--plugin-dir` each.
        policy_dir: The folder that it shall see as /etc/claude-code, or None for the machine's own.
        environment: Further variables; they win over those that are always set.
        uid: The user and group id to run as; needs root.
    """

    client: Path
    home: Path
    cwd: Path
    api_url: str
    arguments: tuple[str, ...] = ()
    settings: Path | None = None
    plugin_dirs: tuple[Path, ...] = ()
    policy_dir: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    uid: int | None = None

    def full_environment(self, work: Path) -> dict[str, str]:
        """Give the whole environment of the client; `work` is an empty folder that outlives it."""
        environment = {
            "HOME": str(self.home),
            "PATH": SYSTEM_PATH,
            "ANTHROPIC_BASE_URL": self.api_url,
            "ANTHROPIC_API_KEY": "test-key",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            # its own would be /tmp/claude-UID, which it refuses when another user made it; in a user namespace
            # everybody's uid is 0
            "CLAUDE_CODE_TMPDIR": str(work / "tmp"),
            # allows root, also the root of a user namespace, to skip permissions; no other effect was seen
            "IS_SANDBOX": "1",
        }
        if sys.platform == "win32":
            # without these no program starts at all, and HOME is not what names the profile
            environment |= {name: os.environ[name] for name in ("SYSTEMROOT", "COMSPEC", "TEMP") if name in os.environ}
            environment |= {"USERPROFILE": str(self.home), "PATH": os.environ.get("PATH", "")}
        return environment | dict(self.environment)

    def command(self, work: Path, extra: Sequence[str] = ()) -> list[str]:
        """Give the whole command; `work` is an empty folder that outlives the client.

        Raises:
            ClientError: A policy is given and cannot be laid over /etc here.
        """
        command = [str(self.client), "-p", "--output-format", "stream-json", "--verbose", "--include-hook-events"]
        if self.settings is not None:
            command += ["--settings", str(self.settings)]
        for folder in self.plugin_dirs:
            command += ["--plugin-dir", str(folder)]
        command += [*self.arguments, *extra]
        if self.uid is not None:
            command = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *command]
        if self.policy_dir is None:
            return command
        reason = can_overlay()
        if reason is not None:
            raise ClientError(reason, fix="Use user scope or a --settings file instead, or run it on a Linux machine.")
        return overlaid(command, policy_dir=self.policy_dir, work=work)


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What a client reported.

    Attributes:
        events: The stream-json events, decoded, in order.
        stderr: What it wrote there.
        returncode: Its exit code; negative for a signal.
    """

    events: tuple[dict[str, Any], ...]
    stderr: str
    returncode: int

    @property
    def init(self) -> dict[str, Any]:
        """The first `init` event, or an empty mapping when there was none."""
        return next((e for e in self.events if e.get("type") == "system" and e.get("subtype") == "init"), {})

    @property
    def version(self) -> str:
        """The version that the running client says it has, or ''."""
        return str(self.init.get("claude_code_version", ""))

    @property
    def plugins(self) -> dict[str, str]:
        """From plugin name to the folder that it was listed from. Listed does not mean loaded: ask `skills` too."""
        return {str(p.get("name")): str(p.get("path")) for p in self.init.get("plugins", []) if isinstance(p, dict)}

    @property
    def skills(self) -> tuple[str, ...]:
        """The skills that the session has, as `<plugin>:<skill>`."""
        return tuple(str(skill) for skill in self.init.get("skills", []))

    @property
    def hook_events(self) -> tuple[dict[str, Any], ...]:
        """The events that report hooks."""
        return tuple(e for e in self.events if str(e.get("subtype", "")).startswith("hook_"))

    @property
    def results(self) -> tuple[str, ...]:
        """The result text of each prompt."""
        return tuple(str(e.get("result", "")) for e in self.events if e.get("type") == "result")


def run_client(start: ClientStart, prompt: str, *, timeout: float = DEFAULT_TIMEOUT) -> ClientRun:
    """Run one prompt to its end.

    Args:
        start: How to start the client.
        prompt: What the user typed.
        timeout: Seconds until it is killed, with everything that it started in its process group.

    Raises:
        ClientError: It could not be started, or it did not end in time.
    """
    with _started(start, ["--", prompt], stdin=subprocess.DEVNULL) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise _late(start, timeout) from None
    return ClientRun(tuple(_decoded(stdout.splitlines())), stderr, process.returncode)


class ClientSession:
    """One running session that takes prompts one after the other; use it as a context manager.

    Example:
        with ClientSession(start) as session:
            session.prompt("first")
            ...  # the world changes
            session.prompt("second")
        assert session.run.returncode == 0

    Args:
        start: How to start the client.
        timeout: Seconds that one prompt may take.
    """

    def __init__(self, start: ClientStart, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._start = start
        self._timeout = timeout
        self._events: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stderr: list[str] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        started = _started(self._start, ["--input-format", "stream-json"], stdin=subprocess.PIPE)
        self._process = self._stack.enter_context(started)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=_pump, args=(self._process.stdout, self._lines.put), daemon=True),
            threading.Thread(target=_pump, args=(self._process.stderr, self._note), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._end()
        finally:
            self._stack.close()

    def prompt(self, text: str) -> list[dict[str, Any]]:
        """Send a prompt and give the events up to and with its result.

        Raises:
            ClientError: The client ended before the result, or the result did not come in time.
        """
        assert self._process.stdin is not None
        message = {"type": "user", "message": {"role": "user", "content": text}}
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._gone() from None
        events: list[dict[str, Any]] = []
        while not events or events[-1].get("type") != "result":
            events.extend(self._next())
        return events

    @property
    def run(self) -> ClientRun:
        """Everything reported so far; the exit code is -1 while the client runs."""
        code = self._process.returncode
        return ClientRun(tuple(self._events), "".join(self._stderr), -1 if code is None else code)

    def _next(self) -> list[dict[str, Any]]:
        try:
            line = self._lines.get(timeout=self._timeout)
        except queue.Empty:
            raise _late(self._start, self._timeout) from None
        if line is None:
            raise self._gone()
        events = _decoded([line])
        self._events.extend(events)
        return events

    def _end(self) -> None:
        """Close the conversation and wait for the client; what it still says belongs to the run."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            raise _late(self._start, self._timeout) from None
        for reader in self._readers:
            reader.join(timeout=_END_SECONDS)
        while not self._lines.empty():
            self._events.extend(_decoded([self._lines.get() or ""]))

    def _note(self, line: str | None) -> None:
        self._stderr.append(line or "")

    def _gone(self) -> ClientError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_END_SECONDS)
        said = "".join(self._stderr).strip()[-300:]
        return ClientError(
            f"{self._start.client} ended in the middle of a session with exit code {self._process.returncode}: {said!r}.",
            fix="Start it once by hand with the same HOME to see why.",
        )


@contextlib.contextmanager
def _started(start: ClientStart, extra: list[str], *, stdin: int) -> Iterator[subprocess.Popen[str]]:
    """Give the running client; on leaving, nothing of its process group is left."""
    with tempfile.TemporaryDirectory(prefix="skillway-client-", ignore_cleanup_errors=True) as work:
        Path(work).chmod(0o755)
        (Path(work) / "tmp").mkdir()
        if start.uid is not None:
            os.chown(Path(work) / "tmp", start.uid, start.uid)
        try:
            process = subprocess.Popen(
                start.command(Path(work), extra),
                env=start.full_environment(Path(work)),
                cwd=start.cwd,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise ClientError(
                f"The client {start.client} cannot be started ({error.strerror or error}).",
                fix="Name the program of an installed Claude Code client, and folders that exist.",
            ) from error
        with process:
            try:
                yield process
            finally:
                _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End what is left of the client's process group."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _pump(stream: IO[str], sink: Callable[[str | None], None]) -> None:
    """Hand over line after line, then None."""
    with contextlib.suppress(ValueError):  # closed under our feet when the session is torn down
        for line in stream:
            sink(line)
    sink(None)


def _decoded(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Decode the events; a line that is none is a notice for people."""
    events = []
    for line in lines:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return events


def _late(start: ClientStart, timeout: float) -> ClientError:
    return ClientError(
        f"{start.client} did not come to an end within {timeout:g} seconds and was stopped.",
        fix="Run it again on a machine with less load, or start the client once by hand to see what it waits for.",
    )
