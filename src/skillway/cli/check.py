"""`skillway check`: what would reach a laptop broken, with the line and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option, print_envelope
from skillway.errors import EXIT_FINDINGS, NotFoundError

if TYPE_CHECKING:
    from skillway.catalog import Plugin
    from skillway.checks import Report
    from skillway.checks.fixes import Fix

FORMATS = ("text", "json", "sarif", "junit", "github")
_MANY_PLUGINS = 20


class PathOrSubcommand(click.Group):
    """A group whose first word is a subcommand when it is the name of one, and otherwise the folder to check."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the folder, if one is given, where the group's own option takes it."""
        rest = _with_range(args)
        given = list(rest)
        words = [position for position, word in enumerate(rest) if self._is_word(rest, position)]
        if words and rest[words[0]] not in self.commands:
            folder = rest.pop(words[0])
            rest = ["--folder", folder, *rest]
            if len(words) > 1:
                raise click.UsageError(f"One folder at a time, and {given[words[1]]!r} is a second one.", ctx)
        return super().parse_args(ctx, rest)

    def _is_word(self, args: list[str], position: int) -> bool:
        takes_value = {"--format", "--profile", "--folder", "--limit"}  # --changed has its value joined to it
        if args[position] == "--" or "--" in args[:position]:
            return args[position] != "--"
        return not args[position].startswith("-") and not (position and args[position - 1] in takes_value)


def _with_range(args: list[str]) -> list[str]:
    """Give `--changed` its range: the next word where that is one, as in `main..HEAD`, else the work tree."""
    rest: list[str] = []
    words = iter(args)
    for word in words:
        if word != "--changed":
            rest.append(word)
            continue
        following = next(words, None)
        is_range = following is not None and ".." in following.strip(".") and "/.." not in following
        rest.append(f"--changed={following if is_range else 'HEAD'}")
        if following is not None and not is_range:
            rest.extend(_with_range([following, *words]))
    return rest


@click.group(
    "check",
    cls=PathOrSubcommand,
    invoke_without_command=True,
    subcommand_metavar="[PATH] | explain RULE | rules",
)
@click.option("--folder", hidden=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option(
    "--profile",
    type=click.Choice(["claude-code", "portable"]),
    default="claude-code",
    show_default=True,
    help="portable adds what other agents and uploads refuse.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to show findings."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=100, show_default=True, help="Findings shown as text; 0 shows all."
)
@click.option("--no-cache", "cached", is_flag=True, default=True, flag_value=False, help="Check everything again.")
@click.option("--fix", "mends", is_flag=True, help="Mend what has one meaning: modes, BOM, line ends, misspelt keys.")
@click.option("--dry-run", is_flag=True, help="With --fix: show the diff and write nothing.")
@click.option(
    "--changed",
    metavar="[RANGE]",
    help="Show findings of plugins changed in RANGE, as in main..HEAD; without it, of what is not committed.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path | None,
    form: str,
    profile: str,
    limit: int,
    changed: str | None,
    *,
    strict: bool,
    cached: bool,
    mends: bool,
    dry_run: bool,
) -> None:
    """Find every fault that would reach a laptop.

    PATH is a repository, a plugin's folder or a skill's folder; without it, the repository that you are in. A folder
    that is called explain or rules is written ./explain.

    \b
    Example:
      skillway check
      skillway check skills/support --strict
      skillway check --format sarif > check.sarif
      skillway check --fix --dry-run
      skillway check --changed main..HEAD
      skillway check explain hook-command-form
    """  # noqa: D301 - click's mark for "do not re-wrap"
    if ctx.invoked_subcommand is not None:
        return
    from skillway.checks import ERROR, WARNING
    from skillway.checks.formats import render_github, render_sarif, render_text, summarise

    out: Output = ctx.obj
    if dry_run and not mends:
        raise click.UsageError("--dry-run is about --fix, which is not given.", ctx)
    cached = cached and not dry_run  # which writes nothing at all
    place = folder or _repository()
    report = _keep(_check(out, place, profile, cached=cached), changed)
    fixed: list[Fix] = []
    if mends:
        fixed = _mend(out, report, dry_run=dry_run)
        report = report if dry_run or not fixed else _keep(_check(out, place, profile, cached=cached), changed)
    failed = report.count(ERROR) > 0 or (strict and report.count(WARNING) > 0)
    if out.wants_json or form == "json":
        _print_json(report, failed=failed, summary=summarise(report), fixed=fixed)
    elif form == "sarif":
        click.echo(render_sarif(report))
    elif form == "junit":
        from skillway.checks.junit import render_junit

        click.echo(render_junit(report, strict=strict))
    elif form == "github":
        click.echo(render_github(report.findings), nl=bool(report.findings))
        out.say(summarise(report))
    else:
        click.echo(render_text(report, limit=limit))
        for action in _next_actions(report):
            click.echo(f"  next: {action}")
    if failed:
        ctx.exit(EXIT_FINDINGS)


def _repository() -> Path:
    from skillway.organisation import find_repository

    return find_repository(Path.cwd())


def _keep(report: Report, changed: str | None) -> Report:
    from skillway.checks.changed import keep_changed

    return report if changed is None else keep_changed(report, changed)


def _mend(out: Output, report: Report, *, dry_run: bool) -> list[Fix]:
    """Show what would be written, and write it unless that is all that was asked for."""
    from skillway.checks.fixes import apply_fixes, plan_fixes

    fixes = plan_fixes(report.root, report.findings)
    for fix in fixes:
        out.say(fix.diff())
    if not dry_run:
        apply_fixes(fixes)
    verb = "would be mended" if dry_run else "mended"
    out.say(f"{len(fixes)} {'file' if len(fixes) == 1 else 'files'} {verb}")
    return fixes


def _check(out: Output, folder: Path, profile: str, *, cached: bool) -> Report:
    from skillway.checks import check_path

    with ExitStack() as stack:
        advance: list[Callable[[], None]] = []

        def on_plugin(_plugin: Plugin) -> None:
            for step in advance:
                step()

        plugins = _plugin_folders(folder)
        if plugins > _MANY_PLUGINS:
            bar = iter(stack.enter_context(out.progress(range(plugins), label="Checking plugins", length=plugins)))
            advance.append(lambda: void(next(bar, None)))
        return check_path(folder, profile=profile, on_plugin=on_plugin, cached=cached)


def void(_value: object) -> None:
    """Drop a value."""


def _plugin_folders(folder: Path) -> int:
    """Count the folders of teams, to know whether a bar is worth showing."""
    try:
        return sum(1 for _ in (folder / "skills").iterdir())
    except OSError:
        return 0


def _next_actions(report: Report) -> list[str]:
    rules = dict.fromkeys(finding.rule for finding in report.findings)
    return [f"skillway check explain {rule}" for rule in list(rules)[:3]]


def _print_json(report: Report, *, failed: bool, summary: str, fixed: list[Fix]) -> None:
    from skillway.checks import ERROR, WARNING

    data = {
        "root": str(report.root),
        "findings": [finding.to_json() for finding in report.findings],
        "fixes": [{"file": fix.name, "rules": list(fix.rules)} for fix in fixed],
        "counts": {**report.counts, "errors": report.count(ERROR), "warnings": report.count(WARNING)},
    }
    fix = "Mend what the findings name; each says how."
    error = {"code": "findings", "message": f"{summary}.", "fix": fix} if failed else None
    print_envelope(ok=not failed, data=data, warnings=[], error=error, next_actions=_next_actions(report))


@command.command("explain")
@click.argument("rule")
@json_option
@click.pass_obj
def explain_rule(out: Output, rule: str) -> None:
    """Say what RULE asks for, why, and how good and bad look.

    \b
    Example:
      skillway check explain frontmatter-key-unknown
    """  # noqa: D301 - as above
    from dataclasses import asdict

    from skillway.checks import RULES
    from skillway.checks.guide import explain
    from skillway.checks.nearness import nearest

    if rule not in RULES:
        near = nearest(rule, RULES, cutoff=0.5)
        fix = f"Did you mean {near}? All rules: skillway check rules" if near else "See all rules: skillway check rules"
        actions = (f"skillway check explain {near}",) if near else ("skillway check rules",)
        raise NotFoundError(f"There is no rule {rule!r}.", fix=fix, next_actions=actions)
    out.finish(asdict(RULES[rule]), explain(RULES[rule]))


@command.command("rules")
@click.option("--markdown", is_flag=True, help="Print the guide, docs/guides/check.md.")
@json_option
@click.pass_obj
def list_all_rules(out: Output, *, markdown: bool) -> None:
    """List every rule with its severity.

    \b
    Example:
      skillway check rules
      skillway check rules --json
    """  # noqa: D301 - as above
    from dataclasses import asdict

    from skillway.checks import RULES
    from skillway.checks.guide import list_rules, render_guide

    if markdown and not out.wants_json:
        click.echo(render_guide(), nl=False)
        return
    out.finish([asdict(rule) for rule in RULES.values()], list_rules())
