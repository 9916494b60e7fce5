"""What did a session leave in its project folder, in a form that a verdict can hold?

The whole folder as a compressed archive, so that graders can be run again on it, also those that are written later.
A folder that is too large is not kept, and then nothing that needs it is decided.
"""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from pathlib import Path

from skillway_evals.suite import Case

MOST_BYTES = 2 * 2**20
"""Of the compressed archive."""
_MOST_PLAIN_BYTES = 50 * 2**20
_MOST_SHOWN_FILES, _MOST_SHOWN_CHARS = 10, 8_000


class TooLargeError(Exception):
    """The folder is not kept; the message says how large it is."""


def pack_project(folder: Path) -> str:
    """Give a folder as base64 of a tar.gz; the samples that `git init` puts into every repository are left out.

    Raises:
        TooLargeError: It is larger than a verdict may hold.
    """
    plain = io.BytesIO()
    total = 0
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.parent.name == "hooks" and path.suffix == ".sample":
                continue
            total += path.lstat().st_size if path.is_file() and not path.is_symlink() else 0
            if total > _MOST_PLAIN_BYTES:
                raise TooLargeError(f"the project folder has more than {_MOST_PLAIN_BYTES} bytes")
            if path.is_file() or path.is_dir() or path.is_symlink():  # no sockets or devices
                archive.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    packed = gzip.compress(plain.getvalue(), mtime=0)
    if len(packed) > MOST_BYTES:
        raise TooLargeError(f"the project folder has {len(packed)} bytes as an archive, and {MOST_BYTES} are kept")
    return base64.b64encode(packed).decode()


def changed_files(case: Case, folder: Path) -> str:
    """Give the text files that a run made or changed, as a judge reads them after the answer.

    The same for the same folder; cut to what a reader would look at, and empty when nothing changed.
    """
    parts: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.is_symlink() or name.startswith(".git/") or len(parts) == _MOST_SHOWN_FILES:
            continue
        data = path.read_bytes()
        given = case.files.get(name)
        if b"\0" in data or (given is not None and given.is_file() and given.read_bytes() == data):
            continue
        text = data.decode("utf-8", "replace")
        cut = "" if len(text) <= _MOST_SHOWN_CHARS else f"\n[… {len(text) - _MOST_SHOWN_CHARS} characters left out …]"
        parts.append(f"\n\nFile {name}:\n{text[:_MOST_SHOWN_CHARS]}{cut}")
    return "".join(parts)


def unpack_project(packed: str, folder: Path) -> None:
    """Write a packed folder; entries that would leave it are refused.

    Raises:
        ValueError: It is no packed folder.
    """
    try:
        plain = gzip.decompress(base64.b64decode(packed, validate=True))
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            archive.extractall(folder, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ValueError(f"no packed project folder ({error})") from error
