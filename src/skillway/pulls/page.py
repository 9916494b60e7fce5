"""How does a trend look in a browser? Draws what `Trend` holds, and counts nothing itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from string import ascii_uppercase

from markupsafe import Markup

from skillway.pages.charts import Chart, Series, chart
from skillway.pages.frame import Section, page
from skillway.pages.level_chart import Level, LevelChart, Point, level_chart
from skillway.pages.parts import Cell, Column, note, number, table, tiles
from skillway.pulls.changes import Change
from skillway.pulls.interruption import Interruption
from skillway.pulls.trend import Trend, Week

_WEEK = timedelta(days=7)


def trend_page(trend: Trend) -> str:
    """Make the page: one file that loads nothing, with every text from pull requests escaped."""
    first, last = trend.weeks[0].monday, trend.weeks[-1].monday
    sections = [
        Section("overview", "Overview", (_overview(trend), *_cautions(trend))),
        Section("series", "Week by week", _series(trend)),
        *_interruption(trend.interruption),
        Section("length", "Is it only length?", _length(trend)),
        Section("dimensions", "What descriptions have", (_dimensions(trend),)),
        Section("strata", "Who wrote, and how much changed", (_strata(trend),)),
        Section("mind", "What to mind", tuple(note(remark) for remark in trend.remarks) + _limits()),
    ]
    subtitle = f"{trend.source}, weeks of {first} to {last}. Scored by {trend.scored_by}."
    footer = f"{number(trend.pull_requests)} descriptions, scored by {trend.scored_by}. The texts are not in this page."
    return page("Pull request descriptions", sections, subtitle=subtitle, footer=footer)


def _overview(trend: Trend) -> Markup:
    left_out = ", ".join(f"{number(count)} {reason}" for reason, count in trend.left_out.items() if count)
    return tiles(
        [
            ("Descriptions", trend.pull_requests, f"left out: {left_out}" if left_out else ""),
            ("Mean score", f"{trend.mean:.2f}", "of 1"),
            ("Changes of level", len(trend.changes), "that chance would not give as well"),
            ("Changes of length alone", len(trend.length_changes), "the control"),
        ]
    )


def _cautions(trend: Trend) -> tuple[Markup, ...]:
    return (note(trend.remarks[0], kind="caution"),) if trend.remarks else ()


def _series(trend: Trend) -> tuple[Markup, ...]:
    drawn = LevelChart(
        title="Score of descriptions",
        unit="mean score",
        points=_points(trend.weeks),
        levels=_levels(trend.weeks, trend.changes, trend.mean),
        marks=_marks(trend.changes, trend.interruption),
        note="A dot is a week's mean, the line through it its 95 % interval with authors resampled, a step a level.",
    )
    return level_chart(drawn), _changes(trend.changes, "Changes of level")


def _points(weeks: Sequence[Week]) -> tuple[Point, ...]:
    return tuple(Point(week.monday, week.count, week.mean, week.low, week.high) for week in weeks)


def _levels(weeks: Sequence[Week], changes: Sequence[Change], mean: float | None) -> tuple[Level, ...]:
    borders = [weeks[0].monday, *(change.monday for change in changes), weeks[-1].monday + _WEEK]
    values = [changes[0].before, *(change.after for change in changes)] if changes else [mean]
    return tuple(
        Level(start, end, value)
        for (start, end), value in zip(itertools.pairwise(borders), values, strict=True)
        if value is not None
    )


def _marks(changes: Sequence[Change], interruption: Interruption | None) -> tuple[tuple[date, str], ...]:
    marks = tuple((change.monday, letter) for change, letter in zip(changes, _letters(), strict=False))
    return (*marks, (interruption.day, "date asked about")) if interruption else marks


def _probability(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "below 0.001"  # noqa: PLR2004 - what three digits can say


def _letters() -> Sequence[str]:
    return [*ascii_uppercase, *(f"{one}{two}" for one in ascii_uppercase for two in ascii_uppercase)]


def _changes(changes: Sequence[Change], caption: str) -> Markup:
    if not changes:
        return note("No change of level that chance would not give as well.")
    columns = [Column("mark"), Column("week of"), Column("before", "none", 2), Column("after", "none", 2)]
    columns.append(Column("p, if nothing had changed"))
    rows: list[list[Cell]] = [
        [letter, change.monday, change.before, change.after, _probability(change.p)]
        for change, letter in zip(changes, _letters(), strict=False)
    ]
    return table(caption, columns, rows)


def _interruption(found: Interruption | None) -> list[Section]:
    if found is None:
        return []
    told = f"{number(found.before)} pull requests before {found.day}, {number(found.after)} from then on."
    parts: list[str | Markup] = [note(told)]
    named = {
        "jump": found.level,
        "jump with equal length": found.level_beside_length,
        "slope, per week": found.slope,
    }
    rows: list[list[Cell]] = [
        [name, one.value, one.low, one.high, _probability(one.p)] for name, one in named.items() if one is not None
    ]
    if rows:
        columns = [Column(""), *(Column(name, "none", 3) for name in ("change", "from", "to", "p"))]
        parts.append(table("What changed at the date, with 95 % intervals clustered by author", columns, rows))
    if found.remark:
        parts.append(note(found.remark, kind="caution"))
    return [Section("date", f"At {found.day}", tuple(parts))]


def _length(trend: Trend) -> tuple[Markup, ...]:
    drawn = LevelChart(
        title="Length alone",
        unit="length score",
        points=_points(trend.length_weeks),
        levels=_levels(trend.length_weeks, trend.length_changes, _length_mean(trend.length_weeks)),
        marks=_marks(trend.length_changes, None),
        note="The same weeks, scored by whether a description is as long as its change asks for, and by nothing else.",
    )
    if trend.length_correlation is None:
        told = "Score and length cannot be correlated here: one of them does not vary."
    else:
        told = f"Score and length correlate with {trend.length_correlation:.2f} over pull requests."
    more = " A change that stands in both charts at the same place may be one of length alone."
    return level_chart(drawn), _changes(trend.length_changes, "Changes of length alone"), note(told + more)


def _length_mean(weeks: Sequence[Week]) -> float | None:
    count = sum(week.count for week in weeks)
    return sum(week.count * (week.mean or 0.0) for week in weeks) / count if count else None


def _dimensions(trend: Trend) -> Markup:
    return chart(
        Chart(
            title="Share of descriptions that reach a dimension at least in part",
            kind="bars",
            categories=tuple(trend.dimensions),
            category_title="dimension",
            series=(Series("share", tuple(trend.dimensions.values())),),
            unit="share of the descriptions to which it applies",
            percent=True,
            none="never applies",
        )
    )


def _strata(trend: Trend) -> Markup:
    columns = [Column(""), Column("pull requests"), Column("mean", "none", 2)]
    columns += [Column("first third of the time", "none", 2), Column("last third", "none", 2)]
    rows = [[part.name, part.count, part.mean, part.first, part.last] for part in trend.strata]
    return table("Mean scores by part", columns, rows)


def _limits() -> tuple[Markup, ...]:
    return (
        note("A trend is an association: what happened on a date is not thereby its cause."),
        note("Scores of two versions, or of two judges, are never put into one series."),
    )
