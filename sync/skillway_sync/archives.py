"""What this laptop keeps of each plugin beside its folder: the archive, the manifest, and which byte code is ours.

With these a damaged folder is repaired and a former release brought back without a network. They are named by
digest and checked again each time they are read, so a damaged copy costs a download and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from skillway_sync.archive import read_archive
from skillway_sync.disk import Disk
from skillway_sync.errors import RefusedError
from skillway_sync.manifest import MODES, FileEntry, Manifest, parse_manifest

ARCHIVES_FOLDER = "archives"
HOOKS_FOLDER = "hooks/"
BYTE_CODE_FOLDER = "hooks/__pycache__/"


class LocalArchives:
    """The folder `state/archives`.

    Args:
        state: The state folder.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / ARCHIVES_FOLDER
        self._manifests: dict[tuple[str, str], Manifest] = {}

    def archive_file(self, plugin: str, digest: str) -> Path:
        """Give the path of a plugin's archive, whether or not it is there."""
        return self.folder / plugin / f"{digest}.tgz"

    def manifest_file(self, plugin: str, digest: str) -> Path:
        """Give the path of a plugin's manifest, whether or not it is there."""
        return self.folder / plugin / f"{digest}.json"

    def byte_code_file(self, plugin: str, digest: str) -> Path:
        """Give the path of the record of a plugin's compiled hooks, whether or not it is there."""
        return self.folder / plugin / f"{digest}.hooks.json"

    def manifest(self, plugin: str, digest: str) -> Manifest | None:
        """Read a manifest, once; None when it is missing, damaged or another plugin's."""
        if (plugin, digest) in self._manifests:
            return self._manifests[plugin, digest]
        try:
            manifest = parse_manifest(self.manifest_file(plugin, digest).read_bytes(), where=plugin)
        except (OSError, RefusedError):
            return None
        if (manifest.plugin, manifest.digest) != (plugin, digest):
            return None
        self._manifests[plugin, digest] = manifest
        return manifest

    def files(self, plugin: str, digest: str) -> Iterator[tuple[FileEntry, bytes]]:
        """Yield a plugin's installed files from its archive, each one verified.

        Raises:
            RefusedError: The archive or its manifest is missing or damaged.
        """
        manifest = self.manifest(plugin, digest)
        path = self.archive_file(plugin, digest)
        if manifest is None:
            raise missing_archive(path)
        try:
            stream = path.open("rb")
        except OSError as error:
            raise missing_archive(path) from error
        with stream:
            yield from read_archive(stream, manifest, where=str(path))

    def byte_code(self, plugin: str, digest: str) -> tuple[str, tuple[FileEntry, ...]]:
        """Read which compiled hooks are our own: the interpreter that made them, and the files."""
        try:
            content = json.loads(self.byte_code_file(plugin, digest).read_bytes())
            entries = tuple(FileEntry(e["path"], e["sha256"], e["size"], e["mode"]) for e in content["files"])
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return "", ()
        ours = all(e.path.startswith(BYTE_CODE_FOLDER) and ".." not in e.path and e.mode in MODES for e in entries)
        return (str(content["interpreter"]), entries) if ours else ("", ())

    def save_byte_code(self, plugin: str, digest: str, interpreter: str, entries: list[FileEntry], disk: Disk) -> None:
        """Record which compiled hooks are our own."""
        content = {"interpreter": interpreter, "files": [entry.to_json() for entry in entries]}
        disk.make_folders(self.folder / plugin)
        disk.replace(self.byte_code_file(plugin, digest), json.dumps(content).encode(), 0o644, durable=False)

    def all_pairs(self) -> set[tuple[str, str]]:
        """Give the (plugin, digest) of everything that is kept."""
        return {(path.parent.name, path.name.partition(".")[0]) for path in self.folder.glob("*/*")}

    def forget(self, plugin: str, digest: str, disk: Disk) -> None:
        """Remove what is kept of a plugin."""
        self._manifests.pop((plugin, digest), None)
        for path in (
            self.archive_file(plugin, digest),
            self.byte_code_file(plugin, digest),
            self.manifest_file(plugin, digest),
        ):
            if path.exists():
                disk.remove(path)


def missing_archive(path: Path) -> RefusedError:
    """Say that a local archive cannot be used."""
    return RefusedError(
        f"The local archive {path} is missing or damaged.", fix="Run skillway-sync with the store in reach."
    )
