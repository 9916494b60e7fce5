"""When a judge may gate: agreement measures against known values, and each reason for a refusal."""

import json
from datetime import date

import numpy as np
import pytest

from skillway_evals.agreement import alpha, bias, kappa, kappa_bound
from skillway_evals.calibration import FILE, CalibrationError, Label, calibrate, read_admission

TODAY = date(2026, 11, 2)


def labels(texts=120, double=40, wrong=0.05, shift=0, seed=1, dimensions=("why", "what")):
    draws = np.random.default_rng(seed)
    made = []
    for text in range(texts):
        for dimension in dimensions:
            truth = int(draws.integers(0, 3))
            made.append(Label(str(text), dimension, "ada", truth))
            if text < double:
                made.append(Label(str(text), dimension, "bob", truth if draws.random() > 0.1 else min(2, truth + 1)))
            score = int(draws.integers(0, 3)) if draws.random() < wrong else truth
            made.append(Label(str(text), dimension, "judge", int(np.clip(score + shift, 0, 2))))
    return made


def test_kappa_of_known_tables():
    assert kappa([(0, 0), (1, 1), (2, 2)]) == 1.0
    assert kappa([(0, 2), (2, 0)]) == -1.0
    # two raters, 2x2: po = 0.7, pe = 0.5
    assert kappa([(0, 0)] * 20 + [(0, 1)] * 5 + [(1, 0)] * 10 + [(1, 1)] * 15) == pytest.approx(0.4)
    assert kappa([(1, 1)] * 9) == 1.0


def test_alpha_of_known_data():
    assert alpha([{"a": 0, "b": 0}, {"a": 2, "b": 2}]) == 1.0
    assert alpha([{"a": 1}]) is None
    draws = np.random.default_rng(0)
    chance = [{"a": int(draws.integers(0, 3)), "b": int(draws.integers(0, 3))} for _ in range(2000)]
    assert abs(alpha(chance)) < 0.06


def test_the_bound_lies_under_kappa_and_rises_with_more_texts():
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2)] * 10
    assert kappa_bound(pairs) < kappa(pairs)
    assert kappa_bound(pairs * 8) > kappa_bound(pairs)


def test_bias_is_positive_for_a_generous_judge():
    assert bias([(2, 1), (1, 1)]) == 0.25


def test_a_judge_that_agrees_with_people_is_admitted():
    found = calibrate("abc", labels(), TODAY)
    assert found.is_admitted, found.faults
    assert found.lower >= 0.6
    assert found.people_alpha > 0.7


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (labels(texts=99), "99 labelled texts"),
        (labels(double=29), "29 texts were rated by two"),
        (labels(wrong=0.7), "lower bound of kappa"),
        (labels(shift=1), "higher than people"),
    ],
)
def test_each_weakness_refuses_a_judge(made, fault):
    found = calibrate("abc", made, TODAY)
    assert not found.is_admitted
    assert any(fault in sentence for sentence in found.faults)


def test_labels_of_other_texts_calibrate_nothing():
    with pytest.raises(CalibrationError):
        calibrate("abc", [Label("1", "why", "ada", 1), Label("2", "why", "judge", 1)], TODAY)


def write(folder, **changes):
    content = {**calibrate("abc", labels(), TODAY).to_json(), **changes}
    (folder / FILE).write_text(json.dumps(content))


def test_an_admitted_judge_may_gate_for_a_quarter(tmp_path):
    write(tmp_path)
    assert read_admission(tmp_path, "abc", TODAY)[0]
    assert read_admission(tmp_path, "abc", date(2027, 2, 2))[0]
    assert not read_admission(tmp_path, "abc", date(2027, 2, 3))[0]


@pytest.mark.parametrize(
    "changes", [{"judge": "abd"}, {"lower": 0.5}, {"texts": 20}, {"faults": ["x"]}, {"admitted": "yes"}]
)
def test_a_calibration_that_does_not_say_so_admits_nobody(tmp_path, changes):
    write(tmp_path, **changes)
    admitted, why = read_admission(tmp_path, "abc", TODAY)
    assert not admitted
    assert why


def test_no_calibration_is_advisory_and_a_broken_one_is_told(tmp_path):
    assert "advisory" in read_admission(tmp_path, "abc", TODAY)[1]
    (tmp_path / FILE).write_text("{")
    with pytest.raises(CalibrationError):
        read_admission(tmp_path, "abc", TODAY)
