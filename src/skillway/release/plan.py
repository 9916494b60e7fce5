"""What a publish will do: which release, which rings move, and why nothing may have to be done. Pure rules.

A release number only ever rises, for a return to old content too: laptops refuse a lower one, because that is
what an attacker with an old copy of the store would offer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from skillway.errors import ConflictError, NotFoundError, RepositoryError
from skillway.organisation import Organisation
from skillway.release.chain import Chain
from skillway.release.errors import ReleaseOrderError
from skillway.release.notes import ReadManifest, add_lines, compare_plugins
from skillway_sync.release_document import Release, ReleasedPlugin, RingPointer

Plugins = Mapping[str, ReleasedPlugin]


@dataclass(frozen=True)
class Plan:
    """What will be published.

    Attributes:
        release: The release that the asked rings will be on; None when every ring stays where it is.
        is_new: Whether that release's number is new.
        moves: From ring to its pointer, for the rings that move.
        reason: One sentence for people.
    """

    release: Release | None
    is_new: bool
    moves: dict[str, RingPointer]
    reason: str


def choose_rings(asked: Iterable[str], organisation: Organisation) -> tuple[str, ...]:
    """Name the rings of a publish: those asked for, else all, from first to last.

    Raises:
        NotFoundError: `organisation.yaml` has no such ring.
    """
    names = list(asked)
    for name in names:
        if name not in organisation.rings:
            raise NotFoundError(
                f"organisation.yaml has no ring {name}; it has {', '.join(organisation.rings)}.",
                fix="Name one of these, or add the ring to organisation.yaml and run skillway release keys.",
            )
    return tuple(ring for ring in organisation.rings if ring in names) if names else organisation.rings


def refuse_other_organisation(chain: Chain, organisation: Organisation) -> None:
    """Refuse to publish one organisation's plugins into the store of another.

    The name is the catalogue's, so every laptop would see all plugins vanish and new ones of another
    catalogue come.

    Raises:
        ConflictError: The newest release has another name.
    """
    if not chain.seqs:
        return
    former = chain.release(chain.seqs[-1]).catalogue
    if former != organisation.name:
        raise ConflictError(
            f"The store {chain.store.folder} belongs to {former}, and organisation.yaml says {organisation.name}.",
            fix=f"Set name: {former} in organisation.yaml, or publish into a new folder with --store.",
        )


def plan_content(
    chain: Chain,
    plugins: Plugins,
    *,
    organisation: Organisation,
    rings: tuple[str, ...],
    notes: Iterable[str],
    read: ReadManifest,
    now: datetime,
) -> Plan:
    """Plan a publish of a set of plugins: a new release, an old one that is the same, or nothing.

    Raises:
        RepositoryError: There is not exactly one plugin of the base layer.
        NotFoundError: A note has no plugin to stand at.
    """
    _refuse_wrong_bases(plugins)
    pointers = _pointers(chain, rings)
    if all(pointer and dict(chain.release(pointer.release).plugins) == plugins for pointer in pointers.values()):
        shown = ", ".join(f"{ring} {pointer.release}" for ring, pointer in pointers.items() if pointer)
        return Plan(None, is_new=False, moves={}, reason=f"The rings already have these plugins ({shown}).")
    newest = chain.release(chain.seqs[-1]) if chain.seqs else None
    if newest and newest.plugins == plugins:
        moves = _moves(pointers, newest.seq)
        return Plan(newest, is_new=False, moves=moves, reason=f"Release {newest.seq} already has these plugins.")
    changes = compare_plugins(newest.plugins if newest else {}, plugins, read)
    release = Release(
        seq=newest.seq + 1 if newest else 1,
        organisation=organisation.title,
        catalogue=organisation.name,
        created=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        plugins=dict(sorted(plugins.items())),
        notes=add_lines(changes, notes),
    )
    return Plan(release, is_new=True, moves=_moves(pointers, release.seq), reason="")


def plan_promotion(chain: Chain, seq: int, *, rings: tuple[str, ...]) -> Plan:
    """Plan to move rings to a release that is already published.

    Raises:
        NotFoundError: There is no such release.
        ReleaseOrderError: A ring is on a later one.
    """
    release = chain.release(seq)
    pointers = _pointers(chain, rings)
    for ring, pointer in pointers.items():
        if pointer and pointer.release > seq:
            command = f"skillway release publish --revert-to {seq} --ring {ring}"
            raise ReleaseOrderError(
                f"Ring {ring} is on release {pointer.release}, and laptops refuse to go down to {seq}.",
                fix=f"Publish the content of release {seq} under a new number: {command}",
                next_actions=(command,),
            )
    moves = _moves(pointers, seq)
    if not moves:
        return Plan(None, is_new=False, moves={}, reason=f"The rings are already on release {seq}.")
    return Plan(release, is_new=False, moves=moves, reason=f"Release {seq} is already published.")


def _pointers(chain: Chain, rings: tuple[str, ...]) -> dict[str, RingPointer | None]:
    return {ring: chain.pointer(ring) for ring in rings}


def _moves(pointers: Mapping[str, RingPointer | None], seq: int) -> dict[str, RingPointer]:
    # A halt stays: it was signed to stop this ring's laptops, and a new release alone is no reason to lift it.
    return {
        ring: RingPointer(ring, seq, halt=pointer.halt if pointer else False)
        for ring, pointer in pointers.items()
        if pointer is None or pointer.release != seq
    }


def _refuse_wrong_bases(plugins: Plugins) -> None:
    bases = [name for name, plugin in plugins.items() if plugin.layer == "base"]
    if len(bases) != 1:
        raise RepositoryError(
            f"The build has {len(bases)} plugins of the base layer ({', '.join(bases) or 'none'}), and a release has one.",
            fix="Build the whole repository with: skillway build",
            next_actions=("skillway build",),
        )
