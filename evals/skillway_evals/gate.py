"""May this skill be promoted, by what its suite showed?

A conjunction from cheap to dear, each condition with its own outcome and figures: everything ran, triggers, checks
that must hold, the floor, added value. Inconclusive does not promote, invalid is never a failure of the skill, and
what was not run is never a pass. Reach, owner and cost belong to `promotion`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from skillway_evals.outcome import Decision, Outcome, RunResult, SuiteResult
from skillway_evals.statistics import Floor, SignTest, Verdict, attempt_alpha, cases_to_decide, sign_test
from skillway_evals.suite import Arm, Claims, Suite

Reason = tuple[str, Outcome, str]


@dataclass(frozen=True, slots=True)
class GateRules:
    """The thresholds, versioned with the repository (`promotion.yaml`).

    Attributes:
        floor: The sequential test of the pass rate with the whole plugin.
        least_cases: Fewer cannot prove added value but by luck.
        least_net: Wins less losses, as a share of cases; below it a proven value is not worth a place.
        least_triggers: Prompts on each side.
        least_recall: Share of prompts that should load the skill, and do in most repeats.
        most_false: Share of prompts that should not, and do in most repeats.
        most_invalid: Share of runs that infrastructure may spoil before the whole is invalid.
    """

    floor: Floor = field(default_factory=Floor)
    least_cases: int = 8
    least_net: float = 0.20
    least_triggers: int = 8
    least_recall: float = 0.90
    most_false: float = 0.10
    most_invalid: float = 0.0


def decide(suite: Suite, result: SuiteResult, rules: GateRules | None = None, *, signed_off: str = "") -> Decision:
    """Decide whether a skill's evidence passes the gate.

    Args:
        suite: What was asked; drafts in it never count.
        result: What came out, graded.
        rules: The thresholds; the defaults where None.
        signed_off: Who signed off a skill that claims no value, with the date; empty when nobody did.
    """
    rules = rules or GateRules()
    reasons = [
        _completeness(result, rules),
        _trust(suite, result),
        _triggers(suite, result, rules),
        _must(suite, result),
        _floor(suite, result, rules),
        _value(suite, result, rules, signed_off),
    ]
    return Decision(worst([outcome for _, outcome, _ in reasons]), tuple(reasons), _progress(suite, result, rules))


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Join outcomes: one failure fails; nothing passes unless all do."""
    for outcome in (Outcome.FAIL, Outcome.INVALID, Outcome.NOT_RUN, Outcome.INCONCLUSIVE):
        if outcome in outcomes:
            return outcome
    return Outcome.PASS if outcomes else Outcome.NOT_RUN


def _completeness(result: SuiteResult, rules: GateRules) -> Reason:
    runs, prompts = len(result.runs), sum(len(trigger.fired) for trigger in result.triggers)
    missing = result.expected_runs - runs + result.expected_triggers - prompts
    if result.expected_runs + result.expected_triggers == 0 or runs + prompts == 0:
        return "complete", Outcome.NOT_RUN, "Nothing was run."
    if missing > 0:
        return (
            "complete",
            Outcome.NOT_RUN,
            f"{missing} of {result.expected_runs + result.expected_triggers} runs are missing.",
        )
    invalid = [run for run in result.runs if not run.valid]
    votes = [fired for trigger in result.triggers for fired in trigger.fired]
    broken = len(invalid) + votes.count(None)
    if broken > rules.most_invalid * (runs + prompts):
        why = f", such as: {invalid[0].reason}" if invalid and invalid[0].reason else ""
        return (
            "complete",
            Outcome.INVALID,
            f"{broken} of {runs + prompts} runs failed for reasons outside of the skill{why}.",
        )
    return "complete", Outcome.PASS, f"All {runs} runs and {prompts} trigger prompts are there."


def _trust(suite: Suite, result: SuiteResult) -> Reason:
    if not result.signed:
        return (
            "trusted",
            Outcome.INCONCLUSIVE,
            "The verdicts are not signed by the protected workflow, so they are advisory.",
        )
    if suite.needs_judge and not result.judge_admitted:
        judge = result.judge or "no judge"
        return "trusted", Outcome.INCONCLUSIVE, f"The judge ({judge}) is not admitted, so its scores are advisory."
    return (
        "trusted",
        Outcome.PASS,
        "The verdicts are signed" + (", and the judge is admitted." if suite.needs_judge else "."),
    )


def _triggers(suite: Suite, result: SuiteResult, rules: GateRules) -> Reason:
    drafts = {trigger.id for trigger in suite.triggers if trigger.draft}
    counted = [trigger for trigger in result.triggers if trigger.trigger not in drafts]
    sides = {should: [trigger for trigger in counted if trigger.should is should] for should in (True, False)}
    if not counted:
        return "triggers", Outcome.NOT_RUN, "No trigger prompt was run."
    if min(map(len, sides.values())) < rules.least_triggers:
        text = f"{len(sides[True])} prompts that should load it and {len(sides[False])} that should not; {rules.least_triggers} of each are needed."
        return "triggers", Outcome.INCONCLUSIVE, text
    loaded = {should: sum(_mostly(one.fired) for one in side) / len(side) for should, side in sides.items()}
    text = f"Loaded for {loaded[True]:.0%} of the prompts that should (at least {rules.least_recall:.0%}) and {loaded[False]:.0%} of those that should not (at most {rules.most_false:.0%})."
    good = loaded[True] >= rules.least_recall and loaded[False] <= rules.most_false
    return "triggers", Outcome.PASS if good else Outcome.FAIL, text


def _mostly(fired: Sequence[bool | None]) -> bool:
    return 2 * sum(one is True for one in fired) > len(fired)


def _arm(suite: Suite, result: SuiteResult, arm: Arm) -> dict[str, list[RunResult]]:
    """Give the valid runs of an arm by case, in the order of repeats; drafts are left out."""
    drafts = {case.id for case in suite.cases if case.draft}
    runs: dict[str, list[RunResult]] = defaultdict(list)
    for run in sorted(result.runs, key=lambda run: run.repeat):
        if run.arm is arm and run.valid and run.case not in drafts:
            runs[run.case].append(run)
    return dict(runs)


def _must(suite: Suite, result: SuiteResult) -> Reason:
    runs = _arm(suite, result, Arm.PLUGIN)
    asked = any(grader.must for case in suite.cases for grader in case.graders)
    if not runs:
        return "must", Outcome.NOT_RUN, "No case was run with the plugin."
    failed = sorted({run.case for held in runs.values() for run in held if run.must_failed})
    if failed:
        return "must", Outcome.FAIL, f"A check that must hold failed in {len(failed)} cases, such as {failed[0]!r}."
    return (
        "must",
        Outcome.PASS,
        "Every check that must hold did, in every repeat." if asked else "No check is marked as must.",
    )


def _floor(suite: Suite, result: SuiteResult, rules: GateRules) -> Reason:
    runs = _arm(suite, result, Arm.PLUGIN)
    votes = [run.passed for held in runs.values() for run in held]
    if not runs:
        return "floor", Outcome.NOT_RUN, "No case was run with the plugin."
    if any(vote is None for vote in votes):
        return (
            "floor",
            Outcome.INCONCLUSIVE,
            f"{votes.count(None)} of {len(votes)} runs have a check that nobody could decide.",
        )
    verdict = rules.floor.decide(_rounds(runs))
    text = f"{sum(map(bool, votes))} of {len(votes)} runs of {len(runs)} cases passed; the floor is {rules.floor.low:.0%}, and {rules.floor.high:.0%} is sure to pass."
    return (
        "floor",
        {Verdict.ABOVE: Outcome.PASS, Verdict.BELOW: Outcome.FAIL, Verdict.OPEN: Outcome.INCONCLUSIVE}[verdict],
        text,
    )


def _rounds(runs: dict[str, list[RunResult]]) -> list[tuple[int, int]]:
    most = max((len(held) for held in runs.values()), default=0)
    votes = [[held[number].passed for held in runs.values() if number < len(held)] for number in range(most)]
    return [(sum(vote is True for vote in one), sum(vote is False for vote in one)) for one in votes]


def value_test(suite: Suite, result: SuiteResult) -> SignTest:
    """Compare the whole plugin with nothing, case by case; only cases that ran in both arms count."""
    with_it, without = _arm(suite, result, Arm.PLUGIN), _arm(suite, result, Arm.NONE)
    return sign_test([_mean(with_it[case]) - _mean(without[case]) for case in with_it if case in without])


def _mean(runs: Sequence[RunResult]) -> float:
    """Give the share of checks that held over a case's runs; direction is all that the sign test reads of it."""
    results = [check.passed for run in runs for check in run.results if check.passed is not None]
    return sum(results) / len(results) if results else 0.0


def _value(suite: Suite, result: SuiteResult, rules: GateRules, signed_off: str) -> Reason:
    if suite.claims is Claims.NONE:
        if signed_off:
            return "value", Outcome.PASS, f"No value is claimed; signed off by {signed_off}."
        return "value", Outcome.INCONCLUSIVE, "No value is claimed, and the owner has not signed it off."
    test = value_test(suite, result)
    if not test.cases:
        return "value", Outcome.NOT_RUN, "No case ran both with and without the skill."
    if test.cases < rules.least_cases:
        return "value", Outcome.INCONCLUSIVE, f"{test.cases} cases; at least {rules.least_cases} are needed."
    alpha = attempt_alpha(max(result.attempts.values(), default=1))
    text = f"{test.wins} cases better, {test.ties} the same, {test.losses} worse (p {test.p:.3f}, at most {alpha:.3f}; net {test.net:+.0%}, at least {rules.least_net:+.0%})."
    if test.p <= alpha and test.net >= rules.least_net:
        return "value", Outcome.PASS, text
    harmful = sign_test([-1.0] * test.wins + [1.0] * test.losses + [0.0] * test.ties)
    return "value", Outcome.FAIL if harmful.p <= FAIL_ALPHA else Outcome.INCONCLUSIVE, text


FAIL_ALPHA = 0.05
"""A skill that makes answers worse at this level fails; one that shows no difference is inconclusive."""


def _progress(suite: Suite, result: SuiteResult, rules: GateRules) -> str:
    """Say what would decide, in cases; dollars are added where costs are known."""
    test = value_test(suite, result)
    if suite.claims is Claims.NONE or not test.cases:
        return ""
    alpha = attempt_alpha(max(result.attempts.values(), default=1))
    more = max(0, rules.least_cases - test.cases) or (
        cases_to_decide(test, alpha, rules.least_net) if test.p > alpha else 0
    )
    if more is None:
        return "More cases like these would not show added value."
    if not more:
        return ""
    cost = _cost_per_case(result)
    dollars = f" and about ${math.ceil(cost * more)}" if cost else ""
    return f"{more} more cases{dollars} would decide, if they come out like these."


def _cost_per_case(result: SuiteResult) -> float:
    costs = [run.usage.cost_usd for run in result.runs if run.usage.cost_usd is not None]
    cases = {run.case for run in result.runs}
    return sum(costs) / len(cases) if cases else 0.0
