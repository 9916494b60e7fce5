"""What do a few cases allow to be said, and with which error rates?

The case is the unit: repeats of a case become one vote. Exact tests and the bootstrap only; nothing here assumes
that a dozen cases are many (Bowyer et al. 2025, arXiv 2503.01747; Miller 2024, arXiv 2411.00640). What the numbers
mean for a skill is `gate`'s question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy import stats

FIRST_ALPHA = 0.04
LATER_ALPHA = 0.01
"""All later attempts share it, each half of what is left, so that all attempts together stay under 0.05."""


class Verdict(str, Enum):
    """What a sequential test says so far."""

    ABOVE = "above"
    BELOW = "below"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Floor:
    """A sequential test of a pass rate (Wald 1945): at most `low`, or at least `high`?

    Attributes:
        low: A rate that must not pass.
        high: A rate that should pass; what lies between is the declared grey band.
        alpha: The share of skills at `low` that pass.
        beta: The share of skills at `high` that fail.
        rounds: Most passes over all cases; then the test stays open.
    """

    low: float = 0.70
    high: float = 0.90
    alpha: float = 0.05
    beta: float = 0.05
    rounds: int = 5

    @property
    def upper(self) -> float:
        """The log likelihood ratio from which on the rate counts as high."""
        return math.log((1 - self.beta) / self.alpha)

    @property
    def lower(self) -> float:
        """The log likelihood ratio down to which the rate counts as low."""
        return math.log(self.beta / (1 - self.alpha))

    def ratio(self, passed: int, failed: int) -> float:
        """Give the log likelihood ratio of that many passes and failures."""
        return passed * math.log(self.high / self.low) + failed * math.log((1 - self.high) / (1 - self.low))

    def decide(self, rounds: Sequence[tuple[int, int]]) -> Verdict:
        """Decide after whole rounds.

        Args:
            rounds: Passes and failures of each round over all cases, in order. The first round after which a border
                is crossed decides; later ones change nothing, or stopping early would cost the error rates.
        """
        passed = failed = 0
        for won, lost in rounds[: self.rounds]:
            passed, failed = passed + won, failed + lost
            if self.ratio(passed, failed) >= self.upper:
                return Verdict.ABOVE
            if self.ratio(passed, failed) <= self.lower:
                return Verdict.BELOW
        return Verdict.OPEN


@dataclass(frozen=True, slots=True)
class SignTest:
    """Wins, ties and losses of cases, and what they prove.

    Attributes:
        wins: Cases that are better with the skill.
        ties: Cases without a difference.
        losses: Cases that are worse.
        p: The exact one-sided probability of so many wins among wins and losses if neither side were better.
        net: Wins less losses, as a share of all cases.
    """

    wins: int
    ties: int
    losses: int
    p: float
    net: float

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return self.wins + self.ties + self.losses


def sign_test(differences: Sequence[float]) -> SignTest:
    """Test whether differences are above zero, by their direction alone.

    Args:
        differences: One per case, with the skill less without it.
    """
    wins = sum(difference > 0 for difference in differences)
    losses = sum(difference < 0 for difference in differences)
    p = float(stats.binomtest(wins, wins + losses, 0.5, alternative="greater").pvalue) if wins + losses else 1.0
    net = (wins - losses) / len(differences) if differences else 0.0
    return SignTest(wins, len(differences) - wins - losses, losses, p, net)


def attempt_alpha(attempt: int) -> float:
    """Give the level for the nth attempt on the same content, so that rerunning until it passes does not pay.

    Args:
        attempt: Counted from 1.

    Returns:
        0.04 for the first, then 0.005, 0.0025 and so on; all together stay under 0.05.
    """
    return FIRST_ALPHA if attempt <= 1 else LATER_ALPHA / 2 ** (attempt - 1)


def cases_to_decide(test: SignTest, alpha: float, least_net: float, *, most: int = 200) -> int | None:
    """Give how many more cases like these would prove added value, or None when more would not help.

    Assumes that wins and losses keep their shares; an estimate for planning, no promise.
    """
    if test.cases == 0 or test.net < least_net:
        return None
    for cases in range(test.cases + 1, most + 1):
        wins, losses = round(test.wins * cases / test.cases), round(test.losses * cases / test.cases)
        if wins + losses and stats.binomtest(wins, wins + losses, 0.5, alternative="greater").pvalue <= alpha:
            return cases - test.cases
    return None


def lower_bound(differences: Sequence[float], *, confidence: float = 0.95, seed: int = 0, draws: int = 4000) -> float:
    """Give a one-sided lower bound of the mean of paired differences, by resampling cases.

    Args:
        differences: One per case.
        confidence: Of the bound.
        seed: The same seed gives the same bound.
        draws: Of the bootstrap.

    Raises:
        ValueError: There are fewer than two cases.
    """
    if len(differences) < 2:  # noqa: PLR2004 - one case has no spread
        raise ValueError("a bound needs at least two cases")
    values = np.asarray(differences, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, values.size, size=(draws, values.size))
    means = values[picks].mean(axis=1)
    # The percentile bootstrap is narrow for few cases; the factor is the one that makes its spread unbiased.
    widened = values.mean() + (means - values.mean()) * math.sqrt(values.size / (values.size - 1))
    return float(np.quantile(widened, 1 - confidence))


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Tell which of several p values hold together (Holm 1979), in their order."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    held = [False] * len(p_values)
    for rank, index in enumerate(order):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        held[index] = True
    return held
