"""Whether the user wants a pull request: their last yes or no, in English, by patterns.

Pure rules over typed turns. What is said in other languages is left to the skill's text, which honours it too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Sequence

from envelope import NEEDS_INPUT, Failure
from transcript import Turn

GO_AHEAD = "go_ahead"
REJECTION = "rejection"

_PR = r"(?:(?:draft|new|the|a|an|any|that|this|my|our)\s+)*(?:pull[\s-]?requests?|merge[\s-]?requests?|prs?|mrs?)\b"
_MAKE = r"(?:create|open|make|raise|submit|file|send|put\s+up|do|start)"
_NOT = r"(?:do\s+not|don['\u2019]?t|never|please\s+no|must\s+not|should\s+not|shouldn['\u2019]?t|without|not|stop)"
_MAKING = r"(?:creat|open|mak|rais|submitt|fil|send|start|push)ing"
_REJECTIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_NOT}\s+(?:\w+\s+){{0,2}}?(?:{_MAKE}|{_MAKING})\s+(?:up\s+)?{_PR}",
        rf"\b{_NOT}\s+(?:\w+\s+){{0,2}}?{_MAKE}\s+(?:it|one|anything)\s+yet\b",
        # "Don't push to main" forbids a place, not the pull request.
        rf"\b{_NOT}\s+push(?:ing)?\b(?!\s+(?:--force|-f\b|force|(?:directly\s+|straight\s+)?(?:to|on|onto)\b))",
        rf"\bno\s+{_PR}(?!\s+(?:template|description|title|body|number|label|check|comment|exists?|was|is)\b)",
        rf"\bnot\s+(?:yet\s+)?(?:ready\s+)?for\s+(?:{_PR}|review)",
        r"\bhold\s+(?:off|it)\s*(?:$|for\s+now|until|please|on\s+(?:that|it|this|push\w*)\b)",
        rf"\bhold\s+(?:off\s+)?(?:on\s+)?(?:\w+ing\s+)?{_PR}",
        rf"\bwait\s+(?:with|before|for\s+me\s+before)\s+(?:\w+ing\s+)?{_PR}",
        rf"\b{_PR}\s+(?:can\s+)?(?:later|not\s+yet|not\s+now|should\s+wait)\b",
    )
]
_GO_AHEADS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_MAKE}\s+(?:me\s+|us\s+)?(?:up\s+)?{_PR}",
        r"^/(?:[\w-]+:)?create-pr\b",
        r"\bship\s+it\b",
        rf"\bgo\s+ahead\s+(?:and|with)\s+(?:\w+\s+)?{_PR}",
        rf"\b{_PR}\s+(?:it|now|please)\b",
    )
]
ORDERS = (*_REJECTIONS, *_GO_AHEADS)
_YES = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|ok(?:ay)?|please|do\s+(?:it|so|that)|go\s+(?:ahead|for\s+it)|go|now)\b", re.IGNORECASE
)
_NO = re.compile(r"^\W*(?:no|nope|not\s+(?:yet|now)|wait|later|hold\s+on|stop)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[.!?;\n]+|,?\s+\b(?:but|then|and\s+then|after\s+that)\b\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Signal:
    """The user said yes or no to a pull request: `kind` is `go_ahead` or `rejection`, `words` are theirs."""

    kind: str
    turn: str
    words: str


def signals(turns: Sequence[Turn]) -> list[Signal]:
    """Return each yes and no to a pull request, in the order in which the user said them."""
    found = []
    for turn in turns:
        said = [Signal(kind, turn.id, clause) for clause, kind in _clause_signals(turn.text)]
        if not said and turn.answers_pr_question:
            kind = REJECTION if _NO.match(turn.text) else GO_AHEAD if _YES.match(turn.text) else ""
            said = [Signal(kind, turn.id, turn.text[:200])] if kind else []
        found += said
    return found


def _clause_signals(text: str) -> list[tuple[str, str]]:
    found = []
    for clause in (part.strip() for part in _CLAUSE.split(text) if part):
        if any(pattern.search(clause) for pattern in _REJECTIONS):
            found.append((clause[:200], REJECTION))
        elif any(pattern.search(clause) for pattern in _GO_AHEADS):
            found.append((clause[:200], GO_AHEAD))
    return found


def standing_rejection(turns: Sequence[Turn]) -> Signal | None:
    """Return the user's "no pull request yet" when nothing later takes it back, else None."""
    said = signals(turns)
    return said[-1] if said and said[-1].kind == REJECTION else None


def need_confirmation(signal: Signal) -> Failure:
    """Return the ending "the user said no": only they can take it back."""
    return Failure(
        "needs_confirmation",
        f"The user said {signal.words!r} ({signal.turn}), and nothing after that asks for a pull request.",
        fix='Leave it, or ask the user; they take it back with words like "open the pull request".',
        exit_code=NEEDS_INPUT,
        data={"rejection": {"turn": signal.turn, "words": signal.words}},
    )
