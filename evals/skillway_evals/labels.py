"""Which texts do people rate to calibrate a judge, which ratings are there, and what is next for a rater?

Two raters, blind to each other and to the judge: each sees the texts in an order of their own and nothing else, no
names and no scores. Labels are only ever appended, each on the disk before the next text is shown. How they are
collected is `cli.eval_label`'s and `label_page`'s part; what they say of the judge is `calibration`'s.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from skillway.errors import NotFoundError
from skillway_evals.calibration import CalibrationError, Label
from skillway_evals.promotion.records import append_line
from skillway_evals.suite import Criterion
from skillway_evals.yaml_lines import BrokenYamlError, read_yaml

JUDGES = "evals/judges"
TEXTS, LABELS = "calibration/texts.jsonl", "calibration/labels.jsonl"
SCHEMA = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_MOST_TEXT_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Text:
    """One text to rate. `id` is unique in the file; `task` is what had been asked, or an empty text."""

    id: str
    text: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to rate: a text by one criterion."""

    text: Text
    criterion: Criterion


@dataclass(slots=True)
class LabelBook:
    """The texts, criteria and labels of one judge; `open_labels` reads them.

    Attributes:
        folder: `evals/judges/<judge>`.
        texts: In the file's order.
        criteria: The dimensions, in the rubric's order.
        labels: People's, in the order of writing.
        unreadable: Lines that a crash tore; they are left out and stay in the file.
    """

    folder: Path
    texts: tuple[Text, ...]
    criteria: tuple[Criterion, ...]
    labels: list[Label]
    unreadable: int = 0

    def questions(self, rater: str) -> list[Question]:
        """Give everything that a rater is asked, in that rater's own order; texts are shuffled, criteria are not."""
        texts = list(self.texts)
        # The order is a function of the rater, so that a session that ended goes on where it was.
        random.Random(f"{self.folder.name}:{rater}").shuffle(texts)  # noqa: S311 - an order, no secret
        return [Question(text, criterion) for text in texts for criterion in self.criteria]

    def open_questions(self, rater: str) -> list[Question]:
        """Give what a rater has not rated yet, in that rater's order."""
        done = {(label.item, label.dimension) for label in self.labels if label.rater == rater}
        return [one for one in self.questions(rater) if (one.text.id, one.criterion.id) not in done]

    def add(self, rater: str, text: str, criterion: str, score: int) -> Label:
        """Append one label; it is on the disk when this returns. A later one of the same rater replaces it in effect.

        Raises:
            ValueError: There is no such text or criterion, or the criterion has no such score.
            RecordError: The file cannot be written.
        """
        known = next((one for one in self.criteria if one.id == criterion), None)
        if known is None or score not in known.anchors or text not in {one.id for one in self.texts}:
            raise ValueError(f"no score {score!r} of {criterion!r} for the text {text!r}")
        label = Label(text, criterion, rater, score)
        at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        record = {"schema": SCHEMA, "item": text, "dimension": criterion, "rater": rater, "score": score, "at": at}
        append_line(self.folder / LABELS, json.dumps(record))
        self.labels.append(label)
        return label


def rater_id(name: str) -> str:
    """Give the pseudonym under which a person's labels are kept; the name itself stands nowhere.

    Raises:
        ValueError: The name is empty.
    """
    plain = " ".join(name.lower().split())
    if not plain:
        raise ValueError("the name of a rater is empty")
    return f"rater-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def judge_folder(repository: Path, name: str) -> Path:
    """Find a judge by its name.

    Raises:
        NotFoundError: There is none.
    """
    folder = repository / JUDGES / name
    if not _NAME.fullmatch(name) or not (folder / "judge.yaml").is_file():
        known = ", ".join(sorted(path.parent.name for path in (repository / JUDGES).glob("*/judge.yaml"))) or "none yet"
        raise NotFoundError(
            f"There is no judge {name!r} in {repository / JUDGES}.",
            fix=f"Name one that has a judge.yaml: {known}. docs/guides/promotion.md shows how to make one.",
        )
    return folder


def open_labels(folder: Path) -> LabelBook:
    """Read the texts, criteria and labels of a judge.

    Raises:
        NotFoundError: There are no texts.
        CalibrationError: Rubric or texts cannot be used.
    """
    labels, unreadable = _labels(folder / LABELS)
    return LabelBook(folder, _texts(folder / TEXTS), load_rubric(folder / "rubric.yaml"), labels, unreadable)


def known_texts(folder: Path) -> frozenset[str]:
    """Give the ids of the texts that a judge has already; none when there is no file.

    Raises:
        CalibrationError: The file cannot be used.
    """
    path = folder / TEXTS
    return frozenset(text.id for text in _texts(path)) if path.is_file() and path.stat().st_size else frozenset()


def load_rubric(path: Path) -> tuple[Criterion, ...]:
    """Read a judge's rubric, which has the form of a suite's.

    Raises:
        CalibrationError: It cannot be used.
    """
    try:
        entries = read_yaml(path).values["criteria"]
        criteria = tuple(_criterion(entry) for entry in entries)
        if not criteria or len({one.id for one in criteria}) != len(criteria):
            raise ValueError("no criterion, or one id twice")  # noqa: TRY301 - told like every other fault
    except BrokenYamlError as error:
        raise CalibrationError(str(error.problem), fix="Write the judge's rubric as a suite's.") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CalibrationError(
            f"{path} is no rubric ({type(error).__name__}: {error}).",
            fix="It needs criteria, each with id, question and anchors for 0, 1 and 2.",
        ) from error
    return criteria


def _criterion(entry: Any) -> Criterion:  # noqa: ANN401 - any YAML value
    anchors = {int(score): str(text) for score, text in entry["anchors"].items()}
    if not set(anchors) <= {0, 1, 2} or len(anchors) < 2:  # noqa: PLR2004 - one score decides nothing
        raise ValueError(f"anchors {sorted(anchors)}, which must be among 0, 1 and 2")
    return Criterion(str(entry["id"]), str(entry["question"]), anchors, float(entry.get("weight", 1.0)))


def _texts(path: Path) -> tuple[Text, ...]:
    if not path.is_file():
        raise NotFoundError(
            f"There are no texts to rate in {path}.",
            fix='Draw recorded answers with --sample, or write one {"id", "task", "text"} per line.',
            next_actions=(f"skillway eval label {path.parents[1].name} --sample 120",),
        )
    texts: dict[str, Text] = {}
    for number, line in _lines(path):
        try:
            content = json.loads(line)
            text = Text(content["id"], content["text"], content.get("task", ""))
            fits = all(isinstance(part, str) for part in (text.id, text.text, text.task))
            if not fits or not text.text.strip() or len(text.text) > _MOST_TEXT_CHARS or text.id in texts:
                raise ValueError("no text, too much of it, or an id that stood before")  # noqa: TRY301 - as above
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CalibrationError(
                f"{path}:{number} is no text to rate ({type(error).__name__}: {error}).",
                fix='A line is {"id": "a1", "task": "what was asked", "text": "what was answered"}.',
            ) from error
        texts[text.id] = text
    if not texts:
        raise NotFoundError(f"{path} has no text.", fix="Write one JSON object per line.")
    return tuple(texts.values())


def _labels(path: Path) -> tuple[list[Label], int]:
    """Read labels; a line that is none is counted and left out, because one torn line must not cost all others."""
    labels, unreadable = [], 0
    for _, line in _lines(path):
        try:
            content = json.loads(line)
            item, dimension, rater, score = (content[key] for key in ("item", "dimension", "rater", "score"))
            if isinstance(score, bool) or score not in (0, 1, 2) or rater == "judge":
                raise ValueError("no score of a person")  # noqa: TRY301 - as above
            labels.append(Label(str(item), str(dimension), str(rater), int(score)))
        except (ValueError, KeyError, TypeError, RecursionError):
            unreadable += 1
    return labels, unreadable


def _lines(path: Path) -> Sequence[tuple[int, str]]:
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read ({error.strerror}).", fix="Make it readable.") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
