"""What the sources are at this moment: the sha256 of every file of a folder.

Each build reads every file. A memory of file sizes and times would save 13 ms of 1,200 files (measured; the walk
takes as long) and would have to be right about a change within one clock tick, a restored time and a moved
file; content cannot be wrong. What ships of the files is `shipping`'s business.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from skillway_sync.manifest import canonical_json

LINK = "link "
"""What stands before a link's target, in place of a sha256."""
SPECIAL = "special"
"""In place of the sha256 of a pipe, socket or device, which is never opened: that could wait for ever."""
UNREADABLE = "unreadable"

Snapshot = dict[str, str]
"""From a path below the folder, with `/`, to the sha256 of the file there, or one of the marks above."""

_CHUNK_BYTES = 1 << 20


def take_snapshot(folder: Path) -> Snapshot:
    """Hash every file below a folder, links not followed.

    Folders whose name begins with a dot, `.claude-plugin` apart, and `__pycache__` are left out: neither a build
    nor a check reads them. A folder that cannot be listed gives its own path with a mark, and so does a link in
    place of the folder itself, under the empty path; one that does not exist has no files.
    """
    if folder.is_symlink():
        return {"": LINK + os.readlink(folder)}  # noqa: PTH115 - as in hash_file
    snapshot: Snapshot = {}
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(folder / below) as entries:
                for entry in entries:
                    path = f"{below}{entry.name}"
                    if not entry.is_dir(follow_symlinks=False):
                        snapshot[path] = _identity(entry)
                    elif _is_source_folder(entry.name):
                        pending.append(f"{path}/")
        except FileNotFoundError:
            continue
        except OSError:
            snapshot[below.rstrip("/")] = UNREADABLE
    return snapshot


def _is_source_folder(name: str) -> bool:
    return name == ".claude-plugin" or not (name.startswith(".") or name == "__pycache__")


def _identity(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_symlink():
            return LINK + os.readlink(entry.path)  # noqa: PTH115 - as in hash_file
        if not entry.is_file(follow_symlinks=False):
            return SPECIAL
        return hash_file(entry.path)
    except OSError:
        return UNREADABLE


def hash_file(path: str | Path) -> str:
    """Give the hex sha256 of a file's bytes, at most 1 MiB of them in memory at once.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - 1,200 Path objects cost more than their hashes
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(*parts: object) -> str:
    """Name any JSON values by the sha256 of their canonical form."""
    return hashlib.sha256(canonical_json(list(parts))).hexdigest()


def tool_fingerprint() -> str:
    """Name this very installation of skillway, so that what another version remembered is not believed.

    The version alone would do for a released skillway; sizes and times of the program's own files keep the memory
    honest for people who change skillway itself.
    """
    import skillway  # noqa: PLC0415 - the package asks for its own place
    import skillway_sync  # noqa: PLC0415 - as above

    stamps: list[tuple[str, int, int]] = []
    for package in (skillway, skillway_sync):
        for folder in package.__path__:
            for where, folders, files in os.walk(folder):
                folders[:] = [name for name in folders if name != "__pycache__"]
                for name in files:
                    status = os.stat(os.path.join(where, name))  # noqa: PTH116, PTH118 - as in hash_file
                    stamps.append((name, status.st_size, status.st_mtime_ns))
    return fingerprint(skillway.__version__, sorted(stamps))
