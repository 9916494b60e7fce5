"""How many pull requests of agents were created past the program?

The program tells of each pull request by a keyed hash (`skillway.pr.created`); whoever has the key computes the same
hash for the pull requests that the forge knows, and sees which are missing. What cannot be known is counted as
unknown and in no rate: what was merged before the store heard of any, or has no number.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from scipy import stats

from skillway.collector.store import Store
from skillway.errors import UndecidedError
from skillway.pulls.observations import monday_of
from skillway.pulls.values import PullRequest

EVENT = "skillway.pr.created"
HASH_DIGITS = 32
GRACE = timedelta(days=14)
"""So long after the start a pull request may still have been created before it: only the merge is dated."""
_CONFIDENCE = 0.95
_MOST_NAMED = 200


@dataclass(frozen=True, slots=True)
class Events:
    """What the program told.

    Attributes:
        hashes: Of the pull requests that it created.
        without_hash: How many it told of without a hash, because a laptop had no key.
        first: When it first told of one; None when it never did.
        latest: When the store last heard of anything.
    """

    hashes: frozenset[str]
    without_hash: int
    first: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Rate:
    """A leak rate: of how many pull requests how many are missing, their share, and its 95 % interval by author."""

    pull_requests: int
    missing: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole answer.

    Attributes:
        rate: Over everything that can be known.
        start: From when on pull requests count.
        unknown: By reason, how many pull requests of agents say nothing.
        by_week: From the Monday of a week to its rate.
        by_repository: From `host/owner/name` to its rate.
        missing: The names of missing ones, at most 200.
        remarks: What to mind when reading it.
    """

    rate: Rate
    start: date
    unknown: dict[str, int]
    by_week: dict[date, Rate]
    by_repository: dict[str, Rate]
    missing: tuple[str, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON values; dates are ISO."""
        weeks = {week.isoformat(): asdict(rate) for week, rate in self.by_week.items()}
        return {**asdict(self), "start": self.start.isoformat(), "by_week": weeks}


@dataclass(frozen=True, slots=True)
class _Seen:
    name: str
    project: str
    author: str
    week: date
    is_missing: bool


def pull_hash(key: str, project: str, number: int) -> str:
    """Compute what the create-pr program tells of a pull request.

    Args:
        key: The audit key, as text.
        project: `host/owner/name`; of GitLab with all its groups.
        number: Its number on the forge.
    """
    name = f"{project}#{number}".lower()
    return hmac.new(key.encode(), name.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]


def read_events(store: Store) -> Events:
    """Read what the program told from the collector's store."""
    rows = store.connection.execute("SELECT ts, rest FROM event WHERE name = ?", (store.word_id(EVENT),)).fetchall()
    told = [json.loads(rest).get("pr.hash") if rest else None for _, rest in rows]
    hashes = frozenset(one.lower() for one in told if isinstance(one, str) and len(one) == HASH_DIGITS)
    latest = store.connection.execute("SELECT latest FROM total").fetchone()[0]
    return Events(
        hashes=hashes,
        without_hash=sum(not isinstance(one, str) or len(one) != HASH_DIGITS for one in told),
        first=_moment(min((ts for ts, _ in rows), default=None)),
        latest=_moment(latest),
    )


def _moment(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def audit(
    collections: Iterable[tuple[str, Sequence[PullRequest]]], events: Events, key: str, *, start: date | None = None
) -> Audit:
    """Compare what was merged with what the program told.

    Args:
        collections: Of each repository `host/owner/name` and its pull requests.
        events: From `read_events`.
        key: The audit key.
        start: From when on everybody had the program; by default when it first told of a pull request.

    Raises:
        UndecidedError: The store never heard of the program, or no pull request of an agent falls into its time.
    """
    if events.first is None or events.latest is None:
        raise UndecidedError(
            f"The store has no event {EVENT}, so which pull requests came from the program is unknown.",
            fix="Check that laptops send (skillway usage status), and name the right --store.",
        )
    begin = start or events.first.date()
    unknown: dict[str, int] = defaultdict(int)
    seen: list[_Seen] = []
    for project, pulls in collections:
        for pull in pulls:
            if not pull.is_agent:
                continue
            found = _look(pull, project, events, key, begin)
            if isinstance(found, str):
                unknown[found] += 1
            else:
                seen.append(found)
    if not seen:
        told = ", ".join(f"{count} {reason}" for reason, count in unknown.items()) or "none by an agent"
        raise UndecidedError(
            f"No pull request of an agent can be held against the events since {begin} ({told}).",
            fix="Collect newer ones with skillway pr history, then run this again.",
        )
    missing = [one.name for one in seen if one.is_missing]
    weeks, projects = {one.week for one in seen}, {one.project for one in seen}
    return Audit(
        rate=rate_of(seen),
        start=begin,
        unknown=dict(unknown),
        by_week={week: rate_of([one for one in seen if one.week == week]) for week in sorted(weeks)},
        by_repository={name: rate_of([one for one in seen if one.project == name]) for name in sorted(projects)},
        missing=tuple(missing[:_MOST_NAMED]),
        remarks=tuple(_remarks(events, len(missing))),
    )


def _look(pull: PullRequest, project: str, events: Events, key: str, begin: date) -> _Seen | str:
    """Tell whether a pull request is missing, or why that cannot be known."""
    merged = pull.merged_at.astimezone(UTC)
    number = pull.id[1:]
    if pull.id[:1] not in ("#", "!") or not number.isdigit():
        return "without a number"
    is_missing = pull_hash(key, project, int(number)) not in events.hashes
    if is_missing and merged.date() < begin:
        return "merged before the program's time"
    if is_missing and merged.date() < begin + GRACE:
        return "merged so early that it may be older than the program's time"
    if is_missing and events.latest is not None and merged > events.latest:
        return "merged after the store's last event"
    return _Seen(f"{project}#{number}", project, pull.author, monday_of(merged.date()), is_missing)


def rate_of(seen: Sequence[_Seen]) -> Rate:
    """Give the share that is missing, with the exact interval for as many pull requests as the authors are worth.

    Pull requests of one author are alike. Their variance by author gives the number of independent ones that would
    be as sure (Korn and Graubard 1998), and that number goes into the Clopper-Pearson interval.
    """
    count, missing = len(seen), sum(one.is_missing for one in seen)
    if not count:
        return Rate(0, 0, None, None, None)
    share = missing / count
    worth = min(float(count), _worth(seen, share))
    hits, tail = share * worth, (1 - _CONFIDENCE) / 2
    low = float(stats.beta.ppf(tail, hits, worth - hits + 1)) if missing else 0.0
    high = float(stats.beta.ppf(1 - tail, hits + 1, worth - hits)) if missing < count else 1.0
    return Rate(count, missing, round(share, 4), round(low, 4), round(high, 4))


def _worth(seen: Sequence[_Seen], share: float) -> float:
    sums: dict[str, float] = defaultdict(float)
    for one in seen:
        sums[one.author] += one.is_missing - share
    groups, spread = len(sums), sum(value**2 for value in sums.values())
    if not spread:
        return float(groups)  # all alike: nothing tells authors' habits apart, so each author counts once
    if groups == 1:
        return 1.0
    variance = groups / (groups - 1) * spread / len(seen) ** 2
    return max(1.0, share * (1 - share) / variance)


def _remarks(events: Events, missing: int) -> Iterable[str]:
    yield "Agents are told by trailers, marks and names; a pull request of an agent that hides it is not seen here."
    if events.without_hash and missing:
        yield (
            f"{events.without_hash} events have no hash, from laptops without the key: up to so many of the {missing} "
            "missing ones came from the program, and the rate is an upper bound."
        )
    if missing:
        yield "A laptop that never sent its records, or whose user does not want to be counted, looks like a leak."
