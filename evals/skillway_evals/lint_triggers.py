"""Do the trigger prompts test the description, and where does the description look weak by words alone?

The ranking here is a lexical proxy. It shows prompts that share no word with the description, or more with another
skill's; it is never a recall, and no gate reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from skillway.catalog import Skill
from skillway_evals.lint import Finding, Severity, Subject
from skillway_evals.suite import Trigger
from skillway_evals.words import Bm25

LEAST = 8
ENOUGH = 10
WEAK_SHARE = 1 / 2
"""Of the prompts under `should`: people also ask in words that no description has, and a good suite holds such prompts."""
_SHOWN = 4
_NOT_FOR = re.compile(
    r"(?i)(?:^|(?<=[.;!?'\"]))\s*(?:not (?:for|to|when|if)|do not use|don't use|never use)\b[^.;]*[.;]?"
)
PROXY = "lexical proxy, not a measurement"


@dataclass(frozen=True, slots=True)
class Rank:
    """Where the skill's description stands for one prompt, by words: `rank` from 1, `ahead` the skill that beats it."""

    trigger: Trigger
    rank: int
    score: float
    ahead: str | None


def rank_triggers(subject: Subject) -> list[Rank]:
    """Rank the skill among all skills of the repository for each trigger prompt, by BM25 over descriptions."""
    if subject.skill is None:
        return []
    names = [subject.suite.skill, *(name for name, _ in subject.others)]
    index = Bm25([_described(subject.skill), *(_described(skill) for _, skill in subject.others)])
    ranks = []
    for trigger in subject.suite.triggers:
        scores = index.scores(trigger.prompt)
        better = [name for name, score in zip(names[1:], scores[1:], strict=True) if score > scores[0]]
        best = max(range(1, len(scores)), key=scores.__getitem__, default=0)
        ranks.append(Rank(trigger, len(better) + 1, scores[0], names[best] if better else None))
    return ranks


def _described(skill: Skill) -> str:
    """Give a skill's name and description without the sentences that say what it is not for: those words are a neighbour's."""
    return f"{skill.name.replace('-', ' ')} {_NOT_FOR.sub(' ', f'{skill.description} {skill.when_to_use}')}"


def find_few_triggers(subject: Subject) -> Iterator[Finding]:
    """Triggers are asked on both sides, often enough to tell a good description from a lucky one."""
    for should, name in ((True, "should"), (False, "should_not")):
        count = sum(trigger.should is should and not trigger.draft for trigger in subject.suite.triggers)
        if count < ENOUGH:
            severity = Severity.ERROR if count < LEAST else Severity.WARNING
            message = f"{count} confirmed prompts under {name}: {LEAST} is the least, {ENOUGH} is enough."
            fix = "Add prompts as different people would write them."
            yield Finding("triggers-few", severity, subject.file("triggers"), 0, message, fix)


def find_unknown_instead(subject: Subject) -> Iterator[Finding]:
    """A skill that should load instead exists, and is not the one under test."""
    known = {name for name, _ in subject.others}
    for trigger in subject.suite.triggers:
        if trigger.instead is not None and trigger.instead not in known:
            message = f"The prompt {trigger.id!r} should load {trigger.instead}, which is no other skill here."
            fix = "Name another skill of this repository as plugin:skill."
            yield Finding("instead-missing", Severity.ERROR, subject.file("triggers"), trigger.line, message, fix)


def find_weak_descriptions(subject: Subject) -> Iterator[Finding]:
    """A description shares words with most of the prompts that should load it; some prompts are meant to share none."""
    asked = [rank for rank in rank_triggers(subject) if rank.trigger.should]
    weak = [rank for rank in asked if rank.score == 0 or rank.ahead]
    if len(weak) <= len(asked) * WEAK_SHARE:
        return
    shown = "; ".join(_weakness(rank) for rank in weak[:_SHOWN])
    more = f"; and {len(weak) - _SHOWN} more" if len(weak) > _SHOWN else ""
    message = (
        f"By words alone the description is not the nearest for {len(weak)} of {len(asked)} prompts: {shown}{more}"
    )
    fix = "Put the words that people use into the description, if the prompts are right."
    line = weak[0].trigger.line
    yield Finding("trigger-rank", Severity.WARNING, subject.file("triggers"), line, f"{message} ({PROXY}).", fix)


def _weakness(rank: Rank) -> str:
    return f"{rank.trigger.id} ({f'{rank.ahead} is nearer' if rank.ahead else 'no word is shared'})"


def find_easy_negatives(subject: Subject) -> Iterator[Finding]:
    """Some prompts that should not load the skill come near it; others prove nothing."""
    ranks = [rank for rank in rank_triggers(subject) if not rank.trigger.should]
    if ranks and not any(rank.score > 0 or rank.trigger.instead for rank in ranks):
        message = f"None of the {len(ranks)} prompts under should_not comes near the skill ({PROXY})."
        fix = "Add neighbours: prompts with the same words and another wish."
        yield Finding("negatives-easy", Severity.WARNING, subject.file("triggers"), ranks[0].trigger.line, message, fix)


RULES = (find_few_triggers, find_unknown_instead, find_weak_descriptions, find_easy_negatives)
