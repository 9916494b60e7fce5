"""`skillway eval run`: ask what is not known yet, grade everything, and say what was not run."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.eval_plan import choice_options, chosen, frame_of, money, plan_data, plan_text, total_usd
from skillway.cli.output import Output, json_option, print_envelope
from skillway.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNDECIDED

if TYPE_CHECKING:
    from skillway_evals.models import ModelClient
    from skillway_evals.running.execute import SuiteReport
    from skillway_evals.running.frame import Frame

RESULTS = Path(".skillway") / "evals" / "results.json"
"""Where a run leaves what `eval report` shows, below the repository."""


@click.command("run")
@choice_options
@click.option(
    "--max-usd", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Spend no more than this."
)
@click.option("--no-cap", is_flag=True, help="Spend without a limit; also for models without a price.")
@click.option(
    "--concurrency", type=click.IntRange(1, 1000), default=8, show_default=True, help="Most requests under way."
)
@click.option(
    "--sessions", type=click.IntRange(1, 100), default=2, show_default=True, help="Most agent sessions under way."
)
@click.option("--batch", is_flag=True, help="Ask through Message Batches: half the price, up to a day.")
@click.option("--replay", is_flag=True, help="Ask nothing; grade what is recorded.")
@click.option("--dry-run", is_flag=True, help="Show the plan and ask nothing.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    *,
    max_usd: float,
    no_cap: bool,
    concurrency: int,
    sessions: int,
    dry_run: bool,
    **values: Any,  # noqa: ANN401 - click's values
) -> None:
    """Run the suites: ask what is not recorded, grade by code and judge, keep every verdict.

    SUITE is plugin:skill, a skill's name, or a suite's folder; without it, all suites. What was asked once is never
    asked again, also after an interruption. Without ANTHROPIC_API_KEY only what is recorded is graded. Exit code 0
    when everything was run, 3 when something was not run or is invalid, 5 when a check that must hold did not.

    \b
    Example:
      skillway eval run
      skillway eval run support:escalation-summary --max-usd 5
      skillway eval run --replay --json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    out: Output = ctx.obj
    frame = frame_of(chosen(names, values))
    for problem in frame.settings.store.problems:
        out.warn(problem)
    cap = None if no_cap else max_usd
    if dry_run:
        out.finish(plan_data(frame), plan_text(frame))
        return
    if frame.api_key:
        _need_prices(frame, cap)
        out.say(f"About {money(total_usd(frame.plans))} to spend, {'no cap' if cap is None else f'cap ${cap:.2f}'}.")
    elif not values.get("replay"):
        out.warn("ANTHROPIC_API_KEY is not set: only what is recorded is graded, the rest is not run.")
    reports = _run(out, frame, cap, concurrency, sessions)
    _tell(ctx, out, frame, reports)


def _need_prices(frame: Frame, cap: float | None) -> None:
    """Refuse to start under a cap that cannot be kept."""
    if cap is None:
        return
    settings = frame.settings
    settings.prices.need(settings.model)
    if settings.judge is not None:
        settings.prices.need(settings.judge.model)


def _run(out: Output, frame: Frame, cap: float | None, concurrency: int, sessions: int) -> list[SuiteReport]:
    slots = sum(len(plan.cases) + len(plan.triggers) for plan in frame.plans)
    with ExitStack() as stack:
        bar = iter(stack.enter_context(out.progress(range(slots), label="Running", length=slots)))
        return asyncio.run(_run_async(frame, cap, concurrency, sessions, lambda: _step(bar)))


def _step(bar: Any) -> None:  # noqa: ANN401 - an iterator of the bar
    next(bar, None)


async def _run_async(
    frame: Frame, cap: float | None, concurrency: int, sessions: int, on_slot: Callable[[], None]
) -> list[SuiteReport]:
    from skillway_evals.money import Budget
    from skillway_evals.running.execute import execute
    from skillway_evals.running.settings import Means
    from skillway_evals.store import Journal

    settings = frame.settings
    head = {"client": settings.client_version, "model": settings.model}
    async with Journal(settings.store.folder, signer=frame.signer, head=head) as journal:
        client = answering_client(frame, journal, concurrency)
        means = Means(
            client=client,
            budget=Budget(cap),
            journal=journal if frame.api_key else None,
            agent=frame.agent(),
            concurrency=1_000_000 if settings.batch else concurrency,
            sessions=sessions,
            on_slot=on_slot,
        )
        try:
            return await execute(settings, means, frame.plans)
        finally:
            await client.close()


def answering_client(frame: Frame, journal: Any, concurrency: int) -> ModelClient:  # noqa: ANN401 - imported late
    """Choose who answers; the SDK is loaded only when something is asked."""
    from skillway_evals.models.lazy import LazyClient
    from skillway_evals.models.replay import ReplayClient

    if not frame.api_key:
        return ReplayClient()
    return LazyClient(lambda: _open_client(frame, journal, concurrency), provenance_of(os.environ))


def _open_client(frame: Frame, journal: Any, concurrency: int) -> ModelClient:  # noqa: ANN401 - imported late
    from skillway_evals.models.pacing import Pacer

    pacer, origin = Pacer(concurrency), provenance_of(os.environ)
    if frame.settings.batch:
        from skillway_evals.models.batch import BatchClient

        earlier = frame.settings.store.open_batches()
        return BatchClient(
            frame.api_key,
            pacer,
            base_url=frame.api_url,
            provenance=origin,
            note_batch=journal.note_batch,
            earlier=earlier,
        )
    from skillway_evals.models.live import LiveClient

    return LiveClient(frame.api_key, pacer, base_url=frame.api_url, provenance=origin)


def provenance_of(environment: Any) -> Any:  # noqa: ANN401 - as os.environ
    """Say what answers are worth: one from this machine's loopback is a scripted API's and never quality."""
    from urllib.parse import urlsplit

    from skillway_evals.outcome import Provenance

    host = urlsplit(environment.get("ANTHROPIC_BASE_URL", "")).hostname
    return Provenance.FAKE if host in ("127.0.0.1", "localhost", "::1") else Provenance.LIVE


def _tell(ctx: click.Context, out: Output, frame: Frame, reports: Sequence[SuiteReport]) -> None:
    from skillway_evals.reports.data import report_data

    settings = frame.settings
    data = report_data(reports, prices_date=settings.prices.date, store_problems=settings.store.problems)
    file = settings.repository / RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    keep_summary(settings.repository, reports)
    code, error = verdict_of(data)
    actions = ["skillway eval report"]
    if out.wants_json:
        print_envelope(ok=code == EXIT_OK, data=data, warnings=out.warnings, error=error, next_actions=actions)
    else:
        out.finish(data, results_text(data), next_actions=actions)
        if error:
            click.echo(f"error: {error['message']}\n  fix: {error['fix']}", err=True)
    ctx.exit(code)


def keep_summary(repository: Path, reports: Sequence[SuiteReport]) -> None:
    """Say for the catalogue what the gate says of each suite by the rules that it has without a promotion.yaml."""
    from skillway_evals.promotion.summary import summarise_reports, update_summary

    update_summary(repository, summarise_reports(reports))


def verdict_of(data: dict[str, Any]) -> tuple[int, dict[str, str] | None]:
    """Give the exit code and the error of a run: not run and invalid are never green."""
    suites = data["suites"]
    invalid = [s["skill"] for s in suites if s["broken_canaries"] or any(_invalid(s))]
    missing = [s["skill"] for s in suites if not s["complete"] and s["skill"] not in invalid]
    if invalid:
        message = f"Something of {', '.join(invalid)} is invalid: the infrastructure failed, not the skill."
        return EXIT_UNDECIDED, {"code": "invalid", "message": message, "fix": "Run it again; valid verdicts are kept."}
    if missing:
        why = dict.fromkeys(reason for s in suites for reason in s["missing"])
        message = f"Not everything of {', '.join(missing)} was run ({'; '.join(why) or 'see the results'})."
        fix = "Set ANTHROPIC_API_KEY and name a Claude Code client, or raise --max-usd; then run it again."
        return EXIT_UNDECIDED, {"code": "not_run", "message": message, "fix": fix}
    fake = [s["skill"] for s in suites if "fake" in s["provenance"]]
    if fake:
        message = f"A scripted model answered for {', '.join(fake)}, so nothing is known of the skill."
        fix = "Unset ANTHROPIC_BASE_URL, which names an address on this machine, and run it again."
        return EXIT_UNDECIDED, {"code": "fake", "message": message, "fix": fix}
    failed = [s["skill"] for s in suites if any(_must_failed(s))]
    if failed:
        message = f"A check that must hold did not, in {', '.join(failed)}."
        return EXIT_FINDINGS, {"code": "findings", "message": message, "fix": "Read the evidence: skillway eval report"}
    return EXIT_OK, None


def _invalid(suite: dict[str, Any]) -> list[bool]:
    runs = [not run["valid"] for case in suite["cases"] for run in case["runs"]]
    return runs + [None in trigger["fired"] for trigger in suite["triggers"]]


def _must_failed(suite: dict[str, Any]) -> list[bool]:
    """Look at the arms with the skill alone; without it a check may well fail, and that is the point."""
    results = [r for case in suite["cases"] for run in case["runs"] if run["arm"] != "none" for r in run["results"]]
    return [one["must"] and one["passed"] is False for one in results]


def results_text(data: dict[str, Any]) -> str:
    """Show results to a person, each with what it is worth."""
    lines = []
    for suite in data["suites"]:
        lines.append(f"{suite['skill']} with {suite['model']} ({suite['standing']})")
        lines += _figure_lines(suite)
        runs = sum(len(case["runs"]) for case in suite["cases"])
        sessions = sum(len(trigger["fired"]) for trigger in suite["triggers"])
        lines.append(
            f"  run: {runs} of {suite['expected_runs']} runs, {sessions} of {suite['expected_triggers']} trigger sessions"
        )
        lines += [f"  not run: {count} ({reason})" for reason, count in suite["missing"].items()]
        lines += [
            f"  the judge passed the canary {name}: its verdicts do not count" for name in suite["broken_canaries"]
        ]
        if suite["drafts"]:
            lines.append(f"  {suite['drafts']} drafts left out")
        if suite["recorded"]:
            passed = sum(run["passed"] is True for run in suite["recorded"])
            lines.append(f"  recorded transcripts, code graders alone: {passed} of {len(suite['recorded'])} pass")
    return "\n".join(lines)


def _figure_lines(suite: dict[str, Any]) -> list[str]:
    figures = suite["figures"]
    if figures is None:
        return ["  no figures are shown"]
    lines = [
        f"  {arm}: {values['cases_passed']} of {values['cases']} cases passed in every run"
        for arm, values in figures["arms"].items()
        if values["cases"]
    ]
    if figures["cost_usd"] is not None and lines:
        passed = figures["cost_per_passed_case_usd"]
        each = f"; per passed case {money(passed)}" if passed is not None else ""
        lines.append(f"  cost: {money(figures['cost_usd'])}, per case {money(figures['cost_per_case_usd'])}{each}")
    return lines
