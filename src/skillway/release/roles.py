"""Which TUF roles a store has, what each may sign, how long a signature lives, and which key files there are.

Pure names and numbers; keys are made in `keys`, signatures in `signing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from tuf.api.metadata import DelegatedRole

from skillway_sync.release_document import ring_target

ROOT_KEYS = ("root-1", "root-2", "root-3")
ROOT_THRESHOLD = 2
TARGETS = "targets"
RELEASE = "release"
SNAPSHOT = "snapshot"
TIMESTAMP = "timestamp"
ROOT_ROLES = (TARGETS, SNAPSHOT, TIMESTAMP)
"""The top-level roles that have one key each; root itself has three."""

RELEASE_PATHS = ("plugins/*/*", "releases/*")
_RING_PREFIX = "ring-"
_LIFETIME_DAYS = {"root": 365, TARGETS: 365, RELEASE: 90, SNAPSHOT: 7, TIMESTAMP: 3}
_RING_LIFETIME_DAYS = 30
_LONGEST_NOTICE = timedelta(days=30)


def ring_role(ring: str) -> str:
    """Name the role, and so the key, that may move a ring."""
    return _RING_PREFIX + ring


def ring_of_role(role: str) -> str | None:
    """Name the ring that a role moves, or None when it is no ring's role."""
    return role[len(_RING_PREFIX) :] if role.startswith(_RING_PREFIX) else None


def key_names(rings: Iterable[str]) -> tuple[str, ...]:
    """List every key of an organisation, in the order in which they are shown."""
    return (*ROOT_KEYS, TARGETS, RELEASE, *(ring_role(ring) for ring in rings), SNAPSHOT, TIMESTAMP)


def lifetime(role: str) -> timedelta:
    """Give how long a fresh signature of a role is good for."""
    return timedelta(days=_RING_LIFETIME_DAYS if ring_of_role(role) else _LIFETIME_DAYS[role])


def is_past_half(role: str, expires: datetime, now: datetime) -> bool:
    """Tell whether more than half of a signature's life is over, so that it is worth making a new one."""
    return expires - now < lifetime(role) / 2


def is_expiring(role: str, expires: datetime, now: datetime) -> bool:
    """Tell whether an operator should be warned: under a third of the life is left, or under 30 days."""
    return expires - now < min(lifetime(role) / 3, _LONGEST_NOTICE)


def delegation(role: str, keyid: str) -> DelegatedRole:
    """Make the delegation of `release` or of a ring's role to one key.

    Terminating and without shared paths: a target name has one role that may sign it, so there is no diamond
    (python-tuf #2978) and no order between roles to get wrong.
    """
    ring = ring_of_role(role)
    paths = [ring_target(ring)] if ring else list(RELEASE_PATHS)
    return DelegatedRole(role, [keyid], threshold=1, terminating=True, paths=paths)


def now_utc() -> datetime:
    """Give the time in UTC to the second, which is as fine as TUF writes it."""
    return datetime.now(timezone.utc).replace(microsecond=0)
