"""Which release should this laptop be on, given what its ring says and what it had?

A pure decision. A ring never takes a laptop below the highest release that it had: an intended step back is a new
release with a higher number and the old content.
"""

from __future__ import annotations

from dataclasses import dataclass

from skillway_sync.applied import Applied
from skillway_sync.errors import RefusedError
from skillway_sync.release_document import RingPointer

OK = "ok"
HELD = "held"
HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Target:
    """The decision.

    Attributes:
        seq: The release to be on; None when there is nothing to be on yet.
        state: ok, held or halted.
        note: Why the laptop does not follow its ring, for people; empty when it does.
        from_store: Whether the ring's own release is taken, rather than the one that is here.
    """

    seq: int | None
    state: str = OK
    note: str = ""
    from_store: bool = True


def choose_target(pointer: RingPointer, applied: Applied | None, *, trust_root: str, release_hold: bool) -> Target:
    """Decide.

    Args:
        pointer: The ring's verified pointer.
        applied: What was applied here.
        trust_root: sha256 of the initial root in the configuration; another store's history is not compared.
        release_hold: Whether to take the release again that a person rolled back from.

    Raises:
        RefusedError: The same ring went back to a lower release.
    """
    if applied is not None and applied.trust_root != trust_root:
        applied = None if not pointer.halt else applied
    present = None if applied is None else applied.seq
    if pointer.halt:
        return Target(
            present,
            HALTED,
            f"Ring {pointer.ring} is halted by the publisher; nothing new is applied.",
            from_store=False,
        )
    if applied is None or pointer.release == applied.seq:
        return Target(pointer.release)
    if pointer.release < applied.highest:
        return _below_highest(pointer, applied)
    if applied.held is not None and pointer.release <= applied.held and not release_hold:
        note = (
            f"Release {applied.held} was rolled back on this laptop; release {applied.seq} stays until a newer one is published"
            " (skillway-sync run --release-hold takes it again)."
        )
        return Target(applied.seq, HELD, note, from_store=False)
    return Target(pointer.release)


def _below_highest(pointer: RingPointer, applied: Applied) -> Target:
    if pointer.ring == applied.ring:
        raise RefusedError(
            f"Ring {pointer.ring} points back at release {pointer.release}, and this laptop has had {applied.highest}.",
            fix="To go back, publish the old content as a new release with a higher number.",
        )
    note = (
        f"Ring {pointer.ring} is on release {pointer.release}; this laptop came from ring {applied.ring} with release"
        f" {applied.seq} and keeps it until ring {pointer.ring} has passed {applied.highest}."
    )
    return Target(applied.seq, HELD, note, from_store=False)
