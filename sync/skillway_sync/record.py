"""What has sync written outside its own root, so that a removal takes out exactly that?

`state/owned.json` is written before the thing that it names, so a crash leaves at most a line about something
that is not there. Who writes outside the root: `personal` in users' homes, the engine in the policy folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from skillway_sync.disk import Disk
from skillway_sync.layout import Layout
from skillway_sync.settings import Owned, owned_from_json

RECORD_FILE = "owned.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What is ours outside the root.

    Attributes:
        catalogue: The name under which the catalogue was registered last.
        settings: From the path of a user's settings file to what is ours in it.
        created: Files and folders that did not exist before; removed again when they are empty.
        is_lost: No record was there, or an unreadable one.
    """

    catalogue: str | None = None
    settings: dict[str, Owned] = field(default_factory=dict)
    created: tuple[str, ...] = ()
    is_lost: bool = False

    def to_bytes(self) -> bytes:
        """Give the stored form, which `load_record` reads."""
        content = {
            "schema": SCHEMA,
            "catalogue": self.catalogue,
            "settings": {path: owned.to_json() for path, owned in sorted(self.settings.items())},
            "created": self.created,
        }
        return (json.dumps(content, indent=1) + "\n").encode()


def record_file(layout: Layout) -> Path:
    """Name the record's file."""
    return layout.state / RECORD_FILE


def load_record(layout: Layout) -> Record:
    """Read the record; a missing or damaged one is an empty one that says so."""
    try:
        content = json.loads(record_file(layout).read_bytes())
        if content["schema"] != SCHEMA:
            return Record(is_lost=True)
        return Record(
            catalogue=None if content["catalogue"] is None else str(content["catalogue"]),
            settings={str(path): owned_from_json(owned) for path, owned in content["settings"].items()},
            created=tuple(str(path) for path in content["created"]),
        )
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return Record(is_lost=True)


def save_record(layout: Layout, disk: Disk, record: Record) -> None:
    """Write the record, unless the same is there already."""
    data = record.to_bytes()
    try:
        if record_file(layout).read_bytes() == data:
            return
    except OSError:
        pass
    disk.make_folders(layout.state)
    disk.replace(record_file(layout), data, 0o644)


def note_created(layout: Layout, disk: Disk, paths: list[Path]) -> None:
    """Put files and folders that are about to be made on record.

    Args:
        layout: The laptop's places.
        disk: What writes.
        paths: Those of them that exist already are left out.
    """
    record = load_record(layout)
    new = [str(path) for path in paths if not path.exists() and str(path) not in record.created]
    if new:
        save_record(layout, disk, replace(record, created=(*record.created, *new), is_lost=False))


def missing_parts(path: Path) -> list[Path]:
    """List a path and the folders above it as far as they do not exist, the uppermost first."""
    return [part for part in (*reversed(path.parents), path) if not part.exists()]
