"""How does the real Claude Code run one prompt, and what is left of it?

Starts the client in a private project folder with a HOME of its own, an environment written from scratch and an
allow-list of tools; ends it with all that it started at the time limit, when enough was seen, or when the
harness is stopped. A time limit is a fault of the run, never a failure of the skill. Bash is among the tools that
a suite may allow: whoever runs suites of others does it in a container. What the events say: `transcript`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillway_evals.agent.ending import end_session
from skillway_evals.agent.transcript import HARNESS, STOPPED, Transcript
from skillway_evals.suite import Limits
from skillway_sync.client import ClientStart

API_URL = "https://api.anthropic.com"
DEFAULT_TOOLS = ("Read", "Glob", "Grep", "Edit", "Write", "Bash")
_ALWAYS = ("Skill",)
_MOST_LINE = 64 * 2**20
_SETUP_S = 60.0
_STDERR_CHARS = 300


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """What all sessions of a run share.

    Attributes:
        client: The client's program.
        version: What the client says it is; part of every content hash.
        model: The model's name.
        api_key: The key.
        api_url: The address of the Messages API.
    """

    client: Path
    version: str
    model: str
    api_key: str
    api_url: str = API_URL


@dataclass(frozen=True, slots=True)
class Assignment:
    """One session.

    Attributes:
        prompt: What the user types.
        plugin_dirs: The plugins that are loaded.
        files: From the path in the project folder to the fixture.
        setup: argv that prepares the project folder, run in it; empty for none.
        tools: Allow-list in Claude Code's own spelling; empty for `DEFAULT_TOOLS`.
        limits: Turns and seconds.
        max_usd: The client's own spending limit, or None.
        suite_folder: Where `setup` finds the suite's programs.
    """

    prompt: str
    plugin_dirs: tuple[Path, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    max_usd: float | None = None
    suite_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What a session left.

    Attributes:
        transcript: Its events.
        project: The project folder as it is at the end; gone with the context.
        fault: Why it is no vote, or an empty text.
    """

    transcript: Transcript
    project: Path
    fault: str = ""


class SetupFailedError(Exception):
    """The project folder could not be prepared; the message says why."""


@contextlib.asynccontextmanager
async def run_session(
    setup: AgentSetup, assignment: Assignment, *, enough: Callable[[Transcript], bool] | None = None
) -> AsyncIterator[Session]:
    """Run one session and give what it left; its folders go with the context.

    Args:
        setup: Client, model, key.
        assignment: What to do.
        enough: Asked after each event whether the session may be ended; None lets it come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="skillway-eval-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        project, home, work = folder / "project", folder / "home", folder / "work"
        for made in (project, home, work, work / "tmp"):
            made.mkdir()
        try:
            await asyncio.to_thread(prepare_project, assignment, project)
        except SetupFailedError as error:
            yield Session(Transcript(()), project, str(error))
            return
        start = client_start(setup, assignment, home=home, project=project)
        events, fault = await _drive(start, work, assignment, enough)
        transcript = Transcript(events)
        yield Session(transcript, project, fault or transcript.fault)


def client_start(setup: AgentSetup, assignment: Assignment, *, home: Path, project: Path) -> ClientStart:
    """Say how the client is started."""
    tools = assignment.tools or DEFAULT_TOOLS
    builtin = dict.fromkeys([*(tool.partition("(")[0] for tool in tools), *_ALWAYS])
    arguments = [
        *("--model", setup.model),
        *("--permission-mode", "dontAsk"),
        *("--tools", ",".join(name for name in builtin if not name.startswith("mcp__"))),
        *("--allowedTools", ",".join([*tools, *_ALWAYS])),
        *("--max-turns", str(assignment.limits.max_turns)),
        *("--setting-sources", "project"),
        "--strict-mcp-config",
    ]
    # Not --no-session-persistence: a skill may read what the user typed from the session's transcript (create-pr
    # does), and the HOME that it lands in is thrown away.
    if assignment.max_usd is not None:
        arguments += ["--max-budget-usd", f"{assignment.max_usd:.4f}"]
    return ClientStart(
        setup.client,
        home,
        project,
        setup.api_url,
        arguments=tuple(arguments),
        plugin_dirs=assignment.plugin_dirs,
        environment={"ANTHROPIC_API_KEY": setup.api_key},
    )


def prepare_project(assignment: Assignment, project: Path) -> None:
    """Put fixtures into the project folder and run the setup program.

    Raises:
        SetupFailedError: A fixture is missing, or the program did not end with 0.
    """
    for path, fixture in assignment.files.items():
        target = project / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(fixture, target)
        except OSError as error:
            raise SetupFailedError(f"the fixture {path} could not be copied ({error.strerror})") from error
    if not assignment.setup:
        return
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(project.parent / "home")}
    environment["SUITE"] = str(assignment.suite_folder or "")
    command = [_program(assignment.setup[0], assignment.suite_folder), *assignment.setup[1:]]
    try:
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=_SETUP_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupFailedError(f"the setup program {assignment.setup[0]} did not run ({error})") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_STDERR_CHARS:]
        raise SetupFailedError(f"the setup program {assignment.setup[0]} ended with {done.returncode}: {said}")


def _program(name: str, suite_folder: Path | None) -> str:
    """Find a program of the suite, or leave a name to PATH."""
    own = suite_folder / name if suite_folder else None
    return str(own) if own is not None and own.is_file() else name


async def _drive(
    start: ClientStart, work: Path, assignment: Assignment, enough: Callable[[Transcript], bool] | None
) -> tuple[list[dict[str, Any]], str]:
    """Run the client; give its events and the fault, if any."""
    events: list[dict[str, Any]] = []
    command = [*start.command(work), "--", assignment.prompt]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=start.full_environment(work),
            cwd=start.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=_MOST_LINE,
        )
    except OSError as error:
        return events, f"the client {start.client} cannot be started ({error.strerror or error})"
    try:
        async with asyncio.timeout(assignment.limits.timeout_s):
            stderr = asyncio.create_task(_tail(process.stderr))
            is_enough = await _read(process.stdout, events, enough)
            if not is_enough:
                await process.wait()
    except TimeoutError:
        return events, f"no end within {assignment.limits.timeout_s:g} seconds"
    except (ValueError, asyncio.LimitOverrunError):
        return events, f"the client printed a line of more than {_MOST_LINE} bytes"
    finally:
        await asyncio.shield(asyncio.to_thread(end_session, process.pid, work.parent))
        await process.wait()
    if is_enough:
        events.append({"type": HARNESS, "subtype": STOPPED})
        return events, ""
    said = await stderr
    if process.returncode and not any(event.get("type") == "result" for event in events):
        return events, f"the client ended with {process.returncode}: {said}"
    return events, ""


async def _read(
    stream: asyncio.StreamReader | None, events: list[dict[str, Any]], enough: Callable[[Transcript], bool] | None
) -> bool:
    """Collect events; tell whether enough was seen before the end."""
    assert stream is not None
    async for line in stream:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
                if (
                    enough is not None
                    and event.get("type") == "user"
                    and enough(Transcript([*events, {"type": HARNESS, "subtype": STOPPED}]))
                ):
                    return True
    return False


async def _tail(stream: asyncio.StreamReader | None) -> str:
    """Read stderr to its end, so that the client never waits on it; keep its last words."""
    assert stream is not None
    text = b""
    while part := await stream.read(65536):
        text = (text + part)[-4 * _STDERR_CHARS :]
    return text.decode("utf-8", "replace").strip()[-_STDERR_CHARS:]


def client_version(client: Path, *, timeout_s: float = 20.0) -> str:
    """Ask the client for its version; an empty text when it gives none."""
    with tempfile.TemporaryDirectory(prefix="skillway-eval-") as home:
        environment = {"HOME": home, "PATH": os.environ.get("PATH", os.defpath), "DISABLE_AUTOUPDATER": "1"}
        try:
            done = subprocess.run(
                [str(client), "--version"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
    words: Sequence[str] = done.stdout.split()
    return words[0] if done.returncode == 0 and words else ""
