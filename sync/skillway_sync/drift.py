"""Which files of an installed plugin are not what its manifest says, and how are they put right?

Repair happens file by file, in place, because sessions may be using the folder: at no moment is a file missing
that was there before. What somebody edited or added is first copied to `state/quarantine`.
"""

# As in disk: thousands of paths.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from skillway_sync.disk import FOLDER_MODE, Disk
from skillway_sync.manifest import FileEntry

MISSING = "missing"
CHANGED = "changed"
MODE = "mode"
ADDED = "added"


@dataclass(frozen=True, slots=True)
class Difference:
    """One path, below the plugin's folder, that is not as it should be.

    Attributes:
        path: The path; empty for the folder itself.
        kind: missing, changed, mode or added.
        is_folder: Whether a folder should be there (missing, mode) or is there (added).
        seen: What is there, in a word or two, for people.
    """

    path: str
    kind: str
    is_folder: bool = False
    seen: str = ""

    def describe(self, where: str) -> str:
        """Say it in one line, after the folder that it is in."""
        return f"{where}/{self.path}: {self.kind}{f' ({self.seen})' if self.seen else ''}".replace("/:", ":")


def find_differences(folder: Path, files: dict[str, FileEntry]) -> list[Difference]:
    """Compare a folder with what it should hold: bytes, modes, and nothing more.

    Args:
        folder: The plugin's folder.
        files: From path to entry: the manifest's files and our byte code.

    Returns:
        The differences, in the order in which they can be repaired.
    """
    wanted_folders = {"", *(parent for path in files for parent in _parents(path))}
    found: list[Difference] = []
    seen: set[str] = set()
    for path, is_folder, status in _walk(str(folder)):
        seen.add(path)
        found.extend(_differences_at(folder, path, is_folder, status, files, wanted_folders))
    gone = {each.path for each in found if each.kind == ADDED}
    found += [Difference(path, MISSING, is_folder=True) for path in wanted_folders if path not in seen or path in gone]
    found += [Difference(path, MISSING) for path in files if path not in seen or path in gone]
    return sorted(set(found), key=_repair_order)


def _differences_at(
    folder: Path, path: str, is_folder: bool, status: os.stat_result, files: dict[str, FileEntry], folders: set[str]
) -> Iterator[Difference]:
    mode = stat.S_IMODE(status.st_mode)
    if is_folder:
        if path not in folders:
            yield Difference(path, ADDED, is_folder=True)
        elif mode != FOLDER_MODE:
            yield Difference(path, MODE, is_folder=True, seen=f"{mode:04o}")
        return
    entry = files.get(path)
    if entry is None or not stat.S_ISREG(status.st_mode):
        yield Difference(path, ADDED, seen="" if stat.S_ISREG(status.st_mode) else _kind_of(status))
    elif status.st_size != entry.size or sha256_of(f"{folder}/{path}") != entry.sha256:
        yield Difference(path, CHANGED)
    elif mode != int(entry.mode, 8):
        yield Difference(path, MODE, seen=f"{mode:04o}")


def _repair_order(difference: Difference) -> tuple[int, int, str]:
    # What is too many goes first, deepest first; then folders from the top, then files.
    depth = difference.path.count("/") + bool(difference.path)
    if difference.kind == ADDED:
        return (0, -depth, difference.path)
    return (1 if difference.is_folder else 2, depth, difference.path)


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _walk(root: str) -> Iterator[tuple[str, bool, os.stat_result]]:
    try:
        top = os.lstat(root)
    except FileNotFoundError:
        return
    yield "", stat.S_ISDIR(top.st_mode), top
    waiting = [""] if stat.S_ISDIR(top.st_mode) else []
    while waiting:
        folder = waiting.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                yield path, is_folder, entry.stat(follow_symlinks=False)
                if is_folder:
                    waiting.append(path)


def _kind_of(status: os.stat_result) -> str:
    return "a link" if stat.S_ISLNK(status.st_mode) else "no regular file"


def sha256_of(path: str) -> str | None:
    """Hash a file; None when it cannot be read."""
    try:
        # Unbuffered: for small files the buffer costs more than the hash.
        with open(path, "rb", buffering=0) as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return None


def repair_folder(
    folder: Path,
    differences: list[Difference],
    content: Callable[[str], tuple[bytes, int]],
    keep: Callable[[Path], None],
    staging: Path,
    disk: Disk,
) -> None:
    """Put every difference right.

    Args:
        folder: The plugin's folder; it exists.
        differences: What `find_differences` gave, in its order.
        content: Gives the right bytes and mode of a path.
        keep: Puts a copy of an edited or added file into quarantine.
        staging: An existing folder on the same volume for files that are not in place yet.
        disk: The file layer.
    """
    touched = {str(folder)}
    for number, each in enumerate(differences):
        path = folder / each.path
        touched.add(str(path.parent))
        if each.kind == ADDED:
            _remove_added(path, each, keep, disk)
        elif each.kind == MODE:
            disk.chmod(path, FOLDER_MODE if each.is_folder else content(each.path)[1])
        elif each.is_folder:
            disk.mkdir(path)
        else:
            if each.kind == CHANGED:
                keep(path)
            data, mode = content(each.path)
            fresh = staging / f"repair-{number}"
            disk.write_file(fresh, data, mode)
            disk.sync_file(fresh)
            disk.rename(fresh, path)
    disk.sync_folders(sorted(each for each in touched if os.path.isdir(each)))  # noqa: PTH112


def _remove_added(path: Path, difference: Difference, keep: Callable[[Path], None], disk: Disk) -> None:
    if difference.is_folder:
        disk.remove_tree(path)
        return
    keep(path)
    disk.remove(path)
