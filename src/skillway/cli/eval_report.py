"""`skillway eval report`: what the last run found, with the evidence, for people and for build servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from skillway.cli.eval_run import RESULTS, results_text
from skillway.cli.output import Output, json_option
from skillway.errors import NotFoundError

FORMATS = ("html", "junit", "sarif")
PAGE = Path(".skillway") / "evals" / "report.html"


@click.command("report")
@click.option("--format", "form", type=click.Choice(FORMATS), default="html", show_default=True, help="What to write.")
@click.option("--out", "target", type=click.Path(path_type=Path), help="File to write; - for stdout.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Results of another run.")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@json_option
@click.pass_obj
def command(out: Output, form: str, target: Path | None, source: Path | None, *, dry_run: bool) -> None:
    """Show the results of the last run: a page that needs no server, JUnit or SARIF.

    HTML goes to .skillway/evals/report.html, the others to stdout, unless --out says where.

    \b
    Example:
      skillway eval report
      skillway eval report --format junit --out eval.xml
      skillway eval report --format sarif
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.organisation import find_repository

    repository = find_repository(Path.cwd())
    data = read_results(source or repository / RESULTS)
    text = _render(data, form)
    place = target or (repository / PAGE if form == "html" else Path("-"))
    if str(place) == "-" and not out.wants_json:
        click.echo(text, nl=not text.endswith("\n"))
        return
    if not dry_run and str(place) != "-":
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    said = f"{'would write' if dry_run else 'wrote'} {place}"
    out.finish({**data, "file": None if str(place) == "-" else str(place)}, f"{results_text(data)}\n{said}")


def read_results(path: Path) -> dict[str, Any]:
    """Read what a run left.

    Raises:
        NotFoundError: There is no usable file.
    """
    from skillway_evals.reports.data import SCHEMA

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] == SCHEMA and isinstance(data["suites"], list):
            return dict(data)
        reason = f"its schema is {data['schema']!r}, and this skillway reads {SCHEMA}"
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise NotFoundError(
        f"There are no results to show in {path} ({reason}).",
        fix="Run the suites first; without a key, what is recorded is graded.",
        next_actions=("skillway eval run --replay",),
    )


def _render(data: dict[str, Any], form: str) -> str:
    if form == "html":
        from skillway_evals.reports.html import render_html

        return render_html(data)
    from skillway_evals.reports import servers

    return servers.render_junit(data) if form == "junit" else servers.render_sarif(data)
