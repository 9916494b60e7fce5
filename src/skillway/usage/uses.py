"""How often was each skill and plugin used, by how many, and which skill of the catalogue not at all?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from skillway.catalog.values import Catalog
from skillway.collector.schema import DAY_NS, FAILURE, SUCCESS, USED
from skillway.organisation import Organisation
from skillway.usage.selection import COUNTS, Selection, day_number, day_of
from skillway.usage.values import NO_TEAM, UnusedSkill, Use

_PEOPLE = f"""
SELECT subject, team, user, sum(n) FROM daily
WHERE name = {USED} AND day BETWEEN :since AND :until
GROUP BY subject, team, user
"""
_LAST = f"SELECT subject, max(day) FROM daily WHERE name = {USED} AND day < :since GROUP BY subject"


@dataclass(slots=True)
class _Group:
    """What is known of one skill or plugin while it is counted; numbers are words of the store."""

    triggers: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[int] = field(default_factory=Counter)
    weeks: Counter[int] = field(default_factory=Counter)
    team_uses: Counter[int] = field(default_factory=Counter)
    team_users: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    last: int = 0


def count_uses(chosen: Selection) -> tuple[tuple[Use, ...], tuple[Use, ...], int]:
    """Count the uses of the period, by skill and by plugin, the most used first, and the people behind all of them."""
    by_skill: defaultdict[str, _Group] = defaultdict(_Group)
    by_plugin: defaultdict[str, _Group] = defaultdict(_Group)
    both: dict[int, tuple[_Group, _Group]] = {}
    counts = list(chosen.query(COUNTS, name=USED))
    chosen.learn({number for row in counts for number in row[:2]})
    for number, trigger, outcome, week, uses, last in counts:
        name = chosen.skill(number)
        both[number] = (by_skill[name], by_plugin[plugin_of(name)])
        for group in both[number]:
            group.triggers[trigger] += uses
            group.outcomes[outcome] += uses
            group.weeks[week] += uses
            group.last = max(group.last, last)
    for number, team, user, uses in chosen.query(_PEOPLE):
        for group in both[number]:
            group.team_uses[team] += uses
            if user:
                group.team_users[team].add(user)
    people = set().union(*(users for group in by_skill.values() for users in group.team_users.values()))
    by_plugin.pop("", None)  # names without a plugin
    skills = [_use(chosen, name, plugin_of(name), group) for name, group in by_skill.items()]
    plugins = [_use(chosen, name, name, group) for name, group in by_plugin.items()]
    return _sorted(skills), _sorted(plugins), len(people)


def plugin_of(skill: str) -> str:
    """Give the plugin in `plugin:skill`, or '' for a name without one."""
    plugin, colon, _ = skill.partition(":")
    return plugin if colon else ""


def find_unused(
    chosen: Selection, used: tuple[Use, ...], catalog: Catalog, organisation: Organisation
) -> tuple[UnusedSkill, ...]:
    """Give the skills of the catalogue that were not used in the period, by name."""
    names = {use.name for use in used}
    last: dict[str, int] = {}
    for skill, day in chosen.query(_LAST):
        last[chosen.skill(skill)] = max(day, last.get(chosen.skill(skill), day))
    owners = {team.name: ", ".join(team.owners) or team.name for team in organisation.teams}
    default = ", ".join(organisation.owners)
    found = []
    for plugin in catalog.plugins:
        for skill in plugin.skills:
            name = f"{plugin.name}:{skill.name}"
            if name not in names:
                day = last.get(name)
                owner = owners.get(plugin.team or "", default)
                found.append(UnusedSkill(name, plugin.name, plugin.layer, owner, None if day is None else day_of(day)))
    return tuple(sorted(found, key=lambda skill: skill.name))


def _sorted(uses: Iterable[Use]) -> tuple[Use, ...]:
    return tuple(sorted(uses, key=lambda use: (-use.uses, use.name)))


def _use(chosen: Selection, name: str, plugin: str, group: _Group) -> Use:
    judged = group.outcomes[SUCCESS] + group.outcomes[FAILURE]
    users = set().union(*group.team_users.values())
    teams = {
        chosen.word(team) or NO_TEAM: uses
        for team, uses in group.team_uses.most_common()
        if len(group.team_users[team]) >= chosen.least
    }
    return Use(
        name=name,
        plugin=plugin,
        uses=group.weeks.total(),
        users=chosen.people(len(users)),
        teams=len(group.team_uses.keys() - {0}),
        by_team=teams,
        triggers={chosen.word(trigger) or "unknown": uses for trigger, uses in group.triggers.most_common()},
        failures=group.outcomes[FAILURE],
        success_rate=group.outcomes[SUCCESS] / judged if judged else None,
        weekly=chosen.weekly(group.weeks),
        last_used=day_of(min(group.last // DAY_NS, day_number(chosen.period.until))),
    )
