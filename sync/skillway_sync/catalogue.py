"""The catalogue: the one file that points a new Claude Code session at versioned plugin folders.

It is a `directory` marketplace in Claude Code's own format. Replacing it is the commit of an update; a running
session has already read it and keeps the folders it named.
"""

from __future__ import annotations

import json
from typing import Any

from skillway_sync.release_document import Release, ReleasedPlugin


def render_catalogue(release: Release, selected: dict[str, ReleasedPlugin]) -> bytes:
    """Make the catalogue's bytes; the same selection always makes the same bytes.

    Args:
        release: The release that the plugins belong to.
        selected: From plugin name to its entry: those that this laptop gets.
    """
    content = {
        "name": release.catalogue,
        "owner": {"name": release.organisation},
        "metadata": {"description": f"Written by skillway-sync: release {release.seq}. Changes here are overwritten."},
        "plugins": [
            {"name": name, "source": f"./store/{name}/{plugin.digest}", "description": plugin.description}
            for name, plugin in sorted(selected.items())
        ],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def catalogue_digests(data: bytes) -> dict[str, str]:
    """Read which plugins a catalogue points at: from name to digest.

    Raises:
        ValueError: The bytes are not a catalogue that `render_catalogue` could have made.
    """
    content: Any = json.loads(data)
    try:
        pairs = [(str(entry["name"]), str(entry["source"])) for entry in content["plugins"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a catalogue ({error!r})") from error
    digests: dict[str, str] = {}
    for name, source in pairs:
        head, _, digest = source.rpartition("/")
        if head != f"./store/{name}":
            raise ValueError(f"{name} is at {source!r}, not in the store")
        digests[name] = digest
    return digests
