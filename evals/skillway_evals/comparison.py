"""May another model take over, by the pooled suites?

Paired by case: the candidate is accepted when it is not worse by more than the margin, with confidence, and breaks
no check that must hold. One suite is too small to decide alone, so the pool decides and single skills are only
suspects, named with a correction for looking at many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skillway_evals.outcome import Outcome, RunResult, SuiteResult
from skillway_evals.statistics import holm, lower_bound, sign_test
from skillway_evals.suite import Arm

LEAST_CASES = 40
"""With fewer the bound is so wide that nothing but a gain could be accepted."""


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse is still the same.

    Attributes:
        mean: Of the mean pass rate, as a share. 0.10 less the tenth by which a judge that errs in 5 % shrinks a true drop.
        confidence: Of the bound.
        least_repeats: Runs of a case and model.
    """

    mean: float = 0.09
    confidence: float = 0.95
    least_repeats: int = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of two models says.

    Attributes:
        outcome: Pass accepts the candidate, fail refuses it.
        reasons: A sentence each.
        cases: Paired cases in the pool.
        difference: Mean of candidate less baseline, as a share.
        bound: Its one-sided lower bound, or None without enough cases.
        broken: Cases (`plugin:skill/case`) in which a check that must hold failed twice or more with the candidate and never before.
        suspects: Skills that look worse with the candidate, after correction.
        cost: Dollars per passed case by model, or None where a price is missing.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    cases: int
    difference: float
    bound: float | None
    broken: tuple[str, ...]
    suspects: tuple[str, ...]
    cost: Mapping[str, float | None]


def compare(
    baseline: Sequence[SuiteResult], candidate: Sequence[SuiteResult], margins: Margins | None = None
) -> Comparison:
    """Compare two models over the same suites.

    Args:
        baseline: One result per suite, with the model in use.
        candidate: One result per suite, with the other.
        margins: How much worse is still the same.

    Raises:
        ValueError: A suite stands on one side only, or its digest differs between the sides.
    """
    margins = margins or Margins()
    pairs = _pairs(baseline, candidate)
    differences = {skill: _differences(old, new) for skill, (old, new) in pairs.items()}
    pool = [difference for cases in differences.values() for difference in cases.values()]
    broken = tuple(sorted(f"{skill}/{case}" for skill, (old, new) in pairs.items() for case in _broken(old, new)))
    mean = sum(pool) / len(pool) if pool else 0.0
    bound = lower_bound(pool, confidence=margins.confidence) if len(pool) > 1 else None
    outcome, reasons = _outcome(pairs, pool, bound, broken, margins)
    return Comparison(
        outcome=outcome,
        reasons=reasons,
        cases=len(pool),
        difference=round(mean, 4),
        bound=None if bound is None else round(bound, 4),
        broken=broken,
        suspects=_suspects(differences),
        cost={result.model: _cost(side) for side in (baseline, candidate) for result in side[:1]},
    )


def _pairs(
    baseline: Sequence[SuiteResult], candidate: Sequence[SuiteResult]
) -> dict[str, tuple[SuiteResult, SuiteResult]]:
    old, new = ({result.skill: result for result in side} for side in (baseline, candidate))
    if set(old) != set(new):
        raise ValueError(f"only one side has {sorted(set(old) ^ set(new))}")
    for skill, result in old.items():
        if (result.suite_digest, result.skill_digest) != (new[skill].suite_digest, new[skill].skill_digest):
            raise ValueError(f"{skill} or its suite differs between the two models")
    return {skill: (old[skill], new[skill]) for skill in sorted(old)}


def _by_case(result: SuiteResult) -> dict[str, list[RunResult]]:
    runs: dict[str, list[RunResult]] = defaultdict(list)
    for run in result.runs:
        if run.arm is Arm.PLUGIN and run.valid and run.passed is not None:
            runs[run.case].append(run)
    return dict(runs)


def _rate(runs: Sequence[RunResult]) -> float:
    return sum(run.passed is True for run in runs) / len(runs)


def _differences(old: SuiteResult, new: SuiteResult) -> dict[str, float]:
    before, after = _by_case(old), _by_case(new)
    return {case: _rate(after[case]) - _rate(before[case]) for case in sorted(before) if case in after}


def _broken(old: SuiteResult, new: SuiteResult) -> list[str]:
    """Give the cases in which a check that must hold is newly broken, seen twice: once may be the model's mood."""
    before, after = _by_case(old), _by_case(new)
    failed = {case: sum(run.must_failed for run in runs) for case, runs in after.items()}
    return [
        case for case, count in failed.items() if count > 1 and not any(run.must_failed for run in before.get(case, ()))
    ]


def _outcome(
    pairs: Mapping[str, tuple[SuiteResult, SuiteResult]],
    pool: Sequence[float],
    bound: float | None,
    broken: Sequence[str],
    margins: Margins,
) -> tuple[Outcome, tuple[str, ...]]:
    if not pool:
        return Outcome.NOT_RUN, ("No case ran with both models.",)
    invalid = sum(not run.valid for pair in pairs.values() for result in pair for run in result.runs)
    if invalid:
        return Outcome.INVALID, (f"{invalid} runs failed for reasons outside of the models.",)
    if broken:
        return Outcome.FAIL, (f"{len(broken)} cases newly break a check that must hold, such as {broken[0]}.",)
    fewest = min(len(runs) for pair in pairs.values() for result in pair for runs in _by_case(result).values())
    if fewest < margins.least_repeats:
        return Outcome.INCONCLUSIVE, (f"Some cases ran {fewest} times; {margins.least_repeats} are needed.",)
    if len(pool) < LEAST_CASES or bound is None:
        return Outcome.INCONCLUSIVE, (f"{len(pool)} cases in the pool; {LEAST_CASES} are needed.",)
    if bound > -margins.mean:
        return Outcome.PASS, (f"At most {-min(bound, 0.0):.1%} worse, at {margins.confidence:.0%} confidence.",)
    upper = -lower_bound([-difference for difference in pool], confidence=margins.confidence)
    if upper < 0 and sum(pool) / len(pool) <= -margins.mean:
        return Outcome.FAIL, (f"Worse by {-sum(pool) / len(pool):.1%}, and surely worse (at least {-upper:.1%}).",)
    return Outcome.INCONCLUSIVE, (f"It could be {-bound:.1%} worse; at most {margins.mean:.0%} would be accepted.",)


def _suspects(differences: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    skills = sorted(differences)
    worse = [sign_test([-difference for difference in differences[skill].values()]) for skill in skills]
    held = holm([test.p for test in worse])
    return tuple(skill for skill, is_worse in zip(skills, held, strict=True) if is_worse)


def _cost(results: Sequence[SuiteResult]) -> float | None:
    """Give dollars per passed case: what a cheaper model costs when it needs more tries."""
    runs = [run for result in results for run in result.runs if run.arm is Arm.PLUGIN]
    costs = [run.usage.cost_usd for run in runs]
    passed = sum(run.passed is True for run in runs)
    if not passed or any(cost is None for cost in costs):
        return None
    return round(sum(cost for cost in costs if cost is not None) / passed, 6)
