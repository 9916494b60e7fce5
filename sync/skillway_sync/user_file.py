"""How is a JSON file that belongs to a user read and changed, so that nothing in it can be lost?

It is read with limits (a pipe, a folder or a gigabyte in its place is an error, not a hang), and replaced as a
whole by rename, in its own form of indentation and with its own mode, only when nobody changed it meanwhile.
What is changed is for `personal` to say.
"""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from skillway_sync.disk import Disk, temporary_path
from skillway_sync.errors import ConfigError

MAX_BYTES = 16 * 1024 * 1024
NEW_FILE_MODE = 0o600
NEW_FOLDER_MODE = 0o700
_ATTEMPTS = 5
_FIRST_INDENT = re.compile(r"\{\r?\n([ \t]+)\"")

Stamp = tuple[int, int, int] | None


class NotJsonError(ConfigError):
    """The user or IT must act: a file that Claude Code reads as a JSON object is none."""


@dataclass(frozen=True, slots=True)
class UserFile:
    """A JSON object on disk with its form. `target` is the file itself when `path` is a link, as dotfiles often are."""

    path: Path
    target: Path
    content: dict[str, Any]
    text: str
    mode: int
    stamp: Stamp

    @property
    def exists(self) -> bool:
        """Whether the file was there."""
        return self.stamp is not None

    def encode(self, content: dict[str, Any]) -> bytes:
        """Encode new content in the form of the old: its indentation, line ends and end of file."""
        found = _FIRST_INDENT.search(self.text)
        indent = found.group(1) if found else "  "
        is_compact = bool(self.text.strip("{} \t\r\n")) and "\n" not in self.text.strip()
        text = json.dumps(content, indent=None if is_compact else indent, ensure_ascii=False)
        if not self.text or self.text.endswith("\n"):
            text += "\n"
        if "\r\n" in self.text:
            text = text.replace("\n", "\r\n")
        try:
            return text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can say and UTF-8 cannot
            return json.dumps(content, indent=indent).encode() + b"\n"


def read_user_file(path: Path) -> UserFile:
    """Read a user's JSON file; one that does not exist, or is empty, is an empty object.

    Raises:
        NotJsonError: It is a file, but not of one JSON object.
        ConfigError: It cannot be read, is no regular file, or has more than 16 MB.
    """
    target = Path(os.path.realpath(path))
    try:
        descriptor = os.open(target, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return UserFile(path, target, {}, "", NEW_FILE_MODE, None)
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(path, "is not a regular file")
        if status.st_size > MAX_BYTES:
            raise _unusable(path, f"has {status.st_size} bytes, and {MAX_BYTES} is the most that is read")
        data = _read_all(descriptor)
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error
    finally:
        os.close(descriptor)
    text, content = _parse(data, path)
    return UserFile(path, target, content, text, stat.S_IMODE(status.st_mode), _stamp(status))


def _read_all(descriptor: int) -> bytes:
    pieces: list[bytes] = []
    while piece := os.read(descriptor, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _parse(data: bytes, path: Path) -> tuple[str, dict[str, Any]]:
    try:
        # Not "utf-8-sig": that codec is a module, and a child that became a user may not be able to import it.
        text = data.removeprefix(codecs.BOM_UTF8).decode()
        content = (
            json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
            if text.strip()
            else {}
        )
    except (ValueError, RecursionError) as error:
        raise _not_json(path, f"is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise _not_json(path, "is not a JSON object")
    return text, content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        # Writing it back would silently drop one of the two.
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return content


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is too large to keep")
    return number


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _stamp_now(path: Path) -> Stamp:
    try:
        return _stamp(path.stat())
    except FileNotFoundError:
        return None


def change_user_file(disk: Disk, path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bool:
    """Change a user's JSON file; when nothing changes, nothing is written.

    Args:
        disk: What writes.
        path: The file; its folder is made if missing, readable by the user alone.
        change: From the present content to the wanted one, without altering its argument. It is called again
            when another program wrote the file meanwhile.

    Returns:
        Whether the file was written.

    Raises:
        NotJsonError, ConfigError: As `read_user_file`, or another program keeps writing the file.
        OSError: It cannot be written; then it is as it was.
    """
    for _ in range(_ATTEMPTS):
        file = read_user_file(path)
        content = change(file.content)
        if content == file.content:
            return False
        disk.make_folders(file.target.parent, NEW_FOLDER_MODE)
        if _replace_unless_changed(disk, file, file.encode(content)):
            return True
    raise _unusable(path, "is being written by another program all the time")


def _replace_unless_changed(disk: Disk, file: UserFile, data: bytes) -> bool:
    temporary = temporary_path(file.target)
    _remove_left_over(disk, temporary)
    try:
        disk.write_file(temporary, data, file.mode)
        disk.sync_file(temporary)
        if _stamp_now(file.target) != file.stamp:
            return False
        disk.rename(temporary, file.target)
    finally:
        _remove_left_over(disk, temporary)
    disk.sync_folders([file.target.parent])
    return True


def _remove_left_over(disk: Disk, temporary: str) -> None:
    if os.path.lexists(temporary):
        disk.remove(temporary)


def _unusable(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"The file {path} {what}.", fix=f"Look at {path}, then run skillway-sync again; it was left as it is."
    )


def _not_json(path: Path, what: str) -> NotJsonError:
    return NotJsonError(
        f"The file {path} {what}.", fix=f"Mend or move {path}, then run skillway-sync again; it was left as it is."
    )
