"""How did the descriptions of pull requests develop, week by week?

Puts the weekly series, its changes, the controls and the strata together; the one value behind table, JSON and page.
A trend is an association: what the report says of a date, it says of everything that began then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date
from typing import Any

import numpy as np

from skillway.errors import UndecidedError
from skillway.pulls.changes import Change, find_changes
from skillway.pulls.interruption import Interruption, look_at
from skillway.pulls.observations import Observation, Series, make_series
from skillway.pulls.scores import VERSION, WEIGHTS, Score, score
from skillway.pulls.values import PullRequest

LEAST_AUTHORS = 3
"""A week with fewer has a mean and no interval."""
_DRAWS = 400
_SMALL, _MIDDLE = 50, 500
_STRONG = 0.7


@dataclass(frozen=True, slots=True)
class Week:
    """One week: its Monday, how many pull requests and authors, their mean score, and its 95 % interval by author."""

    monday: date
    count: int
    authors: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the pull requests: how many, their mean score, and the mean of the first and the last third of the time."""

    name: str
    count: int
    mean: float | None
    first: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """The whole report.

    Attributes:
        scored_by: What gave the scores: `computed-1`, or a judge's name and version.
        source: Where the pull requests come from.
        pull_requests: How many were scored.
        left_out: By reason, how many were not: bots, and those whose description git does not keep.
        mean: Over all.
        weeks: Every week from the first to the last.
        changes: Changes of level.
        length_changes: Changes of the length dimension alone, the control.
        length_correlation: Of scores and the length dimension over pull requests.
        interruption: What changed at the date that was asked about, or None.
        dimensions: Share of descriptions that reach at least 1, by dimension; None where it never applies.
        strata: Agents and people, small and large changes.
        remarks: What to mind when reading it.
    """

    scored_by: str
    source: str
    pull_requests: int
    left_out: dict[str, int]
    mean: float
    weeks: tuple[Week, ...]
    changes: tuple[Change, ...]
    length_changes: tuple[Change, ...]
    length_correlation: float | None
    interruption: Interruption | None
    dimensions: dict[str, float | None]
    strata: tuple[Stratum, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the report as JSON values; dates are ISO."""
        return dict(_plain(asdict(self)))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of the report
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True, slots=True)
class _Scored:
    pull: PullRequest
    score: Score
    observation: Observation


def make_trend(
    pulls: Iterable[PullRequest], *, source: str, since: date | None = None, at: date | None = None, alpha: float = 0.05
) -> Trend:
    """Make the report with computed scores.

    Args:
        pulls: All that were collected.
        source: Where they come from.
        since: Earlier ones are left out.
        at: A date to look at, such as the day on which a skill was released.
        alpha: The share of unchanged histories in which a change is found.

    Raises:
        UndecidedError: No pull request has a description to score.
    """
    held = [pull for pull in pulls if since is None or _day(pull) >= since]
    bots = sum(pull.is_bot for pull in held)
    kept = [pull for pull in held if not pull.is_bot]
    scored = [_score(pull) for pull in kept if pull.has_description]
    if not scored:
        raise UndecidedError(
            f"None of {len(held)} pull requests has a description to score.",
            fix="git keeps descriptions of squash merges only; for the others, collect from the forge's API.",
        )
    series = make_series([one.observation for one in scored])
    lengths = make_series(
        [Observation(one.observation.day, one.observation.author, one.score.length) for one in scored]
    )
    left_out = {"bots": bots, "no description kept": len(kept) - len(scored)}
    changes = tuple(find_changes(series, alpha=alpha))
    length_changes = tuple(find_changes(lengths, alpha=alpha))
    correlation = _correlation(series)
    return Trend(
        scored_by=VERSION,
        source=source,
        pull_requests=len(scored),
        left_out=left_out,
        mean=round(float(series.value.mean()), 4),
        weeks=tuple(_weeks(series)),
        changes=changes,
        length_changes=length_changes,
        length_correlation=correlation,
        interruption=None if at is None else look_at(series, at),
        dimensions={name: _share(scored, name) for name in WEIGHTS},
        strata=tuple(_strata(scored)),
        remarks=tuple(_remarks(scored, left_out, changes, length_changes, correlation)),
    )


def _day(pull: PullRequest) -> date:
    return pull.merged_at.astimezone(UTC).date()


def _score(pull: PullRequest) -> _Scored:
    given = score(pull)
    return _Scored(pull, given, Observation(_day(pull), pull.author, given.total, given.length))


def _weeks(series: Series) -> Iterable[Week]:
    draws = np.random.default_rng(0)
    for number in range(series.weeks):
        inside = series.week == number
        values, authors = series.value[inside], series.author[inside]
        different = np.unique(authors)
        low = high = None
        if different.size >= LEAST_AUTHORS:
            low, high = _interval(values, authors, different, draws)
        mean = round(float(values.mean()), 4) if values.size else None
        yield Week(series.monday(number), int(values.size), int(different.size), mean, low, high)


def _interval(values: Any, authors: Any, different: Any, draws: np.random.Generator) -> tuple[float, float]:  # noqa: ANN401 - arrays
    """Give the 95 % interval of a week's mean by resampling its authors with all that each of them wrote."""
    sums = np.array([values[authors == author].sum() for author in different])
    counts = np.array([(authors == author).sum() for author in different])
    picks = draws.integers(0, different.size, size=(_DRAWS, different.size))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def _correlation(series: Series) -> float | None:
    if series.value.size < LEAST_AUTHORS or not series.value.std() or not series.length.std():
        return None
    return round(float(np.corrcoef(series.value, series.length)[0, 1]), 3)


def _share(scored: Sequence[_Scored], name: str) -> float | None:
    given = [value for value in (one.score.dimensions[name] for one in scored) if value is not None]
    return round(sum(value >= 1 for value in given) / len(given), 4) if given else None


def _strata(scored: Sequence[_Scored]) -> Iterable[Stratum]:
    days = sorted(one.observation.day for one in scored)
    first, last = days[len(days) // 3], days[2 * len(days) // 3]
    parts: dict[str, Callable[[_Scored], bool]] = {
        "by agents": lambda one: one.pull.is_agent,
        "by people": lambda one: not one.pull.is_agent,
        f"up to {_SMALL} lines": lambda one: one.pull.lines is not None and one.pull.lines <= _SMALL,
        f"up to {_MIDDLE} lines": lambda one: one.pull.lines is not None and _SMALL < one.pull.lines <= _MIDDLE,
        "larger": lambda one: one.pull.lines is not None and one.pull.lines > _MIDDLE,
    }
    for name, belongs in parts.items():
        mine = [one for one in scored if belongs(one)]
        early = [one for one in mine if one.observation.day < first]
        late = [one for one in mine if one.observation.day >= last]
        yield Stratum(name, len(mine), _mean(mine), _mean(early), _mean(late))


def _mean(scored: Sequence[_Scored]) -> float | None:
    return round(sum(one.score.total for one in scored) / len(scored), 4) if scored else None


def _remarks(
    scored: Sequence[_Scored],
    left_out: dict[str, int],
    changes: Sequence[Change],
    length_changes: Sequence[Change],
    correlation: float | None,
) -> Iterable[str]:
    yield "No model was asked: scores are computed from words and the diff stat, and see that a reason is given, not that it is a good one."
    if any(one.pull.text_as_of == "merge" for one in scored):
        yield "Descriptions are as they were at the merge; what they were when first opened is not kept by git."
    if left_out["no description kept"] > len(scored):
        yield f"For {left_out['no description kept']} pull requests git keeps no description, more than for the {len(scored)} that were scored."
    for change in changes:
        near = any(abs((change.monday - other.monday).days) <= 14 for other in length_changes)  # noqa: PLR2004 - two weeks
        if near and correlation is not None and correlation >= _STRONG:
            yield f"The change of {change.monday} is also one of length alone, which explains most of the score here."
