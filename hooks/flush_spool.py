"""Which records are waiting, and how far are they done?

Takes files away from their writers, gives their lines in order, and remembers in a journal beside each file how much
of it is done. Every step leaves a state from which the next run goes on; a crash between a receiver's yes and the
journal sends one batch again. Leaves what a line means to `flush_records.py`.
"""

import os
import re
import stat
import time
from contextlib import suppress

import spool
from flush_state import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ACTIVE = "events.jsonl"
CLAIMED = ".claimed"
OFFSET = ".offset"
SEGMENT_IDLE_S = 5.0
"""A segment has no lock; nobody who still wrote to it leaves it alone for so long. Writes take microseconds."""
MAX_LINE = 8192
"""Twice the longest record, in bytes: more without a line's end is no record of ours."""

_SEGMENT = re.compile(r"\d+-\d+-[0-9a-f]+\.jsonl")
_OWN = re.compile(r"events\.jsonl|\d+-\d+-[0-9a-f]+\.jsonl|\d+-[0-9a-f]+\.(claimed|offset)|dropped\.[a-z_]+")
_PART = re.compile(r"\d+-[0-9a-f]+\.(claimed|offset)\.part")
_JUMP_S = 3600
_TIME = re.compile(rb'"ts":(\d{1,19})')


class Spool:
    """The spool's folder, for the one process that holds the lock.

    Args:
        folder: The folder itself.

    Raises:
        OSError: It is not a folder of the user's own.
    """

    def __init__(self, folder: str) -> None:
        if not spool.own_folder(folder):
            raise OSError("the spool is not a folder of the user's own")
        self.folder = folder

    def foreign(self) -> "list[str]":
        """List what is in the folder and nobody's; it is left where it is."""
        return sorted(
            name for name in os.listdir(self.folder) if not _OWN.fullmatch(name) and not _PART.fullmatch(name)
        )

    def claim(self) -> None:
        """Take every file away whose writers are done with it."""
        self._sweep()
        if self._is_ours(ACTIVE) and os.path.getsize(self._path(ACTIVE)):
            self._take_active()
        for name in sorted(os.listdir(self.folder)):
            if _SEGMENT.fullmatch(name) and self._is_ours(name) and self._is_idle(name):
                os.rename(self._path(name), self._path(_new_name(name.partition("-")[0])))

    def claim_old(self, age_s: float = 86_400.0) -> None:
        """Take the active file away when it is old or half full, so that the limits can work on it without a receiver."""
        if self._is_ours(ACTIVE) and (
            self.size(ACTIVE) > spool.MAX_SPOOL_BYTES // 2 or time.time() - self._first_time(ACTIVE) > age_s
        ):
            self.claim()

    def _first_time(self, name: str) -> float:
        """Give when the first record was written, in seconds since 1970; now when none can be read."""
        for line, _ in self.lines(name, 0):
            found = _TIME.search(line)
            if found:
                return int(found[1]) / 1e9
        return time.time()

    def waiting_files(self) -> "list[str]":
        """List every file with records, claimed or not, the oldest first."""
        names = [name for name in os.listdir(self.folder) if name == ACTIVE or _SEGMENT.fullmatch(name)]
        return [*self.claims(), *sorted(name for name in names if self._is_ours(name))]

    def _take_active(self) -> None:
        """Rename first, then wait once for the writers that opened the file before: they hold a shared lock."""
        claimed = self._path(_new_name(str(time.time_ns())))
        os.rename(self._path(ACTIVE), claimed)
        try:
            from fcntl import LOCK_EX, flock
        except ImportError:
            return
        with open(claimed, "rb") as file:
            flock(file, LOCK_EX)

    def _is_ours(self, name: str) -> bool:
        try:
            status = os.lstat(self._path(name))
        except OSError:
            return False
        is_own = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
        return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and is_own

    def _is_idle(self, name: str) -> bool:
        # A time of change in the future is from a clock that jumped; waiting for it could take for ever.
        return not -_JUMP_S < self._age(name) < SEGMENT_IDLE_S

    def _age(self, name: str) -> float:
        return time.time() - os.lstat(self._path(name)).st_mtime

    def _sweep(self) -> None:
        """Take away what a run left that was killed: a journal without its file, an unfinished file."""
        names = set(os.listdir(self.folder))
        for name in names:
            is_orphan = _OWN.fullmatch(name) and name.endswith(OFFSET) and name[: -len(OFFSET)] + CLAIMED not in names
            if is_orphan or _PART.fullmatch(name):
                os.unlink(self._path(name))

    def claims(self) -> "list[str]":
        """List the claimed files, the oldest first."""
        names = [name for name in os.listdir(self.folder) if name.endswith(CLAIMED) and _OWN.fullmatch(name)]
        return sorted((name for name in names if self._is_ours(name)), key=claim_time)

    def lines(self, name: str, start: int) -> "Iterator[tuple[bytes, int]]":
        """Give each line that is not empty with the offset of its end, from an offset on.

        Of a line that is too long there is only the start, which no reader takes for a record.
        """
        with open(self._path(name), "rb") as file:
            file.seek(start)
            end = start
            while True:
                line = file.readline(MAX_LINE)
                end += len(line)
                if not line:
                    return
                rest = line
                while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
                    rest = file.readline(MAX_LINE)
                    end += len(rest)
                if line != b"\n":
                    yield line, end

    def offset(self, name: str) -> int:
        """Give how many bytes of a file are done; what cannot be read means none."""
        if not name.endswith(CLAIMED):
            return 0
        try:
            with open(self._path(name[: -len(CLAIMED)] + OFFSET), encoding="ascii") as file:
                done = int(file.read(32))
        except (OSError, ValueError):
            return 0
        return done if 0 <= done <= self.size(name) else 0

    def commit(self, name: str, done: int) -> None:
        """Remember how far a file is done; when all of it is, the file goes.

        Raises:
            OSError: The disk does not take it.
        """
        journal = self._path(name[: -len(CLAIMED)] + OFFSET)
        if done < self.size(name):
            write_whole(journal, str(done))
            return
        os.unlink(self._path(name))
        with suppress(FileNotFoundError):
            os.unlink(journal)

    def size(self, name: str) -> int:
        """Give a file's bytes; 0 when it has gone."""
        try:
            return os.lstat(self._path(name)).st_size
        except OSError:
            return 0

    def waiting_bytes(self) -> int:
        """Give the bytes of all that is not sent yet."""
        return sum(self.size(name) - self.offset(name) for name in self.waiting_files())

    def replace(self, name: str, lines: "list[bytes]") -> None:
        """Put other lines in a claimed file's place; none means that the file goes.

        The journal goes first: if it ends there, records are sent again, which their ids make harmless.

        Raises:
            OSError: The disk does not take it.
        """
        if not lines:
            self.commit(name, self.size(name))
            return
        with suppress(FileNotFoundError):
            os.unlink(self._path(name[: -len(CLAIMED)] + OFFSET))
        write_whole(
            self._path(name), "".join("\n" + line.decode("utf-8", "replace").rstrip("\n") + "\n" for line in lines)
        )

    def counter(self, reason: str) -> int:
        """Give how many records writers dropped for a reason: a byte each."""
        return self.size("dropped." + reason)

    def _path(self, name: str) -> str:
        return self.folder + "/" + name


def _new_name(ns: str) -> str:
    return f"{ns}-{os.urandom(4).hex()}{CLAIMED}"


def claim_time(name: str) -> int:
    """Give the nanoseconds in a claimed file's name, by which files are ordered."""
    return int(name.partition("-")[0])
