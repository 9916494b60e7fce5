"""Could anybody want this command's telemetry? Asked by every command, so it costs a few `stat` and no import.

`endpoint` has the last word; here is only what lets a command without an endpoint go on at once.
"""

# pathlib objects cost more than all else here.
# ruff: noqa: PTH109, PTH111, PTH118, PTH120, PTH123

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from skillway_sync.noop import ROOTS

DEBUG = "SKILLWAY_TELEMETRY_DEBUG"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SIGNALS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")
_MOST_BYTES = 1 << 20


def wants_telemetry() -> bool:
    """Tell whether anything could name an endpoint, or wants to see what would be sent."""
    if is_debugging() or any(os.environ.get(name) for name in (ENDPOINT, *SIGNALS)):
        return True
    return any(map(os.path.exists, managed_files())) or repository_file() is not None


def is_debugging() -> bool:
    """Tell whether to print instead of sending."""
    return os.environ.get(DEBUG, "0") not in ("", "0")


def is_refused(variables: Mapping[str, str]) -> bool:
    """Tell whether the user wants no telemetry: DO_NOT_TRACK, SKILLWAY_TELEMETRY=0 or OTEL_SDK_DISABLED."""
    return (
        variables.get("DO_NOT_TRACK", "") not in ("", "0")
        or variables.get("SKILLWAY_TELEMETRY") == "0"
        or variables.get("OTEL_SDK_DISABLED", "").lower() == "true"
    )


def managed_files() -> Iterator[str]:
    """Name the telemetry.json files that sync may have written, IT's first (`skillway_sync.layout`; a test compares)."""
    for root in managed_roots():
        yield os.path.join(root, "telemetry.json")


def managed_roots() -> Iterator[str]:
    """Name the roots in which sync may have installed something, IT's first."""
    yield ROOTS.get(sys.platform, "C:/ProgramData/skillway")
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        data = os.path.join(home, "Library", "Application Support")
    elif sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    else:
        data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    yield os.path.join(data, "skillway")


def repository_file() -> str | None:
    """Find organisation.yaml here or above, if it has anything to say of telemetry."""
    try:
        folder = os.getcwd()
    except OSError:
        return None
    while True:
        path = os.path.join(folder, "organisation.yaml")
        try:
            with open(path, "rb") as file:
                return path if b"\ntelemetry:" in b"\n" + file.read(_MOST_BYTES) else None
        except FileNotFoundError:
            pass
        except OSError:
            return None
        if os.path.dirname(folder) == folder:
            return None
        folder = os.path.dirname(folder)
