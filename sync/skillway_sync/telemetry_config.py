"""What does IT's configuration say about telemetry and about people, and is it usable as it stands?

Pure: from the `telemetry`, `user` and `users` objects of `config.json` to values that everything else may trust.
Which file each of them ends in is for `telemetry_files`, what Claude Code itself exports for `native_telemetry`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

PROTOCOLS = ("http/protobuf", "http/json", "grpc")
"""What Claude Code's own exporter speaks."""
MIN_SALT = 32
"""Characters. Half of a sha256 in hex: an id is a short word, and only the salt keeps it from being tried out."""

_KEYS = frozenset({"endpoint", "headers", "key_id", "salt", "always", "environment", "ca_file", "native"})
_NATIVE_KEYS = frozenset({"enabled", "endpoint", "headers", "protocol"})
_PERSON_KEYS = frozenset({"id", "team"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z")
_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_TEAM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_LONGEST = 4096


class TelemetryValueError(ValueError):
    """A value cannot be used; the text goes on from "The configuration PATH", `fix` says what to write."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Native:
    """Claude Code's own telemetry; endpoint and headers are those of `Telemetry` unless given."""

    enabled: bool = False
    endpoint: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    protocol: str = PROTOCOLS[0]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where events go and how people are named in them.

    Attributes:
        endpoint: Base URL of an OTLP/HTTP receiver; None keeps events on the laptop.
        headers: Sent with each request; a key in them can only be one that may do nothing but ingest.
        key_id: The key's name, which events carry, so that a rotation can be followed.
        salt: Makes pseudonyms; it stays in IT's configuration.
        always: Whether the organisation's policy outweighs a user's DO_NOT_TRACK.
        environment: `deployment.environment.name` of the events.
        ca_file: Absolute path of further certificate authorities, in PEM.
        native: Claude Code's own telemetry.
        is_given: Whether the configuration has a `telemetry` object at all.
    """

    endpoint: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    key_id: str | None = None
    salt: str | None = field(default=None, repr=False)
    always: bool = False
    environment: str | None = None
    ca_file: str | None = None
    native: Native = field(default_factory=Native)
    is_given: bool = False

    @property
    def native_endpoint(self) -> str | None:
        """Where Claude Code's own telemetry goes: its own endpoint, else the one of our events."""
        return self.native.endpoint or self.endpoint

    @property
    def native_headers(self) -> dict[str, str]:
        """Its headers; those of our events only together with their endpoint, so that no key goes elsewhere."""
        is_elsewhere = self.native_endpoint != self.endpoint
        return self.native.headers if self.native.headers or is_elsewhere else self.headers


@dataclass(frozen=True, slots=True)
class Person:
    """Who uses a laptop or an account: an id from which the pseudonym is made, and a team."""

    id: str | None = field(default=None, repr=False)
    team: str | None = None


def parse_telemetry(content: dict[str, Any]) -> tuple[Telemetry, list[str]]:
    """Read the `telemetry` object.

    Args:
        content: The whole configuration.

    Returns:
        The value, and its unknown keys as `telemetry.KEY`.

    Raises:
        TelemetryValueError: A value has the wrong type or form.
    """
    value = _object(content, "telemetry", "")
    native = _object(value, "native", "telemetry.")
    unknown = [f"telemetry.{key}" for key in set(value) - _KEYS]
    unknown += [f"telemetry.native.{key}" for key in set(native) - _NATIVE_KEYS]
    telemetry = Telemetry(
        endpoint=_endpoint(value, "telemetry."),
        headers=_headers(value, "telemetry."),
        key_id=_word(value, "key_id", "telemetry."),
        salt=_salt(value),
        always=_flag(value, "always", "telemetry."),
        environment=_word(value, "environment", "telemetry."),
        ca_file=_path(value, "ca_file", "telemetry."),
        native=_native(native),
        is_given="telemetry" in content,
    )
    _refuse_commas(telemetry)
    return telemetry, sorted(unknown)


def parse_people(content: dict[str, Any]) -> tuple[Person | None, dict[str, Person], list[str]]:
    """Read `user`, whose laptop it is, and `users`, from login to person on a shared one.

    Returns:
        The one user, the users by login, and unknown keys.

    Raises:
        TelemetryValueError: A value has the wrong type or form.
    """
    value, values = _object(content, "user", ""), _object(content, "users", "")
    unknown = [f"user.{key}" for key in set(value) - _PERSON_KEYS]
    people = {}
    for login in values:
        each = _object(values, login, "users.")
        unknown += [f"users.{login}.{key}" for key in set(each) - _PERSON_KEYS]
        people[login] = _person(each, f"users.{login}.")
    return _person(value, "user.") if value else None, people, sorted(unknown)


def _refuse_commas(telemetry: Telemetry) -> None:
    """Refuse what OTEL_EXPORTER_OTLP_HEADERS cannot say: the client splits it at commas and decodes nothing."""
    for name, text in telemetry.native_headers.items() if telemetry.native.enabled else ():
        if "," in text or text != text.strip():
            raise TelemetryValueError(
                f"has a comma or outer space in the header {name}, and telemetry.native cannot pass such a value on",
                "Use a key without it, or give telemetry.native an endpoint and headers of its own.",
            )


def _native(value: dict[str, Any]) -> Native:
    where = "telemetry.native."
    protocol = value.get("protocol", PROTOCOLS[0])
    if protocol not in PROTOCOLS:
        _refuse(where, "protocol", protocol, f"Give one of {', '.join(PROTOCOLS)}.")
    return Native(_flag(value, "enabled", where), _endpoint(value, where), _headers(value, where), protocol)


def _person(value: dict[str, Any], where: str) -> Person:
    name, team = value.get("id"), value.get("team")
    if name is not None and not (isinstance(name, str) and name.strip() and len(name) <= _LONGEST):
        _refuse(where, "id", name, "Give the person's address or directory id, as a text.")
    if team is not None and not (isinstance(team, str) and _TEAM.match(team)):
        _refuse(where, "team", team, "Give a kebab-case name, for example support.")
    return Person(name, team)


def _object(value: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    found = value.get(key)
    if found is None and key not in value:
        return {}
    if not isinstance(found, dict):
        _refuse(where, key, found, "Give a JSON object.")
    return found


def _endpoint(value: dict[str, Any], where: str) -> str | None:
    found = value.get("endpoint")
    if found is not None and not is_endpoint(found):
        _refuse(
            where,
            "endpoint",
            found,
            "Give the receiver's base address, https://…, without user, query or path of a signal.",
        )
    return found.rstrip("/") if found else None


def is_endpoint(value: object) -> bool:
    """Tell whether a value is an absolute http(s) URL with a host and nothing that could hide a secret or a header."""
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port  # a port out of range raises here
    except ValueError:
        return False
    has_more = bool(parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not has_more


def _headers(value: dict[str, Any], where: str) -> dict[str, str]:
    found = _object(value, "headers", where)
    for name, text in found.items():
        if not _HEADER_NAME.match(name):
            _refuse(where, "headers", name, "Give header names of letters, digits and hyphens.")
        # The value is not shown: it may be a key.
        if not isinstance(text, str) or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
            raise TelemetryValueError(
                f"has a value of {where}headers.{name} that cannot stand in a request",
                "Give printable ASCII in one line.",
            )
    return dict(found)


def _salt(value: dict[str, Any]) -> str | None:
    found = value.get("salt")
    if found is None:
        return None
    if not isinstance(found, str) or len(found) < MIN_SALT:
        seen = f"{len(found)} characters" if isinstance(found, str) else type(found).__name__
        raise TelemetryValueError(
            f"has a telemetry.salt of {seen}, not {MIN_SALT} or more characters", "Make one with: openssl rand -hex 32"
        )
    return found


def _flag(value: dict[str, Any], key: str, where: str) -> bool:
    found = value.get(key, False)
    if not isinstance(found, bool):
        _refuse(where, key, found, "Give true or false.")
    return found


def _word(value: dict[str, Any], key: str, where: str) -> str | None:
    found = value.get(key)
    if found is not None and not (isinstance(found, str) and _WORD.match(found)):
        _refuse(where, key, found, "Give a word of letters, digits, dots, hyphens and underscores.")
    return found


def _path(value: dict[str, Any], key: str, where: str) -> str | None:
    found = value.get(key)
    if found is not None and not (isinstance(found, str) and Path(found).is_absolute()):
        _refuse(where, key, found, "Give an absolute path.")
    return found


def _refuse(where: str, key: str, seen: object, fix: str) -> NoReturn:
    raise TelemetryValueError(f"has {where}{key} {str(seen)[:80]!r}", fix)
