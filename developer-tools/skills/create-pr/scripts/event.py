"""How does the organisation learn that this program created a pull request, without learning which one?

One record `skillway.pr.created` through the hooks' own recorder, which has the allow-list and honours the user's wish not
to be counted. Without an installed laptop there is nobody to tell, and nothing is done. Nothing here can fail a command.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys

import laptop
from forge import PullRequest
from remote import Project

SKILL = "developer-tools:create-pr"
_KEY_FILE = "telemetry.json"
_TIMEOUT = 5.0  # seconds; the recorder takes some ten milliseconds
_HASH_DIGITS = 32


def record_created(made: PullRequest, target: Project, session: str, seconds: float) -> None:
    """Keep one record of a pull request that was just created; says nothing, whatever comes of it."""
    hooks = laptop.hooks_folder()
    if hooks is None or not (hooks / "record.py").is_file():
        return
    attributes = {
        "pr.hash": pr_hash(audit_key(), target, made.number),
        "pr.forge": target.forge or "other",
        "pr.draft": made.is_draft,
        "skill.name": SKILL,
        "plugin.version": laptop.plugin_version(),
        "duration_ms": round(seconds * 1000),
        "session.id": session,
    }
    # -B: the store is verified, and byte code in it would be drift.
    command = [sys.executable, "-I", "-S", "-B", str(hooks / "record.py"), "skillway.pr.created"]
    try:
        subprocess.run(
            command, input=json.dumps(attributes).encode(), capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return


def audit_key() -> str:
    """Return the key that sync derived from the organisation's salt for this one purpose; empty when there is none."""
    root = laptop.root_folder()
    key = laptop.read_object(root / _KEY_FILE).get("audit_key") if root else None
    return key if isinstance(key, str) else ""


def pr_hash(key: str, target: Project, number: int) -> str | None:
    """Return what an auditor with the same key computes for the same pull request; None without key or number.

    It is the first 32 hex digits of HMAC-SHA256 over `host/owner/repo#number` in lower case, the key as text.
    """
    if not key or not number:
        return None
    name = f"{target.host}/{target.path}#{number}".lower()
    return hmac.new(key.encode(), name.encode(), hashlib.sha256).hexdigest()[:_HASH_DIGITS]
