"""Which parts of the usage page say what it costs, what the guard stopped, and which releases the fleet runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from skillway.pages.charts import Chart, Series, chart
from skillway.pages.parts import Cell, Column, note, table
from skillway.pages.usage_words import cut_weeks, dollars, week_labels
from skillway.usage.values import Cost, CostGroup, Rollout, UsageReport

_COST_SERIES = 5
_RELEASES_DRAWN = 5
_SYNCS = {"ok": "updated", "noop": "nothing to do", "failed": "failed", "rolled_back": "rolled back"}


def cost_parts(report: UsageReport) -> tuple[Markup | str, ...]:
    """Show what it costs; every number is an estimate and says so."""
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
        categories=week_labels(report.period),
        category_title="week of",
        series=_cost_series(cost),
        unit="US dollars",
        note=cut_weeks(report.period),
        digits=2,
    )
    told = f"An estimate. {cost.basis} {share:.0%} of the {dollars(cost.total_usd)} could be given to a skill."
    return (
        note(told, kind="caution"),
        chart(weekly),
        _cost_table("Estimated cost by team", "team", cost.by_team),
        _cost_table("Estimated cost by skill", "skill", cost.by_skill),
    )


def _spread(rollout: Sequence[Rollout]) -> tuple[Series, ...]:
    """Draw the newest releases one by one, and all older ones together."""
    newest = [Series(each.release or "(not said)", each.weekly) for each in rollout[:_RELEASES_DRAWN]]
    older = [each.weekly for each in rollout[_RELEASES_DRAWN:]]
    sums = tuple(_sum(week) for week in zip(*older, strict=True))
    return (*newest, Series("older", sums)) if any(sums) else tuple(newest)


def _sum(counts: Sequence[int | None]) -> int | None:
    """Add what is shown; hidden counts alone are hidden and no zero."""
    total = sum(count or 0 for count in counts)
    return None if None in counts and not total else total


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
    rows: list[list[Cell]] = [[group.name, group.usd, group.requests, group.prompts] for group in groups]
    return table(f"{caption}, US dollars", columns, rows, folded=caption)


def guard_parts(report: UsageReport) -> tuple[Markup | str, ...]:
    """Show what the guard decided."""
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


def fleet_parts(report: UsageReport) -> tuple[Markup | str, ...]:
    """Show which releases people are on, and how syncs went."""
    now = Chart(
        title="Release that people are on at the end of the period",
        kind="bars",
        categories=tuple(release.release or "(not said)" for release in report.releases),
        category_title="release",
        series=(Series("people", tuple(release.users for release in report.releases)),),
        unit="people",
    )
    spread = Chart(
        title="People on each release, per week",
        kind="columns",
        categories=week_labels(report.period),
        category_title="week of",
        series=_spread(report.rollout),
        unit="people",
        note="By the latest good sync up to the end of the week. Too few people to show are left out of a column.",
    )
    ends = Chart(
        title="How syncs ended, per week",
        kind="columns",
        categories=week_labels(report.period),
        category_title="week of",
        series=tuple(Series(_SYNCS.get(sync.outcome, sync.outcome), sync.weekly) for sync in report.syncs),
        unit="syncs",
        note=cut_weeks(report.period),
    )
    columns = [Column("release"), Column("people"), Column("share", percent=True), Column("last seen")]
    rows = [
        [release.release or "(not said)", release.users, release.share, release.last_seen]
        for release in report.releases
    ]
    return chart(now), chart(spread), chart(ends), table("Releases", columns, rows, folded="Shares and days")
