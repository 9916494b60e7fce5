"""What did the guard decide, which release are laptops on, how do syncs end, and is telemetry itself well?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from skillway.collector.schema import DAY_NS, DECISION, HEALTH, SYNCED
from skillway.usage.selection import COUNTS, Selection, day_of, time_of
from skillway.usage.values import Health, Release, RuleDecisions, SyncOutcome

_CONCERNED = f"""
SELECT subject, count(DISTINCT user) FROM daily
WHERE name = {DECISION} AND day BETWEEN :since AND :until AND user > 0
    AND outcome NOT IN (SELECT id FROM word WHERE text = 'allow')
GROUP BY subject
"""
_SYNCED = f"""
SELECT outcome, count(DISTINCT user) FROM daily
WHERE name = {SYNCED} AND day BETWEEN :since AND :until AND user > 0
GROUP BY outcome
"""
# A sampled decision says how many it stands for; only `allow` is ever sampled.
_SAMPLED = f"""
SELECT subject, sum(total) - sum(n) FROM measure
WHERE name = {DECISION} AND day BETWEEN :since AND :until AND key = 'skillway.sample.weight'
GROUP BY subject
"""
# SQLite gives the other columns of the row that has the maximum (lang_select.html, "bare columns").
_LATEST = f"""
SELECT subject, max(last) FROM daily
WHERE name = {SYNCED} AND day BETWEEN :since AND :until AND user > 0
    AND outcome IN (SELECT id FROM word WHERE text IN ('ok', 'noop', 'rolled_back'))
GROUP BY user
"""
_HEALTH = f"""
SELECT key, sum(n), sum(total), max(biggest), max(last) FROM measure
WHERE name = {HEALTH} AND day BETWEEN :since AND :until
GROUP BY key
"""
_REPORTS = f"SELECT coalesce(sum(n), 0), max(last) FROM daily WHERE name = {HEALTH} AND day BETWEEN :since AND :until"


@dataclass(slots=True)
class _Spread:
    outcomes: Counter[str] = field(default_factory=Counter)
    weeks: Counter[int] = field(default_factory=Counter)
    users: int = 0


def count_decisions(chosen: Selection) -> tuple[RuleDecisions, ...]:
    """Count what the guard decided in the period by rule, the rule with the most decisions first."""
    rules: defaultdict[str, _Spread] = defaultdict(_Spread)
    for rule, _, decision, week, count, _ in chosen.query(COUNTS, name=DECISION):
        spread = rules[chosen.word(rule)]
        name = chosen.word(decision)
        spread.outcomes[name] += count
        if name != "allow":
            spread.weeks[week] += count
    for rule, users in chosen.query(_CONCERNED):
        rules[chosen.word(rule)].users = users
    for rule, count in chosen.query(_SAMPLED):
        rules[chosen.word(rule)].outcomes["allow"] += int(count)
    made = [
        RuleDecisions(
            rule=rule,
            deny=spread.outcomes["deny"],
            ask=spread.outcomes["ask"],
            allow=spread.outcomes["allow"],
            errors=spread.outcomes["error"] + spread.outcomes["timeout"],
            users=chosen.people(spread.users),
            weekly=chosen.weekly(spread.weeks),
        )
        for rule, spread in rules.items()
    ]
    return tuple(sorted(made, key=lambda entry: (-sum(entry.weekly), entry.rule)))


def find_releases(chosen: Selection) -> tuple[Release, ...]:
    """Say which release each user's latest good sync of the period ended on, the most common first."""
    users: Counter[str] = Counter()
    last: dict[str, int] = {}
    for release, when in chosen.query(_LATEST):
        name = chosen.word(release)
        users[name] += 1
        last[name] = max(when, last.get(name, 0))
    total = users.total()
    made = []
    for name, count in sorted(users.items(), key=lambda entry: (-entry[1], entry[0])):
        shown = chosen.people(count)
        made.append(Release(name, shown, None if shown is None else count / total, day_of(last[name] // DAY_NS)))
    return tuple(made)


def count_syncs(chosen: Selection) -> tuple[SyncOutcome, ...]:
    """Count the syncs of the period by how they ended, the most frequent first."""
    outcomes: defaultdict[str, _Spread] = defaultdict(_Spread)
    for _, _, outcome, week, count, _ in chosen.query(COUNTS, name=SYNCED):
        outcomes[chosen.word(outcome)].weeks[week] += count
    for outcome, users in chosen.query(_SYNCED):
        outcomes[chosen.word(outcome)].users = users
    made = [
        SyncOutcome(name, spread.weeks.total(), chosen.people(spread.users), chosen.weekly(spread.weeks))
        for name, spread in outcomes.items()
    ]
    return tuple(sorted(made, key=lambda entry: (-entry.runs, entry.outcome)))


def read_health(chosen: Selection) -> Health:
    """Add up what laptops said of their own telemetry in the period."""
    reports, last = next(chosen.query(_REPORTS))
    rows = {key: (count, total, biggest) for key, count, total, biggest, _ in chosen.query(_HEALTH)}
    dropped = {key.removeprefix("dropped."): int(rows[key][1]) for key in sorted(rows) if key.startswith("dropped.")}
    dropped.pop("total", None)  # the sum of the others
    when: datetime | None = time_of(last)
    return Health(
        reports=reports,
        dropped={reason: count for reason, count in dropped.items() if count},
        torn=int(rows["torn.count"][1]) if "torn.count" in rows else 0,
        flush_failures=int(rows["flush.failures"][1]) if "flush.failures" in rows else 0,
        spool_bytes=int(rows["spool.bytes"][2]) if "spool.bytes" in rows else None,
        spool_oldest_s=rows["spool.oldest_s"][2] if "spool.oldest_s" in rows else None,
        keys={key.removeprefix("key.id="): rows[key][0] for key in sorted(rows) if key.startswith("key.id=")},
        last=when,
    )
