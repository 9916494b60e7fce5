"""Which stops did this user meet, so that a wrong one can be found and reported?

A log that never leaves the laptop: one line for each deny or ask, in a file that only the user can read, bounded in
size. It holds the part of the command that was stopped, so nothing sends it; telemetry has its own list and its own
file (`spool.py`). Nothing here raises. Leaves reading to `skillway guard report`.
"""

import posix
from time import time_ns

import spool
from payload import environment, quote_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_decision import Stop

MAX_LOG_BYTES = 1 << 20
"""The file is put aside as `stops.1.jsonl` before it grows past this; the former one put aside goes."""

FOLDER = "/guard"
NAME = "/stops.jsonl"
FORMER = "/stops.1.jsonl"

_MAX_PART = 2000
_MAX_FAULTS = 1 << 16
_NANOSECONDS = 1_000_000_000


def is_off() -> bool:
    """Tell whether the user wants no log; whoever wants no telemetry wants no trace of this kind either."""
    return environment("SKILLWAY_GUARD_LOG") == "0" or spool.opted_out()


def keep_stop(stop: "Stop", tool: str, project: str) -> bool:
    """Append one stop.

    Args:
        stop: What was decided.
        tool: The tool's name.
        project: The project's folder; only a hash of it is kept.

    Returns:
        Whether the whole line is on disk.
    """
    line = (
        f'{{"v":1,"id":"{posix.urandom(4).hex()}","time":{time_ns() // _NANOSECONDS},"tool":{quote_json(tool[:64])},'
        f'"rule":{quote_json(stop.rule)},"decision":"{stop.decision}","part":{quote_json(stop.what[:_MAX_PART])},'
        f'"project":"{_hash(project)}"}}\n'
    )
    return _append(NAME, line.encode(), MAX_LOG_BYTES, is_rotated=True)


def count_faults() -> None:
    """Count one tool call that a policy was wrong in: one byte, so that the file's size is the number."""
    _append("/policy.faults", b".", _MAX_FAULTS, is_rotated=False)


def _hash(text: str) -> str:
    try:
        from _blake2 import blake2b
    except ImportError:
        return ""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _append(name: str, data: bytes, limit: int, *, is_rotated: bool) -> bool:
    """Append to a file of the user's own; it never grows past its limit."""
    state = "" if is_off() else spool.state_folder()
    try:
        if not state or not spool.own_folder(state) or not spool.own_folder(state + FOLDER):
            return False
        path = state + FOLDER + name
        if not is_rotated or _has_room(path, len(data), limit):
            return _write(path, data, limit)
        # Two processes may both put it aside; then the former file is shorter, and nothing is torn.
        posix.replace(path, state + FOLDER + FORMER)
        return _write(path, data, limit)
    except OSError:
        return False


def _has_room(path: str, count: int, limit: int) -> bool:
    try:
        return posix.lstat(path).st_size + count <= limit
    except FileNotFoundError:
        return True


def _write(path: str, data: bytes, limit: int) -> bool:
    descriptor = spool.open_own(path)
    if descriptor < 0:
        return False
    try:
        return posix.fstat(descriptor).st_size + len(data) <= limit and posix.write(descriptor, data) == len(data)
    finally:
        posix.close(descriptor)
