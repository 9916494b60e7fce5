"""How a plugin's folder comes to be: verified files and compiled hooks, all in staging, then one rename.

Nothing here writes into the store until a folder is complete; when to rename is the engine's to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from skillway_sync.archives import HOOKS_FOLDER, LocalArchives
from skillway_sync.disk import Disk
from skillway_sync.manifest import FileEntry

Compile = Callable[[dict[str, bytes], str], dict[str, bytes]]
"""From hook sources and the folder's final path to compiled files, both by path below the plugin's folder."""


@dataclass
class StagedPlugin:
    """A complete plugin folder in staging, at `<staged store>/<plugin>/<digest>`."""

    plugin: str
    digest: str
    folder: Path
    sources: dict[str, bytes] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name in the index."""
        return f"{self.plugin}/{self.digest}"


def stage_plugin(plugin: str, digest: str, staged_store: Path, archives: LocalArchives, disk: Disk) -> StagedPlugin:
    """Write a plugin's files from its local archive into staging.

    Raises:
        RefusedError: The archive is missing or damaged; what was written before stays in staging.
    """
    folder = staged_store / plugin / digest
    disk.make_folders(folder)
    staged = StagedPlugin(plugin, digest, folder)
    root = str(folder)
    made = {""}
    for entry, data in archives.files(plugin, digest):
        parent = entry.path.rpartition("/")[0]
        if parent not in made:
            _make_parents(root, parent, made, disk)
        disk.write_file(f"{root}/{entry.path}", data, int(entry.mode, 8))
        if is_hook_source(entry.path):
            staged.sources[entry.path] = data
    return staged


def _make_parents(root: str, parent: str, made: set[str], disk: Disk) -> None:
    parts = parent.split("/")
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if folder not in made:
            disk.mkdir(f"{root}/{folder}")
            made.add(folder)


def is_hook_source(path: str) -> bool:
    """Tell whether a plugin's file is a hook script or one that hooks import."""
    return path.startswith(HOOKS_FOLDER) and path.endswith(".py") and path.count("/") == 1


def write_byte_code(staged: StagedPlugin, final: str, compile_sources: Compile, disk: Disk) -> list[FileEntry]:
    """Compile a staged plugin's hooks and write the byte code beside them.

    Args:
        staged: The staged plugin.
        final: The folder that it will have, for tracebacks.
        compile_sources: Compiles.
        disk: The file layer.

    Returns:
        The files written, to be recorded as our own.

    Raises:
        SelfTestError: A hook does not compile.
    """
    compiled = compile_sources(staged.sources, final) if staged.sources else {}
    made = {""}
    entries = []
    for path, data in sorted(compiled.items()):
        _make_missing(staged.folder, path, made, disk)
        disk.write_file(staged.folder / path, data, 0o644)
        entries.append(byte_code_entry(path, data))
    return entries


def _make_missing(folder: Path, path: str, made: set[str], disk: Disk) -> None:
    parent = path.rpartition("/")[0]
    if parent not in made:
        disk.make_folders(folder / parent)
        made.add(parent)


def byte_code_entry(path: str, data: bytes) -> FileEntry:
    """Describe a compiled file as a manifest would."""
    return FileEntry(path, hashlib.sha256(data).hexdigest(), len(data), "0644")


def place_plugins(staged: Iterable[StagedPlugin], store: Path, disk: Disk) -> None:
    """Rename staged folders, which are durable, into the store; the caller makes the new names durable."""
    for each in staged:
        target = store / each.plugin / each.digest
        disk.make_folders(target.parent)
        disk.rename_dir(each.folder, target)
