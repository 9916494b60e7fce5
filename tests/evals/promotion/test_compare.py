"""`skillway eval compare` over what is recorded of two models."""

import json
import shutil

import pytest
import yaml

OLD, NEW = "claude-sonnet-4-6", "claude-sonnet-5"
SKILLS = ("alpha", "beta", "gamma", "delta")
"""Four suites of twelve cases: over the least pool of forty."""


@pytest.fixture(scope="session")
def model_pool(tmp_path_factory, make_pool):
    """Four skills of which both models' answers are kept; the copies of it are cheap."""
    return make_pool(tmp_path_factory.mktemp("pool"), SKILLS, (OLD, NEW))


@pytest.fixture
def pool(tmp_path, model_pool, place_at):
    shutil.copytree(model_pool.root, tmp_path / "repo")
    return place_at(tmp_path / "repo")


def compare(place, *words, baseline=OLD, candidate=NEW):
    return place.ask("eval", "compare", *words, "--baseline", baseline, "--candidate", candidate)


def poor(_slot):
    return "no"


def shard_of(place, model):
    """Find the file that holds a model's verdicts."""
    files = sorted((place.root / "evals/store").glob("*.jsonl"))
    return next(file for file in files if f'"model":"{model}"' in file.read_text().splitlines()[0])


def test_equal_model_is_accepted_with_confidence_and_cost(pool):
    code, answer = compare(pool)
    compared = answer["data"]["comparison"]
    assert (code, answer["data"]["outcome"], compared["cases"]) == (0, "pass", 48)
    assert compared["bound"] == 0.0
    assert compared["suspects"] == []
    assert set(compared["cost"]) == {OLD, NEW}
    assert all(cost > 0 for cost in compared["cost"].values())


def test_person_reads_verdict_cost_and_suspects(pool):
    code, text = pool.tell("eval", "compare", "--baseline", OLD, "--candidate", NEW)
    assert code == 0
    assert text.startswith(f"{NEW} in place of {OLD}: accepted\n")
    assert "cost per passed case: $" in text
    assert "suspects: none" in text


def test_model_without_runs_is_not_run_with_command_and_cost(pool):
    code, answer = compare(pool, candidate="claude-haiku-4-5")
    assert (code, answer["data"]["outcome"]) == (3, "not run")
    missing = answer["data"]["missing"]
    assert [one["skill"] for one in missing] == sorted(f"support:{name}" for name in SKILLS)
    assert all(one["runs"] == 36 and one["estimate_usd"] > 0 for one in missing)
    assert answer["next_actions"][0] == "skillway eval run support:alpha --model claude-haiku-4-5"


def test_part_of_the_pool_decides_nothing(pool, signer):
    shard_of(pool, NEW).unlink()
    pool.plant("support:alpha", signer=signer, model=NEW)
    code, answer = compare(pool)
    assert (code, answer["data"]["outcome"]) == (3, "not run")
    assert (
        answer["data"]["reasons"][0]
        == "3 of 4 suites are not run with both models; a part of the pool decides nothing."
    )
    assert answer["data"]["comparison"]["cases"] == 12


def test_worse_model_is_refused_and_the_suspect_is_named(pool, signer):
    shard_of(pool, NEW).unlink()
    for name in SKILLS:
        pool.plant(f"support:{name}", signer=signer, model=NEW, answer=poor if name == "beta" else None)
    code, answer = compare(pool)
    assert (code, answer["data"]["outcome"]) == (5, "fail")
    assert answer["data"]["comparison"]["suspects"] == ["support:beta"]
    assert len(answer["data"]["comparison"]["broken"]) == 12


def test_unsigned_answers_accept_nothing(pool):
    shard_of(pool, NEW).unlink()
    for name in SKILLS:
        pool.plant(f"support:{name}", model=NEW)
    code, answer = compare(pool)
    assert (code, answer["data"]["outcome"]) == (3, "inconclusive")
    assert "not signed" not in answer["data"]["reasons"][0]
    assert any("signed" in reason for reason in answer["data"]["reasons"])


def test_fake_answers_say_nothing_of_a_model(pool, signer):
    shard_of(pool, NEW).unlink()
    for name in SKILLS:
        pool.plant(f"support:{name}", signer=signer, model=NEW, provenance="fake")
    code, answer = compare(pool)
    assert (code, answer["data"]["outcome"]) == (3, "not run")


def test_one_model_with_itself_is_a_usage_error(pool):
    assert compare(pool, candidate=OLD)[0] == 2


def test_unknown_suite_is_not_found(pool):
    assert compare(pool, "support:nowhere")[0] == 7


def test_pool_without_answers_is_not_run(place):
    code, answer = compare(place)
    assert (code, answer["data"]["outcome"]) == (3, "not run")


def test_recorded_answers_of_both_arms_are_drawn_to_be_rated(place, repository, signer):
    shutil.copytree(repository / "evals/judges", place.root / "evals/judges")
    suite = place.root / "evals/suites/support/sum-up"
    criterion = {
        "id": "clear",
        "question": "Is it clear?",
        "anchors": {0: "Nobody would follow it.", 1: "Some would follow it.", 2: "All would follow it."},
    }
    (suite / "rubric.yaml").write_text(yaml.safe_dump({"criteria": [criterion]}))
    cases = yaml.safe_load((suite / "cases.yaml").read_text())
    for case in cases["cases"]:
        case["criteria"] = ["clear"]
    (suite / "cases.yaml").write_text(yaml.safe_dump(cases))
    place.plant(signer=signer)
    code, answer = place.ask("eval", "label", "answers", "--sample", "20")
    assert (code, answer["data"]) == (0, {"judge": "answers", "added": 20, "texts": 20})
    file = place.root / "evals/judges/answers/calibration/texts.jsonl"
    texts = [json.loads(line) for line in file.read_text().splitlines()]
    assert {text["text"] for text in texts} == {"no", "A fine answer."}
    assert set(texts[0]) == {"id", "task", "text"}
    assert place.ask("eval", "label", "answers", "--sample", "200")[1]["data"]["texts"] == 72
    assert len({json.loads(line)["id"] for line in file.read_text().splitlines()}) == 72
    assert place.ask("eval", "label", "answers", "--sample", "1")[0] == 3


@pytest.mark.parametrize("words", [("--sample", "5", "--rater", "A"), ("--sample", "0"), ("--model", "x"), ()])
def test_sampling_and_rating_are_two_steps(place, words):
    assert place.ask("eval", "label", "answers", *words)[0] == 2
