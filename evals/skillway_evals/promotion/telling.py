"""How is a decision told to whoever counts them? Names, digests and words of a list; never who decided, nor why."""

from __future__ import annotations

from skillway_evals.outcome import Outcome
from skillway_evals.promotion.engine import Assessment
from skillway_evals.promotion.records import ACCEPT, Decided
from skillway_evals.telemetry import event

EVENT = "skillway.promotion.decided"


def tell_decision(decided: Decided, layer: str, found: Assessment) -> None:
    """Send one event, where somebody listens."""
    words = {Outcome.PASS: "eligible", Outcome.FAIL: "not_eligible", Outcome.NOT_RUN: "not_run"}
    event(
        EVENT,
        {
            "skill.name": decided.skill,
            "skill.digest": decided.skill_digest[:12],
            "promotion.from": layer,
            "promotion.to": decided.stage,
            "promotion.gate": words.get(found.outcome, "inconclusive"),
            "promotion.decision": "promoted" if decided.decision == ACCEPT else "declined",
        },
    )
