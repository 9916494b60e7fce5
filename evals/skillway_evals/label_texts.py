"""Which recorded answers are worth rating?

Draws from the verdict store what a judge would read, in all arms, so that good and poor answers are both there. Nobody
who rates them sees which is which.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from skillway_evals.labels import TEXTS, Text
from skillway_evals.outcome import Provenance
from skillway_evals.promotion.evidence import Evidence
from skillway_evals.promotion.records import append_line
from skillway_evals.running.cases import case_slots, read_judged
from skillway_evals.suite import Suite

ID_CHARS = 12


def sample_texts(
    evidence: Evidence, suites: Sequence[Suite], model: str, judge: str, known: frozenset[str], count: int
) -> list[Text]:
    """Draw answers that were recorded, none twice; the same store gives the same ones.

    Args:
        evidence: The verdict store.
        suites: Where answers come from; cases without criteria need no judge and are left out.
        model: Whose answers.
        judge: The judge's name, which the order is drawn from.
        known: Ids that are there already.
        count: How many at most.
    """
    found = {text.id: text for text in _recorded(evidence, suites, model) if text.id not in known}
    texts = sorted(found.values(), key=lambda text: text.id)
    random.Random(judge).shuffle(texts)  # noqa: S311 - an order, no secret
    return texts[:count]


def add_texts(folder: Path, texts: Sequence[Text]) -> None:
    """Append texts to those that people rate.

    Raises:
        RecordError: The file cannot be written.
    """
    for text in texts:
        append_line(folder / TEXTS, json.dumps({"id": text.id, "task": text.task, "text": text.text}))


def _recorded(evidence: Evidence, suites: Sequence[Suite], model: str) -> Iterator[Text]:
    for suite in suites:
        for slot in case_slots(evidence.settings([suite], model), suite):
            verdict = evidence.store.find(slot.key) if slot.case.criteria else None
            if verdict is None or verdict.provenance == Provenance.FAKE.value:
                continue
            text = asyncio.run(read_judged(slot.case, verdict.body))
            if text.strip():
                yield Text(slot.key[:ID_CHARS], text, slot.case.prompt)
