"""Which records must go when there are too many, or when nobody took them for too long?

By bytes: sampled `allow` decisions first, other `allow` decisions second, the oldest last. By age: whole files. Every
record that goes is counted with its reason, so that sent, waiting and dropped make up what was written.
"""

import time

import spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flush_spool import Spool
    from flush_state import State

MAX_AGE_S = 14 * 86_400
MAX_BYTES = spool.MAX_SPOOL_BYTES
_FLOOR = 0.9
"""Room is made down to this part of the limit, so that the next record does not rewrite files again."""

_ALLOW = b'"hook.decision":"allow"'
_SAMPLED = b'"skillway.sample.weight":'


def enforce(waiting: "Spool", state: "State", limit: int = MAX_BYTES, now: "float | None" = None) -> None:
    """Drop what is over the limits.

    Raises:
        OSError: The disk does not take a change; what was done until then is counted.
    """
    oldest = (time.time() if now is None else now) - MAX_AGE_S
    from flush_spool import claim_time

    for name in waiting.claims():
        if claim_time(name) < oldest * 1e9:
            _drop(waiting, state, name, "age", _every)
    excess = waiting.waiting_bytes() - limit
    if excess <= 0:
        return
    excess += int(limit * (1 - _FLOOR))
    for reason, is_chosen in (("allow_sampled", _is_sampled), ("allow", _is_allow), ("oldest", _every)):
        for name in waiting.claims():
            if excess > 0:
                excess -= _drop(waiting, state, name, reason, is_chosen, excess)


def _drop(
    waiting: "Spool",
    state: "State",
    name: str,
    reason: str,
    is_chosen: "Callable[[bytes], bool]",
    excess: "int | None" = None,
) -> int:
    """Take chosen lines out of one file until enough bytes are free; give the bytes."""
    kept: "list[bytes]" = []
    freed = dropped = 0
    for line, _ in waiting.lines(name, waiting.offset(name)):
        if is_chosen(line) and (excess is None or freed < excess):
            freed += len(line) + 1
            dropped += 1
        else:
            kept.append(line)
    if dropped:
        waiting.replace(name, kept)
        state.drop(reason, dropped)
    return freed


def _every(_line: bytes) -> bool:
    return True


def _is_allow(line: bytes) -> bool:
    return _ALLOW in line


def _is_sampled(line: bytes) -> bool:
    return _ALLOW in line and _SAMPLED in line
