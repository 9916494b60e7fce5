"""How everything is written to this laptop: one numbered operation at a time.

Every change that a run, a rollback or an uninstall makes goes through a `Disk`, so that a test can end the
process, fill the disk, fail the device or lose unsynced writes at operation n, for every n. What is written,
and in which order, is left to the callers; what an unfinished sequence means is theirs to survive.
"""

# Thousands of files pass through here, and plain strings cost a third of what Path objects do.
# ruff: noqa: PTH101, PTH102, PTH104, PTH105, PTH106, PTH108, PTH114, PTH118, PTH120, PTH208

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from skillway_sync.errors import DiskError

AnyPath = str | os.PathLike[str]

FOLDER_MODE = 0o755
TEMPORARY_SUFFIX = ".skillway-new"
"""Ends the hidden name of a file that `replace` has not put in place yet; Claude Code reads no such file."""

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_REPLACE_PAUSES = (0.05, 0.2, 0.8)
"""Seconds between attempts on Windows, where a virus scanner may hold a new file for a moment (#54053, #81774)."""


class Disk:
    """The file layer. Modes do not depend on the umask; no operation follows a link in a path's last part.

    Attributes:
        operations: How many operations have been begun.
    """

    def __init__(self) -> None:
        self.operations = 0

    def step(self, name: str, path: AnyPath) -> None:  # noqa: ARG002 - for subclasses that inject faults
        """Count an operation just before it happens; the place where a test injects a fault."""
        self.operations += 1

    def mkdir(self, path: AnyPath, mode: int = FOLDER_MODE) -> None:
        """Make one folder.

        Raises:
            FileExistsError: Something of that name exists.
        """
        self.step("mkdir", path)
        os.mkdir(path, mode)
        os.chmod(path, mode)

    def make_folders(self, path: AnyPath, mode: int = FOLDER_MODE) -> None:
        """Make a folder and those above it that are missing; what exists keeps its mode."""
        folder = Path(path)
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            self.mkdir(each, mode)

    def write_file(self, path: AnyPath, data: bytes | Iterable[bytes], mode: int) -> None:
        """Write a new file, in one operation.

        Args:
            path: Its path; nothing may be there yet, not even a link.
            data: Its bytes, or pieces of them.
            mode: Its permission bits.

        Raises:
            FileExistsError: Something of that name exists.
        """
        self.step("write_file", path)
        descriptor = os.open(path, _CREATE, mode)
        try:
            for piece in (data,) if isinstance(data, bytes) else data:
                _write_all(descriptor, piece)
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def replace(self, path: AnyPath, data: bytes, mode: int, *, durable: bool = True) -> None:
        """Put a file's new content in place at once: readers see the old bytes or the new.

        Args:
            path: The file; its folder exists.
            data: Its new content.
            mode: Its permission bits.
            durable: Whether that also holds after a power loss, and the new content is there when this returns.
        """
        temporary = temporary_path(path)
        if os.path.lexists(temporary):
            self.remove(temporary)
        self.write_file(temporary, data, mode)
        if durable:
            self.sync_file(temporary)
        self.rename(temporary, path)
        if durable:
            self.sync_folders([os.path.dirname(os.fspath(path))])

    def rename(self, source: AnyPath, target: AnyPath) -> None:
        """Move a file over whatever file the target is."""
        self.step("rename", target)
        for pause in (*_REPLACE_PAUSES, None):
            try:
                os.replace(source, target)
            except PermissionError:
                if sys.platform != "win32" or pause is None:
                    raise
                import time

                time.sleep(pause)
            else:
                return

    def rename_dir(self, source: AnyPath, target: AnyPath) -> None:
        """Move a folder to a name that does not exist, on the same volume."""
        self.step("rename_dir", target)
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
        os.rename(source, target)

    def chmod(self, path: AnyPath, mode: int) -> None:
        """Set permission bits of a file or folder that is no link."""
        self.step("chmod", path)
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
        os.chmod(path, mode)

    def remove(self, path: AnyPath) -> None:
        """Remove a file, link or other entry that is no folder; it may be gone already."""
        self.step("remove", path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def rmdir(self, path: AnyPath) -> None:
        """Remove an empty folder."""
        self.step("rmdir", path)
        os.rmdir(path)

    def remove_tree(self, path: AnyPath) -> None:
        """Remove a file, a link (never what it points to) or a folder with all below it; it may be gone already."""
        if not os.path.lexists(path):
            return
        if not is_real_folder(path):
            self.remove(path)
            return
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)  # a folder that was made unreadable still has to go
        with os.scandir(path) as entries:
            children = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for child, is_folder in children:
            if is_folder:
                self.remove_tree(child)
            else:
                self.remove(child)
        self.rmdir(path)

    def sync_file(self, path: AnyPath) -> None:
        """Make one file's content durable."""
        self.step("sync_file", path)
        _sync_path(os.fspath(path))

    def sync_folders(self, paths: Iterable[AnyPath]) -> None:
        """Make the entries of folders (what was created, renamed or removed in them) durable."""
        for path in sorted({os.fspath(path) for path in paths}):
            self.step("sync_folders", path)
            if sys.platform != "win32":  # a folder cannot be opened there, and NTFS keeps a journal of its own
                _sync_path(path)

    def sync_tree(self, *paths: AnyPath) -> None:
        """Make everything below some folders of one volume durable.

        One `syncfs` on Linux: 4,000 files take 0.1 s where an fsync for each takes 3.4 s. Elsewhere each file is
        synced, and on macOS the drive's own cache is flushed once at the end.
        """
        self.step("sync_tree", paths[0])
        if sys.platform == "linux":
            _sync_filesystem(os.fspath(paths[0]))
            return
        for path in paths:
            for each in _below(os.fspath(path)):
                _sync_path(each)
        if sys.platform == "darwin":
            _flush_drive(os.fspath(paths[0]))

    def sweep(self, folders: Iterable[AnyPath]) -> None:
        """Remove what an interrupted `replace` left in these folders; a folder may be missing."""
        for folder in folders:
            try:
                names = os.listdir(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            for name in names:
                if name.startswith(".") and name.endswith(TEMPORARY_SUFFIX):
                    self.remove_tree(os.path.join(folder, name))


def temporary_path(path: AnyPath) -> str:
    """Name the file that `Disk.replace` writes before it takes the place of `path`."""
    folder, name = os.path.split(os.fspath(path))
    return os.path.join(folder, f".{name}{TEMPORARY_SUFFIX}")


def is_real_folder(path: AnyPath) -> bool:
    """Tell whether a folder, and no link to one, is there."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def require_space(path: Path, needed: int) -> None:
    """Check for room before a download, rather than find out in the middle of it.

    Args:
        path: An existing folder of the volume.
        needed: Bytes that will be written.

    Raises:
        DiskError: The volume has fewer free bytes.
    """
    free = shutil.disk_usage(path).free
    if free < needed:
        raise DiskError(
            f"The volume of {path} has {free // 1024} kB free, and this update needs {needed // 1024} kB.",
            fix="Free some space; the laptop keeps its present release until then.",
        )


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn the operating system's errors about the disk into one that says who must do what.

    Raises:
        DiskError: For any OSError in the block.
    """
    try:
        yield
    except OSError as error:
        place = error.filename or where
        raise DiskError(
            f"{_what_failed(error)} at {place} ({os.strerror(error.errno or 0)}).", fix=_mend(error)
        ) from error


def _what_failed(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full"
    if error.errno == errno.EROFS:
        return "The disk is read-only"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "Writing is not permitted"
    return "The disk failed"


def _mend(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some space; the laptop keeps its present release until then."
    if error.errno == errno.EROFS:
        return "Mount the volume writable, then run skillway-sync again."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "Run as root for --system, or use --user for your own installation."
    return "Check the volume; the laptop keeps its present release until then."


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def _sync_path(path: str) -> None:
    descriptor = os.open(path, (os.O_RDWR if sys.platform == "win32" else os.O_RDONLY) | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_filesystem(path: str) -> None:
    import ctypes

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:  # a C library without it
        os.sync()
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
    finally:
        os.close(descriptor)


def _below(path: str) -> Iterator[str]:
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names if not os.path.islink(os.path.join(folder, name)))
        if sys.platform != "win32":
            yield folder


def _flush_drive(path: str) -> None:
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, getattr(fcntl, "F_FULLFSYNC", 51))
    finally:
        os.close(descriptor)
