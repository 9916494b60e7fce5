"""What the repository's sources are at this moment, folder by folder, and which names a state of them has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from skillway.build.snapshot import Snapshot, fingerprint, take_snapshot, tool_fingerprint
from skillway.organisation import Organisation

_LAYER_FOLDERS = ("base-plugin", "developer-tools")
_TEAMS_FOLDER = "skills"
_HOOKS_FOLDER = "hooks"


@dataclass(frozen=True, slots=True)
class State:
    """The sources as they were hashed.

    Attributes:
        tool: Fingerprint of the skillway that looks.
        shared: Fingerprint of what every plugin depends on: hooks, the organisation, skillway itself.
        hooks: The files of `hooks/`.
        folders: From each folder that may be a plugin, relative to the repository, to its files.
    """

    tool: str
    shared: str
    hooks: Snapshot
    folders: dict[str, Snapshot]

    def inputs(self, place: str) -> str:
        """Name all that one plugin is made from."""
        return fingerprint(self.shared, place, self.folders.get(place, {}))

    @property
    def frame(self) -> str:
        """Name all that problems of the repository as a whole come from: which folders there are, and what is shared."""
        return fingerprint(self.shared, sorted(self.folders))


def read_state(repository: Path, organisation: Organisation) -> State:
    """Hash every file that a build or a check may read."""
    hooks = take_snapshot(repository / _HOOKS_FOLDER)
    tool = tool_fingerprint()
    return State(
        tool=tool,
        shared=fingerprint(tool, repr(organisation), hooks),
        hooks=hooks,
        folders={place: take_snapshot(repository / place) for place in _places(repository)},
    )


def _places(repository: Path) -> list[str]:
    places = [place for place in _LAYER_FOLDERS if (repository / place).is_dir()]
    try:
        with os.scandir(repository / _TEAMS_FOLDER) as entries:
            teams = sorted(entry.name for entry in entries if entry.is_dir() and entry.name[0] not in "._")
    except OSError:
        teams = []  # the catalog tells why
    return places + [f"{_TEAMS_FOLDER}/{team}" for team in teams]
