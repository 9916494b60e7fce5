"""The gate's error rates, measured: skills of known quality, a judge that errs, the gate itself.

The limits are the project's own promise: a null skill is promoted in at most 5 % of draws, a harmful one in at most 1 %, the
same input turns from pass to fail in at most 3 %, and a skill of the declared effect passes in at least 80 %. Seeds are
fixed, so that a red test is a change of the gate and not of luck.
"""

import numpy as np
import pytest

from skillway_evals.gate import decide
from skillway_evals.outcome import Outcome
from skillway_evals.simulation import Judge, Truth, draw, rates, simulated_suite

SUITE = simulated_suite(cases=12)
DRAWS = 300
GOOD_JUDGE = Judge(refuses_good=0.05, accepts_bad=0.05)
# The declared effect: cases that mostly fail without the skill, and nearly always pass with it.
DECLARED = Truth(without=0.40, with_it=0.97)


def outcomes(truth, *, suite=SUITE, judge=GOOD_JUDGE, count=DRAWS, seed=1, attempt=1):
    draws = np.random.default_rng(seed)
    return [decide(suite, draw(suite, truth, judge, draws, attempt=attempt)).outcome for _ in range(count)]


@pytest.mark.parametrize("level", [0.3, 0.6, 0.8, 0.9, 0.97])
def test_a_skill_that_adds_nothing_is_promoted_in_at_most_five_percent(level):
    assert rates(outcomes(Truth(level, level)))[Outcome.PASS] <= 0.05


@pytest.mark.parametrize(("without", "with_it"), [(0.97, 0.85), (0.9, 0.7), (0.8, 0.5), (0.5, 0.3)])
def test_a_harmful_skill_is_promoted_in_at_most_one_percent(without, with_it):
    assert rates(outcomes(Truth(without, with_it)))[Outcome.PASS] <= 0.01


def test_a_skill_of_the_declared_effect_passes_in_at_least_eighty_percent():
    shares = rates(outcomes(DECLARED))
    assert shares[Outcome.PASS] >= 0.80
    assert shares[Outcome.FAIL] <= 0.05


@pytest.mark.parametrize(
    "truth", [DECLARED, Truth(0.5, 0.5), Truth(0.97, 0.97), Truth(0.8, 0.5), Truth(0.3, 0.65), Truth(0.5, 0.99)]
)
def test_identical_input_hardly_ever_turns_from_pass_to_fail(truth):
    """Outside of the declared grey band (true pass rates between .70 and .95)."""
    first, second = outcomes(truth, seed=2), outcomes(truth, seed=3)
    flips = sum({one, other} == {Outcome.PASS, Outcome.FAIL} for one, other in zip(first, second, strict=True))
    assert flips / DRAWS <= 0.03


def test_a_judge_that_accepts_everything_does_not_promote_a_null_skill():
    judge = Judge(refuses_good=0.0, accepts_bad=0.9)
    assert rates(outcomes(Truth(0.5, 0.5), judge=judge))[Outcome.PASS] <= 0.05


def test_rerunning_until_it_passes_does_not_pay():
    truth = Truth(0.9, 0.9)
    draws = np.random.default_rng(5)
    promoted = sum(
        any(
            decide(SUITE, draw(SUITE, truth, Judge(), draws, attempt=attempt)).outcome is Outcome.PASS
            for attempt in range(1, 9)
        )
        for _ in range(120)
    )
    assert promoted / 120 <= 0.05


def test_a_description_that_misses_prompts_does_not_pass():
    truth = Truth(DECLARED.without, DECLARED.with_it, recall=0.5)
    assert rates(outcomes(truth, count=100))[Outcome.PASS] <= 0.05


def test_a_description_that_fires_too_often_does_not_pass():
    truth = Truth(DECLARED.without, DECLARED.with_it, false_trigger=0.5)
    assert rates(outcomes(truth, count=100))[Outcome.PASS] <= 0.05
