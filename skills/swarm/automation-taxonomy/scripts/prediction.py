"""Predict which share of conversations can be automated, now and at each step of a roadmap, with an interval.

The share is the sum over (level, topic) of conversations times success rate, where the step's capabilities reach
that level. The interval is a percentile bootstrap over conversations; where a rate says over how many attempts it was
observed, the rate is drawn anew as well.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import Mapping, Sequence

from assumptions import Rate, Rates, Step
from envelope import USAGE, Failure
from resampling import draw_binomial, draw_multinomial

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95 % interval; shares of 0 to 1."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class StepPrediction:
    """The predicted automation rate at one step, and what the step adds to the one before."""

    step: Step
    rate: Interval
    lift: Interval


@dataclass(frozen=True)
class Group:
    """Conversations that share a success rate and the steps at which they are within reach."""

    key: tuple[str, str]
    rate: Rate
    reached: tuple[bool, ...]
    size: int


def predict(
    cells: Mapping[tuple[str, str], int], rates: Rates, steps: Sequence[Step], *, replicates: int, seed: int
) -> list[StepPrediction]:
    """Return the prediction per step.

    Args:
        cells: Conversations by (level, topic); at least one conversation.
        rates: Success rates.
        steps: Now, then the roadmap; each holds all capabilities so far.
        replicates: Bootstrap samples.
        seed: The same seed gives the same numbers.

    Raises:
        Failure: a level is within reach, but there is no rate for it (exit 2).
    """
    groups = group(cells, rates, steps)
    estimates = _shares([one.size for one in groups], [one.rate.share for one in groups], groups, len(steps))
    samples = _bootstrap(groups, len(steps), replicates, random.Random(seed))  # noqa: S311 - statistics, no secret
    return [
        StepPrediction(
            step,
            _interval(estimates[number], [sample[number] for sample in samples]),
            _interval(
                estimates[number] - estimates[max(number - 1, 0)],
                [sample[number] - sample[max(number - 1, 0)] for sample in samples],
            ),
        )
        for number, step in enumerate(steps)
    ]


def group(cells: Mapping[tuple[str, str], int], rates: Rates, steps: Sequence[Step]) -> list[Group]:
    """Return the conversations in as few groups as the rates and steps tell apart.

    Raises:
        Failure: a level is within reach, but there is no rate for it (exit 2).
    """
    sizes: Counter[tuple[tuple[str, str], tuple[bool, ...]]] = Counter()
    for (level, topic), size in cells.items():
        reached = tuple(step.reaches(level, topic) for step in steps)
        # What no step reaches needs no rate and is one group.
        sizes[rates.key(level, topic) if any(reached) else ("", ""), reached] += size
    return [
        Group(key, _rate_of(rates, key, any(reached)), reached, size) for (key, reached), size in sorted(sizes.items())
    ]


def _rate_of(rates: Rates, key: tuple[str, str], is_needed: bool) -> Rate:
    rate = rates.of(key)
    if rate is None and is_needed:
        message = f"There is no success rate for {key[1]}, which the capabilities bring within reach."
        raise Failure("missing_rate", message, fix=f"Add levels.{key[1]} to the rates file.", exit_code=USAGE)
    return rate or Rate(0.0)


def _bootstrap(groups: Sequence[Group], steps: int, replicates: int, source: random.Random) -> list[list[float]]:
    sizes = [one.size for one in groups]
    total = sum(sizes)
    # Groups may share a rate, as before and after a step that helps only some topics; then they share its luck too.
    observed = {one.key: one.rate for one in groups if one.rate.observed}
    samples = []
    for _ in range(replicates):
        drawn = {
            key: draw_binomial(source, rate.observed, rate.share) / rate.observed for key, rate in observed.items()
        }
        shares = [drawn.get(one.key, one.rate.share) for one in groups]
        samples.append(_shares(draw_multinomial(source, total, sizes), shares, groups, steps))
    return samples


def _shares(counts: Sequence[int], shares: Sequence[float], groups: Sequence[Group], steps: int) -> list[float]:
    total = sum(counts)
    values = [0.0] * steps
    for number, one in enumerate(groups):
        solved = counts[number] * shares[number] / total
        for step in range(steps):
            if one.reached[step]:
                values[step] += solved
    return values


def _interval(estimate: float, samples: list[float]) -> Interval:
    ordered = sorted(samples)
    tail = (1 - CONFIDENCE) / 2
    return Interval(estimate, _quantile(ordered, tail), _quantile(ordered, 1 - tail))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
