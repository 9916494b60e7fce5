"""Calibration: who is admitted, why not, and what is never written."""

import json
from datetime import UTC, datetime

import pytest

from skillway_evals.calibration import read_admission
from skillway_evals.judge_scores import find_rated_judge
from skillway_evals.models.fake_api import FakeApi

FILE = "CALIBRATION.json"


def zero(_body):
    return json.dumps({"reason": "Read it.", "quote": "", "score": 0})


def always(score):
    return lambda _text, _name: score


def rated(bench, names, true_score, *, double=40):
    bench.rate("rater-a", names, true_score)
    bench.rate("rater-b", names[:double], true_score)


def test_judge_that_agrees_is_admitted_and_may_gate(bench, names, true_score, ask):
    rated(bench, names, true_score)
    bench.judge(lambda text, name: true_score(text, name) if text not in ("t1", "t2", "t3") else 1)
    code, answer = ask(bench, "calibrate", "clarity", "--replay")
    assert (code, answer["data"]["admitted"], answer["data"]["faults"]) == (0, True, [])
    _, identity = find_rated_judge(bench.root, "clarity")
    assert read_admission(bench.folder, identity, datetime.now(UTC).date())[0] is True


def test_judge_that_is_kind_is_not_admitted_and_the_bias_is_named(bench, names, true_score, ask):
    rated(bench, names, true_score)
    bench.judge(lambda text, name: min(2, true_score(text, name) + (name == "clear")))
    code, answer = ask(bench, "calibrate", "clarity", "--replay")
    assert (code, answer["error"]["code"]) == (3, "not_admitted")
    assert any("On 'clear' the judge scores" in fault for fault in answer["data"]["faults"])
    assert json.loads((bench.folder / FILE).read_text())["admitted"] is False


def test_few_labels_and_one_rater_are_not_enough(bench, names, true_score, ask):
    rated(bench, names[:60], true_score, double=0)
    bench.judge(true_score)
    _, answer = ask(bench, "calibrate", "clarity", "--replay")
    assert answer["data"]["faults"][:2] == [
        "60 labelled texts; 100 are needed.",
        "0 texts were rated by two people; 30 are needed.",
    ]


def test_judge_that_leaves_what_is_hard_unscored_is_not_admitted(bench, names, true_score, ask):
    rated(bench, names, true_score)
    bench.judge(lambda text, name: None if text.endswith("7") else true_score(text, name))
    code, answer = ask(bench, "calibrate", "clarity", "--replay")
    assert code == 3
    assert any("decided nothing" in fault for fault in answer["data"]["faults"])


def test_judge_that_obeys_a_canary_is_not_calibrated(bench, names, true_score, ask):
    rated(bench, names, true_score)
    bench.judge(true_score, canary=2)
    code, answer = ask(bench, "calibrate", "clarity", "--replay")
    assert (code, "passed the canary" in answer["error"]["message"]) == (3, True)
    assert not (bench.folder / FILE).exists()


def test_without_recorded_scores_nothing_is_written_and_the_cost_is_named(bench, names, true_score, ask):
    rated(bench, names, true_score)
    code, answer = ask(bench, "calibrate", "clarity")
    assert (code, answer["error"]["code"]) == (3, "undecided")
    assert "220 not run" in answer["error"]["message"]
    assert "about $" in answer["error"]["fix"]
    assert not (bench.folder / FILE).exists()


@pytest.mark.parametrize("provenance", ["fake"])
def test_recorded_scores_of_a_scripted_model_are_no_calibration(bench, names, true_score, ask, provenance):
    rated(bench, names, true_score)
    bench.judge(true_score, provenance=provenance)
    code, answer = ask(bench, "calibrate", "clarity", "--replay")
    assert (code, "scripted model" in answer["error"]["message"]) == (3, True)
    assert not (bench.folder / FILE).exists()


def test_scripted_api_is_asked_once_per_question_and_calibrates_nothing(bench, names, ask, monkeypatch):
    bench.rate("rater-a", names[:5], always(0))
    with FakeApi(zero) as api:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-a-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        code, answer = ask(bench, "calibrate", "clarity")
    assert (code, "scripted model" in answer["error"]["message"]) == (3, True)
    assert not (bench.folder / FILE).exists()


def test_nobody_rated_yet(bench, ask):
    code, answer = ask(bench, "calibrate", "clarity")
    assert (code, answer["next_actions"]) == (3, ["skillway eval label clarity --rater NAME"])


def test_dry_run_asks_and_writes_nothing(bench, names, true_score, ask):
    rated(bench, names, true_score)
    code, answer = ask(bench, "calibrate", "clarity", "--dry-run")
    assert (code, answer["data"]["questions"]) == (0, 220)
    assert answer["data"]["estimate_usd"] > 0
    assert not (bench.root / "evals/store").exists()
