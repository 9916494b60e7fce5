"""Which sink does this command get: a printer, the exporter, or none because something it needs is missing?"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from skillway.telemetry import Sink, Span, Value
from skillway.telemetry.endpoint import resolve_endpoint
from skillway.telemetry.wanted import is_debugging, is_refused


def open_sink(name: Callable[[], str]) -> tuple[Sink | None, str]:
    """Open what spans and events go to, and find the command's name.

    Returns:
        None and an empty name when there is no endpoint, or no exporter is installed, or anything else fails.
    """
    try:
        if is_debugging():
            return (None, "") if is_refused(os.environ) else (Printer(), name())
        endpoint = resolve_endpoint()
        if endpoint is None:
            return None, ""
        from skillway.telemetry.exporting import Exporting  # noqa: PLC0415 - the SDK takes 100 ms to import

        return Exporting(endpoint), name()
    except Exception as error:  # noqa: BLE001 - telemetry never fails a command
        _say_why(error)
        return None, ""


def _say_why(error: Exception) -> None:
    name = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    reason = f"{name} is missing (pip install 'skillway[operators]')" if name else type(error).__name__
    sys.stderr.write(f"note: this command's telemetry is not sent: {reason}\n")


class Printer:
    """Shows on stderr what would be sent, one JSON object a line (SKILLWAY_TELEMETRY_DEBUG=1)."""

    def span(self, name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
        """Print a span once it is closed."""
        opened, started = _Noted(dict(attributes)), time.monotonic()
        try:
            yield opened
        finally:
            duration = round((time.monotonic() - started) * 1000, 3)
            self._print({"span": name, "duration_ms": duration, "attributes": opened.attributes})

    def event(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Print an event."""
        self._print({"event": name, "attributes": dict(attributes)})

    def close(self) -> None:
        """Nothing is left to send."""

    @staticmethod
    def _print(line: dict[str, object]) -> None:
        sys.stderr.write(json.dumps(line) + "\n")


class _Noted(Span):
    def __init__(self, attributes: dict[str, Value]) -> None:
        self.attributes = attributes

    def set(self, name: str, value: Value) -> None:
        self.attributes[name] = value

    def fail(self, kind: str) -> None:
        self.attributes["error.type"] = kind
