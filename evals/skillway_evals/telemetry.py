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

from skillway_evals.outcome import Provenance, RunResult, Usage

_LABELS = {True: "pass", False: "fail", None: "unscored"}
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


def describe(opened: object, usage: Usage, *, valid: bool) -> None:
    """Add to an open span what a slot took and whether it gave an answer."""
    tell = getattr(opened, "set", None)
    if callable(tell):
        tell("gen_ai.usage.input_tokens", usage.input_tokens)
        tell("gen_ai.usage.output_tokens", usage.output_tokens)
        tell("skillway.eval.valid", valid)


def tell_verdict(skill: str, model: str, run: RunResult) -> None:
    """Tell each result of a run as an event; what a scripted model said is told to nobody."""
    if run.provenance is Provenance.FAKE:
        return
    for result in run.results:
        attributes: dict[str, str | int | float | bool] = {
            "gen_ai.evaluation.name": result.grader,
            "gen_ai.evaluation.score.label": _LABELS[result.passed],
            "skill.name": skill,
            "gen_ai.request.model": model,
        }
        if result.score is not None:
            attributes["gen_ai.evaluation.score.value"] = result.score
        event("gen_ai.evaluation.result", attributes)


def event(name: str, attributes: Attributes) -> None:
    """Tell of something that happened in the open span."""
    tell = _find("event")
    if tell is not None:
        tell(name, dict(attributes))
