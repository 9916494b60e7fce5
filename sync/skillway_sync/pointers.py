"""Which few files turn complete plugin folders into an installation, and in which order are they replaced?

Launcher and interpreter, guard pointer, catalogue, telemetry, policy. Each is replaced whole and durably; after every prefix
of the sequence the laptop is valid, because each names only folders that are complete, and former folders stay.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skillway_sync.catalogue import render_catalogue
from skillway_sync.disk import Disk
from skillway_sync.errors import SelfTestError
from skillway_sync.laptop import Fragments, Laptop, Selected
from skillway_sync.layout import SYSTEM
from skillway_sync.release_document import Release, ReleasedPlugin
from skillway_sync.telemetry_files import render_telemetry, telemetry_mode

LAUNCHER_SOURCE = "hooks/run"
POINTERS_FILE = "pointers.json"


@dataclass(frozen=True, slots=True)
class Pointer:
    """One file: its place, content and permission bits."""

    path: Path
    data: bytes
    mode: int


def render_pointers(
    laptop: Laptop, release: Release, selected: Selected, fragments: Fragments, *, base_folder: Path, interpreter: str
) -> list[Pointer]:
    """Make the pointers of a release, in the order of their commit.

    Args:
        laptop: The laptop.
        release: The release.
        selected: The plugins of this laptop.
        fragments: The base plugin's settings fragments.
        base_folder: The base plugin's complete folder, in the store or still in staging.
        interpreter: The absolute path that hooks run with.

    Raises:
        SelfTestError: The base plugin has no launcher, or its settings cannot be rendered.
        ConfigError: The laptop root's path cannot stand in a settings file.
    """
    layout = laptop.layout
    base, plugin = base_of(selected)
    pointers = [
        Pointer(layout.launcher, _launcher(base_folder, base), 0o755),
        Pointer(layout.interpreter_file, f"{interpreter}\n".encode(), 0o644),
        Pointer(layout.guard_pointer, f"{base}/{plugin.digest}\n".encode(), 0o644),
        Pointer(layout.catalogue_file, render_catalogue(release, selected), 0o644),
    ]
    telemetry = None if laptop.config is None else render_telemetry(laptop.config.telemetry)
    if telemetry is not None:
        pointers.append(Pointer(layout.telemetry_file, telemetry, telemetry_mode(layout)))
    if layout.scope == SYSTEM:
        policy = laptop.parts.render_policy(layout, release, selected, fragments)
        pointers.append(Pointer(layout.policy_file, policy, 0o644))
    return pointers


def base_of(selected: Selected) -> tuple[str, ReleasedPlugin]:
    """Give the plugin of the base layer, with its name."""
    return next((name, plugin) for name, plugin in selected.items() if plugin.layer == "base")


def _launcher(folder: Path, base: str) -> bytes:
    try:
        return (folder / LAUNCHER_SOURCE).read_bytes()
    except OSError as error:
        raise SelfTestError(
            f"The base plugin {base} has no launcher {LAUNCHER_SOURCE} ({error.strerror}).",
            fix="Wire a hook in the base plugin, build and publish the release again.",
        ) from error


def commit_pointers(laptop: Laptop, pointers: list[Pointer], keep: Callable[[Path], None]) -> list[str]:
    """Put the pointers in place, in order; what is right already is not touched.

    Args:
        laptop: The laptop.
        pointers: What `render_pointers` gave.
        keep: Puts a copy of an edited file into quarantine.

    Returns:
        Those that had been changed by somebody else since they were written, one line each.
    """
    written = _load_written(laptop.layout.state)
    drift = []
    changed = False
    for pointer in pointers:
        if pointer_fault(pointer) is None:
            continue
        fault = _changed_by_others(pointer, written)
        if fault:
            keep(pointer.path)
            drift.append(fault)
        _put(laptop, pointer)
        changed = True
    changed |= _retire_telemetry(laptop, pointers)
    now = {str(pointer.path): _digest(pointer) for pointer in pointers}
    if changed or now != written:
        data = json.dumps(now, indent=1, sort_keys=True).encode()
        laptop.disk.replace(laptop.layout.state / POINTERS_FILE, data, 0o644, durable=False)
    return drift


def _retire_telemetry(laptop: Laptop, pointers: list[Pointer]) -> bool:
    """Remove telemetry.json once IT's configuration has nothing for it."""
    path = laptop.layout.telemetry_file
    is_wanted = any(pointer.path == path for pointer in pointers) or laptop.config is None
    if is_wanted or not os.path.lexists(path):
        return False
    laptop.disk.remove_tree(path)
    return True


def _put(laptop: Laptop, pointer: Pointer) -> None:
    folder = pointer.path.parent
    if pointer.path == laptop.layout.policy_file:
        # The policy folder belongs to Claude Code; a removal takes it away only if it was made here.
        laptop.parts.note_created(laptop.layout, laptop.disk, [*_missing_folders(folder), pointer.path])
    make_durable_folders(laptop.disk, folder)
    if pointer.path.is_dir() and not pointer.path.is_symlink():
        laptop.disk.remove_tree(pointer.path)
    laptop.disk.replace(pointer.path, pointer.data, pointer.mode)


def make_durable_folders(disk: Disk, folder: Path) -> None:
    """Make a folder and those above it, each durable before something is put into it."""
    missing = _missing_folders(folder)
    disk.make_folders(folder)
    disk.sync_folders(each.parent for each in missing)


def _missing_folders(folder: Path) -> list[Path]:
    return [part for part in (*reversed(folder.parents), folder) if not part.is_dir()]


def pointer_fault(pointer: Pointer) -> str | None:
    """Say in one line how a pointer on disk differs from what it should be; None when it does not."""
    path = pointer.path
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return f"{path}: changed (no regular file)"
        if path.read_bytes() != pointer.data:
            return f"{path}: changed"
    except FileNotFoundError:
        return f"{path}: missing"
    except OSError as error:
        return f"{path}: changed ({error.strerror})"
    mode = stat.S_IMODE(status.st_mode)
    return f"{path}: mode ({mode:04o})" if mode != pointer.mode else None


def _changed_by_others(pointer: Pointer, written: dict[str, str]) -> str | None:
    """Say how a pointer differs from what was last written to it, as far as that is known."""
    known = written.get(str(pointer.path))
    fault = pointer_fault(pointer)
    if known is None or fault is None:
        return None
    if fault.endswith(": changed"):
        return None if hashlib.sha256(pointer.path.read_bytes()).hexdigest() == known else fault
    return fault


def _digest(pointer: Pointer) -> str:
    return hashlib.sha256(pointer.data).hexdigest()


def _load_written(state: Path) -> dict[str, str]:
    try:
        content = json.loads((state / POINTERS_FILE).read_bytes())
        return {str(path): str(digest) for path, digest in content.items()}
    except (OSError, ValueError, RecursionError, AttributeError):
        return {}
