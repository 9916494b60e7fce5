"""What does a section consist of? Tables, tiles of single numbers, notes; each escapes what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from skillway.pages.markup import fill

HIDDEN = "hidden"
"""What stands for a number that would tell of too few people."""

Cell = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading, and what `None` in it means to the reader.

    `digits` after the point are for floats; `percent` shows 0.5 as 50 %.
    """

    title: str
    none: str = HIDDEN
    digits: int = 0
    percent: bool = False


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, folded: str = "") -> Markup:
    """Make a table, whose first column heads each row; numbers are aligned to the right.

    Args:
        caption: What the table shows, for everybody and above all for screen readers.
        columns: One per cell of a row.
        rows: The cells.
        folded: With a text, the table is folded away behind it.
    """
    cells = [[_shown(column, cell) for column, cell in zip(columns, row, strict=True)] for row in rows]
    numeric = [bool(rows) and all(_is_number(row[index]) for row in rows) for index in range(len(columns))]
    return fill("table.html", caption=caption, columns=columns, rows=cells, numeric=numeric, folded=folded)


def tiles(entries: Sequence[tuple[str, Cell, str]]) -> Markup:
    """Make a row of single numbers: heading, value, and a line below (may be empty)."""
    shown = [(title, _shown(Column(title), value), note) for title, value, note in entries]
    return fill("tiles.html", tiles=shown)


def note(text: str, *, kind: str = "") -> Markup:
    """Make a paragraph that stands out: `kind` is empty or `caution`."""
    return fill('<p class="note {{ kind }}">{{ text }}</p>', text=text, kind=kind)


def number(value: float, digits: int = 0) -> str:
    """Write a number for people: thousands with a comma."""
    return f"{value:,.{digits}f}"


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, (int, float))


def _shown(column: Column, cell: Cell) -> str:
    if cell is None:
        return column.none
    if isinstance(cell, (int, float)):
        return f"{100 * cell:.0f} %" if column.percent else number(cell, column.digits)
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return cell.isoformat() if isinstance(cell, date) else cell
