"""`skillway usage honeycomb`: put the boards into Honeycomb. What they are stands in `sync/deploy/honeycomb`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from skillway.cli.output import Output, json_option


@click.group(name="honeycomb")
def command() -> None:
    """Look at everybody's use in Honeycomb.

    \b
    Example:
      HONEYCOMB_API_KEY=… skillway usage honeycomb apply --dry-run
    """  # noqa: D301 - click's mark for "do not re-wrap"


@command.command(name="apply")
@click.option("--api", metavar="URL", help="Honeycomb's API. [default: telemetry.honeycomb_api of organisation.yaml]")
@click.option("--boards", "file", type=click.Path(path_type=Path), help="Another boards.json than the one that ships.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@json_option
@click.pass_obj
def apply(out: Output, api: str | None, file: Path | None, dry_run: bool) -> None:
    """Make dataset, columns, queries and boards in the environment of $HONEYCOMB_API_KEY.

    Running it again changes nothing that is so already. Boards of yours are not touched: ours have the tag
    skillway. With Terraform use sync/deploy/honeycomb/*.tf instead; both make the same.

    \b
    Example:
      skillway usage honeycomb apply --dry-run
      skillway usage honeycomb apply --api https://api.eu1.honeycomb.io
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.content import content_path
    from skillway.telemetry.honeycomb import DEFAULT_API, Honeycomb, api_key, apply_boards, load_boards

    content = load_boards(file or content_path("honeycomb/boards.json"))
    address = api or _configured_api() or DEFAULT_API
    steps = 1 + len(content["columns"]) + len(content["derived_columns"]) + len(content["boards"])
    with Honeycomb(address, api_key()) as honeycomb:
        changes = apply_boards(honeycomb, content, dry_run=dry_run)
        with out.progress(changes, label="Honeycomb", length=steps) as shown:
            done = list(shown)
    counts = Counter(change.what for change in done)
    lines = [f"{change.what:10} {change.kind} {change.name}" for change in done if change.what != "unchanged"]
    verb = "would be " if dry_run else ""
    summary = f"{address}: {counts['created']} {verb}created, {counts['changed']} {verb}changed, {counts['unchanged']} unchanged."
    data = {"api": address, "dry_run": dry_run, "changes": [asdict(change) for change in done]}
    actions = ["skillway usage honeycomb apply"] if dry_run and counts["unchanged"] != len(done) else []
    out.finish(data, "\n".join([*lines, summary]), next_actions=actions)


def _configured_api() -> str | None:
    from skillway.errors import RepositoryError
    from skillway.organisation import find_repository, load_organisation

    try:
        repository = find_repository(Path.cwd())
    except RepositoryError:
        return None
    return load_organisation(repository).honeycomb_api
