"""Does the guard of this laptop really refuse, and really keep quiet otherwise?

Asked by effect: recorded PreToolUse payloads go through `/bin/sh -c` in the form that the settings use, launcher,
pointer, interpreter and all. Needs no client and no network. What the real client does with it is for
`client_proof`; a failed proof is for the engine and `doctor` to act upon.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway_sync.layout import Layout
from skillway_sync.privilege import NOBODY, closed_to_others, is_root

LIMIT_SECONDS = 10.0
REFUSED_COMMAND = "gh pr create --fill"
HARMLESS_COMMAND = "ls"
_BLOCKS = 2
"""The exit code with which a PreToolUse hook blocks (claude-code hooks reference)."""


@dataclass(frozen=True, slots=True)
class GuardProof:
    """What was seen: whether the guard `denies` what it must, is `silent` on `ls`, and what it did if not."""

    denies: bool
    silent: bool
    detail: str

    @property
    def holds(self) -> bool:
        """Whether the guard does both."""
        return self.denies and self.silent


@dataclass(frozen=True, slots=True)
class _Answer:
    exit_code: int | None
    stdout: bytes
    stderr: bytes


def prove_guard(layout: Layout, *, root: Path | None = None) -> GuardProof:
    """Send a forbidden and a harmless command through the installed guard.

    No event is recorded: HOME and the state folder are a temporary folder. As root on a running machine the
    guard runs as nobody, which proves that plain users can reach it.

    Args:
        layout: The laptop's places.
        root: A staged candidate in the form of a laptop root (`bin/run`, `guard/current`, `store/…`), in place of
            the installed one.
    """
    command = hook_command(str(root or layout.root), "guard")
    with tempfile.TemporaryDirectory(prefix="skillway-proof-") as folder:
        owner = _unprivileged_owner(root or layout.root)
        if owner is not None:
            os.chown(folder, owner, owner)
        refused = _run_hook(command, _payload(REFUSED_COMMAND, folder), folder, owner)
        harmless = _run_hook(command, _payload(HARMLESS_COMMAND, folder), folder, owner)
    denies = refused.exit_code == _BLOCKS and _is_deny(refused.stdout)
    silent = harmless.exit_code == 0 and not harmless.stdout
    details = [] if denies else [f"`{REFUSED_COMMAND}` was not refused: {_describe(refused)}"]
    details += [] if silent else [f"`{HARMLESS_COMMAND}` did not pass in silence: {_describe(harmless)}"]
    return GuardProof(
        denies, silent, "; ".join(details) or f"`{REFUSED_COMMAND}` is refused, `{HARMLESS_COMMAND}` passes"
    )


def hook_command(root: str, name: str) -> str:
    """Give the shell command that wires a hook in settings; a missing launcher lets the call pass (never exit 2)."""
    return f'f="{root}/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" {name}'


def _payload(command: str, folder: str) -> bytes:
    """Make the PreToolUse payload of client 2.1.197 for a Bash call, as it was recorded."""
    return json.dumps(
        {
            "session_id": "00000000-0000-4000-8000-000000000000",
            "transcript_path": f"{folder}/transcript.jsonl",
            "cwd": folder,
            "prompt_id": "00000000-0000-4000-8000-000000000001",
            "permission_mode": "default",
            "effort": {"level": "high"},
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": command, "description": "proof by effect"},
            "tool_use_id": "toolu_00000000000000000000000000",
        }
    ).encode()


def _unprivileged_owner(root: Path) -> int | None:
    """Choose nobody's uid where root asks and everybody can reach the guard; what they cannot reach needs root."""
    if not is_root() or closed_to_others(root) is not None:
        return None
    try:
        interpreter = (root / "bin" / "interpreter").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return NOBODY
    return NOBODY if closed_to_others(Path(interpreter)) is None else None


def _run_hook(command: str, payload: bytes, folder: str, owner: int | None) -> _Answer:
    options: dict[str, Any] = {} if owner is None else {"user": owner, "group": owner, "extra_groups": []}
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": folder,
        "XDG_STATE_HOME": f"{folder}/state",
        "TMPDIR": folder,
        "LC_ALL": "C",
    }
    try:
        process = subprocess.Popen(
            [_shell(), "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
            **options,
        )
    except OSError as error:
        return _Answer(None, b"", f"cannot be started: {error}".encode())
    try:
        stdout, stderr = process.communicate(payload, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        # The whole session that was started for it, so that nothing it left behind keeps the pipes open.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return _Answer(None, b"", f"no answer within {LIMIT_SECONDS:.0f} s".encode())
    return _Answer(process.returncode, stdout, stderr)


def _shell() -> str:
    return shutil.which("sh") or "sh" if sys.platform == "win32" else "/bin/sh"


def _is_deny(stdout: bytes) -> bool:
    try:
        said = json.loads(stdout)["hookSpecificOutput"]
        return bool(
            said["hookEventName"] == "PreToolUse"
            and said["permissionDecision"] == "deny"
            and said["permissionDecisionReason"]
        )
    except (ValueError, KeyError, TypeError):
        return False


def _describe(answer: _Answer) -> str:
    said = (answer.stderr or answer.stdout).decode(errors="replace").strip().splitlines()
    return (
        f"exit {answer.exit_code}, it said {said[-1][:200]!r}" if said else f"exit {answer.exit_code}, it said nothing"
    )
