"""What the levels of a conversation are and which capabilities make a level reachable.

`references/levels.md` explains them to people. How often an attempt succeeds is `assumptions`' subject.
"""

from __future__ import annotations

LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5")

MEANING = {
    "L0": "not automatable: policy, emotion or law asks for a person",
    "L1": "information that existing content answers",
    "L2": "information that no content answers yet",
    "L3": "a personal answer that needs the customer's data",
    "L4": "an action in another system, by a fixed procedure",
    "L5": "several steps with judgement between them",
}

CAPABILITIES = {
    "content": "the help content is connected",
    "new_content": "the missing content is written",
    "data_api": "the customer's data can be read",
    "action_api": "actions can be carried out",
    "procedures": "procedures say when and how to act",
}

NEEDS = {
    "L1": frozenset({"content"}),
    "L2": frozenset({"content", "new_content"}),
    "L3": frozenset({"data_api"}),
    "L4": frozenset({"action_api", "procedures"}),
    "L5": frozenset({"data_api", "action_api", "procedures"}),
}
"""Capabilities that a level needs, all of them. L0 has no entry: nothing makes it reachable."""

# Nobody measured these; they let a first look work, and every output says that they are assumed.
ASSUMED_RATES = {"L1": 0.75, "L2": 0.65, "L3": 0.6, "L4": 0.45, "L5": 0.2}


def is_reachable(level: str, capabilities: frozenset[str]) -> bool:
    """Whether conversations of that level can be automated at all with these capabilities."""
    return level in NEEDS and NEEDS[level] <= capabilities
