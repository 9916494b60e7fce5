"""What one release is: which plugins with which digests, who each is for, and what changed.

The document is a signed target `releases/<seq>.json`; a ring pointer `rings/<ring>.json` says which `seq` a
ring is on. Both are read here, whatever their signature says about who wrote them.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from skillway_sync.errors import RefusedError
from skillway_sync.manifest import canonical_json

SCHEMA = 1
LAYERS = ("base", "developer-tools", "team")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_SEQ_MAX = 10**9


@dataclass(frozen=True, slots=True)
class ReleasedPlugin:
    """One plugin of a release: `digest` names its content, `layer` and `team` say whose laptops get it."""

    digest: str
    version: str
    layer: str
    team: str | None
    description: str


@dataclass(frozen=True, slots=True)
class PluginNote:
    """What changed in one plugin since the release before.

    `change` is added, changed, removed or unchanged; `lines` are for people, one change each.
    """

    change: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One release. `seq` only ever rises; `created` is UTC, ISO 8601; `catalogue` is the marketplace's name."""

    seq: int
    organisation: str
    catalogue: str
    created: str
    plugins: dict[str, ReleasedPlugin]
    notes: dict[str, PluginNote] = field(default_factory=dict)
    minimum_sync_version: str = "0.1.0"

    def to_bytes(self) -> bytes:
        """Give the published form, which `parse_release` reads."""
        return canonical_json({"schema": SCHEMA, **asdict(self)})


@dataclass(frozen=True, slots=True)
class RingPointer:
    """Which release a ring is on. `halt` stops laptops of the ring from applying anything new."""

    ring: str
    release: int
    halt: bool = False

    def to_bytes(self) -> bytes:
        """Give the published form, which `parse_ring` reads."""
        return canonical_json({"schema": SCHEMA, **asdict(self)})


def is_name(text: str) -> bool:
    """Tell whether a plugin, team, ring or catalogue may have this name: kebab-case, ASCII."""
    return bool(_NAME.match(text))


def release_target(seq: int) -> str:
    """Name the signed target of a release document."""
    return f"releases/{seq}.json"


def ring_target(ring: str) -> str:
    """Name the signed target of a ring pointer."""
    return f"rings/{ring}.json"


def manifest_target(plugin: str, digest: str) -> str:
    """Name the signed target of a plugin's manifest."""
    return f"plugins/{plugin}/{digest}.json"


def archive_target(plugin: str, digest: str) -> str:
    """Name the signed target of a plugin's archive."""
    return f"plugins/{plugin}/{digest}.tgz"


def select_plugins(release: Release, *, teams: tuple[str, ...], developer_tools: bool) -> dict[str, ReleasedPlugin]:
    """Choose the plugins of one laptop: base always, developer-tools for engineers, team plugins by team.

    Args:
        release: The release.
        teams: Names of the laptop's teams; `*` stands for every team.
        developer_tools: Whether the laptop gets the developer-tools layer.
    """

    def wanted(plugin: ReleasedPlugin) -> bool:
        if plugin.layer == "team":
            return "*" in teams or plugin.team in teams
        return plugin.layer == "base" or developer_tools

    return {name: plugin for name, plugin in sorted(release.plugins.items()) if wanted(plugin)}


def parse_release(data: bytes, *, where: str) -> Release:
    """Read a release document.

    Raises:
        RefusedError: It is not one, or it names something that may not be a folder's name.
    """
    try:
        content = json.loads(data)
        _require_schema(content, where)
        release = Release(
            seq=_seq(content["seq"]),
            organisation=str(content["organisation"]),
            catalogue=_name(content["catalogue"]),
            created=str(content["created"]),
            plugins={_name(name): _plugin(entry) for name, entry in content["plugins"].items()},
            notes={str(name): _note(entry) for name, entry in content["notes"].items()},
            minimum_sync_version=str(content["minimum_sync_version"]),
        )
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _refused(where, f"is not a release document ({error!r})") from error
    if sum(plugin.layer == "base" for plugin in release.plugins.values()) != 1:
        raise _refused(where, "does not have exactly one plugin of the base layer")
    return release


def parse_ring(data: bytes, *, where: str) -> RingPointer:
    """Read a ring pointer.

    Raises:
        RefusedError: It is not one.
    """
    try:
        content = json.loads(data)
        _require_schema(content, where)
        return RingPointer(_name(content["ring"]), _seq(content["release"]), halt=content["halt"] is True)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _refused(where, f"is not a ring pointer ({error!r})") from error


def _plugin(content: dict[str, Any]) -> ReleasedPlugin:
    team = content["team"]
    plugin = ReleasedPlugin(
        digest=str(content["digest"]),
        version=str(content["version"]),
        layer=str(content["layer"]),
        team=None if team is None else _name(team),
        description=str(content["description"]),
    )
    if not _DIGEST.match(plugin.digest) or plugin.layer not in LAYERS or (plugin.layer == "team") != bool(team):
        raise ValueError(f"bad plugin entry {content!r}"[:200])
    return plugin


def _note(content: dict[str, Any]) -> PluginNote:
    return PluginNote(str(content["change"]), tuple(str(line) for line in content["lines"]))


def _name(text: object) -> str:
    if not isinstance(text, str) or not is_name(text):
        raise ValueError(f"bad name {text!r}")
    return text


def _seq(value: object) -> int:
    if type(value) is not int or not 0 < value < _SEQ_MAX:
        raise ValueError(f"bad release number {value!r}")
    return value


def _require_schema(content: dict[str, Any], where: str) -> None:
    if content["schema"] != SCHEMA:
        raise _refused(where, f"has schema {content['schema']!r}, and this program reads {SCHEMA}")


def _refused(where: str, what: str) -> RefusedError:
    return RefusedError(f"{where} {what}.", fix="Publish a release again, or update skillway-sync on this laptop.")
