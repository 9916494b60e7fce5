"""What this laptop is told by IT: where the store is, which root key to trust, which ring and teams it is in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillway_sync.errors import ConfigError
from skillway_sync.release_document import is_name
from skillway_sync.telemetry_config import Person, Telemetry, TelemetryValueError, parse_people, parse_telemetry

SCHEMES = ("file", "https", "http")
PACKAGED = "packaged"
"""The value of `interpreter` that prefers IT's packaged interpreter to every other (`packaged`)."""
KEYS = frozenset(
    {"store", "root_json", "ring", "teams", "developer_tools", "interpreter", "telemetry", "user", "users"}
)


@dataclass(frozen=True, slots=True)
class Config:
    """The laptop's configuration, read from `config.json`.

    `store` is a file:// or http(s):// URL; `root_json` the initial trusted root on this disk; `teams` names or
    `*`; `interpreter` an absolute path that hooks run with, the word `packaged`, or None to look for one;
    `telemetry` where events go; `user` whose laptop it is, `users` from login to person on a shared one.
    """

    store: str
    root_json: Path
    ring: str = "broad"
    teams: tuple[str, ...] = ()
    developer_tools: bool = True
    interpreter: str | None = None
    telemetry: Telemetry = field(default_factory=Telemetry)
    user: Person | None = None
    users: dict[str, Person] = field(default_factory=dict)
    unknown_keys: tuple[str, ...] = ()


def load_config(path: Path) -> Config:
    """Read the configuration.

    Raises:
        ConfigError: It cannot be read, is not JSON, or a value has the wrong type or form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise _wrong(
            path, "does not exist", "Write it (docs/guides/it.md shows one) or name another with --config."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(
            path, f"cannot be read as JSON ({error})", "Mend the file, then run skillway-sync again."
        ) from error
    if not isinstance(content, dict):
        raise _wrong(path, "is not a JSON object", "Mend the file, then run skillway-sync again.")
    return _config(content, path)


def _config(content: dict[str, Any], path: Path) -> Config:
    store = _store(content.get("store"), path)
    root_json = Path(_text(content, "root_json", "root.json", path))
    teams = content.get("teams", [])
    if not isinstance(teams, list) or not all(
        team == "*" or (isinstance(team, str) and is_name(team)) for team in teams
    ):
        raise _wrong(
            path, f"has teams {teams!r}", 'Give a list of kebab-case names, for example ["support"], or ["*"].'
        )
    ring = _text(content, "ring", "broad", path)
    if not is_name(ring):
        raise _wrong(path, f"has ring {ring!r}", "Give a kebab-case name, for example broad.")
    developer_tools = content.get("developer_tools", True)
    if not isinstance(developer_tools, bool):
        raise _wrong(path, f"has developer_tools {developer_tools!r}", "Give true or false.")
    try:
        telemetry, unknown = parse_telemetry(content)
        user, users, strange = parse_people(content)
    except TelemetryValueError as error:
        raise _wrong(path, str(error), error.fix) from error
    return Config(
        store=store,
        root_json=root_json if root_json.is_absolute() else path.parent / root_json,
        ring=ring,
        teams=tuple(teams),
        developer_tools=developer_tools,
        interpreter=_interpreter(content, path),
        telemetry=telemetry,
        user=user,
        users=users,
        unknown_keys=(*sorted(set(content) - KEYS), *unknown, *strange),
    )


def _store(value: object, path: Path) -> str:
    if not isinstance(value, str) or _scheme(value) not in SCHEMES:
        raise _wrong(path, f"has store {value!r}", "Give the store's address, https://… or file:///….")
    return value.rstrip("/")


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme
    except ValueError:  # such as an IPv6 address without its closing bracket
        return ""


def _interpreter(content: dict[str, Any], path: Path) -> str | None:
    value = content.get("interpreter")
    if value is None:
        return None
    if value == PACKAGED:
        return PACKAGED
    if not isinstance(value, str) or not Path(value).is_absolute():
        raise _wrong(
            path, f"has interpreter {value!r}", f'Give an absolute path of a Python, 3.9 or newer, or "{PACKAGED}".'
        )
    return value


def _text(content: dict[str, Any], key: str, default: str, path: Path) -> str:
    value = content.get(key, default)
    if not isinstance(value, str) or not value:
        raise _wrong(path, f"has {key} {value!r}", "Give a text.")
    return value


def _wrong(path: Path, what: str, fix: str) -> ConfigError:
    return ConfigError(f"The configuration {path} {what}.", fix=fix)
