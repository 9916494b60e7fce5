"""`skillway pr audit`: which pull requests of agents were created past the program?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.pulls.audit import Audit, Rate
    from skillway.pulls.collection import Collection

_SHOWN_WEEKS = 26
_SHOWN_NAMES = 20


@click.command("audit")
@click.option(
    "--input",
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    required=True,
    help="A file of `skillway pr history`; may be given more than once.",
)
@click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file with the audit key."
)
@click.option(
    "--project",
    metavar="HOST/OWNER/NAME",
    help="Where the pull requests of a file from git are, such as github.com/acme/shop.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The collector's file; $SKILLWAY_USAGE_STORE. [default: usage.db in the user's state folder]",
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    help="When everybody had the program. [default: its first event]",
)
@json_option
@click.pass_obj
def command(
    out: Output,
    files: tuple[Path, ...],
    key_file: Path,
    project: str | None,
    store: Path | None,
    start: datetime | None,
) -> None:
    """Count pull requests of agents that the create-pr program did not tell of: the leak rate.

    The key is what sync gives laptops as `audit_key`; a wrong one makes everything look like a leak. What cannot be known is
    counted as unknown and is in no rate.

    \b
    Example:
      skillway pr audit --input .skillway/pulls-acme-shop.jsonl --key-file audit.key
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.collector.store import default_store, open_for_reading
    from skillway.pulls.audit import audit, read_events
    from skillway.pulls.collection import read_collection

    key = _key(key_file)
    held = [read_collection(file) for file in files]
    collections = [(_project(one, project), one.pulls) for one in held]
    opened = open_for_reading(store or default_store())
    try:
        events = read_events(opened)
    finally:
        opened.close()
    found = audit(collections, events, key, start=None if start is None else start.date())
    if found.rate.missing == found.rate.pull_requests and events.hashes:
        out.warn("Not one pull request agrees with an event: the key, or the project's name, may be another one.")
    out.finish(found.to_json(), _text(found))


def _key(file: Path) -> str:
    from skillway.errors import NotFoundError, SkillwayError

    try:
        key = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {file}.", fix="Name the file with the audit key.") from None
    except (OSError, ValueError) as error:
        raise SkillwayError(f"{file} cannot be read ({error}).", fix="Name a text file with the audit key.") from error
    if not key:
        raise SkillwayError(f"{file} is empty.", fix="Put the audit key into it.")
    return key


def _project(collection: Collection, given: str | None) -> str:
    """Give `host/owner/name` of a collection: GitHub's say it themselves."""
    from skillway.errors import SkillwayError

    kind, _, name = collection.source.partition(" ")
    found = name if kind == "github" else given
    if not found or found.count("/") < 2:  # noqa: PLR2004 - host, owner and name
        raise SkillwayError(
            f"{collection.path} does not say on which forge its pull requests are.",
            fix="Name it with --project HOST/OWNER/NAME, such as github.com/acme/shop.",
        )
    return found


def _text(found: Audit) -> str:
    lines = [
        f"leak rate {_rate(found.rate)}",
        f"of agents' pull requests merged since {found.start}: {found.rate.missing} without an event",
        *(f"unknown, in no rate: {count} {reason}" for reason, count in found.unknown.items()),
        "",
        "by repository:",
        *(f"  {name:<40} {_rate(rate)}" for name, rate in found.by_repository.items()),
        "",
        "by week:",
        *(f"  {week}  {_rate(rate)}" for week, rate in list(found.by_week.items())[-_SHOWN_WEEKS:]),
    ]
    if found.missing:
        lines += ["", "without an event:", *(f"  {name}" for name in found.missing[:_SHOWN_NAMES])]
        if len(found.missing) > _SHOWN_NAMES:
            lines.append("  … more with --json")
    return "\n".join([*lines, "", *(f"note: {remark}" for remark in found.remarks)])


def _rate(rate: Rate) -> str:
    if rate.share is None or rate.low is None or rate.high is None:
        return "unknown"
    return f"{rate.share:.0%} ({rate.low:.0%} to {rate.high:.0%}) of {rate.pull_requests}"
