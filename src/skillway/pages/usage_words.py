"""In which words does the usage page tell of weeks, amounts and what is not known?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from skillway.pages.parts import number
from skillway.usage.values import Period


def week_labels(period: Period) -> tuple[str, ...]:
    """Name the weeks of a period by their Monday."""
    return tuple(week.isoformat() for week in period.weeks)


def cut_weeks(period: Period) -> str:
    """Say which columns are lower because the period cuts their week."""
    cut = []
    if period.weeks and period.since > period.weeks[0]:
        cut.append("first")
    if period.weeks and (period.until - period.weeks[-1]).days < 6:  # noqa: PLR2004 - Sunday is day 6
        cut.append("last")
    return (
        f"Weeks begin on Monday. The {' and the '.join(cut)} week {'are' if len(cut) > 1 else 'is'} cut by the period."
        if cut
        else "Weeks begin on Monday."
    )


def only_first(drawn: int, all_: int, what: str) -> str:
    """Say that not everything is drawn, when that is so."""
    return f" The first {drawn} of {number(all_)} {what} are drawn." if drawn < all_ else ""


def dollars(value: float | None) -> str:
    """Write an amount of US dollars; cents only where they matter."""
    return "no data" if value is None else f"${value:,.0f}" if value >= 100 else f"${value:,.2f}"  # noqa: PLR2004 - cents matter below


def yes_no(value: bool | None) -> str:
    """Write a fact for people."""
    return "unknown" if value is None else "yes" if value else "no"


def written_day(day: date) -> str:
    """Write a day for people."""
    return f"{day.day} {day:%B %Y}"


def age(seconds: float | None) -> str:
    """Write a time span for people, from seconds."""
    if seconds is None:
        return "unknown"
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


def pairs(counts: Mapping[str, int]) -> list[list[str | int]]:
    """Make rows of counts, the highest first."""
    return [[name, count] for name, count in sorted(counts.items(), key=lambda pair: -pair[1])]
