"""How does a series over weeks become a chart, with intervals, levels and the dates on which a level changed?

A dot for each week, a line through its interval, a step for each level, and an upright line with a letter at each
date. Beside it the same numbers as a table. Which levels there are is the caller's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from skillway.pages.drawing import SCHEMA, WIDTHS, chart_config, plain, render
from skillway.pages.markup import fill
from skillway.pages.palette import SERIES, TEXT
from skillway.pages.parts import Column, table

_HEIGHT = 240
_Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """One week: its Monday, how many are in it, their mean and its interval; None for what is not known."""

    monday: date
    count: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """A stretch of weeks with one level: its first day, the day after its last, and the mean."""

    start: date
    end: date
    value: float


@dataclass(frozen=True, slots=True)
class LevelChart:
    """What a chart shows.

    Attributes:
        title: The heading.
        unit: What the values are, for the axis; they lie between 0 and 1.
        points: The weeks, in order.
        levels: The levels, in order.
        marks: Dates with a short label each, such as a letter.
        note: One sentence below the title.
    """

    title: str
    unit: str
    points: tuple[Point, ...]
    levels: tuple[Level, ...] = ()
    marks: tuple[tuple[date, str], ...] = ()
    note: str = ""


_FIGURE = """<figure class="chart">
<figcaption><h3>{{ title }}</h3>{% if note %}<p>{{ note }}</p>{% endif %}</figcaption>
{% for drawing in drawings %}{{ drawing }}{% else %}<p class="note">Nothing in this period.</p>{% endfor %}
{{ table }}
</figure>"""


def level_chart(value: LevelChart) -> Markup:
    """Draw a chart, with its numbers as a table below; without any number it says so and draws nothing."""
    drawings = []
    if any(point.value is not None for point in value.points):
        drawings = [
            render(_specification(value, size, width), size=size, title=plain(value.title))
            for size, width in WIDTHS.items()
        ]
    return fill(_FIGURE, title=value.title, note=value.note, drawings=drawings, table=_numbers(value))


def _numbers(value: LevelChart) -> Markup:
    columns = [
        Column("week of"),
        Column("pull requests"),
        Column("mean", "none", 2),
        Column("from", "too few authors", 2),
        Column("to", "too few authors", 2),
    ]
    rows = [[point.monday, point.count, point.value, point.low, point.high] for point in value.points if point.count]
    return table(f"{value.title} ({value.unit})", columns, rows, folded="The numbers as a table")


def _specification(value: LevelChart, size: str, width: int) -> _Spec:
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": _HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 2,
        "background": None,
        "config": chart_config(size),
        "encoding": {"x": _along(value.points, size), "y": _up(value)},
        "layer": [*_weeks(value.points), *_steps(value.levels), *_marks(value.marks)],
    }


def _along(points: Sequence[Point], size: str) -> _Spec:
    first, last = points[0].monday, points[-1].monday + timedelta(days=7)
    axis: _Spec = {"title": None, "format": "%b %Y", "grid": False, "labelOverlap": True}
    axis["tickCount"] = 10 if size == "wide" else 3
    domain = [first.isoformat(), last.isoformat()]
    return {"field": "day", "type": "temporal", "scale": {"type": "utc", "domain": domain}, "axis": axis}


def _up(value: LevelChart) -> _Spec:
    axis = {"title": plain(value.unit), "tickCount": 5, "format": ".1f"}
    return {"field": "value", "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis}


def _weeks(points: Sequence[Point]) -> list[_Spec]:
    middle = timedelta(days=3)
    rows = [
        {"day": (point.monday + middle).isoformat(), "value": point.value, "low": point.low, "high": point.high}
        for point in points
        if point.value is not None
    ]
    interval = {
        "transform": [{"filter": "datum.low !== null"}],
        "mark": {"type": "rule", "color": SERIES[0].light, "opacity": 0.35, "strokeWidth": 2},
        "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
    }
    dot = {"mark": {"type": "point", "filled": True, "size": 28, "color": SERIES[0].light, "opacity": 1}}
    data = {"values": rows}
    return [{**interval, "data": data}, {**dot, "data": data}]


def _steps(levels: Sequence[Level]) -> list[_Spec]:
    rows = [{"day": one.start.isoformat(), "until": one.end.isoformat(), "value": one.value} for one in levels]
    mark = {"type": "rule", "color": SERIES[1].light, "strokeWidth": 3, "opacity": 1}
    return [{"data": {"values": rows}, "mark": mark, "encoding": {"x2": {"field": "until"}}}] if rows else []


def _marks(marks: Sequence[tuple[date, str]]) -> list[_Spec]:
    layers: list[_Spec] = []
    for index, (day, label) in enumerate(marks):
        data = {"values": [{"day": day.isoformat(), "label": plain(label)}]}
        line = {"type": "rule", "color": TEXT.light, "strokeDash": [4, 4], "opacity": 1}
        text = {"type": "text", "color": TEXT.light, "align": "left", "dx": 4, "fontSize": 12}
        whole = {"y": {"value": 0}, "y2": {"value": _HEIGHT}}
        # neighbours stand at different heights, so that two of the same week can be read
        place = {"y": {"value": 8 + 15 * (index % 2)}, "text": {"field": "label"}}
        layers += [{"data": data, "mark": line, "encoding": whole}, {"data": data, "mark": text, "encoding": place}]
    return layers
