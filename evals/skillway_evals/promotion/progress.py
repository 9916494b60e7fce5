"""How far is the evidence, and what would decide, in cases and dollars?"""

from __future__ import annotations

import math

from skillway_evals.gate import value_test
from skillway_evals.outcome import Outcome
from skillway_evals.promotion.evidence import cost_per_case
from skillway_evals.promotion.policy import Gate
from skillway_evals.running.execute import SuiteReport
from skillway_evals.running.frame import DEFAULT_JUDGE, DEFAULT_MODEL
from skillway_evals.statistics import attempt_alpha, cases_to_decide
from skillway_evals.suite import Claims

USUAL_CAP_USD = 10.0
"""What `eval run` spends at most unless it is told otherwise."""


def describe_progress(
    report: SuiteReport, outcome: Outcome, gate: Gate, model: str, judge: str
) -> tuple[str, tuple[str, ...]]:
    """Say what would decide, as in `3 of 5 cases; about $13 and 4 more cases would decide`, and with which commands.

    Args:
        report: What was graded.
        outcome: What the gate said of it.
        gate: The gate of the kind `evidence`.
        model: Whose answers count.
        judge: Who judges.

    Returns:
        A sentence, empty when nothing more is needed, and commands.
    """
    if outcome in (Outcome.PASS, Outcome.FAIL):
        return "", ()
    suite = report.plan.suite
    run = {result.case for result in report.result.runs}
    written = sum(not case.draft for case in suite.cases)
    needed = max(gate.rules().least_cases, written)
    unrun, unwritten = written - len(run), needed - written
    actions: tuple[str, ...] = (run_command(report, model, judge),)
    if unwritten > 0:
        actions = (f"skillway eval lint {suite.skill}", *actions)
    if unrun or report.plan.new:
        more = max(unrun + unwritten, 1)
        return f"{len(run)} of {needed} cases; {_dollars(report, unwritten)}{more} more cases would decide", actions
    more = unwritten or _more_by_value(report, gate)
    if more:
        text = f"{len(run)} of {len(run) + more} cases; {_priced(report, more)}{more} more cases would decide, if they come out like these"
        return text, actions
    return "", ()


def _more_by_value(report: SuiteReport, gate: Gate) -> int:
    suite, result = report.plan.suite, report.result
    if suite.claims is Claims.NONE:
        return 0
    rules = gate.rules()
    test, alpha = value_test(suite, result), attempt_alpha(max(result.attempts.values(), default=1))
    return (cases_to_decide(test, alpha, rules.least_net) or 0) if test.p > alpha else 0


def _dollars(report: SuiteReport, unwritten: int) -> str:
    """Price what is planned and not recorded, and cases that have yet to be written."""
    each = cost_per_case(report)
    if report.plan.estimate_usd is None or (unwritten and each is None):
        return ""
    return f"about ${math.ceil(report.plan.estimate_usd + unwritten * (each or 0.0))} and "


def _priced(report: SuiteReport, cases: int) -> str:
    each = cost_per_case(report)
    return "" if each is None else f"about ${math.ceil(each * cases)} and "


def run_command(report: SuiteReport, model: str, judge: str) -> str:
    """Give the command that runs what is missing of a suite, with a cap that is no lower than the estimate."""
    words = ["skillway eval run", report.plan.suite.skill]
    if model != DEFAULT_MODEL:
        words.append(f"--model {model}")
    if judge != DEFAULT_JUDGE and report.plan.questions:
        words.append(f"--judge {judge}")
    estimate = report.plan.estimate_usd
    if estimate is not None and estimate > USUAL_CAP_USD:
        words.append(f"--max-usd {math.ceil(estimate)}")
    return " ".join(words)
