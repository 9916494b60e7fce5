"""Which process may change this laptop's installation: one at a time, told by a lock that the kernel releases.

A lock of the kernel cannot be left behind by a process that died, so there is nothing stale to clean up.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = "lock"


class BusyError(Exception):
    """Another process holds the lock; it is doing the same work, so this is no failure."""


@contextlib.contextmanager
def exclusive_lock(state: Path) -> Iterator[None]:
    """Hold the lock for a block.

    Args:
        state: The existing state folder; the lock is the file `lock` in it.

    Raises:
        BusyError: Another process holds it.
        OSError: The file cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(state / LOCK_FILE, flags, 0o644)
    try:
        _take(descriptor)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise BusyError from error
