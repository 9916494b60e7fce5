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
from pathlib import Path
from typing import Any

from skillway_sync.disk import Disk

INDEX_FILE = "index"
FORMAT = 1

Stamp = tuple[int, int, int, int, int]
"""What is remembered of a path: mtime and ctime in ns, size, mode, inode."""
Folders = dict[str, tuple[list[str], list[Stamp]]]
"""From `<plugin>/<digest>` to its paths, relative to the store, and their stamps."""


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
        if known is None or any(stamp_of(base + path) != stamp for path, stamp in zip(*known, strict=True)):
            changed.append(key)
    return changed


def load_index(state: Path) -> Folders:
    """Read the index; a missing or damaged one reads as empty, so that everything is looked at."""
    try:
        return {str(key): (list(paths), list(stamps)) for key, (paths, stamps) in _load(state)["folders"].items()}
    except (OSError, ValueError, EOFError, TypeError, KeyError, AttributeError):
        return {}


def load_checks(state: Path) -> tuple[float | None, str]:
    """Read when every file was last read (seconds, UTC; None for never), and at which start of the machine."""
    try:
        content = _load(state)
        return float(content["checked_at"]), str(content["boot"])
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return None, ""


def _load(state: Path) -> dict[str, Any]:
    content: Any = marshal.loads((state / INDEX_FILE).read_bytes())  # noqa: S302 - written by us, in a folder that only we may write
    if content["format"] != FORMAT:
        raise ValueError(content["format"])
    return dict(content)


def save_index(state: Path, folders: Folders, checked_at: float, boot: str, disk: Disk) -> None:
    """Write the index; one that a power loss damages is made again.

    Args:
        state: The state folder.
        folders: The stamps.
        checked_at: When every file was last read; seconds, UTC.
        boot: At which start of the machine that was.
        disk: The file layer.
    """
    data = marshal.dumps({"format": FORMAT, "folders": folders, "checked_at": checked_at, "boot": boot})
    disk.replace(state / INDEX_FILE, data, 0o644, durable=False)
