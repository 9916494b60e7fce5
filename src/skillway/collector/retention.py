"""Which events are old enough to go? Removes whole days, in small steps between which new events are stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from skillway.collector.rollup import forget_before
from skillway.collector.rows import WORD_COLUMNS
from skillway.collector.schema import DAY_NS, WORDS
from skillway.collector.store import Store

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

    def tend(self) -> bool:
        """Do one step, if one is due, and say whether there is another one.

        Raises:
            StoreError: The store cannot be written; the step is done again later.
        """
        if self._work is None and self._clock() < self._due:
            return False
        self._work = self._work or self._steps(self._now() // DAY_NS - self._keep_days + 1)
        try:
            next(self._work)
        except StopIteration:
            self._work, self._due = None, self._clock() + _EVERY_SECONDS
        except BaseException:
            self._work, self._due = None, self._clock() + _EVERY_SECONDS
            raise
        return self._work is not None

    def run(self) -> int:
        """Do all that is due at once, and give the number of removed events."""
        for _ in self._steps(self._now() // DAY_NS - self._keep_days + 1):
            pass
        return self.removed

    def _steps(self, first_day: int) -> Iterator[None]:
        """Remove the sums first: no report tells of days of which some events are gone."""
        connection, store = self._store.connection, self._store
        with store.transaction():
            forget_before(connection, first_day)
            oldest, newest = connection.execute(
                "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM event"
            ).fetchone()
        removed = self.removed
        for start in range(oldest, newest + 1, _STEP_ROWS):
            with store.transaction():
                self._remove(start, first_day)
            yield
        if self.removed > removed:
            with store.transaction():
                self._forget_words()

    def _remove(self, start: int, first_day: int) -> None:
        query = "DELETE FROM event WHERE id >= ? AND id < ? AND ts < ?"
        gone = self._store.connection.execute(query, (start, start + _STEP_ROWS, first_day * DAY_NS)).rowcount
        self._store.connection.execute("UPDATE total SET events = events - ?", (gone,))
        self.removed += gone

    def _forget_words(self) -> None:
        """Remove the words that no event has any more: sessions, prompts and people among them."""
        connection = self._store.connection
        connection.execute("UPDATE total SET earliest = (SELECT min(ts) FROM event)")
        used = " UNION ".join(f"SELECT {column} FROM event WHERE {column} IS NOT NULL" for column in _WORD_USES)
        connection.execute(f"DELETE FROM word WHERE id > ? AND id NOT IN ({used})", (len(WORDS),))
        self._store.forget_words()
