"""`skillway usage export`: the stored events one by one, for other tools."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option
from skillway.errors import SkillwayError

if TYPE_CHECKING:
    from skillway.collector.store import Store


@click.command()
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values with a line of titles.")
@click.option("--jsonl", "form", flag_value="jsonl", default=True, help="One JSON object per line. [default]")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day, UTC. [default: the earliest]")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day, UTC. [default: the latest]")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The collector's file; $SKILLWAY_USAGE_STORE. [default: usage.db in the user's state folder]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write, readable by you alone. [default: stdout]",
)
@json_option
@click.pass_obj
def command(
    out: Output,
    form: str,
    since: datetime | None,
    until: datetime | None,
    store: Path | None,
    output: Path | None,
) -> None:
    """Write the stored events one by one, with all of their attributes, in the order of arrival.

    Events carry pseudonyms of people; treat the file as the store itself.

    \b
    Example:
      skillway usage export --jsonl > events.jsonl
      skillway usage export --csv --since 2026-11-01 --output events.csv
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.collector.store import default_store, open_for_reading

    if out.wants_json and output is None:
        raise click.UsageError("--json prints an envelope on stdout, so the events need --output.")
    opened = open_for_reading(store or default_store())
    try:
        if output is None:
            _write(sys.stdout, opened, form, since, until)
            return
        count = _write_file(output, opened, form, since, until)
    finally:
        opened.close()
    out.finish({"output": str(output), "events": count, "form": form}, f"Wrote {count} events to {output}.")


def _write_file(output: Path, store: Store, form: str, since: datetime | None, until: datetime | None) -> int:
    """Write beside the file and put it in place when it is whole."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{output.name}-", dir=output.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                count = _write(file, store, form, since, until)
            Path(name).replace(output)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SkillwayError(
            f"{output} cannot be written: {error.strerror or error}.", fix="Name a file that you may write to."
        ) from error
    return count


def _write(file: IO[str], store: Store, form: str, since: datetime | None, until: datetime | None) -> int:
    from skillway.usage.export import read_events, write_csv, write_jsonl

    count = 0

    def counted(events: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        nonlocal count
        for event in events:
            count += 1
            yield event

    # closed here: the reader of a pipe may leave early, and the store is closed after that
    with closing(read_events(store, since.date() if since else None, until.date() if until else None)) as events:
        (write_csv if form == "csv" else write_jsonl)(counted(events), file)
    file.flush()
    return count
