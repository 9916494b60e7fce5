"""Do all gates before a stage hold?

Knows neither skills nor where numbers come from: a gate's kind names a `GateInput`, which answers for whatever is to
be promoted. So the same engine serves skills today and other signals later, with inputs of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from skillway_evals.gate import worst
from skillway_evals.outcome import Outcome
from skillway_evals.promotion.policy import Gate

ELIGIBLE, NOT_ELIGIBLE, UNDECIDED = "eligible", "not eligible", "cannot decide"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to hold.

    Attributes:
        gate: The gate's kind.
        name: Which of the gate's conditions.
        outcome: Whether it holds; only a pass does.
        text: One sentence with the figures.
        progress: What would decide it, in cases and dollars; empty when nothing is known.
        next_actions: Commands that bring it further.
    """

    gate: str
    name: str
    outcome: Outcome
    text: str
    progress: str = ""
    next_actions: tuple[str, ...] = ()


class GateInput(Protocol):
    """Answers for one kind of gate."""

    def conditions(self, subject: str, gate: Gate) -> Sequence[Condition]:
        """Say what holds for a subject, by the thresholds of a gate; at least one condition."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What all gates together say. `subject` is what was looked at, `stage` what it would enter or is in."""

    subject: str
    stage: str
    conditions: tuple[Condition, ...]

    @property
    def outcome(self) -> Outcome:
        """Join all conditions: a pass only when each one is; without any, not run."""
        return worst([condition.outcome for condition in self.conditions])

    @property
    def verdict(self) -> str:
        """Say it in a person's words: a failure excludes, anything else that is no pass leaves it open."""
        words = {Outcome.PASS: ELIGIBLE, Outcome.FAIL: NOT_ELIGIBLE}
        return words.get(self.outcome, UNDECIDED)

    @property
    def progress(self) -> str:
        """Say how far it is and what would decide."""
        held = sum(condition.outcome is Outcome.PASS for condition in self.conditions)
        told = [condition.progress for condition in self.conditions if condition.progress]
        return "; ".join([f"{held} of {len(self.conditions)} conditions hold", *dict.fromkeys(told)])

    @property
    def next_actions(self) -> tuple[str, ...]:
        """Name the commands that bring it further, each once."""
        return tuple(dict.fromkeys(action for one in self.conditions for action in one.next_actions))


def assess(subject: str, stage: str, gates: Sequence[Gate], inputs: Mapping[str, GateInput]) -> Assessment:
    """Hold a subject against gates.

    Args:
        subject: What is to be promoted.
        stage: The stage's name.
        gates: All of them have to hold.
        inputs: From a gate's kind to what answers for it; a kind without one is not run, never a pass.
    """
    conditions: list[Condition] = []
    for gate in gates:
        answers = inputs.get(gate.kind)
        if answers is None:
            conditions.append(Condition(gate.kind, gate.kind, Outcome.NOT_RUN, "Nothing here can look at this."))
        else:
            conditions += answers.conditions(subject, gate)
    return Assessment(subject, stage, tuple(conditions))
