"""`skillway pr trend`: whether descriptions got better or worse, week by week."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option
from skillway.cli.pr_history import DEFAULT_FILE

if TYPE_CHECKING:
    from skillway.pulls.interruption import Estimate, Interruption
    from skillway.pulls.trend import Trend

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN_WEEKS = 78
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("trend")
@click.option(
    "--repository", type=click.Path(path_type=Path), default=Path(), help="A git checkout. [default: this one]"
)
@click.option(
    "--input", "file", type=click.Path(path_type=Path, dir_okay=False), help="A file of `skillway pr history`."
)
@click.option("--since", type=_DAY, help="Leave earlier pull requests out.")
@click.option("--at", type=_DAY, help="A date to look at, such as the day on which a skill was released.")
@json_option
@click.pass_obj
def command(out: Output, repository: Path, file: Path | None, since: datetime | None, at: datetime | None) -> None:
    """Show how descriptions developed, with computed scores: no model is asked and nothing leaves the machine.

    Reads the file that `skillway pr history` wrote; without one, the checkout itself.

    \b
    Example:
      skillway pr trend
      skillway pr trend --since 2026-01-01 --at 2026-06-01 --json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.pulls.trend import make_trend

    pulls, source = _pulls(out, repository, file)
    trend = make_trend(pulls, source=source, since=_day(since), at=_day(at))
    out.finish(trend.to_json(), _text(trend))


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()


def _pulls(out: Output, repository: Path, file: Path | None):  # type: ignore[no-untyped-def]  # noqa: ANN202 - imported when it runs
    from skillway.pulls.collection import read_collection
    from skillway.pulls.git_history import count_commits, find_source, read_git

    if file is not None:
        collection = read_collection(file)
        return collection.pulls, collection.source
    source = find_source(repository)
    held = source.folder / DEFAULT_FILE
    if held.exists():
        collection = read_collection(held)
        return collection.pulls, collection.source
    walk = read_git(source, b"this run")
    with out.progress(walk, label="Reading commits", length=count_commits(source)) as commits:
        return [pull for pull in commits if pull is not None], f"git {source.branch}"


def _text(trend: Trend) -> str:
    shown = trend.weeks[-_SHOWN_WEEKS:]
    left_out = ", ".join(f"{count} {reason}" for reason, count in trend.left_out.items() if count)
    lines = [
        f"{trend.pull_requests} descriptions of {trend.source}, scored by {trend.scored_by} (computed, no model)"
        + (f"; left out: {left_out}" if left_out else ""),
        f"mean {trend.mean:.2f} of 1, {shown[0].monday} to {shown[-1].monday}, one bar a week:",
        "  " + "".join(_bar(week.mean) for week in shown),
        "",
        *_changes(trend),
        *_interruption(trend.interruption),
        "reached at least in part, by dimension:",
        *(f"  {name:<13} {share:>5.0%}" for name, share in trend.dimensions.items() if share is not None),
        "",
        f"{'':<18}{'count':>7}{'mean':>7}{'first third':>13}{'last third':>12}",
        *(
            f"  {part.name:<16}{part.count:>7}{_number(part.mean):>7}{_number(part.first):>13}{_number(part.last):>12}"
            for part in trend.strata
        ),
        "",
        *(f"note: {remark}" for remark in trend.remarks),
    ]
    return "\n".join(lines)


def _bar(mean: float | None) -> str:
    return " " if mean is None else _BARS[min(len(_BARS) - 1, int(mean * len(_BARS)))]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _changes(trend: Trend) -> list[str]:
    if not trend.changes:
        return ["no change of level that chance would not give as well", ""]
    lines = ["changes of level:"]
    for change in trend.changes:
        word = "up" if change.after > change.before else "down"
        lines.append(
            f"  week of {change.monday}: {word} from {change.before:.2f} to {change.after:.2f} (p {change.p:.3f})"
        )
    return [*lines, ""]


def _interruption(found: Interruption | None) -> list[str]:
    if found is None:
        return []
    lines = [f"at {found.day} ({found.before} pull requests before, {found.after} after):"]
    if found.level is not None and found.slope is not None and found.level_beside_length is not None:
        lines += [
            f"  jump                {_estimate(found.level)}",
            f"  with equal length   {_estimate(found.level_beside_length)}",
            f"  slope, per week     {_estimate(found.slope)}",
        ]
    return [*lines, *([f"  {found.remark}"] if found.remark else []), ""]


def _estimate(found: Estimate) -> str:
    return f"{found.value:+.3f}  ({found.low:+.3f} to {found.high:+.3f}, p {found.p:.3f})"
