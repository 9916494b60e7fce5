"""Which interpreter did IT put beside the configuration, and is the copy that hooks run with exactly that one?

A laptop without a suitable Python gets a private one: a folder `python` that `sync/deploy/entry/build.py` makes,
beside config.json or around this very program. Hooks run with a copy at `<root>/bin/python/<digest>`, so that IT can
replace theirs at any time, and so that what somebody changed can be put right. When it is used is `local`'s to say.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway_sync.disk import is_real_folder
from skillway_sync.drift import Difference, find_differences, repair_folder, sha256_of
from skillway_sync.errors import ConfigError
from skillway_sync.laptop import Laptop
from skillway_sync.layout import Layout
from skillway_sync.manifest import MAX_FILE_BYTES, MODES, FileEntry, canonical_json
from skillway_sync.paths import path_fault
from skillway_sync.quarantine import Quarantine

MANIFEST_FILE = "manifest.json"
PROGRAM = "bin/python3"
SCHEMA = 1
MAX_FILES = 5_000
_FIX = "Put the folder that sync/deploy/entry/build.py makes there, whole."


@dataclass(frozen=True, slots=True)
class Package:
    """A packaged interpreter as its manifest says.

    Attributes:
        folder: Where it is.
        version: The Python's, such as 3.11.2.
        files: From path to entry, the manifest itself not among them.
        manifest: The manifest's bytes.
    """

    folder: Path
    version: str
    files: dict[str, FileEntry]
    manifest: bytes

    @property
    def digest(self) -> str:
        """The 64 hex digits that name this content."""
        entries = [entry.to_json() for _, entry in sorted(self.files.items())]
        return hashlib.sha256(canonical_json({"schema": SCHEMA, "python": self.version, "files": entries})).hexdigest()

    @property
    def installed_files(self) -> dict[str, FileEntry]:
        """What its copy must hold: its files, and the manifest."""
        entry = FileEntry(MANIFEST_FILE, hashlib.sha256(self.manifest).hexdigest(), len(self.manifest), "0644")
        return self.files | {MANIFEST_FILE: entry}


def describe_package(folder: Path, *, version: str, platform: str) -> dict[str, Any]:
    """Make the manifest of a folder: schema, python, platform, files.

    Args:
        folder: All that is in it belongs to the package.
        version: The Python's.
        platform: What it is for, such as linux-x86_64; for people.
    """
    files = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        mode = "0755" if path.stat().st_mode & stat.S_IXUSR else "0644"
        files.append(FileEntry(name, str(sha256_of(str(path))), path.stat().st_size, mode).to_json())
    return {"schema": SCHEMA, "python": version, "platform": platform, "files": files}


def find_package(layout: Layout) -> Path | None:
    """Find IT's folder: beside the configuration, else the one that this program itself runs from."""
    own = Path(sys.base_prefix)
    for folder in (layout.config_file.parent / "python", own):
        if (folder / MANIFEST_FILE).is_file() and (folder / PROGRAM).is_file():
            return folder
    return None


def read_package(folder: Path) -> Package:
    """Read a package's manifest.

    Raises:
        ConfigError: It cannot be read or is no such manifest.
    """
    path = folder / MANIFEST_FILE
    try:
        data = path.read_bytes()
        content = json.loads(data)
        schema, version = content["schema"], content["python"]
        entries = [FileEntry(each["path"], each["sha256"], each["size"], each["mode"]) for each in content["files"]]
        faults = [fault for entry in entries if (fault := _entry_fault(entry))]
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise ConfigError(f"The packaged interpreter's {path} cannot be used ({error!r}).", fix=_FIX) from error
    if schema != SCHEMA or not isinstance(version, str):
        faults.insert(0, f"it has schema {schema!r}, and this program reads {SCHEMA}")
    if faults or not 0 < len(entries) <= MAX_FILES or PROGRAM not in {entry.path for entry in entries}:
        why = faults[0] if faults else f"it lists {len(entries)} files, and {PROGRAM} must be one"
        raise ConfigError(f"The packaged interpreter's {path} cannot be used ({why}).", fix=_FIX)
    return Package(folder, version, {entry.path: entry for entry in entries}, data)


def _entry_fault(entry: FileEntry) -> str | None:
    if not isinstance(entry.path, str) or not isinstance(entry.sha256, str) or type(entry.size) is not int:
        return f"a file has the wrong types: {entry!r}"[:200]
    if entry.mode not in MODES or not 0 <= entry.size <= MAX_FILE_BYTES or entry.path == MANIFEST_FILE:
        return f"{entry.path} has mode {entry.mode!r} and {entry.size} bytes"
    fault = path_fault(entry.path)
    return f"{entry.path!r} {fault}" if fault else None


def packages_folder(layout: Layout) -> Path:
    """Give the folder with one copy per digest."""
    return layout.interpreter_file.parent / "python"


def is_packaged(layout: Layout, interpreter: str) -> bool:
    """Tell whether an interpreter is one of the copies."""
    return packages_folder(layout) in Path(interpreter).parents


def copy_of(layout: Layout, interpreter: str) -> Path:
    """Give the folder of the copy that an interpreter belongs to."""
    return packages_folder(layout) / Path(interpreter).relative_to(packages_folder(layout)).parts[0]


def install_package(laptop: Laptop, quarantine: Quarantine) -> tuple[str, list[str]] | None:
    """Make sure of the copy of IT's packaged interpreter; give its program, and what was put right.

    Without IT's folder, or with a damaged one, a copy that is whole stays in use: that hooks run matters more.

    Args:
        laptop: The laptop.
        quarantine: Keeps what somebody edited or added.

    Returns:
        The absolute path of the program with one line for each difference; None when there is no package at all.

    Raises:
        ConfigError: IT's folder is not what its manifest says, and there is no whole copy.
    """
    source = find_package(laptop.layout)
    if source is None:
        return _whole_copy(laptop.layout)
    try:
        return _make_sure(laptop, read_package(source), quarantine)
    except ConfigError:
        if _whole_copy(laptop.layout) is None:
            raise
        return _whole_copy(laptop.layout)
    finally:
        laptop.disk.remove_tree(_staging(laptop))


def _make_sure(laptop: Laptop, package: Package, quarantine: Quarantine) -> tuple[str, list[str]]:
    target = packages_folder(laptop.layout) / package.digest
    drift = _repair(laptop, package, target, quarantine) if is_real_folder(target) else []
    if not is_real_folder(target):
        laptop.disk.remove_tree(target)
        _copy(laptop, package, target)
    _remove_others(laptop, target)
    return str(target / PROGRAM), drift


def _staging(laptop: Laptop) -> Path:
    return laptop.layout.staging / "python"


def _whole_copy(layout: Layout) -> tuple[str, list[str]] | None:
    folder = packages_folder(layout)
    for copy in sorted(folder.iterdir()) if folder.is_dir() else []:
        with contextlib.suppress(ConfigError):
            if not copy_differences(copy):
                return str(copy / PROGRAM), []
    return None


def copy_differences(copy: Path) -> list[Difference]:
    """Compare a copy with its own manifest.

    Raises:
        ConfigError: It has none that can be used.
    """
    return find_differences(copy, read_package(copy).installed_files)


def _content(package: Package, path: str) -> tuple[bytes, int]:
    if path == MANIFEST_FILE:
        return package.manifest, 0o644
    entry = package.files[path]
    try:
        data = (package.folder / path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The packaged interpreter lacks {package.folder / path} ({error.strerror}).", fix=_FIX
        ) from error
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise ConfigError(
            f"The packaged interpreter's {package.folder / path} is not what its manifest says.", fix=_FIX
        )
    return data, int(entry.mode, 8)


def _copy(laptop: Laptop, package: Package, target: Path) -> None:
    staged = _staging(laptop) / package.digest
    laptop.disk.make_folders(staged)
    for path in sorted(package.installed_files):
        data, mode = _content(package, path)
        laptop.disk.make_folders((staged / path).parent)
        laptop.disk.write_file(staged / path, data, mode)
    laptop.disk.sync_tree(staged)
    laptop.disk.make_folders(target.parent)
    laptop.disk.rename_dir(staged, target)
    laptop.disk.sync_folders([target.parent, target.parent.parent])


def _repair(laptop: Laptop, package: Package, target: Path, quarantine: Quarantine) -> list[str]:
    differences = find_differences(target, package.installed_files)
    if not differences:
        return []
    staging = _staging(laptop)
    laptop.disk.make_folders(staging)
    content = {each.path: _content(package, each.path) for each in differences if _has_content(package, each)}
    repair_folder(target, differences, content.__getitem__, quarantine.keep, staging, laptop.disk)
    return [each.describe(f"bin/python/{package.digest[:12]}") for each in differences]


def _has_content(package: Package, difference: Difference) -> bool:
    return not difference.is_folder and difference.path in package.installed_files


def _remove_others(laptop: Laptop, target: Path) -> None:
    """Remove older copies, once the recorded interpreter is the one that is right: hooks start anew on each call."""
    try:
        recorded = laptop.layout.interpreter_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return
    if recorded != str(target / PROGRAM):
        return
    for other in target.parent.iterdir():
        if other != target:
            laptop.disk.remove_tree(other)


def watched_packages(layout: Layout, interpreter: str) -> list[str]:
    """List what must not change between two runs: IT's manifest, and the copy's files where hooks run with one."""
    watched = [str((find_package(layout) or layout.config_file.parent / "python") / MANIFEST_FILE)]
    if is_packaged(layout, interpreter):
        copy = copy_of(layout, interpreter)
        watched += sorted(os.path.join(at, name) for at, _, names in os.walk(copy) for name in [*names, ""])  # noqa: PTH118 - hundreds
    return watched
