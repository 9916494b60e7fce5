"""`skillway try`: the command's options and words. What a trial is stands in `skillway.trial`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.trial import Trial


_FOR_CLIENT = "skillway.try.arguments"


class PassingCommand(click.Command):
    """A command that keeps what follows `--` for another program; click alone would take the first for SKILL."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set aside what follows `--`, and parse the rest."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.meta[_FOR_CLIENT] = tuple(args[cut + 1 :])
        return super().parse_args(ctx, args[:cut])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show in the usage line that the client's arguments follow."""
        return [*super().collect_usage_pieces(ctx), "[-- CLIENT ARGUMENTS]"]


@click.command(name="try", cls=PassingCommand)
@click.argument("skill", required=False)
@click.option("--client", metavar="PATH", help="The client to start  [default: claude on PATH]")
@click.option("--print", "only_print", is_flag=True, help="Print the command and do not start it.")
@json_option
@click.pass_obj
def command(out: Output, skill: str | None, client: str | None, only_print: bool) -> None:
    """Start your client on the plugins as they stand here.

    Builds into .skillway/dev and starts Claude Code on it, with guard and usage hooks acting; nothing is installed.
    With SKILL (plugin/skill, or the skill's name) only its plugin and the base plugin are loaded. What follows --
    goes to the client.

    \b
    Example:
      skillway try create-pr
      skillway try developer-tools/create-pr --print
      skillway try -- -p "/developer-tools:create-pr"
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.organisation import find_repository, load_organisation
    from skillway.trial import prepare_trial, start_client

    arguments: tuple[str, ...] = click.get_current_context().meta[_FOR_CLIENT]
    repository = find_repository(Path.cwd())
    organisation = load_organisation(repository)
    trial = prepare_trial(
        repository, organisation, skill=skill, client=client, arguments=arguments, progress=out.progress
    )
    for warning in trial.warnings:
        out.warn(warning)
    if trial.client and not only_print and not out.wants_json:
        out.say(_starting(trial))
        sys.stdout.flush()
        sys.stderr.flush()
        start_client(trial)
    if trial.client is None:
        out.warn("No client was found on PATH, so nothing was started; install Claude Code or give --client PATH.")
    elif not out.wants_json:
        for line in _how(trial):
            out.say(line)
    out.finish(_data(trial), trial.line)


def _starting(trial: Trial) -> str:
    return "\n".join([f"Starting {trial.client} with {', '.join(trial.plugins)} from {trial.root}.", *_how(trial)])


def _how(trial: Trial) -> list[str]:
    return [f"Invoke the skill with: /{trial.skill}"] if trial.skill else []


def _data(trial: Trial) -> dict[str, Any]:
    return {
        "command": list(trial.command),
        "line": trial.line,
        "client": str(trial.client) if trial.client else None,
        "started": False,
        "root": str(trial.root),
        "settings": str(trial.settings),
        "plugins": {name: str(folder) for name, folder in trial.plugins.items()},
        "invoke": f"/{trial.skill}" if trial.skill else None,
    }
