"""How is the API of GitHub asked, so that nothing is asked twice and nobody is flooded?

One request after the other, as GitHub asks for. A page that did not change costs nothing of the limit (ETag), a limit
is waited for as long as the answer says, a fault of the server is tried again. What the answers mean is `github`'s part.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from skillway.errors import EXIT_AUTH, EXIT_RETRY, NotFoundError, SkillwayError

DEFAULT_API = "https://api.github.com"
TRIES = 5
"""Of one request that a fault of server or network ended."""
_VERSION = "2022-11-28"
_TIMEOUT = 30.0
_PAGE = "page-"
_FIRST_PAUSE = 1.0
_LEAST_LIMIT_PAUSE = 60.0
"""Seconds; what GitHub asks for when a limit is told without a time."""
_MOST_BYTES = 64 << 20
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class ForgeRetryError(SkillwayError):
    """The caller must come back: the forge's API does not answer now, or wants to be left alone for long."""

    code = "retry_later"
    exit_code = EXIT_RETRY


class ForgeAuthError(SkillwayError):
    """The caller must act: the forge's API refuses the token."""

    code = "forge_auth"
    exit_code = EXIT_AUTH


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its JSON value, and the addresses of the next and the last page, where there are more."""

    value: Any
    next_url: str | None
    last_url: str | None


@dataclass
class Pace:
    """Clock and patience; the same for all requests of a run.

    Attributes:
        most_wait: Seconds that one limit may take; a longer one ends the run.
        tell: Is told, in a sentence, what is waited for.
        sleep: Waits seconds.
        clock: Gives the time, in seconds since 1970.
    """

    most_wait: float = 3600.0
    tell: Callable[[str], None] = lambda _text: None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time


class GitHub:
    """A connection to one API.

    Args:
        api_url: Such as `https://api.github.com`, or `https://HOST/api/v3` of an own server.
        token: Or None, which GitHub answers 60 times an hour.
        cache: A folder for pages that may not have changed, or None; it is made, 0700.
        pace: Clock and patience.

    Raises:
        SkillwayError: The address is none, or would show the token to the network.
    """

    def __init__(self, api_url: str, token: str | None, cache: Path | None, pace: Pace) -> None:
        parts = urlsplit(api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise SkillwayError(f"{api_url!r} is no address of an API.", fix="Give one such as https://HOST/api/v3.")
        if parts.scheme == "http" and token and parts.hostname not in _LOOPBACK:
            raise SkillwayError(f"{api_url} would show the token to the network.", fix="Use https.")
        self.api_url = api_url.rstrip("/")
        self.requests = 0
        self.unchanged = 0
        self._cache = cache
        self._pace = pace
        self._blocked_until = 0.0
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": _VERSION, "User-Agent": "skillway"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # A moved repository answers 301; httpx leaves the token at home when the host is another one.
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, *, is_cached: bool = False) -> Page:
        """Get one page.

        Args:
            path: From the API's address on, or the whole address of a next page.
            is_cached: Whether the answer is kept, and asked for next time only if it changed.

        Raises:
            ForgeRetryError: It did not answer, or a limit lasts longer than the patience.
            ForgeAuthError: The token is refused.
            NotFoundError: There is no such thing, or the token may not see it.
            SkillwayError: The answer is no JSON, or points to another server.
        """
        url = path if path.startswith(("http://", "https://")) else f"{self.api_url}{path}"
        if not url.startswith(f"{self.api_url}/"):
            raise SkillwayError(f"The API at {self.api_url} points to {url}.", fix="Give that server's address itself.")
        kept = self._kept(url) if is_cached else None
        response = self._answer(url, kept)
        if response.status_code == httpx.codes.NOT_MODIFIED and kept is not None:
            self.unchanged += 1
            return Page(kept["value"], kept["next"], kept["last"])
        links = {name: link.get("url") for name, link in response.links.items()}
        page = Page(response.json(), links.get("next"), links.get("last"))
        if is_cached and (tag := response.headers.get("etag")):
            self._keep(url, {"etag": tag, "value": page.value, "next": page.next_url, "last": page.last_url})
        return page

    def forget_pages(self, *, but: str) -> None:
        """Drop kept pages once they served their run; the one at a path stays, because the next run starts with it."""
        if self._cache is not None:
            for file in self._cache.glob(f"{_PAGE}*.json"):
                if file.name != _name(f"{self.api_url}{but}"):
                    file.unlink(missing_ok=True)

    def _answer(self, url: str, kept: Mapping[str, Any] | None) -> httpx.Response:
        """Ask until there is an answer that can be used."""
        headers = {"If-None-Match": str(kept["etag"])} if kept else {}
        fault = ""
        attempt = 0
        while attempt < TRIES:
            self._wait_until(self._blocked_until, "its limit is used up")
            if attempt:
                self._pace.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
            try:
                response = self._client.get(url, headers=headers)
            except httpx.HTTPError as error:
                fault, attempt = f"{type(error).__name__}: {error}", attempt + 1
                continue
            self.requests += 1
            if self._is_limit(response):
                self._wait_for_limit(response, attempt)
                attempt += 1
                fault = "it keeps saying that a limit is used up"
                continue
            self._note_limit(response)
            if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                fault = self._fault(response, url)
                if not fault:
                    return response
            else:
                fault = f"status {response.status_code}"
            attempt += 1
        raise ForgeRetryError(
            f"{url} could not be read after {TRIES} attempts ({fault}).",
            fix="What was collected is kept; run the same command again later.",
        )

    def _fault(self, response: httpx.Response, url: str) -> str:
        """Give what is wrong with an answer and may be right the next time; raise for what will not."""
        status = response.status_code
        if status == httpx.codes.UNAUTHORIZED:
            raise ForgeAuthError(f"{self.api_url} refuses the token.", fix="Renew it: gh auth login, or set GH_TOKEN.")
        if status == httpx.codes.FORBIDDEN:
            raise ForgeAuthError(
                f"{url} may not be read with this token ({_message(response)}).",
                fix="Use a token that may read the repository's pull requests.",
            )
        if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            raise NotFoundError(
                f"{url} does not exist, or this token may not see it.",
                fix="Check owner/repository, and that gh auth status or GH_TOKEN is for that server.",
            )
        if status == httpx.codes.NOT_MODIFIED:
            return ""
        if status != httpx.codes.OK:
            raise SkillwayError(
                f"{url} answers with status {status} ({_message(response)}).", fix="Check the address with --api-url."
            )
        if len(response.content) > _MOST_BYTES:
            raise SkillwayError(f"{url} answers with {len(response.content)} bytes.", fix="Check --api-url.")
        try:
            response.json()
        except ValueError as error:
            return f"no JSON: {error}"
        return ""

    def _is_limit(self, response: httpx.Response) -> bool:
        if response.status_code not in (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS):
            return False
        headers = response.headers
        return (
            response.status_code == httpx.codes.TOO_MANY_REQUESTS
            or "retry-after" in headers
            or headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in _message(response).lower()
        )

    def _wait_for_limit(self, response: httpx.Response, attempt: int) -> None:
        now = self._pace.clock()
        after = _number(response.headers.get("retry-after"))
        reset = _number(response.headers.get("x-ratelimit-reset"))
        if after is not None:
            until = now + after
        elif reset is not None and response.headers.get("x-ratelimit-remaining") == "0":
            until = reset + 1
        else:
            until = now + _LEAST_LIMIT_PAUSE * 2**attempt
        self._wait_until(until, "it asks for a pause")

    def _note_limit(self, response: httpx.Response) -> None:
        """Remember that nothing may be asked until the limit is renewed, instead of running into it."""
        reset = _number(response.headers.get("x-ratelimit-reset"))
        if response.headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            self._blocked_until = reset + 1

    def _wait_until(self, moment: float, reason: str) -> None:
        seconds = moment - self._pace.clock()
        if seconds <= 0:
            return
        ends = time.strftime("%H:%M:%S UTC", time.gmtime(moment))
        if seconds > self._pace.most_wait:
            raise ForgeRetryError(
                f"{self.api_url} wants to be left alone until {ends}, longer than {self._pace.most_wait:.0f} s.",
                fix="What was collected is kept; run the same command again then, or wait longer with --most-wait.",
            )
        self._pace.tell(f"Waiting for {self.api_url} until {ends} ({seconds:.0f} s): {reason}.")
        self._pace.sleep(seconds)

    def _kept(self, url: str) -> dict[str, Any] | None:
        if self._cache is None:
            return None
        try:
            kept = json.loads((self._cache / _name(url)).read_bytes())
            return kept if isinstance(kept, dict) and {"etag", "value", "next", "last"} <= kept.keys() else None
        except (OSError, ValueError, RecursionError):
            return None  # a torn or foreign file is asked for anew

    def _keep(self, url: str, content: Mapping[str, Any]) -> None:
        if self._cache is None:
            return
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._cache / _name(url), json.dumps(content))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def _message(response: httpx.Response) -> str:
    """Give what the API says of a refusal, one line of at most 200 characters."""
    try:
        text = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = "no message"
    return " ".join(text.split())[:200]


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdigit() else None


def _name(url: str) -> str:
    return f"{_PAGE}{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
