"""What does a grader get to see?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway_evals.agent.transcript import ToolCall, Transcript
from skillway_evals.suite import Case

_SHOWN_CHARS = 160


class UndecidedGraderError(Exception):
    """The grader cannot say yes or no; the message says why. Never a pass, never a failure."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer with everything that graders look at.

    Attributes:
        case: What was asked.
        answer: The final text.
        project: The project folder at the end, or None when there was none or it was not kept.
        transcript: The session, or None when the Messages API answered.
        suite_folder: Where `graders/` lies.
        skill_folder: The skill's folder; what stands there is no invention.
    """

    case: Case
    answer: str
    project: Path | None = None
    transcript: Transcript | None = None
    suite_folder: Path | None = None
    skill_folder: Path | None = None

    def file(self, path: str) -> Path:
        """Give a place in the project folder; it need not exist.

        Raises:
            UndecidedGraderError: There is no project folder, or the path leads out of it.
        """
        if self.project is None:
            raise UndecidedGraderError("the run has no project folder to look into")
        place = self.project / path
        if not place.resolve().is_relative_to(self.project.resolve()):
            raise UndecidedGraderError(f"{path} leads out of the project folder")
        return place

    def read(self, path: str) -> str | None:
        """Read a file of the project folder, or None when there is none.

        Raises:
            UndecidedGraderError: As `file`, or it cannot be read.
        """
        place = self.file(path)
        if not place.is_file():
            return None
        try:
            return place.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise UndecidedGraderError(f"{path} cannot be read ({error.strerror})") from error

    def calls(self) -> tuple[ToolCall, ...]:
        """List the tool calls.

        Raises:
            UndecidedGraderError: There is no transcript.
        """
        if self.transcript is None:
            raise UndecidedGraderError("the run has no transcript")
        return self.transcript.calls()


Verdict = tuple[bool, str]
"""Whether it passed, and the fact that shows it."""
Options = Mapping[str, Any]


def shown(text: str, around: int = 0) -> str:
    """Give an excerpt for people, on one line."""
    start = max(0, around - _SHOWN_CHARS // 2)
    part = " ".join(text[start : start + _SHOWN_CHARS].split())
    return f"{'…' if start else ''}{part}{'…' if start + _SHOWN_CHARS < len(text) else ''}"
