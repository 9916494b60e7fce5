"""What would a run ask, what is known already, and what would the rest cost?

Made before any money is spent; missing fixtures and unknown prices end it here. Doing it is `execute`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillway.errors import NotFoundError
from skillway_evals.graders.kinds import PAIRWISE
from skillway_evals.judge.canary import canaries_needed
from skillway_evals.running.cases import CaseSlot, case_slots
from skillway_evals.running.prices import AGENT_TYPICAL, JUDGE_TYPICAL, MESSAGE_TYPICAL, TRIGGER_TYPICAL, typical_usd
from skillway_evals.running.settings import Settings
from skillway_evals.running.triggers import TriggerSlot, trigger_slots
from skillway_evals.suite import Arm, Case, Criterion, Runner, Suite

_COMPARED = {0: "it does not help with the task at all", 1: "it helps in part", 2: "it does the task"}
"""Anchors of a canary put to the question of a comparison, which has none of its own."""


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """What one suite asks.

    Attributes:
        suite: The suite.
        cases: Its runs.
        triggers: Its trigger sessions.
        recorded: How many of both the store knows.
        questions: Criterion and task of every verdict that a judge would give; which of them are recorded is known
            only with the answers.
        estimate_usd: What the unknown rest would cost, or None when a model has no price.
    """

    suite: Suite
    cases: tuple[CaseSlot, ...]
    triggers: tuple[TriggerSlot, ...]
    recorded: int
    questions: tuple[tuple[Criterion, str], ...]
    estimate_usd: float | None

    @property
    def judge_calls(self) -> int:
        """How many verdicts a judge would give, canaries included."""
        return len(self.questions) + canaries_needed(len(self.questions))

    @property
    def new(self) -> int:
        """How many runs and sessions are not known yet."""
        return len(self.cases) + len(self.triggers) - self.recorded


def plan_suite(settings: Settings, suite: Suite) -> SuitePlan:
    """Plan one suite.

    Raises:
        NotFoundError: A fixture is missing, or the suite names a skill that is not there.
    """
    _need_fixtures(suite)
    cases, triggers = case_slots(settings, suite), trigger_slots(settings, suite)
    keys = [run.key for run in cases] + [session.key for session in triggers]
    known = {key for key in keys if settings.store.find(key, signed_only=settings.signed_only)}
    questions = planned_questions(cases)
    calls = len(questions) + canaries_needed(len(questions))
    new_cases = sum(slot.key not in known for slot in cases)
    new_triggers = sum(slot.key not in known for slot in triggers)
    share = new_cases / len(cases) if cases else 0.0
    return SuitePlan(
        suite,
        tuple(cases),
        tuple(triggers),
        recorded=len(cases) + len(triggers) - new_cases - new_triggers,
        questions=tuple(questions),
        estimate_usd=_estimate(settings, suite, new_cases, new_triggers, calls * share),
    )


def _estimate(settings: Settings, suite: Suite, cases: int, triggers: int, judge_calls: float) -> float | None:
    is_agent = suite.runner is Runner.AGENT
    typical = AGENT_TYPICAL if is_agent else MESSAGE_TYPICAL
    parts: list[tuple[float, float | None]] = [
        (cases, typical_usd(settings, settings.model, typical, is_session=is_agent))
    ]
    parts.append((triggers, typical_usd(settings, settings.model, TRIGGER_TYPICAL, is_session=True)))
    if settings.judge is not None:
        parts.append((judge_calls, typical_usd(settings, settings.judge.model, JUDGE_TYPICAL)))
    total = 0.0
    for count, usd in parts:
        if usd is None:
            return None
        total += count * usd
    return total


def planned_questions(slots: Sequence[CaseSlot]) -> list[tuple[Criterion, str]]:
    """List criterion and task of every verdict that these runs need; a comparison takes two, of runs with the skill."""
    questions = []
    for slot in slots:
        case, rubric = slot.case, slot.suite.rubric
        asked = [rubric[name] for name in case.criteria if name in rubric]
        if slot.arm is not Arm.NONE and Arm.NONE in slot.suite.arms:
            pairs = [grader for grader in case.graders if grader.kind == PAIRWISE]
            asked += [Criterion(pair.id, str(pair.options["question"]), _COMPARED) for pair in pairs for _ in range(2)]
        questions += [(criterion, case.prompt) for criterion in asked]
    return questions


def _need_fixtures(suite: Suite) -> None:
    for case in suite.cases:
        for path, file in case.files.items():
            if not file.is_file():
                raise _missing(suite, case, path)


def _missing(suite: Suite, case: Case, path: str) -> NotFoundError:
    return NotFoundError(
        f"{suite.folder / 'cases.yaml'}:{case.line}: the case {case.id} names the fixture {path}, which does not exist.",
        fix="Put the file there or take it out of the case; nothing was asked yet.",
    )
