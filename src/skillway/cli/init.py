"""`skillway init`: an organisation's own repository, from an empty folder."""

from __future__ import annotations

from pathlib import Path

import click

from skillway.cli.output import Output, json_option


@click.command("init")
@click.option(
    "--name", required=True, metavar="NAME", help="The organisation, kebab-case; skills appear as plugin@NAME."
)
@click.option("--title", metavar="TEXT", help="The name that people read. Default: NAME in words.")
@click.option(
    "--team", "teams", multiple=True, metavar="TEAM", help="A team that gets a folder in skills/. Repeatable."
)
@click.option(
    "--owner",
    "owners",
    multiple=True,
    metavar="@GROUP",
    help="Who reviews the base plugin. Repeatable. Default: @NAME/platform.",
)
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="The folder. Default: this one."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
@click.pass_obj
def command(
    out: Output,
    name: str,
    title: str | None,
    teams: tuple[str, ...],
    owners: tuple[str, ...],
    into: Path,
    *,
    dry_run: bool,
) -> None:
    """Write organisation.yaml and the frame of a repository of your own.

    Nothing that exists is overwritten.

    \b
    Example:
      skillway init --name acme --team support --team data --into acme-skills
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.frame import describe_organisation, plan_frame, write_frame

    organisation = describe_organisation(name, title, teams, owners)
    frame = plan_frame(organisation)
    written = sorted(frame.files) if dry_run else write_frame(frame, into)
    folders = sorted({path.split("/")[0] for path in written})
    verb = "would be written" if dry_run else "written"
    go_there = f"cd {into} && " if str(into) != "." else ""
    out.finish(
        {"folder": str(into), "files": written, "dry_run": dry_run},
        f"{len(written)} files {verb} in {into.resolve()}: {', '.join(folders)}",
        next_actions=()
        if dry_run
        else (f"{go_there}git init && git add -A", f"{go_there}skillway check", f"{go_there}skillway try"),
    )
