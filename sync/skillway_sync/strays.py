"""What lies in the store that no release put there, and where does it go?

Below `store` there are plugins, below each plugin folders named by digest, and nothing else. Such a folder that is
not needed any more is `retention`'s; everything else was put there by somebody, and is kept in quarantine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from skillway_sync.applied import is_digest
from skillway_sync.disk import is_real_folder
from skillway_sync.laptop import Laptop
from skillway_sync.quarantine import Quarantine


def remove_strays(laptop: Laptop, quarantine: Quarantine) -> list[str]:
    """Take what is not ours out of the store.

    Args:
        laptop: The laptop.
        quarantine: Keeps a copy of each regular file.

    Returns:
        What was taken out, one line each.
    """
    lines = []
    for path in list(_strays(laptop.layout.store)):
        for file in _files_below(path):
            quarantine.keep(file)
        laptop.disk.remove_tree(path)
        lines.append(f"{path.relative_to(laptop.layout.root)}: added")
    return lines


def _strays(store: Path) -> Iterator[Path]:
    if not is_real_folder(store):
        return
    for plugin in sorted(store.iterdir()):
        if not is_real_folder(plugin):
            yield plugin
            continue
        yield from (each for each in sorted(plugin.iterdir()) if not (is_digest(each.name) and is_real_folder(each)))


def _files_below(path: Path) -> Iterator[Path]:
    if not is_real_folder(path):
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (Path(folder) / name for name in sorted(names))
