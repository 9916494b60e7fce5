"""How does a row of numbers become a chart? A drawing for wide and one for narrow screens, and the same numbers as a table.

Vega-Lite draws (docs/adr/0020): at the time the page is made, to SVG that stands in the page, so that the reader's
browser loads and runs nothing for it. What a chart is about, and which numbers are in it, is the caller's part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from skillway.pages.drawing import WIDTHS, draw
from skillway.pages.markup import fill
from skillway.pages.parts import Column, table

Kind = Literal["columns", "bars", "cells"]
"""`columns` stand side by side and are stacked by series; `bars` lie, a row per category; `cells` are a map of series
against categories in which a darker cell is a higher number."""


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of one colour: one value per category; None for a number that is not shown."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows.

    Attributes:
        title: The heading.
        kind: How it is drawn.
        categories: What stands along the axis, such as weeks or teams, in order; no two are alike.
        category_title: What the categories are, such as `week`.
        series: The numbers; no two names are alike.
        unit: What is counted, such as `uses`, for axis and table.
        note: One sentence below the title.
        targets: One target per category, or empty; drawn as a mark and told in the table.
        series_title: What the series are, such as `team`.
        percent: Whether the numbers are shares, 0 to 1.
        digits: Digits after the point in the table.
        none: What None means to the reader.
        shown: How many categories are drawn at most; the table has all.
    """

    title: str
    kind: Kind
    categories: tuple[str, ...]
    category_title: str
    series: tuple[Series, ...]
    unit: str
    note: str = ""
    targets: tuple[float | None, ...] = ()
    series_title: str = "series"
    percent: bool = False
    digits: int = 0
    none: str = "hidden"
    shown: int = 30


def chart(value: Chart) -> Markup:
    """Draw a chart, with its numbers as a table below; without any number it says so and draws nothing."""
    drawings = _drawings(value) if _has_numbers(value) else []
    left_out = max(0, len(value.categories) - value.shown) if value.kind == "bars" else 0
    return fill("chart.html", chart=value, drawings=drawings, table=numbers_of(value), left_out=left_out)


def numbers_of(value: Chart) -> Markup:
    """Make the table of a chart's numbers, folded away."""
    columns = [Column(value.category_title)]
    columns += [Column(series.name, value.none, value.digits, value.percent) for series in value.series]
    rows: list[list[str | float | None]] = [
        [category, *(series.values[index] for series in value.series)]
        for index, category in enumerate(value.categories)
    ]
    if value.targets:
        columns.append(Column("target", "none", value.digits, value.percent))
        for row, target in zip(rows, value.targets, strict=True):
            row.append(target)
    return table(f"{value.title} ({value.unit})", columns, rows, folded="The numbers as a table")


def _has_numbers(value: Chart) -> bool:
    return any(number for series in value.series for number in series.values) or any(value.targets)


def _drawings(value: Chart) -> list[Markup]:
    return [draw(value, size=size, width=width) for size, width in WIDTHS.items()]
