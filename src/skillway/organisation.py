"""What the adopting organisation is called, which teams and rings it has, where telemetry goes: `organisation.yaml`, read and checked.

Everything that differs between two organisations that use skillway stands in this one file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from skillway.errors import RepositoryError
from skillway_sync.release_document import is_name
from skillway_sync.telemetry_config import is_endpoint

FILE = "organisation.yaml"
DEFAULT_RINGS = ("canary", "broad")


@dataclass(frozen=True, slots=True)
class Team:
    """One team: `name` is its folder in `skills/`, `owners` are the forge's user or group names."""

    name: str
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation:
    """The organisation. `name` is the catalogue's name too, as in `create-pr@acme`; `rings` go from first to last."""

    name: str
    title: str
    teams: tuple[Team, ...]
    rings: tuple[str, ...]
    owners: tuple[str, ...]
    forge: str
    otlp_endpoint: str | None
    honeycomb_api: str | None = None


def find_repository(start: Path) -> Path:
    """Find the folder with `organisation.yaml`, here or above.

    Raises:
        RepositoryError: There is none.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE).is_file():
            return folder
    raise RepositoryError(
        f"No {FILE} in {start.resolve()} or any folder above it.",
        fix="Go to a skillway repository, or make one here with: skillway init --name YOUR-ORGANISATION",
        next_actions=("skillway init --name your-organisation",),
    )


def load_organisation(repository: Path) -> Organisation:
    """Read `organisation.yaml`.

    Raises:
        RepositoryError: It cannot be read, or a value has the wrong type or form.
    """
    path = repository / FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(path, f"cannot be read as YAML ({error})") from error
    if not isinstance(content, dict):
        raise _wrong(path, "is not a mapping")
    name = content.get("name")
    if not isinstance(name, str) or not is_name(name):
        raise _wrong(path, f"has name {name!r}, which must be kebab-case, as in acme or acme-labs")
    telemetry = content.get("telemetry") or {}
    if not isinstance(telemetry, dict):
        raise _wrong(path, f"has telemetry {telemetry!r}, which must be a mapping")
    return Organisation(
        name=name,
        title=str(content.get("title") or name),
        teams=tuple(_team(entry, path) for entry in _list(content, "teams", [], path)),
        rings=_names(content, "rings", list(DEFAULT_RINGS), path),
        owners=tuple(str(owner) for owner in _list(content, "owners", [], path)),
        forge=str(content.get("forge") or "github"),
        otlp_endpoint=_address(telemetry, "endpoint", path),
        honeycomb_api=_address(telemetry, "honeycomb_api", path),
    )


def _address(content: dict[str, Any], key: str, path: Path) -> str | None:
    value = content.get(key)
    if value is not None and not is_endpoint(value):
        raise _wrong(
            path, f"has telemetry.{key} {str(value)[:80]!r}, which must be an https:// address without user or query"
        )
    return value.rstrip("/") if value else None


def _team(entry: object, path: Path) -> Team:
    if isinstance(entry, str) and is_name(entry):
        return Team(entry)
    if isinstance(entry, dict) and isinstance(entry.get("name"), str) and is_name(entry["name"]):
        return Team(entry["name"], tuple(str(owner) for owner in entry.get("owners") or ()))
    raise _wrong(path, f"has the team {entry!r}, which must be a kebab-case name, or a name with owners")


def _list(content: dict[str, Any], key: str, default: list[Any], path: Path) -> list[Any]:
    value = content.get(key, default)
    if not isinstance(value, list):
        raise _wrong(path, f"has {key} {value!r}, which must be a list")
    return value


def _names(content: dict[str, Any], key: str, default: list[str], path: Path) -> tuple[str, ...]:
    names = _list(content, key, default, path)
    if not names or not all(isinstance(name, str) and is_name(name) for name in names):
        raise _wrong(path, f"has {key} {names!r}, which must be a list of kebab-case names")
    return tuple(names)


def _wrong(path: Path, what: str) -> RepositoryError:
    return RepositoryError(f"{path} {what}.", fix="Mend the file; docs/guides/make-it-yours.md shows every key.")
