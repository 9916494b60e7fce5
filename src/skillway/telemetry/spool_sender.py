"""How is this user's spool sent from the CLI: now, with protobuf, and with somebody watching?

Starts `spool_worker` until nothing is left or nothing moves, and follows the flusher's own figures. What is claimed, kept,
counted and retried is the hooks' flusher, run from the copy that ships with skillway.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway.content import content_path
from skillway.errors import EXIT_AUTH, EXIT_RETRY, SkillwayError, UndecidedError
from skillway.telemetry.endpoint import Endpoint
from skillway.telemetry.sending_state import SendingState, load_sending_state
from skillway.telemetry.spool import look_at_spool
from skillway.telemetry.wanted import managed_roots

_LOOK_EVERY = 0.1
"""Seconds between two looks at the figures."""
_WORKER_SECONDS = 60.0
"""A worker ends by itself after 20."""


class SendingError(SkillwayError):
    """The operator must act, or wait: the receiver does not take the records. They are kept."""

    code = "not_sent"


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it: records that the receiver took, that were dropped, and that still wait."""

    sent: int
    dropped: int
    left: int


def send_spool(
    state: Path, endpoint: Endpoint, *, on_progress: Callable[[int], object], hooks: Path | None = None
) -> Sent:
    """Send what is in the spool.

    Args:
        state: The user's state folder.
        endpoint: Where to.
        on_progress: Told how many records were sent since it was last told.
        hooks: The folder with the flusher; skillway's own by default.

    Raises:
        UndecidedError: The flusher is not there, or its worker ended as none does.
        SendingError: The receiver did not take them; what was not sent stays in the spool.
    """
    before = load_sending_state(state)
    seen = before
    while True:
        queued = len(look_at_spool(state).records)
        _run_worker(state, endpoint, hooks or content_path("hooks"), on_progress)
        after, left = load_sending_state(state), len(look_at_spool(state).records)
        if not left or left >= queued or after.failure:
            break
        seen = after
    result = Sent(after.sent - before.sent, _total(after) - _total(before), left)
    if left and after.failures > seen.failures:
        raise _not_sent(after, result)
    return result


def _run_worker(state: Path, endpoint: Endpoint, hooks: Path, on_progress: Callable[[int], object]) -> None:
    document: dict[str, Any] = {"endpoint": endpoint.logs_url, "headers": endpoint.headers, "key_id": endpoint.key_id}
    document |= {"environment": endpoint.environment, "ca_file": endpoint.ca_file, "always": endpoint.always}
    asked = {"hooks": str(hooks), "telemetry": document, "version": _base_version()}
    # -P: the folder that the command was started in must not be a place to import from.
    command = [sys.executable, "-P", "-m", "skillway.telemetry.spool_worker"]
    told, deadline = load_sending_state(state).sent, time.monotonic() + _WORKER_SECONDS
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stderr is not None
        worker.stdin.write(json.dumps(asked))
        worker.stdin.close()
        while worker.poll() is None:
            time.sleep(_LOOK_EVERY)
            told = _tell(state, told, on_progress)
            if time.monotonic() > deadline:
                worker.kill()
        said = worker.stderr.read()
    _tell(state, told, on_progress)
    if worker.returncode:
        last = said.strip().splitlines()[-1:] or [f"exit code {worker.returncode}"]
        raise UndecidedError(f"The flusher could not be run: {last[0][:200]}", fix="pip install 'skillway[operators]'")
    sys.stderr.write(said)  # what SKILLWAY_TELEMETRY_DEBUG=1 prints in place of sending


def _tell(state: Path, told: int, on_progress: Callable[[int], object]) -> int:
    sent = load_sending_state(state).sent
    if sent > told:
        on_progress(sent - told)
    return max(sent, told)


def _base_version() -> str | None:
    """Read the installed base plugin's version, which is what events name; None where sync has installed nothing."""
    for root in map(Path, managed_roots()):
        try:
            folder = root / "store" / (root / "guard" / "current").read_text(encoding="utf-8").strip()
            version = json.loads((folder / ".claude-plugin" / "plugin.json").read_bytes())["version"]
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue
        return version if isinstance(version, str) else None
    return None


def _total(figures: SendingState) -> int:
    return sum(figures.dropped.values())


def _not_sent(figures: SendingState, result: Sent) -> SendingError:
    error = SendingError(
        f"The receiver did not take {result.left} records ({figures.failure}: {figures.detail}); they are kept.",
        fix=_FIXES.get(figures.failure, "Try again later; the flusher does so by itself."),
        next_actions=("skillway usage status",),
    )
    error.exit_code = EXIT_AUTH if figures.failure == "auth" else EXIT_RETRY
    return error


_FIXES: dict[str, str] = {
    "auth": "Give a key that the receiver takes; with sync, IT's telemetry.headers.",
    "config": "Check that the endpoint is the base address of an OTLP/HTTP receiver.",
    "tls": "Check the endpoint's certificate and telemetry.ca_file.",
}
