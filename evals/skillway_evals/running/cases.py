"""What comes of one run of one case?

Asks the agent or the Messages API, grades by code on what was kept, and lets the judge score the rubric. A run that
is no vote says why.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from skillway_evals.agent.arms import find_subject, lay_out_arm, loaded_subjects
from skillway_evals.agent.project import TooLargeError, changed_files, pack_project, unpack_project
from skillway_evals.agent.session import Assignment, Session, run_session
from skillway_evals.agent.transcript import Transcript
from skillway_evals.graders import Candidate, grade_by_code
from skillway_evals.graders.kinds import PAIRWISE
from skillway_evals.models.client import ModelRequest
from skillway_evals.outcome import GraderResult, RunResult, Usage
from skillway_evals.running.ask import Answered, Asker, Body, NotAskedError, need_agent, reason_of
from skillway_evals.running.judging import Panel
from skillway_evals.running.keys import case_key, find_key
from skillway_evals.running.prices import agent_worst_usd, session_usage
from skillway_evals.running.settings import Settings
from skillway_evals.suite import Arm, Case, Criterion, Runner, Suite
from skillway_evals.telemetry import tell_verdict

MESSAGES_MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class CaseSlot:
    """One run of one case. `key` is its content hash, `skill` the name that the skill has in that run."""

    suite: Suite
    case: Case
    arm: Arm
    repeat: int
    key: str
    skill: str


@dataclass(frozen=True, slots=True)
class GradedRun:
    """A run with what pairwise questions need of it: `answer` is the final text with the files that the run changed."""

    slot: CaseSlot
    result: RunResult
    answer: str
    signed: bool


def case_slots(settings: Settings, suite: Suite) -> list[CaseSlot]:
    """List the runs of a suite, drafts left out: repeat by repeat, so that a cap leaves whole rounds."""
    return [
        CaseSlot(
            suite, case, arm, repeat, *find_key(settings, suite, partial(case_key, settings, suite, case, arm, repeat))
        )
        for repeat in range(suite.repeats)
        for case in suite.cases
        if not case.draft
        for arm in suite.arms
    ]


async def run_case(asker: Asker, slot: CaseSlot, panel: Panel | None) -> GradedRun:
    """Run and grade one slot.

    Raises:
        NotAskedError: It was not run.
    """
    answered = await _answer(asker, slot)
    if not answered.verdict.valid:
        return GradedRun(slot, _invalid(slot, answered), "", answered.verdict.signed)
    transcript, answer = _read(answered.verdict.body)
    fault = _offer_fault(slot, transcript)
    if fault:
        result = _invalid(slot, answered, fault)
        return GradedRun(slot, result, answer, answered.verdict.signed)
    results, judged_text = await grade_run(asker, slot, answered.verdict.body, transcript, answer)
    criteria = [slot.suite.rubric[name] for name in slot.case.criteria if name in slot.suite.rubric]
    judged = await asyncio.gather(*(_judge(panel, criterion, slot, judged_text) for criterion in criteria))
    result = RunResult(
        slot.case.id,
        slot.arm,
        slot.repeat,
        valid=True,
        results=(*results, *judged),
        usage=answered.usage,
        key=slot.key,
        provenance=answered.provenance,
    )
    tell_verdict(slot.suite.skill, asker.settings.model, result)
    return GradedRun(slot, result, judged_text, answered.verdict.signed)


async def grade_run(
    asker: Asker, slot: CaseSlot, body: Mapping[str, Any], transcript: Transcript | None, answer: str
) -> tuple[list[GraderResult], str]:
    """Grade by code what was kept of a run, in the order of the case; give also what a judge reads of it."""
    code = [grader for grader in slot.case.graders if grader.kind != PAIRWISE]
    skill_folder = find_subject(asker.settings.catalog, slot.suite.skill).skill.folder
    async with _kept_project(body) as project:
        candidate = Candidate(slot.case, answer, project, transcript, slot.suite.folder, skill_folder)
        if any(grader.kind in ("command", "script") for grader in code):
            results = await asyncio.to_thread(lambda: [grade_by_code(grader, candidate) for grader in code])
        else:
            results = [grade_by_code(grader, candidate) for grader in code]
        return results, answer if project is None else answer + changed_files(slot.case, project)


async def read_judged(case: Case, body: Mapping[str, Any]) -> str:
    """Give what a judge reads of a recorded run: the final text, with the files that the run changed."""
    _, answer = _read(body)
    async with _kept_project(body) as project:
        return answer if project is None else answer + changed_files(case, project)


async def _judge(panel: Panel | None, criterion: Criterion, slot: CaseSlot, answer: str) -> GraderResult:
    if panel is None:
        return GraderResult(criterion.id, None, evidence="not run: no judge was asked")
    try:
        return await panel.score(criterion, slot.case.prompt, answer)
    except NotAskedError as error:
        return GraderResult(criterion.id, None, evidence=f"not run: {error}")


async def _answer(asker: Asker, slot: CaseSlot) -> Answered:
    if slot.suite.runner is Runner.MESSAGES:
        return await asker.ask_model(_messages_request(asker, slot), "run", _accept)
    need_agent(asker, slot.key)
    worst = agent_worst_usd(asker.settings, slot.suite.limits.max_turns)
    return await asker.answer(slot.key, "run", worst, lambda: _agent_attempt(asker, slot, worst), is_session=True)


def _messages_request(asker: Asker, slot: CaseSlot) -> ModelRequest:
    """Make the request of a case whose answer is text: the skills stand in the system prompt, the files in the turn."""
    subjects = loaded_subjects(asker.settings.catalog, slot.suite, slot.arm, with_siblings=False)
    skills = [f'<skill name="{one.name}">\n{one.skill.body.strip()}\n</skill>' for one in subjects]
    system = "You have these skills. Use one where it fits the request.\n\n" + "\n\n".join(skills) if skills else ""
    files = [
        f'<file path="{path}">\n{file.read_text(encoding="utf-8", errors="replace")}\n</file>'
        for path, file in slot.case.files.items()
    ]
    prompt = "\n\n".join([*files, slot.case.prompt])
    return ModelRequest(slot.key, asker.settings.model, system, prompt, MESSAGES_MAX_TOKENS)


def _accept(_text: str) -> None:
    """Take any text: graders say what it is worth."""


async def _agent_attempt(asker: Asker, slot: CaseSlot, worst_usd: float) -> tuple[Body, float | None]:
    agent = asker.means.agent
    assert agent is not None
    suite, case = slot.suite, slot.case
    with tempfile.TemporaryDirectory(prefix="skillway-arm-", ignore_cleanup_errors=True) as folder:
        plugins = await asyncio.to_thread(lay_out_arm, asker.settings.catalog, suite, slot.arm, Path(folder))
        assignment = Assignment(
            case.prompt,
            plugin_dirs=tuple(plugins),
            files=case.files,
            setup=case.setup,
            tools=suite.tools,
            limits=suite.limits,
            max_usd=worst_usd or None,
            suite_folder=suite.folder,
        )
        async with run_session(agent, assignment) as session:
            usage = session_usage(asker.settings, session.transcript)
            body = await asyncio.to_thread(session_body, session, usage)
            fault = "" if session.fault else _offer_fault(slot, session.transcript)
    if fault:  # kept as an attempt, not as an answer: on another machine the same run may be right
        body |= {"valid": False, "reason": fault, "final": True}
    return body, usage.cost_usd


def session_body(session: Session, usage: Usage) -> Body:
    """Give what is kept of a session."""
    body: Body = {
        "valid": not session.fault,
        "reason": session.fault,
        "events": session.transcript.kept(),
        "usage": asdict(usage),
    }
    try:
        body["project"] = pack_project(session.project)
    except (TooLargeError, OSError) as error:
        body["project_fault"] = str(error)
    return body


def _read(body: Mapping[str, Any]) -> tuple[Transcript | None, str]:
    if isinstance(body.get("events"), list):
        transcript = Transcript(body["events"])
        return transcript, transcript.answer
    return None, str(body.get("text", ""))


def _offer_fault(slot: CaseSlot, transcript: Transcript | None) -> str:
    """Say what is wrong with what the session was offered: a skill that is not there was not tried."""
    if transcript is None:
        return ""
    is_offered = slot.skill in transcript.offered
    if slot.arm is Arm.NONE and is_offered:
        return f"the session without the skill was offered {slot.skill}; this machine's own settings load it"
    if slot.arm is not Arm.NONE and not is_offered:
        return f"the session was not offered {slot.skill}"
    return ""


def _invalid(slot: CaseSlot, answered: Answered, fault: str = "") -> RunResult:
    reason = fault or reason_of(answered.verdict.body)
    return RunResult(
        slot.case.id, slot.arm, slot.repeat, valid=False, reason=reason, usage=answered.usage, key=slot.key,
        provenance=answered.provenance,
    )  # fmt: skip


@asynccontextmanager
async def _kept_project(body: Mapping[str, Any]) -> AsyncIterator[Path | None]:
    """Give the project folder as it was kept, or None; live and replayed runs are graded on the same bytes."""
    packed = body.get("project")
    if not isinstance(packed, str):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="skillway-project-", ignore_cleanup_errors=True) as folder:
        try:
            await asyncio.to_thread(unpack_project, packed, Path(folder))
        except ValueError:
            yield None
            return
        yield Path(folder)
