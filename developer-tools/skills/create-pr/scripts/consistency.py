"""How well does a description agree with the change it describes, computed without a model?

Three parts, weighted as in arXiv 2601.04886, which found that pull requests whose text and code disagree are accepted
far less often: scope adequacy 0.3, file-type consistency 0.4, task-type alignment 0.3. What each part is made of is
ours and stands here. A score is an indication: a low one is worth a look, a high one is no praise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Mapping, Sequence, Tuple

WEIGHTS = {"scope": 0.3, "file_types": 0.4, "task_type": 0.3}
SIGNIFICANT_SHARE = 0.2
"""A kind of file with this share of the changed lines is part of what the change is about."""

File = Tuple[str, int, int]
"""Path, lines added, lines deleted."""

_TESTS = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing|e2e|fixtures?)(?:/|$)|(?:^|/)test_|_(?:test|spec)\.|\.(?:test|spec)\.",
    re.IGNORECASE,
)
_DOCS = re.compile(
    r"(?:^|/)(?:docs?|changelog\w*|changes|news|guides?)(?:/|$|\.)|\.(?:md|rst|adoc|txt)$", re.IGNORECASE
)
_CI = re.compile(
    r"(?:^|/)\.(?:github/workflows|circleci|buildkite|gitlab)|(?:^|/)(?:Jenkinsfile|\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|tox\.ini|\.pre-commit-config\.yaml)$",
    re.IGNORECASE,
)
_DEPENDENCIES = re.compile(
    r"(?:^|/)(?:package(?:-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|Pipfile(?:\.lock)?|requirements[\w.-]*\.(?:txt|in)|"
    r"go\.(?:mod|sum)|Cargo\.(?:toml|lock)|Gemfile(?:\.lock)?|composer\.(?:json|lock)|pom\.xml|build\.gradle(?:\.kts)?)$",
    re.IGNORECASE,
)
_MIGRATIONS = re.compile(r"(?:^|/)(?:migrations?|migrate|alembic|schema)(?:/|\.)|\.sql$", re.IGNORECASE)
_CONFIG = re.compile(
    r"\.(?:ya?ml|toml|ini|cfg|conf|env|properties|tf|tfvars)$|(?:^|/)(?:Dockerfile|Makefile|\.\w+rc)$", re.IGNORECASE
)
_KINDS = (
    ("dependencies", _DEPENDENCIES),
    ("ci", _CI),
    ("tests", _TESTS),
    ("migrations", _MIGRATIONS),
    ("docs", _DOCS),
    ("config", _CONFIG),
)
_CLAIMS = {
    "tests": re.compile(r"\b(?:tests?|test cases?|specs?|regression tests?|coverage)\b", re.IGNORECASE),
    "docs": re.compile(
        r"\b(?:docs?|documentation|readme|changelog|guides?|docstrings?|release notes?)\b", re.IGNORECASE
    ),
    "ci": re.compile(r"\b(?:ci|workflows?|pipelines?|github actions?|pre-commit)\b", re.IGNORECASE),
    "dependencies": re.compile(
        r"\b(?:dependenc(?:y|ies)|lock ?files?|bump(?:s|ed)?|upgrad(?:e|es|ed|ing))\b", re.IGNORECASE
    ),
    "migrations": re.compile(r"\b(?:migrations?|schema|columns?|tables?|index(?:es)?)\b", re.IGNORECASE),
    "config": re.compile(
        r"\b(?:config(?:uration)?s?|settings?|options?|flags?|environment variables?)\b", re.IGNORECASE
    ),
}
_WORD_BANDS = ((10, 5, 150), (50, 12, 250), (500, 25, 400), (None, 40, 700))
"""Changed lines up to, and the least and the most words of a description for them."""
_HALF = 0.5
_LEAST_NAME = 4
_DENIED = re.compile(r"\b(?:no|not|without|never|does(?:n't| not)|do(?:n't| not))\b[^.\n]{0,40}$", re.IGNORECASE)
_TYPES = (
    (
        "docs",
        re.compile(r"^(?:docs?|documentation)\b|\b(?:typos?|readme)\b|^(?:document|clarify|explain)\b", re.IGNORECASE),
    ),
    ("tests", re.compile(r"^(?:tests?)\b|^(?:add|improve|fix|extend)\w* (?:\w+ ){0,3}tests?\b", re.IGNORECASE)),
    (
        "dependencies",
        re.compile(r"^(?:chore|build)\(deps[^)]*\)|^(?:bump|upgrade|update) \S+ (?:from|to)\b", re.IGNORECASE),
    ),
    ("ci", re.compile(r"^ci\b|\b(?:workflow|github actions|pipeline)\b", re.IGNORECASE)),
    (
        "refactor",
        re.compile(r"^(?:refactor|rename|move|extract|simplify|clean|reorgani[sz]e|split|inline)\w*\b", re.IGNORECASE),
    ),
    ("removal", re.compile(r"^(?:remove|delete|drop|revert)\w*\b", re.IGNORECASE)),
    (
        "fix",
        re.compile(r"^(?:bug)?fix(?:e[sd])?\b|^(?:correct|repair|handle|prevent|avoid|stop)\b|\bbug\b", re.IGNORECASE),
    ),
    (
        "feature",
        re.compile(
            r"^feat\w*\b|^(?:add|allow|support|implement|introduce|enable|let|make|show|create)\b", re.IGNORECASE
        ),
    ),
)
_PREFIX = re.compile(r"^(?:\[[^\]]*\]\s*|[\w./-]+\([^)]*\)!?:\s*|[\w./-]+!?:\s+)")
_CONVENTIONAL = re.compile(r"^(feat|fix|docs?|tests?|refactor|perf|ci|build|chore|style|revert)\b", re.IGNORECASE)
_CONVENTIONS = {"feat": "feature", "doc": "docs", "test": "tests", "revert": "removal"}
_WORD = re.compile(r"[^\W\d_][\w'-]+")


@dataclass(frozen=True)
class Consistency:
    """How well text and change agree, each part from 0 to 1.

    Attributes:
        score: The weighted mean.
        scope: Whether the text is as long as the size of the change asks for.
        file_types: Whether the kinds of files that the text speaks of are those that changed.
        task_type: Whether the kind of task in the title fits what changed.
        remarks: One sentence for each thing that lowered a part.
    """

    score: float
    scope: float
    file_types: float
    task_type: float
    remarks: Tuple[str, ...] = ()


def measure(title: str, body: str, files: Sequence[File]) -> Consistency:
    """Measure how well a title and a description agree with a diff stat; an empty diff stat agrees with nothing."""
    if not files:
        return Consistency(0.0, 0.0, 0.0, 0.0, ("The change has no files.",))
    shares = kind_shares(files)
    lines = sum(added + deleted for _, added, deleted in files)
    scope, scope_remark = _scope(body, lines)
    kinds, kind_remarks = _file_types(f"{title}\n{body}", shares, {kind(path) for path, _, _ in files})
    task, task_remark = _task_type(title, shares, files)
    score = WEIGHTS["scope"] * scope + WEIGHTS["file_types"] * kinds + WEIGHTS["task_type"] * task
    remarks = tuple(remark for remark in (scope_remark, *kind_remarks, task_remark) if remark)
    return Consistency(round(score, 3), round(scope, 3), round(kinds, 3), round(task, 3), remarks)


def kind(path: str) -> str:
    """Tell what kind of file a path names: dependencies, ci, tests, migrations, docs, config or source."""
    return next((name for name, pattern in _KINDS if pattern.search(path)), "source")


def kind_shares(files: Sequence[File]) -> "dict[str, float]":
    """Give the share of the changed lines by kind of file; by number of files where no line is counted."""
    weights = [added + deleted for _, added, deleted in files]
    if not any(weights):
        weights = [1] * len(files)
    shares: dict[str, float] = {}
    for number, (path, _, _) in enumerate(files):
        shares[kind(path)] = shares.get(kind(path), 0.0) + weights[number] / sum(weights)
    return shares


def word_band(lines: int) -> "tuple[int, int]":
    """Give the least and the most words that a change of that many lines asks for; between them longer is not better."""
    return next((least, most) for up_to, least, most in _WORD_BANDS if up_to is None or lines <= up_to)


def _scope(body: str, lines: int) -> "tuple[float, str]":
    count = len(_WORD.findall(body))
    least, most = word_band(lines)
    if count < least:
        return (
            count / least,
            f"{count} words for {lines} changed lines is short; {least} is the least that says enough.",
        )
    if count > most:
        return max(0.0, 1 - (count - most) / (2 * most)), f"{count} words for {lines} changed lines is long."
    return 1.0, ""


def _file_types(text: str, shares: "Mapping[str, float]", present: "set[str]") -> "tuple[float, list[str]]":
    claimed = {
        name
        for name, pattern in _CLAIMS.items()
        if any(not _DENIED.search(text[: found.start()]) for found in pattern.finditer(text))
    }
    # What the text must speak of: kinds that make up a good part of the change; source code is always meant.
    needed = {name for name, share in shares.items() if share >= SIGNIFICANT_SHARE and name != "source"}
    # Source files hold settings, tables and docstrings too, so only tests, CI and dependencies are claims about files.
    unfounded = {name for name in claimed & {"tests", "ci", "dependencies"} if name not in present}
    unsaid = needed - claimed
    precision = 1 - len(unfounded) / len(claimed) if claimed else 1.0
    recall = 1 - len(unsaid) / len(needed) if needed else 1.0
    remarks = [f"The text speaks of {name}, and no such file changed." for name in sorted(unfounded)]
    remarks += [
        f"{round(shares[name] * 100)} % of the change is {name}, which the text does not say."
        for name in sorted(unsaid)
    ]
    return (precision + recall) / 2, remarks


def task_type(title: str) -> str:
    """Tell what kind of task a title names, by its prefix or its first words; empty when it names none."""
    found = _CONVENTIONAL.match(title)
    rest = _PREFIX.sub("", title, count=1)
    if found and rest != title:
        word = found.group(1).lower().rstrip("s")
        return _CONVENTIONS.get(word, {"doc": "docs", "fix": "fix", "refactor": "refactor", "ci": "ci"}.get(word, ""))
    return next((name for name, pattern in _TYPES if pattern.search(rest)), "")


def _task_type(title: str, shares: "Mapping[str, float]", files: Sequence[File]) -> "tuple[float, str]":
    name = task_type(title)
    added, deleted = sum(file[1] for file in files), sum(file[2] for file in files)
    behaviour = shares.get("source", 0.0) + shares.get("config", 0.0) + shares.get("migrations", 0.0)
    if not name:
        return 0.5, ""
    if name in ("docs", "tests", "dependencies", "ci"):
        share = shares.get(name, 0.0) + (shares.get("config", 0.0) if name in ("ci", "dependencies") else 0.0)
        return min(1.0, 2 * share), _misfit(name, share >= _HALF)
    if name == "removal":
        return (1.0, "") if deleted > added else (0.5, "")
    fits = behaviour > 0 or (name == "fix" and any(shares.get(kind, 0.0) > 0 for kind in ("tests", "ci", "docs")))
    if name == "feature":
        fits = fits and added >= deleted
    return (1.0, "") if fits else (0.3, _misfit(name, is_fit=False))


def _misfit(name: str, is_fit: bool) -> str:
    return "" if is_fit else f"The title says {name}, and most of the change is something else."


def retelling_ratio(body: str, files: Sequence[File]) -> float:
    """Give the share of a description's words that are names of changed files and folders, from 0 to 1."""
    known = {
        part.lower()
        for path, _, _ in files
        for part in (path, PurePosixPath(path).name, PurePosixPath(path).stem)
        if len(part) >= _LEAST_NAME
    }
    tokens = [token.strip("`*_.,:;()[]\"'").lower() for token in body.split()]
    tokens = [token for token in tokens if token and any(character.isalnum() for character in token)]
    return sum(token in known for token in tokens) / len(tokens) if tokens else 0.0
