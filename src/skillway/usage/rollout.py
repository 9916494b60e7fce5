"""How did releases spread over the fleet? Per week, how many people were on which release."""

from __future__ import annotations

from collections import Counter, defaultdict

from skillway.collector.schema import SYNCED
from skillway.usage.selection import WEEK, Selection
from skillway.usage.values import Rollout

# SQLite gives the other columns of the row that has the maximum (lang_select.html, "bare columns").
_LATEST_OF_WEEK = f"""
SELECT {WEEK} AS week, user, subject, max(last) FROM daily
WHERE name = {SYNCED} AND day BETWEEN :since AND :until AND user > 0
    AND outcome IN (SELECT id FROM word WHERE text IN ('ok', 'noop', 'rolled_back'))
GROUP BY week, user
ORDER BY week
"""


def follow_releases(chosen: Selection) -> tuple[Rollout, ...]:
    """Say how many people were on each release at the end of each week, the release that came last first.

    Whoever did not sync in a week is still on the release of the week before; who has not synced in the period at all is
    not known.
    """
    now: dict[int, str] = {}
    steps: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for week, user, release, _ in chosen.query(_LATEST_OF_WEEK):
        steps[week].append((user, chosen.word(release)))
    weeks: list[Counter[str]] = []
    first: dict[str, int] = {}
    for week in chosen.weeks():
        now.update(steps[week])
        weeks.append(Counter(now.values()))
        for release in weeks[-1]:
            first.setdefault(release, week)
    names = sorted(first, key=lambda release: (-first[release], -weeks[-1][release], release))
    return tuple(Rollout(name, tuple(_shown(week[name], chosen.least) for week in weeks)) for name in names)


def _shown(count: int, least: int) -> int | None:
    return None if 0 < count < least else count
