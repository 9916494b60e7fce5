"""`skillway new`: a plugin or a skill that passes `skillway check` from its first minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.scaffold import Scaffold

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")


@click.group("new")
def command() -> None:
    """Start a plugin or a skill.

    Nothing that exists is overwritten.

    \b
    Example:
      skillway new plugin support
      skillway new skill support/ticket-triage --description "Use when new support tickets wait to be sorted."
    """  # noqa: D301 - click's mark for "do not re-wrap"


@command.command("plugin")
@click.argument("name")
@click.option(
    "--team", is_flag=True, help="NAME is a team (the default for every name but base-plugin and developer-tools)."
)
@click.option("--description", metavar="TEXT", help="One sentence for the catalogue.")
@click.option("--owner", metavar="@GROUP", help="Who reviews the team's skills. Default: @ORGANISATION/NAME.")
@_dry_run
@json_option
@click.pass_obj
def new_plugin(
    out: Output, name: str, description: str | None, owner: str | None, *, team: bool, dry_run: bool
) -> None:
    """Start the plugin NAME: base-plugin, developer-tools, or a team, which organisation.yaml then has too.

    \b
    Example:
      skillway new plugin data --description "Skills of the data team."
    """  # noqa: D301 - as above
    from skillway.organisation import FILE, find_repository, load_organisation
    from skillway.scaffold import LAYER_PLUGINS, Scaffold, ScaffoldError, plan_plugin, refuse_taken
    from skillway.teams import add_team, write_organisation

    if team and name in LAYER_PLUGINS:
        raise ScaffoldError(f"{name} is a layer and no team.", fix="Leave --team out, or choose a team's name.")
    repository = find_repository(Path.cwd())
    organisation = load_organisation(repository)
    scaffold = Scaffold(plan_plugin(name, organisation.title, description))
    refuse_taken(scaffold, repository)
    former = (repository / FILE).read_text(encoding="utf-8")
    is_team = name not in LAYER_PLUGINS
    changed = add_team(former, name, owner or f"@{organisation.name}/{name}") if is_team else former
    if not dry_run and changed != former:
        write_organisation(repository, changed)
    more = [FILE] if changed != former else []
    example = f"skillway new skill {name}/my-first-skill --description 'Use when …'"
    _finish(out, scaffold, repository, more=more, actions=[example, "skillway check"], dry_run=dry_run)


@command.command("skill")
@click.argument("place", metavar="PLUGIN/SKILL")
@click.option(
    "--description", required=True, metavar="TEXT", help="When to use it, in the words that a user would type."
)
@click.option("--script", is_flag=True, help="Add a script, started through skillway-run.")
@_dry_run
@json_option
@click.pass_obj
def new_skill(out: Output, place: str, description: str, *, script: bool, dry_run: bool) -> None:
    """Start a skill in PLUGIN, which is base-plugin, developer-tools or a team.

    \b
    Example:
      skillway new skill support/ticket-triage --description "Use when new support tickets wait to be sorted." --script
    """  # noqa: D301 - as above
    from skillway.organisation import find_repository
    from skillway.scaffold import ScaffoldError, plan_skill, require_plugin, skill_folder

    plugin, slash, skill = place.partition("/")
    if not slash:
        fix = "Name the plugin and the skill, as in support/ticket-triage."
        raise ScaffoldError(f"{place!r} names no plugin for the skill.", fix=fix)
    scaffold = plan_skill(plugin, skill, description, has_script=script)
    repository = find_repository(Path.cwd())
    require_plugin(repository, plugin)
    folder = skill_folder(plugin, skill)
    actions = [f"${{EDITOR:-vi}} {folder}/SKILL.md", f"skillway check {folder}", f"skillway try {plugin}/{skill}"]
    _finish(out, scaffold, repository, more=[], actions=actions, dry_run=dry_run)


def _finish(
    out: Output, scaffold: Scaffold, repository: Path, *, more: list[str], actions: list[str], dry_run: bool
) -> None:
    """Write, unless it is a dry run, and say what was or would be written."""
    from skillway.scaffold import refuse_taken, write_scaffold

    if dry_run:
        refuse_taken(scaffold, repository)
        written = sorted(scaffold.files)
    else:
        written = write_scaffold(scaffold, repository)
    data = {"repository": str(repository), "files": written, "changed": more, "dry_run": dry_run}
    lines = [f"{'would write' if dry_run else 'wrote'} {path}" for path in written]
    lines += [f"{'would add the team to' if dry_run else 'added the team to'} {path}" for path in more]
    out.finish(data, "\n".join(lines), next_actions=() if dry_run else actions)
