"""How a command speaks: one envelope with `--json`, plain words without, and progress on a terminal only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from skillway.errors import SkillwayError

SCHEMA_VERSION = 1
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Output:
    """Where a command's result goes. Made once per run and passed to the command by click."""

    wants_json: bool = False
    warnings: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Tell a person something that is not the result; goes to stderr."""
        click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """Tell of something that does not stop the command; with `--json` it is in the envelope too."""
        self.warnings.append(text)
        if not self.wants_json:
            click.echo(f"warning: {text}", err=True)

    def finish(self, data: Any, text: str, *, next_actions: Iterable[str] = (), ok: bool = True) -> None:  # noqa: ANN401 - any JSON value
        """Give the result: `data` in the envelope with `--json`, else `text` and the next commands on stdout."""
        actions = list(next_actions)
        if self.wants_json:
            print_envelope(ok=ok, data=data, warnings=self.warnings, error=None, next_actions=actions)
            return
        click.echo(text)
        for action in actions:
            click.echo(f"  next: {action}")

    @contextmanager
    def progress(self, items: Iterable[T], *, label: str, length: int | None = None) -> Iterator[Iterable[T]]:
        """Show a bar on stderr while the items are worked on, when stderr is a terminal."""
        if not sys.stderr.isatty() or self.wants_json:
            yield items
            return
        with click.progressbar(items, label=label, length=length, file=sys.stderr) as bar:
            yield bar


def json_option(function: F) -> F:
    """Add `--json` to a command; `Output.wants_json` already knows of it."""
    return click.option("--json", "_json", is_flag=True, expose_value=False, help="Print one JSON envelope on stdout.")(
        function
    )


def print_failure(error: SkillwayError, *, wants_json: bool) -> None:
    """Print what happened and what to do next."""
    if wants_json:
        details = {"code": error.code, "message": error.message, "fix": error.fix}
        print_envelope(ok=False, data=None, warnings=[], error=details, next_actions=list(error.next_actions))
        return
    click.echo(f"error: {error.message}\n  fix: {error.fix}", err=True)
    for action in error.next_actions:
        click.echo(f"  next: {action}", err=True)


def print_envelope(
    *,
    ok: bool,
    data: Any,  # noqa: ANN401 - any JSON value
    warnings: list[str],
    error: dict[str, str] | None,
    next_actions: list[str],
) -> None:
    """Print the envelope that every command answers with under `--json`."""
    envelope = {
        "ok": ok,
        "schema_version": SCHEMA_VERSION,
        "data": data,
        "warnings": warnings,
        "error": error,
        "next_actions": next_actions,
    }
    click.echo(json.dumps(envelope, indent=2, ensure_ascii=False, sort_keys=False))
