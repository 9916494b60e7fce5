"""The page of a usage report: what is used, by how many, at what cost, what the guard stopped, and whether to trust it.

Draws what `UsageReport` holds and counts nothing itself but sums of it. What the report hides stays hidden here: in
drawings as a word or a question mark, in tables as `hidden`, never as zero.
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from skillway.pages.frame import Section, page
from skillway.pages.parts import Column, note, number, table, tiles
from skillway.pages.usage_operations import cost_parts, fleet_parts, guard_parts
from skillway.pages.usage_skills import adoption_parts, skill_parts, unused_parts
from skillway.pages.usage_words import age, dollars, pairs, written_day
from skillway.usage.values import UsageReport


def usage_page(report: UsageReport, *, title: str, layers: Mapping[str, str] | None = None) -> str:
    """Make the page.

    Args:
        report: What to draw.
        title: What the organisation is called, or ''.
        layers: From plugin to layer; a plugin that is missing counts as a team's, and one without a name as unlisted.
    """
    known = layers or {"base-plugin": "base", "developer-tools": "developer-tools"}
    sections = [Section("overview", "Overview", _overview(report))]
    if report.provenance.events:
        sections += _measured(report, known)
    sections.append(Section("health", "Can these numbers be trusted?", _health(report)))
    period = report.period
    return page(
        f"Use of skills{f' at {title}' if title else ''}",
        sections,
        subtitle=f"{written_day(period.since)} to {written_day(period.until)}, {period.days} days, in UTC.",
        footer=_footer(report),
    )


def _measured(report: UsageReport, layers: Mapping[str, str]) -> list[Section]:
    """Make the sections that say something only when an event arrived."""
    return [
        Section("adoption", "Adoption", adoption_parts(report)),
        Section("skills", "Skills", skill_parts(report, layers)),
        Section("unused", "Unused skills", unused_parts(report)),
        Section("cost", "Cost (estimate)", cost_parts(report)),
        Section("guard", "Guard", guard_parts(report)),
        Section("fleet", "Releases in the fleet", fleet_parts(report)),
    ]


def _overview(report: UsageReport) -> tuple[Markup | str, ...]:
    if not report.provenance.events:
        told = "There is no event of this period, so nothing is known of how skills are used."
        return (note(told, kind="caution"), note("Whether events are sent: skillway usage status, on a laptop."))
    totals, least, hidden = report.totals, report.provenance.min_group, report.provenance.hidden
    shown = tiles(
        [
            ("Uses of skills", totals.uses, f"{number(totals.failures)} failed"),
            (
                "People who used one",
                totals.users_of_skills if totals.users_of_skills is not None else f"fewer than {least}",
                "",
            ),
            (
                "Skills in use",
                totals.skills,
                f"{number(len(report.unused))} unused" if report.unused is not None else "",
            ),
            ("Teams", totals.teams, ""),
            ("Sessions", totals.sessions, ""),
            ("Decisions of the guard", totals.decisions, ""),
            ("Cost in US dollars", dollars(totals.cost_usd), "" if totals.cost_usd is None else "estimate"),
        ]
    )
    told = (
        f"Groups of fewer than {least} people are hidden; here that is {number(hidden)}. Their uses are in the totals."
    )
    return (shown, note(told)) if hidden else (shown,)


def _health(report: UsageReport) -> tuple[Markup | str, ...]:
    health, source = report.health, report.provenance
    if report.provenance.events and not health.reports:
        reasons = [
            note(
                "No laptop told of its own telemetry in this period, so what got lost on the way is not known.",
                kind="caution",
            )
        ]
    else:
        reasons = []
    reasons += [note(text, kind="caution") for text in source.notes]
    shown = tiles(
        [
            ("Events of the period", source.events, f"{number(source.duplicates)} came twice and count once"),
            ("From skillway", source.skillway_events, ""),
            ("From Claude Code itself", source.native_events, ""),
            ("Dropped on laptops", sum(health.dropped.values()), f"in {number(health.reports)} reports"),
            ("Torn records", health.torn, ""),
            ("Failed sends", health.flush_failures, ""),
            ("Oldest unsent record", age(health.spool_oldest_s), "on any laptop"),
        ]
    )
    dropped = table(
        "Dropped records, by reason",
        [Column("reason"), Column("records")],
        pairs(health.dropped),
        folded="Dropped records",
    )
    keys = table(
        "Reports by ingest key", [Column("key"), Column("reports")], pairs(health.keys), folded="Ingest keys in use"
    )
    return (*reasons, shown, dropped, keys, _source_table(report))


def _source_table(report: UsageReport) -> Markup:
    columns = [Column("place"), Column("kind"), Column("events"), Column("first", "none"), Column("last", "none")]
    rows = [[place.place, place.kind, place.events, place.first, place.last] for place in report.provenance.sources]
    return table("Where the numbers come from", columns, rows)


def _footer(report: UsageReport) -> str:
    source = report.provenance
    few = f"Groups of fewer than {source.min_group} people are hidden. " if source.min_group > 1 else ""
    return (
        f"Made by skillway on {source.made:%Y-%m-%d %H:%M} UTC from {number(source.events)} events. "
        f"{few}Catalogue: {source.catalogue or 'none'}. Targets: {source.targets or 'none'}."
    )
