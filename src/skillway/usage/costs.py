"""What did the model's requests cost, by team, week and skill?

The price is Claude Code's own estimate. Which skill a request belongs to is ours: Claude Code hides the names of
private skills in its cost events, so that `skillway.collector.rollup` joins them by session and prompt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from skillway.usage.selection import WEEK, Selection, too_small
from skillway.usage.values import NO_SKILL, NO_TEAM, OTHERS, Cost, CostGroup

BASIS = (
    "Estimate: Claude Code's own prices per request, given to the skill that was activated last in the same prompt; "
    "what was asked before the first skill of a prompt counts as without a skill."
)
_COSTS = f"""
SELECT cost.skill, coalesce(session.team, 0) AS team, coalesce(session.user, 0) AS user, {WEEK} AS week,
    sum(cost.usd), sum(cost.requests), count(DISTINCT nullif(cost.prompt, 0))
FROM prompt_cost AS cost LEFT JOIN session ON session.id = cost.session
WHERE cost.day BETWEEN :since AND :until
GROUP BY cost.skill, team, user, week
"""


@dataclass(slots=True)
class _Group:
    usd: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    requests: int = 0
    prompts: int = 0
    users: set[int] = field(default_factory=set)

    def add(self, week: int, usd: float, requests: int, prompts: int, users: set[int]) -> None:
        self.usd[week] += usd
        self.requests += requests
        self.prompts += prompts
        self.users |= users


def estimate_cost(chosen: Selection) -> Cost | None:
    """Add the period's cost up; None when no native request arrived."""
    whole = _Group()
    by_team: defaultdict[str, _Group] = defaultdict(_Group)
    by_skill: defaultdict[str, _Group] = defaultdict(_Group)
    for skill, team, user, week, usd, requests, prompts in chosen.query(_COSTS):
        groups = (whole, by_team[chosen.word(team) or NO_TEAM], by_skill[chosen.word(skill) or NO_SKILL])
        for group in groups:
            group.add(week, usd, requests, prompts, {user} - {0})
    if not whole.requests:
        return None
    total = sum(whole.usd.values())
    without = sum(by_skill[NO_SKILL].usd.values()) if NO_SKILL in by_skill else 0.0
    return Cost(
        basis=BASIS,
        total_usd=total,
        with_skill_usd=total - without,
        requests=whole.requests,
        weekly=_weekly(chosen, whole),
        by_team=_shown(chosen, by_team),
        by_skill=_shown(chosen, by_skill),
    )


def _shown(chosen: Selection, groups: Mapping[str, _Group]) -> tuple[CostGroup, ...]:
    small = too_small({name: len(group.users) for name, group in groups.items()}, chosen.least)
    chosen.hidden += len(small)
    others = _Group()
    for name in sorted(small):
        group = groups[name]
        others.requests += group.requests
        others.prompts += group.prompts
        for week, usd in group.usd.items():
            others.usd[week] += usd
    shown = [_cost(chosen, name, group) for name, group in groups.items() if name not in small]
    shown.sort(key=lambda entry: (-entry.usd, entry.name))
    return (*shown, *([_cost(chosen, OTHERS, others)] if small else []))


def _cost(chosen: Selection, name: str, group: _Group) -> CostGroup:
    return CostGroup(name, sum(group.usd.values()), group.requests, group.prompts, _weekly(chosen, group))


def _weekly(chosen: Selection, group: _Group) -> tuple[float, ...]:
    return tuple(group.usd.get(week, 0.0) for week in chosen.weeks())
