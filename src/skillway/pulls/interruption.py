"""Did the series break at this date?

A segmented regression of an interrupted series: level and slope before, and what both change by at the date, with
errors clustered by author. It says that something changed then, not what changed it: whatever else began on that day
is in the answer too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import stats

from skillway.pulls.observations import Floats, Series

LEAST_SIDE = 20
"""Pull requests on each side of the date."""
LEAST_AUTHORS = 5
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval and the p of its being zero."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Interruption:
    """What changed at a date.

    Attributes:
        day: The date.
        before: Pull requests before it.
        after: Pull requests from it on.
        level: The jump at the date.
        slope: The change of the slope, per week.
        level_beside_length: The jump that is left when the length of descriptions is held equal.
        remark: Why there is no estimate, or what to mind; empty else.
    """

    day: date
    before: int
    after: int
    level: Estimate | None = None
    slope: Estimate | None = None
    level_beside_length: Estimate | None = None
    remark: str = ""


def look_at(series: Series, day: date) -> Interruption:
    """Look at one date; a date with too little on a side gives a remark and no number."""
    turn = series.week_of(day)
    is_after = series.week >= turn
    before, after = int((~is_after).sum()), int(is_after.sum())
    if min(before, after) < LEAST_SIDE:
        remark = f"{before} pull requests before and {after} after; {LEAST_SIDE} are needed on each side."
        return Interruption(day, before, after, remark=remark)
    both = np.intersect1d(series.author[is_after], series.author[~is_after]).size
    if series.authors < LEAST_AUTHORS:
        remark = f"{series.authors} authors; {LEAST_AUTHORS} are needed to tell a change from one author's habit."
        return Interruption(day, before, after, remark=remark)
    week = (series.week - turn).astype(np.float64)
    step = is_after.astype(np.float64)
    design = np.column_stack([np.ones_like(week), week, step, step * week])
    level, slope = _estimate(series, design, 2), _estimate(series, design, 3)
    beside = _estimate(series, np.column_stack([design, series.length]), 2)
    remark = (
        ""
        if both >= LEAST_AUTHORS
        else f"Only {both} authors wrote on both sides, so a change of people may look like one of habits."
    )
    return Interruption(day, before, after, level, slope, beside, remark)


def _estimate(series: Series, design: Floats, column: int) -> Estimate:
    """Fit by least squares, with errors clustered by author (CR1)."""
    inverse = np.linalg.pinv(design.T @ design)
    weights = inverse @ design.T @ series.value
    residual = series.value - design @ weights
    scores = np.zeros((series.authors, design.shape[1]))
    np.add.at(scores, series.author, design * residual[:, None])
    groups, size = series.authors, series.value.size
    factor = groups / (groups - 1) * (size - 1) / max(1, size - design.shape[1])
    variance = factor * (inverse @ (scores.T @ scores) @ inverse)
    error = float(np.sqrt(max(variance[column, column], 0.0)))
    value = float(weights[column])
    wide = float(stats.t.ppf((1 + _CONFIDENCE) / 2, groups - 1)) * error
    p = float(2 * stats.t.sf(abs(value) / error, groups - 1)) if error else 1.0
    return Estimate(round(value, 4), round(value - wide, 4), round(value + wide, 4), round(p, 4))
