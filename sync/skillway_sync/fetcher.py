"""How bytes come from the store: file:// and http(s)://, within limits, with one error for each cause.

Nothing here decides whether bytes can be trusted; that is `trust`. What is decided here is how long and how
much a server may make us wait and read: python-tuf's own 30 s are a gap between two packets, and a server that
sends ten bytes a second held it for as long as it liked.
"""

from __future__ import annotations

import contextlib
import io
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError

from skillway_sync.errors import OfflineError
from skillway_sync.tuf_import import FetcherInterface

if TYPE_CHECKING:
    from skillway_sync.http_source import HttpSource

_CHUNK = 64 * 1024
_NOT_FOUND = 404
_KEEP = "The laptop keeps its present release; the next run tries again."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much patience a store gets; all in seconds but `minimum_rate`, which is bytes per second."""

    connect: float = 10.0
    request: float = 30.0
    grace: float = 10.0
    minimum_rate: int = 2048
    run: float = 300.0


class TransportError(DownloadError):
    """Carries an `OfflineError` through python-tuf, which lets only its own kind of error pass."""

    def __init__(self, message: str, *, fix: str = _KEEP) -> None:
        super().__init__(message)
        self.offline = OfflineError(message, fix=fix)


class StoreFetcher(FetcherInterface):
    """Fetches from one store.

    Args:
        store: The store's address; nothing outside its scheme and host is ever read.
        limits: The limits of each request and of all of them together.
        clock: Gives monotonic seconds.

    Attributes:
        requests: How many addresses have been asked for.
    """

    def __init__(
        self, store: str, *, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = urlsplit(store)
        self._limits = limits or Limits()
        self._clock = clock
        self._end = clock() + self._limits.run
        self._source: HttpSource | None = None
        self.requests = 0

    def stream(self, url: str, length: int) -> Iterator[bytes]:
        """Yield a file's bytes, at most `length` of them.

        Raises:
            TransportError: The store cannot be reached, is too slow, or something else answered.
            DownloadHTTPError: The server answered with an error status.
            DownloadLengthMismatchError: More came than the signed metadata says.
        """
        return self._at_most(url, length, self._limits.request + length / (8 * self._limits.minimum_rate))

    def _at_most(self, url: str, length: int, seconds: float) -> Iterator[bytes]:
        received = 0
        for piece in self._pieces(url, seconds):
            received += len(piece)
            if received > length:
                raise DownloadLengthMismatchError(f"{url} is longer than the {length} bytes that it may have")
            yield piece

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._pieces(url, self._limits.request)

    @contextlib.contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Give a metadata file from memory; python-tuf's own way leaves the disk layer out."""
        # Its length is not signed yet, so it earns no more time than any request has.
        yield io.BytesIO(b"".join(self._at_most(url, max_length, self._limits.request)))

    def _pieces(self, url: str, seconds: float) -> Iterator[bytes]:
        self.requests += 1
        source = _file_pieces if self._store.scheme == "file" else self._http().pieces
        yield from _refuse_page(self._within(source(url), url, seconds), url)

    def _http(self) -> HttpSource:
        if self._source is None:
            from skillway_sync.http_source import HttpSource

            self._source = HttpSource(self._store, connect=self._limits.connect, read=self._limits.request)
        return self._source

    def _within(self, source: Iterator[bytes], url: str, seconds: float) -> Iterator[bytes]:
        """Read in a thread, so that not even a name lookup or a dripping header can outlast the limits."""
        if self._store.scheme == "file":
            yield from source
            return
        begun = self._clock()
        end = min(begun + seconds, self._end)
        received = 0
        with contextlib.closing(_Reader(source)) as reader:
            while True:
                try:
                    piece = reader.next_piece(end - self._clock())
                except queue.Empty:
                    raise TransportError(
                        f"The store did not give {url} within {self._clock() - begun:.0f} s."
                    ) from None
                if piece is None:
                    return
                received += len(piece)
                spent = self._clock() - begun
                if spent > self._limits.grace and received / spent < self._limits.minimum_rate:
                    raise TransportError(
                        f"The store gave {url} at {received / spent:.0f} bytes a second, which is too slow."
                    )
                yield piece


class _Reader:
    """Runs an iterator of bytes in a thread of its own; one that hangs is left behind and ends with the process."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._pieces: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=16)
        self._closed = threading.Event()
        threading.Thread(target=self._run, args=(source,), daemon=True).start()

    def _run(self, source: Iterator[bytes]) -> None:
        last: Exception | None = None
        try:
            for piece in source:
                if not self._put(piece):
                    return
        except Exception as error:  # noqa: BLE001 - it is raised again where the bytes are awaited
            last = error
        self._put(last)

    def _put(self, piece: bytes | Exception | None) -> bool:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._pieces.put(piece, timeout=0.5)
                return True
        return False

    def next_piece(self, seconds: float) -> bytes | None:
        """Give the next bytes, or None at the end; raises queue.Empty when none came in time."""
        if seconds <= 0:
            raise queue.Empty
        piece = self._pieces.get(timeout=seconds)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        """Let the thread end at its next piece."""
        self._closed.set()


def file_path(url: str) -> Path:
    """Give the path that a file:// address names."""
    if sys.platform == "win32":
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(url).path))
    return Path(unquote(urlsplit(url).path))


def _file_pieces(url: str) -> Iterator[bytes]:
    path = file_path(url)
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_CHUNK):
                yield piece
    except (FileNotFoundError, NotADirectoryError):
        raise DownloadHTTPError(f"{path} does not exist", _NOT_FOUND) from None
    except OSError as error:
        raise TransportError(f"The store's file {path} cannot be read ({error.strerror}).") from error


def _refuse_page(pieces: Iterator[bytes], url: str) -> Iterator[bytes]:
    first = True
    for piece in pieces:
        if first and piece.lstrip()[:1] == b"<":
            raise page_error(url)
        first = False
        yield piece


def page_error(url: str) -> TransportError:
    """Say that something with a web page of its own answered in the store's place, such as a network's sign-in."""
    return TransportError(
        f"A web page came back from {url} instead of the store's file.",
        fix="Sign in to the network if it asks for it, or check the store's address in the configuration.",
    )
