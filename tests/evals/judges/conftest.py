"""A repository with one judge, texts to rate, and scores that the judge gave, kept as a run would keep them."""

import asyncio
import io
import json
import random
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from skillway.catalog import load_catalog
from skillway.cli.run import run_command
from skillway.organisation import load_organisation
from skillway_evals.judge import load_canaries, make_prompt, neutralise
from skillway_evals.judge.canary import BATCH
from skillway_evals.judge_scores import find_rated_judge, rated_questions
from skillway_evals.labels import open_labels
from skillway_evals.promotion.evidence import Evidence
from skillway_evals.running.keys import judge_key
from skillway_evals.store import Journal, Verdict

JUDGE = "clarity"


@dataclass
class Bench:
    """The repository; `folder` is the judge's."""

    root: Path

    @property
    def folder(self):
        return self.root / "evals" / "judges" / JUDGE

    @property
    def labels(self):
        return self.folder / "calibration" / "labels.jsonl"

    def book(self):
        return open_labels(self.folder)

    def rate(self, rater, texts, score):
        """Write labels of a person, quickly: `score` says what for which text and criterion."""
        lines = [
            json.dumps({"item": text, "dimension": name, "rater": rater, "score": score(text, name)})
            for text in texts
            for name in ("clear", "short")
        ]
        with self.labels.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def judge(self, score, *, provenance="live", canary=0):
        """Keep what the judge said: `score` as in `rate`; None is a reply that decides nothing."""
        book = self.book()
        judge, _ = find_rated_judge(self.root, JUDGE)
        questions = rated_questions(book)
        verdicts = {}
        for one in questions:
            prompt = make_prompt(one.criterion, one.text.task, neutralise(one.text.text))
            given = score(one.text.id, one.criterion.id)
            verdicts[judge_key(judge, prompt, "judge")] = reply(given, one.text.text[:20])
        for number, one in enumerate(questions[::BATCH]):
            text = load_canaries()[number % len(load_canaries())].text
            prompt = make_prompt(one.criterion, one.text.task, neutralise(text))
            verdicts[judge_key(judge, prompt, "canary")] = reply(canary, "")
        asyncio.run(self._write(verdicts, provenance))

    async def _write(self, verdicts, provenance):
        async with Journal(self.root / "evals" / "store") as journal:
            bodies = {key: {"valid": True, "text": text, "usage": {"cost_usd": 0.01}} for key, text in verdicts.items()}
            kept = [Verdict(key, "judge", body, "", provenance) for key, body in bodies.items()]
            await asyncio.gather(*(journal.append(verdict) for verdict in kept))

    def evidence(self):
        return Evidence(self.root, load_catalog(self.root, load_organisation(self.root)))


def reply(score, quote):
    if score is None:
        return json.dumps({"reason": "Unsure.", "quote": "", "score": 7})
    return json.dumps({"reason": "Read it.", "quote": quote, "score": score})


def truth(text, name):
    """Give the score that everybody would agree on, a third of each."""
    return random.Random(f"{text}/{name}").randrange(3)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "repo")
    (made.folder / "calibration").mkdir(parents=True)
    (made.root / "organisation.yaml").write_text("name: example\n")
    (made.folder / "judge.yaml").write_text("model: claude-haiku-4-5\nversion: 1\n")
    criteria = [
        {"id": name, "question": f"Is it {name}?", "anchors": {0: "no", 1: "in part", 2: f"<b>{name}</b>"}}
        for name in ("clear", "short")
    ]
    (made.folder / "rubric.yaml").write_text(yaml.safe_dump({"criteria": criteria}))
    texts = [
        {"id": f"t{number}", "task": "Say it.", "text": f"Text number {number} & <more> of it"} for number in range(110)
    ]
    (made.folder / "calibration" / "texts.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in texts))
    return made


@pytest.fixture
def names():
    """Ids of all texts."""
    return [f"t{number}" for number in range(110)]


@pytest.fixture
def true_score():
    return truth


@pytest.fixture
def ask():
    """Run `skillway eval …` in this process with --json, and give its exit code and envelope."""

    def run(bench, *words):
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as said:
            patch.chdir(bench.root)
            code = run_command(["eval", *words, "--json"])
        return code, json.loads(said.getvalue())

    return run
