"""Which events are old enough to go? Removes whole days, in small steps between which new events are stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from skillway.collector.rollup import forget_before
from skillway.collector.rows import WORD_COLUMNS
from skillway.collector.schema import DAY_NS, WORDS
from skillway.collector.store import Store, store_errors

_STEP_ROWS = 20_000
_EVERY_SECONDS = 3600.0

_WORD_USES = ("name", "source", *WORD_COLUMNS)


class Retention:
    """Keeps a store to its last days; call `tend` often, it does a little each time.

    Args:
        store: The store; used by the thread that calls `tend`.
        keep_days: How many days are kept, today included.
        now: Gives the time in nanoseconds since 1970 UTC.
        clock: Gives seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        store: Store,
        keep_days: int,
        *,
        now: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keep_days = keep_days
        self._now = now
        self._clock = clock
        self._due = clock()
        self._work: Iterator[None] | None = None
        self.removed = 0

    def tend(self) -> None:
        """Do one step, if one is due.

        Raises:
            StoreError: The store cannot be written; the step is done again later.
        """
        if self._work is None and self._clock() < self._due:
            return
        self._work = self._work or self._steps(self._now() // DAY_NS - self._keep_days + 1)
        try:
            next(self._work)
        except StopIteration:
            self._work, self._due = None, self._clock() + _EVERY_SECONDS
        except BaseException:
            self._work, self._due = None, self._clock() + _EVERY_SECONDS
            raise

    def run(self) -> int:
        """Do all that is due at once, and give the number of removed events."""
        for _ in self._steps(self._now() // DAY_NS - self._keep_days + 1):
            pass
        return self.removed

    def _steps(self, first_day: int) -> Iterator[None]:
        connection, store = self._store.connection, self._store
        removed = 0
        with store_errors(store.path):
            newest = connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        for start in range(0, newest, _STEP_ROWS):
            with store.transaction():
                removed += connection.execute(
                    "DELETE FROM event WHERE id > ? AND id <= ? AND ts < ?",
                    (start, start + _STEP_ROWS, first_day * DAY_NS),
                ).rowcount
            yield
        if removed:
            self.removed += removed
            with store.transaction():
                self._forget(removed, first_day)

    def _forget(self, removed: int, first_day: int) -> None:
        connection = self._store.connection
        forget_before(connection, first_day)
        connection.execute("UPDATE total SET events = events - ?, earliest = (SELECT min(ts) FROM event)", (removed,))
        used = " UNION ".join(f"SELECT {column} FROM event WHERE {column} IS NOT NULL" for column in _WORD_USES)
        connection.execute(f"DELETE FROM word WHERE id > ? AND id NOT IN ({used})", (len(WORDS),))
        self._store.forget_words()
