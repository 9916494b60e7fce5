"""How this laptop is doing: the status file that every run leaves, and what it means at the time it is read.

Readable by everybody, for fleet tools and for `skillway-sync status`, which needs no network.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from skillway_sync import errors
from skillway_sync.disk import Disk

STATUS_FILE = "status.json"
SCHEMA = 1
DAY = 86_400.0
GRACE = 3 * DAY
"""How long a laptop that cannot reach its store is in order, in seconds."""
ALARM = 14 * DAY
"""After how many seconds without a check somebody should look."""
RECORD_EVERY = 6 * 3600.0
"""A check that changed nothing is written down when the last one on record is older, in seconds."""
IN_ORDER = frozenset({"ok", "held", "halted", "offline"})
MAX_DRIFT = 50
"""How many repaired differences are named; their number is always given."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is on record. Times are seconds, UTC, or None for "never".

    Attributes:
        state: ok, held, halted, offline, expired, refused, disk, config, self_test, drift or never.
        release: The applied release, or None.
        ring: The ring of the last check.
        last_check: When the store last gave a verified answer.
        last_apply: When a release was last applied.
        last_attempt: When a run last wrote this file.
        error: Code, message and fix of the last failure, or None.
        notes: What a person should know: warnings, why a release is held.
        drift: What was repaired last, and `drift_at` when.
        interpreter: The recorded interpreter, or None.
    """

    state: str = "never"
    release: int | None = None
    ring: str | None = None
    last_check: float | None = None
    last_apply: float | None = None
    last_attempt: float | None = None
    error: dict[str, str] | None = None
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    drift_at: float | None = None
    interpreter: str | None = None
    sync_version: str = ""
    plugins: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Give the stored form, which `load_status` reads."""
        content = {key: iso_time(value) if key in _TIMES else value for key, value in asdict(self).items()}
        return (json.dumps({"schema": SCHEMA, **content}, indent=1) + "\n").encode()


_PASSING = ("last_check", "last_attempt", "drift_at")
_TIMES = frozenset({"last_check", "last_apply", "last_attempt", "drift_at"})


def iso_time(seconds: float | None) -> str | None:
    """Give a time as `2026-11-20T10:00:00Z`."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def parse_time(text: str | None) -> float | None:
    """Read what `iso_time` gave."""
    from calendar import timegm

    return None if text is None else float(timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))


def load_status(state: Path) -> Status:
    """Read the status file; a missing or damaged one reads as "never"."""
    try:
        content: dict[str, Any] = json.loads((state / STATUS_FILE).read_bytes())
        known = {key: content[key] for key in (each.name for each in fields(Status)) if key in content}
        known.update({key: parse_time(known[key]) for key in _TIMES if key in known})
        known.update({key: tuple(known[key]) for key in ("notes", "drift") if key in known})
        return Status(**known)
    except (OSError, ValueError, RecursionError, TypeError, AttributeError):
        return Status()


def save_status(state: Path, status: Status, disk: Disk) -> None:
    """Write the status file."""
    disk.replace(state / STATUS_FILE, status.to_bytes(), 0o644, durable=False)


def is_worth_writing(old: Status, new: Status) -> bool:
    """Tell whether a status says something new; that time went by is news only every few hours."""

    def facts(status: Status) -> dict[str, Any]:
        kept = {key: value for key, value in asdict(status).items() if key not in _PASSING}
        return kept | {"last_apply": iso_time(status.last_apply)}  # the file has whole seconds

    if facts(old) != facts(new):
        return True
    return (new.last_attempt or 0.0) - (old.last_attempt or 0.0) > RECORD_EVERY or (old.last_check is None) != (
        new.last_check is None
    )


def present_state(status: Status, *, now: float) -> str:
    """Say what the recorded state means by now: `stale` after 3 days without a check, `alarm` after 14.

    A check that changed nothing is only recorded every few hours, so the age is too high by at most that.
    """
    if status.release is None or status.last_check is None:
        return status.state
    age = now - status.last_check
    if age > ALARM:
        return "alarm"
    return "stale" if age > GRACE else status.state


def exit_code_of(state: str) -> int:
    """Give the exit code that fits a present state: what the last run ended with, or 10 when that is too long ago."""
    codes = {"refused": errors.EXIT_REFUSED, "expired": errors.EXIT_EXPIRED, "disk": errors.EXIT_DISK}
    codes |= {"config": errors.EXIT_CONFIG, "self_test": errors.EXIT_SELF_TEST, "drift": errors.EXIT_DRIFT}
    return codes.get(state, errors.EXIT_OK if state in IN_ORDER else errors.EXIT_STALE)


def present_exit_code(status: Status, *, now: float) -> int:
    """Give the exit code that a run without news would end with now.

    A store whose signatures have expired is told as `stale` at once, but within the grace it is no failure.
    """
    is_recent = status.last_check is not None and now - status.last_check <= GRACE
    if status.state == "stale" and is_recent:
        return errors.EXIT_OK
    return exit_code_of(present_state(status, now=now))


def age_text(seconds: float | None) -> str:
    """Say an age in words that fit a line: `4 min`, `3 h`, `5 days`."""
    if seconds is None:
        return "never"
    for unit, size in (("days", DAY), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def describe_status(status: Status, *, now: float, where: str | os.PathLike[str]) -> Sequence[str]:
    """Say it in lines for a person."""
    since = None if status.last_check is None else now - status.last_check
    release = "none" if status.release is None else str(status.release)
    lines = [
        f"state        {present_state(status, now=now)}",
        f"release      {release} (ring {status.ring or 'unknown'})",
        f"last check   {iso_time(status.last_check) or 'never'} ({age_text(since)} ago)"
        if since is not None
        else "last check   never",
        f"last apply   {iso_time(status.last_apply) or 'never'}",
        f"place        {os.fspath(where)}",
    ]
    lines += [f"note         {note}" for note in status.notes]
    if status.drift:
        lines.append(
            f"repaired     {len(status.drift)} difference(s) at {iso_time(status.drift_at)}: {'; '.join(status.drift[:3])}"
        )
    if status.error:
        lines.append(f"error        {status.error['message']}")
        lines.append(f"fix          {status.error['fix']}")
    return lines
