"""May another model take over, by what is recorded of both?

Brings the pooled suites of two models together, says what is missing and what that would cost, and lets
`comparison` decide. A part of the suites decides nothing: whoever chooses what to leave out chooses the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from skillway_evals.comparison import Comparison, compare
from skillway_evals.gate import worst
from skillway_evals.outcome import Outcome
from skillway_evals.promotion.evidence import Evidence, outcome_shown, provenance
from skillway_evals.promotion.progress import run_command
from skillway_evals.running.execute import SuiteReport
from skillway_evals.running.frame import DEFAULT_JUDGE
from skillway_evals.suite import Arm, Suite


@dataclass(frozen=True, slots=True)
class Missing:
    """Runs of a skill with a model that are not recorded: how many, about what they cost (None when unknown), and the command."""

    skill: str
    model: str
    runs: int
    estimate_usd: float | None
    command: str


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What may be said of changing the model.

    Attributes:
        outcome: Pass accepts the candidate.
        reasons: A sentence each.
        comparison: Over the suites that both models have run.
        missing: What is not run.
        left_out: Suites that have nothing to compare, such as drafts alone.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    comparison: Comparison
    missing: tuple[Missing, ...]
    left_out: tuple[str, ...]


def compare_models(
    evidence: Evidence, suites: Sequence[Suite], baseline: str, candidate: str, judge: str = DEFAULT_JUDGE
) -> ModelChange:
    """Compare two models over suites, by what is recorded.

    Args:
        evidence: The verdict store.
        suites: The pool.
        baseline: The model in use.
        candidate: The other one.
        judge: Who judges both.
    """
    pairs = [(evidence.report(suite, baseline, judge), evidence.report(suite, candidate, judge)) for suite in suites]
    filled = [pair for pair in pairs if _asked(pair[0])]
    missing = tuple(one for pair in filled for report in pair for one in _missing(report, judge))
    incomplete = {one.skill for one in missing}
    whole = [pair for pair in filled if pair[0].result.skill not in incomplete]
    found = compare([old.result for old, _ in whole], [new.result for _, new in whole])
    cost = {model: found.cost.get(model) for model in (baseline, candidate)}
    found = replace(found, cost=cost)
    outcomes, reasons = [found.outcome], list(found.reasons)
    if missing:
        outcomes.append(Outcome.NOT_RUN)
        skills = f"{len(incomplete)} of {len(filled)} suites are not run with both models"
        reasons.insert(0, f"{skills}; a part of the pool decides nothing.")
    for outcome, reason in _standing(whole):
        outcomes.append(outcome)
        reasons.append(reason)
    left_out = tuple(old.result.skill for old, _ in pairs if not _asked(old))
    return ModelChange(worst(outcomes), tuple(reasons), found, missing, left_out)


def _asked(report: SuiteReport) -> int:
    return sum(slot.arm is Arm.PLUGIN for slot in report.plan.cases)


def _missing(report: SuiteReport, judge: str) -> list[Missing]:
    runs = [run for run in report.result.runs if run.arm is Arm.PLUGIN]
    unjudged = sum(any(one.evidence.startswith("not run") for one in run.results) for run in runs)
    count = _asked(report) - len(runs) + unjudged
    if not count:
        return []
    skill, model = report.result.skill, report.result.model
    return [Missing(skill, model, count, report.plan.estimate_usd, run_command(report, model, judge))]


def _standing(pairs: Sequence[tuple[SuiteReport, SuiteReport]]) -> list[tuple[Outcome, str]]:
    """Say what takes the weight from recorded numbers: fakes, missing signatures, a judge that is not admitted."""
    reports = [report for pair in pairs for report in pair]
    said = []
    if any(outcome_shown(Outcome.PASS, provenance(report)) is Outcome.NOT_RUN for report in reports):
        said.append((Outcome.NOT_RUN, "A scripted model answered, so nothing is known of the models."))
    if any(not report.result.signed for report in reports):
        said.append(
            (Outcome.INCONCLUSIVE, "Not every verdict is signed by the protected workflow, so they are advisory.")
        )
    if any(report.result.judge and not report.result.judge_admitted for report in reports):
        said.append((Outcome.INCONCLUSIVE, "The judge is not admitted, so its scores are advisory."))
    return said
