"""What a build leaves: the folder with one manifest and one archive per plugin, and the file that names them.

`build.json` is the commit: it is replaced in one step after everything that it names is there. So a build that
was stopped leaves the former one whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillway.build.faults import OutputError
from skillway.errors import NotFoundError, RepositoryError
from skillway_sync.errors import RefusedError
from skillway_sync.manifest import Manifest, parse_manifest
from skillway_sync.release_document import LAYERS, is_name

SCHEMA = 1
RECORD = "build.json"
MANIFEST = "manifest.json"
ARCHIVE = "archive.tgz"
DEFAULT_OUT = Path(".skillway") / "build"
"""Where `skillway build` puts a repository's build, below the repository."""

ADDED = "added"
CHANGED = "changed"
UNCHANGED = "unchanged"
REMOVED = "removed"

UNFINISHED = ".unfinished-"
"""What the name of a file begins with until it is whole."""

_BUILD_AGAIN = "skillway build"
_DIGEST_DIGITS = 64


@dataclass(frozen=True, slots=True)
class BuiltPlugin:
    """One plugin of a build.

    Attributes:
        name: The plugin's name.
        digest: 64 hex digits that name its content.
        version: The version that Claude Code is shown, digest included (`1.4.2+3f9c0a1b22de`).
        layer: base, developer-tools or team.
        team: The team's name in the team layer, else None.
        description: From plugin.json.
        folder: Where its manifest and archive are.
    """

    name: str
    digest: str
    version: str
    layer: str
    team: str | None
    description: str
    folder: Path

    @property
    def manifest_file(self) -> Path:
        """The manifest, as `skillway_sync.manifest` reads it."""
        return self.folder / MANIFEST

    @property
    def archive_file(self) -> Path:
        """The archive, as `skillway_sync.archive` reads it."""
        return self.folder / ARCHIVE

    def read_manifest(self) -> Manifest:
        """Read the manifest.

        Raises:
            RepositoryError: It is missing or is not this plugin's.
        """
        try:
            manifest = parse_manifest(self.manifest_file.read_bytes(), where=str(self.manifest_file))
        except (OSError, RefusedError) as error:
            raise _damaged(self.manifest_file, str(error)) from error
        if (manifest.plugin, manifest.digest) != (self.name, self.digest):
            raise _damaged(self.manifest_file, f"is the manifest of {manifest.plugin} {manifest.digest}")
        return manifest

    def to_json(self) -> dict[str, str | None]:
        """Give the plugin's entry in `build.json`."""
        return {
            "digest": self.digest,
            "version": self.version,
            "layer": self.layer,
            "team": self.team,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class Build:
    """A complete build. `plugins` goes from name to plugin, sorted by name.

    Attributes:
        plugins: What was built.
        changes: From name to added, changed, unchanged or removed, against the build that stood in the same
            folder before; empty for a build that was loaded.
        reused: Names of plugins whose archive was taken over from the build before.
    """

    plugins: dict[str, BuiltPlugin]
    changes: dict[str, str] = field(default_factory=dict)
    reused: frozenset[str] = frozenset()

    def to_bytes(self) -> bytes:
        """Give the bytes of `build.json`."""
        plugins = {name: plugin.to_json() for name, plugin in self.plugins.items()}
        return (json.dumps({"schema": SCHEMA, "plugins": plugins}, indent=2, ensure_ascii=False) + "\n").encode()


def load_build(out: Path) -> Build:
    """Read the build in a folder.

    Args:
        out: The folder that was given to `build_repository`.

    Raises:
        NotFoundError: There is no build.
        RepositoryError: The folder is damaged: `build.json` is not one, or a file that it names is missing.
    """
    record = out / RECORD
    try:
        content = json.loads(record.read_bytes())
        plugins = _plugins_from_json(content, out)
    except FileNotFoundError as error:
        raise NotFoundError(f"No build in {out}.", fix="Make one first.", next_actions=(_BUILD_AGAIN,)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(record, f"is not the record of a build ({error!r})") from error
    for plugin in plugins.values():
        for file in (plugin.manifest_file, plugin.archive_file):
            if not file.is_file():
                raise _damaged(file, "is missing")
    return Build(plugins)


def _plugins_from_json(content: dict[str, Any], out: Path) -> dict[str, BuiltPlugin]:
    if content["schema"] != SCHEMA:
        raise ValueError(f"schema {content['schema']!r}, expected {SCHEMA}")
    plugins = {}
    for name, entry in sorted(content["plugins"].items()):
        if not is_name(name) or not is_digest(entry["digest"]) or entry["layer"] not in LAYERS:
            raise ValueError(f"bad entry {name!r}")
        plugins[name] = BuiltPlugin(
            name=name,
            digest=entry["digest"],
            version=str(entry["version"]),
            layer=entry["layer"],
            team=entry["team"],
            description=str(entry["description"]),
            folder=plugin_folder(out, name, entry["digest"]),
        )
    return plugins


def plugin_folder(out: Path, name: str, digest: str) -> Path:
    """Say where a plugin of a digest lies in a build."""
    return out / "plugins" / name / digest


def is_digest(text: object) -> bool:
    """Tell whether this is a plugin's digest in full: 64 lower-case hex digits."""
    return isinstance(text, str) and len(text) == _DIGEST_DIGITS and set(text) <= set("0123456789abcdef")


def compare_builds(former: Iterable[BuiltPlugin], current: Iterable[BuiltPlugin]) -> dict[str, str]:
    """Say for each plugin of two builds whether it was added, changed, removed or is unchanged."""
    before = {plugin.name: plugin.digest for plugin in former}
    after = {plugin.name: plugin.digest for plugin in current}
    changes = {}
    for name in sorted(before | after):
        if name not in before:
            changes[name] = ADDED
        elif name not in after:
            changes[name] = REMOVED
        else:
            changes[name] = UNCHANGED if before[name] == after[name] else CHANGED
    return changes


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader finds the former bytes or the new ones, never a part.

    Not durable against a loss of power: what such a loss tears, the next build notices by its hash and makes again.

    Raises:
        OutputError: The disk is full, read-only or failing; nothing of the file is left behind.
    """
    unfinished = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise OutputError(path, error) from error


def _damaged(path: Path, what: str) -> RepositoryError:
    fix = "Delete .skillway/build (or the folder given with --out) and build again."
    return RepositoryError(f"The build is damaged: {path} {what}.", fix=fix, next_actions=(_BUILD_AGAIN,))
