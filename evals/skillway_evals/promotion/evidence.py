"""What do the recorded verdicts say of a skill?

Grades what is in the verdict store, asks nobody, needs no key. The gate's decision over it is `skillway_evals.gate`'s;
asking is `eval run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skillway.aliases import read_aliases
from skillway.catalog import Catalog
from skillway_evals.models.replay import ReplayClient
from skillway_evals.money import Budget, load_prices
from skillway_evals.money.prices import PRICES_FILE
from skillway_evals.outcome import Outcome, Provenance
from skillway_evals.running.discover import find_judge
from skillway_evals.running.execute import SuiteReport, execute
from skillway_evals.running.frame import DEFAULT_JUDGE, DEFAULT_MODEL, compares
from skillway_evals.running.plan import plan_suite
from skillway_evals.running.settings import Means, Settings
from skillway_evals.store import TrustedKeys, VerdictStore
from skillway_evals.store.signing import KEYS_FOLDER
from skillway_evals.store.store import STORE_FOLDER
from skillway_evals.suite import Suite


@dataclass(slots=True)
class Evidence:
    """The verdict store of a repository, read once, and what was graded from it."""

    repository: Path
    catalog: Catalog
    keys: Path | None = None
    _store: VerdictStore | None = None
    _reports: dict[tuple[str, str, str], SuiteReport] = field(default_factory=dict)

    @property
    def store(self) -> VerdictStore:
        """The store with the keys that are trusted.

        Raises:
            SigningKeyError: A trusted key cannot be read.
        """
        if self._store is None:
            trusted = TrustedKeys.load(self.keys or self.repository / KEYS_FOLDER)
            self._store = VerdictStore.read(self.repository / STORE_FOLDER, trusted)
        return self._store

    def settings(self, suites: Sequence[Suite], model: str = DEFAULT_MODEL, judge: str = DEFAULT_JUDGE) -> Settings:
        """Say with what suites are planned. The client is the one that the latest recorded run had."""
        is_judged = any(suite.needs_judge or compares(suite) for suite in suites)
        return Settings(
            repository=self.repository,
            catalog=self.catalog,
            model=model,
            store=self.store,
            prices=load_prices(PRICES_FILE),
            judge=find_judge(self.repository, judge) if is_judged else None,
            client_version=self.store.head("client"),
            aliases=read_aliases(self.repository),
        )

    def report(self, suite: Suite, model: str = DEFAULT_MODEL, judge: str = DEFAULT_JUDGE) -> SuiteReport:
        """Grade everything that is recorded of a suite.

        Raises:
            SkillwayError: The judge or a price file cannot be used, or a fixture is missing.
        """
        key = (suite.skill, model, judge)
        if key not in self._reports:
            settings = self.settings([suite], model, judge)
            means = Means(client=ReplayClient(), budget=Budget(0.0))
            (self._reports[key],) = asyncio.run(execute(settings, means, [plan_suite(settings, suite)]))
        return self._reports[key]

    def day(self, report: SuiteReport) -> str:
        """Give the day of the latest verdict of a report, as in 2026-11-20, or an empty text."""
        keys = [slot.key for slot in report.plan.cases] + [slot.key for slot in report.plan.triggers]
        found = map(self.store.find, keys)
        return max((verdict.at[:10] for verdict in found if verdict is not None), default="")


def provenance(report: SuiteReport) -> Provenance | None:
    """Say where a report comes from: one fake answer makes all of it fake; None when there is nothing."""
    origins = {run.provenance for run in report.result.runs} | {vote.provenance for vote in report.votes}
    for origin in (Provenance.FAKE, Provenance.RECORDED, Provenance.REPLAY, Provenance.LIVE):
        if origin in origins:
            return origin
    return None


def cost_per_case(report: SuiteReport) -> float | None:
    """Give about what one case with its repeats and arms takes, US dollars; from what ran, else from the plan."""
    cases = {run.case for run in report.result.runs}
    if cases and report.usage.cost_usd:
        return report.usage.cost_usd / len(cases)
    planned = {slot.case.id for slot in report.plan.cases}
    if report.plan.estimate_usd is None or not planned:
        return None
    return report.plan.estimate_usd / len(planned)


def outcome_shown(outcome: Outcome, origin: Provenance | None) -> Outcome:
    """Give the outcome that a person is shown: nothing at all and a scripted model's are both not run."""
    return Outcome.NOT_RUN if origin in (None, Provenance.FAKE) else outcome
