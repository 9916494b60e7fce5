"""What the gate says of single suites: each condition alone, and what is still needed."""

from dataclasses import replace

import numpy as np
import pytest

from skillway_evals.gate import decide
from skillway_evals.outcome import GraderResult, Outcome, TriggerResult
from skillway_evals.simulation import Judge, Truth, draw, simulated_suite
from skillway_evals.statistics import Floor, Verdict, attempt_alpha, cases_to_decide, holm, lower_bound, sign_test
from skillway_evals.suite import Arm, Claims, Criterion

PERFECT = Judge(0, 0)
SUITE = simulated_suite(cases=12)


@pytest.fixture
def result():
    truth = Truth(0.0, 1.0, spread=0, recall=1.0, false_trigger=0.0)
    return draw(SUITE, truth, PERFECT, np.random.default_rng(0))


def outcome_of(name, suite, result, **more):
    decision = decide(suite, result, **more)
    return {reason: outcome for reason, outcome, _ in decision.reasons}[name], decision.outcome


def test_a_perfect_skill_passes_every_condition(result):
    decision = decide(SUITE, result)
    assert decision.outcome is Outcome.PASS
    assert {outcome for _, outcome, _ in decision.reasons} == {Outcome.PASS}


def test_nothing_run_is_not_run_and_never_a_pass(result):
    empty = replace(result, runs=(), triggers=())
    assert outcome_of("complete", SUITE, empty) == (Outcome.NOT_RUN, Outcome.NOT_RUN)


def test_a_missing_run_is_not_run(result):
    assert outcome_of("complete", SUITE, replace(result, runs=result.runs[1:]))[0] is Outcome.NOT_RUN


def test_a_run_that_infrastructure_spoilt_makes_the_whole_invalid_and_not_failed(result):
    spoilt = replace(result.runs[-1], valid=False, reason="The API answered 529.", results=())
    decision = decide(SUITE, replace(result, runs=(*result.runs[:-1], spoilt)))
    assert decision.outcome is Outcome.INVALID
    assert "529" in decision.reasons[0][2]


def test_unsigned_verdicts_are_advisory(result):
    assert outcome_of("trusted", SUITE, replace(result, signed=False)) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)


def test_a_judge_that_is_not_admitted_decides_nothing(result):
    judged = replace(SUITE, cases=(replace(SUITE.cases[0], criteria=("order",)), *SUITE.cases[1:]))
    judged = replace(judged, rubric={"order": Criterion("order", "Is it in order?", {0: "no", 2: "yes"})})
    assert outcome_of("trusted", judged, result)[0] is Outcome.INCONCLUSIVE
    assert outcome_of("trusted", judged, replace(result, judge_admitted=True))[0] is Outcome.PASS


def test_one_failure_of_a_check_that_must_hold_fails(result):
    index = next(number for number, run in enumerate(result.runs) if run.arm is Arm.PLUGIN)
    broken = replace(result.runs[index], results=(GraderResult("check", passed=False, must=True),))
    changed = replace(result, runs=(*result.runs[:index], broken, *result.runs[index + 1 :]))
    assert outcome_of("must", SUITE, changed) == (Outcome.FAIL, Outcome.FAIL)


def test_an_undecided_check_is_never_a_pass(result):
    index = next(number for number, run in enumerate(result.runs) if run.arm is Arm.PLUGIN)
    open_run = replace(result.runs[index], results=(GraderResult("check", passed=None),))
    changed = replace(result, runs=(*result.runs[:index], open_run, *result.runs[index + 1 :]))
    assert outcome_of("floor", SUITE, changed)[0] is Outcome.INCONCLUSIVE


def test_drafts_do_not_count(result):
    drafts = replace(SUITE, cases=tuple(replace(case, draft=True) for case in SUITE.cases))
    assert outcome_of("floor", drafts, result)[0] is Outcome.NOT_RUN


def test_a_prompt_without_a_vote_counts_as_invalid(result):
    first = TriggerResult(result.triggers[0].trigger, True, (True, None, True))
    changed = replace(result, triggers=(first, *result.triggers[1:]))
    assert outcome_of("complete", SUITE, changed)[0] is Outcome.INVALID


def test_a_skill_without_a_claim_needs_a_sign_off(result):
    quiet = replace(SUITE, claims=Claims.NONE)
    assert outcome_of("value", quiet, result)[0] is Outcome.INCONCLUSIVE
    assert outcome_of("value", quiet, result, signed_off="@ada 2026-11-02")[0] is Outcome.PASS


def test_too_few_cases_say_how_many_more_would_decide():
    suite = simulated_suite(cases=6)
    result = draw(suite, Truth(0, 1, spread=0, recall=1, false_trigger=0), PERFECT, np.random.default_rng(0))
    decision = decide(suite, result)
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert decision.progress.startswith("2 more cases")


def test_the_floor_decides_at_the_first_border_and_ignores_what_comes_later():
    floor = Floor()
    assert floor.decide([(12, 0), (0, 12), (0, 12)]) is Verdict.ABOVE
    assert floor.decide([(4, 8), (12, 0), (12, 0)]) is Verdict.BELOW
    assert floor.decide([(10, 2)]) is Verdict.OPEN
    assert floor.decide([]) is Verdict.OPEN


def test_the_sign_test_is_exact():
    # 9 wins and 1 loss: (1 + 10) / 2 ** 10
    assert sign_test([1.0] * 9 + [-1.0] + [0.0] * 2).p == pytest.approx(11 / 1024)
    assert sign_test([0.0] * 5).p == 1.0
    assert sign_test([]).cases == 0


def test_all_attempts_together_stay_under_the_level():
    assert sum(attempt_alpha(attempt) for attempt in range(1, 200)) <= 0.05


def test_more_cases_are_promised_only_where_they_would_help():
    assert cases_to_decide(sign_test([1.0] * 4 + [0.0] * 4), 0.04, 0.2) == 2
    assert cases_to_decide(sign_test([1.0] * 4 + [-1.0] * 4), 0.04, 0.2) is None


def test_the_lower_bound_lies_under_the_mean_and_covers_it():
    draws = np.random.default_rng(7)
    covered = sum(lower_bound(list(draws.normal(0.1, 0.4, 40)), seed=seed) <= 0.1 for seed in range(200))
    assert 0.91 <= covered / 200 <= 0.985


def test_holm_steps_down():
    assert holm([0.001, 0.04, 0.03]) == [True, False, False]
    assert holm([0.01, 0.02, 0.04]) == [True, True, True]
