"""Which files a Markdown text refers to: links, and paths in commands, each with its line and column.

What stands in code is no link, and what stands in comments is nothing. Whether a file is there is for the rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_LINK = re.compile(
    r"(?<!\\)!?\[(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*\])*\]\(\s*(?:<([^<>\n]+)>|([^()\s<>]+(?:\([^()\s]*\)[^()\s]*)*))(?:\s+[\"'(][^\n]*?[\"')])?\s*\)"
)
_DEFINITION = re.compile(r"^ {0,3}\[(?!\^)[^\[\]\n]+\]:[ \t]+<?([^\s<>]+)>?[ \t]*(?:[\"'(].*)?$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})")
_INLINE_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)([^\n]+?)(?<!`)\1(?!`)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_EXAMPLES = frozenset({"markdown", "md", "mdx", "json", "jsonc", "yaml", "yml", "toml", "diff"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|/|#|\?|~|@")
_PLACEHOLDER = re.compile(
    r"[{}<>*$|`\\]|\.\.\.|…|^(?:url|link|path|file|href|target|src|image)(?:-\w+)?$|\bpath/to/|\bexample\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$\{?(CLAUDE_SKILL_DIR|CLAUDE_PLUGIN_ROOT)\}?\"?/([A-Za-z0-9_.@%+,=/-]+)")

_SHELLS = frozenset({"sh", "bash", "shell", "zsh", "console", ""})
_OWN_FILE = re.compile(
    r"(?:^|(?<=[\s;&|(]))((?:\S*/)?(?:python3?|sh|bash|node|uv run|skillway-run)\s+)?[\"']?(?:\./)?"
    r"((?:scripts|assets|references|templates)/[\w./-]*\.[a-z]{1,5})(?=[\s\"';)]|$)"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that a text refers to: `path` as written but unquoted; `base` is `link`, or a variable's name."""

    path: str
    base: str
    line: int
    column: int


def find_links(text: str) -> Iterator[Reference]:
    """Give the relative links of a text, without anchors; addresses, placeholders and what stands in code are left out."""
    if "](" not in text and "]:" not in text:
        return
    plain = blank_code(text)
    for pattern in (_LINK, _DEFINITION):
        for match in pattern.finditer(plain):
            group = 1 if match[1] is not None else 2
            target = match[group]
            if _ABSOLUTE.match(target) or _PLACEHOLDER.search(target):
                continue
            path = unquote(re.split(r"[#?]", target, maxsplit=1)[0])
            if path:
                yield _reference(plain, match.start(group), path, "link")


def find_variable_paths(text: str) -> Iterator[Reference]:
    """Give the paths below ${CLAUDE_SKILL_DIR} and ${CLAUDE_PLUGIN_ROOT}.

    In code too, because there they are commands; but not in blocks of Markdown, JSON or YAML, which show how another
    skill or plugin would look.
    """
    if "CLAUDE_" not in text:
        return
    plain = blank_code(text, only=_EXAMPLES)
    for match in _VARIABLE.finditer(plain):
        path = match[2].rstrip(".,")
        following = text[match.end(2) : match.end(2) + 1]
        if path and following not in ("*", "{", "<", "$", "["):
            yield _reference(text, match.start(), path, match[1])


@dataclass(frozen=True, slots=True)
class Command:
    """One line of code in a text: `text`, its `line` from 1, and the own files `named`, each with whether it is run."""

    text: str
    line: int
    named: tuple[tuple[str, bool], ...]
    is_in_block: bool


def own_script_calls(text: str) -> Iterator[Command]:
    """Give the lines of shell blocks, and inline code, that name or start files; blocks of other languages are none."""
    fence, is_shell = "", False
    for number, line in enumerate(text.split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            elif is_shell:
                yield _command(line, number, is_in_block=True)
        elif mark:
            fence, is_shell = mark[1], line[mark.end() :].strip().lower().split(" ")[0] in _SHELLS
        elif "`" in line and "/" in line:
            for code in _INLINE_CODE.finditer(line):
                yield _command(code[2], number, is_in_block=False)


def _command(text: str, line: int, *, is_in_block: bool) -> Command:
    named = tuple((match[2], bool(match[1])) for match in _OWN_FILE.finditer(text))
    return Command(text, line, named, is_in_block)


def blank_code(text: str, *, only: frozenset[str] | None = None) -> str:
    """Put blanks in the place of code and comments, so that positions stay.

    Args:
        text: The Markdown text.
        only: The languages of the blocks to blank; by default every block, inline code and comments too.
    """
    lines = []
    fence = ""
    is_kept = False
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
            lines.append(line if is_kept else " " * len(line))
        elif mark:
            fence = mark[1]
            is_kept = only is not None and line[mark.end() :].strip().lower().split(" ")[0] not in only
            lines.append(line if is_kept else " " * len(line))
        elif only is None and _is_indented_code(line, lines):
            lines.append(" " * len(line))
        elif only is None and "`" in line:
            lines.append(_INLINE_CODE.sub(lambda code: " " * len(code[0]), line))
        else:
            lines.append(line)
    plain = "\n".join(lines)
    if only is not None:
        return plain
    return _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), plain) if "<!--" in plain else plain


def _is_indented_code(line: str, before: list[str]) -> bool:
    """Tell whether a line is code by its four blanks: after an empty line, and not inside a list."""
    if not line.startswith(("    ", "\t")) or not line.strip() or (before and before[-1].strip()):
        return False
    above = next((one for one in reversed(before) if one.strip()), "")
    return not re.match(r"\s|[-*+] |\d+[.)] ", above)


def _reference(text: str, start: int, path: str, base: str) -> Reference:
    line = text.count("\n", 0, start) + 1
    return Reference(path, base, line, start - text.rfind("\n", 0, start))
