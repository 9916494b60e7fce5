"""What a rule is, which rules there are, and what a broken one is told as.

Rules are small pure functions over values of `skillway.catalog`, registered here under an identifier by the
module of their subject. Which files are looked at, and in which order, is `skillway.checks.run`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from skillway.catalog import Catalog, Definition, HookEntry, Plugin, Problem, SettingsFragment, Skill

ERROR = "error"
WARNING = "warning"
CLAUDE_CODE = "claude-code"
PORTABLE = "portable"
PROFILES = (CLAUDE_CODE, PORTABLE)
"""`claude-code` is what reaches laptops here; `portable` adds what other agents and uploads refuse."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule, at one place.

    `file` is relative to the folder that was checked, with `/`; `line` and `column` count from 1 or are None
    when the whole file is meant.
    """

    severity: str
    rule: str
    file: str
    line: int | None
    column: int | None
    message: str
    seen: str | None
    expected: str | None
    fix: str

    def to_json(self) -> dict[str, Any]:
        """Give the mapping that `--json` shows."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: Kebab-case; what `check explain` takes and suppressions will name.
        severity: `error` blocks a release, `warning` informs.
        subject: The heading that it stands under in the documentation.
        title: What holds when the rule is kept.
        why: What happens otherwise, and how that is known.
        bad: An example that breaks it.
        good: The same, mended.
        outside: Its severity for a plugin that stands in no layer, or None where it does not apply there: the
            conventions of this repository's layers are no law for other people's plugins.
        profile: The only profile that it belongs to, or None for all.
    """

    id: str
    severity: str
    subject: str
    title: str
    why: str
    bad: str
    good: str
    outside: str | None
    profile: str | None

    def at(
        self,
        file: Path,
        message: str,
        fix: str,
        *,
        line: int | None = None,
        column: int | None = None,
        seen: object = None,
        expected: str | None = None,
    ) -> Problem:
        """Say that the rule is broken at a place."""
        shown = None if seen is None else _shorten(str(seen))
        return Problem(self.id, file, message, fix, line, column, shown, expected)


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look up beside its subject.

    Attributes:
        catalog: Everything.
        plugin: The plugin that the subject belongs to.
        installed: From the path of a file or folder on a laptop to the source path of that file, or of one in it.
        skills: From a skill's folder below the plugin's, empty for the plugin's own, to the skill.
    """

    catalog: Catalog
    plugin: Plugin
    installed: dict[str, str]
    skills: dict[str, Skill]


def make_context(catalog: Catalog, plugin: Plugin) -> Context:
    """Index a plugin once, so that every look-up by a rule takes constant time."""
    installed: dict[str, str] = {".": ".claude-plugin/plugin.json"}
    for file in plugin.files:
        path = plugin.installed_path(file.path)
        while path and path not in installed:
            installed[path] = file.path
            path = path.rpartition("/")[0]
    skills = {skill.path.rpartition("/")[0]: skill for skill in plugin.skills}
    return Context(catalog, plugin, installed, skills)


@dataclass(frozen=True, slots=True)
class TextFile:
    """One text file of a plugin, or of `hooks/` where `plugin` is None; `path` is relative to its folder."""

    path: str
    file: Path
    text: str
    plugin: Plugin | None

    @property
    def is_ours(self) -> bool:
        """Whether the file reaches laptops through skillway, so that Python 3.9 may have to run it."""
        return self.plugin is None or self.plugin.is_layered


RULES: dict[str, Rule] = {}
"""Every rule by identifier, in the order of definition."""

CATALOG_CHECKS: list[Callable[[Catalog], Iterator[Problem]]] = []
PLUGIN_CHECKS: list[Callable[[Plugin, Context], Iterator[Problem]]] = []
DEFINITION_CHECKS: list[Callable[[Definition, Context], Iterator[Problem]]] = []
SKILL_CHECKS: list[Callable[[Skill, Context], Iterator[Problem]]] = []
HOOK_CHECKS: list[Callable[[HookEntry, Context], Iterator[Problem]]] = []
FRAGMENT_CHECKS: list[Callable[[SettingsFragment, Context], Iterator[Problem]]] = []
TEXT_CHECKS: list[Callable[[TextFile, Context], Iterator[Problem]]] = []

_SAME = "same"
F = TypeVar("F", bound=Callable[..., Any])


def define(
    identifier: str,
    severity: str,
    title: str,
    *,
    subject: str,
    why: str,
    bad: str,
    good: str,
    outside: str | None = _SAME,
    profile: str | None = None,
) -> Rule:
    """Add a rule to the table."""
    assert identifier not in RULES, f"two rules are called {identifier}"
    severity_outside = severity if outside == _SAME else outside
    rule = Rule(identifier, severity, subject, title, why, bad, good, severity_outside, profile)
    RULES[identifier] = rule
    return rule


def on(checks: list[Any]) -> Callable[[F], F]:
    """Register a function as a check of one kind of subject, for example `@on(SKILL_CHECKS)`."""

    def register(function: F) -> F:
        checks.append(function)
        return function

    return register


def _shorten(text: str, limit: int = 120) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
