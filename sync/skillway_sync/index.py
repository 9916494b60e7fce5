"""Has anything in the store changed since it was last known to be right? Answered from stat data alone.

The index remembers what `lstat` says of every file and folder of the kept plugins. A user cannot set a change
time (`ctime`), so a file that was edited and given its old modification time back is found too; a folder's
times tell of added files. What the difference is, and its repair, is `drift`'s.
"""

# As in disk: thousands of paths.

from __future__ import annotations

import marshal
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillway_sync.disk import Disk

INDEX_FILE = "index"
FORMAT = 1

Stamp = tuple[int, int, int, int, int]
"""What is remembered of a path: mtime and ctime in ns, size, mode, inode."""
Folders = dict[str, tuple[list[str], list[Stamp]]]
"""From `<plugin>/<digest>` to its paths, relative to the store, and their stamps."""


@dataclass(slots=True)
class Index:
    """What was known to be right.

    Attributes:
        folders: The stamps of each plugin's folder.
        checked_at: When every file was last read; seconds, UTC; None for never.
        boot: At which start of the machine that was.
    """

    folders: Folders = field(default_factory=dict)
    checked_at: float | None = None
    boot: str = ""


def stamp_of(path: str) -> Stamp | None:
    """Give what is remembered of a path; None when it is not there."""
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino)


def scan_folder(store: Path, key: str) -> tuple[list[str], list[Stamp]]:
    """Take the stamps of a plugin's folder and all below it."""
    base = f"{store}{os.sep}"
    paths = [key]
    stamps = [stamp_of(base + key) or (0, 0, 0, 0, 0)]
    waiting = [key]
    while waiting:
        folder = waiting.pop()
        with os.scandir(base + folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                seen = entry.stat(follow_symlinks=False)
                paths.append(path)
                stamps.append((seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
    return paths, stamps


def changed_folders(folders: Folders, store: Path, wanted: Iterable[str]) -> list[str]:
    """List the wanted folders that are not as the index remembers them, or that it does not know."""
    base = f"{store}{os.sep}"
    changed = []
    for key in wanted:
        known = folders.get(key)
        if known is None or not _is_as_known(base, *known):
            changed.append(key)
    return changed


def _is_as_known(base: str, paths: list[str], stamps: list[Stamp]) -> bool:
    lstat = os.lstat
    try:
        for path, stamp in zip(paths, stamps, strict=True):
            seen = lstat(base + path)
            if (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino) != stamp:
                return False
    except (OSError, ValueError):
        return False
    return True


def load_index(state: Path) -> Index:
    """Read the index; a missing or damaged one reads as empty, so that everything is looked at."""
    try:
        content: Any = marshal.loads((state / INDEX_FILE).read_bytes())  # noqa: S302 - written by us, in a folder that only we may write
        if content["format"] == FORMAT:
            return Index(dict(content["folders"]), float(content["checked_at"]), str(content["boot"]))
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        pass
    return Index()


def save_index(state: Path, index: Index, disk: Disk) -> None:
    """Write the index; one that a power loss damages is made again."""
    content = {"format": FORMAT, "folders": index.folders, "checked_at": index.checked_at, "boot": index.boot}
    disk.replace(state / INDEX_FILE, marshal.dumps(content), 0o644, durable=False)
