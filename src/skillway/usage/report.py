"""What was used, by how many, at what cost? The one value behind the table, `--json`, `--csv` and the page."""

from __future__ import annotations

from skillway.usage.values import (
    NO_SKILL,
    NO_TEAM,
    OTHERS,
    Adoption,
    Cost,
    CostGroup,
    Health,
    Period,
    Provenance,
    Release,
    RuleDecisions,
    Source,
    SyncOutcome,
    Totals,
    UnusedSkill,
    UsageReport,
    Use,
)

__all__ = [
    "NO_SKILL",
    "NO_TEAM",
    "OTHERS",
    "Adoption",
    "Cost",
    "CostGroup",
    "Health",
    "Period",
    "Provenance",
    "Release",
    "RuleDecisions",
    "Source",
    "SyncOutcome",
    "Totals",
    "UnusedSkill",
    "UsageReport",
    "Use",
]
