"""What do code graders say of a transcript that a person put into the suite?

`transcripts/<case>.jsonl` is a recording of stream-json, `transcripts/<case>.files/` the project folder at its end
where there is one. That shows an author without a key whether the graders work; it is no evidence for a gate.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from skillway_evals.agent.arms import find_subject
from skillway_evals.agent.transcript import Transcript
from skillway_evals.graders import CODE_KINDS, Candidate, grade_by_code
from skillway_evals.outcome import Provenance, RunResult
from skillway_evals.running.ask import Asker
from skillway_evals.suite import Arm, Case, Suite

FOLDER = "transcripts"


async def recorded_runs(asker: Asker, suite: Suite) -> tuple[RunResult, ...]:
    """Grade every recording of a suite, in the order of its cases."""
    folder = suite.folder / FOLDER
    skill_folder = find_subject(asker.settings.catalog, suite.skill).skill.folder
    cases = [case for case in suite.cases if (folder / f"{case.id}.jsonl").is_file()]
    return tuple([await asyncio.to_thread(_grade, suite, case, folder, skill_folder) for case in cases])


def _grade(suite: Suite, case: Case, folder: Path, skill_folder: Path) -> RunResult:
    text = (folder / f"{case.id}.jsonl").read_text(encoding="utf-8", errors="replace")
    transcript = Transcript.decode(text)
    files = folder / f"{case.id}.files"
    candidate = Candidate(
        case,
        transcript.answer,
        files if files.is_dir() else None,
        transcript,
        suite.folder,
        skill_folder,
    )
    results = tuple(grade_by_code(grader, candidate) for grader in case.graders if grader.kind in CODE_KINDS)
    arm = Arm.SKILL if suite.skill in transcript.offered else Arm.NONE
    return RunResult(
        case.id,
        arm,
        0,
        valid=not transcript.fault,
        results=results,
        reason=transcript.fault,
        provenance=Provenance.RECORDED,
    )
