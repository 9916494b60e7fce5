"""`skillway eval lint`: would a suite measure what it says, before any money is spent?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option
from skillway.errors import EXIT_FINDINGS, NotFoundError

if TYPE_CHECKING:
    from skillway_evals.lint import Finding


@click.command("lint")
@click.argument("suites", nargs=-1, metavar="[SKILL|FOLDER]...")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@json_option
@click.pass_context
def command(context: click.Context, suites: tuple[str, ...], *, strict: bool) -> None:
    """Find what would make a suite worthless as evidence: leading prompts, answers in prompts, idle passes and more.

    Looks at all suites of the repository, or at those that are named (plugin:skill, or a folder). Nothing is run.
    Exit code 5 when there are errors.

    \b
    Example:
      skillway eval lint
      skillway eval lint support:escalation-summary --strict
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.catalog import load_catalog
    from skillway.organisation import find_repository, load_organisation
    from skillway_evals.lint import Severity, lint_repository

    out: Output = context.obj
    repository = find_repository(Path.cwd())
    catalog = load_catalog(repository, load_organisation(repository))
    findings, count = lint_repository(repository, catalog, tuple(suite_folder(repository, name) for name in suites))
    if not count:
        raise NotFoundError(
            f"There is no eval suite in {repository}.",
            fix="Start one for a skill.",
            next_actions=("skillway eval new PLUGIN:SKILL",),
        )
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    failed = bool(findings if strict else errors)
    out.finish(_data(findings, count, repository), _text(findings, count, repository), ok=not failed)
    if failed:
        context.exit(EXIT_FINDINGS)


def suite_folder(repository: Path, name: str) -> Path:
    """Find a suite by its skill's name (`plugin:skill`) or its folder.

    Raises:
        NotFoundError: There is none.
    """
    from skillway_evals.suite_files import SUITES

    plugin, colon, skill = name.partition(":")
    folder = repository / SUITES / plugin / skill if colon else Path(name).absolute()
    if not (folder / "suite.yaml").exists():
        raise NotFoundError(
            f"There is no eval suite for {name} ({folder} has no suite.yaml).",
            fix="Name a skill as plugin:skill, or start its suite.",
            next_actions=(f"skillway eval new {name}",) if colon else (),
        )
    return folder


def _data(findings: list[Finding], count: int, repository: Path) -> dict[str, Any]:
    shown = [{**asdict(one), "severity": one.severity.value, "file": _place(one.file, repository)} for one in findings]
    return {"suites": count, "findings": shown}


def _place(file: Path, repository: Path) -> str:
    return file.relative_to(repository).as_posix() if file.is_relative_to(repository) else str(file)


def _text(findings: list[Finding], count: int, repository: Path) -> str:
    lines = []
    for finding in findings:
        place = _place(finding.file, repository) + (f":{finding.line}" if finding.line else "")
        lines += [f"{place}: {finding.severity.value}: {finding.message} [{finding.rule}]", f"  fix: {finding.fix}"]
    errors = sum(finding.severity.value == "error" for finding in findings)
    suites = "1 suite" if count == 1 else f"{count} suites"
    lines.append(f"{suites}, errors: {errors}, warnings: {len(findings) - errors}")
    return "\n".join(lines)
