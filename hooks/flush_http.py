"""How does one request get to the receiver?

Standard library, one connection for a run. Follows no redirect, because the key would go along. Proxies as the
environment says (HTTPS_PROXY, NO_PROXY), certificates of the system, of SSL_CERT_FILE and of the configuration. Leaves
the meaning of an answer to `flush_answer.py`.
"""

import base64
import http.client
import signal
import ssl
import time
import zlib
from contextlib import suppress
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from flush_answer import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from flush_config import Config

REQUEST_S = 10.0
"""Longest time for one request, in seconds."""
MAX_BODY = 64 << 10
GZIP_LEVEL = 8
"""43.9 bytes for a typical event at 42,000 events per CPU second; level 6 takes 45.1 at 48,000, level 9 42.7 at 32,000."""


class Sender:
    """Posts batches to one URL.

    Args:
        config: With URL, headers and certificates.
        deadline: When the run must be over, on the monotonic clock.
    """

    def __init__(self, config: "Config", deadline: float) -> None:
        self._config = config
        self._deadline = deadline
        self._connection: "http.client.HTTPConnection | None" = None
        self._target = ""
        self._extra: "dict[str, str]" = {}

    def seconds_left(self) -> float:
        """Give the seconds until the run must be over."""
        return self._deadline - time.monotonic()

    def post(self, body: bytes) -> Answer:
        """Send one body, compressed; whatever goes wrong is in the answer."""
        data = compress(body)
        limit = max(0.1, min(REQUEST_S, self.seconds_left()))
        try:
            with _Alarm(limit):
                return self._exchange(data, limit)
        except ssl.SSLError as error:
            self.close()
            return Answer(0, {}, fault="tls", detail=type(error).__name__)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Answer(0, {}, fault="connection", detail=type(error).__name__)

    def _exchange(self, data: bytes, limit: float) -> Answer:
        if self._connection is None:
            self._connection = self._connect(limit)
        headers = {**self._config.headers, **self._extra}
        headers.update({"Content-Type": "application/json", "Content-Encoding": "gzip", "User-Agent": "skillway"})
        self._connection.request("POST", self._target, body=data, headers=headers)
        response = self._connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        body = _read(response)
        if response.will_close or not response.isclosed():
            self.close()
        return Answer(response.status, found, body)

    def _connect(self, limit: float) -> http.client.HTTPConnection:
        url = urlsplit(self._config.url)
        host, port = url.hostname or "", url.port
        proxy = "" if proxy_bypass(host) else getproxies().get(url.scheme, "")
        self._target = url.path or "/"
        if not proxy:
            return self._open(url.scheme, host, port, limit)
        via = urlsplit(proxy if "//" in proxy else "//" + proxy)
        login = _login(via.username, via.password)
        if url.scheme == "http":
            self._target = self._config.url
            self._extra = login
            return http.client.HTTPConnection(via.hostname or "", via.port, timeout=limit)
        connection = self._open("https", via.hostname or "", via.port, limit)
        connection.set_tunnel(host, port, headers=login)
        return connection

    def _open(self, scheme: str, host: str, port: "int | None", limit: float) -> http.client.HTTPConnection:
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=limit)
        context = ssl.create_default_context()
        if self._config.ca_file:
            context.load_verify_locations(cafile=self._config.ca_file)
        return http.client.HTTPSConnection(host, port, timeout=limit, context=context)

    def close(self) -> None:
        """Let the connection go; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Alarm:
    """Ends a request that a slow server stretches byte by byte: a socket's timeout starts anew with each of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        with suppress(AttributeError, ValueError):  # no such timer on Windows
            signal.signal(signal.SIGALRM, _on_alarm)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        with suppress(AttributeError):
            signal.setitimer(signal.ITIMER_REAL, 0)


def _on_alarm(_number: int, _frame: "FrameType | None") -> None:
    raise TimeoutError


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read the start of a body; the status stands even when the rest never comes."""
    try:
        return response.read(MAX_BODY)
    except (OSError, http.client.HTTPException):
        return b""


def _login(user: "str | None", password: "str | None") -> "dict[str, str]":
    if not user:
        return {}
    pair = unquote(user) + ":" + unquote(password or "")
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def compress(body: bytes) -> bytes:
    """Compress as gzip without a time in it, so that equal batches are equal bytes."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()
