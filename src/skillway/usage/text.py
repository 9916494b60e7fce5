"""How does a report read on a terminal? Totals first, then one table per question, the longest cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from skillway.usage.table import UNTOLD, Column, draw_table, sparkline
from skillway.usage.values import CostGroup, Health, UsageReport, Use

TOP = 10
"""Rows of a table when all of them are shown; a single one is shown whole."""

BY = ("skill", "plugin", "team", "rule", "release")
"""What a report can be asked for by."""

_WIDEST = 110
_HIDDEN = "<{least}"
_FEW, _SHARE = "-", "{:.0f} %"

Table = tuple[str, list[Column], list[list[str]]]


def report_text(report: UsageReport, *, by: str | None, width: int) -> str:
    """Write a report for a person.

    Args:
        report: What is told.
        by: One of `BY` for that table alone and whole, or None for all of them.
        width: Columns of the terminal.
    """
    width = max(20, min(width, _WIDEST))
    lines = _totals(report, width)
    tables: dict[str, Callable[[UsageReport], Table]] = {
        "skill": lambda report: _uses("Skills", report.skills, report),
        "plugin": lambda report: _uses("Plugins", report.plugins, report),
        "team": _teams,
        "rule": _rules,
        "release": _releases,
    }
    for name in (by,) if by else ("skill", "plugin", "team", "rule", "release"):
        lines += _section(tables[name](report), width, whole=by is not None)
    if by is None:
        lines += _rest(report, width)
    elif by == "team" and report.cost:
        lines += _section(_costs("Cost by team (estimate)", report.cost.by_team), width, whole=True)
    elif by == "skill":
        lines += _unused(report, width, whole=True)
    return "\n".join([*lines, *_provenance(report, width)])


def _rest(report: UsageReport, width: int) -> list[str]:
    lines = _section(_syncs(report), width)
    if report.cost:
        lines += _section(_costs("Cost by skill (estimate)", report.cost.by_skill), width)
        lines += _section(_costs("Cost by team (estimate)", report.cost.by_team), width)
    return [*lines, *_unused(report, width), *_health(report.health)]


def _totals(report: UsageReport, width: int) -> list[str]:
    period, totals = report.period, report.totals
    days = f"{period.days} day" + "s" * (period.days != 1)
    facts = [
        f"{totals.uses} uses of {totals.skills} skills",
        f"{_people(totals.users_of_skills, report)} of {_people(totals.users, report)} people",
        f"{totals.teams} teams",
        f"{totals.sessions} sessions",
        f"{totals.decisions} guard decisions",
    ]
    if totals.failures:
        facts.append(f"{totals.failures} failed uses")
    if report.cost:
        facts.append(f"{_money(report.cost.total_usd)} (estimate), {_money(report.cost.with_skill_usd)} with a skill")
    head = f"Usage {period.since} to {period.until} ({days}, UTC)  {sparkline(totals.weekly)} by week"
    return [*_wrapped([head], width), *_wrapped(facts, width, separator=" · ")]


def _uses(title: str, uses: Sequence[Use], report: UsageReport) -> Table:
    columns = [
        Column(title, is_number=False),
        Column("uses", weight=9),
        Column("people", weight=8),
        Column("teams", weight=3),
        Column("typed", weight=4),
        Column("ok", weight=5),
        Column("last", weight=2),
        Column("weekly", is_number=False, weight=6),
    ]
    rows = [
        [
            use.name,
            str(use.uses),
            _people(use.users, report),
            str(use.teams),
            _share(use.triggers.get("user-slash", 0) / use.uses),
            _share(use.success_rate),
            use.last_used.isoformat(),
            sparkline(use.weekly),
        ]
        for use in uses
    ]
    return title, columns, rows


def _teams(report: UsageReport) -> Table:
    columns = [
        Column("Teams", is_number=False),
        Column("users", weight=9),
        Column("of", weight=5),
        Column("share", weight=7),
        Column("target", weight=4),
        Column("", is_number=False, weight=3),
        Column("uses", weight=6),
        Column("users by week", is_number=False, weight=5),
    ]
    rows = [
        [
            team.team,
            _people(team.users, report),
            _FEW if team.people is None else str(team.people),
            _share(team.share),
            _share(team.target),
            {True: "reached", False: "below", None: ""}[team.is_reached],
            UNTOLD if team.uses is None else str(team.uses),
            sparkline(team.weekly),
        ]
        for team in report.adoption
    ]
    return "Teams", columns, rows


def _rules(report: UsageReport) -> Table:
    columns = [
        Column("Guard rules", is_number=False),
        Column("deny", weight=9),
        Column("ask", weight=8),
        Column("allow", weight=1),
        Column("errors", weight=4),
        Column("people", weight=6),
        Column("weekly", is_number=False, weight=5),
    ]
    rows = [
        [
            rule.rule or "(no rule)",
            str(rule.deny),
            str(rule.ask),
            str(rule.allow),
            str(rule.errors),
            _people(rule.users, report),
            sparkline(rule.weekly),
        ]
        for rule in report.rules
    ]
    return "Guard rules", columns, rows


def _releases(report: UsageReport) -> Table:
    columns = [
        Column("Releases", is_number=False),
        Column("users", weight=9),
        Column("share", weight=8),
        Column("last"),
    ]
    rows = [
        [entry.release or "(not said)", _people(entry.users, report), _share(entry.share), entry.last_seen.isoformat()]
        for entry in report.releases
    ]
    return "Releases", columns, rows


def _syncs(report: UsageReport) -> Table:
    columns = [
        Column("Syncs", is_number=False),
        Column("runs", weight=9),
        Column("users", weight=8),
        Column("weekly", is_number=False),
    ]
    rows = [
        [sync.outcome or "(not said)", str(sync.runs), _people(sync.users, report), sparkline(sync.weekly)]
        for sync in report.syncs
    ]
    return "Syncs", columns, rows


def _costs(title: str, groups: Sequence[CostGroup]) -> Table:
    columns = [
        Column(title, is_number=False),
        Column("USD", weight=9),
        Column("requests", weight=4),
        Column("prompts", weight=5),
        Column("weekly", is_number=False, weight=6),
    ]
    rows = [
        [group.name, f"{group.usd:.2f}", str(group.requests), str(group.prompts), sparkline(group.weekly)]
        for group in groups
    ]
    return title, columns, rows


def _unused(report: UsageReport, width: int, *, whole: bool = False) -> list[str]:
    if report.unused is None:
        return []
    columns = [
        Column(f"Unused ({len(report.unused)})", is_number=False),
        Column("layer", is_number=False, weight=2),
        Column("owner", is_number=False, weight=5),
        Column("last used", is_number=False, weight=8),
    ]
    rows = [
        [skill.name, skill.layer, skill.owner or _FEW, skill.last_used.isoformat() if skill.last_used else "never seen"]
        for skill in report.unused
    ]
    return _section(("Unused", columns, rows), width, whole=whole)


def _health(health: Health) -> list[str]:
    if not health.reports:
        return ["", "Telemetry: no laptop has reported on its own telemetry."]
    dropped = ", ".join(f"{count} {reason}" for reason, count in health.dropped.items()) or "none"
    facts = [f"{health.reports} reports", f"dropped: {dropped}", f"{health.flush_failures} failed sends"]
    if health.spool_oldest_s is not None:
        facts.append(f"oldest unsent record {health.spool_oldest_s / 3600:.1f} h")
    if health.keys:
        facts.append("keys in use: " + ", ".join(health.keys))
    return ["", "Telemetry: " + " · ".join(facts)]


def _provenance(report: UsageReport, width: int) -> list[str]:
    told = report.provenance
    facts = [
        f"{told.events} events of the period",
        f"{told.skillway_events} skillway",
        f"{told.native_events} Claude Code",
        f"{told.duplicates} duplicates left out",
    ]
    if told.hidden:
        facts.append(f"{told.hidden} groups under {told.min_group} people hidden")
    lines = ["", *_wrapped(facts, width, separator=" · ")]
    for source in told.sources:
        since = f" since {source.first:%Y-%m-%d}" if source.first else ""
        lines += _wrapped([f"From {source.kind} {source.place}: {source.events} events{since}"], width)
    if report.cost:
        lines += _wrapped([f"Cost: {report.cost.basis}"], width)
    return lines


def _section(table: Table, width: int, *, whole: bool = False) -> list[str]:
    _, columns, rows = table
    if not rows:
        return []
    shown = rows if whole else rows[:TOP]
    lines = ["", *draw_table(columns, shown, width=width)]
    if len(rows) > len(shown):
        lines.append(f"  and {len(rows) - len(shown)} more")
    return lines


def _wrapped(parts: Iterable[str], width: int, *, separator: str = " ") -> list[str]:
    """Put parts on lines of at most `width`; a part that is longer is broken at blanks."""
    lines: list[str] = []
    for part in parts:
        words = [part] if separator != " " else part.split(" ")
        for word in words:
            if lines and len(lines[-1]) + len(separator) + len(word) <= width:
                lines[-1] += separator + word
            else:
                lines.append(word)
    return lines


def _people(count: int | None, report: UsageReport) -> str:
    return _HIDDEN.format(least=report.provenance.min_group) if count is None else str(count)


def _share(share: float | None) -> str:
    return _FEW if share is None else _SHARE.format(100 * share)


def _money(usd: float) -> str:
    return f"${usd:,.2f}"
