"""What a store publishes and what an operator must do about it: releases per ring, expiry, missing files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tuf.api.metadata import Root

from skillway.release.chain import Chain
from skillway.release.roles import RELEASE, is_expiring
from skillway_sync.release_document import Release

OK, SOON, EXPIRED = "ok", "soon", "expired"
_LARGE_METADATA_BYTES = 4_000_000
"""Clients refuse role metadata above 5,000,000 bytes (python-tuf's default); about 8,000 changed plugins at 500 bytes each."""


@dataclass(frozen=True)
class RoleStatus:
    """One role: `days_left` may be negative; `state` is ok, soon or expired; `fix` is a command, or None."""

    role: str
    version: int
    expires: datetime
    days_left: float
    state: str
    fix: str | None


@dataclass(frozen=True)
class StoreStatus:
    """A store's state.

    Attributes:
        organisation: The catalogue's name in the newest release; None before the first release.
        newest: The highest release number; None before the first release.
        created: When that was made, UTC.
        rings: From ring to the release that it is on, or None; halted rings are in `halted` too.
        halted: Rings whose laptops apply nothing new.
        roles: Root first, then as a reader meets them.
        damaged: From path to missing, damaged or unreadable.
        warnings: One sentence each; none of them is a fault yet.
    """

    organisation: str | None
    newest: int | None
    created: str | None
    rings: dict[str, int | None]
    halted: tuple[str, ...]
    roles: tuple[RoleStatus, ...]
    damaged: dict[str, str]
    warnings: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether laptops can use the store: something is published, nothing has expired, every file is whole."""
        return self.newest is not None and not self.damaged and all(role.state != EXPIRED for role in self.roles)


def inspect_store(chain: Chain, *, now: datetime, rings: tuple[str, ...] | None = None) -> StoreStatus:
    """Look at everything that a store signs; reads every target whole and writes nothing.

    Args:
        chain: The store's verified metadata.
        now: The time against which expiry is judged, UTC.
        rings: The organisation's rings, to tell of a difference; None when they are not known.

    Raises:
        StoreError: The newest release's document is damaged.
    """
    damaged = _damaged_targets(chain)
    newest = chain.seqs[-1] if chain.seqs else None
    release = _readable_release(chain, newest, damaged)
    pointers = {
        ring: chain.pointer(ring) for ring in chain.rings if not _is_damaged(chain, f"rings/{ring}.json", damaged)
    }
    roles = _role_statuses(chain, now)
    return StoreStatus(
        organisation=release.catalogue if release else None,
        newest=newest,
        created=release.created if release else None,
        rings={ring: pointer.release if pointer else None for ring, pointer in pointers.items()},
        halted=tuple(ring for ring, pointer in pointers.items() if pointer and pointer.halt),
        roles=roles,
        damaged=damaged,
        warnings=tuple(_warnings(chain, roles, rings)),
    )


def _readable_release(chain: Chain, seq: int | None, damaged: dict[str, str]) -> Release | None:
    if seq is None or _is_damaged(chain, f"releases/{seq}.json", damaged):
        return None
    return chain.release(seq)


def _is_damaged(chain: Chain, target: str, damaged: dict[str, str]) -> bool:
    entry = chain.targets.get(target)
    return entry is not None and str(chain.store.target_path(target, entry.hashes["sha256"])) in damaged


def _damaged_targets(chain: Chain) -> dict[str, str]:
    damaged = {}
    for target, entry in chain.targets.items():
        fault = chain.store.target_fault(target, entry.hashes["sha256"], entry.length)
        if fault:
            damaged[str(Path(chain.store.target_path(target, entry.hashes["sha256"])))] = fault
    return damaged


def _role_statuses(chain: Chain, now: datetime) -> tuple[RoleStatus, ...]:
    signed = {Root.type: chain.root.signed, **(chain.published.signed() if chain.published else {})}
    return tuple(_role_status(role, entry.version, entry.expires, now) for role, entry in signed.items())


def _role_status(role: str, version: int, expires: datetime, now: datetime) -> RoleStatus:
    state = SOON if is_expiring(role, expires, now) else OK
    if expires <= now:
        state = EXPIRED
    days_left = round((expires - now) / timedelta(days=1), 1)
    return RoleStatus(role, version, expires, days_left, state, None if state == OK else _fix(role))


def _fix(role: str) -> str:
    return "skillway release keys --renew-root" if role == Root.type else "skillway release resign"


def _warnings(chain: Chain, roles: tuple[RoleStatus, ...], rings: tuple[str, ...] | None) -> list[str]:
    warnings = [
        f"{role.role} expires in {role.days_left} days; sign it again with: {role.fix}"
        for role in roles
        if role.state == SOON
    ]
    if rings is not None:
        missing = [ring for ring in rings if ring not in chain.rings]
        extra = [ring for ring in chain.rings if ring not in rings]
        warnings += [f"ring {ring} of organisation.yaml is not in the store until the next publish" for ring in missing]
        warnings += [
            f"ring {ring} is in the store and not in organisation.yaml; its laptops stay on it" for ring in extra
        ]
    if chain.published:
        size = len(chain.store.read_metadata(f"{chain.published.roles[RELEASE].signed.version}.release.json") or b"")
        if size > _LARGE_METADATA_BYTES:
            warnings.append(f"the release role has {size} bytes of 5,000,000 that clients read; start a new store soon")
    return warnings
