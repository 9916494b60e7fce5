"""`skillway eval import`: a suite from an evals.json of the skill-creator."""

from __future__ import annotations

from pathlib import Path

import click

from skillway.cli.eval_new import finish_new_suite
from skillway.cli.output import Output, json_option

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("import")
@click.argument("skill", metavar="PLUGIN:SKILL")
@click.argument("file", type=_FILE, metavar="EVALS.JSON")
@click.option("--triggers", type=_FILE, help="A JSON list of {query, should_trigger}.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
@click.pass_obj
def command(out: Output, skill: str, file: Path, triggers: Path | None, *, dry_run: bool) -> None:
    """Make a suite for PLUGIN:SKILL from an evals.json, the skill-creator's format.

    An expectation there is a sentence that a model judges, so it becomes a criterion of the rubric.

    \b
    Example:
      skillway eval import support:triage triage/evals/evals.json --triggers triggers.json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.organisation import find_repository
    from skillway_evals.interchange import import_evals

    repository = find_repository(Path.cwd())
    finish_new_suite(out, import_evals(file, skill, triggers), repository, dry_run=dry_run, words="imported")
