"""When did the level of a series change, if it did?

The largest contrast between any stretch of weeks and the rest, held against chance twice: residuals are given random
signs by author (a wild cluster bootstrap), so that somebody who writes much, or only in one month, is not taken for
a change, and by week, so that a few odd weeks are not. The larger p counts. What is found splits the series, and each
part is looked at again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from skillway.pulls.observations import Floats, Ints, Series

LEAST_WEEKS = 3
"""A shorter stretch is an incident, not a level."""
LEAST_COUNT = 8
"""Pull requests that a stretch and the rest must have."""
DRAWS = 999
_EQUAL = 1e-12
_MOST_WEEKS = 520
"""Ten years; a longer series is looked at by its last ten."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level.

    Attributes:
        monday: The first day of the first week of the new level.
        before: Mean of the stretch before it.
        after: Mean of the stretch from it on, up to the next change.
        p: The probability of a contrast as large if nothing had changed, from the bootstrap; at least 1 / (DRAWS + 1).
    """

    monday: date
    before: float
    after: float
    p: float


def find_changes(series: Series, *, alpha: float = 0.05, seed: int = 0) -> list[Change]:
    """Find every change of level, in the order of time.

    Args:
        series: All observations.
        alpha: The share of unchanged series in which anything at all is found.
        seed: Of the bootstrap; the same seed gives the same answer.
    """
    first = max(0, series.weeks - _MOST_WEEKS)
    found = sorted(_split(series, first, series.weeks, alpha, np.random.default_rng(seed)))
    borders = [first, *(week for week, _ in found), series.weeks]
    means = [_mean(series, start, end) for start, end in itertools.pairwise(borders)]
    return [
        Change(series.monday(week), round(means[index], 4), round(means[index + 1], 4), p)
        for index, (week, p) in enumerate(found)
    ]


def _mean(series: Series, start: int, end: int) -> float:
    inside = (series.week >= start) & (series.week < end)
    return float(series.value[inside].mean()) if inside.any() else float("nan")


def _split(
    series: Series, start: int, end: int, alpha: float, draws: np.random.Generator
) -> Iterator[tuple[int, float]]:
    """Give the first weeks of new levels between two weeks, with their p."""
    if end - start < 2 * LEAST_WEEKS:
        return
    stretch = _largest(series, start, end, draws)
    if stretch is None or stretch[2] > alpha:
        return
    left, right, p = stretch
    borders = [week for week in (left, right) if start < week < end]
    yield from ((week, p) for week in borders)
    edges = [start, *borders, end]
    for part_start, part_end in itertools.pairwise(edges):
        yield from _split(series, part_start, part_end, alpha, draws)


def _largest(series: Series, start: int, end: int, draws: np.random.Generator) -> tuple[int, int, float] | None:
    """Give the stretch of the largest contrast and its p, or None where there is too little to say anything."""
    inside = (series.week >= start) & (series.week < end)
    if int(inside.sum()) < 2 * LEAST_COUNT:
        return None
    week, weeks = series.week[inside] - start, end - start
    authors, author = np.unique(series.author[inside], return_inverse=True)
    residual = _without_authors(series.value[inside] - series.value[inside].mean(), author, authors.size)
    counts = np.bincount(week, minlength=weeks).astype(np.float64)
    sums = np.zeros((authors.size, weeks))
    np.add.at(sums, (author, week), residual)
    seen = sums.sum(axis=0)
    by_author = _signs(draws, authors.size) @ sums
    by_week = _signs(draws, weeks) * seen
    best, where = _contrasts(np.vstack([seen, by_author, by_week]), counts)
    if where is None:
        return None
    beaten = best[1:] >= best[0] - _EQUAL
    p = max(1 + int(beaten[:DRAWS].sum()), 1 + int(beaten[DRAWS:].sum())) / (DRAWS + 1)
    return start + where[0], start + where[1], p


def _signs(draws: np.random.Generator, count: int) -> Floats:
    return draws.choice(np.array([-1.0, 1.0]), size=(DRAWS, count))


def _without_authors(residual: Floats, author: Ints, count: int) -> Floats:
    """Take each author's own level off, shrunk by how much of it is chance (a random intercept, by moments).

    Who writes in a week is the largest noise of a series. An author with few pull requests keeps nearly all of a
    residual, so a change of everybody's level stays.
    """
    sizes = np.bincount(author, minlength=count).astype(np.float64)
    means = np.bincount(author, weights=residual, minlength=count) / sizes
    inner = float(((residual - means[author]) ** 2).sum()) / max(1.0, residual.size - count)
    between = max(0.0, float(means.var()) - inner * float((1 / sizes).mean()))
    if not between:
        return residual
    shrunk = means * between / (between + inner / sizes)
    adjusted: Floats = residual - shrunk[author]
    adjusted -= adjusted.mean()
    return adjusted


def _contrasts(rows: Floats, counts: Floats) -> tuple[Floats, tuple[int, int] | None]:
    """Give each row's largest contrast over all stretches of weeks, and where the first row's is.

    Args:
        rows: Sums of residuals, one row per draw and one column per week; the first row is what was seen.
        counts: Observations per week.
    """
    weeks, total = counts.size, counts.sum()
    ahead = np.concatenate([[0.0], np.cumsum(counts)])
    sums = np.concatenate([np.zeros((rows.shape[0], 1)), np.cumsum(rows, axis=1)], axis=1)
    best, where = np.zeros(rows.shape[0]), None
    for left in range(weeks - LEAST_WEEKS + 1):
        right = np.arange(left + LEAST_WEEKS, weeks + 1)
        inside = ahead[right] - ahead[left]
        outside = total - inside
        # A stretch that leaves a few weeks at an end leaves no level there either.
        fits = (inside >= LEAST_COUNT) & (outside >= LEAST_COUNT) & ((right == weeks) | (right <= weeks - LEAST_WEEKS))
        fits &= (left == 0) | (left >= LEAST_WEEKS)
        if not fits.any():
            continue
        inside, right = inside[fits], right[fits]
        part = sums[:, right] - sums[:, [left]] - np.outer(sums[:, -1], inside / total)
        contrast = np.abs(part) / np.sqrt(inside * (total - inside) / total)
        top = contrast.max(axis=1)
        if top[0] > best[0]:
            where = (left, int(right[int(contrast[0].argmax())]))
        best = np.maximum(best, top)
    return best, where
