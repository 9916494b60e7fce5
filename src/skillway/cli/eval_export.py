"""`skillway eval export`: a suite as an evals.json of the skill-creator."""

from __future__ import annotations

import json
from pathlib import Path

import click

from skillway.cli.eval_lint import suite_folder
from skillway.cli.output import Output, json_option
from skillway.errors import ConflictError


@click.command("export")
@click.argument("skill", metavar="PLUGIN:SKILL")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="An empty or new folder."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
@click.pass_obj
def command(out: Output, skill: str, output: Path, *, dry_run: bool) -> None:
    """Write the suite of PLUGIN:SKILL as evals.json and triggers.json, with its fixtures.

    What that format cannot say is told as a warning.

    \b
    Example:
      skillway eval export support:escalation-summary --output exported
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.organisation import find_repository
    from skillway_evals.interchange import export_evals
    from skillway_evals.suite_files import load_suite

    suite = load_suite(suite_folder(find_repository(Path.cwd()), skill))
    if output.exists() and any(output.iterdir()):
        raise ConflictError(f"The folder {output} is not empty.", fix="Name a new folder with --output.")
    evals, triggers, lost = export_evals(suite)
    for sentence in lost:
        out.warn(sentence)
    contents = {"evals.json": evals, "triggers.json": triggers}
    files = {f"files/{name}": path.read_bytes() for case in suite.cases for name, path in case.files.items()}
    files |= {
        name: (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode() for name, content in contents.items()
    }
    for name, data in () if dry_run else files.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(data)
    done = "Would write" if dry_run else "Wrote"
    text = f"{done} {len(evals['evals'])} cases and {len(triggers)} triggers to {output}."
    out.finish({"skill": skill, "files": sorted(files), "lost": lost, "written": not dry_run}, text)
