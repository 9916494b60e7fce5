"""Rules about what the model is shown of all skills at once: the listing's budget, and descriptions that are alike."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from skillway.catalog import BASE, DEVELOPER_TOOLS, TEAM, Catalog, Plugin, Problem, Skill
from skillway.checks.definitions import LISTING_CUT_CHARS
from skillway.checks.rules import CATALOG_CHECKS, WARNING, define, on

SUBJECT = "Across files"
BUDGETS = {"200k (sonnet-4-5, haiku-4-5)": 8_000, "1M": 30_000}
"""Characters of the listing by context window, of 2.1.197: 1 % of 200k tokens at four characters each (3 % gave 24,000
and a budget of 60,000 held 60,200, so the count below is the client's), and what was seen with 1M."""

LEAST_SIMILARITY = 0.8
_LEAST_WORDS = 6
_MOST_ALIKE = 50
_ENTRY_CHARS = len("- : \n")
_WORD = re.compile(r"\w+")

BUDGET = define(
    "listing-budget",
    WARNING,
    "The skills that meet on a laptop fit the listing that the model is shown",
    subject=SUBJECT,
    why="Names stay and descriptions go when the listing is full: of 300 skills a model with 200k context saw no "
    "description at all, one with 1M saw 102 (observed with 2.1.197). A skill without a description is not found. "
    "`skillListingBudgetFraction` or SLASH_COMMAND_TOOL_CHAR_BUDGET in a settings fragment raises the budget.",
    bad="60 skills with descriptions of 300 characters in one team",
    good="20 skills with descriptions of 150 characters, or a raised budget",
)
ALIKE = define(
    "description-alike",
    WARNING,
    "No two skills that meet on a laptop have nearly the same description",
    subject=SUBJECT,
    why="The model chooses by the description alone; between two that say the same it guesses.",
    bad="triage: Use when new support tickets wait to be sorted by urgency.\n"
    "sorting: Use when new support tickets wait to be sorted by their urgency.",
    good="triage: Use when new support tickets wait to be sorted by urgency.\n"
    "macros: Use when an answer to a ticket should become a macro.",
)
MEETS = define(
    "skill-name-meets",
    WARNING,
    "No skill has the name of one in base-plugin or developer-tools",
    subject=SUBJECT,
    why="Both are on one laptop, and who types the bare name gets one of them.",
    bad="developer-tools/skills/triage and skills/support/triage",
    good="developer-tools/skills/triage and skills/support/ticket-triage",
    outside=None,
)


def laptops(catalog: Catalog) -> Iterator[tuple[Plugin, tuple[Plugin, ...]]]:
    """Give each plugin that completes a laptop, with all plugins that meet there: the base, the tools and one team.

    Plugins outside the layers stand for themselves.
    """
    shared = tuple(plugin for plugin in catalog.plugins if plugin.layer in (BASE, DEVELOPER_TOOLS))
    teams = [plugin for plugin in catalog.plugins if plugin.layer == TEAM]
    for team in teams:
        yield team, (*shared, team)
    if shared and not teams:
        yield shared[-1], shared
    for plugin in catalog.plugins:
        if not plugin.is_layered:
            yield plugin, (plugin,)


def listed_chars(plugin: Plugin, skill: Skill) -> int:
    """Count the characters that a skill takes in the listing."""
    shown = min(len(skill.description) + len(skill.when_to_use), LISTING_CUT_CHARS)
    return len(plugin.name) + 1 + len(skill.name) + shown + _ENTRY_CHARS


@on(CATALOG_CHECKS)
def find_full_listings(catalog: Catalog) -> Iterator[Problem]:
    """Count the listing of each team's laptops."""
    sizes = {
        id(plugin): [listed_chars(plugin, skill) for skill in plugin.skills if skill.is_model_invocable]
        for plugin in catalog.plugins
    }
    for plugin, together in laptops(catalog):
        total = sum(sum(sizes[id(one)]) for one in together)
        full = [f"{budget:,} of a model with {model} context" for model, budget in BUDGETS.items() if total > budget]
        if full:
            number = sum(len(sizes[id(one)]) for one in together)
            names = " + ".join(one.name for one in together)
            message = f"The {number} skills of {names} take {total:,} characters, above the {' and the '.join(full)}"
            fix = "Shorten descriptions, give rare skills `disable-model-invocation: true`, or raise the budget."
            file = plugin.manifest_file if plugin.manifest is not None else plugin.folder
            yield BUDGET.at(file, message, fix, seen=total, expected=f"at most {min(BUDGETS.values()):,}")


@on(CATALOG_CHECKS)
def find_names_that_meet(catalog: Catalog) -> Iterator[Problem]:
    """Look for a skill of a team or of developer-tools with the name of one below."""
    first: dict[str, Skill] = {}
    ranks = {BASE: 0, DEVELOPER_TOOLS: 1, TEAM: 2}
    layered = [plugin for plugin in catalog.plugins if plugin.is_layered]
    for plugin in sorted(layered, key=lambda plugin: ranks[plugin.layer]):
        for skill in plugin.skills:
            other = first.get(skill.name.casefold())
            if other is not None:
                message = f"The skill {skill.name} meets another of that name on a laptop, {other.file.parent.parent.name}/{other.name}"
                yield MEETS.at(skill.file, message, "Rename one of the two.", seen=skill.name)
        if plugin.layer != TEAM:
            first.update({skill.name.casefold(): skill for skill in plugin.skills})


@on(CATALOG_CHECKS)
def find_alike_descriptions(catalog: Catalog) -> Iterator[Problem]:
    """Compare descriptions that the same model may be shown."""
    entries: list[tuple[Skill, frozenset[str], Plugin]] = []
    for plugin in catalog.plugins:
        for skill in plugin.skills:
            if skill.is_model_invocable and skill.description:
                words = frozenset(_WORD.findall(f"{skill.description} {skill.when_to_use}".casefold()))
                entries.append((skill, words, plugin))
    told: set[int] = set()
    for pair in similar_pairs([words for _, words, _ in entries]):
        if not _meet(entries[pair[0]][2], entries[pair[1]][2]):
            continue
        for one, other in (pair, pair[::-1]):
            if one not in told:
                told.add(one)
                yield _alike(entries[one][0], entries[other][0])


def _alike(skill: Skill, twin: Skill) -> Problem:
    message = f"The description of {skill.name} says nearly the same as that of {twin.name}"
    fix = f"Say what sets it apart from {twin.name}, or make one skill of the two."
    return ALIKE.at(skill.file, message, fix, line=skill.lines.get("description"), seen=skill.description)


def _meet(plugin: Plugin, other: Plugin) -> bool:
    if plugin is other:
        return True
    return plugin.is_layered and other.is_layered and not plugin.layer == other.layer == TEAM


def similar_pairs(sets: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Give pairs of sets whose Jaccard similarity is at least `LEAST_SIMILARITY`, the earlier first.

    Prefix filtering: two sets that are so alike share one of their few rarest words, so only those are looked up. A
    rare word that very many share looks at the last `_MOST_ALIKE` of them only, which keeps the work linear.
    """
    counts = Counter(word for words in sets for word in words)
    index: defaultdict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(sets):
        if len(words) < _LEAST_WORDS:
            continue
        prefix = _rarest(words, counts)
        near = sorted({other for word in prefix for other in index[word][-_MOST_ALIKE:]})
        for other in near:
            common = len(words & sets[other])
            if common >= LEAST_SIMILARITY * (len(words) + len(sets[other]) - common):
                yield other, number
        for word in prefix:
            index[word].append(number)


def _rarest(words: Iterable[str], counts: Counter[str]) -> list[str]:
    ordered = sorted(words, key=lambda word: (counts[word], word))
    return ordered[: len(ordered) - int(-(-len(ordered) * LEAST_SIMILARITY // 1)) + 1]
