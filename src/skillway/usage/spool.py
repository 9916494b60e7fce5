"""Which records of this laptop are not sent yet? Reads the spool without touching it.

The flusher may take files away meanwhile. A record that it sent in that moment is in the store too, with the same id,
so that nothing is counted twice.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway.collector.rows import LOG, BadRecordError, Row, make_row, make_source

_MAX_FILE_BYTES = 64 << 20
_KINDS = (".jsonl", ".claimed")
"""What holds records: what hooks write to, and what the flusher took and has not sent to its end."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """What a spool holds: its rows, and how many lines are no record (torn, foreign, of a future kind)."""

    rows: tuple[Row, ...]
    unreadable: int


@dataclass(frozen=True, slots=True)
class OwnUser:
    """Whom this laptop's sync takes the user for; '' where it has not said."""

    user_hash: str = ""
    team: str = ""


def read_own_user(state: Path) -> OwnUser:
    """Read what sync wrote of this user into the state folder; empty when it is missing or broken."""
    content = _object(_read(state / "user.json"))
    found = {key: value for key, value in content.items() if isinstance(value, str)}
    return OwnUser(found.get("user.hash", ""), found.get("team.id", ""))


def read_spool(state: Path) -> Spooled:
    """Read every record of a user's spool, whatever mode it was written in.

    Args:
        state: The user's state folder; `spool` is below it.
    """
    own = read_own_user(state)
    source = make_source({"service.name": "skillway", **({"team.id": own.team} if own.team else {})}, "skillway")
    rows: list[Row] = []
    unreadable = 0
    for path in sorted(_files(state / "spool")):
        for line in _read(path, start=_sent(path)).splitlines():
            if not line.strip():
                continue
            try:
                rows.append(_row(_object(line), source))
            except (BadRecordError, KeyError, TypeError, ValueError):
                unreadable += 1
    return Spooled(tuple(rows), unreadable)


def _row(record: dict[str, Any], source: Any) -> Row:  # noqa: ANN401 - rows.Source
    attributes = dict(record["attributes"])
    attributes["log.record.uid"] = str(record["id"])
    return make_row(LOG, str(record["name"]), int(record["ts"]), attributes, source)


def _files(spool: Path) -> list[Path]:
    try:
        return [path for path in spool.iterdir() if path.suffix in _KINDS and stat.S_ISREG(path.lstat().st_mode)]
    except OSError:
        return []


def _sent(path: Path) -> int:
    """Give how many bytes of a claimed file the flusher has sent; it journals that beside the file."""
    done = _read(path.with_suffix(".offset")) if path.suffix == ".claimed" else b""
    return int(done) if done.isdigit() else 0


def _read(path: Path, *, start: int = 0) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return b""


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
