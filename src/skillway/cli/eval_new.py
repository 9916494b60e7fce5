"""`skillway eval new`: a first suite for a skill, drafted from the author's own examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway_evals.suite_writing import NewSuite


@click.command("new")
@click.argument("skill", metavar="PLUGIN:SKILL")
@click.option(
    "--example",
    "examples",
    multiple=True,
    metavar="TEXT",
    help='What a user asks, as "PROMPT" or "PROMPT => what a good answer has"; once per example.',
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
@click.pass_obj
def command(out: Output, skill: str, examples: tuple[str, ...], *, dry_run: bool) -> None:
    """Draft an eval suite for PLUGIN:SKILL.

    Cases come from your examples, triggers from the descriptions of this skill and its neighbours. All of it is marked
    as a draft: read each entry, mend it, and take `draft: true` away. Nothing that exists is overwritten.

    \b
    Example:
      skillway eval new support:escalation-summary \\
        --example 'Sum this thread up for the network team => names the "first symptom"'
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.catalog import load_catalog
    from skillway.organisation import find_repository, load_organisation
    from skillway_evals.draft import draft_suite

    repository = find_repository(Path.cwd())
    catalog = load_catalog(repository, load_organisation(repository))
    finish_new_suite(out, draft_suite(skill, catalog, examples), repository, dry_run=dry_run)


def finish_new_suite(out: Output, new: NewSuite, repository: Path, *, dry_run: bool, words: str = "drafted") -> None:
    """Write a new suite, or say what would be written."""
    from skillway_evals.suite_writing import write_suite

    paths = new.paths(repository) if dry_run else write_suite(new, repository)
    names = [path.relative_to(repository).as_posix() for path in paths]
    counts = {
        "cases": len(new.files["cases"]["cases"]),
        "triggers": sum(len(entries) for entries in new.files.get("triggers", {}).values()),
    }
    done = "Would write" if dry_run else "Wrote"
    text = "\n".join(
        [f"{done} the suite of {new.skill}, {counts['cases']} cases and {counts['triggers']} triggers {words}:"]
        + [f"  {name}" for name in names]
    )
    data = {"skill": new.skill, "files": names, "written": not dry_run, **counts}
    out.finish(data, text, next_actions=[f"skillway eval lint {new.skill}"])
