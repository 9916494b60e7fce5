"""How does one table of a report read as CSV? One line per row, hidden numbers empty, weeks as columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from skillway.usage.values import Adoption, CostGroup, Period, Release, RuleDecisions, UsageReport, Use

_USE = ("uses", "users", "teams", "user_slash", "claude_proactive", "failures", "success_rate", "last_used")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report_csv(report: UsageReport, by: str) -> str:
    """Write the table of `by`, one of `text.BY`, with a line of titles."""
    weeks = _weeks(report.period)
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[Any]]]] = {
        "skill": (("skill", "plugin", *_USE, *weeks), (_use(use) for use in report.skills)),
        "plugin": (("plugin", "plugin", *_USE, *weeks), (_use(use) for use in report.plugins)),
        "team": (
            ("team", "people", "target", "users", "active", "share", "uses", "cost_usd_estimate", *weeks),
            (_team(team, _cost_of(report, team.team)) for team in report.adoption),
        ),
        "rule": (
            ("rule", "deny", "ask", "allow", "errors", "users", *weeks),
            (_rule(rule) for rule in report.rules),
        ),
        "release": (("release", "users", "share", "last_seen"), (_release(entry) for entry in report.releases)),
    }
    titles, rows = tables[by]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _use(use: Use) -> list[Any]:
    typed, proactive = use.triggers.get("user-slash", 0), use.triggers.get("claude-proactive", 0)
    facts = [use.uses, use.users, use.teams, typed, proactive, use.failures, use.success_rate, use.last_used]
    return [use.name, use.plugin, *facts, *use.weekly]


def _team(team: Adoption, cost: CostGroup | None) -> list[Any]:
    usd = cost.usd if cost else None
    facts = [team.people, team.target, team.users, team.active, team.share, team.uses, usd]
    return [team.team, *facts, *team.weekly]


def _cost_of(report: UsageReport, team: str) -> CostGroup | None:
    groups = report.cost.by_team if report.cost else ()
    return next((group for group in groups if group.name == team), None)


def _rule(rule: RuleDecisions) -> list[Any]:
    return [rule.rule, rule.deny, rule.ask, rule.allow, rule.errors, rule.users, *rule.weekly]


def _release(entry: Release) -> list[Any]:
    return [entry.release, entry.users, entry.share, entry.last_seen]


def _weeks(period: Period) -> list[str]:
    return [f"week {monday.isoformat()}" for monday in period.weeks]


def _cell(value: Any) -> Any:  # noqa: ANN401 - any value of a report
    if value is None:
        return ""
    if isinstance(value, float):
        return round(value, 6)
    # a name that a spreadsheet would take for a formula; names come from whoever sends
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value
