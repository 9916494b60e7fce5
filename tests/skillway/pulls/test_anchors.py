"""The judge's material is whole, and the computed scores are held against the anchors' own scores."""

import json
from datetime import datetime, timezone
from pathlib import Path

import jsonschema
import pytest
import yaml
from scipy.stats import spearmanr

from skillway.pulls.scores import WEIGHTS, score
from skillway.pulls.values import ChangedFile, PullRequest
from skillway_evals.agreement import kappa

FOLDER = Path(__file__).resolve().parents[3] / "evals" / "judges" / "pr-description"
SCHEMA = Path(__file__).resolve().parents[3] / "evals" / "skillway_evals" / "suite_schema.json"
ANCHORS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((FOLDER / "anchors").glob("*.yaml"))}


def computed(anchor):
    files = tuple(ChangedFile(*file) for file in anchor["files"])
    when = datetime(2026, 1, 5, tzinfo=timezone.utc)
    return score(PullRequest("#1", anchor["title"], anchor["body"], "a", False, False, when, files, "merge"))


def total(scores):
    given = {name: value for name, value in scores.items() if value != "n/a"}
    return sum(WEIGHTS[name] * value for name, value in given.items()) / sum(2 * WEIGHTS[name] for name in given)


def test_the_rubric_has_the_nine_dimensions_with_their_weights():
    rubric = yaml.safe_load((FOLDER / "rubric.yaml").read_text())
    assert {one["id"]: one["weight"] for one in rubric["criteria"]} == WEIGHTS
    assert all(set(one["anchors"]) == {0, 1, 2} for one in rubric["criteria"])
    schema = json.loads(SCHEMA.read_text())
    plain = json.loads(json.dumps(rubric))  # YAML's numbers as keys, as JSON has them
    jsonschema.validate(plain, {**schema, "$ref": "#/$defs/rubric"} if "rubric" in schema["$defs"] else schema)


def test_there_are_anchors_for_every_score():
    assert len(ANCHORS) >= 20
    for name in WEIGHTS:
        assert {0, 2} <= {anchor["scores"][name] for anchor in ANCHORS.values()}, name


@pytest.mark.parametrize("name", ANCHORS)
def test_each_anchor_is_whole(name):
    anchor = ANCHORS[name]
    assert set(anchor) == {"title", "body", "files", "scores"}
    assert set(anchor["scores"]) == set(WEIGHTS)
    assert set(map(str, anchor["scores"].values())) <= {"0", "1", "2", "n/a"}


def test_computed_scores_order_the_anchors_as_their_own_scores_do():
    pairs = [(computed(anchor).total, total(anchor["scores"])) for anchor in ANCHORS.values()]
    assert spearmanr(*zip(*pairs, strict=True)).statistic >= 0.8


def test_computed_dimensions_agree_with_the_anchors_beyond_chance():
    pairs = []
    for anchor in ANCHORS.values():
        given = computed(anchor).dimensions
        pairs += [
            (given[name], value)
            for name, value in anchor["scores"].items()
            if value != "n/a" and given[name] is not None
        ]
    assert kappa(pairs) >= 0.7
