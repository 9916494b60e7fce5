"""Which releases a store has had, and what each changed; read from the signed release documents."""

from __future__ import annotations

from dataclasses import dataclass

from skillway.release.chain import Chain
from skillway.release.notes import UNCHANGED
from skillway_sync.release_document import PluginNote


@dataclass(frozen=True)
class PastRelease:
    """One release: `created` in UTC, the rings that are on it now, how many plugins, and what changed by plugin."""

    seq: int
    created: str
    rings: tuple[str, ...]
    plugins: int
    changes: dict[str, PluginNote]


def list_releases(chain: Chain, *, limit: int) -> list[PastRelease]:
    """List releases, the newest first.

    Args:
        chain: The store's verified metadata.
        limit: How many at most.

    Raises:
        StoreError: A release document or a ring pointer is missing or damaged.
    """
    pointers = {ring: chain.pointer(ring) for ring in chain.rings}
    releases = []
    for seq in reversed(chain.seqs[-limit:]):
        release = chain.release(seq)
        rings = tuple(ring for ring, pointer in pointers.items() if pointer and pointer.release == seq)
        changes = {name: note for name, note in release.notes.items() if note.change != UNCHANGED or note.lines}
        releases.append(PastRelease(seq, release.created, rings, len(release.plugins), changes))
    return releases
