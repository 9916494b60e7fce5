"""What was used, by how many, at what cost? The one value behind the table, `--json`, `--csv` and the page.

Puts together what the queries beside it find. How it looks is `text`'s and the pages' part; what arrives in the
store is `skillway.collector`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from skillway.aliases import current_names, read_aliases
from skillway.catalog.load import load_catalog
from skillway.catalog.values import Catalog
from skillway.collector.errors import StoreError
from skillway.collector.store import Store, open_for_reading, open_in_memory, open_store, state_folder, store_errors
from skillway.organisation import Organisation, load_organisation
from skillway.usage.costs import estimate_cost
from skillway.usage.fleet import count_decisions, count_syncs, find_releases, read_health
from skillway.usage.rollout import follow_releases
from skillway.usage.selection import Selection, make_period, time_of
from skillway.usage.spool import Spooled, read_own_user, read_spool
from skillway.usage.targets import Target, load_targets
from skillway.usage.teams import measure_adoption
from skillway.usage.uses import count_uses, find_unused
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
    Rollout,
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
    "Rollout",
    "RuleDecisions",
    "Source",
    "SyncOutcome",
    "Totals",
    "UnusedSkill",
    "UsageReport",
    "Use",
    "build_report",
    "last_days",
]

LEAST_GROUP = 5
"""Fewer people than this are never told of as a group."""

_NATIVE = "claude_code."
_OURS = ("skillway.", "gen_ai.")
_SESSIONS = "SELECT count(*) FROM session WHERE first_day <= :until AND last_day >= :since"
_EVENTS = "SELECT coalesce(sum(n), 0) FROM daily WHERE name = :name AND day BETWEEN :since AND :until"


@dataclass(frozen=True, slots=True)
class _Opened:
    """A store to be read, with the unsent records in it, and where all of it came from."""

    store: Store
    sources: tuple[Source, ...]
    notes: tuple[str, ...]


def build_report(
    store: Path,
    period: Period,
    *,
    state: Path | None = None,
    repository: Path | None = None,
    targets: Path | None = None,
    now: datetime | None = None,
) -> UsageReport:
    """Make the report of a period.

    Args:
        store: The collector's file; when there is none, what is in the spool is reported alone.
        period: The days; `last_days` makes one.
        state: This user's state folder, whose unsent records are included; None leaves them out.
        repository: The folder with organisation.yaml, whose skills say what is unused, and whose aliases join what a
            skill was called before it moved; None leaves that out.
        targets: A file of what teams aim for (`skillway.usage.targets`).
        now: When the report is made, UTC.

    Raises:
        NotFoundError: There is neither a store nor an unsent record, or no targets file.
        StoreError: The store cannot be read.
        TargetsError: The targets file cannot be used.
        RepositoryError: The repository's organisation.yaml cannot be used.
    """
    aims = load_targets(targets) if targets else {}
    organisation = load_organisation(repository) if repository else None
    catalog = load_catalog(repository, organisation) if repository and organisation else None
    with store_errors(store), _open(store, state) as opened:
        connection = opened.store.connection
        renamed = current_names(read_aliases(repository)) if repository else {}
        chosen = Selection(connection, period, _least_group(opened.store, state), renamed=renamed)
        return _report(chosen, opened, catalog, organisation, aims, targets, now or datetime.now(UTC))


def last_days(days: int, *, until: date) -> Period:
    """Make the period of so many days that ends with `until`."""
    return make_period(until - timedelta(days=days - 1), until)


def _report(
    chosen: Selection,
    opened: _Opened,
    catalog: Catalog | None,
    organisation: Organisation | None,
    aims: Mapping[str, Target],
    targets: Path | None,
    now: datetime,
) -> UsageReport:
    skills, plugins, people = count_uses(chosen)
    cost = estimate_cost(
        chosen,
        people_by_team={team: len(users - {0}) for team, users in chosen.active().items()},
        people_by_skill={use.name: 1 if use.users is None else use.users for use in skills},
    )
    rules = count_decisions(chosen)
    unused = find_unused(chosen, skills, catalog, organisation) if catalog and organisation else None
    adoption, releases, syncs = measure_adoption(chosen, aims), find_releases(chosen), count_syncs(chosen)
    unknown = sorted(aims.keys() - {team.name for team in organisation.teams}) if organisation else []
    notes = [f"{targets} names the team {name!r}, which organisation.yaml does not have." for name in unknown]
    return UsageReport(
        period=chosen.period,
        totals=_totals(chosen, skills, people, rules, cost),
        skills=skills,
        plugins=plugins,
        unused=unused,
        adoption=adoption,
        cost=cost,
        rules=rules,
        releases=releases,
        syncs=syncs,
        health=read_health(chosen),
        provenance=_provenance(chosen, opened, catalog, targets, now, (*opened.notes, *notes)),
        rollout=follow_releases(chosen),
    )


def _totals(
    chosen: Selection, skills: tuple[Use, ...], people: int, rules: tuple[RuleDecisions, ...], cost: Cost | None
) -> Totals:
    active = chosen.active()
    return Totals(
        uses=sum(use.uses for use in skills),
        failures=sum(use.failures for use in skills),
        skills=len(skills),
        users=chosen.people(len(set().union(*active.values()) - {0})),
        users_of_skills=chosen.people(people),
        teams=len(active.keys() - {""}),
        sessions=next(chosen.query(_SESSIONS))[0],
        decisions=sum(sum(rule.weekly) for rule in rules),
        cost_usd=cost.total_usd if cost else None,
        weekly=tuple(sum(use.weekly[week] for use in skills) for week in range(len(chosen.period.weeks))),
    )


def _provenance(
    chosen: Selection,
    opened: _Opened,
    catalog: Catalog | None,
    targets: Path | None,
    now: datetime,
    notes: tuple[str, ...],
) -> Provenance:
    counts = {chosen.word(name): next(chosen.query(_EVENTS, name=name))[0] for name in chosen.names()}
    return Provenance(
        made=now,
        sources=opened.sources,
        events=sum(counts.values()),
        skillway_events=sum(count for name, count in counts.items() if name.startswith(_OURS)),
        native_events=sum(count for name, count in counts.items() if name.startswith(_NATIVE)),
        duplicates=chosen.connection.execute("SELECT duplicates FROM total").fetchone()[0],
        min_group=chosen.least,
        hidden=chosen.hidden,
        catalogue=str(catalog.root) if catalog else None,
        targets=str(targets) if targets else None,
        notes=notes,
    )


def _least_group(store: Store, state: Path | None) -> int:
    """Give the least group, which is one person in a store that knows nobody but the reader."""
    query = "SELECT DISTINCT word.text FROM daily JOIN word ON word.id = daily.user WHERE daily.user > 0 LIMIT 2"
    known = {user for (user,) in store.connection.execute(query)}
    own = read_own_user(state or state_folder()).user_hash
    return 1 if known == {own} else LEAST_GROUP


@contextmanager
def _open(path: Path, state: Path | None) -> Iterator[_Opened]:
    """Open the store with the unsent records in it; they are in a transaction that is taken back at the end.

    So they go through the same door as all others, and what the store has already is not counted again.
    """
    spooled = read_spool(state) if state else Spooled((), 0)
    notes = (f"{spooled.unreadable} lines of the spool are no records.",) if spooled.unreadable else ()
    if not spooled.rows:
        store = open_for_reading(path)
        try:
            yield _Opened(store, (_source("store", path, store),), notes)
        finally:
            store.close()
        return
    store, is_ours = _open_for_adding(path)
    try:
        if not is_ours:
            left_out = (
                f"The store cannot be written, so {len(spooled.rows)} unsent records of this laptop are left out."
            )
            yield _Opened(store, (_source("store", path, store),), (*notes, left_out))
            return
        before = (_source("store", path, store),) if store.path else ()
        with _borrowed(store):
            new = store.add([spooled.rows])
            yield _Opened(store, (*before, _spool_source(state, spooled, new)), notes)
    finally:
        store.close()


def _open_for_adding(path: Path) -> tuple[Store, bool]:
    """Open what unsent records can be added to; the second value is False when that is not possible."""
    if not path.exists():
        return open_in_memory(), True
    try:
        return open_store(path), True
    except StoreError:
        return open_for_reading(path), False


@contextmanager
def _borrowed(store: Store) -> Iterator[None]:
    with store_errors(store.path):
        store.connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        store.undo()


def _source(kind: str, path: Path, store: Store) -> Source:
    events, earliest, latest = store.connection.execute("SELECT events, earliest, latest FROM total").fetchone()
    return Source(kind, str(path), events, time_of(earliest), time_of(latest))


def _spool_source(state: Path | None, spooled: Spooled, new: int) -> Source:
    times = [row.ts for row in spooled.rows]
    place = str(state / "spool") if state else ""
    return Source("spool", place, new, time_of(min(times)), time_of(max(times)))
