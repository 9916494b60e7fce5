"""How are planned suites run?

All suites at once, each slot as soon as there is a place: run, grade, judge, compare, and put together what is
known. Where money, key or client end, what was not run stays not run. Deciding is the gate's part.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
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
from skillway_evals.suite import Arm, Grader

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
            and not self.missing
            and not any(one.evidence.startswith("not run") for run in result.runs for one in run.results)
        )


async def execute(settings: Settings, means: Means, plans: Sequence[SuitePlan]) -> list[SuiteReport]:
    """Run all plans together; their order stays.

    Raises:
        StoreError: The store took no more; what it took is kept.
    """
    asker = Asker(settings, means)
    reports = list(await asyncio.gather(*(_run_suite(asker, plan) for plan in plans)))
    if asker.failure is not None:
        raise asker.failure
    return reports


async def _run_suite(asker: Asker, plan: SuitePlan) -> SuiteReport:
    judge = asker.settings.judge
    panel = Panel(asker, judge, plan.questions) if judge is not None else None
    missing: Counter[str] = Counter()
    runs, votes = await asyncio.gather(
        asyncio.gather(*(_slot(asker, missing, run_case(asker, slot, panel)) for slot in plan.cases)),
        asyncio.gather(*(_slot(asker, missing, run_trigger(asker, slot)) for slot in plan.triggers)),
    )
    graded = await _compare(panel, [run for run in runs if run is not None])
    if panel is not None:
        await panel.finish()
        missing.update({"the canaries of the judge gave no answer": panel.unwatched} if panel.unwatched else {})
    recorded = await recorded_runs(asker, plan.suite)
    return _report(asker, plan, panel, graded, [vote for vote in votes if vote is not None], recorded, dict(missing))


async def _slot(asker: Asker, missing: Counter[str], work: Awaitable[T]) -> T | None:
    """Do a slot and tell that it is done; None, and the reason in `missing`, when it was not run."""
    try:
        return await work
    except NotAskedError as error:
        missing[str(error)] += 1
        return None
    finally:
        asker.means.on_slot()


async def _compare(panel: Panel | None, runs: list[GradedRun]) -> list[GradedRun]:
    """Answer pairwise questions: the run with the most of the plugin against the run without it, repeat by repeat."""
    groups: dict[tuple[str, int], dict[Arm, GradedRun]] = {}
    for run in runs:
        groups.setdefault((run.slot.case.id, run.slot.repeat), {})[run.slot.arm] = run
    compared = await asyncio.gather(*(_compare_group(panel, group) for group in groups.values()))
    done = {(id(run.slot), run.slot.arm): run for group in compared for run in group.values()}
    return [done[id(run.slot), run.slot.arm] for run in runs]


async def _compare_group(panel: Panel | None, group: dict[Arm, GradedRun]) -> dict[Arm, GradedRun]:
    """Compare the arms of one case and repeat; the run without the skill gets the mirrored result of the last arm."""
    base = group.get(Arm.NONE)
    for arm in (Arm.SKILL, Arm.PLUGIN):
        run = group.get(arm)
        if run is None or not run.result.valid:
            continue
        pairs = [grader for grader in run.slot.case.graders if grader.kind == PAIRWISE]
        both = await asyncio.gather(*(_compare_pair(panel, grader, run, base) for grader in pairs))
        group = {**group, arm: _with_results(run, [ours for ours, _ in both])}
        if base is not None and base.result.valid:
            group[Arm.NONE] = _with_results(base, [theirs for _, theirs in both])
    return group


async def _compare_pair(
    panel: Panel | None, grader: Grader, run: GradedRun, base: GradedRun | None
) -> tuple[GraderResult, GraderResult]:
    reason = "no judge was asked"
    if panel is not None:
        reason = "there is no valid run without the skill"
        if base is not None and base.result.valid:
            try:
                return await panel.compare(grader, run.slot.case.prompt, run.answer, base.answer)
            except NotAskedError as error:
                reason = str(error)
    undecided = GraderResult(grader.id, None, must=grader.must, evidence=f"not run: {reason}")
    return undecided, replace(undecided, must=False)


def _with_results(run: GradedRun, results: list[GraderResult]) -> GradedRun:
    return replace(run, result=replace(run.result, results=(*run.result.results, *results)))


def _report(
    asker: Asker,
    plan: SuitePlan,
    panel: Panel | None,
    graded: list[GradedRun],
    votes: list[TriggerVote],
    recorded: tuple[RunResult, ...],
    missing: dict[str, int],
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
        attempts={key: settings.store.looks(key) + asker.asked[key] for key in keys},
    )
    broken = tuple(panel.broken) if panel else ()
    return SuiteReport(plan, result, recorded, tuple(votes), missing, broken, total_usage(usages))


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
