"""What does one finding of the doctor look like, and which facts do its checks share?

The checks themselves are in `doctor`, `doctor_policy` and `doctor_users`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway_sync.applied import Applied, load_applied
from skillway_sync.config import Config, load_config
from skillway_sync.errors import SyncError
from skillway_sync.layout import SYSTEM, USER, Layout
from skillway_sync.native_telemetry import native_fragments
from skillway_sync.policy import load_fragments, wanted_settings

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line: `level` is ok, warning or problem; `what` is and should be; `fix` is the mend, '' when ok."""

    level: str
    what: str
    fix: str = ""


def ok(what: str) -> Diagnosis:
    """Say that something is as it should be."""
    return Diagnosis(OK, what)


def warning(what: str, fix: str) -> Diagnosis:
    """Say that something deserves a look; safety and skills work."""
    return Diagnosis(WARNING, what, fix)


def problem(what: str, fix: str) -> Diagnosis:
    """Say that something does not work or is not what it should be."""
    return Diagnosis(PROBLEM, what, fix)


def from_error(error: SyncError) -> Diagnosis:
    """Turn an error that a check met into a finding."""
    return problem(error.message, error.fix)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks share; whatever cannot be read is None.

    Attributes:
        layout: The laptop's places.
        now: Seconds, UTC.
        config: What IT wrote.
        config_error: Why it could not be read.
        applied: The release that should be here.
        catalogue: The catalogue's name.
        run: The command that puts things right, as a sentence.
    """

    layout: Layout
    now: float
    config: Config | None
    config_error: SyncError | None
    applied: Applied | None
    catalogue: str | None
    run: str

    @property
    def is_for_all(self) -> bool:
        """Whether every user of the machine must be able to read what is installed."""
        return self.layout.scope == SYSTEM

    @property
    def base_folder(self) -> Path | None:
        """The installed folder of the base plugin that should be in force."""
        if self.applied is None:
            return None
        return self.layout.store / self.applied.base / self.applied.plugins.get(self.applied.base, "")

    def wanted(self) -> dict[str, Any] | None:
        """Give the settings that should be in force; None when the laptop does not say which.

        Raises:
            SyncError: The base plugin's fragments or the root's path cannot be used.
        """
        if self.applied is None or self.catalogue is None or self.base_folder is None:
            return None
        own = native_fragments(self.config.telemetry) if self.config is not None else []
        fragments = [*load_fragments(self.base_folder), *own]
        return wanted_settings(self.layout, self.catalogue, self.applied.plugins, fragments)


def gather_facts(layout: Layout, *, now: float) -> Facts:
    """Read what the checks share; nothing is an error here."""
    config, config_error = None, None
    try:
        config = load_config(layout.config_file)
    except SyncError as error:
        config_error = error
    return Facts(
        layout, now, config, config_error, load_applied(layout.state), _catalogue_name(layout), run_sentence(layout)
    )


def run_sentence(layout: Layout) -> str:
    """Say which command puts this laptop right."""
    options = " --user" if layout.scope == USER else " --system"
    if layout.prefix is not None:
        options += f" --root {layout.prefix}"
    return f"Run `skillway-sync run{options}`."


def _catalogue_name(layout: Layout) -> str | None:
    try:
        name = json.loads(layout.catalogue_file.read_bytes())["name"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
