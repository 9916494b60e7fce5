"""Where do records go, with which key, and who says so?

Reads `<root>/telemetry.json`, which sync wrote, at every run, so that a changed key counts at once; and the user's own
`user.json` beside the spool. A value of another type is left out, never an error: sync checks the configuration and
tells IT. Leaves the connection to `flush_http.py`.
"""

import os
import platform
import sys

import spool
from payload import parse_json, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOGS_PATH = "/v1/logs"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "i686": "x86", "x86": "x86"}


class Config:
    """What sync left for every user's flusher.

    Attributes:
        url: Where log records are posted; empty without an endpoint.
        headers: Sent with every request; the ingest key is in here.
        key_id: Which key it is, in IT's words.
        always: Whether the organisation's policy overrides the user's opting out.
        environment: deployment.environment.name, or "".
        ca_file: Certificates to trust besides the system's, or "".
    """

    def __init__(self, document: "dict[str, Any]") -> None:
        self.url = _logs_url(_text(document.get("endpoint")))
        self.headers = _headers(document.get("headers"))
        self.key_id = _text(document.get("key_id"))
        self.always = document.get("always") is True
        self.environment = _text(document.get("environment"))
        self.ca_file = _text(document.get("ca_file"))


def load_config() -> Config:
    """Read the configuration of the root that this file is installed in; an empty one when there is none."""
    root = spool.root_folder()
    return Config(document(root + "/telemetry.json") if root else {})


def resource_attributes(config: Config) -> "dict[str, object]":
    """Describe what sends: values that `events.json` lists under `resource`, by name."""
    user = document(spool.state_folder() + "/user.json")
    manifest = document(os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/.claude-plugin/plugin.json")
    return {
        "service.name": "skillway",
        "service.version": _text(manifest.get("version")) or None,
        "os.type": {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux"),
        "host.arch": _MACHINES.get(platform.machine().lower(), "other"),
        "deployment.environment.name": config.environment or None,
        "team.id": _text(user.get("team.id")) or None,
    }


def document(path: str) -> "dict[str, Any]":
    """Read a small JSON object; an empty one when it is missing, broken or of another kind."""
    try:
        value = parse_json(read_file(path).decode("utf-8"))
    except Exception:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _headers(value: object) -> "dict[str, str]":
    """Keep the headers that can be sent: a line break in one would let it carry another."""
    pairs = value.items() if isinstance(value, dict) else ()
    return {
        name: text
        for name, text in pairs
        if isinstance(text, str) and name and name.isascii() and text.isascii() and (name + text).isprintable()
    }


def _logs_url(endpoint: str) -> str:
    """Give the URL for log records of an OTLP endpoint; one that names them already stays as it is."""
    if not endpoint.startswith(("http://", "https://")):
        return ""
    endpoint = endpoint.rstrip("/")
    return endpoint if endpoint.endswith(LOGS_PATH) else endpoint + LOGS_PATH
