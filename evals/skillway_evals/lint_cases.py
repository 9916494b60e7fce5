"""Which cases measure the prompt, the grader or nothing, instead of the skill?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillway_evals.lint import Finding, Severity, Subject
from skillway_evals.suite import Case, Claims, Grader
from skillway_evals.words import runs, similarity

LEAST_CASES = 8
"""With fewer the exact sign test cannot certify added value but by luck (power 24 % at 5 cases, 67 % at 8)."""
ENOUGH_CASES = 12
"""Power 90 % at the declared effect."""
NEAR = 0.85
"""Two prompts that share this much of their words are one case asked twice."""

_LEADING = re.compile(
    r"\b(?:use|using|apply|follow|with|invoke|consult) (?:the|your|our) \w*\s?skill\b|\bmake sure (?:to|you|that you)\b"
    r"|\bremember to\b|\bdon't forget to\b|\bas (?:the|your) (?:skill|guide|instructions?) says?\b",
    re.IGNORECASE,
)
_RUN = 7
_NEGATIVE = frozenset(
    {"not_contains", "not_regex", "file_absent", "tool_not_used", "no_tool_errors", "no_invented_names"}
)


def find_named_skill(subject: Subject) -> Iterator[Finding]:
    """No prompt names the skill: a named skill loads whatever its description says, and helps the arm without it."""
    plugin, _, skill = subject.suite.skill.partition(":")
    spoken = rf"\b{re.escape(skill)}\b|/{re.escape(plugin)}:|\b{skill.replace('-', '[ _-]')}\s+skill\b"
    for name, entries in (("cases", subject.suite.cases), ("triggers", subject.suite.triggers)):
        for entry in entries:
            found = re.search(spoken, entry.prompt, re.IGNORECASE)
            if found and ("-" in skill or "skill" in found[0].lower() or "/" in found[0]):
                message = f"The prompt of {entry.id!r} names the skill ({found[0]!r})."
                fix = "Ask as somebody would who does not know that the skill exists."
                yield Finding("prompt-names-skill", Severity.ERROR, subject.file(name), entry.line, message, fix)


def find_leading_prompts(subject: Subject) -> Iterator[Finding]:
    """No prompt tells the agent what the skill tells it."""
    known = runs(subject.skill.body, _RUN) if subject.skill else set()
    for case in subject.suite.cases:
        leading = _LEADING.search(case.prompt)
        shared = next(iter(runs(case.prompt, _RUN) & known), ())
        seen = leading[0] if leading else " ".join(shared)
        if seen:
            message = f"The prompt of {case.id!r} leads to the answer: {seen!r}."
            fix = "Say what the user wants, and leave how to the skill."
            yield Finding("prompt-leads", Severity.WARNING, subject.file("cases"), case.line, message, fix)


def find_answers_in_prompts(subject: Subject) -> Iterator[Finding]:
    """No grader is satisfied by the prompt itself: an agent that repeats the question would pass it."""
    for case in subject.suite.cases:
        echoed = [grader for grader in case.graders if _echo_passes(grader, case.prompt)]
        asking = [grader for grader in case.graders if not _idle_passes(grader, case)]
        is_void = not case.criteria and len(echoed) == len(asking)
        for grader in echoed:
            message = f"The grader {grader.id!r} of {case.id!r} is satisfied by the words of the prompt itself."
            severity = Severity.ERROR if is_void else Severity.WARNING
            fix = "Ask for something that the prompt does not say."
            yield Finding("answer-in-prompt", severity, subject.file("cases"), case.line, message, fix)


def _echo_passes(grader: Grader, prompt: str) -> bool:
    if grader.kind == "contains":
        text = str(grader.options["text"])
        return text in prompt if grader.options.get("case_sensitive") else text.lower() in prompt.lower()
    return grader.kind == "regex" and re.search(grader.options["pattern"], prompt) is not None


def find_idle_passes(subject: Subject) -> Iterator[Finding]:
    """An agent that does nothing fails every case."""
    for case in subject.suite.cases:
        if not case.criteria and all(_idle_passes(grader, case) for grader in case.graders):
            message = f"An agent that does and says nothing would pass {case.id!r}: every grader asks for an absence."
            fix = "Add a grader for what a good answer has."
            yield Finding("idle-passes", Severity.ERROR, subject.file("cases"), case.line, message, fix)


def _idle_passes(grader: Grader, case: Case) -> bool:
    if grader.kind == "regex":
        return re.search(grader.options["pattern"], "") is not None
    return grader.kind in _NEGATIVE or (grader.kind == "file_exists" and grader.options["path"] in case.files)


def find_unit_of_n(subject: Subject) -> Iterator[Finding]:
    """The unit of every statistic is the case: prompts that are one prompt count once, and repeats add none."""
    suite = subject.suite
    doubles: set[str] = set()
    for index, case in enumerate(suite.cases):
        first = next((one for one in suite.cases[:index] if similarity(one.prompt, case.prompt) >= NEAR), None)
        if first and first.files == case.files:
            doubles.add(case.id)
            message = f"The prompts of {first.id!r} and {case.id!r} are nearly the same, so they count as one case."
            fix = "Ask something else, or put the difference into files."
            yield Finding("case-twice", Severity.WARNING, subject.file("cases"), case.line, message, fix)
    distinct = sum(not case.draft for case in suite.cases) - len(doubles)
    if distinct < ENOUGH_CASES and suite.claims is Claims.VALUE:
        severity = Severity.ERROR if distinct < LEAST_CASES else Severity.WARNING
        message = f"{distinct} different confirmed cases: {LEAST_CASES} is the least and {ENOUGH_CASES} decide."
        extra = " Repeats do not replace cases." if suite.repeats > 3 else ""  # noqa: PLR2004 - what the gate uses
        yield Finding("cases-few", severity, subject.file("cases"), 1, message + extra, "Add cases of other kinds.")


def find_drafts(subject: Subject) -> Iterator[Finding]:
    """Drafts are not evidence until a person has confirmed them."""
    for name, entries in (("cases", subject.suite.cases), ("triggers", subject.suite.triggers)):
        drafts = [entry for entry in entries if entry.draft]
        if drafts:
            message = f"{len(drafts)} of {len(entries)} {name} are drafts and never count, such as {drafts[0].id!r}."
            fix = "Read each, mend it, and take `draft: true` away."
            yield Finding("draft", Severity.WARNING, subject.file(name), drafts[0].line, message, fix)


RULES = (
    find_named_skill,
    find_leading_prompts,
    find_answers_in_prompts,
    find_idle_passes,
    find_unit_of_n,
    find_drafts,
)
