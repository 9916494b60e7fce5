"""How does a run tell what it does? Each slot is a span and each verdict an event.

Through `skillway.telemetry`, where it is installed; nothing is told otherwise. Attributes are counts, hashes and
names of skills, never prompts or answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

Attributes = Mapping[str, str | int | float | bool]


@cache
def _find(name: str) -> Callable[..., Any] | None:
    try:
        module = importlib.import_module("skillway.telemetry")
    except ImportError:
        return None
    found = getattr(module, name, None)
    return found if callable(found) else None


def span(name: str, attributes: Attributes) -> AbstractContextManager[object]:
    """Open a span for the time of a `with`."""
    opened = _find("span")
    return nullcontext() if opened is None else opened(name, dict(attributes))


def event(name: str, attributes: Attributes) -> None:
    """Tell of something that happened in the open span."""
    tell = _find("event")
    if tell is not None:
        tell(name, dict(attributes))
