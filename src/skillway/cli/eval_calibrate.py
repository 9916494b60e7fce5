"""`skillway eval calibrate`: hold a judge against people's labels, and admit it or say why not."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.eval_plan import money
from skillway.cli.output import Output, json_option, print_envelope
from skillway.errors import EXIT_OK, EXIT_UNDECIDED, UndecidedError

if TYPE_CHECKING:
    from skillway_evals.calibration import Calibration
    from skillway_evals.judge_scores import JudgeScores
    from skillway_evals.labels import Question
    from skillway_evals.running.frame import Frame


@click.command("calibrate")
@click.argument("judge")
@click.option(
    "--max-usd", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Spend no more than this."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 1000), default=8, show_default=True, help="Most requests under way."
)
@click.option("--replay", is_flag=True, help="Ask nothing; use what is recorded.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked, ask nothing and write nothing.")
@json_option
@click.pass_context
def command(ctx: click.Context, judge: str, max_usd: float, concurrency: int, *, replay: bool, dry_run: bool) -> None:
    """Let JUDGE score the texts that people labelled, and write CALIBRATION.json beside it.

    A judge gates only when it is admitted: 100 labelled texts, 30 of them by two people, the lower bound of kappa at
    0.6, and no dimension's bias beyond 0.1. Exit code 0 when it is, 3 when it is not or that cannot be said.

    \b
    Example:
      skillway eval calibrate pr-description --max-usd 5
      skillway eval calibrate pr-description --replay
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.organisation import find_repository
    from skillway_evals.calibration import calibrate, write_calibration
    from skillway_evals.judge_scores import estimate_usd, find_rated_judge, rated_questions
    from skillway_evals.labels import judge_folder, open_labels

    out: Output = ctx.obj
    repository = find_repository(Path.cwd())
    folder = judge_folder(repository, judge)
    book = open_labels(folder)
    if book.unreadable:
        out.warn(f"{book.unreadable} lines of the labels cannot be read and do not count.")
    choice, identity = find_rated_judge(repository, judge)
    frame = _frame(repository, replay=replay)
    questions = rated_questions(book)
    cost = estimate_usd(frame.settings, choice, len(questions))
    if dry_run:
        out.finish(
            {"questions": len(questions), "estimate_usd": cost},
            f"{len(questions)} questions, at most about {money(cost)}.",
        )
        return
    if not questions:
        raise UndecidedError(
            f"Nobody has labelled a text for {judge}.",
            fix="Let two people rate the texts.",
            next_actions=(f"skillway eval label {judge} --rater NAME",),
        )
    if frame.api_key:
        frame.settings.prices.need(choice.model)
    scores = _score(out, frame, questions, judge, max_usd, concurrency)
    _need_whole(scores, judge, cost)
    found = calibrate(
        identity, [*book.labels, *scores.labels], datetime.now(timezone.utc).date(), unscored=scores.unscored
    )
    path = write_calibration(folder, found)
    _tell(ctx, out, found, judge, path.relative_to(repository))


def _frame(repository: Path, *, replay: bool) -> Frame:
    """Put together what asking needs; no suite is planned."""
    from skillway.catalog import load_catalog
    from skillway.organisation import load_organisation
    from skillway_evals.promotion.evidence import Evidence
    from skillway_evals.running.frame import KEY_VARIABLE, URL_VARIABLE, Frame
    from skillway_evals.store import Signer

    evidence = Evidence(repository, load_catalog(repository, load_organisation(repository)))
    key = "" if replay else os.environ.get(KEY_VARIABLE, "")
    url = os.environ.get(URL_VARIABLE) or None
    return Frame(evidence.settings([]), (), (), None, key, url, Signer.from_environment(os.environ))


def _score(
    out: Output, frame: Frame, questions: list[Question], name: str, max_usd: float, concurrency: int
) -> JudgeScores:
    from skillway_evals.judge_scores import find_rated_judge

    judge, _ = find_rated_judge(frame.settings.repository, name)
    with ExitStack() as stack:
        bar = iter(stack.enter_context(out.progress(range(len(questions)), label="Judging", length=len(questions))))

        def on_slot() -> None:
            next(bar, None)

        async def ask() -> JudgeScores:
            from skillway.cli.eval_run import answering_client
            from skillway_evals.judge_scores import score_texts
            from skillway_evals.money import Budget
            from skillway_evals.running.settings import Means
            from skillway_evals.store import Journal

            head = {"judge": judge.label}
            async with Journal(frame.settings.store.folder, signer=frame.signer, head=head) as journal:
                client = answering_client(frame, journal, concurrency)
                kept = journal if frame.api_key else None
                means = Means(client, Budget(max_usd), kept, concurrency=concurrency, on_slot=on_slot)
                try:
                    return await score_texts(frame.settings, means, judge, questions)
                finally:
                    await client.close()

        return asyncio.run(ask())


def _need_whole(scores: JudgeScores, judge: str, cost: float | None) -> None:
    """Refuse to calibrate on a part: what was left out may be what is hard."""
    again = (f"skillway eval calibrate {judge}",)
    if scores.broken:
        raise UndecidedError(
            f"The judge {judge} passed the canary {scores.broken[0]}: it obeys texts that it should only read.",
            fix="Choose another model or mend its prompt; nothing was written.",
        )
    if scores.missing:
        why = "; ".join(f"{count} not run: {reason}" for reason, count in scores.missing.items())
        raise UndecidedError(
            f"The judge {judge} did not score everything that people labelled ({why}).",
            fix=f"Set ANTHROPIC_API_KEY, or raise --max-usd; all of it takes about {money(cost)}. Nothing was written.",
            next_actions=again,
        )
    if scores.is_fake:
        raise UndecidedError(
            f"A scripted model answered for {judge}, so nothing is known of it.",
            fix="Unset ANTHROPIC_BASE_URL, which names an address on this machine; nothing was written.",
            next_actions=again,
        )


def _tell(ctx: click.Context, out: Output, found: Calibration, judge: str, path: Path) -> None:
    people = (
        "nobody rated twice" if found.people_alpha is None else f"people agree with {found.people_alpha:.2f} (alpha)"
    )
    lines = [
        f"{judge}: {'admitted' if found.is_admitted else 'not admitted; its numbers are advisory'}",
        f"  {found.texts} texts, {found.double} rated by two people; {people}",
        f"  judge and people: kappa {found.kappa:.2f}, at least {found.lower:.2f}",
    ]
    lines += [
        f"  {name}: kappa {report.kappa:.2f} (at least {report.lower:.2f}), bias {report.bias:+.2f}, {report.texts} texts"
        for name, report in found.dimensions.items()
    ]
    lines += [f"  {fault}" for fault in found.faults]
    lines.append(f"wrote {path.as_posix()}")
    data = {
        **asdict(found),
        "made_on": found.made_on.isoformat(),
        "admitted": found.is_admitted,
        "file": path.as_posix(),
    }
    code = EXIT_OK if found.is_admitted else EXIT_UNDECIDED
    actions = [] if found.is_admitted else [f"skillway eval label {judge} --rater NAME"]
    if out.wants_json:
        error = (
            {"code": "not_admitted", "message": found.faults[0], "fix": "See data.faults."} if found.faults else None
        )
        print_envelope(ok=not error, data=data, warnings=out.warnings, error=error, next_actions=actions)
    else:
        out.finish(data, "\n".join(lines), next_actions=actions)
    ctx.exit(code)
