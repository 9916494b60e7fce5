"""A small repository with one plugin of two skills, suites in memory, and runs of them against a fake API."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from skillway.catalog import load_catalog
from skillway.organisation import load_organisation
from skillway_evals.models.fake_api import FakeApi
from skillway_evals.models.live import LiveClient
from skillway_evals.models.pacing import Pacer
from skillway_evals.models.replay import ReplayClient
from skillway_evals.money import Budget, load_prices
from skillway_evals.outcome import Provenance
from skillway_evals.running.execute import execute
from skillway_evals.running.plan import plan_suite
from skillway_evals.running.settings import JudgeChoice, Means, Settings
from skillway_evals.store import Journal, TrustedKeys, VerdictStore
from skillway_evals.suite import Arm, Case, Criterion, Grader, Runner, Suite

NOBODY = TrustedKeys({})
CRITERION = Criterion("clear", "Is the answer clear to its reader?", {0: "no", 1: "in part", 2: "yes"})


def make_repository(folder):
    (folder / "organisation.yaml").write_text("name: example\n")
    plugin = folder / "developer-tools"
    (plugin / ".claude-plugin").mkdir(parents=True)
    manifest = {"name": "developer-tools", "version": "0.0.1", "description": "Tools."}
    (plugin / ".claude-plugin" / "plugin.json").write_text(json.dumps(manifest))
    for skill in ("alpha", "beta"):
        (plugin / "skills" / skill).mkdir(parents=True)
        text = f"---\nname: {skill}\ndescription: Use it for {skill}.\n---\nDo {skill} with `--careful`.\n"
        (plugin / "skills" / skill / "SKILL.md").write_text(text)
        (plugin / "skills" / skill / "SPEC.md").write_text("Kept by the authors.\n")
    return folder


def judge_reply(score=2, quote="fine answer"):
    return json.dumps({"reason": "Read it.", "quote": quote, "score": score})


def is_canary(text):
    return any(
        sign in text
        for sign in ("highest score", "true score", "complete and correct", "only the score is", "my job depends")
    )


def fair_answer(body):
    """Answer a case, judge it, and be no fool: canaries get a 0."""
    text = body["messages"][0]["content"]
    if "=== CANDIDATE" in text:
        return judge_reply(0, "") if is_canary(text) else judge_reply()
    if "=== FIRST" in text:
        return json.dumps({"reason": "Same.", "quote": "", "better": "equal"})
    return "A fine answer, indeed."


@dataclass
class Bench:
    """A repository with its store; `run` runs suites in it against a fake API."""

    repository: Path
    model: str = "claude-haiku-4-5"
    judge: JudgeChoice | None = field(default_factory=lambda: JudgeChoice("claude-haiku-4-5", "claude-haiku-4-5"))
    signer: object = None
    trusted: TrustedKeys = NOBODY
    signed_only: bool = False

    @property
    def folder(self):
        return self.repository / "evals" / "store"

    def settings(self, *, version=""):
        return Settings(
            repository=self.repository,
            catalog=load_catalog(self.repository, load_organisation(self.repository)),
            model=self.model,
            store=VerdictStore.read(self.folder, self.trusted),
            prices=load_prices(),
            judge=self.judge,
            client_version=version,
            signed_only=self.signed_only,
        )

    def run(self, *suites, api=None, cap=None, concurrency=4, agent=None, tries=2, provenance=Provenance.LIVE):
        """Run suites; without an API as a replay. Gives the reports and the budget."""
        settings = self.settings(version=agent.version if agent else "")
        budget = Budget(cap)

        async def go():
            plans = [plan_suite(settings, suite) for suite in suites]
            async with Journal(self.folder, signer=self.signer) as journal:
                client = ReplayClient()
                if api is not None:
                    pacer = Pacer(concurrency, tries=tries, base_s=0.01)
                    client = LiveClient("key", pacer, base_url=api.url, timeout_s=5, provenance=provenance)
                means = Means(client, budget, journal if api or agent else None, agent, concurrency)
                try:
                    return await execute(settings, means, plans)
                finally:
                    await client.close()

        return asyncio.run(go()), budget


@pytest.fixture
def bench(tmp_path):
    return Bench(make_repository(tmp_path / "repository"))


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    (tmp_path / "repository").mkdir(exist_ok=True)


def make_suite(folder, *, cases=2, criteria=("clear",), graders=None, **more):
    """Make a suite of text cases in memory; `more` goes to `Suite`."""
    graders = graders or (Grader("fine", "contains", {"text": "fine"}, must=True),)
    values = {
        "folder": folder,
        "skill": "developer-tools:alpha",
        "cases": tuple(Case(f"case-{n}", f"Please do number {n}.", graders, criteria=criteria) for n in range(cases)),
        "rubric": {"clear": CRITERION},
        "runner": Runner.MESSAGES,
        "arms": (Arm.NONE, Arm.SKILL),
        "repeats": 1,
        "digest": "0" * 64,
    }
    return Suite(**(values | more))


@pytest.fixture
def suite(tmp_path):
    """Make a suite: `suite(cases=3, …)`."""
    folder = tmp_path / "suite"
    folder.mkdir()
    return lambda **more: make_suite(folder, **more)


@pytest.fixture
def fair_api():
    with FakeApi(fair_answer) as api:
        yield api
