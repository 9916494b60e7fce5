"""Put a prediction into words and into a JSON value that says where each number comes from.

The page with the chart is `chart`'s work and reads the same value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Mapping, Sequence

from assumptions import EVERY_TOPIC, Rate, Rates, Step
from conversations import OTHER_TOPICS
from levels import CAPABILITIES, LEVELS, MEANING
from prediction import CONFIDENCE, Interval, StepPrediction

TOPICS_SHOWN = 15
FEW = 200  # conversations, below which the interval is wide and a percentile bootstrap a little too narrow


@dataclass(frozen=True)
class Run:
    """All that a prediction was made from, and the prediction.

    Attributes:
        source: Name of the export.
        cells: Conversations by (level, topic).
        rates: Success rates.
        predictions: One per step.
        replicates: Bootstrap samples.
        seed: Seed of the random numbers.
        left_out: Faulty lines that were not counted.
    """

    source: str
    cells: Mapping[tuple[str, str], int]
    rates: Rates
    predictions: Sequence[StepPrediction]
    replicates: int
    seed: int
    left_out: int

    @property
    def conversations(self) -> int:
        """How many conversations were counted."""
        return sum(self.cells.values())

    @property
    def steps(self) -> list[Step]:
        """Now, then the roadmap."""
        return [prediction.step for prediction in self.predictions]


def as_json(run: Run) -> dict[str, Any]:
    """Return the prediction as a JSON value; shares are 0 to 1."""
    return {
        "source": run.source,
        "conversations": run.conversations,
        "lines_left_out": run.left_out,
        "steps": [_step_json(prediction) for prediction in run.predictions],
        "levels": _levels_json(run),
        "topics": _topics_json(run),
        "assumptions": {
            "rates_source": run.rates.source,
            "rates_are_assumed": run.rates.is_assumed,
            "topic_rates": [
                {"topic": topic, "level": level, **asdict(rate)}
                for (topic, level), rate in sorted(run.rates.topics.items())
            ],
        },
        "interval": {
            "confidence": CONFIDENCE,
            "method": "percentile bootstrap over conversations",
            "replicates": run.replicates,
            "seed": run.seed,
            "covers": interval_covers(run.rates),
        },
    }


def interval_covers(rates: Rates) -> str:
    """Return in words what the interval is about, and what it is not about."""
    observed = [rate.observed > 0 for rate in (*rates.levels.values(), *rates.topics.values())]
    start = "The interval says how far the number could move with another sample of conversations like these"
    if observed and all(observed):
        return f"{start}, and with other attempts at the success rates."
    if any(observed):
        return f"{start}, and with other attempts at those success rates that say how often they were observed."
    return f"{start}. It does not cover wrong success rates or wrong labels."


def warnings_of(run: Run) -> list[str]:
    """Return what a reader of the number has to know."""
    found = []
    if run.rates.is_assumed:
        found.append(
            "The success rates are assumed, not measured: give your own with --rates before anybody plans with it."
        )
    elif not any(rate.observed for rate in (*run.rates.levels.values(), *run.rates.topics.values())):
        found.append(
            "No rate says over how many attempts it was observed, so the interval leaves that uncertainty out."
        )
    if run.conversations < FEW:
        found.append(f"Only {run.conversations} conversations: the interval is wide and a little too narrow still.")
    if any(topic == OTHER_TOPICS for _, topic in run.cells):
        found.append("There are more topics than are counted one by one; the rest is together as (other topics).")
    return found


def in_words(run: Run) -> str:
    """Return the prediction as a few lines of text."""
    lines = [f"{run.conversations} conversations in {run.source}; success rates: {run.rates.source}"]
    for prediction in run.predictions:
        added = f"  [{', '.join(prediction.step.added)}]" if prediction.step.added else ""
        lines.append(
            f"{percent(prediction.rate.estimate):>8}  {bounds(prediction.rate):<16} {prediction.step.name}{added}"
        )
    lines.append(interval_covers(run.rates))
    return "\n".join(lines)


def percent(share: float) -> str:
    """Return a share as a percentage with one digit: `42.5 %`."""
    return f"{share * 100:.1f} %"


def bounds(interval: Interval) -> str:
    """Return the bounds of an interval as percentages."""
    return f"{interval.low * 100:.1f} to {interval.high * 100:.1f} %"


def _step_json(prediction: StepPrediction) -> dict[str, Any]:
    return {
        "name": prediction.step.name,
        "adds": list(prediction.step.added),
        "brings": [_in_plain_words(added) for added in prediction.step.added],
        "automation_rate": _rounded(prediction.rate),
        "lift": _rounded(prediction.lift),
    }


def _in_plain_words(added: str) -> str:
    capability, _, topics = added.partition(" ")
    return CAPABILITIES[capability] + (f" {topics}" if topics else "")


def _rounded(interval: Interval) -> dict[str, float]:
    return {name: round(value, 6) for name, value in asdict(interval).items()}


def _levels_json(run: Run) -> list[dict[str, Any]]:
    sizes: Counter[str] = Counter()
    for (level, _), size in run.cells.items():
        sizes[level] += size
    return [
        {
            "level": level,
            "meaning": MEANING[level],
            "conversations": sizes[level],
            "share": round(sizes[level] / run.conversations, 6),
            "rate": asdict(run.rates.levels[level]) if level in run.rates.levels else None,
            "reachable_from": _first_step(run.steps, level, [EVERY_TOPIC]),
            "reachable_for_some_from": _first_step(
                run.steps, level, [topic for one, topic in run.cells if one == level]
            ),
        }
        for level in LEVELS
    ]


def _first_step(steps: Sequence[Step], level: str, topics: Sequence[str]) -> str | None:
    """Return the name of the first step that brings a level within reach of one of the topics."""
    return next((step.name for step in steps if any(step.reaches(level, topic) for topic in topics)), None)


def _topics_json(run: Run) -> list[dict[str, Any]]:
    sizes: Counter[str] = Counter()
    solved: dict[str, list[float]] = {}
    for (level, topic), size in run.cells.items():
        sizes[topic] += size
        rate = run.rates.of(run.rates.key(level, topic)) or Rate(0.0)
        per_step = solved.setdefault(topic, [0.0] * len(run.steps))
        for number, step in enumerate(run.steps):
            per_step[number] += size * rate.share if step.reaches(level, topic) else 0.0
    return [
        {
            "topic": topic,
            "conversations": size,
            "now": round(solved[topic][0] / size, 6),
            "at_the_end": round(solved[topic][-1] / size, 6),
        }
        for topic, size in sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))[:TOPICS_SHOWN]
    ]
