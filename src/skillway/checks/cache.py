"""What a check of exactly these files has found before: one JSON file per state of the repository.

`.skillway/check-cache/<key>.json` is `{"schema": 1, "findings": [...], "counts": {...}}`. The key is the sha256 of
lines that any language can make: the rules' own digest, the profile, the shells, then `kind mode digest path` for
every file of the layers and `name path` for all others, which links may lead to. A broken or foreign file in the
folder is ignored; a repository that holds what cannot be read is checked every time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from skillway.catalog.load import BASE_FOLDER, DEVELOPER_TOOLS_FOLDER, HOOKS_FOLDER, TEAMS_FOLDER
from skillway.catalog.reading import MAX_TEXT_BYTES

FOLDER = Path(".skillway") / "check-cache"
SCHEMA = 1
_MAX_ENTRIES = 16
_MAX_PATHS = 200_000
_READ = (BASE_FOLDER, DEVELOPER_TOOLS_FOLDER, HOOKS_FOLDER, TEAMS_FOLDER)
_NOT_LOOKED_AT = frozenset({".git", ".skillway", "node_modules", ".venv", "__pycache__"})


class _UncachableError(Exception):
    """There is something whose content cannot be told by a digest."""


def make_key(repository: Path, profile: str) -> str | None:
    """Give the key of a repository as it stands on disk, or None when it cannot have one."""
    digest = hashlib.sha256(f"{_rules_digest()}\n{profile}\n{shutil.which('sh')} {shutil.which('bash')}\n".encode())
    try:
        for line in sorted(_lines(str(repository))):
            digest.update(line.encode("utf-8", "surrogateescape"))
    except (_UncachableError, OSError):
        return None
    return digest.hexdigest()


def _lines(root: str) -> Iterator[str]:
    pending = [("", False)]
    number = 0
    while pending:
        prefix, is_read = pending.pop()
        with os.scandir(os.path.join(root, prefix)) as entries:  # noqa: PTH118 - Path would cost half of the time
            for entry in entries:
                number += 1
                if number > _MAX_PATHS:
                    raise _UncachableError
                path = prefix + entry.name
                reads = is_read or (not prefix and entry.name in _READ)
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NOT_LOOKED_AT:
                        yield f"folder {path}\n"
                        pending.append((f"{path}/", reads))
                else:
                    yield _line(entry, path) if reads or path == "organisation.yaml" else f"name {path}\n"


def _line(entry: os.DirEntry[str], path: str) -> str:
    if entry.is_symlink():
        return f"link {os.readlink(entry.path)} {path}\n"  # noqa: PTH115 - Path would turn ./x into x
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise _UncachableError
    mode = status.st_mode & 0o777
    if status.st_size > MAX_TEXT_BYTES:  # hashing what rules hardly read would cost more than the check
        return f"large {mode:o} {status.st_size}:{status.st_mtime_ns} {path}\n"
    with open(entry.path, "rb") as source:  # noqa: PTH123 - as above
        return f"file {mode:o} {hashlib.sha256(source.read()).hexdigest()} {path}\n"


def _rules_digest() -> str:
    """Digest the programs that decide, so that no old answer outlives a changed rule."""
    digest = hashlib.sha256(sys.version.encode())
    here = Path(__file__).parent
    for folder, names in ((here, "*.py"), (here.parent / "catalog", "*.py"), (here.parent / "schemas", "*.json")):
        for file in sorted(folder.glob(names)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def load_result(repository: Path, key: str) -> dict[str, Any] | None:
    """Give what was found for a key, or None when there is nothing that can be used."""
    try:
        content = json.loads((repository / FOLDER / f"{key}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None


def save_result(repository: Path, key: str, findings: list[dict[str, Any]], counts: dict[str, int]) -> None:
    """Remember what was found; a disk that refuses costs only the next run's time."""
    folder = repository / FOLDER
    text = json.dumps({"schema": SCHEMA, "findings": findings, "counts": counts}, ensure_ascii=False)
    with suppress(OSError, UnicodeEncodeError):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        _write(folder / f"{key}.json", text.encode())
        entries = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in entries[_MAX_ENTRIES:]:
            old.unlink()


def _write(file: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(data)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
