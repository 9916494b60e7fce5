"""What a store publishes now: its signed metadata, read from the timestamp down and verified against the root.

Expiry is not judged here: a store whose signatures ran out must still be readable, or nobody could sign it
again. `status` tells of expiry and `signing` mends it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar, cast

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp

from skillway.errors import NotFoundError, SigningKeyError
from skillway.release.errors import StoreError
from skillway.release.roles import RELEASE, SNAPSHOT, TARGETS, TIMESTAMP, ring_of_role
from skillway.release.store import TIMESTAMP_FILE, Store
from skillway_sync.errors import RefusedError
from skillway_sync.manifest import Manifest, parse_manifest
from skillway_sync.release_document import (
    Release,
    RingPointer,
    manifest_target,
    parse_release,
    parse_ring,
    release_target,
    ring_target,
)

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
_RESTORE = "Put the file back from a backup of the store, or publish into a new folder with --store."
_RELEASE_TARGET = re.compile(r"releases/([0-9]+)\.json\Z")


@dataclass(frozen=True)
class Published:
    """The metadata that the timestamp names. `roles` goes from delegated role (`release`, `ring-…`) to metadata."""

    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]
    roles: dict[str, Metadata[Targets]]

    def signed(self) -> dict[str, Signed]:
        """List every role below root with what it signed, in the order in which a reader meets them."""
        top: dict[str, Signed] = {
            TIMESTAMP: self.timestamp.signed,
            SNAPSHOT: self.snapshot.signed,
            TARGETS: self.targets.signed,
        }
        return top | {role: metadata.signed for role, metadata in self.roles.items()}


@dataclass(frozen=True)
class Chain:
    """A store's trust chain. `roots` goes from version to bytes, without gaps; `published` is None before the first release."""

    store: Store
    roots: dict[int, bytes]
    root: Metadata[Root]
    published: Published | None

    @property
    def targets(self) -> dict[str, TargetFile]:
        """Every signed target, from its name to length and hash."""
        if self.published is None:
            return {}
        return {name: entry for role in self.published.roles.values() for name, entry in role.signed.targets.items()}

    @property
    def seqs(self) -> list[int]:
        """The numbers of all releases, in rising order."""
        return sorted(int(match[1]) for match in map(_RELEASE_TARGET.match, self.targets) if match)

    @property
    def rings(self) -> list[str]:
        """The rings that have a role, in the order in which the targets metadata delegates to them."""
        if self.published is None or self.published.targets.signed.delegations is None:
            return []
        delegated = self.published.targets.signed.delegations.roles or {}
        return [ring for ring in map(ring_of_role, delegated) if ring]

    def release(self, seq: int) -> Release:
        """Read a release document.

        Raises:
            NotFoundError: No release has that number.
            StoreError: Its file is not what was signed.
        """
        if seq not in self.seqs:
            shown = f"{self.seqs[0]} to {self.seqs[-1]}" if self.seqs else "none"
            raise NotFoundError(
                f"The store {self.store.folder} has no release {seq}; it has {shown}.",
                fix="See which there are with: skillway release history",
                next_actions=("skillway release history",),
            )
        target = release_target(seq)
        try:
            return parse_release(self.read_target(target), where=target)
        except RefusedError as error:
            raise StoreError(error.message, fix=_RESTORE) from error

    def pointer(self, ring: str) -> RingPointer | None:
        """Read where a ring points; None when it points nowhere yet.

        Raises:
            StoreError: Its file is not what was signed.
        """
        target = ring_target(ring)
        if target not in self.targets:
            return None
        try:
            return parse_ring(self.read_target(target), where=target)
        except RefusedError as error:
            raise StoreError(error.message, fix=_RESTORE) from error

    def manifest(self, plugin: str, digest: str) -> Manifest:
        """Read a published plugin's manifest.

        Raises:
            StoreError: It is not published, or its file is not what was signed.
        """
        target = manifest_target(plugin, digest)
        try:
            return parse_manifest(self.read_target(target), where=target)
        except RefusedError as error:
            raise StoreError(error.message, fix=_RESTORE) from error

    def read_target(self, target: str) -> bytes:
        """Read a signed target's bytes.

        Raises:
            StoreError: It is not signed, is missing, or its bytes are not the signed ones.
        """
        entry = self.targets.get(target)
        if entry is None:
            raise StoreError(f"The store {self.store.folder} has no signed target {target}.", fix=_RESTORE)
        path = self.store.target_path(target, entry.hashes["sha256"])
        fault = self.store.target_fault(target, entry.hashes["sha256"], entry.length)
        if fault:
            raise StoreError(f"{path} is {fault}.", fix=_RESTORE)
        return path.read_bytes()


def load_chain(store: Store, trusted_roots: dict[int, bytes] | None = None) -> Chain:
    """Read and verify what a store publishes.

    Args:
        store: The store; it may be empty or not be there.
        trusted_roots: Roots of the keys folder, from version to bytes. Without them the store's own oldest
            root is believed, which is enough to look at a store but not to sign.

    Raises:
        SigningKeyError: The store was made with another root.
        StoreError: A file is missing, torn, or not signed by whom it should be.
    """
    roots = _read_roots(store)
    for version in sorted(set(roots) & set(trusted_roots or {})):
        if trusted_roots and roots[version] != trusted_roots[version]:
            raise SigningKeyError(
                f"The store {store.folder} was made with another root than that of the keys folder.",
                fix="Use the keys folder that the store was made with (--keys), or publish into a new folder (--store).",
            )
    if trusted_roots and roots and not set(roots) & set(trusted_roots):
        raise SigningKeyError(
            f"The store {store.folder} has root {max(roots)}, and the keys folder has {max(trusted_roots)} only.",
            fix="Copy root.json and the earlier N.root.json files from the folder where the root was renewed.",
        )
    roots |= trusted_roots or {}
    if not roots:
        raise NotFoundError(
            f"There is no store in {store.folder}.",
            fix="Publish a release first: skillway release publish (or name the store with --store).",
            next_actions=("skillway release publish",),
        )
    root = _verify_roots(store, roots)
    return Chain(store, roots, root, _load_published(store, root))


def _read_roots(store: Store) -> dict[int, bytes]:
    roots = {}
    for version in store.metadata_versions().get(Root.type, []):
        data = store.read_metadata(f"{version}.root.json")
        if data is not None:
            roots[version] = data
    return roots


def _verify_roots(store: Store, roots: dict[int, bytes]) -> Metadata[Root]:
    """Walk from the oldest root to the newest, as every laptop does: each is signed by the one before and itself."""
    former: Metadata[Root] | None = None
    for version in sorted(roots):
        name = f"{version}.root.json"
        root = _parse(store, name, roots[version], Root)
        try:
            (former or root).signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
            root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
        except RepositoryError as error:
            raise _not_trusted(store, name, str(error)) from error
        if former and version != former.signed.version + 1:
            raise _not_trusted(store, name, f"root {former.signed.version + 1} is missing before it")
        former = root
    return cast("Metadata[Root]", former)


def _load_published(store: Store, root: Metadata[Root]) -> Published | None:
    data = store.read_metadata(TIMESTAMP_FILE)
    if data is None:
        return None
    timestamp = _verified(store, TIMESTAMP_FILE, data, Timestamp, root.signed, TIMESTAMP)
    snapshot_version = timestamp.signed.snapshot_meta.version
    snapshot = _load_version(store, SNAPSHOT, snapshot_version, Snapshot, root.signed)
    versions = {name.removesuffix(".json"): meta.version for name, meta in snapshot.signed.meta.items()}
    targets = _load_version(store, TARGETS, versions.pop(TARGETS, 0), Targets, root.signed)
    roles = {
        role: _load_version(store, role, version, Targets, targets.signed) for role, version in sorted(versions.items())
    }
    if RELEASE not in roles:
        raise _not_trusted(store, f"{snapshot_version}.snapshot.json", "it does not name the release role")
    return Published(timestamp, snapshot, targets, roles)


def _load_version(store: Store, role: str, version: int, kind: type[S], delegator: Root | Targets) -> Metadata[S]:
    name = f"{version}.{role}.json"
    data = store.read_metadata(name)
    if data is None:
        raise StoreError(f"{store.metadata_path(name)} is missing.", fix=_RESTORE)
    metadata = _verified(store, name, data, kind, delegator, role)
    if metadata.signed.version != version:
        raise _not_trusted(store, name, f"it says version {metadata.signed.version}")
    return metadata


def _verified(store: Store, name: str, data: bytes, kind: type[S], delegator: Root | Targets, role: str) -> Metadata[S]:
    metadata = _parse(store, name, data, kind)
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError) as error:
        raise _not_trusted(store, name, str(error)) from error
    return metadata


def _parse(store: Store, name: str, data: bytes, kind: type[S]) -> Metadata[S]:
    try:
        metadata = Metadata[S].from_bytes(data)
    except (RepositoryError, ValueError) as error:
        raise StoreError(f"{store.metadata_path(name)} is not TUF metadata ({error}).", fix=_RESTORE) from error
    if not isinstance(metadata.signed, kind):
        raise _not_trusted(store, name, f"it is {metadata.signed.type} metadata")
    return metadata


def _not_trusted(store: Store, name: str, why: str) -> StoreError:
    return StoreError(f"{store.metadata_path(name)} cannot be trusted: {why}.", fix=_RESTORE)
