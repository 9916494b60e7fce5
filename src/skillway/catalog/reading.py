"""Which files a folder holds, and what is in one: read so that nothing in it can hang, exhaust or mislead the reader.

No FIFO or device is ever opened, no link that leaves the folder is followed, sizes are bounded before reading.
What was met on the way is told as `Problem`s; nothing here raises for what it finds.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from skillway.catalog.values import Problem, SourceFile
from skillway_sync.manifest import MAX_FILES

MAX_TEXT_BYTES = 1024 * 1024
"""Most bytes of a file that is parsed; Claude Code itself warns of files above this size."""

MAX_LINKED_FOLDERS = 200
"""How many links to folders are followed in one plugin; a web of links has exponentially many paths."""

BOM = "\ufeff"
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(slots=True)
class Tree:
    """A folder's regular files, sorted by path, and what could not be read of it."""

    files: list[SourceFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_tree(folder: Path) -> Tree:
    """List a folder's files.

    Links to files and folders that stay inside are followed, each loop is cut and told; dot folders other than
    `.claude-plugin` and `__pycache__` are left out.
    """
    tree = Tree()
    real_root = os.path.realpath(folder)
    pending: list[tuple[str, str, frozenset[str]]] = [(str(folder), "", frozenset({real_root}))]
    followed = 0
    while pending:
        path, prefix, above = pending.pop()
        for entry in _entries(path, tree):
            relative = prefix + entry.name
            if entry.is_symlink() and not _link_is_good(entry, real_root, above, tree):
                continue
            if not _is_folder(entry):
                _note_file(entry, relative, tree)
            elif _is_wanted(entry.name):
                followed += entry.is_symlink()
                inside = above | {os.path.realpath(entry.path)} if entry.is_symlink() else above
                pending.append((entry.path, relative + "/", inside))
        if len(tree.files) > MAX_FILES or followed > MAX_LINKED_FOLDERS:
            tree.problems.append(_too_many(folder))
            break
    tree.files.sort(key=lambda file: file.path)
    return tree


def _entries(path: str, tree: Tree) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(path) as scan:
            return list(islice(scan, MAX_FILES + 1))
    except OSError as error:
        tree.problems.append(_unreadable(Path(path), error))
        return ()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # what cannot even be looked at is told when it is noted as a file
        return False


def _is_wanted(name: str) -> bool:
    return name != "__pycache__" and (not name.startswith(".") or name == ".claude-plugin")


def _link_is_good(entry: os.DirEntry[str], real_root: str, above: frozenset[str], tree: Tree) -> bool:
    real = os.path.realpath(entry.path)
    fault = _link_fault(entry, real, real_root, above)
    if fault is None:
        return True
    rule, why, fix = fault
    target = os.readlink(entry.path)  # noqa: PTH115 - Path would turn ./x into x
    tree.problems.append(Problem(rule, Path(entry.path), f"The link points at {target!r}, {why}", fix, seen=target))
    return False


def _link_fault(
    entry: os.DirEntry[str], real: str, real_root: str, above: frozenset[str]
) -> tuple[str, str, str] | None:
    if Path(real).is_symlink():  # realpath stops inside a circle of links
        return "symlink-loop", "which leads back to itself", "Remove the link."
    if real != real_root and not real.startswith(real_root + os.sep):
        why = "which is outside the plugin and would not be on a laptop"
        return "symlink-escapes", why, "Copy what it points at into the plugin, in place of the link."
    if not os.path.lexists(real):
        return "symlink-broken", "which does not exist", "Remove the link or add its target."
    here = os.path.realpath(Path(entry.path).parent)
    if _is_folder(entry) and (real in above or here == real or here.startswith(real + os.sep)):
        return "symlink-loop", "a folder that it stands in", "Remove the link."
    return None


def _note_file(entry: os.DirEntry[str], relative: str, tree: Tree) -> None:
    try:
        status = entry.stat()
    except OSError as error:
        tree.problems.append(_unreadable(Path(entry.path), error))
        return
    if stat.S_ISREG(status.st_mode):
        tree.files.append(SourceFile(relative, Path(entry.path), status.st_size, bool(status.st_mode & 0o111)))
        return
    message = "This is neither a file nor a folder but a pipe, socket or device, which cannot be shipped"
    tree.problems.append(Problem("file-special", Path(entry.path), message, "Remove it."))


def is_there(path: Path) -> bool:
    """Tell whether a path that an author wrote leads to something; pathlib raises where a name is too long."""
    return os.path.exists(path)  # noqa: PTH110 - see above


def read_bytes(path: Path, *, limit: int = MAX_TEXT_BYTES) -> bytes | Problem:
    """Read a regular file of at most `limit` bytes, or say why not; a pipe or device is never waited for."""
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        return _unreadable(path, error)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            message = "A regular file should stand here, and this is a folder, pipe, socket or device"
            return Problem("file-special", path, message, "Replace it by a regular file.")
        if status.st_size > limit:
            return too_large(path, status.st_size, limit)
        return _read_all(descriptor, status.st_size)
    except OSError as error:
        return _unreadable(path, error)
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size + 1)
    while len(data) < size:
        more = os.read(descriptor, size - len(data))
        if not more:
            break
        data += more
    return data


def read_text(path: Path) -> tuple[str | None, list[Problem]]:
    """Read a UTF-8 text of at most 1 MiB.

    Returns:
        The text without its byte order mark, or None when there is none to be had; and what is wrong with it.
    """
    data = read_bytes(path)
    if isinstance(data, Problem):
        return None, [data]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [not_utf8(path, data, error)]
    if not text.startswith(BOM):
        return text, []
    message = "The file starts with a byte order mark, and Claude Code 2.1.197 then does not see what follows as frontmatter or JSON"
    return text.removeprefix(BOM), [
        Problem("file-bom", path, message, "Save the file as UTF-8 without BOM.", 1, 1, "U+FEFF")
    ]


def not_utf8(path: Path, data: bytes, error: UnicodeDecodeError) -> Problem:
    """Say where a text stops being UTF-8."""
    line = data.count(b"\n", 0, error.start) + 1
    column = error.start - data.rfind(b"\n", 0, error.start)
    seen = f"byte 0x{data[error.start]:02x}"
    return Problem(
        "file-encoding",
        path,
        f"The file is not UTF-8: {seen} in line {line}",
        "Save the file as UTF-8.",
        line,
        column,
        seen,
        "UTF-8",
    )


def too_large(path: Path, size: int, limit: int) -> Problem:
    """Say that a file is larger than what may stand in its place."""
    message = f"The file has {size:,} bytes, and {limit:,} is the most that is read here"
    fix = "Make it smaller, or move what is data into a file of its own."
    return Problem("file-too-large", path, message, fix, seen=f"{size} bytes", expected=f"at most {limit} bytes")


def _unreadable(path: Path, error: OSError) -> Problem:
    message = f"This cannot be read: {error.strerror or error}"
    return Problem("file-unreadable", path, message, "Give yourself the right to read it, or remove it.")


def _too_many(folder: Path) -> Problem:
    message = f"The folder holds more than {MAX_FILES:,} files, or more than {MAX_LINKED_FOLDERS} links to folders"
    return Problem("file-too-large", folder, message, "Remove what does not belong to the plugin.")
