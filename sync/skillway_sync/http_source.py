"""How is one address read over http or https? Redirects, proxies, and which cause a failure had.

Limits of time and size are `fetcher`'s, which runs this in a thread that it can leave behind.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from skillway_sync import __version__
from skillway_sync.fetcher import TransportError, page_error

_CHUNK = 64 * 1024
_MAX_REDIRECTS = 3
_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500
_REDIRECTS = (301, 302, 303, 307, 308)


class HttpSource:
    """Reads from one server and from no other.

    Args:
        store: The store's address.
        connect: Seconds for making a connection.
        read: Seconds between two packets.
    """

    def __init__(self, store: SplitResult, *, connect: float, read: float) -> None:
        self._store = store
        self._timeout = urllib3.Timeout(connect=connect, read=read)
        self._pool = _make_pool(store.scheme, store.hostname or "")

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield the bytes of an address as they come.

        Raises:
            TransportError: The server cannot be reached, or something else answered.
            DownloadHTTPError: The server answered with an error status.
        """
        response = self._open(url)
        try:
            if "text/html" in response.headers.get("content-type", "").lower():
                raise page_error(url)
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
        try:
            return self._pool.request(
                "GET",
                url,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=self._timeout,
                headers={"User-Agent": f"skillway-sync/{__version__}", "Accept-Encoding": "identity"},
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransportError(f"{_cause(error)} ({url}).") from error

    def _redirected(self, url: str, location: str) -> str:
        target = urlsplit(urljoin(url, location))
        if (target.scheme, target.netloc) != (self._store.scheme, self._store.netloc):
            raise TransportError(
                f"The store's address {url} was redirected to {target.scheme}://{target.netloc}, which is not the store.",
                fix="Sign in to the network if it asks for it, or give the store's final address in the configuration.",
            )
        return target.geturl()


def _status_error(url: str, status: int) -> DownloadError:
    if status >= _FIRST_SERVER_ERROR:
        return TransportError(f"The store answered {status} for {url}: its server has a fault.")
    if status in (401, 407):
        return TransportError(f"The store answered {status} for {url}: it wants a sign-in, which sync does not do.")
    return DownloadHTTPError(f"the store answered {status} for {url}", status)


def _cause(error: BaseException) -> str:
    """Name the cause that says most; urllib3 wraps the system's error in one or two of its own."""
    chain = [error]
    while (inner := _inner(chain[-1])) is not None:
        chain.append(inner)
    found = (text for kind, text in _CAUSES if any(isinstance(each, kind) for each in chain))
    return next(found, "The store cannot be reached")


def _inner(error: BaseException) -> BaseException | None:
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, BaseException) else error.__cause__


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (urllib3.exceptions.NameResolutionError, "The store's host name cannot be found"),
    (urllib3.exceptions.SSLError, "The store's TLS certificate is not accepted"),
    (ssl.SSLError, "The store's TLS certificate is not accepted"),
    (urllib3.exceptions.ProxyError, "The proxy on the way to the store failed"),
    # Before the time limits: a refused connection is a kind of ConnectTimeoutError in urllib3 2.
    (ConnectionRefusedError, "The store's server refused the connection"),
    (urllib3.exceptions.ConnectTimeoutError, "The store did not answer in time"),
    (urllib3.exceptions.ReadTimeoutError, "The store did not answer in time"),
)


def _make_pool(scheme: str, host: str) -> urllib3.PoolManager:
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy and not proxy_bypass(host):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()
