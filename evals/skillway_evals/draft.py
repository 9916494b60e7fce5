"""What could a first suite for this skill look like?

Drafts cases from the author's own examples and triggers from the descriptions, without a model. Everything drafted
is marked `draft: true` and counts for nothing until a person has read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from skillway.catalog import Catalog, Skill
from skillway.errors import NotFoundError, SkillwayError
from skillway_evals.suite_writing import NewSuite
from skillway_evals.words import Bm25, words

_SEPARATOR = "=>"
_CLAUSE = re.compile(r"\b(?:use|invoke|load)(?: it| this(?: skill)?)?,? (?:when(?:ever)?|if|to|for)\b", re.IGNORECASE)
_SPLIT = re.compile(r";|:|,? or (?:when|if|also) ")
_QUOTED = re.compile(r"[\"'\u2018\u201c]([A-Za-z][^\"'\u2019\u201d]{5,120})[\"'\u2019\u201d]")
"""What a description says that people say: the best prompts there are without asking anybody."""
_NEIGHBOURS = 6
_PER_NEIGHBOUR = 2
_LEAST_WORDS = 2
_MOST = 10


def draft_suite(skill_name: str, catalog: Catalog, examples: Sequence[str]) -> NewSuite:
    """Draft a suite.

    Args:
        skill_name: `plugin:skill` of the catalog.
        catalog: The repository's plugins; the neighbours of the skill come from it.
        examples: What users ask, each `PROMPT` or `PROMPT => what a good answer has`.

    Raises:
        NotFoundError: The repository has no such skill.
        SkillwayError: An example is empty.
    """
    named = {f"{plugin.name}:{skill.name}": skill for plugin in catalog.plugins for skill in plugin.skills}
    skill = named.get(skill_name)
    if skill is None:
        known = ", ".join(sorted(named)) or "none"
        raise NotFoundError(f"There is no skill {skill_name!r} in this repository.", fix=f"Name one of: {known}.")
    cases = [_case(example, number) for number, example in enumerate(examples, start=1)]
    if not cases:
        cases = [_empty_case(skill)]
    files = {
        "suite": {"schema": 1, "skill": skill_name, "claims": "value", "runner": "agent", "repeats": 3},
        "cases": {"cases": cases},
        "triggers": {
            "should": [{"prompt": prompt, "draft": True} for prompt in _should(skill, examples)],
            "should_not": list(_should_not(skill_name, named)),
        },
    }
    return NewSuite(skill_name, files)


def _case(example: str, number: int) -> dict[str, Any]:
    prompt, _, expected = (part.strip() for part in example.partition(_SEPARATOR))
    if not prompt:
        raise SkillwayError(f"The example {example!r} has no prompt.", fix='Write "PROMPT => what a good answer has".')
    case: dict[str, Any] = {"id": f"example-{number}", "prompt": prompt}
    if expected:
        case["expected"] = expected
    quoted = re.findall(r"\"([^\"]+)\"|`([^`]+)`", expected)
    texts = [one or other for one, other in quoted]
    graders: list[dict[str, Any]] = [{"kind": "contains", "text": text} for text in texts]
    return {**case, "graders": graders or [{"kind": "regex", "pattern": r"\w{2,}"}], "draft": True}


def _empty_case(skill: Skill) -> dict[str, Any]:
    prompt = next(iter(_occasions(skill)), skill.description or "What would a user ask?")
    return {"id": "first", "prompt": prompt, "graders": [{"kind": "regex", "pattern": r"\w{2,}"}], "draft": True}


def _should(skill: Skill, examples: Sequence[str]) -> list[str]:
    own = [example.partition(_SEPARATOR)[0].strip() for example in examples]
    found = list(dict.fromkeys([*own, *_occasions(skill)]))
    return found[:_MOST]


def _occasions(skill: Skill) -> Iterator[str]:
    """Give what a description says that people say, then when it says to use the skill."""
    for text in (skill.description, skill.when_to_use):
        yield from (_sentence(quoted) for quoted in _QUOTED.findall(text))
    for text in (skill.description, skill.when_to_use):
        for sentence in _CLAUSE.split(_QUOTED.sub("", text))[1:]:
            clauses = (clause.strip(" .,\u2026") for clause in _SPLIT.split(sentence.partition(". ")[0]))
            yield from (_sentence(clause) for clause in clauses if len(words(clause)) > _LEAST_WORDS)


def _sentence(text: str) -> str:
    plain = re.sub(r"^(?:or|and|also) ", "", text.strip(" .,\u2026"))
    return plain[0].upper() + plain[1:]


def _should_not(skill_name: str, named: dict[str, Skill]) -> Iterator[dict[str, Any]]:
    """Take the occasions of the nearest other skills: the prompts that are most easily mistaken."""
    others = sorted(name for name in named if name != skill_name)
    if not others:
        return
    scores = Bm25([named[name].description for name in others]).scores(named[skill_name].description)
    ranked = sorted(zip(scores, others, strict=True), key=lambda pair: (-pair[0], pair[1]))[:_NEIGHBOURS]
    drafts = [(name, prompt) for _, name in ranked for prompt in islice(_occasions(named[name]), _PER_NEIGHBOUR)]
    for name, prompt in drafts[:_MOST]:
        yield {"prompt": prompt, "instead": name, "draft": True}
