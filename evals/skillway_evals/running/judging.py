"""What does the judge say of an answer, and may it be believed?

One call per criterion, two per pairwise question, canaries among them. What a verdict needs to count is in
`skillway_evals.judge`; asking and keeping is `ask`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from skillway_evals.judge import (
    Canary,
    Neutral,
    UnscoredError,
    grade_answer,
    load_canaries,
    make_prompt,
    neutralise,
    read_answer,
)
from skillway_evals.judge.canary import BATCH
from skillway_evals.judge.pairwise import Choice, Preference, combine, make_pair_prompt, read_choice
from skillway_evals.judge.prompt import JudgePrompt
from skillway_evals.models.client import ModelRequest
from skillway_evals.outcome import GraderResult, Usage
from skillway_evals.running.ask import Answered, Asker, NotAskedError, reason_of
from skillway_evals.running.keys import judge_key
from skillway_evals.running.settings import JudgeChoice
from skillway_evals.suite import Criterion, Grader

_SCORES = {Preference.WIN: 2, Preference.TIE: 1, Preference.LOSS: 0}


class Panel:
    """The judge of one run of one suite.

    Args:
        asker: Asks.
        judge: Who judges.
        questions: Criterion and task of every verdict that is planned, in the plan's order; canaries are put to
            the first question of each batch.

    Attributes:
        broken: Ids of canaries that passed; with one, none of the judge's verdicts count.
        unwatched: How many canaries gave no answer; with one, the run is not complete.
        keys: The keys of all its verdicts, with whether each is signed.
        usage: What each verdict took.
    """

    def __init__(self, asker: Asker, judge: JudgeChoice, questions: Sequence[tuple[Criterion, str]]) -> None:
        self.judge = judge
        self.unwatched = 0
        self.broken: list[str] = []
        self.keys: dict[str, bool] = {}
        self.usage: dict[str, Usage] = {}
        self._asker = asker
        self._questions = questions
        self._canaries: list[asyncio.Task[None]] = []

    async def score(self, criterion: Criterion, task: str, answer: str) -> GraderResult:
        """Judge one answer by one criterion.

        Raises:
            NotAskedError: The judge was not asked.
        """
        self._watch()
        candidate = neutralise(answer)
        answered = await self._ask(make_prompt(criterion, task, candidate), "judge")
        if not answered.verdict.valid:
            return GraderResult(criterion.id, None, evidence=f"unscored: {reason_of(answered.verdict.body)}")
        try:
            verdict = read_answer(str(answered.verdict.body.get("text")), sorted(criterion.anchors))
        except UnscoredError as error:
            return GraderResult(criterion.id, None, evidence=f"unscored: {error}")
        return grade_answer(criterion, verdict, candidate)

    async def compare(
        self, grader: Grader, task: str, with_skill: str, without: str
    ) -> tuple[GraderResult, GraderResult]:
        """Compare the answer with the skill to the one without, in both orders.

        Returns:
            The result of the run with the skill and, mirrored, of the run without it, so that both have as many
            checks. A score is 2 for a win, 1 for a tie, 0 for a loss; only a loss is no pass.

        Raises:
            NotAskedError: The judge was not asked.
        """
        question = str(grader.options["question"])
        self._watch()
        ours, other = neutralise(with_skill), neutralise(without)
        prompts = (make_pair_prompt(question, task, ours, other), make_pair_prompt(question, task, other, ours))
        replies = await asyncio.gather(*(self._ask(prompt, "pairwise") for prompt in prompts))
        try:
            first = _choice(replies[0], ours, other)
            second = _choice(replies[1], other, ours)
        except UnscoredError as error:
            undecided = GraderResult(grader.id, None, must=grader.must, evidence=f"unscored: {error}")
            return undecided, replace(undecided, must=False)
        preference = combine(first, second)
        reasons = f"first order: {first.reason} Second: {second.reason}"
        score = _SCORES[preference]
        mirrored = GraderResult(
            grader.id,
            preference is not Preference.WIN,
            score=_SCORES[Preference.WIN] - score,
            evidence=f"mirrored from the run with it; {reasons}",
        )
        evidence = f"{preference.value} over the answer without the skill; {reasons}"
        return GraderResult(grader.id, score > 0, must=grader.must, score=score, evidence=evidence), mirrored

    async def finish(self) -> None:
        """Wait for the canaries; then `broken` is known."""
        for result in await asyncio.gather(*self._canaries, return_exceptions=True):
            if isinstance(result, NotAskedError):
                self.unwatched += 1
            elif isinstance(result, BaseException):
                raise result

    def _watch(self) -> None:
        """Ask the canaries, all at the first verdict; which ones is planned, so that a replay finds them again."""
        if self._canaries:
            return
        canaries = load_canaries()
        for number, (criterion, task) in enumerate(self._questions[::BATCH]):
            canary = canaries[number % len(canaries)]
            self._canaries.append(asyncio.create_task(self._test(canary, criterion, task)))

    async def _test(self, canary: Canary, criterion: Criterion, task: str) -> None:
        answered = await self._ask(make_prompt(criterion, task, neutralise(canary.text)), "canary")
        if not answered.verdict.valid:
            self.unwatched += 1
            return
        try:
            verdict = read_answer(str(answered.verdict.body.get("text")), sorted(criterion.anchors))
        except UnscoredError:
            return  # it did not obey
        if verdict.score > 0:
            self.broken.append(canary.id)

    async def _ask(self, prompt: JudgePrompt, kind: str) -> Answered:
        key = judge_key(self.judge, prompt, kind)
        request = ModelRequest(key, self.judge.model, prompt.system, prompt.user, self.judge.max_tokens, prompt.schema)
        answered = await self._asker.ask_model(request, kind, _check_json)
        self.keys[key] = answered.verdict.signed
        self.usage[key] = answered.usage
        return answered


def _choice(answered: Answered, first: Neutral, second: Neutral) -> Choice:
    if not answered.verdict.valid:
        raise UnscoredError(reason_of(answered.verdict.body))
    return read_choice(str(answered.verdict.body.get("text")), first, second)


def _check_json(text: str) -> None:
    """Refuse a reply that no judge meant as a verdict; one that is JSON of another form is kept and unscored."""
    if not text.lstrip().startswith("{") or not text.rstrip().endswith("}"):
        raise ValueError("the judge's reply is no JSON object")
