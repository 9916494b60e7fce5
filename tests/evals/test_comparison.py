"""Whether a cheaper model may take over: error rates by simulation, and each reason for another answer."""

from dataclasses import replace

import numpy as np
import pytest

from skillway_evals.comparison import compare
from skillway_evals.outcome import GraderResult, Outcome, Usage
from skillway_evals.simulation import Judge, Truth, draw, simulated_suite
from skillway_evals.suite import Arm

JUDGE = Judge(0.05, 0.05)


def pool(level, seed, suites=8, cases=12, repeats=3):
    """Eight skills of twelve cases: the case probabilities are drawn anew with each seed's first half shared."""
    made = []
    for number in range(suites):
        suite = simulated_suite(cases=cases, repeats=repeats)
        result = draw(suite, Truth(0.5, level, spread=0.0), JUDGE, np.random.default_rng(1000 * seed + number))
        made.append(replace(result, skill=f"team:skill-{number}", model=f"model-{level}"))
    return made


def outcomes(old, new, count=60):
    return [compare(pool(old, 2 * seed), pool(new, 2 * seed + 1)).outcome for seed in range(count)]


def test_a_model_that_is_the_same_is_mostly_accepted_and_never_refused():
    found = outcomes(0.9, 0.9)
    assert found.count(Outcome.PASS) / len(found) >= 0.8
    assert found.count(Outcome.FAIL) / len(found) <= 0.02


def test_a_model_that_is_ten_points_worse_is_rarely_accepted():
    found = outcomes(0.9, 0.8)
    assert found.count(Outcome.PASS) / len(found) <= 0.1


def test_a_model_that_is_much_worse_is_refused():
    found = outcomes(0.9, 0.6, count=20)
    assert set(found) == {Outcome.FAIL}


def test_a_newly_broken_check_that_must_hold_refuses_the_candidate():
    old, new = pool(0.95, 1), pool(0.95, 2)
    runs = list(new[0].runs)
    for index in [number for number, run in enumerate(runs) if run.arm is Arm.PLUGIN][:2]:
        runs[index] = replace(runs[index], results=(GraderResult("check", passed=False, must=True),))
    found = compare(old, [replace(new[0], runs=tuple(runs)), *new[1:]])
    assert found.outcome is Outcome.FAIL
    assert found.broken == ("team:skill-0/case-0",)


def test_one_skill_that_falls_is_a_suspect_though_the_pool_holds():
    old, new = pool(0.95, 1), pool(0.95, 2)
    new[3] = replace(pool(0.1, 3, suites=1)[0], skill="team:skill-3")
    assert compare(old, new).suspects == ("team:skill-3",)


def test_few_cases_decide_nothing():
    assert compare(pool(0.9, 1, suites=2), pool(0.9, 2, suites=2)).outcome is Outcome.INCONCLUSIVE


def test_few_repeats_decide_nothing():
    assert compare(pool(0.9, 1, repeats=2), pool(0.9, 2, repeats=2)).outcome is Outcome.INCONCLUSIVE


def test_a_spoilt_run_is_invalid_and_no_failure():
    old, new = pool(0.9, 1), pool(0.9, 2)
    spoilt = replace(new[0].runs[0], valid=False)
    found = compare(old, [replace(new[0], runs=(spoilt, *new[0].runs[1:])), *new[1:]])
    assert found.outcome is Outcome.INVALID


def test_cost_is_told_per_passed_case_and_not_at_all_without_a_price():
    old, new = pool(0.9, 1), pool(0.9, 2)
    priced = [
        replace(result, runs=tuple(replace(run, usage=Usage(cost_usd=0.01)) for run in result.runs)) for result in old
    ]
    found = compare(priced, [replace(result, model="other") for result in new])
    assert found.cost["model-0.9"] == pytest.approx(0.01 / 0.86, rel=0.1)
    assert found.cost["other"] is None


def test_suites_that_differ_are_not_compared():
    old = pool(0.9, 1)
    with pytest.raises(ValueError, match="differs"):
        compare(old, [replace(old[0], suite_digest="other"), *old[1:]])
    with pytest.raises(ValueError, match="only one side"):
        compare(old, old[1:])
