"""The page of a usage report: what is used, by how many, at what cost, what the guard stopped, and whether to trust it.

Draws what `UsageReport` holds and counts nothing itself but sums of it. What the report hides stays hidden here: in
drawings as a word or a question mark, in tables as `hidden`, never as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from markupsafe import Markup

from skillway.pages.charts import Chart, Series, chart
from skillway.pages.frame import Section, page
from skillway.pages.parts import HIDDEN, Cell, Column, note, number, table, tiles
from skillway.usage.values import Cost, CostGroup, Period, UsageReport, Use

_TEAMS_DRAWN = 20
_COST_SERIES = 5
_TOP = 20
UNLISTED = "not in the catalogue"


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
        subtitle=f"{_day(period.since)} to {_day(period.until)}, {period.days} days, in UTC.",
        footer=_footer(report),
    )


def _measured(report: UsageReport, layers: Mapping[str, str]) -> list[Section]:
    """Make the sections that say something only when an event arrived."""
    return [
        Section("adoption", "Adoption", _adoption(report)),
        Section("skills", "Skills", _skills(report, layers)),
        Section("unused", "Unused skills", _unused(report)),
        Section("cost", "Cost (estimate)", _cost(report)),
        Section("guard", "Guard", _guard(report)),
        Section("fleet", "Releases in the fleet", _fleet(report)),
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
            ("Cost in US dollars", _dollars(totals.cost_usd), "estimate"),
        ]
    )
    told = (
        f"Groups of fewer than {least} people are hidden; here that is {number(hidden)}. Their uses are in the totals."
    )
    return (shown, note(told)) if hidden else (shown,)


def _adoption(report: UsageReport) -> tuple[Markup | str, ...]:
    teams = report.adoption
    has_targets = any(team.target is not None for team in teams)
    against = Chart(
        title="Share of each team that used a skill, against its target"
        if has_targets
        else "People who used a skill, by team",
        kind="bars",
        categories=tuple(team.team for team in teams),
        category_title="team",
        series=(
            Series(
                "share" if has_targets else "people", tuple(team.share if has_targets else team.users for team in teams)
            ),
        ),
        unit="share of the team" if has_targets else "people",
        note="The upright mark is the target." if has_targets else "Without a file of targets there is no share.",
        targets=tuple(team.target for team in teams) if has_targets else (),
        percent=has_targets,
        none="unknown or hidden" if has_targets else HIDDEN,
    )
    drawn = teams[:_TEAMS_DRAWN]
    weekly = Chart(
        title="People who used a skill, by team and week",
        kind="cells",
        categories=_weeks(report.period),
        category_title="week",
        series=tuple(Series(team.team, team.weekly) for team in drawn),
        series_title="team",
        unit="people",
        note=f"The darker, the more people; ? is hidden.{_only_first(len(drawn), len(teams), 'teams')}",
    )
    columns = [
        Column("team"),
        Column("people", "unknown"),
        Column("target", "none", percent=True),
        Column("used a skill"),
    ]
    columns += [Column("share", "unknown or hidden", percent=True), Column("reached"), Column("uses")]
    rows = [
        [team.team, team.people, team.target, team.users, team.share, _yes_no(team.is_reached), team.uses]
        for team in teams
    ]
    return chart(against), chart(weekly), table("Adoption by team", columns, rows)


def _skills(report: UsageReport, layers: Mapping[str, str]) -> tuple[Markup | str, ...]:
    weekly = Chart(
        title="Uses per week, by layer",
        kind="columns",
        categories=_weeks(report.period),
        category_title="week of",
        series=_by_layer(report.plugins, layers, len(report.period.weeks)),
        unit="uses",
        note=_cut_weeks(report.period),
    )
    top = report.skills[:_TOP]
    most = Chart(
        title="Most used skills",
        kind="bars",
        categories=tuple(use.name for use in top),
        category_title="skill",
        series=(Series("uses", tuple(use.uses for use in top)),),
        unit="uses",
        note=_only_first(len(top), len(report.skills), "skills").strip(),
    )
    triggers = _sum_of(use.triggers for use in report.skills)
    ways = Chart(
        title="How skills are started",
        kind="bars",
        categories=tuple(_TRIGGERS.get(name, name) for name in triggers),
        category_title="trigger",
        series=(Series("uses", tuple(triggers.values())),),
        unit="uses",
    )
    return chart(weekly), chart(most), chart(ways), _skill_table(report.skills)


_TRIGGERS = {
    "user-slash": "typed by a person (user-slash)",
    "claude-proactive": "by Claude itself (claude-proactive)",
    "nested-skill": "by another skill (nested-skill)",
}


def _skill_table(skills: Sequence[Use]) -> Markup:
    columns = [Column("skill"), Column("uses"), Column("people"), Column("teams"), Column("failed")]
    columns += [Column("succeeded", "unknown", percent=True), Column("last used")]
    rows = [[use.name, use.uses, use.users, use.teams, use.failures, use.success_rate, use.last_used] for use in skills]
    return table("Every skill that was used", columns, rows, folded="Every skill that was used, as a table")


def _unused(report: UsageReport) -> tuple[Markup | str, ...]:
    if report.unused is None:
        return (
            note(
                "Unused skills are the catalogue less those that were used; this report was made without a catalogue."
            ),
        )
    if not report.unused:
        return (note("Every skill of the catalogue was used."),)
    columns = [Column("skill"), Column("layer"), Column("owner"), Column("last used", "never seen")]
    rows = [[skill.name, skill.layer, skill.owner or "nobody is named", skill.last_used] for skill in report.unused]
    return (table(f"{number(len(rows))} skills that nobody used in these {report.period.days} days", columns, rows),)


def _cost(report: UsageReport) -> tuple[Markup | str, ...]:
    cost = report.cost
    if cost is None:
        return (
            note(
                "No cost events of Claude Code arrived, so there is nothing to estimate. Its own telemetry has to be on."
            ),
        )
    share = cost.with_skill_usd / cost.total_usd if cost.total_usd else 0.0
    weekly = Chart(
        title="Estimated cost per week, by team",
        kind="columns",
        categories=_weeks(report.period),
        category_title="week of",
        series=_cost_series(cost),
        unit="US dollars",
        note=_cut_weeks(report.period),
        digits=2,
    )
    told = f"An estimate. {cost.basis} {share:.0%} of the {_dollars(cost.total_usd)} could be given to a skill."
    return (
        note(told, kind="caution"),
        chart(weekly),
        _cost_table("Estimated cost by team", "team", cost.by_team),
        _cost_table("Estimated cost by skill", "skill", cost.by_skill),
    )


def _cost_series(cost: Cost) -> tuple[Series, ...]:
    """Draw the dearest teams, and what is left as one series, so that columns add up to the total."""
    first = cost.by_team[:_COST_SERIES]
    rest = tuple(
        max(0.0, round(total - sum(group.weekly[index] for group in first), 6))
        for index, total in enumerate(cost.weekly)
    )
    drawn = tuple(Series(group.name, group.weekly) for group in first)
    return (*drawn, Series("all others", rest)) if any(value > 0.005 for value in rest) else drawn  # noqa: PLR2004 - half a cent


def _cost_table(caption: str, what: str, groups: Sequence[CostGroup]) -> Markup:
    columns = [Column(what), Column("US dollars", digits=2), Column("requests"), Column("prompts")]
    rows = [[group.name, group.usd, group.requests, group.prompts] for group in groups]
    return table(f"{caption}, US dollars", columns, rows, folded=caption)


def _guard(report: UsageReport) -> tuple[Markup | str, ...]:
    rules = report.rules
    kinds: list[tuple[str, Callable[[int], int]]] = [
        ("denied", lambda index: rules[index].deny),
        ("asked", lambda index: rules[index].ask),
        ("could not judge", lambda index: rules[index].errors),
    ]
    series = tuple(Series(name, tuple(count(index) for index in range(len(rules)))) for name, count in kinds)
    by_rule = Chart(
        title="Decisions of the guard, by rule",
        kind="bars",
        categories=tuple(rule.rule or "(no rule)" for rule in rules),
        category_title="rule",
        series=series,
        unit="calls",
        note="What the guard let through in silence is not drawn.",
    )
    columns = [
        Column("rule"),
        Column("denied"),
        Column("asked"),
        Column("let through"),
        Column("could not judge"),
        Column("people"),
    ]
    rows: list[list[Cell]] = [
        [rule.rule or "(no rule)", rule.deny, rule.ask, rule.allow, rule.errors, rule.users] for rule in rules
    ]
    return chart(by_rule), table(
        "Decisions by rule", columns, rows, folded="With what was let through, and how many people"
    )


def _fleet(report: UsageReport) -> tuple[Markup | str, ...]:
    now = Chart(
        title="Release that people are on at the end of the period",
        kind="bars",
        categories=tuple(release.release or "(not said)" for release in report.releases),
        category_title="release",
        series=(Series("people", tuple(release.users for release in report.releases)),),
        unit="people",
    )
    over_time = Chart(
        title="How syncs ended, per week",
        kind="columns",
        categories=_weeks(report.period),
        category_title="week of",
        series=tuple(Series(_SYNCS.get(sync.outcome, sync.outcome), sync.weekly) for sync in report.syncs),
        unit="syncs",
        note=_cut_weeks(report.period),
    )
    columns = [Column("release"), Column("people"), Column("share", percent=True), Column("last seen")]
    rows = [
        [release.release or "(not said)", release.users, release.share, release.last_seen]
        for release in report.releases
    ]
    return chart(now), chart(over_time), table("Releases", columns, rows, folded="Shares and days")


_SYNCS = {"ok": "updated", "noop": "nothing to do", "failed": "failed", "rolled_back": "rolled back"}


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
            ("Oldest unsent record", _age(health.spool_oldest_s), "on any laptop"),
        ]
    )
    dropped = table(
        "Dropped records, by reason",
        [Column("reason"), Column("records")],
        _pairs(health.dropped),
        folded="Dropped records",
    )
    keys = table(
        "Reports by ingest key", [Column("key"), Column("reports")], _pairs(health.keys), folded="Ingest keys in use"
    )
    return (*reasons, shown, dropped, keys, _source_table(report))


def _source_table(report: UsageReport) -> Markup:
    columns = [Column("place"), Column("kind"), Column("events"), Column("first", "none"), Column("last", "none")]
    rows = [[place.place, place.kind, place.events, place.first, place.last] for place in report.provenance.sources]
    return table("Where the numbers come from", columns, rows)


def _by_layer(plugins: Sequence[Use], layers: Mapping[str, str], weeks: int) -> tuple[Series, ...]:
    sums: dict[str, list[int]] = {name: [0] * weeks for name in ("base", "developer-tools", "team", UNLISTED)}
    for use in plugins:
        layer = layers.get(use.plugin, "team") if use.plugin else UNLISTED
        for index, uses in enumerate(use.weekly):
            sums.setdefault(layer, [0] * weeks)[index] += uses
    return tuple(Series(layer, tuple(values)) for layer, values in sums.items() if any(values) or layer != UNLISTED)


def _sum_of(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])))


def _weeks(period: Period) -> tuple[str, ...]:
    return tuple(week.isoformat() for week in period.weeks)


def _cut_weeks(period: Period) -> str:
    """Say which columns are lower because the period cuts their week."""
    cut = []
    if period.weeks and period.since > period.weeks[0]:
        cut.append("first")
    if period.weeks and (period.until - period.weeks[-1]).days < 6:  # noqa: PLR2004 - Sunday is day 6
        cut.append("last")
    return (
        f"Weeks begin on Monday. The {' and the '.join(cut)} week {'are' if len(cut) > 1 else 'is'} cut by the period."
        if cut
        else "Weeks begin on Monday."
    )


def _only_first(drawn: int, all_: int, what: str) -> str:
    return f" The first {drawn} of {number(all_)} {what} are drawn." if drawn < all_ else ""


def _pairs(counts: Mapping[str, int]) -> list[list[str | int]]:
    return [[name, count] for name, count in sorted(counts.items(), key=lambda pair: -pair[1])]


def _dollars(value: float | None) -> str:
    return "no data" if value is None else f"${value:,.0f}" if value >= 100 else f"${value:,.2f}"  # noqa: PLR2004 - cents matter below


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _yes_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


def _footer(report: UsageReport) -> str:
    source = report.provenance
    few = f"Groups of fewer than {source.min_group} people are hidden. " if source.min_group > 1 else ""
    return (
        f"Made by skillway on {source.made:%Y-%m-%d %H:%M} UTC from {number(source.events)} events. "
        f"{few}Catalogue: {source.catalogue or 'none'}. Targets: {source.targets or 'none'}."
    )
