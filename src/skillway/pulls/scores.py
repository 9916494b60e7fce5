"""How good is a description, as far as that can be computed without a model?

The nine dimensions of the judge `pr-description` (docs/guides/descriptions-over-time.md has them with their sources), each
0, 1 or 2, or None where it does not apply or words alone cannot tell. What is computed here is an indication:
it sees that a reason is given, not that it is a good one. Author, dates and merge state play no part.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from skillway.content import content_path
from skillway.pulls.values import PullRequest

VERSION = "computed-2"
"""Part of every stored score; scores of two versions are never put into one series."""

WEIGHTS = {
    "why": 3.0,
    "what": 2.0,
    "faithful": 3.0,
    "verification": 2.0,
    "risk": 2.0,
    "guidance": 1.0,
    "context": 1.0,
    "signal": 2.0,
    "length": 1.0,
}
_BEST = 2
_GUIDANCE_FROM_LINES = 400
_RISKY_FROM_LINES = 20
_RISKY = frozenset({"migrations", "dependencies", "config", "ci"})
_SENSITIVE = re.compile(
    r"(?:^|/)(?:auth\w*|login|security|crypto\w*|permissions?|api|billing|payments?)(?:[/.-]|$)", re.IGNORECASE
)
_VAGUE_TITLE = re.compile(
    r"^(?:wip|bugs?|(?:small |minor |some )?(?:fix(?:es)?|bug ?fix(?:es)?|updates?|changes?|improvements?|refactor(?:ing)?|clean ?up|tweaks?)|misc|stuff|phase \d+)\W*$",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"\b(?:because|so that|in order to|otherwise|until now|the (?:problem|reason|issue|motivation|goal) (?:is|was)|"
    r"to (?:avoid|prevent|stop|allow|let|make sure|ensure|reduce|support)|(?:was|were|is|are) (?:broken|failing|lost|wrong|missing|confusing)|"
    r"asked for|reported|regress(?:ed|ion)|which (?:made|makes|caused|causes|meant|means|breaks|broke)|"
    r"currently|previously|at the moment|today|(?:caus|result|lead)(?:es|ed|ing|s) (?:in |to )?|led to|"
    r"fail(?:s|ed|ing)?|crash(?:es|ed|ing)?|hangs?|hung|raised?|incorrect(?:ly)?|wrong(?:ly)?|silently|mistakenly|slow(?:ly)?|"
    r"forgot to|(?:was|were|is|are) (?:never|not|skipping|ignored|skipped|printed twice|out of date)|"
    r"(?:wasn|weren|isn|aren|doesn|didn|can|couldn)(?:'|\u2019)t|would (?:\w+ )?(?:break|fail|crash)|"
    r"this (?:way|enables|allows|lets|makes)|should (?:prevent|avoid))\b",
    re.IGNORECASE,
)
_WHY_STRONG = re.compile(
    r"\b(?:because|so that|otherwise|which (?:made|makes|caused|causes|meant|means|breaks|broke)|the (?:problem|reason|motivation) (?:is|was))\b",
    re.IGNORECASE,
)
_WHY_HEADING = re.compile(
    r"^#{1,4}[ \t]*(?:why|motivation|problem|background|context|reason)\b[^\n]*\n\s*[^\s#]",
    re.IGNORECASE | re.MULTILINE,
)
_CHECKED = re.compile(
    r"\b(?:tested|verified|reproduc\w+|ran|measured|benchmarked?|confirmed|tried|screenshots?|not tested|untested|new tests?|tests? (?:cover|added|for|pass(?:es|ed)?)|on staging|by hand|"
    r"checked (?:that|by|with|on|in|against)|locally|timings?|add(?:s|ed|ing)? (?:\w+ ){0,3}tests?)\b",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"\b(?:pass(?:es|ed)?|fail(?:s|ed)? before|before and after|now (?:returns|shows|gives|fails|passes)|no longer|\d+(?:\.\d+)?\s?(?:ms|s|x|%|mb|kb)|not tested (?:because|since|as)|red|green)\b",
    re.IGNORECASE,
)
_RISK = re.compile(
    r"\b(?:breaking|backwards?[- ]compatib\w+|compatib\w+|migrat\w+|roll ?back|rollout|feature flag|deprecat\w+|risk\w*|downtime|revert\w*|no behaviou?r change|safe to)\b",
    re.IGNORECASE,
)
_GUIDANCE = re.compile(
    r"\b(?:review(?:er|ers|ing)?|start (?:with|at)|look at|please (?:check|look)|feedback|commit by commit|in this order|best read|generated (?:code|files?)|mechanical)\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"https?://\S+|(?<![\w/])(?:[\w.-]{1,100}/[\w.-]{1,100})?#\d+\b|\b[A-Z]{2,10}-\d+\b|"
    r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b"
)
_CLOSING = re.compile(r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|see|related to)\b:?", re.IGNORECASE)
_FILLER = re.compile(
    r"\b(?:this (?:pr|pull request|change|commit) (?:adds|updates|fixes|changes|introduces)|various improvements|comprehensive|robust|seamless\w*|enhance[sd]?|leverag\w+|ensure[sd]? that everything)\b",
    re.IGNORECASE,
)
_OPEN_BOX = re.compile(r"^\s*[-*]\s+\[ \]", re.MULTILINE)
_FRAME = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|[-*][ \t]+\[ \]).*$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*][ \t]+`?([\w./-]+)", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_][\w'-]+")
_FEW_WORDS = 3
_GOOD_CONSISTENCY = 0.75
_BAD_CONSISTENCY = 0.45
_RETELLING = 0.25


@dataclass(frozen=True, slots=True)
class Score:
    """What was computed for one description.

    Attributes:
        total: Weighted mean of the dimensions that apply, from 0 to 1.
        dimensions: From dimension to 0, 1 or 2, or None where it does not apply.
        length: The length dimension alone, from 0 to 1: the control that a trend is held against.
        consistency: Agreement of text and change, from 0 to 1, or None without a diff stat.
    """

    total: float
    dimensions: Mapping[str, int | None]
    length: float
    consistency: float | None


def score(pull: PullRequest) -> Score:
    """Score one description; an empty one scores 0 whatever its title says."""
    body = _COMMENT.sub("", pull.body).strip()
    files = None if pull.files is None else [(file.path, file.added, file.deleted) for file in pull.files]
    measured = consistency_module().measure(pull.title, body, files) if files else None
    dimensions: dict[str, int | None] = dict.fromkeys(WEIGHTS) | _dimensions(pull, body, files, measured)
    applying = {name: value for name, value in dimensions.items() if value is not None}
    weight = sum(WEIGHTS[name] for name in applying)
    total = sum(WEIGHTS[name] * value for name, value in applying.items()) / (_BEST * weight) if body else 0.0
    length = (dimensions["length"] or 0) / _BEST
    return Score(round(total, 4), dimensions, length, None if measured is None else measured.score)


def _dimensions(pull: PullRequest, body: str, files: Any, measured: Any) -> dict[str, int | None]:  # noqa: ANN401 - values of a skill's script
    lines = pull.lines or 0
    return {
        "why": _why(body),
        "what": _what(pull.title, body),
        "faithful": _faithful(measured) if body else 0,
        "verification": _verification(body),
        "risk": _risk(body, files, lines),
        "guidance": (_BEST if _GUIDANCE.search(body) else 0) if lines >= _GUIDANCE_FROM_LINES else None,
        "context": _context(body),
        "signal": _signal(body, files),
        "length": _length(body, lines) if files else None,
    }


def _why(body: str) -> int:
    signs = len(_WHY.findall(body))
    if _WHY_STRONG.search(body) or (_WHY_HEADING.search(body) and signs) or signs > 1:
        return _BEST
    return 1 if signs or _WHY_HEADING.search(body) else 0


def _what(title: str, body: str) -> int:
    words = _WORD.findall(title)
    stands_alone = len(words) >= _FEW_WORDS and not _VAGUE_TITLE.match(title.strip())
    said = {word.lower() for word in words}
    more = {word.lower() for word in _own_words(_FRAME.sub("", body))} - said  # a title said twice is no summary
    return int(stands_alone) + int(stands_alone and len(more) > _FEW_WORDS)


def _own_words(body: str) -> list[str]:
    """Give the words without links and what announces them."""
    return _WORD.findall(_CLOSING.sub(" ", _LINK.sub(" ", body)))


def _faithful(measured: Any) -> int | None:  # noqa: ANN401 - as above
    if measured is None:
        return None
    agreement = (measured.file_types + measured.task_type) / 2
    # A fitting title does not make up for kinds of files that are claimed and not there, or there and not told.
    if min(agreement, measured.file_types) >= _GOOD_CONSISTENCY:
        return _BEST
    return int(agreement >= _BAD_CONSISTENCY)


def _verification(body: str) -> int:
    if not _CHECKED.search(body):
        return 0
    return _BEST if _RESULT.search(body) else 1


def _risk(body: str, files: Any, lines: int) -> int | None:  # noqa: ANN401 - as above
    if not files or lines < _RISKY_FROM_LINES:
        return None
    kinds = consistency_module().kind_shares(files)
    # A line of configuration beside a page of code is no rollout; a migration always is one.
    large = {kind for kind, share in kinds.items() if share >= consistency_module().SIGNIFICANT_SHARE}
    is_risky = "migrations" in kinds or bool(_RISKY & large) or any(_SENSITIVE.search(path) for path, _, _ in files)
    return (_BEST if _RISK.search(body) else 0) if is_risky else None


def _context(body: str) -> int:
    links = _LINK.findall(body)
    if not links:
        return 0
    # A bare link sends the reader away; one with text around it tells what is behind it.
    return _BEST if len(_own_words(body)) >= 4 * _FEW_WORDS else 1


def _signal(body: str, files: Any) -> int | None:  # noqa: ANN401 - as above
    if not body:
        return 0
    if len(_own_words(body)) <= _FEW_WORDS:
        return None  # a bare link has neither signal nor noise
    faults = len(_FILLER.findall(body)) + bool(_OPEN_BOX.search(body))
    faults += _BEST * _is_narration(body, files)
    faults += bool(files and consistency_module().retelling_ratio(body, files) > _RETELLING)
    return max(0, _BEST - faults)


def _is_narration(body: str, files: Any) -> bool:  # noqa: ANN401 - as above
    """Tell whether a text goes through the changed files one by one."""
    paths = {path for path, _, _ in files or ()}
    paths |= {path.rpartition("/")[2] for path in paths}
    told = sum(name.rstrip(":.") in paths for name in _BULLET.findall(body))
    lines = sum(bool(line.strip()) for line in body.splitlines())
    return told > 1 and 2 * told >= lines


def _length(body: str, lines: int) -> int:
    least, most = consistency_module().word_band(lines)
    count = len(_WORD.findall(body))
    if least <= count <= most:
        return _BEST
    return int(least / 2 <= count <= 2 * most)


@cache
def consistency_module() -> ModuleType:
    """Load the measure that the create-pr skill itself uses, so that a laptop and a report say the same.

    A skill's scripts are files that stand alone and no package, so it is loaded by its path.
    """
    name = "skillway_create_pr_consistency"
    path = content_path("developer-tools") / "skills" / "create-pr" / "scripts" / "consistency.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module
