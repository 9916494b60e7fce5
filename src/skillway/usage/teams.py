"""How many people of each team use skills, week by week, against what was aimed for?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from skillway.collector.schema import USED
from skillway.usage.selection import WEEK, Selection, too_small
from skillway.usage.targets import Target
from skillway.usage.values import NO_TEAM, OTHERS, Adoption

_USERS = f"""
SELECT team, {WEEK} AS week, user, sum(n) FROM daily
WHERE name = {USED} AND day BETWEEN :since AND :until
GROUP BY team, week, user
"""


@dataclass(slots=True)
class _Team:
    uses: Counter[int] = field(default_factory=Counter)
    users: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    active: set[int] = field(default_factory=set)

    def everybody(self) -> set[int]:
        return set().union(*self.users.values())


def measure_adoption(chosen: Selection, targets: Mapping[str, Target]) -> tuple[Adoption, ...]:
    """Measure the period, the team with the most users first; teams that are too small are one row at the end.

    Args:
        chosen: The events.
        targets: From a team to what is aimed for; a team that stands here and has no event is shown with 0.
    """
    teams = _count(chosen, targets)
    sizes = {name: targets[name].people for name in targets.keys() & teams.keys() if targets[name].people is not None}
    people = {name: _size(team, sizes.get(name)) for name, team in teams.items()}
    small = too_small(people, chosen.least)
    chosen.hidden += len(small)
    shown = [_adoption(chosen, name, team, targets.get(name)) for name, team in teams.items() if name not in small]
    shown.sort(key=lambda entry: (-(entry.users or 0), entry.team))
    return (*shown, *([_others(chosen, [teams[name] for name in small])] if small else []))


def _count(chosen: Selection, targets: Mapping[str, Target]) -> dict[str, _Team]:
    teams: defaultdict[str, _Team] = defaultdict(_Team)
    for team, week, user, uses in chosen.query(_USERS):
        entry = teams[chosen.word(team) or NO_TEAM]
        entry.uses[week] += uses
        if user:
            entry.users[week].add(user)
    for name, users in chosen.active().items():
        if users - {0}:
            teams[name or NO_TEAM].active |= users - {0}
    return {**{name: _Team() for name in targets}, **teams}


def _size(team: _Team, people: int | None) -> int:
    """Give the size of the group that the numbers would tell of: those who are active, or nobody when that is nobody."""
    active = len(team.active | team.everybody())
    return min(active, people) if people is not None else active


def _adoption(chosen: Selection, name: str, team: _Team, target: Target | None) -> Adoption:
    users = chosen.people(len(team.everybody()))
    people = target.people if target else None
    share = min(1.0, users / people) if users is not None and people else None
    aim = target.share if target else None
    return Adoption(
        team=name,
        people=people,
        target=aim,
        users=users,
        active=chosen.people(len(team.active)),
        share=share,
        is_reached=share >= aim if share is not None and aim is not None else None,
        uses=team.uses.total() if users is not None else None,
        weekly=tuple(_cell(len(team.users.get(week, ())), chosen.least) for week in chosen.weeks()),
    )


def _cell(count: int, least: int) -> int | None:
    return None if 0 < count < least else count


def _others(chosen: Selection, teams: list[_Team]) -> Adoption:
    """Make one row of the teams that are too small; together they may be enough to be shown."""
    joined = _Team()
    for team in teams:
        joined.uses += team.uses
        joined.active |= team.active
        for week, users in team.users.items():
            joined.users[week] |= users
    return _adoption(chosen, OTHERS, joined, None)
