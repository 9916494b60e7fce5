"""Judges of a repository: what is admitted and what a name alone means."""

import pytest

from skillway.errors import SkillwayError
from skillway_evals.running.discover import find_judge, judge_identity


@pytest.fixture
def judge(bench):
    folder = bench.repository / "evals/judges/clarity"
    folder.mkdir(parents=True)
    (folder / "judge.yaml").write_text("model: claude-opus-4-8\nversion: 3\nmax_tokens: 500\n")
    (folder / "rubric.yaml").write_text("criteria: []\n")
    return folder


def test_judge_is_read_and_without_calibration_not_admitted(bench, judge):
    found = find_judge(bench.repository, "clarity")
    assert (found.model, found.version, found.max_tokens, found.admitted) == ("claude-opus-4-8", 3, 500, False)
    assert found.label == "clarity@3"
    assert "advisory" in found.standing


def test_name_without_a_folder_is_a_model_and_never_admitted(bench):
    found = find_judge(bench.repository, "claude-haiku-4-5")
    assert (found.model, found.admitted) == ("claude-haiku-4-5", False)


@pytest.mark.parametrize("text", ["", "[]", "version: 1", "model: a\nversion: x", "model: ["])
def test_broken_judge_is_a_sentence(bench, judge, text):
    (judge / "judge.yaml").write_text(text)
    with pytest.raises(SkillwayError, match=r"judge\.yaml"):
        find_judge(bench.repository, "clarity")


def test_identity_changes_with_rubric_model_and_parameters(judge):
    first = judge_identity(judge, "a", 100)
    assert first == judge_identity(judge, "a", 100)
    assert len({first, judge_identity(judge, "b", 100), judge_identity(judge, "a", 200)}) == 3
    (judge / "rubric.yaml").write_text("criteria: [other]\n")
    assert judge_identity(judge, "a", 100) != first
