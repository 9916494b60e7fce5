"""Draw binomial and multinomial numbers from uniform ones, the same on every Python from 3.9 on.

Python has a binomial generator only from 3.12 on; drawing 100,000 conversations one by one is too slow.
"""

from __future__ import annotations

import math
import random
from typing import Sequence

_SMALL_MEAN = 10.0  # below it, counting up from zero is quick; above it the rejection's constants hold


def draw_binomial(source: random.Random, trials: int, share: float) -> int:
    """Return how many of `trials` succeed when each does with probability `share`; exact, not an approximation."""
    if trials <= 0 or share <= 0:
        return 0
    if share >= 1:
        return trials
    if share > 0.5:  # noqa: PLR2004 - both methods want the rarer outcome
        return trials - draw_binomial(source, trials, 1 - share)
    if trials * share < _SMALL_MEAN:
        return _count_up(source, trials, share)
    return _reject(source, trials, share)


def draw_multinomial(source: random.Random, trials: int, weights: Sequence[int]) -> list[int]:
    """Return how `trials` draws with replacement fall on groups of these sizes."""
    left, total = trials, sum(weights)
    drawn = []
    for weight in weights:
        count = draw_binomial(source, left, weight / total) if total > weight else left
        drawn.append(count)
        left -= count
        total -= weight
    return drawn


def _count_up(source: random.Random, trials: int, share: float) -> int:
    """Invert the distribution function from zero on."""
    odds = share / (1 - share)
    probability = (1 - share) ** trials
    rest = source.random()
    successes = 0
    while rest > probability and successes < trials:
        rest -= probability
        successes += 1
        probability *= odds * (trials - successes + 1) / successes
    return successes


def _reject(source: random.Random, trials: int, share: float) -> int:
    """Transformed rejection with a squeeze: W. Hoermann, "The generation of binomial random variates", 1993 (BTRS)."""
    spread = math.sqrt(trials * share * (1 - share))
    width = 1.15 + 2.53 * spread
    slope = -0.0873 + 0.0248 * width + 0.01 * share
    squeeze = 0.92 - 4.2 / width
    scale = (2.83 + 5.1 / width) * spread
    log_odds = math.log(share / (1 - share))
    mode = int((trials + 1) * share)
    at_mode = math.lgamma(mode + 1) + math.lgamma(trials - mode + 1)
    while True:
        place, height = source.random() - 0.5, source.random()
        edge = 0.5 - abs(place)
        if edge <= 0 or height <= 0:
            continue
        count = math.floor((2 * slope / edge + width) * place + trials * share + 0.5)
        if not 0 <= count <= trials:
            continue
        if edge >= 0.07 and height <= squeeze:  # noqa: PLR2004 - the method's own constant
            return count
        bound = at_mode - math.lgamma(count + 1) - math.lgamma(trials - count + 1) + (count - mode) * log_odds
        if math.log(height * scale / (slope / (edge * edge) + width)) <= bound:
            return count
