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
_BY_SKILL = f"""
SELECT skill, {WEEK} AS week, sum(usd), sum(requests), sum(prompts) FROM (
    SELECT day, skill, sum(usd) AS usd, sum(requests) AS requests, sum(prompt > 0) AS prompts FROM prompt_cost
    WHERE day BETWEEN :since AND :until GROUP BY day, team, skill
) GROUP BY skill, week
"""
_BY_TEAM = f"""
SELECT team, {WEEK} AS week, sum(usd), sum(requests), sum(prompts) FROM (
    SELECT day, team, sum(usd) AS usd, sum(requests) AS requests, sum(is_first) AS prompts FROM prompt_cost
    WHERE day BETWEEN :since AND :until GROUP BY day, team
) GROUP BY team, week
"""


@dataclass(slots=True)
class _Group:
    usd: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    requests: int = 0
    prompts: int = 0

    def add(self, week: int, usd: float, requests: int, prompts: int) -> None:
        self.usd[week] += usd
        self.requests += requests
        self.prompts += prompts

    def join(self, other: _Group) -> None:
        for week, usd in other.usd.items():
            self.add(week, usd, 0, 0)
        self.add(0, 0.0, other.requests, other.prompts)


def estimate_cost(
    chosen: Selection, *, people_by_team: Mapping[str, int], people_by_skill: Mapping[str, int]
) -> Cost | None:
    """Add the period's cost up; None when no native request arrived.

    Args:
        chosen: The events.
        people_by_team: From a team to how many of its people were active; a small team is hidden.
        people_by_skill: From a skill to how many people used it; a skill of few is hidden.
    """
    by_team = _groups(chosen, _BY_TEAM, NO_TEAM)
    by_skill = _groups(chosen, _BY_SKILL, NO_SKILL)
    whole = _Group()
    for group in by_team.values():
        whole.join(group)
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
        by_team=_shown(chosen, by_team, people_by_team),
        by_skill=_shown(chosen, by_skill, people_by_skill),
    )


def _groups(chosen: Selection, query: str, without: str) -> dict[str, _Group]:
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    for word, week, usd, requests, prompts in chosen.query(query):
        groups[(chosen.skill(word) if query == _BY_SKILL else chosen.word(word)) or without].add(
            week, usd, requests, prompts
        )
    return groups


def _shown(chosen: Selection, groups: Mapping[str, _Group], people: Mapping[str, int]) -> tuple[CostGroup, ...]:
    # what has no team or no skill tells of nobody in particular
    small = too_small({name: people.get(name, 1) for name in groups.keys() - {NO_TEAM, NO_SKILL}}, chosen.least)
    chosen.hidden += len(small)
    others = _Group()
    for name in sorted(small):
        others.join(groups[name])
    shown = [_cost(chosen, name, group) for name, group in groups.items() if name not in small]
    shown.sort(key=lambda entry: (-entry.usd, entry.name))
    return (*shown, *([_cost(chosen, OTHERS, others)] if small else []))


def _cost(chosen: Selection, name: str, group: _Group) -> CostGroup:
    return CostGroup(name, sum(group.usd.values()), group.requests, group.prompts, _weekly(chosen, group))


def _weekly(chosen: Selection, group: _Group) -> tuple[float, ...]:
    return tuple(group.usd.get(week, 0.0) for week in chosen.weeks())
