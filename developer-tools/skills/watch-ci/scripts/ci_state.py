"""What do a commit's checks come to? Pure rules over what a forge answered; the shapes are GitHub's and GitLab's documented ones.

One red check is red, whatever else runs. Nothing is called passed while anything is pending or unknown: a word that this
does not know counts as pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Sequence

ALL_PASSED = "all-passed"
FAILED = "failed"
CANCELLED = "cancelled"
NEEDS_HUMAN = "needs-human"
TIMED_OUT = "timed-out"
NO_CHECKS = "no-checks"

PASSED, PENDING = "passed", "pending"
_CONCLUSIONS = {
    **dict.fromkeys(("success", "neutral", "skipped"), PASSED),
    **dict.fromkeys(("failure", "timed_out", "startup_failure"), FAILED),
    **dict.fromkeys(("cancelled", "stale"), CANCELLED),
    "action_required": NEEDS_HUMAN,
}
_STATUSES = {"success": PASSED, "failure": FAILED, "error": FAILED}
_PIPELINES = {
    **dict.fromkeys(("success", "skipped"), PASSED),
    "failed": FAILED,
    **dict.fromkeys(("canceled", "canceling"), CANCELLED),
    **dict.fromkeys(("manual", "scheduled"), NEEDS_HUMAN),
}


@dataclass(frozen=True)
class Check:
    """One check, status or pipeline: its name (others' text, so data), how it stands, and its page in the browser."""

    name: str
    standing: str
    address: str = ""


def check_runs(rows: Iterable[dict[str, Any]]) -> list[Check]:
    """Return GitHub's check runs."""
    return [Check(str(row.get("name")), _standing_of_run(row), str(row.get("html_url") or "")) for row in rows]


def statuses(rows: Iterable[dict[str, Any]]) -> list[Check]:
    """Return GitHub's commit statuses, which older integrations still send."""
    return [
        Check(str(row.get("context")), _STATUSES.get(str(row.get("state")), PENDING), str(row.get("target_url") or ""))
        for row in rows
    ]


def waiting_runs(rows: Iterable[dict[str, Any]]) -> list[Check]:
    """Return GitHub's workflow runs that made no check yet: queued ones, and those that somebody has to approve."""
    return [Check(str(row.get("name")), _standing_of_run(row), str(row.get("html_url") or "")) for row in rows]


def pipelines(rows: Iterable[dict[str, Any]]) -> list[Check]:
    """Return GitLab's pipelines."""
    return [
        Check(
            f"pipeline {row.get('id')}", _PIPELINES.get(str(row.get("status")), PENDING), str(row.get("web_url") or "")
        )
        for row in rows
    ]


def settle(checks: Sequence[Check]) -> str:
    """Return the terminal state that the checks have come to, `pending`, or an empty string when there are none."""
    standings = {check.standing for check in checks}
    for state in (FAILED, PENDING, NEEDS_HUMAN, CANCELLED):
        if state in standings:
            return state
    return ALL_PASSED if standings else ""


def counts(checks: Sequence[Check]) -> dict[str, int]:
    """Return how many checks stand how."""
    found: dict[str, int] = {}
    for check in checks:
        found[check.standing] = found.get(check.standing, 0) + 1
    return found


def _standing_of_run(row: dict[str, Any]) -> str:
    if row.get("status") == "waiting":  # for somebody who approves the deployment
        return NEEDS_HUMAN
    if row.get("status") != "completed":
        return PENDING
    return _CONCLUSIONS.get(str(row.get("conclusion")), PENDING)
