"""What did the judge say, and does its evidence exist?

A reply that is not exactly what was asked for is unscored, never a pass. A score above 0 needs a quote that stands
in the candidate's text, word for word; code looks for it. What the judge was told: `prompt`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from skillway_evals.judge.neutral import Neutral, neutralise
from skillway_evals.outcome import GraderResult
from skillway_evals.suite import Criterion

PASSING_SCORE = 2
"""Only a full score is a pass: 1 stands for `partly`, and a gate that took it would pass skills that half work."""
_SHORTEST_QUOTE = 8
"""Characters; a shorter quote is found in any text."""
_BLANKS = re.compile(r"\s+")


class UnscoredError(Exception):
    """The reply decides nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """A verdict as the judge gave it. `quote` is not yet checked."""

    score: int
    quote: str
    reason: str


def read_answer(text: str, scores: Sequence[int]) -> JudgeAnswer:
    """Read a reply strictly.

    Args:
        text: The reply, one JSON object and nothing else.
        scores: The scores that the criterion knows.

    Raises:
        UnscoredError: It is anything else.
    """
    try:
        content = json.loads(text, object_pairs_hook=_without_duplicates)
    except ValueError as error:
        raise UnscoredError(f"the judge's reply is no JSON ({error})") from error
    if not isinstance(content, dict) or set(content) != {"reason", "quote", "score"}:
        raise UnscoredError("the judge's reply has other fields than reason, quote and score")
    score, quote, reason = content["score"], content["quote"], content["reason"]
    if isinstance(score, bool) or not isinstance(score, int) or score not in scores:
        raise UnscoredError(f"the judge's score is {score!r}, and the rubric knows {', '.join(map(str, scores))}")
    if not isinstance(quote, str) or not isinstance(reason, str):
        raise UnscoredError("the judge's reason or quote is no text")
    return JudgeAnswer(score, quote, reason)


def grade_answer(criterion: Criterion, answer: JudgeAnswer, candidate: Neutral) -> GraderResult:
    """Turn a verdict into a result, with its evidence checked against the text that the judge saw.

    A score above 0 whose quote is not there is no result: `passed` is None. A 0 stays a 0 without evidence,
    because nobody gains by inventing one.
    """
    found = has_quote(candidate.text, answer.quote)
    notes = "".join(f" [{finding}]" for finding in candidate.findings)
    if answer.score > 0 and not found:
        evidence = (
            f"unscored: the judge gave {answer.score} and quoted what is not in the answer: {answer.quote!r:.200}"
        )
        return GraderResult(criterion.id, None, evidence=evidence + notes)
    quote = f'"{answer.quote}": ' if answer.quote and found else ""
    return GraderResult(
        criterion.id, answer.score >= PASSING_SCORE, score=answer.score, evidence=f"{quote}{answer.reason}{notes}"
    )


def has_quote(text: str, quote: str) -> bool:
    """Tell whether a quote stands in a text, blanks aside; a judge writes a line break as a blank."""
    wanted = _BLANKS.sub(" ", neutralise(quote).text).strip()
    return len(wanted) >= min(_SHORTEST_QUOTE, max(1, len(text.strip()))) and wanted in _BLANKS.sub(" ", text)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that is given twice: the last one would win unseen."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a field is given twice")
    return content
