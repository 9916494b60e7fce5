"""How a release becomes the laptop's own: fetch what is missing, stage it, test it, then commit.

Up to the commit nothing that Claude Code reads has changed. The commit begins with `applied.json`, when all
folders are complete and durable; from there on every run, with or without a network, goes forward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from skillway_sync.applied import APPLIED_FILE, Applied
from skillway_sync.disk import require_space
from skillway_sync.drift import find_differences
from skillway_sync.errors import RefusedError
from skillway_sync.index import Folders, restamp, scan_folder
from skillway_sync.install import StagedPlugin, place_plugins, stage_plugin
from skillway_sync.laptop import Fragments, Laptop, Selected
from skillway_sync.local import compile_with_record, make_way
from skillway_sync.parallel import map_side_by_side, meanwhile
from skillway_sync.pointers import Pointer, base_of, commit_pointers, render_pointers
from skillway_sync.release_document import Release
from skillway_sync.repair import expected_files
from skillway_sync.selftest import check_fragments, check_hook_files, prove_candidate
from skillway_sync.telemetry_files import apply_users_telemetry
from skillway_sync.trust import RELEASES_FOLDER, TrustedStore

SPACE_MARGIN = 32 * 1024 * 1024
"""Bytes that stay free beside twice what an update needs."""
_SPACE_FACTOR = 2


@dataclass
class Candidate:
    """A release on its way to be committed.

    Attributes:
        release: The release; `document` its bytes.
        selected: The plugins of this laptop.
        staged: Plugin folders that are not in the store yet.
        pointers: The pointers, in the order of their commit.
        fragments: The base plugin's settings fragments.
        index: The stamps of the staged folders.
    """

    release: Release
    document: bytes
    selected: Selected
    staged: list[StagedPlugin] = field(default_factory=list)
    pointers: list[Pointer] = field(default_factory=list)
    fragments: Fragments = field(default_factory=list)
    index: Folders = field(default_factory=dict)


def missing_plugins(laptop: Laptop, selected: Selected, known: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """List the (plugin, digest) of a release that have to be installed.

    Args:
        laptop: The laptop.
        selected: The plugins of the release.
        known: Those that are known to be in the store and right. A folder beside them comes from a run that was
            interrupted, and is looked at in full before it is used.
    """
    pairs = [(name, plugin.digest) for name, plugin in selected.items()]
    return [pair for pair in pairs if pair not in known and not _is_complete(laptop, *pair)]


def _is_complete(laptop: Laptop, plugin: str, digest: str) -> bool:
    files = expected_files(laptop.archives, plugin, digest)
    return files is not None and not find_differences(laptop.folder(plugin, digest), files)


def fetch_plugins(laptop: Laptop, pairs: list[tuple[str, str]], store: TrustedStore | None) -> None:
    """Bring manifests and archives to this disk; each that is verified is kept, also when a later one fails.

    Args:
        laptop: The laptop.
        pairs: The (plugin, digest) that are wanted.
        store: The store, or None when only what is on this disk may be used.

    Raises:
        RefusedError: One is not what is signed, or is not on this disk.
        OfflineError: The store cannot be reached.
        DiskError: There is not enough room.
    """
    for plugin, digest in pairs:
        if store is None:
            if laptop.archives.manifest(plugin, digest) is None:
                raise RefusedError(
                    f"{plugin}/{digest[:12]} is not on this disk.", fix="Run skillway-sync with the store in reach."
                )
        elif laptop.archives.manifest(plugin, digest) is None:
            _keep_manifest(laptop, plugin, digest, store.manifest(plugin, digest))
    _require_room(laptop, pairs, store)
    for plugin, digest in pairs:
        if store is not None and not store.is_archive(plugin, digest, laptop.archives.archive_file(plugin, digest)):
            _fetch_archive(laptop, plugin, digest, store)


def _keep_manifest(laptop: Laptop, plugin: str, digest: str, data: bytes) -> None:
    path = laptop.archives.manifest_file(plugin, digest)
    laptop.disk.make_folders(path.parent)
    laptop.disk.replace(path, data, 0o644, durable=False)
    if laptop.archives.manifest(plugin, digest) is None:
        laptop.disk.remove(path)
        raise RefusedError(
            f"The manifest of {plugin}/{digest[:12]} is another plugin's.", fix="Build and publish the release again."
        )


def _require_room(laptop: Laptop, pairs: list[tuple[str, str]], store: TrustedStore | None) -> None:
    needed = SPACE_MARGIN if pairs else 0
    for plugin, digest in pairs:
        manifest = laptop.archives.manifest(plugin, digest)
        needed += _SPACE_FACTOR * (manifest.total_bytes if manifest else 0)
        needed += store.archive_length(plugin, digest) if store else 0
    require_space(laptop.layout.root, needed)


def _fetch_archive(laptop: Laptop, plugin: str, digest: str, store: TrustedStore) -> None:
    folder = laptop.layout.staging / "archives"
    laptop.disk.make_folders(folder)
    fresh = folder / f"{plugin}-{digest}.tgz"
    store.download_archive(plugin, digest, fresh, laptop.disk)
    target = laptop.archives.archive_file(plugin, digest)
    laptop.disk.make_folders(target.parent)
    laptop.disk.rename(fresh, target)


def stage_release(
    laptop: Laptop, candidate: Candidate, pairs: list[tuple[str, str]], interpreter: str, applied: Applied
) -> None:
    """Unpack, compile and test; nothing outside staging and `state` changes.

    Args:
        laptop: The laptop.
        candidate: The release with what was selected of it; the rest is filled in here.
        pairs: The (plugin, digest) that have to be installed.
        interpreter: What hooks run with.
        applied: What will be on record; it is written beside the plugins, so that one sync takes both.

    Raises:
        RefusedError: An archive is damaged; it has been removed, so that the next run fetches it again.
        SelfTestError: The release does not work here.
        ConfigError: A settings file of this laptop stands in the way.
    """
    folder = laptop.layout.staging / "candidate"
    store = folder / "store"
    laptop.disk.make_folders(store)
    candidate.staged = map_side_by_side(lambda pair: _stage(laptop, pair, store, interpreter), pairs, laptop.workers)
    for each in candidate.staged:
        check_hook_files(each.plugin, each.folder)
    base_is_new = _render_candidate(laptop, candidate, interpreter)
    _write_record(laptop, candidate, applied)
    with meanwhile(lambda: laptop.disk.sync_tree(laptop.layout.staging), laptop.workers):
        if base_is_new:
            prove_candidate(laptop, folder, candidate.pointers)
        candidate.index = {each.key: scan_folder(store, each.key) for each in candidate.staged}


def _stage(laptop: Laptop, pair: tuple[str, str], staged_store: Path, interpreter: str) -> StagedPlugin:
    plugin, digest = pair
    try:
        staged = stage_plugin(plugin, digest, staged_store, laptop.archives, laptop.disk)
    except RefusedError:
        laptop.archives.forget(plugin, digest, laptop.disk)
        raise
    compile_with_record(laptop, staged, interpreter)
    return staged


def _render_candidate(laptop: Laptop, candidate: Candidate, interpreter: str) -> bool:
    """Make the candidate's pointers; tells whether the base plugin is new."""
    base, plugin = base_of(candidate.selected)
    staged = next((each.folder for each in candidate.staged if each.plugin == base), None)
    base_folder = staged or laptop.folder(base, plugin.digest)
    candidate.fragments = laptop.fragments(base_folder)
    check_fragments(base, base_folder, candidate.fragments)
    candidate.pointers = render_pointers(
        laptop,
        candidate.release,
        candidate.selected,
        candidate.fragments,
        base_folder=base_folder,
        interpreter=interpreter,
    )
    laptop.parts.check_personal(laptop.layout, candidate.release, candidate.selected, candidate.fragments)
    return staged is not None


def _write_record(laptop: Laptop, candidate: Candidate, applied: Applied) -> None:
    record = laptop.layout.staging / "record"
    laptop.disk.make_folders(record)
    laptop.disk.write_file(record / "release.json", candidate.document, 0o644)
    laptop.disk.write_file(record / APPLIED_FILE, applied.to_bytes(), 0o644)


def commit_candidate(laptop: Laptop, candidate: Candidate, keep: Callable[[Path], None]) -> list[str]:
    """Make a candidate what this laptop is.

    Args:
        laptop: The laptop.
        candidate: What `stage_release` has completed.
        keep: Puts a copy of an edited file into quarantine.

    Returns:
        What a person should know, from the per-user parts.
    """
    for each in candidate.staged:
        make_way(laptop, each.plugin, each.digest)
    place_plugins(candidate.staged, laptop.layout.store, laptop.disk)
    candidate.index = {key: restamp(laptop.layout.store, key, known) for key, known in candidate.index.items()}
    _record(laptop, candidate)
    commit_pointers(laptop, candidate.pointers, keep)
    return apply_users(laptop, candidate.release, candidate.selected, candidate.fragments)


def _record(laptop: Laptop, candidate: Candidate) -> None:
    """Put on record what the laptop now has to be, and make that and the placed folders durable together."""
    state = laptop.layout.state
    record = laptop.layout.staging / "record"
    laptop.disk.make_folders(state / RELEASES_FOLDER)
    laptop.disk.rename(record / "release.json", state / RELEASES_FOLDER / f"{candidate.release.seq}.json")
    laptop.disk.rename(record / APPLIED_FILE, state / APPLIED_FILE)
    laptop.disk.sync_tree(laptop.layout.store, state)


def apply_users(laptop: Laptop, release: Release, selected: Selected, fragments: Fragments) -> list[str]:
    """Bring the per-user parts up to date; gives what a person should know."""
    notes = laptop.parts.apply_personal(laptop.layout, laptop.disk, release, selected, fragments)
    if laptop.config is not None:
        notes += apply_users_telemetry(laptop.layout, laptop.disk, laptop.config)
    return notes
