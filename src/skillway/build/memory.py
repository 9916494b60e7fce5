"""What a build remembers for the next one: which inputs gave which plugin, and which of them were checked clean.

Everything here may be lost or wrong at no cost but time: an entry counts only when its inputs' hash is met again
and the files that it promises are still the same bytes. Other versions of skillway are not believed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skillway.build.faults import OutputError
from skillway.build.product import ARCHIVE, MANIFEST, BuiltPlugin, plugin_folder, replace_file
from skillway.build.snapshot import hash_file

FILE = "cache"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """One plugin as it was built from one state of the sources.

    `inputs` names that state; `wired` are paths below `hooks/` that the plugin got; `manifest` and `archive` are
    the sha256 of the two files.
    """

    inputs: str
    name: str
    digest: str
    version: str
    layer: str
    team: str | None
    description: str
    wired: tuple[str, ...]
    manifest: str
    archive: str

    def revive(self, out: Path) -> BuiltPlugin | None:
        """Give the plugin as it lies in the build's folder, or None when its files are not those any more."""
        folder = plugin_folder(out, self.name, self.digest)
        try:
            whole = hash_file(folder / MANIFEST) == self.manifest and hash_file(folder / ARCHIVE) == self.archive
        except OSError:
            return None
        plugin = BuiltPlugin(self.name, self.digest, self.version, self.layer, self.team, self.description, folder)
        return plugin if whole else None


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered.

    Attributes:
        tool: Fingerprint of the skillway that remembers.
        plugins: From a plugin's folder, relative to the repository, to what was built of it.
        clean: Fingerprints of states of the sources that a check found no error in.
    """

    tool: str
    plugins: dict[str, Remembered]
    clean: frozenset[str] = frozenset()


def load_memory(out: Path, *, tool: str) -> Memory:
    """Read what the last build remembered; anything unreadable, foreign or of another skillway is an empty memory."""
    try:
        content = json.loads((out / FILE).read_bytes())
        if (content["schema"], content["tool"]) != (_SCHEMA, tool):
            return Memory(tool, {})
        plugins = {str(folder): _remembered(entry) for folder, entry in content["plugins"].items()}
        return Memory(tool, plugins, frozenset(str(state) for state in content["clean"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Memory(tool, {})


def _remembered(entry: dict[str, Any]) -> Remembered:
    wired = tuple(str(path) for path in entry["wired"])
    remembered = Remembered(**{**entry, "wired": wired})
    texts = (remembered.inputs, remembered.name, remembered.digest, remembered.version, remembered.description)
    if not all(isinstance(text, str) for text in (*texts, remembered.layer, remembered.manifest, remembered.archive)):
        raise TypeError("not the memory of a build")
    return remembered


def save_memory(memory: Memory, out: Path) -> None:
    """Write what the next build may use. A disk that does not take it costs time, not the build."""
    content = {
        "schema": _SCHEMA,
        "tool": memory.tool,
        "plugins": {folder: asdict(remembered) for folder, remembered in sorted(memory.plugins.items())},
        "clean": sorted(memory.clean),
    }
    try:
        replace_file(out / FILE, json.dumps(content, ensure_ascii=True).encode())
    except OutputError:
        return
