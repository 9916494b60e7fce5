"""`skillway usage report`: which skills are used, by how many, at what cost, and which not at all."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option
from skillway.errors import RepositoryError

if TYPE_CHECKING:
    from skillway.usage.values import Period

_DIMENSIONS = ("skill", "plugin", "team", "rule", "release")
_MOST_DAYS = 3660
_PIPE_WIDTH = 110


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=30,
    show_default=True,
    help="The last so many days, today included.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day, UTC; instead of --days.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day, UTC. [default: today]")
@click.option("--by", type=click.Choice(_DIMENSIONS), help="One table alone, with all of its rows.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The collector's file; $SKILLWAY_USAGE_STORE. [default: usage.db in the user's state folder]",
)
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Repository whose skills count as unused when nobody uses them. [default: the one around the working directory]",
)
@click.option(
    "--targets", type=click.Path(path_type=Path), help="YAML file of teams: people and the share that shall use skills."
)
@click.option("--spool/--no-spool", default=True, show_default=True, help="Count this laptop's unsent records too.")
@click.option("--csv", "wants_csv", is_flag=True, help="Print the table of --by (skill when not given) as CSV.")
@json_option
@click.pass_obj
def command(
    out: Output,
    days: int,
    since: datetime | None,
    until: datetime | None,
    by: str | None,
    store: Path | None,
    catalogue: Path | None,
    targets: Path | None,
    spool: bool,
    wants_csv: bool,
) -> None:
    """Report what is used: skills, people, teams, cost, the guard's decisions, releases.

    Reads the store of `skillway collector` and what this laptop has not sent yet. People are only counted, and groups
    of fewer than 5 are hidden. Cost is an estimate. Exit code 7 when there is nothing to read.

    \b
    Example:
      skillway usage report
      skillway usage report --days 90 --by team --targets targets.yaml
      skillway usage report --since 2026-10-01 --until 2026-10-31 --csv --by skill
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.collector.store import default_store, state_folder
    from skillway.usage.csv import report_csv
    from skillway.usage.report import build_report
    from skillway.usage.text import report_text

    if wants_csv and out.wants_json:
        raise click.UsageError("--csv and --json exclude each other.")
    period = _period(days, since.date() if since else None, until.date() if until else None)
    report = build_report(
        store or default_store(),
        period,
        state=state_folder() if spool else None,
        repository=_repository(catalogue),
        targets=targets,
    )
    for note in report.provenance.notes:
        out.warn(note)
    if wants_csv:
        click.echo(report_csv(report, by or "skill"), nl=False)
        return
    width = shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns
    out.finish(
        report.to_json(), report_text(report, by=by, width=width), next_actions=_actions(report.provenance.events)
    )


def _period(days: int, since: date | None, until: date | None) -> Period:
    from skillway.usage.report import last_days
    from skillway.usage.selection import make_period

    last = until or datetime.now(UTC).date()
    if since is None:
        return last_days(days, until=last)
    if since > last:
        raise click.UsageError(f"--since {since} is after the last day, {last}.")
    if (last - since).days >= _MOST_DAYS:
        raise click.UsageError(f"--since {since} to {last} is more than {_MOST_DAYS} days.")
    return make_period(since, last)


def _repository(given: Path | None) -> Path | None:
    from skillway.organisation import find_repository

    if given is not None:
        return find_repository(given)
    try:
        return find_repository(Path.cwd())
    except RepositoryError:
        return None


def _actions(events: int) -> list[str]:
    return [] if events else ["skillway usage report --days 365", "skillway collector"]
