"""How does a model judge an answer, when the answer may try to judge itself?

`neutral` takes hidden and role-like signs out of the candidate's text, `prompt` fences it, `answer` reads the
verdict and checks its evidence, `canary` holds texts that must never pass, `pairwise` compares in both orders.
"""

from __future__ import annotations

from skillway_evals.judge.answer import JudgeAnswer, UnscoredError, grade_answer, read_answer
from skillway_evals.judge.canary import Canary, load_canaries
from skillway_evals.judge.neutral import Neutral, neutralise
from skillway_evals.judge.prompt import JudgePrompt, make_prompt

__all__ = [
    "Canary",
    "JudgeAnswer",
    "JudgePrompt",
    "Neutral",
    "UnscoredError",
    "grade_answer",
    "load_canaries",
    "make_prompt",
    "neutralise",
    "read_answer",
]
