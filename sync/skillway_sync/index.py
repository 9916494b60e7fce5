"""Has anything in the store changed since it was last known to be right? Answered from stat data alone.

The index remembers what `lstat` says of every file and folder of the kept plugins. A user cannot set a change
time (`ctime`), so a file that was edited and given its old modification time back is found too; a folder's
times tell of added files. What the difference is, and its repair, is `drift`'s.
"""

# As in disk: thousands of paths.

from __future__ import annotations

import marshal
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillway_sync.disk import Disk
from skillway_sync.noop import seal, unseal

INDEX_FILE = "index"
FORMAT = 2

Stamp = tuple[int, int, int, int, int]
"""What is remembered of a path: mtime and ctime in ns, size, mode, inode."""
Folders = dict[str, tuple[int, bytes]]
"""From `<plugin>/<digest>` to its size in bytes and its paths and stamps, marshalled: most runs need no more than to
hand them on, and decoding them all takes 4 ms."""


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


def scan_folder(store: Path, key: str) -> tuple[int, bytes]:
    """Take the stamps of a plugin's folder and all below it.

    Raises:
        OSError: The folder cannot be read.
    """
    base = f"{store}{os.sep}"
    paths = [key]
    stamps = [_stamp(os.lstat(base + key))]
    waiting = [key]
    while waiting:
        folder = waiting.pop()
        with os.scandir(base + folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                paths.append(path)
                stamps.append(_stamp(entry.stat(follow_symlinks=False)))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
    size = sum(stamp[2] for stamp in stamps if stat.S_ISREG(stamp[3]))
    return size, marshal.dumps((paths, stamps))


def restamp(store: Path, key: str, known: tuple[int, bytes]) -> tuple[int, bytes]:
    """Give the stamps of a folder that was scanned elsewhere on the volume and renamed: its own alone is new."""
    paths, stamps = marshal.loads(known[1])  # noqa: S302 - made by scan_folder
    stamps[0] = _stamp(os.lstat(f"{store}{os.sep}{key}"))
    return known[0], marshal.dumps((paths, stamps))


def _stamp(seen: os.stat_result) -> Stamp:
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino)


def changed_folders(folders: Folders, store: Path, wanted: Iterable[str]) -> list[str]:
    """List the wanted folders that are not as the index remembers them, or that it does not know."""
    base = f"{store}{os.sep}"
    return [key for key in wanted if key not in folders or not _is_as_known(base, folders[key][1])]


def _is_as_known(base: str, known: bytes) -> bool:
    lstat = os.lstat
    try:
        paths, stamps = marshal.loads(known)  # noqa: S302 - part of what was unsealed
        for path, stamp in zip(paths, stamps, strict=True):
            seen = lstat(base + path)
            if (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino) != stamp:
                return False
    except (OSError, ValueError, EOFError, TypeError):
        return False
    return True


def load_index(state: Path) -> Index:
    """Read the index; a missing or damaged one reads as empty, so that everything is looked at."""
    try:
        content: Any = unseal((state / INDEX_FILE).read_bytes())
        if content["format"] == FORMAT:
            return Index(dict(content["folders"]), float(content["checked_at"]), str(content["boot"]))
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        pass
    return Index()


def save_index(state: Path, index: Index, disk: Disk) -> None:
    """Write the index; one that a power loss damages is made again."""
    content = {"format": FORMAT, "folders": index.folders, "checked_at": index.checked_at, "boot": index.boot}
    disk.replace(state / INDEX_FILE, seal(content), 0o644, durable=False)
