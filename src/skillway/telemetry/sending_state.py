"""What came of sending this user's records so far? Reads `flush.json`, which the flusher keeps; writes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

STATE_FILE = "flush.json"
SCHEMA = 1
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SendingState:
    """The flusher's figures, in its own words. Times are seconds, UTC, 0 for never.

    Attributes:
        sent: Records that the receiver took.
        dropped: From reason to records that are lost.
        torn: Lines that were no record.
        unknown: Records that the allow-list does not know, such as those of a newer version.
        failures: Requests that failed; `failing` of them since the last that did not.
        failure: The last failure in a word, empty when the last request was accepted; `detail` a status or a class.
        last_try: When a request was last made.
        last_success: When one was last accepted.
        next_try: When the next may be made.
        key_id: With which key.
        endpoint: To where.
        skew_s: Seconds by which this clock is ahead of the receiver's.
        poison: Events that the receiver refuses for themselves: name, bytes, status.
        foreign: Entries of the spool that are not its own.
        fault: Why the file could not be used; empty when it could, or is not there yet.
    """

    sent: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    torn: int = 0
    unknown: int = 0
    failures: int = 0
    failing: int = 0
    failure: str = ""
    detail: str = ""
    last_try: int = 0
    last_success: int = 0
    next_try: int = 0
    key_id: str = ""
    endpoint: str = ""
    skew_s: int = 0
    poison: list[dict[str, Any]] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    fault: str = ""


def load_sending_state(state: Path) -> SendingState:
    """Read the figures; a damaged file is a value that says so."""
    path = state / STATE_FILE
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return SendingState(fault=f"{path} is not the flusher's own")
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return SendingState()
    except (OSError, ValueError, RecursionError) as error:
        return SendingState(fault=f"{path} cannot be read ({type(error).__name__})")
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        return SendingState(fault=f"{path} is of another version")
    empty = SendingState()
    known = {
        each.name: content[each.name] for each in fields(SendingState) if each.name in content and each.name != "fault"
    }
    return SendingState(**{name: value for name, value in known.items() if type(value) is type(getattr(empty, name))})
