"""`skillway eval compare`: may another model take over, by the pooled suites?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.eval_plan import money
from skillway.cli.output import Output, json_option, print_envelope
from skillway.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNDECIDED

if TYPE_CHECKING:
    from skillway_evals.model_change import ModelChange


@click.command("compare")
@click.argument("names", nargs=-1, metavar="[SUITE]...")
@click.option("--baseline", required=True, metavar="MODEL", help="The model in use.")
@click.option("--candidate", required=True, metavar="MODEL", help="The model that may take over.")
@click.option("--judge", help="Judge below evals/judges, or a model's name.  [default: claude-opus-4-8]")
@click.option("--keys", type=click.Path(path_type=Path), help="Folder of trusted public keys; evals/keys by default.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, names: tuple[str, ...], baseline: str, candidate: str, judge: str | None, keys: Path | None
) -> None:
    """Compare two models over the pooled suites, case by case, by what is recorded. Nothing is asked.

    The candidate is accepted when it is surely not worse by more than the margin and breaks no check that must hold.
    What is missing is named with the command that runs it and about what that costs. Exit code 0 when it is accepted, 3
    when that cannot be decided, 5 when it is refused.

    \b
    Example:
      skillway eval compare --baseline claude-sonnet-4-6 --candidate claude-sonnet-5
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.catalog import load_catalog
    from skillway.organisation import find_repository, load_organisation
    from skillway_evals.model_change import compare_models
    from skillway_evals.promotion.evidence import Evidence
    from skillway_evals.running.discover import find_suites
    from skillway_evals.running.frame import DEFAULT_JUDGE

    if baseline == candidate:
        raise click.UsageError("--baseline and --candidate are the same model.")
    out: Output = ctx.obj
    root = find_repository(Path.cwd())
    evidence = Evidence(root, load_catalog(root, load_organisation(root)), keys)
    for problem in evidence.store.problems:
        out.warn(problem)
    found = compare_models(evidence, find_suites(root, names), baseline, candidate, judge or DEFAULT_JUDGE)
    code = {"pass": EXIT_OK, "fail": EXIT_FINDINGS}.get(found.outcome.value, EXIT_UNDECIDED)
    actions = [one.command for one in found.missing]
    if out.wants_json:
        error = None
        if code != EXIT_OK:
            fix = "Run what is missing." if found.missing else "Read data.reasons."
            error = {"code": found.outcome.value.replace(" ", "_"), "message": found.reasons[0], "fix": fix}
        print_envelope(ok=not error, data=_data(found), warnings=out.warnings, error=error, next_actions=actions)
    else:
        out.finish(_data(found), _text(found, baseline, candidate), next_actions=actions)
    ctx.exit(code)


def _data(found: ModelChange) -> dict[str, Any]:
    return {
        **asdict(found),
        "outcome": found.outcome.value,
        "comparison": {**asdict(found.comparison), "outcome": found.comparison.outcome.value},
    }


def _text(found: ModelChange, baseline: str, candidate: str) -> str:
    compared = found.comparison
    words = {"pass": "accepted", "fail": "refused"}
    lines = [f"{candidate} in place of {baseline}: {words.get(found.outcome.value, found.outcome.value)}"]
    lines += [f"  {reason}" for reason in found.reasons]
    if compared.cases:
        bound = "" if compared.bound is None else f", at worst {compared.bound:+.1%} (95 % confidence)"
        lines.append(f"  {compared.cases} cases in both: mean difference {compared.difference:+.1%}{bound}")
        lines.append(f"  {_cost(compared.cost[baseline], compared.cost[candidate])}")
        lines.append(f"  suspects: {', '.join(compared.suspects) or 'none'}")
        lines += [f"  newly broken: {name}" for name in compared.broken]
    lines += [
        f"  not run: {one.skill} with {one.model}, {one.runs} runs, about {money(one.estimate_usd)}"
        for one in found.missing
    ]
    lines += [f"  left out: {skill} has no confirmed case" for skill in found.left_out]
    return "\n".join(lines)


def _cost(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return "cost per passed case: unknown for one of them"
    change = f" ({after / before - 1:+.0%})" if before else ""
    return f"cost per passed case: ${before:.4f} before, ${after:.4f} after{change}"
