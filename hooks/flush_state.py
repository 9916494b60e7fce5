"""What came of the sending so far, and when may the next one be tried?

One small file, `flush.json`, for the flusher itself and for whoever tells a person (`docs/telemetry.md` says what is in
it). A file that is broken or from another version costs its figures and nothing else. The mark beside it lets a hook
decide with one stat whether a flusher is due.
"""

import json
import os
import random
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAME = "/flush.json"
MARK = "/flush.mark"
SCHEMA = 1
EVERY_S = 60
"""How long after a flush the next one is due, in seconds."""
FIRST_DELAY_S = 30.0
LAST_DELAY_S = 3600.0
"""The longest wait, also when a server asks for more; a mark that lies further ahead is from a clock that jumped."""
KEPT_POISON = 20

_DEFAULTS = {
    "schema": SCHEMA,
    "sent": 0,
    "dropped": {},
    "torn": 0,
    "unknown": 0,
    "failures": 0,
    "failing": 0,
    "failure": "",
    "detail": "",
    "last_try": 0,
    "last_success": 0,
    "next_try": 0,
    "key_id": "",
    "endpoint": "",
    "skew_s": 0,
    "poison": [],
    "foreign": [],
    "reported": {},
    "inventory_day": "",
    "health_at": 0,
    "sessions": {},
}  # type: dict[str, Any]


class State:
    """The figures, with the rules for waiting.

    Args:
        folder: The user's state folder.
        clock: Gives seconds since 1970.
    """

    def __init__(self, folder: str, clock: "Callable[[], float]" = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self.values = {**json.loads(json.dumps(_DEFAULTS)), **_known(_read(folder + NAME))}

    def save(self) -> None:
        """Replace the file whole; a disk that is full keeps the former figures."""
        path = self._folder + NAME
        with suppress(OSError):
            write_whole(path, json.dumps(self.values, indent=1) + "\n")

    def count(self, key: str, number: int = 1) -> None:
        """Add to one of the plain counts."""
        self.values[key] += number

    def drop(self, reason: str, number: int = 1) -> None:
        """Count records that are lost, and why."""
        if number:
            dropped = self.values["dropped"]
            dropped[reason] = dropped.get(reason, 0) + number

    def keep_poison(self, name: str, size: int, status: int) -> None:
        """Remember an event that the receiver refused: its name and size, never what is in it."""
        self.drop("poison")
        self.values["poison"] = [*self.values["poison"], {"name": name, "bytes": size, "status": status}][-KEPT_POISON:]

    def succeeded(self) -> None:
        """Note a request that was accepted; the next failure starts with the shortest wait again."""
        now = int(self._clock())
        self.values.update(failing=0, failure="", detail="", last_try=now, last_success=now, next_try=0)

    def failed(self, failure: str, detail: str, wait: "float | None" = None) -> None:
        """Note a request that failed, and wait.

        Args:
            failure: One of the words of the data dictionary.
            detail: A status or the name of an error's class.
            wait: Seconds that the server asked for; the back-off's own when None. The longest of them is one hour.
        """
        now = self._clock()
        self.count("failures")
        self.count("failing")
        if wait is None:
            # Full jitter: laptops that lost the receiver together must not come back together.
            ceiling = min(LAST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self.values["failing"] - 1, 10))
            wait = random.uniform(0, ceiling)  # noqa: S311 - no secret
        next_try = int(now + min(max(wait, 1.0), LAST_DELAY_S) + 0.999)
        self.values.update(failure=failure, detail=detail, last_try=int(now), next_try=next_try)

    def is_waiting(self, endpoint: str, key_id: str) -> bool:
        """Tell whether the receiver is to be left in peace still; a new key or address is tried at once."""
        if (self.values["endpoint"], self.values["key_id"]) != (endpoint, key_id):
            return False
        ahead = self.values["next_try"] - self._clock()
        return bool(0 < ahead <= LAST_DELAY_S + EVERY_S)

    def mark(self, wait: float = 0) -> None:
        """Set the mark that hooks look at: the next flush is due EVERY_S after it."""
        until = max(self.values["next_try"] - EVERY_S, self._clock() + wait)
        with suppress(OSError):
            os.close(os.open(self._folder + MARK, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
            os.utime(self._folder + MARK, (until, until))


def _read(path: str) -> "dict[str, Any]":
    try:
        with open(path, encoding="utf-8") as file:
            value = json.loads(file.read(1 << 20))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _known(values: "dict[str, Any]") -> "dict[str, Any]":
    """Take the values that are of the type that this version writes."""
    if values.get("schema") != SCHEMA:
        return {}
    return {key: values[key] for key, own in _DEFAULTS.items() if type(values.get(key)) is type(own)}


def write_whole(path: str, text: str) -> None:
    """Write a file of the user's own so that a reader sees all of it or the former one.

    Raises:
        OSError: It cannot be written.
    """
    # One name for all: only the holder of the lock writes, and what a killed one left is written over.
    part = path + ".part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(part, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            os.unlink(part)
        raise
