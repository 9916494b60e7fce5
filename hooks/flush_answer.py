"""What does a receiver's answer mean for the records that were sent?

The rules of OTLP 1.11 ("OTLP/HTTP Response"), with one deliberate difference: an answer that refuses the key or the
address keeps the records, because a rotated key must not cost a fleet its data. Pure; sending is `flush_http.py`'s.
"""

import json
from email.utils import parsedate_to_datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ACCEPTED = "accepted"
LATER = "later"
KEEP = "keep"
SPLIT = "split"

LONGEST_WAIT_S = 3600.0
SKEW_S = 300.0
"""From how much difference on the laptop's clock counts as wrong, in seconds."""

_OK = 200
_REDIRECT = 300
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_AUTH = (401, 403, 407)
_SPLIT = (400, 413)
_THROTTLED = 429


class Answer:
    """What came back.

    Attributes:
        status: HTTP status; 0 when there was none.
        headers: By lower-case name.
        body: The first part of the body.
        fault: "connection" or "tls" without a status, else "".
        detail: Name of the error's class, or the status.
    """

    def __init__(
        self, status: int, headers: "Mapping[str, str]", body: bytes = b"", fault: str = "", detail: str = ""
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.fault = fault
        self.detail = detail or str(status)


class Verdict:
    """What to do with the records of one request.

    Attributes:
        kind: ACCEPTED, LATER (try again after `wait`), KEEP (try again in an hour; a person has to act), or SPLIT.
        failure: A word of the data dictionary; "" for an acceptance that is beyond doubt.
        rejected: How many of the accepted request's records the receiver threw away.
        wait: Seconds, or None for the back-off's own.
    """

    def __init__(self, kind: str, failure: str = "", rejected: int = 0, wait: "float | None" = None) -> None:
        self.kind = kind
        self.failure = failure
        self.rejected = rejected
        self.wait = wait


def judge(answer: Answer, count: int, now: float) -> Verdict:
    """Decide.

    Args:
        answer: What came back.
        count: How many records the request had.
        now: Seconds since 1970 on this laptop.
    """
    status = answer.status
    if answer.fault == "tls":
        return Verdict(KEEP, "tls", wait=LONGEST_WAIT_S)
    if not status:
        return Verdict(LATER, "connection")
    if _OK <= status < _REDIRECT:
        return _judge_acceptance(answer, count)
    if status == _THROTTLED or status >= _SERVER_ERROR:
        failure = "throttled" if status == _THROTTLED else "server"
        return Verdict(LATER, failure, wait=retry_after(answer.headers, now))
    if status in _AUTH:
        return Verdict(KEEP, "auth", wait=LONGEST_WAIT_S)
    if status in _SPLIT:
        return Verdict(SPLIT, "config")
    # Redirects are among these: following one would hand the key to whoever is named.
    return Verdict(KEEP, "config", wait=LONGEST_WAIT_S)


def _judge_acceptance(answer: Answer, count: int) -> Verdict:
    """Read how much of an accepted request was thrown away; the number is the receiver's word, within reason."""
    if answer.body.lstrip()[:1] == b"<":
        # A page for people, such as a hotel's login: nothing that answers so has kept a record.
        return Verdict(LATER, "lies")
    rejected, is_sane = _rejected(answer.body)
    if not is_sane or rejected > count:
        return Verdict(ACCEPTED, "lies", rejected=min(max(rejected, 0), count))
    return Verdict(ACCEPTED, rejected=rejected)


def _rejected(body: bytes) -> "tuple[int, bool]":
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        # Nothing, or protobuf in answer to JSON: the status is what counts.
        return 0, True
    partial = document.get("partialSuccess") if isinstance(document, dict) else None
    if partial is None:
        return 0, True
    value = partial.get("rejectedLogRecords", 0) if isinstance(partial, dict) else None
    try:
        number = int(value) if isinstance(value, (str, int)) else -1
    except ValueError:
        number = -1
    return max(number, 0), number >= 0


def retry_after(headers: "Mapping[str, str]", now: float) -> "float | None":
    """Give the seconds that a server asks for, an hour at most; None when it does not, or not in earnest.

    A date is measured against the server's own clock where it tells it.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), LONGEST_WAIT_S)
    until = _seconds(text)
    if until is None:
        return None
    clock = _seconds(headers.get("date", ""))
    wait = until - (now if clock is None else clock)
    return min(wait, LONGEST_WAIT_S) if wait > 0 else None


def skew(headers: "Mapping[str, str]", now: float) -> "int | None":
    """Give the seconds that this laptop's clock is ahead of the server's, 0 when by little, None when unknown."""
    clock = _seconds(headers.get("date", ""))
    if clock is None:
        return None
    ahead = now - clock
    return int(ahead) if abs(ahead) > SKEW_S else 0


def _seconds(text: str) -> "float | None":
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
