"""Which criteria reward the skill's own words, or cannot be judged at all?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillway_evals.lint import Finding, Severity, Subject
from skillway_evals.suite import Criterion
from skillway_evals.words import words

_TERM = re.compile(r"\*\*([^*\n]{3,60})\*\*|^#{1,4}\s+(.{3,60})$|`([A-Za-z][\w -]{4,40})`", re.MULTILINE)
_VAGUE = re.compile(
    r"\b(?:good|nice|appropriate|proper(?:ly)?|high[- ]quality|well[- ]written|reasonable)\b", re.IGNORECASE
)
_TWO = re.compile(r"\?.+\?|\b(?:and|or) (?:does|is|are|do|has|have)\b", re.IGNORECASE | re.DOTALL)


def find_vocabulary(subject: Subject) -> Iterator[Finding]:
    """No criterion asks for terms that only the skill's text has: the arm without it could never earn them."""
    terms = _terms(subject)
    for criterion in subject.suite.rubric.values():
        text = _text(criterion).lower()
        used = sorted(term for term in terms if re.search(rf"\b{re.escape(term)}\b", text))
        if used:
            message = f"The criterion {criterion.id!r} rewards the skill's own words ({', '.join(used)})."
            fix = "Ask for the effect that a reader would see, in words that every good answer could earn."
            yield Finding("rubric-vocabulary", Severity.WARNING, subject.file("rubric"), 0, message, fix)


def _terms(subject: Subject) -> set[str]:
    """Give the skill's terms of two words and more that no prompt of the suite uses."""
    if subject.skill is None:
        return set()
    found = {" ".join("".join(match).lower().split()) for match in _TERM.findall(subject.skill.body)}
    prompts = " ".join(case.prompt for case in subject.suite.cases).lower()
    return {term for term in found if len(words(term)) > 1 and term not in prompts}


def _text(criterion: Criterion) -> str:
    return " ".join((criterion.question, *criterion.anchors.values()))


def find_vague_criteria(subject: Subject) -> Iterator[Finding]:
    """Each criterion is one question whose anchors tell scores apart."""
    for criterion in subject.suite.rubric.values():
        fault = _fault(criterion)
        if fault:
            message, fix = fault
            text = f"The criterion {criterion.id!r} {message}."
            yield Finding("criterion-vague", Severity.WARNING, subject.file("rubric"), 0, text, fix)


def _fault(criterion: Criterion) -> tuple[str, str] | None:
    if _TWO.search(criterion.question):
        return "asks two questions", "Make two criteria of it; one answer cannot score both."
    vague = _VAGUE.search(criterion.question)
    if vague and not set(words(criterion.anchors[2])) - set(words(criterion.question)):
        return f"says {vague[0]!r}, and its anchors do not say what that is", "Write into the anchors what is seen."
    if len(set(criterion.anchors.values())) < len(criterion.anchors):
        return "has the same text for two scores", "Say what tells them apart."
    return None


def find_unused_criteria(subject: Subject) -> Iterator[Finding]:
    """Each criterion is used by a case."""
    used = {name for case in subject.suite.cases for name in case.criteria}
    for name in subject.suite.rubric:
        if name not in used:
            message = f"No case names the criterion {name!r}, so it is never judged."
            fix = "List it under `criteria` of the cases that it is for, or drop it."
            yield Finding("criterion-unused", Severity.WARNING, subject.file("rubric"), 0, message, fix)


RULES = (find_vocabulary, find_vague_criteria, find_unused_criteria)
