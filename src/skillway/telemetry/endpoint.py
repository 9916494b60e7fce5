"""Where does the CLI send to: what IT manages, what the repository says, or what the environment says?

In this order; the first that names an endpoint is taken whole. No endpoint, no telemetry. Whether it is worth asking at
all, `wanted` tells.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skillway.telemetry.wanted import ENDPOINT, SIGNALS, is_refused, managed_files, repository_file

HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
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
            content = json.loads(Path(path).read_bytes())
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
    from skillway.errors import SkillwayError  # noqa: PLC0415 - only a repository that says so pays for YAML
    from skillway.organisation import load_organisation  # noqa: PLC0415 - as above

    try:
        url = load_organisation(Path(path).parent).otlp_endpoint
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
