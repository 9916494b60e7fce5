"""Do events leave this laptop, and do they keep the promise that people are pseudonyms?

Looks at IT's configuration, at telemetry.json, at what each user's flusher last met, and at whether Claude Code's own
telemetry would tell in the same place who a pseudonym is. Reads only.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skillway_sync.config import Config
from skillway_sync.diagnosis import Diagnosis, Facts, ok, problem, warning
from skillway_sync.errors import SyncError
from skillway_sync.homes import Home, as_owner, find_homes
from skillway_sync.layout import SYSTEM
from skillway_sync.native_telemetry import ENDPOINT, SWITCH
from skillway_sync.telemetry_config import Telemetry
from skillway_sync.telemetry_files import load_telemetry, login_of, render_telemetry, state_folder

FLUSH_STATE = "flush.json"
"""Beside the spool: what the flusher last met."""
_IT_MUST_ACT = ("config", "tls")
"""Failures that no waiting mends, in the flusher's words; `auth` has a sentence of its own."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MOST_BYTES = 64 * 1024


def check_telemetry(facts: Facts) -> Iterator[Diagnosis]:
    """Check where events go and what stands in the way."""
    config = facts.config
    if config is None:
        return
    yield from _check_secrets(facts, config)
    yield from _check_names(facts, config)
    if config.telemetry.is_given:
        yield from _check_endpoint(facts, config.telemetry)
        yield from _check_file(facts, config.telemetry)
    yield from _check_native(facts, config.telemetry)
    if config.telemetry.endpoint is not None:
        yield from _check_flushers(facts)


def _check_secrets(facts: Facts, config: Config) -> Iterator[Diagnosis]:
    path, telemetry = facts.layout.config_file, config.telemetry
    if not stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
        return
    if telemetry.salt is not None:
        yield problem(
            f"Every user can read {path} and the telemetry.salt in it, with which pseudonyms become names again.",
            f"chmod 0600 '{path}'; then take a new salt.",
        )
    secrets = [
        name for name, found in (("headers", telemetry.headers), ("native.headers", telemetry.native.headers)) if found
    ]
    if secrets:
        names = " and ".join(f"telemetry.{name}" for name in secrets)
        yield warning(
            f"Every user can read {path}, and {names} looks like a secret.",
            f"Use a key that can only ingest, or chmod 0600 '{path}'.",
        )


def _check_names(facts: Facts, config: Config) -> Iterator[Diagnosis]:
    has_ids = any(person.id for person in (config.user, *config.users.values()) if person is not None)
    if has_ids and config.telemetry.salt is None:
        yield warning(
            f"{facts.layout.config_file} names people and has no telemetry.salt, so events have no user.hash.",
            "Give telemetry.salt, 32 or more characters: openssl rand -hex 32",
        )
    homes = {login_of(home) for home in find_homes(facts.layout)}
    missing = [login for login in sorted(config.users) if homes and login not in homes]
    if missing:
        yield warning(
            f"{facts.layout.config_file} names {', '.join(missing[:5])} in users, and no home here belongs to them.",
            "Correct the login, or leave it if the account comes later.",
        )


def _check_endpoint(facts: Facts, telemetry: Telemetry) -> Iterator[Diagnosis]:
    path = facts.layout.config_file
    if telemetry.endpoint is None:
        yield warning(
            f"{path} has telemetry and no telemetry.endpoint, so events stay on this laptop.",
            "Give telemetry.endpoint, or look at them here with: skillway usage report",
        )
        return
    host = urlsplit(telemetry.endpoint).hostname or ""
    if telemetry.endpoint.startswith("http://") and host not in _LOOPBACK:
        yield warning(
            f"telemetry.endpoint {telemetry.endpoint} is not encrypted, so the network reads events and key.",
            "Give an https:// address.",
        )
    if host.endswith("honeycomb.io") and "x-honeycomb-team" not in {name.lower() for name in telemetry.headers}:
        yield warning(
            f"telemetry.endpoint is {telemetry.endpoint}, and telemetry.headers has no x-honeycomb-team with the ingest key.",
            "Give the ingest key; see docs/guides/telemetry.md.",
        )
    if telemetry.ca_file is not None and not Path(telemetry.ca_file).is_file():
        yield problem(f"telemetry.ca_file {telemetry.ca_file} is not there, so nothing is sent.", "Install it.")


def _check_file(facts: Facts, telemetry: Telemetry) -> Iterator[Diagnosis]:
    path = facts.layout.telemetry_file
    try:
        found = load_telemetry(facts.layout)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        yield problem(f"{path} cannot be used ({reason}), so nothing is sent.", facts.run)
        return
    if found is None:
        yield problem(f"{path} is missing, so nothing is sent.", facts.run)
    elif found != json.loads(render_telemetry(telemetry) or b"null"):
        yield problem(f"{path} is not what {facts.layout.config_file} says.", facts.run)
    elif facts.layout.scope == SYSTEM and not path.stat().st_mode & stat.S_IROTH:
        yield problem(f"Users cannot read {path}, so nothing is sent.", facts.run)
    elif telemetry.endpoint is not None:
        yield ok(f"Events go to {telemetry.endpoint}.")


# --- Claude Code's own telemetry ------------------------------------------------------------------------------------


def _check_native(facts: Facts, telemetry: Telemetry) -> Iterator[Diagnosis]:
    if telemetry.native.enabled and telemetry.native_endpoint is None:
        yield warning(
            "telemetry.native is enabled and has no endpoint, so Claude Code's own telemetry stays off.",
            "Give telemetry.native.endpoint or telemetry.endpoint.",
        )
    if telemetry.endpoint is None or telemetry.salt is None:
        return
    for where, endpoint, headers in _native_sources(facts, telemetry):
        if _host(endpoint) == _host(telemetry.endpoint) and (headers is None or headers == telemetry.headers):
            yield warning(
                f"{where} sends Claude Code's own telemetry to {endpoint}, with user.email beside session.id (#39650): "
                "whoever can query both reads a name for each user.hash.",
                "Use another environment (a key of its own), strip user.email at a gateway, or accept it knowingly.",
            )


def _native_sources(facts: Facts, telemetry: Telemetry) -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """Give who switches native telemetry on, where it goes, and its headers where they can be compared."""
    endpoint = telemetry.native_endpoint
    if telemetry.native.enabled and endpoint is not None:
        yield "telemetry.native", endpoint, telemetry.native_headers
    main = facts.layout.policy_dir.parent / "managed-settings.json"
    for path in (main, *sorted(facts.layout.policy_dir.glob("*.json"))) if facts.layout.scope == SYSTEM else ():
        env = {} if path == facts.layout.policy_file else _env_of(path)
        if str(env.get(SWITCH, "")) not in ("", "0") and isinstance(env.get(ENDPOINT), str):
            # Which environment a key of another file belongs to cannot be read off it.
            yield str(path), env[ENDPOINT], None


def _env_of(path: Path) -> dict[str, Any]:
    try:
        env = json.loads(path.read_text(encoding="utf-8-sig"))["env"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return {}  # `doctor_policy` tells of a broken file
    return env if isinstance(env, dict) else {}


def _host(endpoint: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(endpoint)
        host = parts.hostname, parts.port
    except ValueError:
        return None, None
    return host


# --- what the flushers met ------------------------------------------------------------------------------------------


def _check_flushers(facts: Facts) -> Iterator[Diagnosis]:
    for home in find_homes(facts.layout):
        path = state_folder(facts.layout, home) / FLUSH_STATE
        try:
            state = as_owner(home, lambda path=path: _read_state(path))  # type: ignore[misc]
        except (SyncError, OSError) as error:
            yield warning(f"{path} cannot be looked at ({error}).", "Run the doctor as root.")
            continue
        yield from _judge(home, state)


def _read_state(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return {}
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _judge(home: Home, state: dict[str, Any]) -> Iterator[Diagnosis]:
    failure, detail = state.get("failure"), str(state.get("detail", ""))[:80]
    if failure == "auth":
        yield problem(
            f"The receiver refuses the key of {home.path}'s flusher ({detail}); its events are kept until it takes one.",
            "Put a valid ingest key into telemetry.headers and change telemetry.key_id.",
        )
    elif failure in _IT_MUST_ACT:
        yield problem(
            f"The flusher of {home.path} cannot send ({failure}: {detail}); its events are kept.",
            "Check telemetry.endpoint and telemetry.ca_file.",
        )
