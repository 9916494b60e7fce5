"""Which skills are there, what is each for, and how does somebody get it? The one list behind `skillway catalog` and its page.

Joins what the repository says (name, description, owner, layer) with how much each skill is used and what its evals said,
where somebody knows. What is not known is told as not known: no use without a store, no verdict without a summary.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from skillway.catalog import BASE, DEVELOPER_TOOLS, Catalog, Plugin, Skill
from skillway.content import content_path
from skillway.errors import SkillwayError
from skillway.organisation import Organisation

NOT_RUN = "not run"
OUTCOMES = ("pass", "fail", "inconclusive", "invalid", NOT_RUN)
PROVENANCES = ("live", "replay", "recorded")
"""Where a verdict may come from to be shown to a person; a scripted model's is no evidence."""


class SummaryError(SkillwayError):
    """The author must act: the summary of verdicts is none."""

    code = "summary"


@dataclass(frozen=True, slots=True)
class SkillUse:
    """How much a skill was used: `users` is None when they are too few to be told."""

    uses: int
    users: int | None
    last_used: date


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the latest eval run said: `outcome` is one of `OUTCOMES`, `day` its day as in 2026-11-20, or ''."""

    outcome: str = NOT_RUN
    day: str = ""


@dataclass(frozen=True, slots=True)
class SkillEntry:
    """One skill as somebody who looks for it needs it.

    Attributes:
        key: `plugin:skill`, unique.
        name: The skill's name.
        plugin: The plugin's name.
        version: The plugin's version.
        layer: `base`, `developer-tools` or `team`.
        team: The team's name, or ''.
        description: What it is for and when to use it.
        owners: Who looks after it.
        invocation: What a person types.
        is_typed_only: Whether Claude never starts it by itself.
        reach: One sentence: which laptops have it.
        use: How much it is used; None without usage data.
        evidence: What its evals said.
    """

    key: str
    name: str
    plugin: str
    version: str
    layer: str
    team: str
    description: str
    owners: tuple[str, ...]
    invocation: str
    is_typed_only: bool
    reach: str
    use: SkillUse | None
    evidence: Evidence

    def to_json(self) -> dict[str, Any]:
        """Give the entry as JSON values; the last day of use as 2026-11-20."""
        content = asdict(self)
        if self.use:
            content["use"]["last_used"] = self.use.last_used.isoformat() if self.use.uses else None
        return content


def list_skills(
    catalog: Catalog,
    organisation: Organisation,
    *,
    use: Mapping[str, SkillUse] | None = None,
    evidence: Mapping[str, Evidence] | None = None,
) -> list[SkillEntry]:
    """List every skill, by layer, plugin and name.

    Args:
        catalog: The repository's plugins.
        organisation: Who owns what, and which rings there are.
        use: By `plugin:skill`; None without usage data. A skill that is missing from it was not used.
        evidence: By `plugin:skill`; a skill that is missing from it has not been run.
    """
    return [
        _entry(plugin, skill, organisation, use, evidence or {})
        for plugin in catalog.plugins
        for skill in sorted(plugin.skills, key=lambda skill: skill.name)
    ]


def search_skills(entries: Sequence[SkillEntry], question: str, *, limit: int) -> list[SkillEntry]:
    """Give the skills that fit a question, the best first, ranked as the skill `find-skill` does on a laptop."""
    ranking = _ranking()
    by_key = {entry.key: entry for entry in entries}
    texts = [ranking.Text(entry.key, entry.name, entry.description, entry.plugin) for entry in entries]
    return [by_key[match.key] for match in ranking.best(texts, question, limit=limit)]


def near_keys(entries: Sequence[SkillEntry], name: str) -> list[str]:
    """Name the skills that somebody who wrote `name` may have meant."""
    bare = name.rpartition(":")[2].lstrip("/")
    same = [entry.key for entry in entries if entry.name == bare]
    return same or [entry.key for entry in search_skills(entries, bare.replace("-", " "), limit=3)]


def read_evidence(path: Path) -> dict[str, Evidence]:
    """Read a summary of verdicts.

    The file is `{"schema": 1, "skills": {"plugin:skill": {"outcome", "provenance", "day"}}}`. A verdict of a scripted
    model, or with an outcome that is not known here, counts as not run.

    Raises:
        SummaryError: The file cannot be read or is no summary.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != 1:
            raise ValueError(f"schema {content['schema']!r}, expected 1")  # noqa: TRY301 - told like every other fault below
        return {str(key): _verdict(verdict) for key, verdict in content["skills"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SummaryError(
            f"{path} is no summary of verdicts ({type(error).__name__}: {error}).",
            fix="Write it again with the eval runner, or leave --evidence out.",
        ) from error


def _verdict(verdict: Mapping[str, Any]) -> Evidence:
    outcome = verdict.get("outcome")
    if verdict.get("provenance") not in PROVENANCES or outcome not in OUTCOMES:
        return Evidence()
    return Evidence(outcome, str(verdict.get("day") or ""))


def _entry(
    plugin: Plugin,
    skill: Skill,
    organisation: Organisation,
    use: Mapping[str, SkillUse] | None,
    evidence: Mapping[str, Evidence],
) -> SkillEntry:
    key = f"{plugin.name}:{skill.name}"
    return SkillEntry(
        key=key,
        name=skill.name,
        plugin=plugin.name,
        version=plugin.version,
        layer=plugin.layer,
        team=plugin.team or "",
        description=" ".join(part for part in (skill.description, skill.when_to_use) if part),
        owners=_owners(plugin, organisation),
        invocation=f"/{key}",
        is_typed_only=not skill.is_model_invocable,
        reach=_reach(plugin),
        use=None if use is None else use.get(key, SkillUse(0, 0, date.min)),
        evidence=evidence.get(key, Evidence()),
    )


def _owners(plugin: Plugin, organisation: Organisation) -> tuple[str, ...]:
    team = next((team for team in organisation.teams if team.name == plugin.team), None)
    return (team.owners if team else ()) or organisation.owners


def _reach(plugin: Plugin) -> str:
    if plugin.layer == BASE:
        return "On every laptop."
    if plugin.layer == DEVELOPER_TOOLS:
        return "On every engineer's laptop; IT leaves it out with developer_tools: false."
    return f'On laptops of the team {plugin.team}; IT adds "{plugin.team}" to the laptop\'s teams.'


@cache
def _ranking() -> ModuleType:
    """Load the ranking of the skill `find-skill`, without leaving byte code in the plugin's folder."""
    path = content_path("base-plugin/skills/find-skill/scripts/ranking.py")
    module = ModuleType("skillway_ranking")
    sys.modules[module.__name__] = module  # dataclasses look their module up by name
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)  # noqa: S102 - our own file
    return module
