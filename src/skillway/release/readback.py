"""Whether a laptop could read what is about to be published: asked with python-tuf's client, before it is visible.

The client sees the store's files with the new timestamp laid over them. What it cannot read is never committed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from skillway.release.errors import StoreError
from skillway.release.store import METADATA, TARGETS, TIMESTAMP_FILE, Store
from skillway_sync.errors import RefusedError
from skillway_sync.release_document import (
    archive_target,
    manifest_target,
    parse_release,
    parse_ring,
    release_target,
    ring_target,
)

_CHUNK_BYTES = 1 << 18
_NOT_FOUND = 404


class FileFetcher(FetcherInterface):
    """Reads file:// URLs. `overlay` goes from a URL to the bytes that are given in place of the file's."""

    def __init__(self, overlay: dict[str, bytes] | None = None) -> None:
        self._overlay = overlay or {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        if url in self._overlay:
            return iter([self._overlay[url]])
        path = Path(url2pathname(unquote(urlsplit(url).path)))
        if not path.is_file():
            raise DownloadHTTPError(f"{path} is not there", _NOT_FOUND)
        return _chunks(path)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def verify_readable(
    store: Store, *, root: bytes, timestamp: bytes, pointers: dict[str, int], fetched: Iterable[str]
) -> None:
    """Read the staged state as a new laptop would.

    Args:
        store: The store, with everything written but the timestamp.
        root: The root that the reader starts from: the oldest that any laptop may have.
        timestamp: The staged timestamp.
        pointers: From ring to the release that it must be seen on.
        fetched: Targets to download whole; of the others of a release it is enough that they are signed.

    Raises:
        StoreError: The reader refuses something, or sees another release.
    """
    base = store.folder.resolve().as_uri()
    overlay = {f"{base}/{METADATA}/{TIMESTAMP_FILE}": timestamp}
    with tempfile.TemporaryDirectory(prefix="skillway-readback-") as scratch:
        try:
            updater = Updater(
                str(Path(scratch) / METADATA),
                f"{base}/{METADATA}/",
                str(Path(scratch) / TARGETS),
                f"{base}/{TARGETS}/",
                FileFetcher(overlay),
                bootstrap=root,
            )
            updater.refresh()
            reader = _Reader(updater, Path(scratch) / "target")
            for ring, seq in pointers.items():
                reader.check_ring(ring, seq)
            for target in fetched:
                reader.fetch(target)
        except (RepositoryError, DownloadError, RefusedError, OSError) as error:
            raise StoreError(
                f"What was written to {store.folder} cannot be read back ({error}), so it was not made visible.",
                fix="Run the command again; if it happens again, check the disk, then the keys with skillway release status.",
            ) from error


class _Reader:
    def __init__(self, updater: Updater, scratch: Path) -> None:
        self._updater = updater
        self._scratch = scratch

    def check_ring(self, ring: str, seq: int) -> None:
        pointer = parse_ring(self.fetch(ring_target(ring)), where=ring_target(ring))
        if (pointer.ring, pointer.release) != (ring, seq):
            raise RepositoryError(f"ring {ring} is seen on release {pointer.release}, not {seq}")
        release = parse_release(self.fetch(release_target(seq)), where=release_target(seq))
        for name, plugin in release.plugins.items():
            for target in (manifest_target(name, plugin.digest), archive_target(name, plugin.digest)):
                if self._updater.get_targetinfo(target) is None:
                    raise RepositoryError(f"{target} of release {seq} is not signed")

    def fetch(self, target: str) -> bytes:
        entry = self._updater.get_targetinfo(target)
        if entry is None:
            raise RepositoryError(f"{target} is not signed")
        return Path(self._updater.download_target(entry, str(self._scratch))).read_bytes()
