"""Where does a file go that somebody changed here, before it is put right? Nobody's work is thrown away unseen.

Bounded in number and bytes: the oldest go first. A file that is too big alone is named and not kept.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from skillway_sync.disk import Disk

QUARANTINE_FOLDER = "quarantine"
MAX_BYTES = 20 * 1024 * 1024
MAX_FILES = 200
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


class Quarantine:
    """The folder `state/quarantine` during one run; its folder of this run is named by the time, UTC.

    Args:
        state: The state folder.
        root: The laptop's skillway folder, which kept files' names are relative to.
        disk: The file layer.
        now: Seconds, UTC.
    """

    def __init__(self, state: Path, root: Path, disk: Disk, now: float) -> None:
        self._top = state / QUARANTINE_FOLDER
        self._folder = self._top / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        self._root = root
        self._disk = disk
        self.kept: list[Path] = []

    def keep(self, path: Path) -> None:
        """Copy a regular file into quarantine; anything else, and what cannot be read, is left out."""
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return
            data = path.read_bytes()
        except OSError:
            return
        self._make_room(len(data))
        target = self._target(path)
        self._disk.make_folders(self._folder, _PRIVATE_FOLDER)
        self._disk.replace(target, data, _PRIVATE_FILE, durable=False)
        self.kept.append(target)

    def _target(self, path: Path) -> Path:
        relative = path.relative_to(self._root) if path.is_relative_to(self._root) else Path(path.name)
        # One flat name: what was a path below the root, with its parts joined, short enough for every volume.
        return self._folder / "__".join(relative.parts)[-200:]

    def _make_room(self, size: int) -> None:
        files = sorted((path for path in self._top.glob("*/*") if path.is_file()), key=_age_key)
        total = sum(path.stat().st_size for path in files) + size
        while files and (total > MAX_BYTES or len(files) >= MAX_FILES):
            oldest = files.pop(0)
            total -= oldest.stat().st_size
            self._disk.remove(oldest)
            if oldest.parent != self._folder and not os.listdir(oldest.parent):  # noqa: PTH208 - the number alone counts
                self._disk.rmdir(oldest.parent)


def _age_key(path: Path) -> tuple[str, str]:
    return path.parent.name, path.name


Keep = Callable[[Path], None]
