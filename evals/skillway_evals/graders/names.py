"""Did the answer invent a name? The grader `no_invented_names`.

Looks at what an answer writes as code: flags, identifiers, tools and paths. Each has to stand in the prompt, the
skill, the fixtures or a tool result, or in the grader's `allow`; what the agent itself wrote into a file or defined
is its own. Ordinary words are not looked at: the rule is about names that a reader would copy and run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from skillway_evals.graders.candidate import Candidate, Options, Verdict

_FENCED = re.compile(r"(?ms)^[ \t]*(?:```|~~~)[^\n]*\n(.*?)^[ \t]*(?:```|~~~)[ \t]*$")
_SPAN = re.compile(r"`([^`\n]+)`")
_FLAG = re.compile(r"(?<![\w-])--[A-Za-z][A-Za-z0-9-]*(?:\b|(?==))")
_NAME = re.compile(r"(?<![\w./-])[A-Za-z_][\w-]*(?:[./][\w-]+)*(?![\w(])|(?<![\w./-])[A-Za-z_][\w.]*(?=\()")
_TOOL = re.compile(r"\bmcp__\w+\b")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_DEFINED = re.compile(r"(?i)\b(?:def|class|function|func|fn|const|let|var|table|view|type|struct|interface)\s+([A-Za-z_]\w*)|^\s*([A-Za-z_]\w*)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)  # fmt: skip
_WRITES = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_MOST_BYTES = 2 * 2**20
"""Of one source file; a larger fixture is data, whose names are columns at its head."""
_SHOWN = 8


def no_invented_names(candidate: Candidate, options: Options) -> Verdict:
    """Find names in the answer's code that nothing it was given has."""
    names = list(dict.fromkeys(_names(candidate.answer)))
    if not names:
        return True, "the answer writes no flags, identifiers or tools as code"
    allowed = {str(name).casefold() for name in options.get("allow", ())}
    source = "\n".join(_sources(candidate)).casefold()
    words = set(_WORD.findall(source))
    invented = [name for name in names if name.casefold() not in allowed and not _is_known(name, source, words)]
    if invented:
        more = f" and {len(invented) - _SHOWN} more" if len(invented) > _SHOWN else ""
        return False, f"in neither the skill nor the files nor a tool's result: {', '.join(invented[:_SHOWN])}{more}"
    return True, f"all {len(names)} names in code are known"


def _names(answer: str) -> Iterator[str]:
    """Give flags, tools and names with a sign in them (`_`, `.`, `/`, a digit or inner capitals) from code parts."""
    for code in _code_parts(answer):
        yield from _FLAG.findall(code)
        yield from _TOOL.findall(code)
        for match in _NAME.finditer(_FLAG.sub(" ", code)):
            name = match[0].strip("._-/")
            if _looks_like_name(name):
                yield name


def _code_parts(answer: str) -> Iterator[str]:
    yield from _FENCED.findall(answer)
    yield from _SPAN.findall(_FENCED.sub("\n", answer))


def _looks_like_name(name: str) -> bool:
    if len(name) < 3 or name.startswith("mcp__"):  # noqa: PLR2004 - i, ok and the like
        return False
    return "_" in name or "." in name or "/" in name or bool(re.search(r"[a-z][A-Z]|[A-Za-z]\d", name))


def _is_known(name: str, source: str, words: set[str]) -> bool:
    """Tell whether a name stands in the sources: whole, or each part of a dotted or slashed one."""
    folded = name.casefold()
    if folded.startswith("--"):
        return re.search(rf"(?<![\w-]){re.escape(folded)}(?![\w-])", source) is not None
    return folded in source or all(part in words for part in _WORD.findall(folded))


def _sources(candidate: Candidate) -> Iterator[str]:
    case = candidate.case
    yield from (case.prompt, *case.files)
    for path in case.files.values():
        yield _text(path)
    if candidate.skill_folder is not None:
        for path in sorted(candidate.skill_folder.rglob("*")):
            yield path.name
            yield _text(path)
    if candidate.transcript is not None:
        yield from (*candidate.transcript.tools, *candidate.transcript.offered)
        for call in candidate.transcript.calls():
            yield call.result if call.result and not call.is_error else ""
            if call.name in _WRITES:
                yield str(call.input.get("file_path", ""))
                yield from _defined(json.dumps(dict(call.input)).replace("\\n", "\n"))
    yield from _defined("\n".join(_FENCED.findall(candidate.answer)))


def _defined(code: str) -> Iterable[str]:
    """Give what a piece of code defines: its author's own names."""
    return (name for match in _DEFINED.findall(code) for name in match if name)


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="ignore")
    except OSError:
        return ""
