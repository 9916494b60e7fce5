"""Who writes to the store, and when is a request answered? One thread, and after the commit that holds its rows.

Requests that wait together are committed together: a commit costs the disk's time once, however many wait for it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from skillway.collector.errors import StoreError
from skillway.collector.rows import Row
from skillway.collector.store import Store

_MAX_ROWS = 20_000
"""Rows of one transaction; more would make the first request of it wait for the last."""
_MAX_WAITING = 256
_TICK_SECONDS = 1.0


@dataclass(slots=True)
class Counts:
    """What a writer has done since it started."""

    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    error: StoreError | None = None


class Writer:
    """Writes to one store in a thread of its own.

    Args:
        store: The store; nobody else uses its connection until `stop` has returned.
        tend: Called between transactions and at least every second, to do a little of what the store needs beside
            writing; it says whether there is more to do at once.
    """

    def __init__(self, store: Store, tend: Callable[[], bool] = lambda: False) -> None:
        self.counts = Counts()
        self._store = store
        self._tend = tend
        self._waiting: queue.Queue[tuple[Sequence[Row], Future[None]] | None] = queue.Queue(_MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is still waiting, and end."""
        self._waiting.put(None)
        self._thread.join()

    def write(self, rows: Sequence[Row]) -> None:
        """Store rows and wait until they are on disk; may be called by many threads at once.

        Raises:
            StoreError: They were not stored.
        """
        if not rows:
            return
        done: Future[None] = Future()
        self._waiting.put((rows, done))
        done.result()

    def _run(self) -> None:
        is_running = True
        while is_running:
            has_more = False
            try:
                has_more = self._tend()
            except StoreError as error:
                self.counts.error = error
            batch: list[tuple[Sequence[Row], Future[None]]] = []
            is_running = self._collect(batch, seconds=0 if has_more else _TICK_SECONDS)
            if batch:
                self._commit(batch)

    def _collect(self, batch: list[tuple[Sequence[Row], Future[None]]], *, seconds: float) -> bool:
        """Take what waits, and wait for it if nothing does; False when this is the end."""
        count = 0
        try:
            entry = self._waiting.get(block=seconds > 0, timeout=seconds)
            while entry is not None:
                batch.append(entry)
                count += len(entry[0])
                if count >= _MAX_ROWS:
                    return True
                entry = self._waiting.get_nowait()
        except queue.Empty:
            return True
        return False

    def _commit(self, batch: list[tuple[Sequence[Row], Future[None]]]) -> None:
        sent = sum(len(rows) for rows, _ in batch)
        try:
            stored = self._store.write(rows for rows, _ in batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the senders wait for an answer
            self._fail(batch, error)
            return
        self.counts.stored += stored
        self.counts.duplicates += sent - stored
        self.counts.error = None
        for _, done in batch:
            done.set_result(None)

    def _fail(self, batch: list[tuple[Sequence[Row], Future[None]]], error: Exception) -> None:
        if not isinstance(error, StoreError) and len(batch) > 1:
            for entry in batch:  # one request's rows are to blame; the others shall not suffer for it
                self._commit([entry])
            return
        self.counts.refused += sum(len(rows) for rows, _ in batch)
        self.counts.error = error if isinstance(error, StoreError) else None
        for _, done in batch:
            done.set_exception(error)
