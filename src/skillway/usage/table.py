"""How does a table fit a terminal? Aligned columns, sparklines, and the least important column gone first."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = "▁▂▃▄▅▆▇█"
NOTHING, UNTOLD, CUT = "·", "?", "…"
_GAP = "  "
_LEAST_NAME = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, whether it holds numbers (set right), and its weight; the lightest goes first."""

    title: str
    is_number: bool = True
    weight: int = 1


def sparkline(values: Sequence[float | None]) -> str:
    """Draw one character per value, from the least to the greatest; a dot for 0, a question mark for a hidden one."""
    top = max((value for value in values if value), default=0)
    return "".join(UNTOLD if value is None else _level(value / top) if value > 0 else NOTHING for value in values)


def draw_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, width: int) -> list[str]:
    """Draw a table of at most `width` characters; the first column is cut before another one goes."""
    kept = list(range(len(columns)))
    sizes = [
        max(display_width(text) for text in (column.title, *(row[at] for row in rows)))
        for at, column in enumerate(columns)
    ]
    while len(kept) > 1 and _total(sizes, kept) - sizes[0] + min(sizes[0], _LEAST_NAME) > width:
        kept.remove(min(kept[1:], key=lambda at: (columns[at].weight, -at)))
    over = _total(sizes, kept) - width
    if over > 0:
        sizes[0] = max(1, sizes[0] - over)
    lines = [[column.title for column in columns], *rows]
    return [_GAP.join(_cell(line[at], sizes[at], columns[at].is_number) for at in kept).rstrip() for line in lines]


def display_width(text: str) -> int:
    """Give how many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _total(sizes: Sequence[int], kept: Sequence[int]) -> int:
    return sum(sizes[at] for at in kept) + len(_GAP) * (len(kept) - 1)


def _cell(text: str, size: int, is_number: bool) -> str:
    if display_width(text) > size:
        while text and display_width(text) > size - 1:
            text = text[:-1]
        text += CUT
    blank = " " * (size - display_width(text))
    return blank + text if is_number else text + blank


def _level(share: float) -> str:
    return LEVELS[min(len(LEVELS) - 1, int(share * len(LEVELS)))]
