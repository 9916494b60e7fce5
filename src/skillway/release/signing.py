"""How the next version of each role's metadata is made and signed, in memory, before anything is written.

Every signature of a run is made first; a missing or wrong key therefore stops a run while the store is as it was.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from securesystemslib.signer import Key
from tuf.api.metadata import Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from skillway.errors import SigningKeyError
from skillway.release.chain import Chain
from skillway.release.keys import KeyFolder
from skillway.release.roles import (
    RELEASE,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    delegation,
    is_past_half,
    lifetime,
    ring_of_role,
    ring_role,
)

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
SERIALIZER = JSONSerializer(compact=True)


@dataclass
class SignedFiles:
    """What a run signed. `files` goes from metadata file name to bytes, in the order of writing; `timestamp` comes last."""

    files: dict[str, bytes] = field(default_factory=dict)
    timestamp: bytes = b""
    roles: list[str] = field(default_factory=list)


def target_file(target: str, data: bytes) -> TargetFile:
    """Make the entry that signs a target's bytes."""
    return TargetFile(len(data), {"sha256": hashlib.sha256(data).hexdigest()}, target)


def missing_rings(chain: Chain, rings: tuple[str, ...]) -> list[str]:
    """List the rings that the targets metadata does not delegate to yet."""
    known = chain.rings
    return [ring for ring in rings if ring not in known]


def due_roles(chain: Chain, keys: KeyFolder, now: datetime) -> tuple[list[str], list[str]]:
    """Find the roles whose signature is past half of its life.

    Returns:
        Those that can be signed again here, and those whose key is somewhere else.
    """
    if chain.published is None:
        return [], []
    due = [role for role, signed in chain.published.signed().items() if is_past_half(role, signed.expires, now)]
    here = [role for role in due if keys.has(role)]
    return here, [role for role in due if role not in here]


class Signing:
    """One run's signatures, on top of what the store publishes."""

    def __init__(self, chain: Chain, keys: KeyFolder, *, now: datetime) -> None:
        self._chain = chain
        self._keys = keys
        self._now = now
        self._on_disk = chain.store.metadata_versions()
        self._out = SignedFiles()
        self._meta: dict[str, MetaFile] = {}
        self._targets: Targets | None = None
        if chain.published is not None:
            self._meta = dict(chain.published.snapshot.signed.meta)
            self._targets = chain.published.targets.signed

    def sign_all(
        self, targets: dict[str, dict[str, TargetFile]], due: list[str], rings: tuple[str, ...]
    ) -> SignedFiles:
        """Sign what changes, and the snapshot and timestamp above it.

        Args:
            targets: From delegated role to all targets that it now signs, for the roles that change.
            due: Roles to sign again with the content that they have.
            rings: The rings that need a delegation.

        Raises:
            SigningKeyError: A key that is needed is not here, or is not the one that is trusted.
        """
        changed = dict(targets)
        if self._targets is None or missing_rings(self._chain, rings) or TARGETS in due:
            self._sign_targets(rings)
            for ring in missing_rings(self._chain, rings):
                if self._keys.has(ring_role(ring)):
                    # A ring without a pointer still gets its role, so that its laptops read "no release yet"
                    # instead of an error.
                    changed.setdefault(ring_role(ring), {})
        published = self._chain.published
        for role in due:
            if published and role in published.roles:
                changed.setdefault(role, published.roles[role].signed.targets)
        for role in sorted(changed, key=lambda name: (name != RELEASE, name)):
            self._sign_role(role, changed[role])
        if self._out.roles or SNAPSHOT in due or published is None:
            self._sign_snapshot()
        self._sign_timestamp()
        return self._out

    def _sign_targets(self, rings: tuple[str, ...]) -> None:
        former = self._targets.delegations if self._targets else None
        roles = dict(former.roles or {}) if former else {}
        known = dict(former.keys) if former else {}
        for role in (RELEASE, *(ring_role(ring) for ring in rings)):
            if role not in roles:
                key = self._public(role)
                known[key.keyid] = key
                roles[role] = delegation(role, key.keyid)
        self._targets = Targets(delegations=Delegations(known, roles))
        self._finish(TARGETS, self._targets)

    def _public(self, role: str) -> Key:
        key = self._keys.public.get(role)
        if key is None:
            raise SigningKeyError(
                f"There is no key for ring {ring_of_role(role) or role} in {self._keys.folder}.",
                fix="Make it with: skillway release keys",
                next_actions=("skillway release keys",),
            )
        return key

    def _sign_role(self, role: str, targets: dict[str, TargetFile]) -> None:
        self._finish(role, Targets(targets=dict(sorted(targets.items()))))

    def _sign_snapshot(self) -> None:
        self._finish(SNAPSHOT, Snapshot(meta=dict(sorted(self._meta.items()))))

    def _sign_timestamp(self) -> None:
        published = self._chain.published
        timestamp = Timestamp(version=published.timestamp.signed.version + 1 if published else 1)
        name = f"{SNAPSHOT}.json"
        timestamp.snapshot_meta = self._meta.pop(name) if name in self._meta else _snapshot_meta(self._chain)
        self._out.timestamp = self._sign(TIMESTAMP, timestamp)
        self._out.roles.append(TIMESTAMP)

    def _finish(self, role: str, signed: S) -> None:
        # Above every version that has a file: a run that was killed may have left a later one that nothing
        # names, and a published file is never given other bytes.
        signed.version = max([0, *self._on_disk.get(role, [])]) + 1
        data = self._sign(role, signed)
        self._out.files[f"{signed.version}.{role}.json"] = data
        self._out.roles.append(role)
        self._meta[f"{role}.json"] = MetaFile(signed.version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})

    def _sign(self, role: str, signed: S) -> bytes:
        signed.expires = self._now + lifetime(role)
        delegator = self._delegator(role)
        metadata = Metadata(signed)
        metadata.sign(self._keys.signer(role, delegator.get_delegated_role(role).keyids))
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        return metadata.to_bytes(SERIALIZER)

    def _delegator(self, role: str) -> Root | Targets:
        if role in (TARGETS, SNAPSHOT, TIMESTAMP):
            return self._chain.root.signed
        assert self._targets is not None, "targets are signed before what they delegate to"
        return self._targets


def _snapshot_meta(chain: Chain) -> MetaFile:
    assert chain.published is not None, "the first run signs a snapshot"
    return chain.published.timestamp.signed.snapshot_meta
