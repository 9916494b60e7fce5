"""How bytes come from the store: file:// and http(s)://, within limits, with one error for each cause.

Nothing here decides whether bytes can be trusted; that is `trust`. What is decided here is how long and how
much a server may make us wait and read: python-tuf's own 30 s are a gap between two packets, and a server that
sends ten bytes a second held it for as long as it liked.
"""

from __future__ import annotations

import contextlib
import io
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass, url2pathname

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient.fetcher import FetcherInterface

from skillway_sync import __version__
from skillway_sync.errors import OfflineError

_CHUNK = 64 * 1024
_MAX_REDIRECTS = 3
_NOT_FOUND = 404
_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500
_REDIRECTS = (301, 302, 303, 307, 308)
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
        self._pool: Any = None
        self.requests = 0

    def stream(self, url: str, length: int) -> Iterator[bytes]:
        """Yield a file's bytes, at most `length` of them.

        Raises:
            TransportError: The store cannot be reached, is too slow, or something else answered.
            DownloadHTTPError: The server answered with an error status.
            DownloadLengthMismatchError: More came than the signed metadata says.
        """
        received = 0
        seconds = self._limits.request + length / (8 * self._limits.minimum_rate)
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
        yield io.BytesIO(b"".join(self.stream(url, max_length)))

    def _pieces(self, url: str, seconds: float) -> Iterator[bytes]:
        self.requests += 1
        source = _file_pieces if self._store.scheme == "file" else self._http_pieces
        yield from _refuse_page(self._within(source(url), url, seconds), url)

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

    def _http_pieces(self, url: str) -> Iterator[bytes]:
        response = self._open(url)
        try:
            if "text/html" in response.headers.get("content-type", "").lower():
                raise _page(url)
            while True:
                piece = response.read1(_CHUNK)
                if not piece:
                    return
                yield piece
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransportError(f"The connection to the store broke while {url} was read ({error}).") from error
        finally:
            response.close()

    def _open(self, url: str) -> Any:  # noqa: ANN401 - urllib3's response classes differ between its versions
        for _ in range(_MAX_REDIRECTS):
            response = self._request(url)
            if response.status in _REDIRECTS:
                response.close()
                url = self._redirected(url, response.headers.get("location", ""))
                continue
            if response.status >= _FIRST_ERROR:
                response.close()
                raise _status_error(url, response.status)
            return response
        raise TransportError(f"The store redirected {url} more than {_MAX_REDIRECTS} times.")

    def _request(self, url: str) -> Any:  # noqa: ANN401 - as _open
        if self._pool is None:
            self._pool = _make_pool(self._store.scheme, self._store.hostname or "")
        try:
            return self._pool.request(
                "GET",
                url,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=self._limits.connect, read=self._limits.request),
                headers={"User-Agent": f"skillway-sync/{__version__}", "Accept-Encoding": "identity"},
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransportError(f"{_cause(error)} ({self._store.netloc}: {error}).") from error

    def _redirected(self, url: str, location: str) -> str:
        target = urlsplit(urljoin(url, location))
        if (target.scheme, target.netloc) != (self._store.scheme, self._store.netloc):
            raise TransportError(
                f"The store's address {url} was redirected to {target.scheme}://{target.netloc}, which is not the store.",
                fix="Sign in to the network if it asks for it, or give the store's final address in the configuration.",
            )
        return target.geturl()


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


def _file_pieces(url: str) -> Iterator[bytes]:
    path = Path(url2pathname(unquote(urlsplit(url).path)))
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
            raise _page(url)
        first = False
        yield piece


def _page(url: str) -> TransportError:
    return TransportError(
        f"A web page came back from {url} instead of the store's file.",
        fix="Sign in to the network if it asks for it, or check the store's address in the configuration.",
    )


def _status_error(url: str, status: int) -> DownloadError:
    if status >= _FIRST_SERVER_ERROR:
        return TransportError(f"The store answered {status} for {url}: its server has a fault.")
    if status in (401, 407):
        return TransportError(f"The store answered {status} for {url}: it wants a sign-in, which sync does not do.")
    return DownloadHTTPError(f"the store answered {status} for {url}", status)


def _cause(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        for kind, text in _CAUSES:
            if isinstance(seen, kind):
                return text
        reason = getattr(seen, "reason", None)
        seen = reason if isinstance(reason, BaseException) else seen.__cause__
    return "The store cannot be reached"


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (urllib3.exceptions.NameResolutionError, "The store's host name cannot be found"),
    (urllib3.exceptions.SSLError, "The store's TLS certificate is not accepted"),
    (ssl.SSLError, "The store's TLS certificate is not accepted"),
    (urllib3.exceptions.ProxyError, "The proxy on the way to the store failed"),
    (urllib3.exceptions.ConnectTimeoutError, "The store did not answer in time"),
    (urllib3.exceptions.ReadTimeoutError, "The store did not answer in time"),
    (ConnectionRefusedError, "The store's server refused the connection"),
)


def _make_pool(scheme: str, host: str) -> urllib3.PoolManager:
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy and not proxy_bypass(host):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()
