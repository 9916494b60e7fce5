"""How is work that mostly waits done side by side? For unpacking and syncing, which leave Python's lock for long.

With one worker everything happens in order, in this thread: so a test can count on which operation is the n-th.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_WORKERS = 4


def usable_workers() -> int:
    """Give how many threads unpacking is worth on this machine."""
    return max(1, min(MOST_WORKERS, os.cpu_count() or 1))


def map_side_by_side(action: Callable[[T], R], items: Sequence[T], workers: int) -> list[R]:
    """Apply an action to each item, in several threads; the results are in the items' order.

    Raises:
        Exception: What the first item that failed raised; the others have ended by then.
    """
    if workers < 2 or len(items) < 2:  # noqa: PLR2004 - two make a pair
        return [action(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(action, items))


@contextlib.contextmanager
def meanwhile(action: Callable[[], None], workers: int) -> Iterator[None]:
    """Do something beside the block; both have ended when the block is left.

    Raises:
        BaseException: What the action raised, unless the block raised first.
    """
    if workers < 2:  # noqa: PLR2004 - as above
        action()
        yield
        return
    raised: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if raised:
        raise raised[0]
