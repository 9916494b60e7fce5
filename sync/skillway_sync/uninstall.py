"""How does everything that sync wrote leave this laptop again, and nothing else?

What refers goes before what it refers to: policy and users' settings, then catalogue, guard pointer, launcher,
store, and the record last. So after every prefix no session is blocked (a hook command tests for its file first),
and the next attempt finishes. Files that sync did not write are kept where they are and named. What IT put in
/etc/skillway stays: it is IT's.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from skillway_sync.archives import LocalArchives
from skillway_sync.disk import Disk, disk_errors, is_real_folder
from skillway_sync.drift import ADDED, find_differences
from skillway_sync.layout import SYSTEM, Layout
from skillway_sync.lock import LOCK_FILE, exclusive_lock
from skillway_sync.packaged import packages_folder
from skillway_sync.personal import remove_personal
from skillway_sync.record import load_record, record_file
from skillway_sync.repair import expected_files
from skillway_sync.telemetry_files import remove_users_telemetry

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def uninstall(layout: Layout, disk: Disk) -> list[str]:
    """Take skillway off this laptop. Doing it again, or after a crash in the middle, finishes it.

    Args:
        layout: The laptop's places.
        disk: What writes.

    Returns:
        What was left and why, one sentence each: IT's configuration, foreign files, users' files that could not
        be changed. Empty when nothing at all is left.

    Raises:
        BusyError: Another process is writing this laptop's installation.
        DiskError: Something cannot be removed for want of rights or of a writable disk.
    """
    with disk_errors(layout.root):
        with exclusive_lock(layout.state) if layout.state.is_dir() else contextlib.nullcontext():
            left = _remove_content(layout, disk)
        # Only now: an open lock file cannot be removed on Windows.
        left += _remove_root(layout, disk)
    return left + _name_what_is_its(layout)


def _remove_content(layout: Layout, disk: Disk) -> list[str]:
    _remove_policy(layout, disk)
    left = [*remove_users_telemetry(layout, disk), *remove_personal(layout, disk)]
    ours = (layout.catalogue_file, layout.guard_pointer, layout.launcher, layout.interpreter_file)
    for path in (*ours, layout.telemetry_file):
        _remove_file(path, disk)
    disk.remove_tree(packages_folder(layout))
    _remove_store(layout, disk)
    disk.remove_tree(layout.staging)
    _remove_state(layout, disk)
    return left


def _remove_policy(layout: Layout, disk: Disk) -> None:
    """Remove our policy file, and the folders that were made for it when nothing else is in them."""
    if layout.scope != SYSTEM:
        return
    disk.sweep([layout.policy_dir])
    _remove_file(layout.policy_file, disk)
    for path in reversed([Path(path) for path in load_record(layout).created]):
        if path == layout.policy_dir or path in layout.policy_dir.parents:
            _remove_empty(path, disk)


def _remove_file(path: Path, disk: Disk) -> None:
    disk.sweep([path.parent])
    if os.path.lexists(path):
        disk.remove_tree(path)  # also a folder in its place, which Claude Code could not have used
        disk.sync_folders([path.parent])


def _remove_empty(path: Path, disk: Disk) -> None:
    if is_real_folder(path) and not any(path.iterdir()):
        disk.rmdir(path)


def _remove_store(layout: Layout, disk: Disk) -> None:
    """Remove the plugin folders; files in them that no manifest lists are somebody's and stay."""
    if not is_real_folder(layout.store):
        return
    archives = LocalArchives(layout.state)
    for plugin in sorted(layout.store.iterdir()):
        for folder in sorted(plugin.iterdir()) if is_real_folder(plugin) else ():
            if _DIGEST.match(folder.name) and is_real_folder(folder):
                _remove_plugin(folder, archives, disk)
        _remove_empty(plugin, disk)
    _remove_empty(layout.store, disk)


def _remove_plugin(folder: Path, archives: LocalArchives, disk: Disk) -> None:
    """Remove one plugin folder but for foreign files; without a manifest, the whole folder is taken for ours."""
    files = expected_files(archives, folder.parent.name, folder.name)
    differences = find_differences(folder, files) if files else []
    if files is None or not any(each.kind == ADDED and not each.is_folder for each in differences):
        disk.remove_tree(folder)
        return
    for path in files:
        _remove_if_there(folder / path, disk)
    for below in sorted(_folders_below(folder), key=lambda path: len(path.parts), reverse=True):
        _remove_empty(below, disk)


def _remove_if_there(path: Path, disk: Disk) -> None:
    if os.path.lexists(path) and not is_real_folder(path):
        disk.remove(path)


def _folders_below(folder: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(folder):
        yield Path(path)


def _remove_state(layout: Layout, disk: Disk) -> None:
    """Remove our memory; the record stays while it names a settings file that could not be changed."""
    if not is_real_folder(layout.state):
        return
    record = record_file(layout).name
    is_needed = bool(load_record(layout).settings)
    # The lock is held, and goes with the root.
    for name in sorted(entry.name for entry in layout.state.iterdir()):
        if name != LOCK_FILE and not (is_needed and name == record):
            disk.remove_tree(layout.state / name)


def _remove_root(layout: Layout, disk: Disk) -> list[str]:
    """Remove the root's folders as far as they are empty, and name what others put there."""
    if is_real_folder(layout.state) and not record_file(layout).exists():
        disk.remove_tree(layout.state)
    for folder in (layout.catalogue_file.parent, layout.guard_pointer.parent, layout.launcher.parent, layout.root):
        _remove_empty(folder, disk)
    if not os.path.lexists(layout.root):
        return []
    files = [Path(place) / name for place, _, names in os.walk(layout.root) for name in names]
    foreign = [path for path in sorted(files) if layout.state not in path.parents]
    return [f"{path} is not skillway's and was left." for path in foreign or [layout.root]]


def _name_what_is_its(layout: Layout) -> list[str]:
    folder = layout.config_file.parent
    found = [path for path in (layout.config_file, folder / "root.json", folder / "python") if path.exists()]
    return [f"{path} was put there by IT and was left; remove it with the MDM profile." for path in found]
