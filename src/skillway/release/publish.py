"""How a release gets into the store: plan, check, sign in memory, write, read back, and make visible last.

Order of writing: archives, manifests, release document, ring pointers, roots, role metadata, snapshot, and the
timestamp when a client has read the rest. Only the timestamp is ever replaced, so a reader meets the former
state or the new one, and a publish that was killed anywhere is completed by the next.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Root, TargetFile

from skillway import telemetry
from skillway.build import Build, load_build
from skillway.errors import NotFoundError, SigningKeyError
from skillway.organisation import Organisation
from skillway.release.chain import Chain, load_chain
from skillway.release.content import NewTarget, new_targets, read_manifests, released_plugins
from skillway.release.errors import StoreError
from skillway.release.keys import KeyFolder, load_keys
from skillway.release.plan import Plan, choose_rings, plan_content, plan_promotion, refuse_other_organisation
from skillway.release.readback import verify_readable
from skillway.release.roles import RELEASE, TARGETS, ring_role
from skillway.release.signing import SignedFiles, Signing, due_roles, missing_rings, target_file
from skillway.release.store import Store
from skillway_sync.manifest import Manifest
from skillway_sync.release_document import ReleasedPlugin, release_target, ring_target

_SPARE_BYTES = 1 << 20
"""What must be free above the targets' own size, for metadata and folders."""


@dataclass(frozen=True)
class Request:
    """What an operator asks for. With neither `release` nor `revert_to` the build is published.

    Attributes:
        build: Folder of the build.
        rings: Rings to move; none means all.
        notes: The operator's own lines.
        release: A published release to move the rings to.
        revert_to: A published release whose content is published again under a new number.
    """

    build: Path
    rings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    release: int | None = None
    revert_to: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run did, or with a dry run would have done.

    Attributes:
        plan: The release and the rings.
        signed: Roles that were signed, timestamp last; empty when there was nothing to do.
        files: How many targets were written, or were to be.
        elsewhere: Roles past half of their life whose key is not on this machine.
    """

    plan: Plan
    signed: tuple[str, ...]
    files: int
    elsewhere: tuple[str, ...]


@dataclass(frozen=True)
class _Work:
    chain: Chain
    targets: list[NewTarget]
    signed: SignedFiles
    pointers: dict[str, int]


def publish(
    store: Store,
    keys_folder: Path,
    organisation: Organisation,
    request: Request,
    *,
    now: datetime,
    dry_run: bool = False,
) -> Outcome:
    """Publish a release, move rings, or find that nothing is to be done.

    Roles past half of their life are signed again on the way, where their key is here.

    Raises:
        SigningKeyError: A key is missing or wrong, or the root has expired. Nothing was written.
        NotFoundError: There is no such build, release or ring.
        RepositoryError: The build is damaged.
        ConflictError: The store belongs to another organisation.
        ReleaseOrderError: A ring would go down.
        BusyError: Another publisher is at work.
        StoreError: The store is damaged or cannot be written. What it served before, it still serves.
    """
    if not dry_run and not store.folder.exists():  # a first run that cannot succeed leaves no empty store
        publish(store, keys_folder, organisation, request, now=now, dry_run=True)
    keys = load_keys(keys_folder)
    with _held(store, dry_run=dry_run):
        chain = _trusted_chain(store, keys, now)
        refuse_other_organisation(chain, organisation)
        with telemetry.span("skillway.release.plan"):
            plan, targets = _plan(chain, organisation, request, now)
        rings = (*organisation.rings,) if missing_rings(chain, organisation.rings) else ()
        due, elsewhere = due_roles(chain, keys, now)
        if plan.release is None and not targets and not due and not rings and not _missing_roots(chain):
            return Outcome(plan, (), 0, tuple(elsewhere))
        _refuse_expired(chain, elsewhere, (TARGETS, RELEASE) if plan.moves else (TARGETS,), now)
        targets = targets + _documents(plan)
        with telemetry.span("skillway.release.sign"):
            signed = Signing(chain, keys, now=now).sign_all(_signed_targets(chain, plan, targets), due, rings)
        pointers = {ring: pointer.release for ring, pointer in plan.moves.items()}
        if not dry_run:
            with telemetry.span("skillway.release.write", _facts(plan, targets)):
                _commit(_Work(chain, targets, signed, pointers))
    return Outcome(plan, tuple(signed.roles), len(targets), tuple(elsewhere))


def _facts(plan: Plan, targets: list[NewTarget]) -> dict[str, telemetry.Value]:
    release = {} if plan.release is None else {"skillway.release": plan.release.seq}
    return {**release, "skillway.release.is_new": plan.is_new, "skillway.release.files": len(targets)}


def resign(store: Store, keys_folder: Path, *, now: datetime, dry_run: bool = False) -> Outcome:
    """Sign the timestamp again, and every other role that is past half of its life and whose key is here.

    Raises:
        SigningKeyError: The timestamp's key is missing or wrong, or the root has expired.
        BusyError: Another publisher is at work.
        NotFoundError: Nothing is published yet.
        StoreError: The store is damaged or cannot be written.
    """
    keys = load_keys(keys_folder)
    if not store.folder.exists():  # taking the lock would make it
        raise _nothing_published(store)
    with _held(store, dry_run=dry_run):
        chain = _trusted_chain(store, keys, now)
        if chain.published is None:
            raise _nothing_published(store)
        due, elsewhere = due_roles(chain, keys, now)
        _refuse_expired(chain, elsewhere, (TARGETS,), now)
        signed = Signing(chain, keys, now=now).sign_all({}, due, ())
        if not dry_run:
            _commit(_Work(chain, [], signed, {}))
    nothing = Plan(None, is_new=False, moves={}, reason="")
    return Outcome(nothing, tuple(signed.roles), 0, tuple(elsewhere))


def _nothing_published(store: Store) -> NotFoundError:
    return NotFoundError(
        f"Nothing is published in {store.folder}, so there is nothing to sign again.",
        fix="Publish a release first: skillway release publish",
        next_actions=("skillway release publish",),
    )


def _held(store: Store, *, dry_run: bool) -> AbstractContextManager[None]:
    return nullcontext() if dry_run else store.locked()


def _trusted_chain(store: Store, keys: KeyFolder, now: datetime) -> Chain:
    chain = load_chain(store, keys.roots)
    expires = chain.root.signed.expires
    if expires <= now:
        raise SigningKeyError(
            f"The root expired on {expires:%Y-%m-%d}, so every laptop would refuse what is signed under it.",
            fix="Sign the next root with two root keys: skillway release keys --renew-root",
            next_actions=("skillway release keys --renew-root",),
        )
    return chain


def _refuse_expired(chain: Chain, elsewhere: Iterable[str], needed: Iterable[str], now: datetime) -> None:
    signed = chain.published.signed() if chain.published else {}
    for role in needed:
        if role in elsewhere and signed[role].expires <= now:
            raise SigningKeyError(
                f"The {role} role expired on {signed[role].expires:%Y-%m-%d}, and {role}.pem is not on this machine.",
                fix=f"Run the command where {role}.pem is, or copy it here for this one command.",
            )


def _plan(chain: Chain, organisation: Organisation, request: Request, now: datetime) -> tuple[Plan, list[NewTarget]]:
    rings = choose_rings(request.rings, organisation)
    if request.release is not None:
        return plan_promotion(chain, request.release, rings=rings), []
    if request.revert_to is not None:
        former = chain.release(request.revert_to)
        notes = (f"back to the content of release {former.seq}", *request.notes)
        plan = plan_content(
            chain,
            former.plugins,
            organisation=organisation,
            rings=rings,
            notes=notes,
            read=_manifest_reader(chain, {}),
            now=now,
        )
        return plan, []
    build = load_build(request.build)
    manifests = read_manifests(build)
    plan = plan_content(
        chain,
        released_plugins(build),
        organisation=organisation,
        rings=rings,
        notes=request.notes,
        read=_manifest_reader(chain, _by_digest(build, manifests)),
        now=now,
    )
    return plan, new_targets(build, manifests, chain)


def _by_digest(build: Build, manifests: dict[str, Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(name, build.plugins[name].digest): manifest for name, manifest in manifests.items()}


def _manifest_reader(chain: Chain, built: dict[tuple[str, str], Manifest]) -> Callable[[str, ReleasedPlugin], Manifest]:
    def read(name: str, plugin: ReleasedPlugin) -> Manifest:
        return built.get((name, plugin.digest)) or chain.manifest(name, plugin.digest)

    return read


def _documents(plan: Plan) -> list[NewTarget]:
    """Make the release document and the ring pointers."""
    documents: list[tuple[str, bytes]] = []
    if plan.release and plan.is_new:
        documents.append((release_target(plan.release.seq), plan.release.to_bytes()))
    documents.extend((ring_target(ring), pointer.to_bytes()) for ring, pointer in plan.moves.items())
    return [NewTarget(target_file(target, data), data) for target, data in documents]


def _signed_targets(chain: Chain, plan: Plan, targets: list[NewTarget]) -> dict[str, dict[str, TargetFile]]:
    """Say what each role that changes will sign: `release` adds to what it has, a ring has its pointer alone."""
    published = chain.published
    former = published.roles[RELEASE].signed.targets if published else {}
    pointers = {ring_target(ring): ring for ring in plan.moves}
    added = {new.entry.path: new.entry for new in targets if new.entry.path not in pointers}
    changed = {RELEASE: {**former, **added}} if added else {}
    for new in targets:
        if new.entry.path in pointers:
            changed[ring_role(pointers[new.entry.path])] = {new.entry.path: new.entry}
    return changed


def _missing_roots(chain: Chain) -> dict[str, bytes]:
    on_disk = chain.store.metadata_versions().get(Root.type, [])
    return {f"{version}.root.json": data for version, data in sorted(chain.roots.items()) if version not in on_disk}


def _commit(work: _Work) -> None:
    store = work.chain.store
    _require_space(store, work.targets)
    for new in work.targets:
        store.write_target(new.entry.path, new.entry.hashes["sha256"], new.read())
    for name, data in (_missing_roots(work.chain) | work.signed.files).items():
        store.write_metadata(name, data)
    verify_readable(
        store,
        root=work.chain.roots[min(work.chain.roots)],
        timestamp=work.signed.timestamp,
        pointers=work.pointers,
        fetched=[new.entry.path for new in work.targets],
    )
    store.replace_timestamp(work.signed.timestamp)


def _require_space(store: Store, targets: list[NewTarget]) -> None:
    needed = sum(new.entry.length for new in targets) + _SPARE_BYTES
    free = shutil.disk_usage(store.folder).free
    if free < needed:
        raise StoreError(
            f"{store.folder} has {free >> 20} MiB free, and this release needs {(needed >> 20) + 1} MiB.",
            fix="Free some space and run the command again; the store is as it was.",
        )
