"""When may the next request go out?

Bounds how many are under way, waits out what the server's rate-limit headers say, and tries passing faults again
with jitter. A 429 stops everybody until its time, not only the one that met it. Clock, sleep and chance are passed
in. What a fault is: `client`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timezone
from typing import TypeVar

from skillway_evals.models.client import PASSING, ModelError, no_waste

T = TypeVar("T")
_LIMITS = ("requests", "input-tokens", "output-tokens", "tokens")
_LONGEST_WAIT_S = 300.0
"""A header that asks for more is not believed; the next reply says it again."""


class Pacer:
    """The common gate of all requests of a run.

    Args:
        concurrency: Most requests under way.
        tries: How often one request is sent at most.
        base_s: Upper bound of the first wait in seconds; it doubles with each further try.
        clock: Seconds since the epoch.
        sleep: Waits for seconds.
        chance: Gives a number from 0 to 1.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        tries: int = 6,
        base_s: float = 1.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._tries = tries
        self._base_s = base_s
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._open_at = 0.0

    async def run(self, send: Callable[[], Awaitable[T]], on_waste: Callable[[], None] = no_waste) -> T:
        """Send until there is a reply, the fault is lasting, or the tries are used up.

        Args:
            send: One try.
            on_waste: Called before a try is repeated that may have been paid for; what it raises ends the tries.

        Raises:
            ModelError: The last fault.
        """
        async with self._places:
            for attempt in range(1, self._tries + 1):
                await self._wait_for_gate()
                try:
                    return await send()
                except ModelError as error:
                    if error.fault not in PASSING or attempt == self._tries:
                        raise
                    if error.billed:
                        on_waste()
                    await self._back_off(attempt, error.retry_after_s)
        raise AssertionError("the loop returns or raises")

    def note_headers(self, headers: Mapping[str, str]) -> None:
        """Close the gate until the reset of a limit of which nothing remains."""
        for limit in _LIMITS:
            if headers.get(f"anthropic-ratelimit-{limit}-remaining") == "0":
                self._close_until(reset_time(headers.get(f"anthropic-ratelimit-{limit}-reset", "")))

    async def _back_off(self, attempt: int, retry_after_s: float | None) -> None:
        jitter = self._base_s * 2 ** (attempt - 1) * self._chance()
        if retry_after_s is not None:
            self._close_until(self._clock() + retry_after_s)
            jitter = self._base_s * self._chance()  # so that those who waited do not all come back at once
            await self._wait_for_gate()
        await self._sleep(min(jitter, _LONGEST_WAIT_S))

    async def _wait_for_gate(self) -> None:
        while (wait := self._open_at - self._clock()) > 0:
            await self._sleep(min(wait, _LONGEST_WAIT_S))

    def _close_until(self, moment: float) -> None:
        self._open_at = max(self._open_at, min(moment, self._clock() + _LONGEST_WAIT_S))


def reset_time(text: str) -> float:
    """Read a reset header (RFC 3339) as seconds since the epoch; 0 when it is none."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds the server asks to wait, or None; a date or nonsense counts as none."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
