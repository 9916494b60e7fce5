"""`skillway eval plan`: what a run would ask, what is known already, and what the rest would cost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway_evals.running.frame import Frame, Options
    from skillway_evals.running.plan import SuitePlan

F = TypeVar("F", bound=Callable[..., Any])


def choice_options(function: F) -> F:
    """Add what plan, run and report share: suites, model, judge, client, prices and keys."""
    path = click.Path(path_type=Path)
    for option in (
        click.option("--keys", type=path, help="Folder of trusted public keys; evals/keys by default."),
        click.option("--prices", type=path, help="Price file (YAML); the package's own by default."),
        click.option("--client", help="Claude Code client: path or name; SKILLWAY_EVAL_CLIENT, else claude on PATH."),
        click.option("--judge", help="Judge below evals/judges, or a model's name.  [default: claude-opus-4-8]"),
        click.option("--model", help="Model that answers.  [default: claude-sonnet-5]"),
        click.argument("names", nargs=-1, metavar="[SUITE]..."),
    ):
        function = option(function)
    return function


def chosen(names: tuple[str, ...], values: dict[str, Any]) -> Options:
    """Turn what click gives into options; what was not given keeps its default."""
    from skillway_evals.running.frame import Options

    return Options(names=names, **{name: value for name, value in values.items() if value is not None})


def frame_of(options: Options) -> Frame:
    """Plan in the repository that the caller is in."""
    from skillway.organisation import find_repository
    from skillway_evals.running.frame import make_frame

    return make_frame(find_repository(Path.cwd()), options, os.environ)


@click.command("plan")
@choice_options
@json_option
@click.pass_obj
def command(out: Output, /, names: tuple[str, ...], **values: Any) -> None:  # noqa: ANN401 - click's values
    """Say what a run of the suites would ask and cost. Nothing is asked.

    SUITE is plugin:skill, a skill's name, or a suite's folder; without it, all suites of the repository.

    \b
    Example:
      skillway eval plan
      skillway eval plan support:escalation-summary --model claude-haiku-4-5
    """  # noqa: D301 - click's mark for "do not re-wrap"
    frame = frame_of(chosen(names, values))
    for problem in frame.settings.store.problems:
        out.warn(problem)
    actions = [f"skillway eval run {' '.join(names)}".strip()] if any(plan.new for plan in frame.plans) else []
    out.finish(plan_data(frame), plan_text(frame), next_actions=actions)


def plan_data(frame: Frame) -> dict[str, Any]:
    """Give the plan as JSON values."""
    settings = frame.settings
    return {
        "model": settings.model,
        "judge": settings.judge.label if settings.judge else None,
        "judge_standing": settings.judge.standing if settings.judge else None,
        "client": settings.client_version or None,
        "prices": settings.prices.date,
        "estimate_usd": total_usd(frame.plans),
        "suites": [
            {
                "skill": plan.suite.skill,
                "runs": len(plan.cases),
                "triggers": len(plan.triggers),
                "recorded": plan.recorded,
                "new": plan.new,
                "judge_calls": plan.judge_calls,
                "estimate_usd": plan.estimate_usd,
            }
            for plan in frame.plans
        ],
    }


def plan_text(frame: Frame) -> str:
    """Show the plan to a person."""
    lines = []
    for plan in frame.plans:
        asked = f"{len(plan.cases)} runs, {len(plan.triggers)} trigger sessions, {plan.judge_calls} verdicts"
        lines.append(
            f"{plan.suite.skill}: {asked}; {plan.recorded} recorded, {plan.new} new: {money(plan.estimate_usd)}"
        )
    settings = frame.settings
    judge = f", judge {settings.judge.label}" if settings.judge else ", no judge needed"
    total = money(total_usd(frame.plans))
    if settings.judge:
        lines.append(f"the judge: {settings.judge.standing}")
    lines.append(f"together about {total} (model {settings.model}{judge}; prices of {settings.prices.date})")
    return "\n".join(lines)


def total_usd(plans: tuple[SuitePlan, ...]) -> float | None:
    """Add the estimates up; None as soon as one is not known."""
    costs = [plan.estimate_usd for plan in plans]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def money(usd: float | None) -> str:
    """Show an amount."""
    return "unknown, the model has no price" if usd is None else f"${usd:.2f}"
