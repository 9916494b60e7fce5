"""What does the store say, and is it really the publisher who says it?

python-tuf decides: signatures, thresholds, versions, expiry, hashes. This module gives it a scratch folder, keeps
what it verified in `state/trust`, and turns its errors into ours. Which release to take, and whether to take it
now, is the engine's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, TargetFile
from tuf.api.serialization import DeserializationError

from skillway_sync.config import Config
from skillway_sync.disk import Disk
from skillway_sync.errors import ConfigError, ExpiredError, OfflineError, RefusedError, SyncError
from skillway_sync.fetcher import StoreFetcher, TransportError
from skillway_sync.manifest import MAX_PLUGIN_BYTES
from skillway_sync.release_document import (
    Release,
    RingPointer,
    archive_target,
    manifest_target,
    parse_release,
    parse_ring,
    release_target,
    ring_target,
)
from skillway_sync.tuf_import import Updater, UpdaterConfig

TRUST_FOLDER = "trust"
RELEASES_FOLDER = "releases"
RING_FILE = "ring.json"
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
_TOP_ROLES = ("timestamp", "snapshot", "targets", "release")


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a later run needs to see that nothing is new.

    Attributes:
        timestamp: The verified bytes of timestamp.json.
        root_version: The root in force; a store with a newer one has `root_version + 1`.
        expires: When the first of the metadata in use expires; seconds, UTC.
    """

    timestamp: bytes
    root_version: int
    expires: float


class TrustedStore:
    """The store's verified content; made by `open_store`."""

    def __init__(self, config: Config, state: Path, scratch: Path, fetcher: StoreFetcher, updater: Updater) -> None:
        self._config = config
        self._state = state
        self._scratch = scratch
        self._fetcher = fetcher
        self._updater = updater

    @property
    def requests(self) -> int:
        """How many addresses were asked for."""
        return self._fetcher.requests

    def ring(self) -> tuple[RingPointer, bytes]:
        """Give the pointer of this laptop's ring.

        Raises:
            RefusedError: The store has no such ring, or the pointer is for another one.
        """
        name = ring_target(self._config.ring)
        data = self._document(name, self._state / RING_FILE, missing=self._no_ring())
        pointer = parse_ring(data, where=self._url(name))
        if pointer.ring != self._config.ring:
            raise RefusedError(
                f"The pointer of ring {self._config.ring} is for ring {pointer.ring}.",
                fix="Publish the ring's pointer again.",
            )
        return pointer, data

    def release(self, seq: int) -> tuple[Release, bytes]:
        """Give a release document.

        Raises:
            RefusedError: There is none of that number, or it is for another.
        """
        name = release_target(seq)
        data = self._document(name, self._state / RELEASES_FOLDER / f"{seq}.json", missing=_not_published(name))
        release = parse_release(data, where=self._url(name))
        if release.seq != seq:
            raise RefusedError(
                f"The document of release {seq} is for release {release.seq}.", fix="Publish the release again."
            )
        return release, data

    def manifest(self, plugin: str, digest: str) -> bytes:
        """Give the bytes of a plugin's manifest."""
        name = manifest_target(plugin, digest)
        return self._document(name, None, missing=_not_published(name))

    def archive_length(self, plugin: str, digest: str) -> int:
        """Give the bytes that a plugin's archive has, as signed."""
        name = archive_target(plugin, digest)
        return self._info(name, missing=_not_published(name)).length

    def is_archive(self, plugin: str, digest: str, path: Path) -> bool:
        """Tell whether a file on this disk has the bytes that are signed; one that a power loss damaged has not."""
        name = archive_target(plugin, digest)
        return _cached(path, self._info(name, missing=_not_published(name))) is not None

    def download_archive(self, plugin: str, digest: str, target: Path, disk: Disk) -> None:
        """Write a plugin's archive to a new file; after an error the file may be there, unfinished.

        Raises:
            RefusedError: The bytes are not those that are signed.
            OfflineError: The store cannot be reached.
        """
        name = archive_target(plugin, digest)
        info = self._info(name, missing=_not_published(name))
        if info.length > MAX_PLUGIN_BYTES:
            raise RefusedError(
                f"{self._url(name)} has {info.length} bytes, and {MAX_PLUGIN_BYTES} is the most.", fix="Publish less."
            )
        with _tuf_errors(self._url(name)):
            disk.write_file(target, _verified(self._fetcher.stream(self._target_url(info), info.length), info), 0o644)

    def freshness(self) -> Freshness:
        """Give what a later run needs to see that nothing is new."""
        roots = sorted(
            (self._scratch / "root_history").glob("*.root.json"), key=lambda path: int(path.name.split(".")[0])
        )
        used = [self._scratch / f"{role}.json" for role in (*_TOP_ROLES, f"ring-{self._config.ring}")]
        expiries = [_expiry(path) for path in [roots[-1], *used] if path.exists()]
        timestamp = (self._scratch / "timestamp.json").read_bytes()
        return Freshness(timestamp, int(roots[-1].name.split(".")[0]), min(expiries))

    def remember(self, disk: Disk) -> None:
        """Keep what was verified for the next run.

        Not synced: a copy that a power loss damaged does not verify, and is fetched again.
        """
        trust = self._state / TRUST_FOLDER
        disk.make_folders(trust / "root_history")
        for path in _metadata_files(self._scratch):
            kept = trust / path.relative_to(self._scratch)
            data = path.read_bytes()
            if _bytes_of(kept) != data:
                disk.replace(kept, data, 0o644, durable=False)

    def _document(self, name: str, cached: Path | None, *, missing: SyncError) -> bytes:
        info = self._info(name, missing=missing)
        if cached is not None and (data := _cached(cached, info)) is not None:
            return data
        if info.length > MAX_DOCUMENT_BYTES:
            raise RefusedError(
                f"{self._url(name)} has {info.length} bytes, which no such document needs.", fix="Publish it again."
            )
        with _tuf_errors(self._url(name)):
            return b"".join(_verified(self._fetcher.stream(self._target_url(info), info.length), info))

    def _info(self, name: str, *, missing: SyncError) -> TargetFile:
        with _tuf_errors(self._url(name)):
            info = self._updater.get_targetinfo(name)
        if info is None:
            raise missing
        return info

    def _target_url(self, info: TargetFile) -> str:
        folder, _, file = info.path.rpartition("/")
        return f"{self._config.store}/targets/{folder}/{next(iter(info.hashes.values()))}.{file}"

    def _url(self, name: str) -> str:
        return f"{self._config.store}/targets/{name}"

    def _no_ring(self) -> SyncError:
        return RefusedError(
            f"The store {self._config.store} has no release for ring {self._config.ring}.",
            fix=f"Publish one to {self._config.ring}, or change the ring in this laptop's configuration.",
        )


def open_store(
    config: Config, state: Path, scratch: Path, disk: Disk, *, fetcher: StoreFetcher | None = None
) -> TrustedStore:
    """Bring the trusted metadata up to date.

    Args:
        config: Where the store is, and which root it must descend from.
        state: The state folder; what was verified before is read from its `trust`.
        scratch: A folder that does not exist yet, for python-tuf to write in; the caller removes it.
        disk: The file layer.
        fetcher: Reads the store; one with the usual limits when None.

    Raises:
        ConfigError: The initial root cannot be used.
        OfflineError: The store cannot be reached.
        ExpiredError: The store's signatures are out of date.
        RefusedError: What the store says is not signed as it must be, or older than what was seen before.
    """
    bootstrap = _initial_root(config.root_json)
    _seed(state / TRUST_FOLDER, scratch, disk)
    source = fetcher or StoreFetcher(config.store)
    limits = UpdaterConfig(max_delegations=16)
    with _tuf_errors(f"{config.store}/metadata/"):
        updater = Updater(str(scratch), f"{config.store}/metadata/", None, None, source, limits, bootstrap=bootstrap)
        updater.refresh()
    return TrustedStore(config, state, scratch, source, updater)


def initial_root_digest(path: Path) -> str:
    """Give the sha256 of the initial root, which tells one store's history from another's.

    Raises:
        ConfigError: The initial root cannot be used.
    """
    return hashlib.sha256(_initial_root(path)).hexdigest()


def _initial_root(path: Path) -> bytes:
    fix = (
        "Put the publisher's root.json there (docs/guides/it.md), or name its place as root_json in the configuration."
    )
    try:
        data = path.read_bytes()
        Metadata[Root].from_bytes(data).verify_delegate(Root.type, Metadata[Root].from_bytes(data))
    except OSError as error:
        raise ConfigError(f"The trusted root {path} cannot be read ({error.strerror}).", fix=fix) from error
    except (DeserializationError, exceptions.RepositoryError, ValueError, TypeError) as error:
        # TypeError: python-tuf's answer to metadata of another role, such as a timestamp.json under this name.
        raise ConfigError(f"The trusted root {path} is not a signed TUF root ({error}).", fix=fix) from error
    return data


def _seed(trust: Path, scratch: Path, disk: Disk) -> None:
    disk.mkdir(scratch)
    disk.mkdir(scratch / "root_history")
    for path in _metadata_files(trust):
        disk.write_file(scratch / path.relative_to(trust), path.read_bytes(), 0o644)


def _metadata_files(folder: Path) -> list[Path]:
    # root.json is python-tuf's link to the newest of root_history; it makes its own.
    top = [path for path in sorted(folder.glob("*.json")) if path.name != "root.json"]
    return [path for path in [*top, *sorted((folder / "root_history").glob("*.root.json"))] if path.is_file()]


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _cached(path: Path, info: TargetFile) -> bytes | None:
    data = _bytes_of(path)
    if data is not None:
        with contextlib.suppress(exceptions.LengthOrHashMismatchError):
            info.verify_length_and_hashes(data)
            return data
    return None


def _verified(pieces: Iterator[bytes], info: TargetFile) -> Iterator[bytes]:
    """Pass bytes on and check them at the end, before the caller can take them for complete."""
    hashes = {name: hashlib.new(name) for name in info.hashes}
    length = 0
    for piece in pieces:
        length += len(piece)
        for each in hashes.values():
            each.update(piece)
        yield piece
    if length != info.length or any(each.hexdigest() != info.hashes[name] for name, each in hashes.items()):
        raise exceptions.LengthOrHashMismatchError(f"{info.path} is not what is signed")


def _expiry(path: Path) -> float:
    return float(timegm(time.strptime(json.loads(path.read_bytes())["signed"]["expires"], "%Y-%m-%dT%H:%M:%SZ")))


def _not_published(name: str) -> SyncError:
    return RefusedError(
        f"The store's signed list does not have {name}.", fix="Publish the release again; it is not complete."
    )


@contextlib.contextmanager
def _tuf_errors(where: str) -> Iterator[None]:
    try:
        yield
    except TransportError as error:
        raise error.offline from error
    except exceptions.DownloadHTTPError as error:
        raise OfflineError(
            f"The store does not have a file that it must have: {error}.",
            fix="Check the store's address in the configuration; it must hold metadata/ and targets/.",
        ) from error
    except exceptions.ExpiredMetadataError as error:
        raise ExpiredError(
            f"The signatures of {where} are out of date: {error}.",
            fix="Publish again (skillway release publish), or set this laptop's clock if it is wrong.",
        ) from error
    except exceptions.DownloadError as error:
        raise _refused(where, error) from error
    except (exceptions.RepositoryError, DeserializationError) as error:
        raise _refused(where, error) from error


def _refused(where: str, error: Exception) -> RefusedError:
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (exceptions.UnsignedMetadataError, "is not signed by enough of the keys that this laptop trusts"),
        (exceptions.BadVersionNumberError, "is older than what this laptop has seen, or names the wrong version"),
        (exceptions.LengthOrHashMismatchError, "does not have the bytes that are signed"),
        (exceptions.DownloadLengthMismatchError, "sent more bytes than it may"),
        (DeserializationError, "is not metadata that can be read"),
    )
    what = next((text for kind, text in kinds if isinstance(error, kind)), "does not pass verification")
    return RefusedError(
        f"What {where} gave {what} ({error}).",
        fix="Nothing of it was used. Tell the publisher, and check that root.json on this laptop is theirs.",
    )
