"""Is the store as the index knows it? Answered by a process of its own while this one is still importing.

An update spends most of its time on imports and on `lstat` of every kept file; on two cores they need not wait for
each other. Without fork, or without an answer, the engine looks itself.
"""

# As `noop`, this is there before pathlib is.
# ruff: noqa: PTH118

from __future__ import annotations

import os

from skillway_sync.noop import INDEX_FILE, place_stamp, store_unchanged


class StoreLook:
    """A look that has been started.

    Args:
        root: The folder with `state` and `store`.
    """

    def __init__(self, root: str) -> None:
        self._index = os.path.join(root, "state", INDEX_FILE)
        self._stamp = place_stamp(self._index)
        self._child = os.fork()
        if self._child == 0:
            code = 1
            try:
                code = 0 if store_unchanged(root) else 1
            finally:
                os._exit(code)

    def finds_no_change(self) -> bool:
        """Wait for the answer; it counts only if the index is still the one that was looked by."""
        if not self._child:
            return False
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        return status == 0 and self._stamp is not None and place_stamp(self._index) == self._stamp


def start_look(root: str) -> StoreLook | None:
    """Start a look; None where processes cannot be forked."""
    if not hasattr(os, "fork"):
        return None
    try:
        return StoreLook(root)
    except OSError:
        return None
