"""How is a forge asked again and again without costing its rate limit?

By conditional requests: an answer's ETag goes with the next question, and "304 Not Modified" is free. The forge's own
program (`gh api`, `glab api`) makes the request, so that no token comes into this process.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable

import forge
from context import Context
from envelope import AUTH, FAILED, NOT_FOUND, RETRY_LATER, TIMED_OUT, Failure
from process import Finished

TIMEOUT = 30.0  # seconds for one request
_STATUS_LINE = re.compile(r"HTTP/[\d.]+ (\d{3})")
_OK, _NOT_MODIFIED, _UNAUTHORIZED, _FORBIDDEN, _MISSING, _TOO_MANY, _SERVER = 200, 304, 401, 403, 404, 429, 500


class PassingError(Exception):
    """The forge could not answer now; `wait` is how many seconds it asked for, or None."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class Api:
    """A forge's API, asked conditionally.

    Attributes:
        context: Whose forge.
        requests: How many requests were made.
        not_modified: How many of them were answered with 304.
    """

    context: Context
    now: Callable[[], float] = time.time
    requests: int = 0
    not_modified: int = 0
    _known: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the JSON at a path of the API, from memory when the forge says that it has not changed.

        Raises:
            PassingError: the forge is busy, out of order or limits us; ask again later.
            Failure: it will not answer (exit 4 without a login, 7 without such a thing, 1 otherwise).
        """
        etag, known = self._known.get(path, ("", None))
        target = forge.require_target(self.context)
        arguments = ["api", "--include", "--hostname", target.host]
        arguments += ["--header", f"If-None-Match: {etag}"] if etag else []
        self.requests += 1
        finished = forge.run(self.context, [*arguments, path], TIMEOUT)
        status, headers, body = _read_answer(finished.text)
        if status == _NOT_MODIFIED and etag:
            self.not_modified += 1
            return known
        if status != _OK:
            raise self._refused(finished, status, headers)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise PassingError(f"the answer to {path} was cut or is not JSON") from error
        if headers.get("etag"):
            self._known[path] = (headers["etag"], value)
        return value

    def _refused(self, finished: Finished, status: int, headers: dict[str, str]) -> Exception:
        target = forge.require_target(self.context)
        if not status:
            failure = forge.failed_run(self.context, finished)
            is_passing = failure.exit_code in (RETRY_LATER, TIMED_OUT)
            return PassingError(failure.message) if is_passing else failure
        is_limited = status == _TOO_MANY or headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
        if status >= _SERVER or (is_limited and status in (_FORBIDDEN, _TOO_MANY)):
            return PassingError(f"{target.host} answered {status}", self._asked_to_wait(headers))
        message = f"{target.host} answered {status}."
        if status in (_UNAUTHORIZED, _FORBIDDEN):
            fix = "The user logs in with an account that may see the project."
            login = [f"{target.cli} auth login --hostname {target.host}"]
            return Failure("forge_not_logged_in", message, fix=fix, exit_code=AUTH, next_actions=login)
        exit_code = NOT_FOUND if status == _MISSING else FAILED
        fix = "Check the number, and that the account may see the project."
        return Failure("not_found" if status == _MISSING else "forge_refused", message, fix=fix, exit_code=exit_code)

    def _asked_to_wait(self, headers: dict[str, str]) -> float | None:
        if headers.get("retry-after", "").isdigit():
            return float(headers["retry-after"])
        reset = headers.get("x-ratelimit-reset", "")
        if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(1.0, float(reset) - self.now())
        return None


def _read_answer(text: str) -> tuple[int, dict[str, str], str]:
    """Take apart what `api --include` prints: status (0 without one), headers with names in lower case, body."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    lines = head.split("\n")
    match = _STATUS_LINE.match(lines[0])
    if not match:
        return 0, {}, ""
    pairs = (line.partition(":") for line in lines[1:])
    return int(match.group(1)), {name.strip().lower(): value.strip() for name, _, value in pairs}, body
