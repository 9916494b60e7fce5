"""How are planned suites run?

All suites at once, each slot as soon as there is a place: run, grade, judge, compare, and put together what is
known. Where money, key or client end, what was not run stays not run. Deciding is the gate's part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from skillway_evals.agent.arms import find_subject, skill_digest
from skillway_evals.graders.kinds import PAIRWISE
from skillway_evals.outcome import GraderResult, RunResult, SuiteResult, TriggerResult, Usage
from skillway_evals.running.ask import Asker, NotAskedError
from skillway_evals.running.cases import GradedRun, run_case
from skillway_evals.running.judging import Panel
from skillway_evals.running.plan import SuitePlan
from skillway_evals.running.recorded import recorded_runs
from skillway_evals.running.settings import Means, Settings
from skillway_evals.running.triggers import TriggerVote, run_trigger
from skillway_evals.suite import Arm

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What came of a suite, with what only a report shows.

    Attributes:
        plan: What was asked.
        result: For the gate.
        recorded: Code grades of recorded transcripts: for people, never evidence.
        votes: Every trigger session.
        missing: Why slots were not run, with how many.
        broken_canaries: Canaries that the judge passed.
        usage: What everything that counts took, whenever it was asked.
    """

    plan: SuitePlan
    result: SuiteResult
    recorded: tuple[RunResult, ...]
    votes: tuple[TriggerVote, ...]
    missing: dict[str, int]
    broken_canaries: tuple[str, ...]
    usage: Usage

    @property
    def complete(self) -> bool:
        """Whether everything was run and is a vote."""
        result = self.result
        votes = [fired for trigger in result.triggers for fired in trigger.fired]
        return (
            len(result.runs) == result.expected_runs
            and len(votes) == result.expected_triggers
            and all(run.valid for run in result.runs)
            and None not in votes
            and not any(one.evidence.startswith("not run") for run in result.runs for one in run.results)
        )


async def execute(settings: Settings, means: Means, plans: Sequence[SuitePlan]) -> list[SuiteReport]:
    """Run all plans together; their order stays."""
    asker = Asker(settings, means)
    return list(await asyncio.gather(*(_run_suite(asker, plan) for plan in plans)))


async def _run_suite(asker: Asker, plan: SuitePlan) -> SuiteReport:
    judge = asker.settings.judge
    panel = Panel(asker, judge) if judge is not None else None
    runs, votes = await asyncio.gather(
        asyncio.gather(*(_count(asker, run_case, slot, panel) for slot in plan.cases)),
        asyncio.gather(*(_count(asker, run_trigger, slot) for slot in plan.triggers)),
    )
    graded = await _compare(panel, [run for run in runs if run is not None])
    if panel is not None:
        await panel.finish()
    recorded = await recorded_runs(asker, plan.suite)
    return _report(asker, plan, panel, graded, [vote for vote in votes if vote is not None], recorded)


async def _count(asker: Asker, work: Callable[..., Awaitable[T]], *arguments: object) -> T:
    try:
        return await work(asker, *arguments)
    finally:
        asker.means.on_slot()


async def _compare(panel: Panel | None, runs: list[GradedRun]) -> list[GradedRun]:
    """Answer pairwise questions: each run with the skill against the run without it of the same repeat."""
    bases = {(run.slot.case.id, run.slot.repeat): run for run in runs if run.slot.arm is Arm.NONE and run.result.valid}

    async def compared(run: GradedRun) -> GradedRun:
        pairs = [grader for grader in run.slot.case.graders if grader.kind == PAIRWISE]
        base = bases.get((run.slot.case.id, run.slot.repeat))
        if not pairs or run.slot.arm is Arm.NONE or not run.result.valid:
            return run
        results: list[GraderResult] = []
        for grader in pairs:
            if panel is None or base is None:
                reason = "no judge was asked" if panel is None else "there is no valid run without the skill"
                results.append(GraderResult(grader.id, None, must=grader.must, evidence=f"not run: {reason}"))
                continue
            try:
                results.append(await panel.compare(grader, run.slot.case.prompt, run.answer, base.answer))
            except NotAskedError as error:
                results.append(GraderResult(grader.id, None, must=grader.must, evidence=f"not run: {error}"))
        return replace(run, result=replace(run.result, results=(*run.result.results, *results)))

    return list(await asyncio.gather(*(compared(run) for run in runs)))


def _report(
    asker: Asker,
    plan: SuitePlan,
    panel: Panel | None,
    graded: list[GradedRun],
    votes: list[TriggerVote],
    recorded: tuple[RunResult, ...],
) -> SuiteReport:
    settings, suite = asker.settings, plan.suite
    runs = [run.result for run in graded]
    if panel is not None and panel.broken:
        runs = [_without_belief(run, panel) for run in runs]
    keys = [run.key for run in runs] + [vote.slot.key for vote in votes] + list(panel.keys if panel else ())
    signed = (
        [run.signed for run in graded] + [vote.signed for vote in votes] + list(panel.keys.values() if panel else ())
    )
    usages = [run.usage for run in runs] + [vote.usage for vote in votes] + list(panel.usage.values() if panel else ())
    result = SuiteResult(
        skill=suite.skill,
        skill_digest=skill_digest(find_subject(settings.catalog, suite.skill))[:12],
        suite_digest=suite.digest,
        model=settings.model,
        runs=tuple(runs),
        triggers=_triggers(votes),
        expected_runs=len(plan.cases),
        expected_triggers=len(plan.triggers),
        judge=settings.judge.label if settings.judge and panel and panel.keys else "",
        judge_admitted=settings.judge is not None and settings.judge.admitted,
        signed=bool(signed) and all(signed),
        attempts={key: settings.store.attempts(key) + asker.asked[key] for key in keys},
    )
    broken = tuple(panel.broken) if panel else ()
    return SuiteReport(plan, result, recorded, tuple(votes), dict(asker.reasons), broken, total_usage(usages))


def _without_belief(run: RunResult, panel: Panel) -> RunResult:
    """Make a judged run invalid: its judge obeyed a text that it should only read."""
    if not any(result.score is not None for result in run.results):
        return run
    reason = f"the judge passed the canary {panel.broken[0]}, so none of its verdicts count"
    return replace(run, valid=False, reason=reason, results=())


def _triggers(votes: list[TriggerVote]) -> tuple[TriggerResult, ...]:
    by_id: dict[str, list[TriggerVote]] = {}
    for vote in votes:
        by_id.setdefault(vote.slot.trigger.id, []).append(vote)
    return tuple(
        TriggerResult(
            name, own[0].slot.trigger.should, tuple(vote.fired for vote in own), tuple(vote.slot.key for vote in own)
        )
        for name, own in by_id.items()
    )


def total_usage(usages: Sequence[Usage]) -> Usage:
    """Add usages up; the cost is None as soon as one is not known."""
    costs = [usage.cost_usd for usage in usages]
    known = [cost for cost in costs if cost is not None]
    return Usage(
        sum(usage.input_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
        sum(usage.cache_read_tokens for usage in usages),
        sum(usage.cache_write_tokens for usage in usages),
        sum(known) if len(known) == len(costs) else None,
    )
