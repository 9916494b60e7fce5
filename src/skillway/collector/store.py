"""Where are received events kept? One SQLite file, in WAL mode, that a kill at any moment leaves whole.

Opening, the schema's version and the one transaction that stores rows are here; the sums over them are `rollup`'s,
the queries of reports are `skillway.usage`'s. A file that is not ours, or that is newer than we are, is never written.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from skillway.collector.errors import StoreError
from skillway.collector.rollup import add_to_sums, prepare_rollup
from skillway.collector.rows import Row
from skillway.collector.schema import APPLICATION_ID, EVENT_COLUMNS, MIGRATIONS
from skillway.errors import ConflictError, NotFoundError

try:
    import fcntl
except ImportError:  # Windows: two collectors there are kept apart by the port alone
    fcntl = None  # type: ignore[assignment]

FILE = "usage.db"
LEAST_SQLITE = (3, 35, 0)
_BUSY_SECONDS = 30.0
_CHUNK_ROWS = 200
"""Rows per statement. sqlite3 lets go of the interpreter's lock at every statement, and gets it back only after another
thread's turn of 5 ms, so that one statement per row makes a busy receiver a hundred times slower."""
_MAX_WORDS = 200_000
_PLACES = f"({','.join('?' * len(EVENT_COLUMNS))})"
_INSERT = f"INSERT OR IGNORE INTO event ({', '.join(EVENT_COLUMNS)}) VALUES "
_DIRECTORY_MODE, _FILE_MODE = 0o700, 0o600


class Store:
    """An open store.

    Args:
        path: The file, or None when the store is in memory.
        connection: Opened by `open_store` or `open_in_memory`.
    """

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._ids: dict[str | None, int | None] = {None: None}

    def write(self, batches: Iterable[Sequence[Row]]) -> int:
        """Store rows in one transaction; when this returns, they are on disk.

        Returns:
            How many were new.

        Raises:
            StoreError: Nothing was stored: disk full, file damaged, or locked for long.
        """
        with self.transaction():
            return self.add(batches)

    def add(self, batches: Iterable[Sequence[Row]]) -> int:
        """As `write`, inside a transaction that the caller opened."""
        rows = [row for batch in batches for row in batch]
        last = self._number("SELECT coalesce(max(id), 0) FROM event")
        if len(self._ids) > _MAX_WORDS:  # sessions and prompts come and go for ever
            self.forget_words()
        self._learn({word for row in rows for word in row.words} - self._ids.keys())
        for start in range(0, len(rows), _CHUNK_ROWS):
            self._insert(rows[start : start + _CHUNK_ROWS])
        add_to_sums(self.connection, last=last, sent=len(rows))
        return self._number("SELECT count(*) FROM event WHERE id > ?", last)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is written inside, or nothing.

        Raises:
            StoreError: SQLite failed; nothing was kept.
        """
        with store_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                self.undo()
                raise

    def undo(self) -> None:
        """Take back an open transaction."""
        self._ids = {None: None}  # what this transaction taught is gone with it
        if self.connection.in_transaction:  # a full disk makes SQLite do it itself
            self.connection.execute("ROLLBACK")

    def forget_words(self) -> None:
        """Forget the numbers of words; they are read again when they are needed."""
        self._ids = {None: None}

    def word_id(self, text: str) -> int:
        """Give the number of a word, or -1, which stands nowhere, when the store does not have it."""
        found = self.connection.execute("SELECT id FROM word WHERE text = ?", (text,)).fetchone()
        return int(found[0]) if found else -1

    def close(self) -> None:
        """Close the file; everything that was written is in it."""
        self.connection.close()

    def _insert(self, rows: Sequence[Row]) -> None:
        number = self._ids.__getitem__
        values: list[object] = []
        for uid, ts, kind, words, numbers, rest in rows:
            values += (uid, ts, kind, *map(number, words), *numbers, rest)
        self.connection.execute(_INSERT + ",".join([_PLACES] * len(rows)), values)

    def _learn(self, words: set[str | None]) -> None:
        """Get the numbers of words that were not met before, and give them one if they have none."""
        if not words:
            return
        listed = json.dumps(sorted(word for word in words if word is not None))
        self.connection.execute("INSERT OR IGNORE INTO word (text) SELECT value FROM json_each(?)", (listed,))
        query = "SELECT text, id FROM word WHERE text IN (SELECT value FROM json_each(?))"
        self._ids.update(self.connection.execute(query, (listed,)))

    def _number(self, query: str, *values: object) -> int:
        return int(self.connection.execute(query, values).fetchone()[0])


def default_store(environment: dict[str, str] | None = None) -> Path:
    """Give the place of the store when nobody names one: the user's state folder.

    Args:
        environment: The variables; this process's own by default.
    """
    return state_folder(environment) / FILE


def state_folder(environment: dict[str, str] | None = None) -> Path:
    """Give the user's state folder, where the spool and the store are (docs/architecture.md, "Spool")."""
    variables = dict(os.environ) if environment is None else environment
    home = Path(variables.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "skillway-state"
    if sys.platform == "win32":
        return home / "AppData" / "Local" / "skillway-state"
    xdg = variables.get("XDG_STATE_HOME", "")
    return (Path(xdg) if xdg.startswith("/") else home / ".local" / "state") / "skillway"


def open_store(path: Path) -> Store:
    """Open a store for writing, and make it (readable by its owner alone) when there is none.

    Raises:
        StoreError: The file is foreign, damaged, newer than this skillway, or cannot be written.
    """
    _need_sqlite()
    with store_errors(path):
        _make_file(path)
        connection = _connect(path, "rw")
        # FULL: a commit that is answered with 200 is on the disk, and not only in the system's memory
        connection.execute("PRAGMA synchronous = FULL")
        _need_ours(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -65536")
        _migrate(connection)
        prepare_rollup(connection)
    return Store(path, connection)


@contextmanager
def lock_store(path: Path) -> Iterator[None]:
    """Be the only collector on a store; readers and reports need no lock.

    Raises:
        ConflictError: Another collector has it.
        StoreError: The folder cannot be written.
    """
    with store_errors(path):
        path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + "-lock"), os.O_CREAT | os.O_RDWR, _FILE_MODE)
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConflictError(
            f"Another collector is already writing to {path}.",
            fix="Use that one, or give this one a --store of its own.",
        ) from None
    finally:
        os.close(lock)


def open_for_reading(path: Path) -> Store:
    """Open a store that a collector may be writing to at the same time.

    Raises:
        NotFoundError: There is none.
        StoreError: The file is foreign, damaged, of another version than this skillway, or cannot be read.
    """
    _need_sqlite()
    if not path.exists():
        raise NotFoundError(
            f"There is no store of events at {path}.",
            fix="Start a receiver, which makes one, or name the store with --store.",
            next_actions=("skillway collector",),
        )
    with store_errors(path):
        connection = _connect(path, "ro")
        try:
            _need_ours(connection, path)
        except sqlite3.OperationalError:
            # WAL needs a writable folder, or no writer at all
            connection = _connect(path, "ro", "&immutable=1")
            _need_ours(connection, path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version < len(MIGRATIONS):
            raise StoreError(
                f"The store {path} has version {version} of the schema; this skillway reads {len(MIGRATIONS)}.",
                fix="Start the collector on it once; it brings the store up to date.",
                next_actions=(f"skillway collector --store {path}",),
            )
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA mmap_size = 1073741824")
    return Store(path, connection)


def open_in_memory() -> Store:
    """Make an empty store that is gone when it is closed."""
    _need_sqlite()
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection)
    prepare_rollup(connection)
    return Store(None, connection)


@contextmanager
def store_errors(path: Path | None) -> Iterator[None]:
    """Turn what SQLite and the file system report into one sentence and what to do.

    Raises:
        StoreError: Anything failed inside.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"The store {path or 'in memory'} cannot be used: {error}.", fix=_fix(error)) from error
    except OSError as error:
        what = error.strerror or str(error)
        raise StoreError(
            f"The store {path} cannot be used: {what}.", fix="Name a place that you may write to: --store FILE"
        ) from error


def _fix(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "Free some space on that disk; senders keep what was refused and send it again."
    if "locked" in text or "busy" in text:
        return "Another program holds the file; end it, or wait and try again."
    if "readonly" in text or "unable to open" in text:
        return "Name a file in a folder that you may write to: --store FILE"
    return "Move the file aside and start a new one; what can be saved of it: sqlite3 FILE .recover | sqlite3 NEW"


def _need_sqlite() -> None:
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        least = ".".join(map(str, LEAST_SQLITE))
        raise StoreError(
            f"This Python has SQLite {sqlite3.sqlite_version}; the store needs {least} or newer.",
            fix="Use a Python that comes with a newer SQLite, for example one from python.org.",
        )


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    try:
        # SQLite gives its two side files the mode of the main one
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE_MODE))
    except FileExistsError:
        if not stat.S_ISREG(path.stat().st_mode):
            raise StoreError(f"{path} is no file.", fix="Name a file for the store: --store FILE") from None


def _connect(path: Path, mode: str, more: str = "") -> sqlite3.Connection:
    # the writer's thread is not the one that opens; no two threads ever use one connection at once
    address = f"file:{quote(str(path))}?mode={mode}{more}"
    return sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS)


def _need_ours(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and not (is_empty and version == 0 and application == 0):
        raise StoreError(
            f"{path} is a database of another program (application id {application:#x}); nothing was written to it.",
            fix="Name another file for the store: --store FILE",
        )
    if version > len(MIGRATIONS):
        raise StoreError(
            f"The store {path} has version {version} of the schema; this skillway knows {len(MIGRATIONS)}.",
            fix="Update skillway: pip install --upgrade 'skillway[operators]'",
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, all of it or nothing; another process may be doing the same."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for script in MIGRATIONS[version:]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
