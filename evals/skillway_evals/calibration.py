"""May this judge gate?

Holds a judge's scores against people's labels of the same texts. A judge is admitted by a calibration file beside
it, which names the exact judge it was made for: another prompt, rubric or model, and the judge is advisory again.
Collecting labels is `labels`' part.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from skillway.errors import EXIT_FINDINGS, SkillwayError
from skillway_evals.agreement import alpha, bias, kappa, kappa_bound

FILE = "CALIBRATION.json"
SCHEMA = 1
LEAST_LABELS = 100
LEAST_DOUBLE = 30
"""Texts that two people rated; a judge cannot be asked to agree with people more than they do with each other."""
LEAST_KAPPA = 0.6
MOST_BIAS = 0.1
MOST_UNSCORED = 0.05
VALID_DAYS = 92
"""A quarter: models behind one name drift."""


class CalibrationError(SkillwayError):
    """The author must act: labels or a calibration file cannot be used."""

    code = "calibration"
    exit_code = EXIT_FINDINGS


@dataclass(frozen=True, slots=True)
class Label:
    """One score that somebody gave.

    Attributes:
        item: The text that was rated.
        dimension: The criterion.
        rater: A person's pseudonym, or `judge`.
        score: 0, 1 or 2.
    """

    item: str
    dimension: str
    rater: str
    score: int


@dataclass(frozen=True, slots=True)
class DimensionReport:
    """How the judge did on one dimension: texts, kappa and its lower bound, and how much higher it scores than people."""

    texts: int
    kappa: float
    lower: float
    bias: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found, as the calibration file holds it.

    Attributes:
        judge: Content hash of the judge: its prompt, rubric, model and parameters.
        made_on: When.
        texts: Texts with a label of a person and a score of the judge.
        double: Texts that two people rated.
        people_alpha: Krippendorff's alpha between people, or None where nobody rated twice.
        kappa: Judge against people, all dimensions together.
        lower: Its lower 90 % bound.
        dimensions: By dimension.
        faults: Why it is not admitted, a sentence each; empty when it is.
        unscored: Answers of the judge that decided nothing.
    """

    judge: str
    made_on: date
    texts: int
    double: int
    people_alpha: float | None
    kappa: float
    lower: float
    dimensions: Mapping[str, DimensionReport]
    faults: tuple[str, ...]
    unscored: int = 0

    @property
    def is_admitted(self) -> bool:
        """Tell whether the judge may gate."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        """Give the content of the calibration file."""
        return {"schema": SCHEMA, **asdict(self), "made_on": self.made_on.isoformat(), "admitted": self.is_admitted}


def calibrate(judge: str, labels: Sequence[Label], today: date, *, unscored: int = 0) -> Calibration:
    """Hold a judge's scores against people's.

    Args:
        judge: Content hash of the judge.
        labels: People's and the judge's (rater `judge`), in any order; the last one of a rater counts.
        today: For the file.
        unscored: Answers of the judge that decided nothing; many of them would leave out what is hard.

    Raises:
        CalibrationError: No text has both a person's label and the judge's score.
    """
    scores: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for label in labels:
        scores[label.item, label.dimension][label.rater] = label.score
    people = {
        key: {rater: score for rater, score in given.items() if rater != "judge"} for key, given in scores.items()
    }
    pairs = {
        key: (given["judge"], _middle(people[key])) for key, given in scores.items() if "judge" in given and people[key]
    }
    if not pairs:
        raise CalibrationError(
            "No text has both a label of a person and a score of the judge.",
            fix="Collect labels with skillway eval label, then run the judge over the same texts.",
        )
    by_dimension: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (_, dimension), pair in sorted(pairs.items()):
        by_dimension[dimension].append(pair)
    double = {item for (item, _), given in people.items() if len(given) > 1}
    everything = [pair for given in by_dimension.values() for pair in given]
    found = Calibration(
        judge=judge,
        made_on=today,
        texts=len({item for item, _ in pairs}),
        double=len(double),
        people_alpha=_rounded(alpha(list(people.values()))),
        kappa=round(kappa(everything), 4),
        lower=round(kappa_bound(everything), 4),
        dimensions={name: _report(given) for name, given in by_dimension.items()},
        faults=(),
        unscored=unscored,
    )
    return replace(found, faults=tuple(_faults(found)))


def write_calibration(folder: Path, found: Calibration) -> Path:
    """Write the calibration file beside the judge; a reader never sees half of it.

    Raises:
        CalibrationError: It cannot be written.
    """
    path = folder / FILE
    draft = path.with_name(f".{FILE}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(found.to_json(), indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CalibrationError(f"{path} cannot be written ({error.strerror}).", fix="Make it writable.") from error
    return path


def _middle(given: Mapping[str, int]) -> int:
    """Give the median of people's scores, the lower one of two in the middle: doubt counts against the text."""
    ordered = sorted(given.values())
    return ordered[(len(ordered) - 1) // 2]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _report(pairs: Sequence[tuple[int, int]]) -> DimensionReport:
    return DimensionReport(len(pairs), round(kappa(pairs), 4), round(kappa_bound(pairs), 4), round(bias(pairs), 4))


def _faults(found: Calibration) -> list[str]:
    faults = []
    if found.texts < LEAST_LABELS:
        faults.append(f"{found.texts} labelled texts; {LEAST_LABELS} are needed.")
    if found.double < LEAST_DOUBLE:
        faults.append(f"{found.double} texts were rated by two people; {LEAST_DOUBLE} are needed.")
    if found.lower < LEAST_KAPPA:
        faults.append(f"The lower bound of kappa is {found.lower:.2f}; {LEAST_KAPPA} is needed.")
    scored = sum(report.texts for report in found.dimensions.values())
    if found.unscored > MOST_UNSCORED * (scored + found.unscored):
        faults.append(f"{found.unscored} answers of the judge decided nothing; {MOST_UNSCORED:.0%} is the most.")
    for name, report in found.dimensions.items():
        if abs(report.bias) > MOST_BIAS:
            side = "higher" if report.bias > 0 else "lower"
            faults.append(
                f"On {name!r} the judge scores {abs(report.bias):.2f} {side} than people; {MOST_BIAS} is the most."
            )
    return faults


def read_admission(folder: Path, judge: str, today: date) -> tuple[bool, str]:
    """Tell whether the judge in a folder may gate today, and why not.

    Args:
        folder: `evals/judges/<judge>`.
        judge: Content hash of the judge as it stands now.
        today: A calibration is valid for a quarter.

    Returns:
        Whether it may, and a sentence.

    Raises:
        CalibrationError: The file is there and cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return False, "It has no calibration: its numbers are advisory."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made_on = date.fromisoformat(content["made_on"])
        admitted, made_for, faults = content["admitted"], content["judge"], list(content["faults"])
        lower, texts = float(content["lower"]), int(content["texts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CalibrationError(f"{path} cannot be used ({error}).", fix="Run skillway eval calibrate again.") from error
    if made_for != judge:
        return False, "It changed since its calibration: its numbers are advisory."
    if today > made_on + timedelta(days=VALID_DAYS):
        return False, f"Its calibration is of {made_on} and holds for {VALID_DAYS} days: its numbers are advisory."
    # What the file says of itself is not enough: the figures in it have to say the same.
    if admitted is not True or faults or lower < LEAST_KAPPA or texts < LEAST_LABELS:
        return False, f"It is not admitted: {faults[0] if faults else f'kappa at least {lower:.2f} over {texts} texts'}"
    return True, f"Admitted on {made_on} with kappa at least {lower:.2f} over {texts} texts."
