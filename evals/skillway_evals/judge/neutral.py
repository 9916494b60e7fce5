"""What in a candidate's text could act on a judge without being seen by a person?

Invisible characters are taken out, signs that look like a change of speaker are defused, and too long a text is
cut in its middle. Everything that was done is reported, so that a person reads it beside the score. What the judge
is then told: `prompt`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

MOST_CHARS = 60_000
"""Characters of a candidate that a judge sees: its head and its tail, as attacks like to stand at the end."""

_DEFUSED = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
_COLON = "\N{MODIFIER LETTER COLON}"
_ROLE_TAG = re.compile(
    r"<(?=\s*/?\s*\|?\s*(?:antml:|s>|<sys|(?:system|user|human|assistant|developer|tool|function|instructions?|im_start|"
    r"im_end|endoftext|inst|sys|begin_of_text|start_header_id|eot_id|candidate|task|rubric|verdict|result|score)\b))",
    re.IGNORECASE,
)
_BRACKET_TAG = re.compile(r"\[(?=\s*/?\s*(?:INST|SYS|SYSTEM|ASSISTANT|USER)\s*\])", re.IGNORECASE)
_SPEAKER = re.compile(
    r"(?m)^([ \t>*#]*(?:human|assistant|user|system|developer|judge|grader)[ \t]*\**):", re.IGNORECASE
)
_FENCE = re.compile(r"(?im)^(?=[ \t]*=+[ \t]*(?:end of[ \t]+)?(?:candidate|task|answer|first|second)\b)")
_KEPT_FORMAT = frozenset("\t\n\r")
_VARIATION = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_EMOJI_STYLE = "\ufe0f"
"""Stands behind every second emoji and carries nothing: removed as the others, and not worth a finding."""
_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800\u034f")
"""Letters and marks without a shape, which Unicode does not class as invisible."""


@dataclass(frozen=True, slots=True)
class Neutral:
    """A candidate's text as a judge may see it.

    Attributes:
        text: The text; quotes are looked for in it.
        findings: One sentence for each kind of thing that was done to it, for people.
    """

    text: str
    findings: tuple[str, ...] = ()


def neutralise(text: str, *, most_chars: int = MOST_CHARS) -> Neutral:
    """Make a text safe to show to a judge.

    Args:
        text: What was answered, of any content.
        most_chars: Characters to keep.
    """
    findings: list[str] = []
    text = _without_invisible(text, findings)
    for pattern, mend, what in (
        (_ROLE_TAG, _DEFUSED, "tag that looks like a change of speaker"),
        (_BRACKET_TAG, "(", "bracket that looks like a change of speaker"),
        (_SPEAKER, rf"\1{_COLON}", "line that begins like a speaker"),
        (_FENCE, "| ", "line that looks like the fence"),
    ):
        text, count = pattern.subn(mend, text)
        if count:
            findings.append(f"{count} {what}{'' if count == 1 else 's'} defused")
    if len(text) > most_chars:
        half = most_chars // 2
        findings.append(f"{len(text) - 2 * half} characters in the middle not shown to the judge")
        text = f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"
    return Neutral(text, tuple(findings))


def _without_invisible(text: str, findings: list[str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    removed: Counter[str] = Counter()
    kept = []
    for character in text:
        if is_invisible(character):
            removed[f"U+{ord(character):04X}"] += character != _EMOJI_STYLE
        else:
            kept.append(character)
    if removed.total():
        shown = ", ".join(f"{name} ×{count}" for name, count in removed.most_common(5))  # noqa: RUF001 - times
        findings.append(f"{removed.total()} invisible characters removed ({shown})")
    return "".join(kept)


def is_invisible(character: str) -> bool:
    """Tell whether a character has no shape: controls, formats (bidi, zero width, tags), fillers, private use."""
    if character in _KEPT_FORMAT:
        return False
    code = ord(character)
    if any(low <= code <= high for low, high in _VARIATION) or character in _BLANK_LETTERS:
        return True
    return unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
