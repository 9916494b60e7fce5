"""How a build is tried on this machine: laid out as a laptop has it, without signing, publishing or syncing.

The folder works as a laptop root does: launcher, guard pointer, catalogue and store are where hooks look for them.
Nothing here is verified against a release, and no policy is written.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skillway.build.faults import OutputError
from skillway.build.folder import locked
from skillway.build.product import Build, BuiltPlugin, is_digest, replace_file
from skillway.build.snapshot import hash_file
from skillway.organisation import Organisation
from skillway_sync.archive import read_archive
from skillway_sync.catalogue import render_catalogue
from skillway_sync.errors import RefusedError
from skillway_sync.layout import USER, Layout
from skillway_sync.manifest import FileEntry, Manifest
from skillway_sync.release_document import Release, ReleasedPlugin, is_name

KEEP_SECONDS = 24 * 3600.0
"""How long a former folder stays: a session that was started with it may still be running."""

_LAUNCHER = "hooks/run"


@dataclass(frozen=True, slots=True)
class DevelopmentRoot:
    """A laid-out build.

    Attributes:
        layout: Where everything is.
        folders: From plugin name to its folder.
        base: The folder of the base plugin, or None when the build has none.
    """

    layout: Layout
    folders: dict[str, Path]
    base: Path | None


def development_layout(root: Path) -> Layout:
    """Say where everything is below a folder that stands in for a laptop root."""
    absolute = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links
    return Layout(
        scope=USER,
        prefix=None,
        image=False,
        root=absolute,
        config_file=absolute / "config.json",
        policy_dir=absolute,
    )


def lay_out(build: Build, root: Path, organisation: Organisation) -> DevelopmentRoot:
    """Lay a build out as a laptop has it, in the order in which a laptop does it.

    Folders that are already right are left alone, so a running session does not notice. Former folders go a day
    after they were last laid out.

    Args:
        build: The build.
        root: The folder; made if needed. What else lies in it stays.
        organisation: Names the catalogue.

    Raises:
        RepositoryError: The build is damaged.
        RefusedError: An archive is not what its manifest says.
        OutputError: The disk does not take it.
    """
    layout = development_layout(root)
    folders = {name: layout.store / name / plugin.digest for name, plugin in build.plugins.items()}
    base = next((plugin for plugin in build.plugins.values() if plugin.layer == "base"), None)
    with locked(layout.root):
        try:
            for name, plugin in build.plugins.items():
                _unpack(plugin, folders[name])
            _place_launcher(base, layout)
        except OSError as error:
            raise OutputError(Path(error.filename or layout.root), error) from error
        replace_file(layout.catalogue_file, _catalogue(build, organisation))
        _remove_stale(layout.store, set(folders.values()))
    return DevelopmentRoot(layout, folders, folders[base.name] if base else None)


def _place_launcher(base: BuiltPlugin | None, layout: Layout) -> None:
    replace_file(layout.interpreter_file, f"{_interpreter()}\n".encode())
    if base is None:
        return
    source = layout.store / base.name / base.digest / _LAUNCHER
    if source.is_file():
        replace_file(layout.launcher, source.read_bytes())
        layout.launcher.chmod(0o755)
    replace_file(layout.guard_pointer, f"{base.name}/{base.digest}\n".encode())


def _interpreter() -> str:
    """Give the Python below the virtual environment: it goes on working when the environment is made anew."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return os.path.abspath(base)  # noqa: PTH100 - a versioned link target would go with the next update


def _unpack(plugin: BuiltPlugin, folder: Path) -> None:
    manifest = plugin.read_manifest()
    if not _is_whole(folder, manifest):
        unfinished = folder.with_name(f".{folder.name}.unfinished")
        try:
            _write_files(plugin, manifest, unfinished)
            if folder.exists():
                shutil.rmtree(folder)
            unfinished.rename(folder)
        except (OSError, RefusedError):
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    os.utime(folder)


def _write_files(plugin: BuiltPlugin, manifest: Manifest, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    with plugin.archive_file.open("rb") as source:
        for entry, data in read_archive(source, manifest, where=str(plugin.archive_file)):
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(int(entry.mode, 8))


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    wanted = {entry.path: entry for entry in manifest.installed_files}
    found = set()
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found |= {os.path.relpath(os.path.join(where, name), folder).replace(os.sep, "/") for name in files}  # noqa: PTH118
    return found == set(wanted) and all(_is_right(folder / path, entry) for path, entry in wanted.items())


def _is_right(path: Path, entry: FileEntry) -> bool:
    try:
        mode = path.lstat().st_mode & 0o777
        return mode == int(entry.mode, 8) and not path.is_symlink() and hash_file(path) == entry.sha256
    except OSError:
        return False


def _catalogue(build: Build, organisation: Organisation) -> bytes:
    released = {
        name: ReleasedPlugin(plugin.digest, plugin.version, plugin.layer, plugin.team, plugin.description)
        for name, plugin in build.plugins.items()
    }
    release = Release(seq=1, organisation=organisation.title, catalogue=organisation.name, created="", plugins=released)
    return render_catalogue(release, released)


def _remove_stale(store: Path, current: set[Path]) -> None:
    oldest = time.time() - KEEP_SECONDS
    for folder in store.glob("*/*"):
        is_ours = is_name(folder.parent.name) and is_digest(folder.name.strip(".").removesuffix(".unfinished"))
        if not is_ours or folder in current:
            continue
        with suppress(OSError):
            if folder.name.startswith(".") or folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)
    for plugin in store.glob("*"):
        with suppress(OSError):
            plugin.rmdir()
