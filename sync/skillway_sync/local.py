"""What can be said of the applied release from this disk alone, without a store?"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from skillway_sync.archives import LocalArchives
from skillway_sync.config import PACKAGED
from skillway_sync.drift import find_differences, repair_folder
from skillway_sync.errors import ConfigError, RefusedError, SelfTestError, SyncError
from skillway_sync.install import (
    StagedPlugin,
    byte_code_entry,
    is_hook_source,
    place_plugins,
    stage_plugin,
    write_byte_code,
)
from skillway_sync.laptop import Fragments, Laptop, Selected
from skillway_sync.noop import place_stamp
from skillway_sync.packaged import install_package
from skillway_sync.quarantine import Quarantine
from skillway_sync.release_document import Release, parse_release
from skillway_sync.repair import expected_files
from skillway_sync.trust import RELEASES_FOLDER

INTERPRETER_FILE = "interpreter.json"


@dataclass(frozen=True, slots=True)
class LocalRelease:
    """A release as this disk has it: its document, the plugins that were chosen of it, the base plugin's settings."""

    release: Release
    document: bytes
    selected: Selected
    fragments: Fragments


def load_local_release(laptop: Laptop, seq: int, plugins: dict[str, str]) -> LocalRelease | None:
    """Read a release from this disk; None when its document or its base plugin's settings cannot be read.

    Args:
        laptop: The laptop.
        seq: The release.
        plugins: From name to digest: those that were chosen.
    """
    path = laptop.layout.state / RELEASES_FOLDER / f"{seq}.json"
    try:
        document = path.read_bytes()
        release = parse_release(document, where=str(path))
        selected = {name: release.plugins[name] for name in sorted(plugins)}
        if {name: plugin.digest for name, plugin in selected.items()} != plugins or release.seq != seq:
            return None
        base, plugin = next((name, plugin) for name, plugin in selected.items() if plugin.layer == "base")
        return LocalRelease(release, document, selected, laptop.fragments(laptop.folder(base, plugin.digest)))
    except (OSError, SyncError, KeyError, StopIteration):
        return None


def choose_interpreter(laptop: Laptop, configured: str | None, quarantine: Quarantine) -> tuple[str, list[str]]:
    """Give the interpreter for hooks; the one on record is taken again while its file has not changed.

    IT's packaged interpreter comes first where the configuration says so, else after all others.

    Args:
        laptop: The laptop.
        configured: What the configuration says of it.
        quarantine: Keeps what somebody changed in the packaged one.

    Returns:
        Its path, and what was put right in the packaged one, one line each.

    Raises:
        SelfTestError: There is none.
    """
    if configured == PACKAGED:
        # A wish that cannot be met does not leave the laptop without a guard; `doctor` tells of it.
        with contextlib.suppress(ConfigError, SelfTestError):
            if found := _packaged(laptop, quarantine):
                return found
    try:
        return _installed(laptop, None if configured == PACKAGED else configured), []
    except SelfTestError:
        found = _packaged(laptop, quarantine)
        if found is None:
            raise
        return found


def _packaged(laptop: Laptop, quarantine: Quarantine) -> tuple[str, list[str]] | None:
    """Give IT's packaged interpreter if it runs here; every user must be able to reach it, as any other."""
    from skillway_sync.interpreter import interpreter_fault

    found = install_package(laptop, quarantine)
    if found is None:
        return None
    fault = interpreter_fault(Path(found[0]), for_all=False)
    if fault:
        raise SelfTestError(
            f"The packaged interpreter {found[0]} {fault}.",
            fix="Build it for this operating system and processor, with sync/deploy/entry/build.py.",
        )
    return found


def _installed(laptop: Laptop, configured: str | None) -> str:
    path = laptop.layout.state / INTERPRETER_FILE
    try:
        content = json.loads(path.read_bytes())
        known = str(content["path"])
        if content["configured"] == configured and content["stamp"] == list(place_stamp(known) or ()):
            return known
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        pass
    found = laptop.parts.find_interpreter(laptop.layout, configured)
    record = {"path": found, "configured": configured, "stamp": list(place_stamp(found) or ())}
    laptop.disk.replace(path, json.dumps(record).encode(), 0o644, durable=False)
    return found


def rebuild_folders(laptop: Laptop, pairs: list[tuple[str, str]], interpreter: str) -> list[tuple[str, str]]:
    """Make whole plugin folders again from local archives.

    Args:
        laptop: The laptop.
        pairs: The (plugin, digest) to make again.
        interpreter: What hooks are compiled with.

    Returns:
        Those that were made; the others need the store.
    """
    staged_store = laptop.layout.staging / "rebuilt"
    staged: list[StagedPlugin] = []
    for plugin, digest in pairs:
        try:
            each = stage_plugin(plugin, digest, staged_store, laptop.archives, laptop.disk)
        except RefusedError:
            laptop.archives.forget(plugin, digest, laptop.disk)
            continue
        compile_with_record(laptop, each, interpreter)
        staged.append(each)
    if staged:
        laptop.disk.sync_tree(laptop.layout.staging)
        for each in staged:
            make_way(laptop, each.plugin, each.digest)
        place_plugins(staged, laptop.layout.store, laptop.disk)
        laptop.disk.sync_tree(laptop.layout.store)
    return [(each.plugin, each.digest) for each in staged]


def compile_with_record(laptop: Laptop, staged: StagedPlugin, interpreter: str) -> None:
    """Compile a staged plugin's hooks, and record the byte code as our own.

    Raises:
        SelfTestError: A hook does not compile.
    """
    final = laptop.layout.written(laptop.folder(staged.plugin, staged.digest))
    entries = write_byte_code(
        staged, final, lambda sources, folder: laptop.parts.compile_hooks(interpreter, sources, folder), laptop.disk
    )
    laptop.archives.save_byte_code(staged.plugin, staged.digest, interpreter, entries, laptop.disk)


def make_way(laptop: Laptop, plugin: str, digest: str) -> None:
    """Move what could not be repaired out of the way of its successor."""
    target = laptop.folder(plugin, digest)
    if target.is_dir() and not target.is_symlink():
        laptop.disk.rename_dir(target, laptop.layout.staging / f"broken-{plugin}-{digest}")
    elif target.exists() or target.is_symlink():
        laptop.disk.remove(target)


def renew_byte_code(laptop: Laptop, plugins: dict[str, str], interpreter: str) -> list[tuple[str, str]]:
    """Compile the hooks of installed plugins for another interpreter; gives the folders that were changed."""
    changed = []
    for plugin, digest in sorted(plugins.items()):
        made_by, entries = laptop.archives.byte_code(plugin, digest)
        if entries and made_by != interpreter and _renew(laptop, plugin, digest, interpreter):
            changed.append((plugin, digest))
    return changed


def _renew(laptop: Laptop, plugin: str, digest: str, interpreter: str) -> bool:
    folder = laptop.folder(plugin, digest)
    try:
        sources = {
            entry.path: data for entry, data in laptop.archives.files(plugin, digest) if is_hook_source(entry.path)
        }
    except RefusedError:
        return False  # slower hooks are no reason to fail a run
    compiled = laptop.parts.compile_hooks(interpreter, sources, laptop.layout.written(folder))
    entries = [byte_code_entry(path, data) for path, data in sorted(compiled.items())]
    laptop.archives.save_byte_code(plugin, digest, interpreter, entries, laptop.disk)
    files = expected_files(laptop.archives, plugin, digest) or {}
    staging = laptop.layout.staging / "byte-code"
    laptop.disk.make_folders(staging)
    differences = [each for each in find_differences(folder, files) if "__pycache__" in each.path]
    repair_folder(folder, differences, lambda path: (compiled[path], 0o644), lambda _: None, staging, laptop.disk)
    laptop.disk.remove_tree(staging)
    return True


def local_digests(archives: LocalArchives, pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Give those of the (plugin, digest) whose archive and manifest are on this disk."""
    return {pair for pair in pairs if archives.manifest(*pair) is not None and archives.archive_file(*pair).exists()}
