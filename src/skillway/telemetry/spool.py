"""What lies in this user's spool? Reads and counts; who writes is `hooks/spool.py`, who sends `spool_sender`."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillway_sync.homes import Home
from skillway_sync.layout import user_layout
from skillway_sync.telemetry_files import state_folder

MOST_LINE_BYTES = 4096
"""As in `hooks/spool.py`: what is longer is no record of ours."""
_DROPPED = "dropped."


def own_state_folder() -> Path:
    """Name the state folder of the user who runs this."""
    home = Path.home()
    uid, gid = (os.getuid(), os.getgid()) if hasattr(os, "getuid") else (0, 0)
    return state_folder(user_layout(home=home), Home(home, uid, gid))


@dataclass
class SpoolLook:
    """What was found.

    Attributes:
        records: Whole records, oldest file first, as they will be sent but for what the flusher adds to all.
        torn: Lines that are no record, such as one whose writer was killed.
        size: Bytes of the spool's files.
        foreign: Names of entries that are not the spool's: links, folders, other users' files.
        dropped: From reason to how many records were dropped for it.
        oldest: Seconds, UTC, of the oldest record; None when there is none.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    torn: int = 0
    size: int = 0
    foreign: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    oldest: float | None = None


def look_at_spool(state: Path) -> SpoolLook:
    """Read the spool of a state folder; what cannot be read is counted, never fatal."""
    look = SpoolLook()
    for path, size in _own_files(state / "spool", look):
        if path.name.startswith(_DROPPED):
            look.dropped[path.name.removeprefix(_DROPPED)] = size
        elif path.suffix in (".jsonl", ".claimed"):
            done = _done(path, size)
            look.size += size - done
            _read(path, done, look)
    times = [record["ts"] / 1e9 for record in look.records if isinstance(record.get("ts"), int)]
    look.oldest = min(times, default=None)
    return look


def _own_files(spool: Path, look: SpoolLook) -> Iterator[tuple[Path, int]]:
    try:
        if spool.is_symlink():
            look.foreign.append(spool.name)
            return
        entries = sorted(os.scandir(spool), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # the flusher has sent it in the meantime
        is_own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if stat.S_ISREG(status.st_mode) and is_own:
            yield Path(entry.path), status.st_size
        else:
            look.foreign.append(entry.name)


def _done(path: Path, size: int) -> int:
    """Give how many bytes of a claimed file were sent already, as the flusher's journal beside it says."""
    try:
        done = int(path.with_suffix(".offset").read_text(encoding="ascii")) if path.suffix == ".claimed" else 0
    except (OSError, ValueError):
        return 0
    return done if 0 <= done <= size else 0


def _read(path: Path, done: int, look: SpoolLook) -> None:
    try:
        lines = path.read_bytes()[done:].split(b"\n")
    except OSError:
        look.foreign.append(path.name)
        return
    for line in lines:
        if not line:
            continue
        record = parse_record(line)
        if record is None:
            look.torn += 1
        else:
            look.records.append(record)


def parse_record(line: bytes) -> dict[str, Any] | None:
    """Read one line of a spool; None when it is no record."""
    try:
        record = json.loads(line) if len(line) <= MOST_LINE_BYTES else None
    except (ValueError, RecursionError):
        return None
    is_record = (
        isinstance(record, dict) and isinstance(record.get("name"), str) and isinstance(record.get("attributes"), dict)
    )
    return record if is_record else None
