"""How often did a rule decide in one session, and how long did it take?

Adds up the decisions that were sent; when their session has ended, or a day later, makes one record for each rule. The
sums are in the flusher's state file, bounded. Calls that the guard let through in silence leave no record and are not
among them.
"""

import time

import spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from flush_batches import Batch
    from flush_state import State

MAX_SESSIONS = 100
MAX_RULES = 40
MAX_TIMES = 500
OLD_S = 86_400
_DECISIONS = ("allow", "deny", "ask", "error", "timeout")


def add(batch: "Batch", state: "State") -> None:
    """Add a batch's decisions; the records of sessions that it ends go into the spool."""
    sessions = state.values["sessions"]
    ended = []
    for record in batch.records:
        if record.decision is not None:
            _add(sessions, *record.decision)
        elif record.ended:
            ended.append(record.ended)
    oldest = int(time.time()) - OLD_S
    for session in [*ended, *(name for name, sums in list(sessions.items()) if _started(sums) < oldest)]:
        sums = sessions.pop(session, None)
        if isinstance(sums, dict):
            _keep(session, sums)


def _started(sums: object) -> int:
    started = sums.get("since") if isinstance(sums, dict) else 0
    return started if isinstance(started, int) else 0


def _add(sessions: "dict[str, Any]", session: str, rule: str, decision: str, milliseconds: float) -> None:
    if session not in sessions:
        if len(sessions) >= MAX_SESSIONS:
            return
        sessions[session] = {"since": int(time.time()), "rules": {}}
    rules = sessions[session]["rules"]
    if rule not in rules and len(rules) >= MAX_RULES:
        return
    sums = rules.setdefault(rule, {"counts": {}, "times": []})
    sums["counts"][decision] = sums["counts"].get(decision, 0) + 1
    if len(sums["times"]) < MAX_TIMES:
        sums["times"].append(milliseconds)


def _keep(session: str, sums: "dict[str, Any]") -> None:
    for rule, each in sums["rules"].items():
        times = sorted(each["times"])
        counts = each["counts"]
        attributes: "dict[str, object]" = {
            "session.id": session,
            "user.hash": spool.user_hash(),
            "hook.name": "guard",
            "hook.rule.id": rule or None,
            "count": sum(counts.values()),
            "duration_ms.p50": times[len(times) // 2],
            "duration_ms.p95": times[min(len(times) - 1, int(len(times) * 0.95))],
            "duration_ms.max": times[-1],
        }
        attributes.update({f"{decision}.count": counts.get(decision, 0) for decision in _DECISIONS})
        spool.append("skillway.hook.summary", attributes)
