"""What do skillway's own commands tell of their work? Spans and events, to whoever IT or the caller named.

Off unless an endpoint is configured (`endpoint`), and then nothing but this small module is imported. What the hooks
record on laptops goes another way: through the spool (`spool_sender`). Sending is left to `exporting`.

Example:
    >>> from skillway import telemetry
    >>> with telemetry.span("skillway.build.pack", {"plugin.name": "support"}) as span:
    ...     span.set("skillway.plugin.files", 12)
    >>> telemetry.event("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "correct"})

Attributes are names, counts and digests. A prompt, a path, a command line or a message of an error is never one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Span", "Value", "command", "event", "is_on", "span"]

Value = str | bool | int | float
"""What an attribute may be."""
LONGEST = 256
"""Characters of a text; a longer one is cut, because a name is not longer and nothing else belongs here."""


class Span:
    """A piece of work while it goes on. This one, without a receiver, keeps nothing."""

    def set(self, name: str, value: Value) -> None:
        """Add or change an attribute."""

    def fail(self, kind: str) -> None:
        """Mark it as failed; `kind` is the class of the error, never its text."""


class Sink(Protocol):
    """Where spans and events go."""

    def span(self, name: str, attributes: Mapping[str, Value]) -> Iterator[Span]:
        """Open a span below the present one; closed when the iterator is continued."""

    def event(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Take an event."""

    def close(self) -> None:
        """Send what is left, within a bounded time."""


_sink: Sink | None = None
_NOTHING = Span()


def is_on() -> bool:
    """Tell whether anything is kept; a caller may spare itself the work of finding out what to tell."""
    return _sink is not None


@contextmanager
def span(name: str, attributes: Mapping[str, Value] | None = None) -> Iterator[Span]:
    """Tell of a piece of work, with its duration and whether it failed.

    Args:
        name: What is done, such as `skillway.build.pack`; the same each time, never with an id in it.
        attributes: From attribute name to value.
    """
    if _sink is None:
        yield _NOTHING
        return
    for opened in _sink.span(name, _short(attributes)):
        try:
            yield opened
        except BaseException as error:
            opened.fail(type(error).__name__)
            raise


def event(name: str, attributes: Mapping[str, Value] | None = None) -> None:
    """Tell of something that happened at one moment, such as `gen_ai.evaluation.result`.

    Args:
        name: The event's name, from `hooks/events.json`.
        attributes: From attribute name to value.
    """
    if _sink is not None:
        _sink.event(name, _short(attributes))


def _short(attributes: Mapping[str, Value] | None) -> dict[str, Value]:
    return {
        name: value[:LONGEST] if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
        if isinstance(value, (str, bool, int, float))
    }


@contextmanager
def command(name: Callable[[], str]) -> Iterator[Span]:
    """Keep what one command tells, and send it at its end; the one caller is the command line.

    Never fails and never holds a command up for longer than `exporting.LONGEST_WAIT`.

    Args:
        name: Gives the command's name; asked only when there is somebody to tell.
    """
    global _sink
    from skillway.telemetry.wanted import wants_telemetry  # noqa: PLC0415 - see the module's first lines

    if not wants_telemetry():
        yield _NOTHING
        return
    from skillway.telemetry.start import open_sink  # noqa: PLC0415 - as above

    _sink, words = open_sink(name)
    try:
        with span(f"skillway {words}", {"skillway.command": words}) as opened:
            yield opened
    finally:
        sink, _sink = _sink, None
        if sink is not None:
            sink.close()
