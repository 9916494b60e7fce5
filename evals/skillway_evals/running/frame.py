"""What does a run of this repository use: which store, prices, client, key and judge?

Puts the settings together from options and environment, for every command that plans or runs. It asks nobody
anything yet.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skillway.aliases import read_aliases
from skillway.catalog import load_catalog
from skillway.errors import NotFoundError
from skillway.organisation import load_organisation
from skillway_evals.agent.session import API_URL, AgentSetup, client_version
from skillway_evals.graders.kinds import PAIRWISE
from skillway_evals.money import PriceList, load_prices
from skillway_evals.money.prices import PRICES_FILE
from skillway_evals.running.discover import find_judge, find_suites
from skillway_evals.running.plan import SuitePlan, plan_suite
from skillway_evals.running.settings import Settings
from skillway_evals.store import Signer, TrustedKeys, VerdictStore
from skillway_evals.store.signing import KEYS_FOLDER
from skillway_evals.store.store import STORE_FOLDER
from skillway_evals.suite import Runner, Suite

DEFAULT_MODEL = "claude-sonnet-5"
DEFAULT_JUDGE = "claude-opus-4-8"
"""Another tier than the model that answers; the same family all the same, which the report says."""
KEY_VARIABLE, URL_VARIABLE, CLIENT_VARIABLE = "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "SKILLWAY_EVAL_CLIENT"


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller chose.

    Attributes:
        names: Suites, as `find_suites` takes them.
        model: The model that answers.
        judge: A judge's or a model's name.
        client: Path or name of the Claude Code client, or None for the variable or `claude` on PATH.
        replay: Whether nothing new may be asked.
        batch: Whether requests go through Message Batches.
        prices: A price file, or None for the package's.
        keys: The folder of trusted keys, or None for the repository's own.
    """

    names: tuple[str, ...] = ()
    model: str = DEFAULT_MODEL
    judge: str = DEFAULT_JUDGE
    client: str | None = None
    replay: bool = False
    batch: bool = False
    prices: Path | None = None
    keys: Path | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """All that a run needs before it starts.

    Attributes:
        settings: What the plan depends on.
        suites: What was chosen.
        plans: What would be asked.
        client: The Claude Code client, or None.
        api_key: The key, or an empty text.
        api_url: The address of the API, or None for the SDK's own.
        signer: Signs verdicts, in the protected workflow alone.
    """

    settings: Settings
    suites: tuple[Suite, ...]
    plans: tuple[SuitePlan, ...]
    client: Path | None
    api_key: str
    api_url: str | None
    signer: Signer | None

    def agent(self) -> AgentSetup | None:
        """Say how sessions are started, or None without a client or a key."""
        if self.client is None or not self.api_key:
            return None
        url = self.api_url or API_URL
        return AgentSetup(self.client, self.settings.client_version, self.settings.model, self.api_key, url)


def make_frame(repository: Path, options: Options, environment: Mapping[str, str]) -> Frame:
    """Read the repository, the store and the environment, and plan.

    Raises:
        SkillwayError: A suite, price file, judge or key cannot be used; nothing was asked.
    """
    suites = find_suites(repository, options.names)
    needs_client = any(suite.runner is Runner.AGENT or suite.triggers for suite in suites)
    client = find_client(options.client or environment.get(CLIENT_VARIABLE)) if needs_client else None
    signer = Signer.from_environment(environment)
    trusted = TrustedKeys.load(options.keys or repository / KEYS_FOLDER)
    store = VerdictStore.read(repository / STORE_FOLDER, trusted)
    prices: PriceList = load_prices(options.prices or PRICES_FILE)
    needs_judge = any(suite.needs_judge or compares(suite) for suite in suites)
    settings = Settings(
        repository=repository,
        catalog=load_catalog(repository, load_organisation(repository)),
        model=options.model,
        store=store,
        prices=prices,
        judge=find_judge(repository, options.judge) if needs_judge else None,
        client_version=client_version(client) if client else store.head("client"),
        signed_only=signer is not None,
        batch=options.batch,
        aliases=read_aliases(repository),
    )
    plans = tuple(plan_suite(settings, suite) for suite in suites)
    key = "" if options.replay else environment.get(KEY_VARIABLE, "")
    return Frame(settings, tuple(suites), plans, client, key, environment.get(URL_VARIABLE) or None, signer)


def compares(suite: Suite) -> bool:
    """Tell whether a case of the suite asks which of two answers is better."""
    return any(grader.kind == PAIRWISE for case in suite.cases for grader in case.graders)


def find_client(named: str | None) -> Path | None:
    """Find the client that was named, else `claude` on PATH, else None.

    Raises:
        NotFoundError: The one that was named cannot be started.
    """
    found = shutil.which(named or "claude")
    if named and found is None:
        raise NotFoundError(
            f"There is no program {named!r} that can be started.", fix="Give --client the path of a Claude Code client."
        )
    return Path(found).absolute() if found else None
