"""The parts of a Markdown description that rules look at: prose, headings, bullets and quoted names.

No full Markdown: what matters is that code blocks and comments are not read as prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<mark>`{3,}|~{3,}).*?(?:^(?P=mark)[`~]*\s*$|\Z)", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADING = re.compile(r"^(?:#{1,6}\s+(?P<hash>.+?)\s*#*|\*\*(?P<bold>[^*\n]{1,60})\*\*:?)\s*$", re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?P<text>.+)$", re.MULTILINE)
_BOX = re.compile(r"^\s*[-*+]\s+\[[ xX]\]")
_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)")
_WORD = re.compile(r"[^\W_][\w'\u2019-]*")


@dataclass(frozen=True)
class Section:
    """A heading and the lines below it up to the next heading.

    Attributes:
        heading: In lower case, without marks.
        lines: What stands below it.
        has_parts: Whether the next heading is one below this one.
    """

    heading: str
    lines: tuple[str, ...]
    has_parts: bool = False

    @property
    def filled(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.lines if line.strip()]

    @property
    def has_only_boxes(self) -> bool:
        """Whether every line is a checkbox."""
        return bool(self.filled) and all(_BOX.match(line) for line in self.filled)


def without_comments(markdown: str) -> str:
    """Return the text without HTML comments, in which templates keep their instructions."""
    return _COMMENT.sub("", markdown)


def prose(markdown: str) -> str:
    """Return the text without comments and code blocks."""
    return _FENCE.sub("", without_comments(markdown))


def headings(markdown: str) -> list[str]:
    """Return the headings, in lower case and without marks."""
    return [_plain(match) for match in _HEADING.finditer(prose(markdown))]


def sections(markdown: str) -> list[Section]:
    """Return each heading with the lines below it; a code block counts as a line."""
    text = _FENCE.sub("(code)\n", without_comments(markdown))
    matches = list(_HEADING.finditer(text))
    found = []
    for number, match in enumerate(matches):
        following = matches[number + 1] if number + 1 < len(matches) else None
        lines = text[match.end() : following.start() if following else len(text)].splitlines()
        has_parts = following is not None and _level(following) > _level(match)
        found.append(Section(_plain(match), tuple(lines), has_parts))
    return found


def bullets(markdown: str) -> list[str]:
    """Return the texts of list items."""
    return [match.group("text") for match in _BULLET.finditer(prose(markdown))]


def code_spans(markdown: str) -> list[str]:
    """Return what stands between backticks in the prose, without repeats."""
    return list(dict.fromkeys(match.group(2).strip() for match in _SPAN.finditer(prose(markdown))))


def without_code(markdown: str) -> str:
    """Return the prose without what stands between backticks."""
    return _SPAN.sub(" ", prose(markdown))


def words(markdown: str) -> list[str]:
    """Return the words of the prose."""
    return _WORD.findall(prose(markdown))


def same_text(one: str, other: str) -> bool:
    """Whether two texts say the same once comments and spaces are out."""
    return " ".join(without_comments(one).split()) == " ".join(without_comments(other).split())


def _level(match: re.Match[str]) -> int:
    """Depth of a heading; a bold line stands for a heading below all others."""
    return len(match.group(0)) - len(match.group(0).lstrip("#")) or 7


def _plain(match: re.Match[str]) -> str:
    return (match.group("hash") or match.group("bold")).strip(" :*").casefold()
