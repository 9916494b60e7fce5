"""How does a run of sync become an event, and who sends what killed sessions left behind?

One shell per home, as its owner, started and left to itself: it spools the event with the installed hooks and then
becomes the flusher. Nothing is waited for, so a run takes no longer, and whatever fails here fails unseen: telemetry
never decides how a run ends. What may stand in an event, and sending, are for the hooks.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skillway_sync.applied import Applied, load_applied
from skillway_sync.disk import Disk
from skillway_sync.errors import SyncError
from skillway_sync.homes import Home, as_owner, find_homes
from skillway_sync.laptop import Outcome
from skillway_sync.layout import USER, Layout
from skillway_sync.privilege import is_root
from skillway_sync.status import DAY, iso_time, parse_time
from skillway_sync.telemetry_files import state_folder

EVENT = "skillway.sync.completed"
STAMP_FILE = "told.json"
"""In `state`: what was told last, and when."""

# $1 interpreter, $2 hooks folder, $3 event name, $4 its attributes or nothing, $5 what the flusher is told.
_SCRIPT = """
[ -d "$HOME" ] || exit 0
if [ -n "$4" ] && [ -r "$2/record.py" ]; then printf '%s' "$4" | "$1" -I -S "$2/record.py" "$3"; fi
if [ -r "$2/flush.py" ]; then exec "$1" -I -S "$2/flush.py"; fi
"""
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE")
_PASSED_ON = (*_PROXIES, "DO_NOT_TRACK", "SKILLWAY_TELEMETRY", "SKILLWAY_SPOOL_MODE")
"""What is said to sync counts for what it starts; whether policy outweighs a refusal, the hooks find out."""


@dataclass
class Told:
    """What a command leaves here to be told of, while `telling` waits for its end."""

    outcome: Outcome | None = None


@contextlib.contextmanager
def telling(layout: Layout, *, is_rollback: bool = False) -> Iterator[Told]:
    """Tell of the command in the block, however it ends, and have the spools of this laptop's users sent.

    Args:
        layout: The laptop's places.
        is_rollback: Whether the command goes back on purpose.
    """
    before, started, told = load_applied(layout.state), time.monotonic(), Told()
    error: SyncError | None = None
    try:
        yield told
    except SyncError as caught:
        error = caught
        raise
    finally:
        if not layout.image and sys.platform != "win32" and not _is_busy(told):
            # Whatever it is, the run itself has ended as it has.
            with contextlib.suppress(Exception):
                after = load_applied(layout.state)
                facts = describe_run(before, after, error or _failure(told), is_rollback=is_rollback)
                facts["sync.scope"] = layout.scope
                facts["duration_ms"] = round((time.monotonic() - started) * 1000, 1)
                _tell(layout, after, facts)


def _is_busy(told: Told) -> bool:
    return told.outcome is not None and told.outcome.state == "busy"


def _failure(told: Told) -> SyncError | None:
    """Give what made a run fail that ended with an outcome; being offline within the grace is no failure."""
    return told.outcome.error if told.outcome is not None and told.outcome.exit_code else None


def describe_run(
    before: Applied | None, after: Applied | None, error: SyncError | None, *, is_rollback: bool
) -> dict[str, object]:
    """Say what a run did, in the attributes of the event; never a message, which may have a path in it."""
    changed = _changed(before, after)
    outcome = "failed" if error is not None else "noop" if before is not None and not changed else "ok"
    if is_rollback and error is None:
        outcome = "rolled_back"
    facts: dict[str, object] = {
        "sync.outcome": outcome,
        "sync.from": None if before is None else str(before.seq),
        "sync.to": None if after is None else str(after.seq),
        "sync.trigger": "manual" if sys.stdin is not None and sys.stdin.isatty() else "timer",
        "sync.plugins.changed": changed,
        "error.type": None if error is None else type(error).__name__,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _changed(before: Applied | None, after: Applied | None) -> int:
    old = {} if before is None else before.plugins
    new = {} if after is None else after.plugins
    return sum(old.get(name) != new.get(name) for name in {*old, *new})


def _tell(layout: Layout, applied: Applied | None, facts: dict[str, object]) -> None:
    hooks = None if applied is None else layout.store / applied.base / applied.plugins[applied.base] / "hooks"
    if hooks is None or not ((hooks / "record.py").is_file() or (hooks / "flush.py").is_file()):
        return
    interpreter = layout.interpreter_file.read_text(encoding="utf-8").strip()
    homes = find_homes(layout)
    teller = _teller(layout, homes) if _is_news(layout, facts) else None
    for home in homes:
        event = json.dumps(facts) if home is teller else ""
        if event or layout.telemetry_file.is_file():
            with contextlib.suppress(SyncError, OSError):
                as_owner(home, lambda home=home, event=event: _start(layout, home, interpreter, hooks, event))  # type: ignore[misc]


def _is_news(layout: Layout, facts: dict[str, object]) -> bool:
    """Tell whether an event is worth its bytes: the same end of a run is told once a day, however often it runs."""
    stamp, now = layout.state / STAMP_FILE, time.time()
    lasting = {name: value for name, value in facts.items() if name not in ("duration_ms", "sync.trigger")}
    try:
        former = json.loads(stamp.read_bytes())
        told = parse_time(former["at"]) or 0.0
        if former["facts"] == lasting and 0 <= now - told < DAY:
            return False
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        pass  # never told, or damaged: tell it
    data = json.dumps({"at": iso_time(now), "facts": lasting}).encode() + b"\n"
    Disk().replace(stamp, data, 0o644, durable=False)
    return True


def _teller(layout: Layout, homes: list[Home]) -> Home | None:
    """Choose whose spool takes the event of a laptop: one, so that it counts once; the one that was used last."""

    def last_use(home: Home) -> float:
        try:
            return (state_folder(layout, home) / "spool").stat().st_mtime
        except OSError:
            return 0.0

    return max(homes, key=last_use, default=None)


def _start(layout: Layout, home: Home, interpreter: str, hooks: Path, event: str) -> None:
    """Start the shell for one home; runs as the home's owner."""
    if not event and not (state_folder(layout, home) / "spool").is_dir():
        return
    if is_root() and home.uid != os.geteuid():
        return  # a home that could not be entered as its owner gets no process of root's
    names = (*_PASSED_ON, *(("XDG_STATE_HOME",) if layout.scope == USER else ()))
    environment = {name: os.environ[name] for name in names if name in os.environ}
    environment |= {"HOME": str(home.path), "PATH": "/usr/bin:/bin"}
    subprocess.Popen(  # not waited for: it outlives this process
        ["/bin/sh", "-c", _SCRIPT, "skillway-telemetry", interpreter, str(hooks), EVENT, event],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
