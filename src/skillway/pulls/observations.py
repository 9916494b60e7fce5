"""Which numbers does a trend work on?

One observation per pull request: when, whose, how good, how long. Statistics see nothing else of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAYS = 7


@dataclass(frozen=True, slots=True)
class Observation:
    """One pull request as a number.

    Attributes:
        day: When it was merged, in UTC.
        author: The author's pseudonym; observations of one author are not independent.
        value: The score, from 0 to 1.
        length: The length dimension alone, from 0 to 1.
    """

    day: date
    author: str
    value: float
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """Observations as arrays, in the order of their weeks; weeks are counted from `start`, a Monday."""

    start: date
    weeks: int
    week: Ints
    author: Ints
    value: Floats
    length: Floats

    @property
    def authors(self) -> int:
        """How many different authors there are."""
        return int(self.author.max()) + 1 if self.author.size else 0

    def monday(self, week: int) -> date:
        """Give the Monday on which a week starts."""
        return self.start + timedelta(days=DAYS * week)

    def week_of(self, day: date) -> int:
        """Give the week that a day is in; it may lie outside of the series."""
        return (day - self.start).days // DAYS


def monday_of(day: date) -> date:
    """Give the Monday of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def make_series(observations: Sequence[Observation]) -> Series:
    """Order observations by week.

    Raises:
        ValueError: There are none.
    """
    if not observations:
        raise ValueError("a series needs at least one observation")
    ordered = sorted(observations, key=lambda one: one.day)
    start = monday_of(ordered[0].day)
    names = {name: number for number, name in enumerate(sorted({one.author for one in ordered}))}
    week = np.array([(one.day - start).days // DAYS for one in ordered], dtype=np.int64)
    return Series(
        start=start,
        weeks=int(week[-1]) + 1,
        week=week,
        author=np.array([names[one.author] for one in ordered], dtype=np.int64),
        value=np.array([one.value for one in ordered], dtype=np.float64),
        length=np.array([one.length for one in ordered], dtype=np.float64),
    )
