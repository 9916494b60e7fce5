"""What is on this laptop, and what could be? The synced catalogue, the skills it points at, and the release it comes from.

Reads only. What cannot be read is told as a warning, and the rest is still there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from frontmatter import read_head

HEAD = 64 * 1024  # bytes; a head of that length is none
_STORE = "store"


class NoCatalogueError(Exception):
    """There is no synced catalogue to answer from; the text says why."""


@dataclass(frozen=True)
class Skill:
    """One skill on this laptop. `is_typed_only`: Claude does not start it by itself."""

    plugin: str
    name: str
    description: str
    is_typed_only: bool

    @property
    def invocation(self) -> str:
        """What a person types."""
        return f"/{self.plugin}:{self.name}"


@dataclass(frozen=True)
class Elsewhere:
    """A plugin of this organisation that this laptop does not have. `team` is empty for the layer of engineers."""

    plugin: str
    team: str
    description: str


@dataclass
class Found:
    """All that a question can be answered from."""

    root: Path
    organisation: str
    skills: List[Skill] = field(default_factory=list)
    elsewhere: List[Elsewhere] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)


def own_root(script: Path) -> Optional[Path]:
    """Find the laptop root from a script's place in the store, `<root>/store/<plugin>/<digest>/skills/…`."""
    for folder in script.parents:
        if folder.name == _STORE and (folder.parent / ".claude-plugin" / "marketplace.json").is_file():
            return folder.parent
    return None


def read_laptop(root: Path) -> Found:
    """Read everything below a laptop root.

    Raises:
        NoCatalogueError: The catalogue is missing or is none.
    """
    catalogue = _catalogue(root)
    owner = catalogue.get("owner")
    found = Found(root, str(owner.get("name") or "") if isinstance(owner, dict) else "")
    folders: Dict[str, Path] = {}
    for entry in catalogue["plugins"]:
        name, folder = _plugin(root, entry)
        if folder is None:
            found.warnings.append(
                f"The catalogue's entry for {name or 'a plugin'} points outside the store; it is left out."
            )
            continue
        folders[name] = folder
        found.skills.extend(_skills(name, folder, found.warnings))
    found.elsewhere = _elsewhere(root, folders, found.warnings)
    return found


def _catalogue(root: Path) -> Dict[str, Any]:
    path = root / ".claude-plugin" / "marketplace.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoCatalogueError(f"There is no catalogue at {path}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise NoCatalogueError(f"The catalogue {path} cannot be read ({error}).") from error
    if not isinstance(content, dict) or not isinstance(content.get("plugins"), list):
        raise NoCatalogueError(f"{path} is no catalogue.")
    return content


def _plugin(root: Path, entry: object) -> Tuple[str, Optional[Path]]:
    """Give a plugin's name and folder; the folder is None when the entry could lead out of the store."""
    if not isinstance(entry, dict):
        return "", None
    name, source = str(entry.get("name") or ""), entry.get("source")
    parts = source.split("/") if isinstance(source, str) else []
    if len(parts) != 4 or parts[:3] != [".", _STORE, name] or parts[3] in ("", ".", ".."):  # noqa: PLR2004 - ./store/NAME/DIGEST
        return name, None
    return name, root / _STORE / name / parts[3]


def _skills(plugin: str, folder: Path, warnings: List[str]) -> Iterator[Skill]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder / "skills") if entry.is_dir())
    except FileNotFoundError:
        if not folder.is_dir():
            warnings.append(f"The folder of {plugin} is missing from the store; `skillway-sync doctor` says more.")
        return
    except OSError as error:
        warnings.append(f"The skills of {plugin} cannot be read ({error.strerror}).")
        return
    for name in names:
        skill = _skill(plugin, folder / "skills" / name / "SKILL.md", warnings)
        if skill:
            yield skill


def _skill(plugin: str, path: Path, warnings: List[str]) -> Optional[Skill]:
    name = path.parent.name
    try:
        with path.open("rb") as stream:
            head = read_head(stream.read(HEAD).decode("utf-8", "replace"))
    except FileNotFoundError:
        return None  # a folder that skills share
    except (OSError, ValueError) as error:
        warnings.append(f"The skill {plugin}:{name} cannot be read ({error}); it is left out.")
        return None
    description = " ".join(part for part in (head.get("description", ""), head.get("when_to_use", "")) if part)
    return Skill(plugin, name, description, head.get("disable-model-invocation") == "true")


def _elsewhere(root: Path, here: Dict[str, Path], warnings: List[str]) -> List[Elsewhere]:
    """Name the plugins of the release that this laptop runs and does not have."""
    release = _release(root, here)
    if release is None:
        warnings.append("What other teams have is not known here: no release document could be read.")
        return []
    found = []
    for name, plugin in sorted(release.items()):
        if name not in here and isinstance(plugin, dict):
            team = plugin.get("team")
            found.append(Elsewhere(name, team if isinstance(team, str) else "", str(plugin.get("description") or "")))
    return found


def _release(root: Path, here: Dict[str, Path]) -> Optional[Dict[str, Any]]:
    """Give the plugins of the newest kept release that the catalogue's folders belong to."""
    folder = root / "state" / "releases"
    try:
        numbers = sorted((int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()), reverse=True)
    except OSError:
        return None
    for number in numbers:
        try:
            plugins = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))["plugins"]
            if all(plugins[name]["digest"] == place.name for name, place in here.items()):
                return dict(plugins)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return None
