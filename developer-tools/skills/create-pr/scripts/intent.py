"""Whether a stated reason really is the user's: every quote must be one that they typed.

Pure rules over typed turns. Finding the turns is `transcript`'s work, reading an issue is `forge`'s, and whether the
user wants a pull request at all is `consent`'s.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from consent import ORDERS
from envelope import NEEDS_INPUT, NOT_FOUND, USAGE, Failure
from transcript import Turn

INTENT_LIMIT = 64 * 1024  # bytes
CANDIDATES_SHOWN = 20
CANDIDATE_LENGTH = 600  # characters
QUOTE_WORDS = 3  # fewer words occur somewhere by chance
USER_MESSAGE = "user_message"
ISSUE = "issue"

_REASON = re.compile(
    r"\b(?:because|since|so\s+that|in\s+order\s+to|needs?|wants?|should|must|problem|issue|bug|fail\w*|broken|breaks?"
    r"|slow|wrong|customers?|users?|request\w*|require\w*|instead\s+of|otherwise|goal|why|lose\w*|incident|complain\w*)\b",
    re.IGNORECASE,
)
_ISSUE = re.compile(
    r"https?://[^\s)>\]]+/(?:issues|work_items)/\d+|\b[\w.-]+/[\w.-]+#\d+|(?<![\w#/&])#\d+\b|\b[A-Z][A-Z0-9]{1,9}-\d+\b"
)
# Chinese, Japanese and Korean write without spaces: each character counts as a word there.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\\W_]+")


@dataclass(frozen=True)
class Evidence:
    """One piece of proof: words that the user typed, or words of an issue.

    Attributes:
        kind: `user_message` or `issue`.
        ref: Turn id (may be empty), or the issue as `#12`, `owner/name#12`, a URL or `ABC-12`.
        quote: The words, verbatim; may be empty for an issue that the user named.
    """

    kind: str
    ref: str
    quote: str


@dataclass(frozen=True)
class Intent:
    """Why the change is made, and the proof of it."""

    why: str
    evidence: tuple[Evidence, ...]


def candidates(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the typed turns that may hold the reason, the likeliest first, at most 20.

    Each is `{"id", "text", "is_cut", "issues", "gives_a_reason"}`. A turn that only asks for a pull request is left out.
    """
    rows: list[tuple[int, int, dict[str, Any]]] = []
    for turn in turns:
        reasons = len(_REASON.findall(turn.text))
        issues = named_issues(turn.text)
        if is_only_an_order(turn.text) and not issues:
            continue
        row = {
            "id": turn.id,
            "text": turn.text[:CANDIDATE_LENGTH],
            "is_cut": len(turn.text) > CANDIDATE_LENGTH,
            "issues": issues,
            "gives_a_reason": reasons > 0,
        }
        rows.append((-(min(reasons, 3) + (2 if issues else 0)), len(rows), row))
    return [row for _, _, row in sorted(rows, key=lambda entry: entry[:2])[:CANDIDATES_SHOWN]]


def named_issues(text: str) -> list[str]:
    """Return the issues that a text names, without repeats."""
    return list(dict.fromkeys(match.group(0).rstrip(".,;:") for match in _ISSUE.finditer(text)))


def is_only_an_order(text: str) -> bool:
    """Whether nothing is left of a text once "please open a pull request" and the like are taken out."""
    rest = text
    for pattern in ORDERS:
        rest = pattern.sub(" ", rest)
    rest = re.sub(
        r"\b(?:please|now|can|could|you|ok|okay|yes|thanks|for|this|it|and|the|push|commit|branch|a|to)\b",
        " ",
        rest,
        flags=re.IGNORECASE,
    )
    return len(_WORD.findall(rest)) < QUOTE_WORDS


def read_intent(path: str) -> Intent:
    """Read `intent.json`: `{"why": …, "evidence": [{"kind", "ref", "quote"}]}`.

    Raises:
        Failure: the file is missing (exit 7) or not of that shape (exit 2).
    """
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(INTENT_LIMIT + 1)
    except OSError as error:
        raise Failure(
            "no_intent_file",
            f"The intent file {path} cannot be read ({error.strerror}).",
            fix="Write it first; the skill's references/intent.md shows one.",
            exit_code=NOT_FOUND,
        ) from error
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _bad_intent(path, f"is not JSON ({error})"[:200]) from error
    return _parse_intent(path, document)


def _parse_intent(path: str, document: object) -> Intent:
    if not isinstance(document, dict):
        raise _bad_intent(path, "holds no JSON object")
    why, entries = document.get("why"), document.get("evidence")
    if not isinstance(why, str) or not why.strip():
        raise _bad_intent(path, 'has no text in "why"')
    if not isinstance(entries, list) or not entries:
        raise _bad_intent(path, 'has no entry in "evidence"')
    return Intent(why.strip(), tuple(_parse_evidence(path, number, entry) for number, entry in enumerate(entries)))


def _parse_evidence(path: str, number: int, entry: object) -> Evidence:
    where = f"evidence[{number}]"
    if not isinstance(entry, dict) or entry.get("kind") not in (USER_MESSAGE, ISSUE):
        raise _bad_intent(path, f'{where} needs "kind": "{USER_MESSAGE}" or "{ISSUE}"')
    ref, quote = entry.get("ref", ""), entry.get("quote", "")
    if not isinstance(ref, str) or not isinstance(quote, str):
        raise _bad_intent(path, f'{where}: "ref" and "quote" are texts')
    if entry["kind"] == USER_MESSAGE and not quote.strip():
        raise _bad_intent(path, f'{where} needs a "quote", verbatim from what the user typed')
    if entry["kind"] == ISSUE and not _ISSUE.fullmatch(ref.strip()):
        raise _bad_intent(
            path, f'{where} needs a "ref" such as "#12", "owner/name#12", "ABC-12" or the issue\'s address'
        )
    return Evidence(entry["kind"], ref.strip(), quote.strip())


def _bad_intent(path: str, what: str) -> Failure:
    return Failure(
        "bad_intent_file",
        f"The intent file {path} {what}.",
        fix="Write it as the skill's references/intent.md shows.",
        exit_code=USAGE,
    )


def unproven_quotes(intent: Intent, turns: Sequence[Turn]) -> list[str]:
    """Return a sentence for each `user_message` quote that the user did not type; empty when all are theirs."""
    texts = {turn.id: comparable(turn.text) for turn in turns}
    problems = []
    for evidence in intent.evidence:
        if evidence.kind != USER_MESSAGE:
            continue
        quote = comparable(evidence.quote)
        if len(_WORD.findall(quote)) < QUOTE_WORDS:
            problems.append(f"The quote {evidence.quote!r} is shorter than {QUOTE_WORDS} words, which proves nothing.")
        elif is_only_an_order(evidence.quote):
            problems.append(f"The quote {evidence.quote!r} asks for a pull request; it does not say why.")
        elif not any(quote in text for text in texts.values()):
            problems.append(f"The user did not type {evidence.quote[:200]!r} in this session.")
    return problems


def comparable(text: str) -> str:
    """Return `text` with what a copy may change taken out: case, spaces, typographic quotes and dashes."""
    plain = unicodedata.normalize("NFKC", text)
    for found, replacement in (
        ("\u2018\u2019\u201b\u2032", "'"),
        ("\u201c\u201d\u201e", '"'),
        ("\u2010\u2011\u2012\u2013\u2014", "-"),
    ):
        plain = re.sub(f"[{found}]", replacement, plain)
    return " ".join(plain.casefold().split())


def need_intent(problems: Sequence[str]) -> Failure:
    """Return the ending "ask the user why": the evidence does not carry the reason."""
    return Failure(
        "need_intent",
        " ".join(problems) or "Nothing that the user typed says why.",
        fix="Quote the user's own words, or ask them once, in plain text, why the change is needed, and quote the answer.",
        exit_code=NEEDS_INPUT,
        next_actions=["create-pull-request intent --json"],
    )
