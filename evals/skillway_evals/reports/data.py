"""What does a report hold, as JSON values?

The one form that `eval run` keeps, `eval report` renders and `--json` prints. A fake judge's or model's numbers are
never put in as quality: such a suite has no figures at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skillway_evals.outcome import Provenance, RunResult, TriggerResult
from skillway_evals.running.execute import SuiteReport
from skillway_evals.running.triggers import TriggerVote
from skillway_evals.suite import Case

SCHEMA = 1


def report_data(reports: Sequence[SuiteReport], *, prices_date: str, store_problems: Sequence[str]) -> dict[str, Any]:
    """Give everything that a report shows.

    Args:
        reports: One per suite.
        prices_date: Of the price list.
        store_problems: Verdict files that are not as they were written.
    """
    return {
        "schema": SCHEMA,
        "prices": prices_date,
        "store_problems": list(store_problems),
        "suites": [_suite(report) for report in reports],
    }


def _suite(report: SuiteReport) -> dict[str, Any]:
    result, suite = report.result, report.plan.suite
    provenances = {run.provenance for run in result.runs} | {vote.provenance for vote in report.votes}
    is_fake = Provenance.FAKE in provenances
    return {
        "skill": result.skill,
        "skill_digest": result.skill_digest,
        "suite_digest": result.suite_digest,
        "model": result.model,
        "judge": result.judge,
        "standing": _standing(report, is_fake=is_fake),
        "provenance": sorted(one.value for one in provenances),
        "complete": report.complete,
        "expected_runs": result.expected_runs,
        "expected_triggers": result.expected_triggers,
        "missing": report.missing,
        "broken_canaries": list(report.broken_canaries),
        "figures": None if is_fake else _figures(report),
        "cases": [_case(report, case) for case in suite.cases if not case.draft],
        "drafts": sum(case.draft for case in suite.cases),
        "triggers": [_trigger(report, trigger) for trigger in result.triggers],
        "recorded": [_run(run) for run in report.recorded],
    }


def _standing(report: SuiteReport, *, is_fake: bool) -> str:
    """Say how much the result is worth: not run, fake, advisory or evidence, and why."""
    result = report.result
    if not result.runs and not report.votes:
        return "not run: nothing is known"
    if is_fake:
        return "fake: a scripted model answered; this tests the harness and says nothing of the skill"
    if not result.signed:
        return "advisory: not every verdict is signed by the protected workflow"
    if result.judge and not result.judge_admitted:
        return f"advisory: the judge {result.judge} is not admitted by calibration"
    return "evidence: every verdict is signed"


def _figures(report: SuiteReport) -> dict[str, Any]:
    runs = [run for run in report.result.runs if run.valid]
    by_arm = {}
    for arm in report.plan.suite.arms:
        own = [run for run in runs if run.arm is arm]
        passed = _passed_cases(own)
        by_arm[arm.value] = {"runs": len(own), "cases": len({run.case for run in own}), "cases_passed": len(passed)}
    cost = report.usage.cost_usd
    cases = {run.case for run in runs}
    passed_any = _passed_cases([run for run in runs if run.arm.value != "none"])
    return {
        "arms": by_arm,
        "invalid_runs": sum(not run.valid for run in report.result.runs),
        "cost_usd": cost,
        "cost_per_case_usd": cost / len(cases) if cost is not None and cases else None,
        "cost_per_passed_case_usd": cost / len(passed_any) if cost is not None and passed_any else None,
    }


def _passed_cases(runs: Sequence[RunResult]) -> set[str]:
    """Name the cases whose every run passed; repeats of one case are one vote."""
    return {run.case for run in runs} - {run.case for run in runs if run.passed is not True}


def _case(report: SuiteReport, case: Case) -> dict[str, Any]:
    runs = [_run(run) for run in report.result.runs if run.case == case.id]
    costs = [run["cost_usd"] for run in runs if run["cost_usd"] is not None]
    return {
        "id": case.id,
        "prompt": case.prompt,
        "expected": case.expected,
        "line": case.line,
        "cost_usd": sum(costs) if costs else None,
        "runs": runs,
    }


def _run(run: RunResult) -> dict[str, Any]:
    return {
        "case": run.case,
        "arm": run.arm.value,
        "repeat": run.repeat,
        "valid": run.valid,
        "passed": run.passed,
        "reason": run.reason,
        "key": run.key,
        "provenance": run.provenance.value,
        "cost_usd": run.usage.cost_usd,
        "results": [
            {
                "grader": one.grader,
                "passed": one.passed,
                "must": one.must,
                "score": None if run.provenance is Provenance.FAKE else one.score,
                "evidence": one.evidence,
            }
            for one in run.results
        ],
    }


def _trigger(report: SuiteReport, trigger: TriggerResult) -> dict[str, Any]:
    votes: list[TriggerVote] = [vote for vote in report.votes if vote.slot.trigger.id == trigger.trigger]
    prompt = votes[0].slot.trigger.prompt if votes else ""
    return {
        "id": trigger.trigger,
        "prompt": prompt,
        "should": trigger.should,
        "fired": list(trigger.fired),
        "reasons": [vote.reason for vote in votes],
    }
