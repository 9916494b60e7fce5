"""A real git repository with a team's skill, its suite, a signed verdict store and a collector's store."""

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from skillway.catalog import load_catalog
from skillway.cli.run import run_command
from skillway.collector.decode import decode
from skillway.collector.otlp_json import JSON
from skillway.collector.store import open_store
from skillway.organisation import load_organisation
from skillway_evals.promotion.evidence import Evidence
from skillway_evals.running.cases import case_slots
from skillway_evals.running.triggers import trigger_slots
from skillway_evals.store import Journal, Signer, Verdict
from skillway_evals.suite import Arm
from skillway_evals.suite_files import load_suite

SKILL = "support:sum-up"
NEW_NAME = "developer-tools:sum-up"
CASES = 12
TOPICS = (
    *("router reboot", "billing error", "login loop", "fibre cut", "slow upload", "lost parcel"),
    *("broken invoice", "noisy line", "empty basket", "wrong address", "late delivery", "frozen screen"),
    *("expired card", "missing button", "double charge", "silent phone"),
)
TRIGGERS = 8


@dataclass
class Place:
    """The repository, with what a test does to it."""

    root: Path
    usage: Path

    def git(self, *words):
        done = subprocess.run(["git", "-C", str(self.root), *words], capture_output=True, text=True, check=True)
        return done.stdout

    def commit(self, message="Change"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)

    def run(self, *words, **environment):
        """Run skillway in a process of its own, in the repository."""
        command = [sys.executable, "-m", "skillway", *words]
        variables = {**os.environ, **self._variables(), **environment}
        return subprocess.run(command, cwd=self.root, env=variables, capture_output=True, text=True, check=False)

    def ask(self, *words):
        """Run skillway in this process with --json, and give its exit code and envelope."""
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as said:
            patch.chdir(self.root)
            for name, value in self._variables().items():
                patch.setenv(name, value)
            code = run_command([*words, "--json"])
        return code, json.loads(said.getvalue())

    def tell(self, *words):
        """Run skillway in this process, and give its exit code and what a person reads."""
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as said:
            patch.chdir(self.root)
            for name, value in self._variables().items():
                patch.setenv(name, value)
            code = run_command([*words])
        return code, said.getvalue()

    def _variables(self):
        return {"SKILLWAY_USAGE_STORE": str(self.usage)} if self.usage.exists() else {}

    def evidence(self):
        return Evidence(self.root, load_catalog(self.root, load_organisation(self.root)))

    def plant(self, skill=SKILL, *, only=bool, signer=None, provenance="live", answer=None, model="claude-sonnet-5"):
        """Write verdicts as a run of the protected workflow would: good answers with the skill, poor ones without."""
        plugin, _, name = skill.partition(":")
        suite = load_suite(self.root / "evals" / "suites" / plugin / name)
        settings = self.evidence().settings([suite], model)
        answer = answer or (lambda slot: "no" if slot.arm is Arm.NONE else "A fine answer.")
        bodies = {slot.key: ("run", answered(answer(slot))) for slot in case_slots(settings, suite) if only(slot)}
        bodies |= {slot.key: ("trigger", session(slot, skill)) for slot in trigger_slots(settings, suite) if only(slot)}
        asyncio.run(self._write(bodies, signer, provenance, model))
        self.commit("Keep verdicts")

    def plant_all(self, skills, signer, model):
        """Write the verdicts of one model over several suites, in one file as one run would."""
        bodies = {}
        for skill in skills:
            plugin, _, name = skill.partition(":")
            suite = load_suite(self.root / "evals" / "suites" / plugin / name)
            slots = case_slots(self.evidence().settings([suite], model), suite)
            bodies |= {
                slot.key: ("run", answered("no" if slot.arm is Arm.NONE else "A fine answer.")) for slot in slots
            }
        asyncio.run(self._write(bodies, signer, "live", model))
        self.commit("Keep verdicts")

    async def _write(self, bodies, signer, provenance, model):
        async with Journal(self.root / "evals" / "store", signer=signer, head={"model": model}) as journal:
            for key in bodies:
                journal.begin(key)
            verdicts = [Verdict(key, kind, body, "", provenance) for key, (kind, body) in bodies.items()]
            await asyncio.gather(*(journal.append(verdict) for verdict in verdicts))

    def use(self, people=8, teams=("support", "network"), skill=SKILL, usd=0.01):
        """Let people use the skill today, each once, at that price."""
        now = int(datetime.now(UTC).timestamp() * 10**9) - 10**12
        groups = []
        for number in range(people):
            ids = {"session.id": f"session-{number}", "prompt.id": f"prompt-{number}"}
            used = {**ids, "user.hash": f"{number:032x}", "skill.name": skill, "plugin.name": skill.partition(":")[0]}
            uid = {"log.record.uid": f"{hash(skill) & 0xFFFF:04x}{number:028x}"}
            groups.append(_group("skillway.skill.used", now + number, {**used, **uid}, teams[number % len(teams)]))
            cost = {**ids, "cost_usd": usd, "event.sequence": number}
            groups.append(_group("claude_code.api_request", now + number + 10**6, cost, None))
        store = open_store(self.usage)
        decoded = decode("logs", json.dumps({"resourceLogs": groups}).encode(), JSON)
        assert decoded.rejected == 0, decoded.reason
        store.write([decoded.rows])
        store.close()


def _group(name, when, attributes, team):
    values = [
        {"key": key, "value": {"doubleValue": held} if isinstance(held, float) else {"stringValue": str(held)}}
        for key, held in attributes.items()
    ]
    service = "claude-code" if team is None else "skillway"
    resource = [{"key": "service.name", "value": {"stringValue": service}}]
    if team:
        resource.append({"key": "team.id", "value": {"stringValue": team}})
    record = {"timeUnixNano": str(when), "eventName": name, "body": {"stringValue": name}, "attributes": values}
    return {"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": [record]}]}


def answered(text):
    usage = {"input_tokens": 100, "output_tokens": 50, "cost_usd": 0.02}
    return {"valid": True, "text": text, "model": "claude-sonnet-5", "usage": usage}


def session(slot, skill):
    """Give a session's events: the skill is loaded where it should be."""
    events = [{"type": "system", "subtype": "init", "skills": [skill], "tools": ["Skill"]}]
    if slot.trigger.should:
        call = {"type": "tool_use", "id": "call", "name": "Skill", "input": {"skill": skill}}
        result = {"type": "tool_result", "tool_use_id": "call", "content": "ok"}
        events.append({"type": "assistant", "message": {"id": "one", "content": [call]}})
        events.append({"type": "user", "message": {"content": [result]}})
    events.append({"type": "result", "subtype": "success", "result": "Done."})
    return {"valid": True, "reason": "", "events": events, "usage": {"cost_usd": 0.01}}


def write_suite(root, skill=SKILL, *, cases=CASES, triggers=TRIGGERS, extra=None):
    plugin, _, name = skill.partition(":")
    folder = root / "evals" / "suites" / plugin / name
    folder.mkdir(parents=True, exist_ok=True)
    check = {"kind": "contains", "text": "fine", "must": True}
    head = {"schema": 1, "skill": skill, "runner": "messages", "arms": ["none", "plugin"], **(extra or {})}
    parts = {
        "suite": head,
        "cases": {
            "cases": [
                {
                    "id": f"case-{n}",
                    "prompt": f"Customer {sum(map(ord, name))} wrote of a {TOPICS[n]}. What now?",
                    "graders": [check],
                }
                for n in range(cases)
            ]
        },
        "triggers": {
            "should": [
                {"prompt": f"Put the thread on the {TOPICS[n]} together for the network people"}
                for n in range(triggers)
            ],
            "should_not": [
                {"prompt": f"Translate the letter on the {TOPICS[-1 - n]} into French"} for n in range(triggers)
            ],
        },
    }
    for part, content in parts.items():
        (folder / f"{part}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


def write_skill(
    folder, name, description="Use it to sum a thread up for another team, when somebody asks for a summary."
):
    (folder / name).mkdir(parents=True)
    (folder / name / "SKILL.md").write_text(
        f"---\nname: {name}\ndescription: {description}\n---\n\n# Sum up\n\nRead it, then say it shortly.\n"
    )


@pytest.fixture(scope="session")
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def signer(key):
    return Signer(key)


def start(folder, repository, key):
    root = folder / "repo"
    root.mkdir(parents=True)
    teams = 'teams:\n  - name: support\n    owners: ["@example/support"]\n'
    (root / "organisation.yaml").write_text(f'name: example\nowners: ["@example/platform"]\n{teams}')
    (root / ".gitignore").write_text(".skillway/\n")
    shutil.copy(repository / "promotion.yaml", root)
    for place, content in (
        ("developer-tools", {"name": "developer-tools", "version": "1.2.3", "description": "For every engineer."}),
        ("skills/support", {"name": "support", "version": "0.4.0", "description": "Of support.", "skills": "./"}),
    ):
        (root / place / ".claude-plugin").mkdir(parents=True)
        (root / place / ".claude-plugin" / "plugin.json").write_text(json.dumps(content, indent=2) + "\n")
    write_skill(root / "skills" / "support", "sum-up")
    write_suite(root)
    (root / "evals" / "keys").mkdir()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (root / "evals" / "keys" / "ci.pem").write_bytes(pem)
    found = Place(root, folder / "usage.db")
    found.git("init", "--quiet", "-b", "main")
    found.git("config", "user.name", "Ada")
    found.git("config", "user.email", "ada@example.com")
    found.commit("Start")
    return found


@pytest.fixture(scope="session")
def model_place(tmp_path_factory, key):
    """What `proven` copies: made once, because writing 120 signed verdicts takes seconds."""
    found = start(tmp_path_factory.mktemp("proven"), Path(__file__).resolve().parents[3], key)
    found.plant(signer=Signer(key))
    found.use()
    return found


@pytest.fixture
def place(tmp_path, repository, key):
    """A skill of which nothing is known yet."""
    return start(tmp_path / "work", repository, key)


@pytest.fixture
def proven(tmp_path, model_place):
    """A skill for which everything speaks."""
    shutil.copytree(model_place.root, tmp_path / "repo")
    shutil.copy(model_place.usage, tmp_path / "usage.db")
    return Place(tmp_path / "repo", tmp_path / "usage.db")


@pytest.fixture(scope="session")
def make_pool(key):
    """Make a repository of several skills with answers of several models."""

    def make(folder, names, models):
        found = start(folder, Path(__file__).resolve().parents[3], key)
        shutil.rmtree(found.root / "skills" / "support" / "sum-up")
        shutil.rmtree(found.root / "evals" / "suites" / "support" / "sum-up")
        for name in names:
            write_skill(found.root / "skills" / "support", name)
            write_suite(found.root, f"support:{name}", triggers=0)
        for model in models:
            found.plant_all([f"support:{name}" for name in names], Signer(key), model)
        return found

    return make


@pytest.fixture(scope="session")
def place_at():
    return lambda root: Place(root, root.parent / "usage.db")
