"""Which colours do charts have, in light and in dark?

Charts are drawn once, with the light colours; in the page each of them is replaced by a variable that follows the
reader's setting. Every colour has a contrast of at least 3:1 against its background, text 4.5:1 (tested in a browser).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Color:
    """One colour of charts by its variable, as it is on a light and on a dark background."""

    variable: str
    light: str
    dark: str


SERIES = (
    Color("--series-1", "#1f5fa8", "#6cb0ff"),
    Color("--series-2", "#b8560b", "#f2a65a"),
    Color("--series-3", "#0f7a57", "#53c99a"),
    Color("--series-4", "#7d3c98", "#c99bea"),
    Color("--series-5", "#a8243f", "#ff8797"),
    Color("--series-6", "#5d6672", "#a9b2bd"),
)
"""In the order of use; told apart also by people who do not see red and green."""

TEXT = Color("--chart-text", "#3a424c", "#c5ccd4")
LINE = Color("--chart-line", "#dde1e6", "#343b44")
BACKGROUND = Color("--chart-background", "#fffffe", "#171b21")

_ALL = (*SERIES, TEXT, LINE, BACKGROUND)


def color_rules() -> str:
    """Give the style rules that exchange the drawn colours for variables."""
    light = "".join(f"{color.variable}:{color.light};" for color in _ALL)
    dark = "".join(f"{color.variable}:{color.dark};" for color in _ALL)
    rules = [
        f":root{{{light}}}",
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}",
        f"@media print{{:root{{{light}}}}}",
    ]
    for color in _ALL:
        rules += [f'.chart [{name}="{color.light}"]{{{name}:var({color.variable})}}' for name in ("fill", "stroke")]
    return "\n".join(rules)
