"""Which parts of the usage page say who uses which skills: adoption by team, uses by layer and skill, what is unused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from skillway.pages.charts import Chart, Series, chart
from skillway.pages.parts import Cell, Column, note, number, table
from skillway.pages.usage_words import cut_weeks, only_first, week_labels, yes_no
from skillway.usage.values import Adoption, UsageReport, Use

UNLISTED = "not in the catalogue"
_TEAMS_DRAWN = 20
_TOP = 20
_TRIGGERS = {
    "user-slash": "typed by a person (user-slash)",
    "claude-proactive": "by Claude itself (claude-proactive)",
    "nested-skill": "by another skill (nested-skill)",
}


def adoption_parts(report: UsageReport) -> tuple[Markup | str, ...]:
    """Show how far each team has come, against its target where there is one."""
    teams = report.adoption
    names = tuple(team.team for team in teams)
    has_targets = any(team.target is not None for team in teams)
    drawn = teams[:_TEAMS_DRAWN]
    weekly = Chart(
        title="People who used a skill, by team and week",
        kind="cells",
        categories=week_labels(report.period),
        category_title="week",
        series=tuple(Series(team.team, team.weekly) for team in drawn),
        series_title="team",
        unit="people",
        note=f"The stronger the colour, the more people; ? is hidden.{only_first(len(drawn), len(teams), 'teams')}",
    )
    first = _against_targets(teams, names) if has_targets else _people(teams, names)
    return chart(first), chart(weekly), _team_table(teams, has_targets=has_targets)


def _against_targets(teams: Sequence[Adoption], names: tuple[str, ...]) -> Chart:
    return Chart(
        title="Share of each team that used a skill, against its target",
        kind="bars",
        categories=names,
        category_title="team",
        series=(Series("share", tuple(team.share for team in teams)),),
        unit="share of the team",
        note="The upright mark is the target.",
        targets=tuple(team.target for team in teams),
        percent=True,
        none="unknown or hidden",
    )


def _people(teams: Sequence[Adoption], names: tuple[str, ...]) -> Chart:
    return Chart(
        title="People who used a skill, by team",
        kind="bars",
        categories=names,
        category_title="team",
        series=(Series("people", tuple(team.users for team in teams)),),
        unit="people",
        note="A share of each team needs a file of targets: skillway usage page --targets FILE",
    )


def _team_table(teams: Sequence[Adoption], *, has_targets: bool) -> Markup:
    columns = [Column("team"), Column("used a skill"), Column("uses")]
    rows: list[list[Cell]] = [[team.team, team.users, team.uses] for team in teams]
    if has_targets:
        columns += [Column("people", "unknown"), Column("share", "unknown or hidden", percent=True)]
        columns += [Column("target", "none", percent=True), Column("reached")]
        for row, team in zip(rows, teams, strict=True):
            row += [team.people, team.share, team.target, yes_no(team.is_reached)]
    return table("Adoption by team", columns, rows)


def skill_parts(report: UsageReport, layers: Mapping[str, str]) -> tuple[Markup | str, ...]:
    """Show what is used, and how it is started.

    Args:
        report: What to draw.
        layers: From plugin to layer.
    """
    weekly = Chart(
        title="Uses per week, by layer",
        kind="columns",
        categories=week_labels(report.period),
        category_title="week of",
        series=_by_layer(report.plugins, layers, len(report.period.weeks)),
        unit="uses",
        note=cut_weeks(report.period),
    )
    top = report.skills[:_TOP]
    most = Chart(
        title="Most used skills",
        kind="bars",
        categories=tuple(use.name for use in top),
        category_title="skill",
        series=(Series("uses", tuple(use.uses for use in top)),),
        unit="uses",
        note=only_first(len(top), len(report.skills), "skills").strip(),
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


def _skill_table(skills: Sequence[Use]) -> Markup:
    columns = [Column("skill"), Column("uses"), Column("people"), Column("teams"), Column("failed")]
    columns += [Column("succeeded", "unknown", percent=True), Column("last used")]
    rows = [[use.name, use.uses, use.users, use.teams, use.failures, use.success_rate, use.last_used] for use in skills]
    return table("Every skill that was used", columns, rows, folded="Every skill that was used, as a table")


def unused_parts(report: UsageReport) -> tuple[Markup | str, ...]:
    """Show what nobody used."""
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
