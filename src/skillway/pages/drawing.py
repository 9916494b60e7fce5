"""How is a chart drawn? A Vega-Lite specification, and the SVG that vl-convert makes of it.

Texts from data reach the specification as data only, never as field names or expressions, and loading anything is
forbidden to the drawing.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from skillway.pages.palette import BACKGROUND, LINE, SERIES, TEXT

if TYPE_CHECKING:
    from skillway.pages.charts import Chart

WIDTHS = {"wide": 1060, "narrow": 320}
"""The widths that a chart is drawn for, in pixels: a desk's screen and a phone's."""

_LABEL_WIDTHS = {"wide": 260, "narrow": 110}
_FONT_SIZE = 13.5
"""Pixels that room is kept for; the page shows 12 (style.css), because the reader's font may be wider than ours."""
_FEW, _THOUSANDS = 6, 10_000
"""Below the one an axis names every whole number, from the other on it writes 10k."""
_SHORT_DAY = "utcFormat(toDate(datum.label), '%-d %b')"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MEMBERS = frozenset(
    ("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf")
)
"""Names that every object of JavaScript has: Vega groups by name in plain objects and fails on them."""
_Spec = dict[str, Any]


def draw(chart: Chart, *, size: str, width: int) -> Markup:
    """Draw for one width.

    Args:
        chart: What to draw; it has at least one number.
        size: `wide` or `narrow`, the class by which the page shows one of them.
        width: Pixels.
    """
    import vl_convert  # noqa: PLC0415 - 85 MB with an engine of its own; pages without a chart do without

    chart = drawable(chart)
    svg: str = vl_convert.vegalite_to_svg(specification(chart, size=size, width=width), allowed_base_urls=[])
    head, _, inside = svg.partition(">")
    box = head.partition('viewBox="')[2].partition('"')[0]
    opening = Markup(
        '<svg class="drawn {}" viewBox="{}" role="img" aria-label="{}: the numbers are in the table below">'
    )
    return opening.format(size, box, escape(chart.title)) + Markup(inside)  # noqa: S704 - vl-convert escapes texts; tested


def drawable(chart: Chart) -> Chart:
    """Give the chart with what the drawing cannot bear replaced: a NUL in a label ends the whole process in vl-convert 1.9.

    Characters that are not printable become U+FFFD, what is no finite number is not shown, and a name that JavaScript has
    for itself gets a character without width. The table keeps all of it.
    """
    clean = replace(chart, title=_plain(chart.title), unit=_plain(chart.unit), none=_plain(chart.none))
    return replace(
        clean,
        categories=tuple(map(_plain, chart.categories)),
        category_title=_plain(chart.category_title),
        series_title=_plain(chart.series_title),
        series=tuple(replace(each, name=_plain(each.name), values=_finite(each.values)) for each in chart.series),
        targets=_finite(chart.targets),
    )


def _plain(text: str) -> str:
    printable = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return f"\u2060{printable}" if printable in _MEMBERS or printable.startswith("__") else printable


def _finite(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
    return tuple(value if value is not None and math.isfinite(value) else None for value in values)


def specification(chart: Chart, *, size: str, width: int) -> _Spec:
    """Say in Vega-Lite what `draw` draws; values stand in the fields category, series, value and target."""
    makers = {"columns": _columns, "bars": _bars, "cells": _cells}
    return {
        "$schema": _SCHEMA,
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 2,
        "background": None,
        "config": _config(size),
        "data": {"values": _rows(chart)},
        **makers[chart.kind](chart, size),
    }


def _rows(chart: Chart) -> list[_Spec]:
    count = chart.shown if chart.kind == "bars" else len(chart.categories)
    targets = chart.targets or (None,) * len(chart.categories)
    return [
        {"category": category, "series": series.name, "value": value, "target": target, "position": position}
        for position, series in enumerate(chart.series)
        for category, value, target in list(zip(chart.categories, series.values, targets, strict=True))[:count]
    ]


def _columns(chart: Chart, size: str) -> _Spec:
    return {
        "height": 220,
        "transform": [{"filter": "datum.value > 0"}],
        "mark": {"type": "bar", "stroke": BACKGROUND.light, "strokeWidth": 1, "width": {"band": 0.82}},
        "encoding": {
            "x": _along(chart, size),
            "y": _value(chart, "value"),
            **_coloured(chart, size),
        },
    }


def _bars(chart: Chart, size: str) -> _Spec:
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.72}},
        "encoding": {"x": _value(chart, "value"), **_coloured(chart, size)},
    }
    layers = [bar, _unshown(chart.none, {"x": {"value": 6}})]
    if any(target is not None for target in chart.targets):
        tick = {"type": "tick", "color": TEXT.light, "thickness": 3, "size": 20, "opacity": 1}
        layers.append({"mark": tick, "encoding": {"x": _value(chart, "target")}})
    rows = _down("category", chart.categories[: chart.shown], chart.category_title, size)
    return {"height": {"step": 26}, "encoding": {"y": rows}, "layer": layers}


def _cells(chart: Chart, size: str) -> _Spec:
    shade = {"field": "value", "type": "quantitative", "scale": {"domainMin": 0, "range": [0.06, 0.9]}, "legend": None}
    cell = {
        "mark": {"type": "rect", "color": SERIES[0].light, "stroke": BACKGROUND.light, "strokeWidth": 1},
        "encoding": {"fillOpacity": {**shade, "title": chart.unit}},
    }
    names = tuple(series.name for series in chart.series)
    return {
        "height": {"step": 26},
        "encoding": {"x": _along(chart, size, orient="top"), "y": _down("series", names, chart.series_title, size)},
        "layer": [cell, _unshown("?", {})],
    }


def _along(chart: Chart, size: str, orient: str = "bottom") -> _Spec:
    """Put categories side by side, with as many labels as there is room for; the last one always has its label."""
    every = max(1, -(-len(chart.categories) // (14 if size == "wide" else 5)))
    values = list(chart.categories[::-1][::every][::-1])
    axis = {"title": None, "labelAngle": 0, "values": values, "labelOverlap": False, "orient": orient}
    if all(_DAY.fullmatch(category) for category in chart.categories):
        axis["labelExpr"] = _SHORT_DAY
    scale = {"domain": list(chart.categories)}
    return {"field": "category", "type": "ordinal", "scale": scale, "axis": axis, "title": chart.category_title}


def _down(field: str, names: tuple[str, ...], title: str, size: str) -> _Spec:
    axis = {"title": None, "labelLimit": _LABEL_WIDTHS[size]}
    return {"field": field, "type": "nominal", "scale": {"domain": list(names)}, "axis": axis, "title": title}


def _unshown(text: str, place: _Spec) -> _Spec:
    """Say in the place of a number that it is not shown, so that it does not look like a zero."""
    mark = {"type": "text", "text": text, "align": "left" if place else "center", "fontSize": 12, "color": TEXT.light}
    return {"transform": [{"filter": "datum.value === null"}], "mark": mark, "encoding": place}


def _value(chart: Chart, field: str) -> _Spec:
    highest = _highest(chart)
    form = ".0%" if chart.percent else "~s" if highest >= _THOUSANDS else ",~f"
    axis: _Spec = {"title": chart.unit, "format": form, "tickCount": 5}
    if highest < _FEW and not chart.percent and not chart.digits:
        axis["values"] = list(range(int(highest) + 1))  # half a use is no use
    title = chart.unit if field == "value" else "target"
    number: _Spec = {"field": field, "type": "quantitative", "axis": axis, "title": title}
    if chart.percent:
        number["scale"] = {"domain": [0, 1]}
    return number


def _coloured(chart: Chart, size: str) -> _Spec:
    names = [series.name for series in chart.series]
    scale = {"domain": names, "range": [SERIES[index % len(SERIES)].light for index in range(len(names))]}
    legend = {"title": None, "orient": "top", "columns": 2 if size == "narrow" else 6, "labelLimit": 140}
    color = {"field": "series", "type": "nominal", "scale": scale, "legend": legend if len(names) > 1 else None}
    return {"color": color, "order": {"field": "position", "type": "quantitative"}}


def _highest(chart: Chart) -> float:
    """Give the end of the longest bar: the series of a category are stacked."""
    stacks = zip(*(series.values for series in chart.series), strict=True)
    return max((sum(value or 0 for value in stack) for stack in stacks), default=0)


def _config(size: str) -> _Spec:
    text = {
        "labelColor": TEXT.light,
        "titleColor": TEXT.light,
        "labelFontSize": _FONT_SIZE,
        "titleFontSize": _FONT_SIZE,
    }
    axis = {**text, "titleFontWeight": "normal", "gridColor": LINE.light, "domainColor": LINE.light}
    return {
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {**axis, "tickColor": LINE.light, "labelPadding": 5},
        "axisBand": {"ticks": False, "grid": False},
        "legend": {**text, "symbolType": "square", "offset": 6, "columnPadding": 12 if size == "narrow" else 24},
    }
