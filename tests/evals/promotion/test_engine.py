"""The engine alone, with a signal that is no skill."""

import pytest

from skillway_evals.outcome import Outcome
from skillway_evals.promotion.engine import Condition, assess
from skillway_evals.promotion.policy import Gate

LEAST = 3


class Votes:
    """Answers for a guard rule's votes: another signal than any that skills have."""

    def __init__(self, counts):
        self.counts = counts

    def conditions(self, subject, gate):
        count = self.counts.get(subject)
        if count is None:
            return [Condition("votes", "votes", Outcome.NOT_RUN, "Nobody voted.", "3 votes would decide", ("vote",))]
        outcome = Outcome.PASS if count >= gate.options["least"] else Outcome.FAIL
        return [Condition("votes", "votes", outcome, f"{count} votes.")]


GATES = (Gate("votes", options={"least": LEAST}),)
INPUTS = {"votes": Votes({"rule-a": 3, "rule-b": 1})}


@pytest.mark.parametrize(
    ("subject", "verdict"), [("rule-a", "eligible"), ("rule-b", "not eligible"), ("rule-c", "cannot decide")]
)
def test_any_signal_with_an_input_can_be_assessed(subject, verdict):
    assert assess(subject, "enforced", GATES, INPUTS).verdict == verdict


def test_gate_that_nobody_can_look_at_is_never_a_pass():
    found = assess("rule-a", "enforced", (*GATES, Gate("audit")), INPUTS)
    assert (found.outcome, found.progress) == (Outcome.NOT_RUN, "1 of 2 conditions hold")


def test_stage_without_gates_promotes_nothing():
    assert assess("rule-a", "enforced", (), INPUTS).verdict == "cannot decide"


def test_progress_and_next_commands_come_from_the_inputs():
    found = assess("rule-c", "enforced", GATES, INPUTS)
    assert found.progress == "0 of 1 conditions hold; 3 votes would decide"
    assert found.next_actions == ("vote",)
