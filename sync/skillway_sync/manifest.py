"""What a plugin's content is: the canonical list of its files, and the digest that names it.

A plugin's digest is the sha256 of its canonical manifest before stamping, so it is the same on every machine
and Python; how the bytes were compressed plays no part. Stamping then writes that digest into
`.claude-plugin/plugin.json` as the version's build part (`1.4.2+3f9c0a1b22de`), because Claude Code keys what
it remembers of a plugin by the version string (anthropics/claude-code #14061 and eight more).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from skillway_sync.errors import RefusedError
from skillway_sync.paths import colliding_paths, path_fault

SCHEMA = 1
PLUGIN_FILE = ".claude-plugin/plugin.json"
MODES = ("0644", "0755")
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PLUGIN_BYTES = 512 * 1024 * 1024
MAX_FILES = 50_000
SHORT_DIGEST = 12
"""Hex digits of a digest that people and version strings see."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file: `path` below the plugin's folder, hex `sha256`, `size` in bytes, `mode` 0644 or 0755."""

    path: str
    sha256: str
    size: int
    mode: str

    def to_json(self) -> dict[str, Any]:
        """Give the mapping that stands in the manifest."""
        return {"path": self.path, "sha256": self.sha256, "size": self.size, "mode": self.mode}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one plugin. `files` are before stamping, sorted by path; `stamped` is plugin.json after it."""

    plugin: str
    version: str
    files: tuple[FileEntry, ...]
    stamped: FileEntry

    @property
    def digest(self) -> str:
        """The 64 hex digits that name this content."""
        body = {"schema": SCHEMA, "plugin": self.plugin, "files": [entry.to_json() for entry in self.files]}
        return hashlib.sha256(canonical_json(body)).hexdigest()

    @property
    def stamped_version(self) -> str:
        """The version that Claude Code is shown."""
        return stamp_version(self.version, self.digest)

    @property
    def installed_files(self) -> tuple[FileEntry, ...]:
        """The files as they are in the archive and on disk: stamped, sorted by path."""
        return tuple(self.stamped if entry.path == PLUGIN_FILE else entry for entry in self.files)

    @property
    def total_bytes(self) -> int:
        """The sum of the installed sizes."""
        return sum(entry.size for entry in self.installed_files)

    def to_bytes(self) -> bytes:
        """Give the published form, which `parse_manifest` reads."""
        return canonical_json(
            {
                "schema": SCHEMA,
                "plugin": self.plugin,
                "version": self.version,
                "digest": self.digest,
                "files": [entry.to_json() for entry in self.files],
                "stamped": self.stamped.to_json(),
            }
        )


def canonical_json(value: object) -> bytes:
    """Encode so that equal values are equal bytes: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sort_files(files: list[FileEntry]) -> tuple[FileEntry, ...]:
    """Put files into the manifest's order: by the bytes of their path."""
    return tuple(sorted(files, key=lambda entry: entry.path.encode()))


def stamp_version(version: str, digest: str) -> str:
    """Put a digest into a version as its build part, in place of any that was there."""
    return f"{version.split('+', 1)[0]}+{digest[:SHORT_DIGEST]}"


def stamp_plugin_json(text: bytes, version: str) -> bytes:
    """Give the bytes of a plugin.json with its `version` replaced; key order is kept.

    Raises:
        ValueError: The text is not a JSON object.
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the caller reports every unreadable plugin.json alike
    content["version"] = version
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def make_manifest(plugin: str, version: str, contents: dict[str, tuple[bytes, str]]) -> tuple[Manifest, bytes]:
    """Make a plugin's manifest from its files.

    Args:
        plugin: The plugin's name.
        version: The version in its plugin.json, without a digest.
        contents: From path to (bytes, mode), `.claude-plugin/plugin.json` among them.

    Returns:
        The manifest and the stamped bytes of plugin.json.
    """
    files = sort_files([_entry(path, data, mode) for path, (data, mode) in contents.items()])
    unstamped, mode = contents[PLUGIN_FILE]
    draft = Manifest(plugin, version, files, stamped=_entry(PLUGIN_FILE, unstamped, mode))
    stamped = stamp_plugin_json(unstamped, draft.stamped_version)
    return replace(draft, stamped=_entry(PLUGIN_FILE, stamped, mode)), stamped


def _entry(path: str, data: bytes, mode: str) -> FileEntry:
    return FileEntry(path, hashlib.sha256(data).hexdigest(), len(data), mode)


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """Read a published manifest and refuse everything that is not exactly one.

    Args:
        data: The bytes of the manifest.
        where: Its path or URL, for the error.

    Raises:
        RefusedError: Not a manifest, a path that could leave the plugin's folder, or a digest that does not
            fit the files.
    """
    try:
        manifest = _manifest_from_json(json.loads(data), stated_in=where)
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise _refused(where, f"is not a plugin manifest ({error!r})") from error
    return manifest


def _manifest_from_json(content: dict[str, Any], *, stated_in: str) -> Manifest:
    if content["schema"] != SCHEMA:
        raise _refused(stated_in, f"has schema {content['schema']!r}, and this program reads {SCHEMA}")
    files = tuple(_file_from_json(entry) for entry in content["files"])
    manifest = Manifest(str(content["plugin"]), str(content["version"]), files, _file_from_json(content["stamped"]))
    _refuse_bad_files(manifest, stated_in)
    if manifest.digest != content["digest"]:
        raise _refused(stated_in, f"says digest {content['digest']!r}, but its files make {manifest.digest}")
    return manifest


def _file_from_json(content: dict[str, Any]) -> FileEntry:
    entry = FileEntry(content["path"], content["sha256"], content["size"], content["mode"])
    types_fit = isinstance(entry.path, str) and isinstance(entry.sha256, str) and type(entry.size) is int
    if not types_fit or entry.mode not in MODES or len(entry.sha256) != hashlib.sha256().digest_size * 2:
        raise ValueError(f"bad file entry {content!r}"[:200])
    return entry


def _refuse_bad_files(manifest: Manifest, where: str) -> None:
    paths = [entry.path for entry in manifest.files]
    if len(paths) > MAX_FILES:
        raise _refused(where, f"lists {len(paths)} files, and {MAX_FILES} is the most")
    if paths != [entry.path for entry in sort_files(list(manifest.files))] or len(set(paths)) != len(paths):
        raise _refused(where, "does not list its files once each, in order")
    if PLUGIN_FILE not in paths or manifest.stamped.path != PLUGIN_FILE:
        raise _refused(where, f"has no {PLUGIN_FILE}")
    for entry in manifest.installed_files:
        fault = path_fault(entry.path)
        if fault:
            raise _refused(where, f"names {entry.path!r}, which {fault}")
        if not 0 <= entry.size <= MAX_FILE_BYTES:
            raise _refused(where, f"gives {entry.path} {entry.size} bytes, and {MAX_FILE_BYTES} is the most")
    if manifest.total_bytes > MAX_PLUGIN_BYTES:
        raise _refused(where, f"adds up to {manifest.total_bytes} bytes, and {MAX_PLUGIN_BYTES} is the most")
    for one, other in colliding_paths(paths):
        raise _refused(where, f"names {one!r} and {other!r}, which are one file where case is ignored")


def _refused(where: str, what: str) -> RefusedError:
    return RefusedError(f"The manifest {where} {what}.", fix="Build and publish the plugin again with skillway.")
