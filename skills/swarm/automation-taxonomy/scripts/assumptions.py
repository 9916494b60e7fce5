"""What a prediction assumes: success rates per level and topic, and the capabilities now and on the roadmap.

Reads and checks the two JSON files. The conversations themselves are read by `conversations`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from envelope import NOT_FOUND, USAGE, Failure
from levels import ASSUMED_RATES, CAPABILITIES, LEVELS, is_reachable

FILE_LIMIT = 4 * 1024 * 1024  # bytes
STEPS_LIMIT = 20
EVERY_TOPIC = "*"


@dataclass(frozen=True)
class Rate:
    """How often an attempt succeeds: a share of 0 to 1, and over how many attempts it was observed (0: a guess)."""

    share: float
    observed: int = 0


@dataclass(frozen=True)
class Rates:
    """Success rates by level, with exceptions by topic.

    Attributes:
        levels: A mapping from level to rate.
        topics: A mapping from (topic, level) to rate.
        source: Where they come from, in words.
        is_assumed: Whether they are this program's own guesses.
    """

    levels: Mapping[str, Rate]
    topics: Mapping[tuple[str, str], Rate] = field(default_factory=dict)
    source: str = ""
    is_assumed: bool = False

    def key(self, level: str, topic: str) -> tuple[str, str]:
        """Return what the rate of a conversation is filed under: its topic when that has an own rate."""
        return (topic, level) if (topic, level) in self.topics else (EVERY_TOPIC, level)

    def of(self, key: tuple[str, str]) -> Rate | None:
        """Return the rate filed under `key`, or None."""
        return self.topics.get(key) or self.levels.get(key[1])


@dataclass(frozen=True)
class Step:
    """A point on the roadmap: its name, and every capability that is there by then.

    Attributes:
        name: In the organisation's own words.
        added: What this step brings, as written in the file.
        capabilities: A mapping from topic to its capabilities; `*` is every topic.
    """

    name: str
    added: tuple[str, ...]
    capabilities: Mapping[str, frozenset[str]]

    def reaches(self, level: str, topic: str) -> bool:
        """Whether conversations of that level and topic can be automated at this point."""
        general = self.capabilities.get(EVERY_TOPIC, frozenset())
        return is_reachable(level, general | self.capabilities.get(topic, frozenset()))


def assumed_rates() -> Rates:
    """Return the rates that stand in when nothing was measured."""
    rates = {level: Rate(share) for level, share in ASSUMED_RATES.items()}
    return Rates(rates, source="assumed, not measured", is_assumed=True)


def read_rates(path: str) -> Rates:
    """Read success rates: `{"source", "levels": {"L1": 0.8 or {"rate": 0.8, "observed": 120}}, "topics": {…}}`.

    Raises:
        Failure: the file is missing (exit 7), or a value in it is no rate (exit 2).
    """
    document = _read_object(path, "rates")
    levels = _rates_of(path, "levels", document.get("levels", {}))
    if not levels:
        raise _bad(path, "rates", '"levels" holds no rate')
    topics = {}
    for topic, entries in _mapping(path, "topics", document.get("topics", {})).items():
        for level, rate in _rates_of(path, f"topics.{topic}", entries).items():
            topics[topic, level] = rate
    source = document.get("source", "")
    return Rates(levels, topics, source if isinstance(source, str) and source else Path(path).name)


def read_steps(path: str) -> list[Step]:
    """Read the capabilities: what is there now, then each step of the roadmap on top of it.

    Raises:
        Failure: the file is missing (exit 7), or names something unknown (exit 2).
    """
    document = _read_object(path, "capabilities")
    if "enabled" not in document:
        raise _bad(path, "capabilities", '"enabled" is missing; write [] when nothing is there yet')
    roadmap = document.get("roadmap", [])
    if not isinstance(roadmap, list) or len(roadmap) >= STEPS_LIMIT:
        raise _bad(path, "capabilities", f'"roadmap" is no list of fewer than {STEPS_LIMIT} steps')
    held: dict[str, frozenset[str]] = {}
    steps = [_step(path, "enabled", "Now", document["enabled"], held)]
    for number, entry in enumerate(roadmap):
        where = f"roadmap[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
            raise _bad(path, "capabilities", f'{where} needs a "name" and "enables"')
        steps.append(_step(path, f"{where}.enables", entry["name"].strip()[:80], entry.get("enables"), held))
    return steps


def _step(path: str, where: str, name: str, entries: object, held: dict[str, frozenset[str]]) -> Step:
    """Return the step, and add what it brings to `held`."""
    if not isinstance(entries, list):
        raise _bad(path, "capabilities", f"{where} is no list")
    added = []
    for number, entry in enumerate(entries):
        capability, topics = (entry, [EVERY_TOPIC]) if isinstance(entry, str) else _scoped(entry)
        if capability not in CAPABILITIES or not topics:
            known = ", ".join(CAPABILITIES)
            raise _bad(path, "capabilities", f"{where}[{number}] is {json.dumps(entry)[:80]}; known are {known}")
        for topic in topics:
            held[topic] = held.get(topic, frozenset()) | {capability}
        added.append(capability if topics == [EVERY_TOPIC] else f"{capability} ({', '.join(topics)})")
    return Step(name, tuple(added), dict(held))


def _scoped(entry: object) -> tuple[str, list[str]]:
    """Return capability and topics of `{"capability", "topics"}`; an empty capability when it is not of that shape."""
    if not isinstance(entry, dict):
        return "", []
    capability, topics = entry.get("capability"), entry.get("topics")
    if (
        not isinstance(capability, str)
        or not isinstance(topics, list)
        or not all(isinstance(one, str) for one in topics)
    ):
        return "", []
    return capability, topics


def _rates_of(path: str, where: str, entries: object) -> dict[str, Rate]:
    rates = {}
    for level, value in _mapping(path, where, entries).items():
        if level not in LEVELS:
            raise _bad(path, "rates", f"{where} names the level {level!r}; known are {', '.join(LEVELS)}")
        rates[level] = _rate(path, f"{where}.{level}", value)
    if rates.pop("L0", Rate(0.0)).share > 0:
        raise _bad(path, "rates", f"{where}.L0 is above 0, but L0 means that a person is needed")
    return rates


def _rate(path: str, where: str, value: object) -> Rate:
    share, observed = (value.get("rate"), value.get("observed", 0)) if isinstance(value, dict) else (value, 0)
    if (
        isinstance(share, bool)
        or not isinstance(share, (int, float))
        or not math.isfinite(share)
        or not 0 <= share <= 1
    ):
        raise _bad(path, "rates", f"{where} is {json.dumps(share)[:40]}; a rate is a number from 0 to 1")
    if isinstance(observed, bool) or not isinstance(observed, int) or observed < 0:
        raise _bad(path, "rates", f"{where}.observed is {json.dumps(observed)[:40]}; it is a number of attempts")
    return Rate(float(share), observed)


def _mapping(path: str, where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(path, "rates", f'"{where}" is no object')
    return value


def _read_object(path: str, what: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(FILE_LIMIT + 1)
    except OSError as error:
        message = f"The {what} file {path} cannot be read ({error.strerror})."
        raise Failure(f"no_{what}", message, fix="Check the path.", exit_code=NOT_FOUND) from error
    if len(raw) > FILE_LIMIT:
        raise _bad(path, what, "it is larger than 4 MiB")
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _bad(path, what, f"it is not JSON ({error})"[:160]) from error
    if not isinstance(document, dict):
        raise _bad(path, what, "it holds no JSON object")
    return document


def _bad(path: str, what: str, problem: str) -> Failure:
    return Failure(
        f"bad_{what}",
        f"The {what} file {path}: {problem}.",
        fix="Correct it; the skill's assets folder holds an example.",
        exit_code=USAGE,
    )
