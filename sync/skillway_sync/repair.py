"""Are the installed plugin folders still what was installed, and what can be put right without a network?

Stat data says which folders to look into; once a day, and after each start of the machine, all of them are read
in full. What cannot be repaired from the local archives is left for the part of the run that has the store.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from skillway_sync.archives import LocalArchives
from skillway_sync.drift import Difference, find_differences, repair_folder
from skillway_sync.errors import RefusedError
from skillway_sync.index import Folders, Index, changed_folders, scan_folder
from skillway_sync.install import byte_code_entry, is_hook_source
from skillway_sync.laptop import Laptop
from skillway_sync.manifest import FileEntry
from skillway_sync.quarantine import Quarantine

FULL_CHECK_EVERY = 86_400.0
"""Seconds after which every file is read again, whatever its stat data says."""


@dataclass
class Inspection:
    """What a look at the store found.

    Attributes:
        index: Stamps of the folders that are right.
        drift: What was different and was put right, one line each.
        broken: Folders, as (plugin, digest), that need the store.
        is_full: Whether every file was read.
    """

    index: Folders
    drift: list[str] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)
    is_full: bool = False


def expected_files(archives: LocalArchives, plugin: str, digest: str) -> dict[str, FileEntry] | None:
    """Give what a plugin's folder should hold, from path to entry; None when its manifest is not at hand."""
    manifest = archives.manifest(plugin, digest)
    if manifest is None:
        return None
    ours = {entry.path: entry for entry in archives.byte_code(plugin, digest)[1]}
    return ours | {entry.path: entry for entry in manifest.installed_files}


def inspect_store(
    laptop: Laptop,
    pairs: set[tuple[str, str]],
    known: Folders,
    quarantine: Quarantine,
    interpreter: str | None,
    *,
    full: bool,
    unchanged: bool = False,
) -> Inspection:
    """Look at the folders that should be there, and repair what can be repaired from this disk.

    Args:
        laptop: The laptop.
        pairs: The (plugin, digest) that should be there.
        known: The index.
        quarantine: Where edited files go.
        interpreter: The recorded interpreter, for byte code; None when it is not known.
        full: Whether to read every file.
        unchanged: Whether the stamps of all that the index knows have been compared already.
    """
    keys = {f"{plugin}/{digest}": (plugin, digest) for plugin, digest in sorted(pairs)}
    unknown = [key for key in keys if key not in known]
    suspects = list(keys) if full else unknown if unchanged else changed_folders(known, laptop.layout.store, keys)
    inspection = Inspection({key: known[key] for key in keys if key in known and key not in suspects}, is_full=full)
    for key in suspects:
        plugin, digest = keys[key]
        before = _scan(laptop, key)
        differences = _differences(laptop, plugin, digest)
        if differences:
            inspection.drift += [each.describe(key_text(plugin, digest)) for each in differences]
            if not _repair(laptop, plugin, digest, differences, quarantine, interpreter):
                inspection.broken.add((plugin, digest))
                continue
            before = _scan(laptop, key)
        if differences is None or before is None:
            inspection.broken.add((plugin, digest))
        else:
            inspection.index[key] = before
    return inspection


def key_text(plugin: str, digest: str) -> str:
    """Name a folder for people."""
    return f"store/{plugin}/{digest[:12]}"


def _scan(laptop: Laptop, key: str) -> tuple[int, bytes] | None:
    try:
        return scan_folder(laptop.layout.store, key)
    except OSError:
        return None


def _differences(laptop: Laptop, plugin: str, digest: str) -> list[Difference] | None:
    files = expected_files(laptop.archives, plugin, digest)
    return None if files is None else find_differences(laptop.folder(plugin, digest), files)


def _repair(
    laptop: Laptop,
    plugin: str,
    digest: str,
    differences: list[Difference],
    quarantine: Quarantine,
    interpreter: str | None,
) -> bool:
    folder = laptop.folder(plugin, digest)
    if any(each.path == "" and each.kind != "mode" for each in differences):
        return False  # the whole folder is gone or is no folder: it is installed anew
    try:
        content = _right_content(laptop, plugin, digest, {each.path for each in differences}, interpreter)
    except RefusedError:
        return False
    staging = laptop.layout.staging / "repair" / plugin
    laptop.disk.make_folders(staging)
    repair_folder(folder, differences, content.__getitem__, quarantine.keep, staging, laptop.disk)
    laptop.disk.remove_tree(staging)
    return not _differences(laptop, plugin, digest)


def _right_content(
    laptop: Laptop, plugin: str, digest: str, paths: set[str], interpreter: str | None
) -> dict[str, tuple[bytes, int]]:
    content: dict[str, tuple[bytes, int]] = {}
    sources: dict[str, bytes] = {}
    for entry, data in laptop.archives.files(plugin, digest):
        if entry.path in paths:
            content[entry.path] = (data, int(entry.mode, 8))
        if is_hook_source(entry.path):
            sources[entry.path] = data
    made_by, byte_code = laptop.archives.byte_code(plugin, digest)
    if any(entry.path in paths for entry in byte_code):
        compiled = laptop.parts.compile_hooks(
            interpreter or made_by, sources, laptop.layout.written(laptop.folder(plugin, digest))
        )
        content |= {path: (data, 0o644) for path, data in compiled.items()}
        entries = [byte_code_entry(path, data) for path, data in sorted(compiled.items())]
        laptop.archives.save_byte_code(plugin, digest, interpreter or made_by, entries, laptop.disk)
        for entry in byte_code:  # byte code of another interpreter than today's is taken away by the next look
            content.setdefault(entry.path, (b"", 0o644))
    return content


def is_full_check_due(index: Index, now: float) -> bool:
    """Tell whether every file has to be read: daily, after a start of the machine, and when no check is on record."""
    checked_at = index.checked_at
    return checked_at is None or not 0 <= now - checked_at < FULL_CHECK_EVERY or index.boot != boot_id()


def boot_id() -> str:
    """Name this start of the machine, where the system says it; else empty, and the daily check has to do."""
    if sys.platform != "linux":
        return ""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
