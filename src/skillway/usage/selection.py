"""Which events is a report about, and which groups are too small to be told of? What all queries share.

Reads the sums that `skillway.collector.rollup` keeps; a day is a number of days since 1970-01-01, a week the number
of Mondays since then.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from skillway.usage.values import Period

EPOCH = date(1970, 1, 1)
WEEK = "(day + 3) / 7"
"""A day's week in SQL: 1970-01-01 was a Thursday, so that week 0 began three days before."""

COUNTS = f"""
SELECT subject, detail, outcome, {WEEK} AS week, sum(n), max(last) FROM (
    SELECT day, subject, detail, outcome, sum(n) AS n, max(last) AS last FROM daily
    WHERE name = :name AND day BETWEEN :since AND :until
    GROUP BY day, subject, detail, outcome
) GROUP BY subject, detail, outcome, week
"""
"""How often a name came, by week. The inner grouping is in the order of the table, so that a day's many people are
added up without sorting; grouping all rows by week at once took three times as long."""

_NAMES = """
WITH RECURSIVE found(name) AS (
    SELECT min(name) FROM daily
    UNION ALL SELECT (SELECT min(name) FROM daily WHERE name > found.name) FROM found WHERE found.name IS NOT NULL
)
SELECT name FROM found WHERE name IS NOT NULL
"""

_PRESENT = "SELECT DISTINCT team, user FROM daily WHERE name = :name AND day BETWEEN :since AND :until"


@dataclass(slots=True)
class Selection:
    """The events of a period.

    Attributes:
        connection: A store's.
        period: The days.
        least: Groups of fewer people are hidden.
        hidden: How many groups were, so far.
        renamed: From the former name of a skill that moved to its name of today.
    """

    connection: sqlite3.Connection
    period: Period
    least: int
    hidden: int = 0
    renamed: Mapping[str, str] = field(default_factory=dict)
    _words: dict[int, str] = field(default_factory=lambda: {0: ""})
    _active: dict[str, set[int]] | None = None

    @property
    def days(self) -> dict[str, int]:
        """The first and the last day, as values for SQL."""
        return {"since": day_number(self.period.since), "until": day_number(self.period.until)}

    def query(self, sql: str, **values: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - whatever SQLite takes
        """Run a query; `:since` and `:until` are the days of the period."""
        return self.connection.execute(sql, self.days | values)

    def names(self) -> tuple[int, ...]:
        """Give the names of all events that the store has ever had; there are a few dozen."""
        return tuple(name for (name,) in self.connection.execute(_NAMES))

    def active(self) -> dict[str, set[int]]:
        """Give who had any event in the period: from a team ('' for none) to users, 0 for those without a pseudonym."""
        if self._active is None:
            found: defaultdict[str, set[int]] = defaultdict(set)
            for name in self.names():
                for team, user in self.query(_PRESENT, name=name):
                    found[self.word(team)].add(user)
            self._active = dict(found)
        return self._active

    def learn(self, numbers: Iterable[int]) -> None:
        """Look the texts of words up, all in one query."""
        listed = json.dumps(sorted(set(numbers) - self._words.keys()))
        query = "SELECT id, text FROM word WHERE id IN (SELECT value FROM json_each(?))"
        self._words.update(self.connection.execute(query, (listed,)))

    def word(self, number: int) -> str:
        """Give the text of a word; '' for 0."""
        if number not in self._words:
            self.learn([number])
        return self._words.get(number, "")

    def skill(self, number: int) -> str:
        """Give the name of today of a skill whose name is a word; '' for 0."""
        name = self.word(number)
        return self.renamed.get(name, name)

    def weekly(self, counts: Mapping[int, int]) -> tuple[int, ...]:
        """Lay counts by week out over the weeks of the period."""
        return tuple(counts.get(week, 0) for week in self.weeks())

    def weeks(self) -> range:
        """Give the numbers of the period's weeks."""
        first = week_number(self.period.since)
        return range(first, first + len(self.period.weeks))

    def people(self, count: int) -> int | None:
        """Give a number of people, or None when it is too small to be told; nobody at all is no group."""
        if 0 < count < self.least:
            self.hidden += 1
            return None
        return count


def too_small(people: Mapping[str, int], least: int) -> set[str]:
    """Name the groups that must not be shown one by one.

    When the small groups together are still fewer than `least`, what is left of a total would tell of them, so
    that the next smallest group goes with them.

    Args:
        people: From a group to how many people are in it.
        least: The least size that is shown.
    """
    small = {name for name, count in people.items() if 0 < count < least}
    for name in sorted(people.keys() - small, key=lambda name: (people[name], name)):
        if not small or sum(people[entry] for entry in small) >= least:
            break
        if people[name]:
            small.add(name)
    return small


def make_period(since: date, until: date) -> Period:
    """Make a period from its first and last day."""
    monday = since - timedelta(days=since.weekday())
    count = (until - monday).days // 7 + 1
    return Period(since, until, tuple(monday + timedelta(weeks=week) for week in range(count)))


def day_number(day: date) -> int:
    """Give the number of days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """Give the date of a number of days since 1970-01-01."""
    return EPOCH + timedelta(days=number)


def week_number(day: date) -> int:
    """Give the number that `WEEK` gives for the day."""
    return (day_number(day) + 3) // 7


def time_of(ns: int | None) -> datetime | None:
    """Give the time of nanoseconds since 1970, to the second."""
    return None if ns is None else datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC)
