"""What does a judge say of the texts that people rated?

Asks the judge as a run does, through the same prompt, fence, canaries, store and budget; what is recorded is not
asked again. Holding the scores against people's is `calibration`'s part.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from skillway_evals.calibration import Label
from skillway_evals.judge.canary import canaries_needed
from skillway_evals.labels import LabelBook, Question
from skillway_evals.outcome import GraderResult, Provenance
from skillway_evals.running.ask import Asker, NotAskedError
from skillway_evals.running.discover import find_judge, judge_identity
from skillway_evals.running.judging import Panel
from skillway_evals.running.prices import JUDGE_TYPICAL, typical_usd
from skillway_evals.running.settings import JudgeChoice, Means, Settings

JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """What a judge said.

    Attributes:
        labels: Its scores, with the rater `judge`.
        unscored: Answers that decided nothing.
        missing: Why questions were not asked, with how many.
        broken: Canaries that it passed; with one, no score counts.
        is_fake: Whether a scripted model answered any of them.
    """

    labels: tuple[Label, ...]
    unscored: int
    missing: dict[str, int]
    broken: tuple[str, ...]
    is_fake: bool


def find_rated_judge(repository: Path, name: str) -> tuple[JudgeChoice, str]:
    """Give a judge and its content hash as it stands; `labels.judge_folder` has to have found it."""
    judge = find_judge(repository, name)
    folder = repository / "evals" / "judges" / name
    return judge, judge_identity(folder, judge.model, judge.max_tokens)


def rated_questions(book: LabelBook) -> list[Question]:
    """List what at least one person rated, in the order of texts and rubric."""
    rated = {(label.item, label.dimension) for label in book.labels}
    every = (Question(text, criterion) for text in book.texts for criterion in book.criteria)
    return [one for one in every if (one.text.id, one.criterion.id) in rated]


def estimate_usd(settings: Settings, judge: JudgeChoice, questions: int) -> float | None:
    """Give about what that many questions take, US dollars; None for a model without a price."""
    each = typical_usd(settings, judge.model, JUDGE_TYPICAL)
    return None if each is None else each * (questions + canaries_needed(questions))


async def score_texts(settings: Settings, means: Means, judge: JudgeChoice, questions: list[Question]) -> JudgeScores:
    """Let the judge score texts, many at a time."""
    asker = Asker(settings, means)
    panel = Panel(asker, judge, [(one.criterion, one.text.task) for one in questions])
    missing: Counter[str] = Counter()

    async def score(question: Question) -> GraderResult | None:
        try:
            return await panel.score(question.criterion, question.text.task, question.text.text)
        except NotAskedError as error:
            missing[str(error)] += 1
            return None
        finally:
            means.on_slot()

    results = await asyncio.gather(*(score(question) for question in questions))
    await panel.finish()
    if panel.unwatched:
        missing["the canaries of the judge gave no answer"] = panel.unwatched
    labels = [
        Label(question.text.id, question.criterion.id, JUDGE, result.score)
        for question, result in zip(questions, results, strict=True)
        if result is not None and result.score is not None
    ]
    unscored = sum(result is not None and result.score is None for result in results)
    return JudgeScores(
        tuple(labels), unscored, dict(missing), tuple(panel.broken), _is_fake(settings, means, asker, panel)
    )


def _is_fake(settings: Settings, means: Means, asker: Asker, panel: Panel) -> bool:
    known = [settings.store.find(key, signed_only=settings.signed_only) for key in panel.keys]
    recorded = any(verdict is not None and verdict.provenance == Provenance.FAKE.value for verdict in known)
    return recorded or (bool(asker.asked) and means.client.provenance is Provenance.FAKE)
