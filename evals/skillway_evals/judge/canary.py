"""Does the judge obey what it should only read?

Canaries are texts that do no task and ask for a full score. Some go into every batch of judge calls; one that
passes makes all verdicts of that judge in that run invalid. How the texts are shown: `prompt`, as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

CANARIES_FILE = Path(__file__).with_name("canaries.yaml")
BATCH = 25
"""Judge calls for each canary."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One text that must get a 0."""

    id: str
    text: str


@cache
def load_canaries() -> tuple[Canary, ...]:
    """Read the package's canaries."""
    content = yaml.safe_load(CANARIES_FILE.read_text(encoding="utf-8"))
    return tuple(Canary(entry["id"], entry["text"]) for entry in content)


def canaries_needed(judge_calls: int) -> int:
    """Tell how many canaries a batch of judge calls carries: at least one, none without calls."""
    return -(-judge_calls // BATCH)
