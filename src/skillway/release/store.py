"""How files get into a store: one at a time, whole or not at all, and by one publisher at a time.

Every change of a store's folder goes through `Store`, as numbered steps that a test can stop at. What the
files mean is `chain`'s and `publish`'s question.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skillway.release.errors import BusyError, StoreError

METADATA = "metadata"
TARGETS = "targets"
TIMESTAMP_FILE = "timestamp.json"
_STAGING = ".skillway-staging"
_LOCK = ".skillway-lock"
_VERSIONED = re.compile(r"(\d+)\.(.+)\.json\Z")
_READ_BYTES = 1 << 18
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows has no EDQUOT

Step = Callable[[str, Path], None]
"""Called before each change with what will be done (create, write, fsync, replace, …) and to which path."""


class Store:
    """A folder with the `metadata` and `targets` of a TUF repository. Making a `Store` touches nothing."""

    def __init__(self, folder: Path, *, before: Step = lambda _what, _path: None) -> None:
        self.folder = folder
        self._before = before
        self._unsynced: set[Path] = set()

    def metadata_path(self, name: str) -> Path:
        """Give where a metadata file lies, as in `3.targets.json`."""
        return self.folder / METADATA / name

    def target_path(self, target: str, sha256: str) -> Path:
        """Give where a target lies: with consistent snapshots its hash stands before its file name."""
        head, _, name = target.rpartition("/")
        return self.folder / TARGETS / head / f"{sha256}.{name}"

    def metadata_versions(self) -> dict[str, list[int]]:
        """List the versions of each role that have a file, referenced or not, in rising order."""
        versions: dict[str, list[int]] = {}
        try:
            names = [path.name for path in (self.folder / METADATA).iterdir()]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._failure(self.folder / METADATA, error, "read") from error
        for name in names:
            match = _VERSIONED.match(name)
            if match:
                versions.setdefault(match[2], []).append(int(match[1]))
        return {role: sorted(found) for role, found in versions.items()}

    def read_metadata(self, name: str) -> bytes | None:
        """Read a metadata file; None when there is none.

        Raises:
            StoreError: It is there and cannot be read.
        """
        path = self.metadata_path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure(path, error, "read") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store against other publishers, and clear away what a killed one left unfinished.

        The operating system drops the lock with the process, so there is never a stale one.

        Raises:
            BusyError: Another publisher holds it.
            StoreError: The folder cannot be made or written.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreError(f"{self.folder} is a file, and a store is a folder.", fix="Name a folder with --store.")
        path = self.folder / _LOCK
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._failure(path, error, "written") from error
        try:
            _take_lock(handle, self.folder)
            shutil.rmtree(self.folder / _STAGING, ignore_errors=True)
            yield
            shutil.rmtree(self.folder / _STAGING, ignore_errors=True)
        finally:
            os.close(handle)

    def write_metadata(self, name: str, data: bytes) -> None:
        """Write a versioned metadata file, which must not be there with other bytes.

        Raises:
            StoreError: It is, or the disk does not take it.
        """
        path = self.metadata_path(name)
        former = self.read_metadata(name)
        if former is not None and former != data:
            raise StoreError(f"{path} is already there with other content.", fix="Run the command again.")
        if former is None:
            self._write(path, data)

    def write_target(self, target: str, sha256: str, data: bytes) -> None:
        """Write a target under the name that its hash gives; one that is there and whole is left alone.

        Raises:
            StoreError: The bytes do not have that hash, or the disk does not take them.
        """
        path = self.target_path(target, sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(
                f"The bytes for {path} changed while they were published.", fix="Run skillway build again."
            )
        if self.target_fault(target, sha256, len(data)):
            self._write(path, data)

    def target_fault(self, target: str, sha256: str, length: int) -> str | None:
        """Say what is wrong with a target's file (missing, damaged, unreadable), or None."""
        path = self.target_path(target, sha256)
        digest = hashlib.sha256()
        try:
            if path.stat().st_size != length:
                return "damaged"
            with path.open("rb") as stream:
                while chunk := stream.read(_READ_BYTES):
                    digest.update(chunk)
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "unreadable"
        return None if digest.hexdigest() == sha256 else "damaged"

    def replace_timestamp(self, data: bytes) -> None:
        """Make a new state visible: everything written before is made durable, then the one file is replaced."""
        self.sync_folders()
        self._write(self.metadata_path(TIMESTAMP_FILE), data)
        self.sync_folders()

    def sync_folders(self) -> None:
        """Make the names of all files written so far survive a loss of power."""
        for folder in sorted(self._unsynced):
            try:
                self._before("sync folder", folder)
                _sync_folder(folder)
            except OSError as error:
                raise self._failure(folder, error, "written") from error
        self._unsynced.clear()

    def _write(self, path: Path, data: bytes) -> None:
        staged = self.folder / _STAGING / f"{os.getpid()}-{path.name}"
        try:
            self._before("make folders", path)
            self._make_folder(path.parent)
            staged.parent.mkdir(exist_ok=True)
            self._before("create", path)
            with staged.open("wb") as stream:
                self._before("write", path)
                stream.write(data)
                stream.flush()
                self._before("fsync", path)
                os.fsync(stream.fileno())
            self._before("replace", path)
            staged.replace(path)
        except OSError as error:
            with suppress(OSError):
                staged.unlink()
            raise self._failure(path, error, "written") from error
        self._unsynced.add(path.parent)

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for made in reversed(missing):
            made.mkdir(exist_ok=True)
            self._unsynced.add(made.parent)

    def _failure(self, path: Path, error: OSError, verb: str) -> StoreError:
        if error.errno in _FULL:
            fix = "Free some space and run the command again; the store still serves what it served before."
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            fix = "Run as a user who may write there, or name another folder with --store."
        else:
            fix = "Mend the disk or the path and run the command again; it carries on where this run stopped."
        return StoreError(f"{path} cannot be {verb}: {error.strerror or error}.", fix=fix)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # a folder cannot be opened there; the file system orders names by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _take_lock(handle: int, folder: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists on Windows only

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - does not exist on Windows

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise BusyError(
            f"Another publisher is at work in {folder}.", fix="Wait until it has ended, then run the command again."
        ) from error
