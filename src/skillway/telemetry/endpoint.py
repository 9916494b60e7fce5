"""Where does the CLI send to: what IT manages, what the repository says, or what the environment says?

In this order; the first that names an endpoint is taken whole. No endpoint, no telemetry. Imported by every command,
so whatever costs time is imported only when an endpoint is named.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skillway_sync.layout import Layout, system_layout, user_layout

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
SIGNALS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")
MANAGED, REPOSITORY, ENVIRONMENT = "managed", "organisation.yaml", "environment"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver.

    Attributes:
        url: Base URL; None when the environment names one per signal, which the exporter reads itself.
        source: Who named it: `managed`, `organisation.yaml` or `environment`.
        headers: Sent with each request.
        key_id: The name of the key in them.
        environment: `deployment.environment.name`.
        ca_file: Further certificate authorities.
        always: Whether IT's policy outweighs the user's refusal.
    """

    url: str | None
    source: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    key_id: str | None = None
    environment: str | None = None
    ca_file: str | None = None
    always: bool = False

    @property
    def logs_url(self) -> str | None:
        """Where log records go: the environment may name an address for them alone."""
        alone = os.environ.get(SIGNALS[1]) if self.source == ENVIRONMENT else None
        return alone or self.url


def wants_telemetry() -> bool:
    """Tell, at the cost of a few `stat`, whether anything could name an endpoint; `resolve_endpoint` has the last word."""
    variables = os.environ
    if variables.get("SKILLWAY_TELEMETRY_DEBUG", "0") not in ("", "0"):
        return not is_refused(variables)
    if any(variables.get(name) for name in (ENDPOINT, *SIGNALS)):
        return True
    return any(path.exists() for path in managed_files()) or repository_file() is not None


def is_refused(variables: Mapping[str, str]) -> bool:
    """Tell whether the user wants no telemetry: DO_NOT_TRACK, SKILLWAY_TELEMETRY=0 or OTEL_SDK_DISABLED."""
    return (
        variables.get("DO_NOT_TRACK", "") not in ("", "0")
        or variables.get("SKILLWAY_TELEMETRY") == "0"
        or variables.get("OTEL_SDK_DISABLED", "").lower() == "true"
    )


def managed_layouts() -> list[Layout]:
    """Give the places where sync may have put telemetry.json, IT's first."""
    home = os.environ.get("HOME") or os.environ.get("USERPROFILE")
    return [system_layout(), *([user_layout(home=Path(home))] if home else [])]


def managed_files() -> list[Path]:
    """Name the telemetry.json files that sync may have written, IT's first."""
    return [layout.telemetry_file for layout in managed_layouts()]


def repository_file() -> Path | None:
    """Find organisation.yaml here or above, if the word telemetry stands in it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / "organisation.yaml"
        try:
            return path if b"\ntelemetry:" in b"\n" + path.read_bytes() else None
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def resolve_endpoint(variables: Mapping[str, str] | None = None) -> Endpoint | None:
    """Find the receiver; None when nobody names one, or the user refuses and policy does not outweigh it."""
    variables = os.environ if variables is None else variables
    found = _managed() or _of_repository(variables) or _of_environment(variables)
    if found is None or (is_refused(variables) and not found.always):
        return None
    return found


def _managed() -> Endpoint | None:
    for path in managed_files():
        try:
            content = json.loads(path.read_bytes())
            headers = content.get("headers") or {}
            if content["schema"] == 1 and isinstance(content["endpoint"], str):
                return Endpoint(
                    url=content["endpoint"],
                    source=MANAGED,
                    headers={str(name): str(value) for name, value in headers.items()},
                    key_id=content.get("key_id"),
                    environment=content.get("environment"),
                    ca_file=content.get("ca_file"),
                    always=content.get("always") is True,
                )
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            continue  # `skillway-sync doctor` tells of a damaged one
    return None


def _of_repository(variables: Mapping[str, str]) -> Endpoint | None:
    path = repository_file()
    if path is None:
        return None
    from skillway.errors import SkillwayError  # noqa: PLC0415 - only a repository that names an endpoint pays for YAML
    from skillway.organisation import load_organisation  # noqa: PLC0415 - as above

    try:
        url = load_organisation(path.parent).otlp_endpoint
    except SkillwayError:
        return None  # the command itself tells of it
    return None if url is None else Endpoint(url, REPOSITORY, parse_headers(variables.get(HEADERS, "")))


def _of_environment(variables: Mapping[str, str]) -> Endpoint | None:
    if not any(variables.get(name) for name in (ENDPOINT, *SIGNALS)):
        return None
    url = variables.get(ENDPOINT) or None
    return Endpoint(url, ENVIRONMENT, parse_headers(variables.get(HEADERS, "")))


def parse_headers(text: str) -> dict[str, str]:
    """Read `name=value,name=value` with percent-encoded values, as the OpenTelemetry specification writes headers."""
    from urllib.parse import unquote  # noqa: PLC0415 - as above

    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs if name.strip()}
