"""What can code say of an answer?

One function for each kind of grader: `text` (the answer), `files` (the project folder), `programs` (commands and
scripts), `tools` (the transcript), `names` (invented names). Every result carries a fact that a person can check.
What only a model can say is `skillway_evals.judge`'s question.
"""

from __future__ import annotations

from skillway_evals.graders.candidate import Candidate, UndecidedGraderError
from skillway_evals.graders.kinds import CODE_KINDS, grade_by_code

__all__ = ["CODE_KINDS", "Candidate", "UndecidedGraderError", "grade_by_code"]
