"""Which files of a build must go into the store, each proven to be what its digest says; read, never written.

A plugin's digest names its content, not how that was compressed. So what is published stays as it is, and the
archive of another machine's build of the same digest is not even looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuf.api.metadata import TargetFile

from skillway.build import Build, BuiltPlugin
from skillway.errors import RepositoryError
from skillway.release.chain import Chain
from skillway.release.signing import target_file
from skillway_sync.archive import read_archive
from skillway_sync.errors import RefusedError
from skillway_sync.manifest import Manifest
from skillway_sync.release_document import ReleasedPlugin, archive_target, manifest_target


@dataclass(frozen=True)
class NewTarget:
    """One file for the store: its signed `entry`, and its bytes, or where they are read when they are written."""

    entry: TargetFile
    data: bytes | Path

    def read(self) -> bytes:
        """Give the bytes.

        Raises:
            RepositoryError: The build's file cannot be read any more.
        """
        if isinstance(self.data, bytes):
            return self.data
        try:
            return self.data.read_bytes()
        except OSError as error:
            raise _damaged(self.data, f"cannot be read ({error.strerror})") from error


def released_plugins(build: Build) -> dict[str, ReleasedPlugin]:
    """Give the entries of a build's plugins in a release document, by name."""
    return {
        name: ReleasedPlugin(plugin.digest, plugin.version, plugin.layer, plugin.team, plugin.description)
        for name, plugin in build.plugins.items()
    }


def read_manifests(build: Build) -> dict[str, Manifest]:
    """Read and check the manifests of a build.

    Raises:
        RepositoryError: One is missing, or is not that of its digest.
    """
    return {name: plugin.read_manifest() for name, plugin in build.plugins.items()}


def new_targets(build: Build, manifests: Mapping[str, Manifest], chain: Chain) -> list[NewTarget]:
    """Choose what of a build the store does not have whole, archives before manifests.

    Raises:
        RepositoryError: An archive is not what its manifest says.
    """
    archives, documents = [], []
    for name, plugin in build.plugins.items():
        archive, document = archive_target(name, plugin.digest), manifest_target(name, plugin.digest)
        if not _is_whole(chain, archive):
            archives.append(_checked_archive(plugin, manifests[name], archive))
        if not _is_whole(chain, document):
            data = manifests[name].to_bytes()
            documents.append(NewTarget(target_file(document, data), data))
    return archives + documents


def _is_whole(chain: Chain, target: str) -> bool:
    entry = chain.targets.get(target)
    return entry is not None and chain.store.target_fault(target, entry.hashes["sha256"], entry.length) is None


def _checked_archive(plugin: BuiltPlugin, manifest: Manifest, target: str) -> NewTarget:
    path = plugin.archive_file
    try:
        with path.open("rb") as stream:
            for _entry, _data in read_archive(stream, manifest, where=str(path)):
                pass
        entry = target_file(target, path.read_bytes())
    except RefusedError as error:
        raise _damaged(path, error.message) from error
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from error
    return NewTarget(entry, path)


def _damaged(path: Path, what: str) -> RepositoryError:
    return RepositoryError(
        f"The build is damaged, so nothing was published: {path}: {what}",
        fix="Delete the build's folder and run skillway build again.",
        next_actions=("skillway build",),
    )
