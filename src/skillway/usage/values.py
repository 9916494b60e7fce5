"""What does a usage report say? The values that table, `--json`, `--csv` and pages draw.

Values only: `report` fills them, and how they look is for whoever shows them. A person is only ever counted. Where
a group has fewer people than `Provenance.min_group`, the number that would tell of them is None, and whoever shows
it writes `hidden`; the group's events stay in the totals.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any

SCHEMA = 1
"""Version of `UsageReport.to_json`; additions keep it, a change of meaning raises it."""

NO_TEAM = "(no team)"
"""Name of the group of events that came without a team."""

NO_SKILL = "(no skill)"
"""Name of the cost of prompts in which no skill was active."""

OTHERS = "(hidden)"
"""Name of the one row that stands for all groups that are too small to be shown."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are reported, in UTC.

    Attributes:
        since: The first day.
        until: The last day, which counts too.
        weeks: The Monday of every week that the period touches, in order; the first and the last may be cut.
            Every `weekly` of the report has one value per entry.
    """

    since: date
    until: date
    weeks: tuple[date, ...]

    @property
    def days(self) -> int:
        """How many days the period has, with both ends."""
        return (self.until - self.since).days + 1


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole period in one line.

    Attributes:
        uses: Uses of skills.
        failures: Uses that the Skill tool reported as failed.
        skills: Different skills that were used.
        users: People with any skillway event; None when fewer than the least group.
        users_of_skills: People who used a skill; None when fewer than the least group.
        teams: Teams with any event.
        sessions: Sessions with any event.
        decisions: Decisions of the guard.
        cost_usd: Estimated cost of all native requests, in US dollars; None without native cost events.
        weekly: Uses per week.
    """

    uses: int
    failures: int
    skills: int
    users: int | None
    users_of_skills: int | None
    teams: int
    sessions: int
    decisions: int
    cost_usd: float | None
    weekly: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """How one skill, or one plugin, was used.

    Attributes:
        name: `plugin:skill`, or the plugin's name; `unlisted` for skills outside the catalogue.
        plugin: The plugin's name, '' when unlisted.
        uses: How often it was used.
        users: By how many people; None when fewer than the least group.
        teams: In how many teams.
        by_team: From team to uses, for teams with enough people using it.
        triggers: From `user-slash`, `claude-proactive`, … to uses.
        failures: Uses that were reported as failed.
        success_rate: Successes among the uses that say whether they succeeded, 0 to 1; None when none does.
        weekly: Uses per week of the period.
        last_used: The last day with a use.
    """

    name: str
    plugin: str
    uses: int
    users: int | None
    teams: int
    by_team: dict[str, int]
    triggers: dict[str, int]
    failures: int
    success_rate: float | None
    weekly: tuple[int, ...]
    last_used: date


@dataclass(frozen=True, slots=True)
class UnusedSkill:
    """A skill of the catalogue that nobody used in the period.

    Attributes:
        name: `plugin:skill`.
        plugin: The plugin's name.
        layer: `base`, `developer-tools` or `team`.
        owner: The team or the owners who can say whether it is still wanted; '' when nobody is named.
        last_used: The last day with a use before the period, or None when the store knows of none.
    """

    name: str
    plugin: str
    layer: str
    owner: str
    last_used: date | None


@dataclass(frozen=True, slots=True)
class Adoption:
    """How far one team uses skills.

    Attributes:
        team: The team's name, or `NO_TEAM`, or `OTHERS`.
        people: How many people the targets file gives the team; None without one.
        target: The share of them that shall use a skill in the period, 0 to 1; None without one.
        users: People of the team who used a skill; None when hidden.
        active: People of the team with any skillway event; None when hidden.
        share: users / people, 0 to 1, at most 1; None when either is unknown or hidden.
        is_reached: Whether `share` is at least `target`; None when either is None.
        uses: Uses of skills; None when hidden.
        weekly: People who used a skill, per week; None for a week with too few to show, 0 for none.
    """

    team: str
    people: int | None
    target: float | None
    users: int | None
    active: int | None
    share: float | None
    is_reached: bool | None
    uses: int | None
    weekly: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class CostGroup:
    """Cost of one team or skill.

    Attributes:
        name: The team, or `plugin:skill`, or one of `NO_TEAM`, `NO_SKILL`, `OTHERS`.
        usd: US dollars; an estimate.
        requests: Requests to the model.
        prompts: Prompts of users that those requests belong to.
        weekly: US dollars per week.
    """

    name: str
    usd: float
    requests: int
    prompts: int
    weekly: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the model's requests cost, from Claude Code's own `api_request` events; always an estimate.

    A request's cost goes to the skill that was activated last before it in the same session and prompt.

    Attributes:
        basis: One sentence on how the numbers came about, to be shown beside them.
        total_usd: All requests of the period, US dollars.
        with_skill_usd: The part that could be given to a skill.
        requests: Number of requests.
        weekly: US dollars per week.
        by_team: The dearest first.
        by_skill: The dearest first, with `NO_SKILL` for the rest.
    """

    basis: str
    total_usd: float
    with_skill_usd: float
    requests: int
    weekly: tuple[float, ...]
    by_team: tuple[CostGroup, ...]
    by_skill: tuple[CostGroup, ...]


@dataclass(frozen=True, slots=True)
class RuleDecisions:
    """What the guard decided by one rule.

    Attributes:
        rule: The rule's identifier; '' for decisions without one.
        deny: Calls that were denied.
        ask: Calls that the user was asked about.
        allow: Calls that were let through, where that is recorded at all.
        errors: Calls that the guard could not judge (`error`, `timeout`) and let through.
        users: People concerned; None when fewer than the least group.
        weekly: Decisions other than `allow`, per week.
    """

    rule: str
    deny: int
    ask: int
    allow: int
    errors: int
    users: int | None
    weekly: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Which release laptops are on, by each user's latest successful sync up to the period's end.

    Attributes:
        release: The release as sync names it, or '' when it did not say.
        users: Users whose latest sync brought or confirmed it; None when fewer than the least group.
        share: users / users of all releases, 0 to 1; None when hidden.
        last_seen: The last day on which a sync ended on it.
    """

    release: str
    users: int | None
    share: float | None
    last_seen: date


@dataclass(frozen=True, slots=True)
class Rollout:
    """How one release spread: per week, how many people were on it at the week's end; None for too few to show."""

    release: str
    weekly: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """How syncs of the period ended: `outcome` is ok, noop, failed or rolled_back; `runs` of it, and per week."""

    outcome: str
    runs: int
    users: int | None
    weekly: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the numbers can be trusted: what laptops said of their own telemetry in the period.

    Attributes:
        reports: `skillway.telemetry.health` events.
        dropped: From the reason to the number of records that laptops dropped.
        torn: Torn records that were found in spools.
        flush_failures: Sends that failed.
        spool_bytes: The biggest spool, bytes; None without reports.
        spool_oldest_s: The age of the oldest record that was still unsent, seconds; None without reports.
        keys: From ingest key id to the number of reports that used it; an old key without any can be disabled.
        last: The latest report, UTC; None without reports.
    """

    reports: int
    dropped: dict[str, int]
    torn: int
    flush_failures: int
    spool_bytes: int | None
    spool_oldest_s: float | None
    keys: dict[str, int]
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Source:
    """One place that numbers came from.

    Attributes:
        kind: `store` or `spool`.
        place: The file or folder.
        events: Events that it holds in all; in a spool those that the store does not have.
        first: Time of the earliest, UTC; None when there is none.
        last: Time of the latest, UTC.
    """

    kind: str
    place: str
    events: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the numbers come from.

    Attributes:
        made: When the report was made, UTC.
        sources: The places.
        events: Events of the period, from all sources.
        skillway_events: Those that skillway's hooks and programs sent.
        native_events: Those that Claude Code itself sent.
        duplicates: Events that arrived again and were not counted twice, since the store was made.
        min_group: Groups of fewer people are hidden.
        hidden: How many groups that was.
        catalogue: The folder that the list of skills came from; None when unused skills could not be told.
        targets: The file of targets; None without one.
        notes: Sentences that whoever reads the numbers must know, such as that unsent records are left out.
    """

    made: datetime
    sources: tuple[Source, ...]
    events: int
    skillway_events: int
    native_events: int
    duplicates: int
    min_group: int
    hidden: int
    catalogue: str | None
    targets: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Everything that a usage report says.

    Attributes:
        period: The days.
        totals: The whole period.
        skills: By skill, the most used first.
        plugins: By plugin, the most used first.
        unused: Skills of the catalogue without a use, by name; None when no catalogue was given.
        adoption: By team, the most users first.
        cost: None when no native cost event arrived.
        rules: By rule, the most decisions first.
        releases: By release, the most users first.
        syncs: By outcome, the most frequent first.
        health: Telemetry's own health.
        provenance: Where all of it comes from.
        rollout: Every release that anybody was on in the period, the newest to arrive first.
    """

    period: Period
    totals: Totals
    skills: tuple[Use, ...]
    plugins: tuple[Use, ...]
    unused: tuple[UnusedSkill, ...] | None
    adoption: tuple[Adoption, ...]
    cost: Cost | None
    rules: tuple[RuleDecisions, ...]
    releases: tuple[Release, ...]
    syncs: tuple[SyncOutcome, ...]
    health: Health
    provenance: Provenance
    schema: int = field(default=SCHEMA)
    rollout: tuple[Rollout, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the report as JSON values: days as `2026-11-20`, times as `2026-11-20T14:00:00Z`, hidden as null."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a report to any JSON value
    if is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return round(value, 6) if isinstance(value, float) else value
