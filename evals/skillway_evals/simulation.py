"""Which error rates does the gate have, when the truth is known and the judge is not perfect?

Draws whole suites from skills whose quality is set, sees them through a judge that errs as often as it is told to,
and asks the gate itself. Nothing here is ever shown as a skill's quality.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skillway_evals.outcome import GraderResult, Outcome, Provenance, RunResult, SuiteResult, TriggerResult
from skillway_evals.suite import Arm, Case, Grader, Suite, Trigger


@dataclass(frozen=True, slots=True)
class Truth:
    """A skill whose quality is known.

    Attributes:
        without: Mean pass probability of a case without the skill.
        with_it: Mean pass probability of a case with it.
        spread: How far cases differ: the standard deviation of a case's probability (Beta), 0 for none.
        recall: Probability that it loads for one prompt that should load it.
        false_trigger: Probability that it loads for one prompt that should not.
    """

    without: float
    with_it: float
    spread: float = 0.1
    recall: float = 0.97
    false_trigger: float = 0.02


@dataclass(frozen=True, slots=True)
class Judge:
    """How often a verdict is wrong: a good answer refused, a bad one accepted."""

    refuses_good: float = 0.05
    accepts_bad: float = 0.05


def simulated_suite(cases: int = 12, triggers: int = 10, repeats: int = 5) -> Suite:
    """Give a suite of that many cases and of that many triggers on each side."""
    check = (Grader("check", "regex", {"pattern": "x"}),)
    return Suite(
        folder=Path("simulated"),
        skill="simulated:skill",
        cases=tuple(Case(f"case-{number}", "", check) for number in range(cases)),
        triggers=tuple(
            Trigger(f"{should}-{number}", "", should) for should in (True, False) for number in range(triggers)
        ),
        arms=(Arm.NONE, Arm.PLUGIN),
        repeats=repeats,
    )


def draw(suite: Suite, truth: Truth, judge: Judge, draws: np.random.Generator, *, attempt: int = 1) -> SuiteResult:
    """Draw what a run of the suite would give, once."""
    runs = [
        run
        for arm, mean in ((Arm.NONE, truth.without), (Arm.PLUGIN, truth.with_it))
        for case, chance in zip(suite.cases, _chances(mean, truth.spread, len(suite.cases), draws), strict=True)
        for run in _runs(case.id, arm, chance, suite.repeats, judge, draws)
    ]
    fired = {True: truth.recall, False: truth.false_trigger}
    triggers = [
        TriggerResult(trigger.id, trigger.should, tuple(bool(one) for one in draws.random(3) < fired[trigger.should]))
        for trigger in suite.triggers
    ]
    return SuiteResult(
        skill=suite.skill,
        skill_digest="",
        suite_digest="",
        model="simulated",
        runs=tuple(runs),
        triggers=tuple(triggers),
        expected_runs=len(runs),
        expected_triggers=3 * len(triggers),
        signed=True,
        attempts={"simulated": attempt},
    )


def _chances(mean: float, spread: float, count: int, draws: np.random.Generator) -> list[float]:
    room = mean * (1 - mean)
    if spread <= 0 or spread**2 >= room:
        return [mean] * count
    size = room / spread**2 - 1
    return [float(chance) for chance in draws.beta(mean * size, (1 - mean) * size, count)]


def _runs(
    case: str, arm: Arm, chance: float, repeats: int, judge: Judge, draws: np.random.Generator
) -> list[RunResult]:
    good = draws.random(repeats) < chance
    seen = np.where(good, draws.random(repeats) >= judge.refuses_good, draws.random(repeats) < judge.accepts_bad)
    return [
        RunResult(case, arm, number, True, (GraderResult("check", bool(passed)),), provenance=Provenance.FAKE)
        for number, passed in enumerate(seen)
    ]


def rates(outcomes: list[Outcome]) -> dict[Outcome, float]:
    """Give the share of each outcome."""
    return {outcome: outcomes.count(outcome) / len(outcomes) for outcome in Outcome}
