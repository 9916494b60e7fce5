"""With which model, which judge and what else is a suite run?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from skillway.aliases import Alias
from skillway.catalog import Catalog
from skillway_evals.agent.session import AgentSetup
from skillway_evals.models.client import ModelClient
from skillway_evals.money import Budget, PriceList
from skillway_evals.store import Journal, VerdictStore

HARNESS_VERSION = 1
"""Part of every content hash; raise it when a change makes former answers incomparable."""


@dataclass(frozen=True, slots=True)
class JudgeChoice:
    """Who judges.

    Attributes:
        name: The judge's folder below evals/judges, or the model's name when there is none.
        model: The model's name.
        version: Of the judge; 0 without a folder.
        admitted: Whether calibration lets it gate.
        max_tokens: Most output tokens of one verdict.
        standing: Why it is admitted or not, a sentence.
    """

    name: str
    model: str
    version: int = 0
    admitted: bool = False
    max_tokens: int = 1024
    standing: str = "It has no calibration: its numbers are advisory."

    @property
    def label(self) -> str:
        """How reports name it."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a plan depends on.

    Attributes:
        repository: The repository's folder.
        catalog: Its skills.
        model: The model that answers.
        judge: Who judges, or None.
        client_version: Version of the Claude Code client, or an empty text when there is none.
        store: What is known.
        prices: What it costs.
        signed_only: Whether verdicts without a trusted signature are asked again.
        batch: Whether requests go through Message Batches.
        aliases: Former names of skills that moved; what was asked under one still counts for the same content.
    """

    repository: Path
    catalog: Catalog
    model: str
    store: VerdictStore
    prices: PriceList
    judge: JudgeChoice | None = None
    client_version: str = ""
    signed_only: bool = False
    batch: bool = False
    aliases: tuple[Alias, ...] = ()


@dataclass(slots=True)
class Means:
    """What a run works with.

    Attributes:
        client: Answers requests.
        agent: How sessions are started, or None when there is no client or no key.
        journal: Where verdicts go, or None when nothing new may be asked.
        budget: The money.
        concurrency: Most slots under way.
        sessions: Most agent sessions under way.
        on_slot: Called when a slot is done.
    """

    client: ModelClient
    budget: Budget
    journal: Journal | None = None
    agent: AgentSetup | None = None
    concurrency: int = 8
    sessions: int = 2
    on_slot: Callable[[], None] = field(default=lambda: None)
