"""Which settings make Claude Code export its own telemetry to IT's receiver?

The result is one more settings fragment: in system scope it becomes part of the policy file, where it wins over the
user's environment; in user scope it is merged into the user's settings, where the user's own values stay.
"""

from __future__ import annotations

from typing import Any

from skillway_sync.telemetry_config import Telemetry

SWITCH = "CLAUDE_CODE_ENABLE_TELEMETRY"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


def native_fragments(telemetry: Telemetry) -> list[dict[str, Any]]:
    """Give the fragment, in a list as fragments are; empty when it is off or has nowhere to send to."""
    endpoint = telemetry.native_endpoint
    if not telemetry.native.enabled or endpoint is None:
        return []
    env = {
        SWITCH: "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": telemetry.native.protocol,
        ENDPOINT: endpoint,
    }
    headers = telemetry.native_headers
    if headers:
        # As they stand: clients 2.1.197 and 2.1.328 send what follows the first "=" without decoding it.
        env[HEADERS] = ",".join(f"{name}={value}" for name, value in sorted(headers.items()))
    return [{"env": env}]
