"""`skillway usage page`: the usage report as one HTML file."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.organisation import Organisation

PAGE_FILE = "usage.html"


@click.command("page")
@click.option(
    "--output", type=click.Path(path_type=Path), default=PAGE_FILE, show_default=True, help="The file to write."
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The collector's file; $SKILLWAY_USAGE_STORE. [default: usage.db in the user's state folder]",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=30,
    show_default=True,
    help="The last so many days, today included.",
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
@click.option("--open", "wants_open", is_flag=True, help="Show the page in your browser.")
@click.option("--dry-run", is_flag=True, help="Make the page, and write nothing.")
@json_option
@click.pass_obj
def command(
    out: Output,
    output: Path,
    store: Path | None,
    days: int,
    catalogue: Path | None,
    targets: Path | None,
    *,
    spool: bool,
    wants_open: bool,
    dry_run: bool,
) -> None:
    """Make one HTML file of who uses which skills, at what cost, and what the guard stopped.

    What `skillway usage report` says, with charts; unused skills are told of the repository that you are in. The page needs no
    network and no other file. An older page in its place is replaced.

    \b
    Example:
      skillway usage page --days 90 --open
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.collector.store import default_store, state_folder
    from skillway.pages.frame import deliver_page
    from skillway.pages.usage_page import usage_page
    from skillway.usage.report import build_report, last_days

    repository, organisation = _repository(catalogue)
    report = build_report(
        store or default_store(),
        last_days(days, until=datetime.now(timezone.utc).date()),
        state=state_folder() if spool else None,
        repository=repository,
        targets=targets,
    )
    for told in report.provenance.notes:
        out.warn(told)
    text = usage_page(
        report, title=organisation.title if organisation else "", layers=_layers(repository, organisation)
    )
    deliver_page(text, output, dry_run=dry_run, wants_open=wants_open)
    size = len(text.encode())
    data = {"page": str(output), "bytes": size, "events": report.provenance.events, "written": not dry_run}
    done = "Would write" if dry_run else "Wrote"
    told = f"{report.provenance.events:,} events of {days} days"
    out.finish(data, f"{done} {output}: {told}, {size / 1000:,.0f} kB.", next_actions=["skillway usage report"])


def _repository(given: Path | None) -> tuple[Path | None, Organisation | None]:
    """Find the repository that was named, or that the caller is in; a usage report works without one."""
    from skillway.errors import RepositoryError
    from skillway.organisation import find_repository, load_organisation

    try:
        repository = find_repository(given or Path.cwd())
    except RepositoryError:
        if given is not None:
            raise
        return None, None
    return repository, load_organisation(repository)


def _layers(repository: Path | None, organisation: Organisation | None) -> dict[str, str] | None:
    from skillway.catalog import load_catalog

    if repository is None or organisation is None:
        return None
    return {plugin.name: plugin.layer for plugin in load_catalog(repository, organisation).plugins}
