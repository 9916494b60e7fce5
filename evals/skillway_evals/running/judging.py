"""What does the judge say of an answer, and may it be believed?

One call per criterion, two per pairwise question, canaries among them. What a verdict needs to count is in
`skillway_evals.judge`; asking and keeping is `ask`.
"""

from __future__ import annotations

import asyncio

from skillway_evals.judge import (
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

_CANARY_ANCHORS = {0: "it does not help with the task at all", 1: "it helps in part", 2: "it does the task"}
"""For the canary of a comparison, which has no anchors of its own."""


class Panel:
    """The judge of one run of one suite.

    Attributes:
        broken: Ids of canaries that passed; with one, none of the judge's verdicts count.
        keys: The keys of all its verdicts, with whether each is signed.
        usage: What each verdict took.
    """

    def __init__(self, asker: Asker, judge: JudgeChoice) -> None:
        self.judge = judge
        self.broken: list[str] = []
        self.keys: dict[str, bool] = {}
        self.usage: dict[str, Usage] = {}
        self._asker = asker
        self._calls = 0
        self._canaries: list[asyncio.Task[None]] = []

    async def score(self, criterion: Criterion, task: str, answer: str) -> GraderResult:
        """Judge one answer by one criterion.

        Raises:
            NotAskedError: The judge was not asked.
        """
        self._count_call(criterion, task)
        candidate = neutralise(answer)
        answered = await self._ask(make_prompt(criterion, task, candidate), "judge")
        if not answered.verdict.valid:
            return GraderResult(criterion.id, None, evidence=f"unscored: {reason_of(answered.verdict.body)}")
        try:
            verdict = read_answer(str(answered.verdict.body.get("text")), sorted(criterion.anchors))
        except UnscoredError as error:
            return GraderResult(criterion.id, None, evidence=f"unscored: {error}")
        return grade_answer(criterion, verdict, candidate)

    async def compare(self, grader: Grader, task: str, with_skill: str, without: str) -> GraderResult:
        """Compare the answer with the skill to the one without, in both orders.

        The result's score is 2 for a win, 1 for a tie, 0 for a loss; only a loss is no pass.

        Raises:
            NotAskedError: The judge was not asked.
        """
        question = str(grader.options["question"])
        self._count_call(Criterion(grader.id, question, _CANARY_ANCHORS), task)
        ours, other = neutralise(with_skill), neutralise(without)
        prompts = (make_pair_prompt(question, task, ours, other), make_pair_prompt(question, task, other, ours))
        replies = await asyncio.gather(*(self._ask(prompt, "pairwise") for prompt in prompts))
        try:
            first = _choice(replies[0], ours, other)
            second = _choice(replies[1], other, ours)
        except UnscoredError as error:
            return GraderResult(grader.id, None, must=grader.must, evidence=f"unscored: {error}")
        preference = combine(first, second)
        evidence = (
            f"{preference.value} over the answer without the skill; first order: {first.reason} second: {second.reason}"
        )
        return GraderResult(
            grader.id, preference is not Preference.LOSS, must=grader.must, score=_SCORES[preference], evidence=evidence
        )

    async def finish(self) -> None:
        """Wait for the canaries; then `broken` is known."""
        for result in await asyncio.gather(*self._canaries, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, NotAskedError):
                raise result

    def _count_call(self, criterion: Criterion, task: str) -> None:
        """Put a canary before the first call of every batch."""
        if self._calls % BATCH == 0:
            number = self._calls // BATCH
            self._canaries.append(asyncio.create_task(self._test(number, criterion, task)))
        self._calls += 1

    async def _test(self, number: int, criterion: Criterion, task: str) -> None:
        canaries = load_canaries()
        canary = canaries[number % len(canaries)]
        answered = await self._ask(make_prompt(criterion, task, neutralise(canary.text)), "canary")
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
