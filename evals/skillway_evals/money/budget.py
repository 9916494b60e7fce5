"""May this call still be made?

A hard cap with reservations: before a call its worst case is set aside, afterwards what it really took. So a run
never spends more than its cap, unless a call takes more than was set aside for it; at most the calls in flight can
do that. What a call costs: `prices`.
"""

from __future__ import annotations

from dataclasses import dataclass

from skillway.errors import EXIT_REFUSED, SkillwayError


class CapReachedError(SkillwayError):
    """Whoever runs the evals must decide: the next call could exceed the cap, so it was not made."""

    code = "cap_reached"
    exit_code = EXIT_REFUSED


@dataclass(slots=True)
class Reservation:
    """An amount that is set aside for one call."""

    amount: float
    open: bool = True


@dataclass(slots=True)
class Budget:
    """The money of one run; used by one event loop.

    Attributes:
        cap_usd: The most that may be spent, or None for no cap.
        spent_usd: What finished calls took.
        reserved_usd: What calls in flight may take.
    """

    cap_usd: float | None
    spent_usd: float = 0.0
    reserved_usd: float = 0.0

    def reserve(self, worst_usd: float) -> Reservation:
        """Set the worst case of a call aside.

        Raises:
            CapReachedError: The cap would not hold.
        """
        if self.cap_usd is not None and self.spent_usd + self.reserved_usd + worst_usd > self.cap_usd:
            raise CapReachedError(
                f"The next call may take ${worst_usd:.4f}; ${self.spent_usd:.4f} are spent, ${self.reserved_usd:.4f} "
                f"are set aside for calls in flight, and the cap is ${self.cap_usd:.2f}.",
                fix="Raise --max-usd and run again; what was answered is not asked again.",
            )
        self.reserved_usd += worst_usd
        return Reservation(worst_usd)

    def charge(self, usd: float) -> None:
        """Book what a try may have taken in vain, before it is repeated.

        Raises:
            CapReachedError: The cap would not hold; the try must not be repeated.
        """
        self.spent_usd += usd
        self.reserve(0.0)

    def settle(self, reservation: Reservation, spent_usd: float | None) -> None:
        """Book what a call took; None books what was set aside, as when a call ended without an answer."""
        if not reservation.open:
            return
        reservation.open = False
        self.reserved_usd -= reservation.amount
        self.spent_usd += reservation.amount if spent_usd is None else spent_usd
