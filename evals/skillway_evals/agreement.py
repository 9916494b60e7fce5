"""How far do raters agree, beyond chance?

Cohen's kappa with linear weights for two raters, Krippendorff's ordinal alpha for any number with gaps, both with
intervals from resampling the rated texts. Scores are 0, 1 and 2, or fewer. Whether a judge may gate is
`calibration`'s question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SCORES = (0, 1, 2)
_DRAWS = 2000
Pairs = NDArray[np.int64]


def kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """Give Cohen's kappa with linear weights (Cohen 1968).

    Args:
        pairs: One pair of scores per rated text.

    Returns:
        1 for full agreement, 0 for what chance gives, below 0 for less. 1 where both raters gave one and the same score throughout.

    Raises:
        ValueError: There are no pairs.
    """
    if not pairs:
        raise ValueError("kappa needs at least one pair")
    return _kappa(np.asarray(pairs, dtype=np.int64))


def _kappa(pairs: Pairs) -> float:
    table = np.zeros((len(SCORES), len(SCORES)))
    np.add.at(table, (pairs[:, 0], pairs[:, 1]), 1)
    table /= table.sum()
    apart = np.abs(np.subtract.outer(np.arange(len(SCORES)), np.arange(len(SCORES))))
    expected = float((apart * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    return 1.0 - float((apart * table).sum()) / expected if expected else 1.0


def kappa_bound(pairs: Sequence[tuple[int, int]], *, confidence: float = 0.90, seed: int = 0) -> float:
    """Give a one-sided lower bound of kappa by resampling texts; the same seed gives the same bound.

    Raises:
        ValueError: There are no pairs.
    """
    if not pairs:
        raise ValueError("a bound needs at least one pair")
    values = np.asarray(pairs, dtype=np.int64)
    return _bound(lambda picks: _kappa(values[picks]), len(pairs), confidence, seed)


def _bound(measure: Callable[[Pairs], float], size: int, confidence: float, seed: int) -> float:
    draws = np.random.default_rng(seed)
    measured = [measure(draws.integers(0, size, size)) for _ in range(_DRAWS)]
    return float(np.quantile(measured, 1 - confidence))


def alpha(ratings: Sequence[Mapping[str, int]]) -> float | None:
    """Give Krippendorff's alpha for ordinal scores.

    Args:
        ratings: One mapping per text, from rater to score; a text with fewer than two raters says nothing.

    Returns:
        1 for full agreement, 0 for chance; None where no text has two raters.
    """
    units = [list(rating.values()) for rating in ratings if len(rating) > 1]
    if not units:
        return None
    coincidence = np.zeros((len(SCORES), len(SCORES)))
    for unit in units:
        for first, one in enumerate(unit):
            for second, other in enumerate(unit):
                if first != second:
                    coincidence[one, other] += 1 / (len(unit) - 1)
    totals = coincidence.sum(axis=1)
    apart = _ordinal_distance(totals)
    expected = float((apart * np.outer(totals, totals)).sum()) / max(totals.sum() - 1, 1)
    return 1.0 - float((apart * coincidence).sum()) / expected if expected else 1.0


def _ordinal_distance(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the squared ordinal distance of each pair of scores: how many ratings lie between them."""
    ahead = np.concatenate([[0.0], np.cumsum(totals)])
    apart = np.zeros((totals.size, totals.size))
    for one in range(totals.size):
        for other in range(one + 1, totals.size):
            between = ahead[other + 1] - ahead[one] - (totals[one] + totals[other]) / 2
            apart[one, other] = apart[other, one] = between**2
    return apart


def bias(pairs: Sequence[tuple[int, int]]) -> float:
    """Give how much higher the first rater scores than the second, on a scale from 0 to 1.

    Raises:
        ValueError: There are no pairs.
    """
    if not pairs:
        raise ValueError("a bias needs at least one pair")
    return sum(first - second for first, second in pairs) / (len(pairs) * max(SCORES))
