"""Will a release that is verified also work here? Asked of the staged candidate, before anything is committed.

Checked: that each hook command finds its script, that the settings can be rendered, and, by effect, that the
guard refuses what it must. What was signed is not asked again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillway_sync.disk import FOLDER_MODE
from skillway_sync.errors import SelfTestError
from skillway_sync.laptop import Fragments, Laptop
from skillway_sync.pointers import Pointer

HOOKS_FILE = "hooks/hooks.json"
_FIX = "Mend the plugin, build and publish the release again; this laptop keeps its present one."
_LAUNCHED = re.compile(r'/(?:hooks|bin)/run"')
_NAME = re.compile(r'(?:/run"|"\$f")\s+([A-Za-z0-9_-]+)\s*$')
_PLUGIN_FILE = re.compile(r"\$\{CLAUDE_PLUGIN_ROOT\}/([A-Za-z0-9_./-]+)")


def check_hook_files(plugin: str, folder: Path) -> None:
    """Check that every file that a plugin's hooks.json names is there.

    Raises:
        SelfTestError: One is missing, or hooks.json cannot be read.
    """
    path = folder / HOOKS_FILE
    if not path.exists():
        return
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SelfTestError(f"{plugin}: {HOOKS_FILE} cannot be read as JSON ({error}).", fix=_FIX) from error
    for command in _commands(content):
        wanted = [match.rstrip(".") for match in _PLUGIN_FILE.findall(command)] + _script(command)
        _require(plugin, folder, wanted, command)


def check_fragments(base: str, folder: Path, fragments: Fragments) -> None:
    """Check that every hook script that the settings name is in the base plugin.

    Raises:
        SelfTestError: One is missing.
    """
    for command in _commands(fragments):
        _require(base, folder, _script(command), command)


def _require(plugin: str, folder: Path, names: list[str], command: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise SelfTestError(
                f"{plugin}: the hook command {command!r} needs {name}, which is not in the plugin.", fix=_FIX
            )


def _script(command: str) -> list[str]:
    found = _NAME.search(command)
    if not _LAUNCHED.search(command) or found is None or found.group(1) == "script":
        return []
    return [f"hooks/{found.group(1)}.py"]


def _commands(content: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "command" and isinstance(value, str):
                yield value
            else:
                yield from _commands(value)
    elif isinstance(content, list):
        for value in content:
            yield from _commands(value)


def prove_candidate(laptop: Laptop, candidate: Path, pointers: list[Pointer]) -> None:
    """Run the guard of a staged candidate on recorded tool calls.

    Args:
        laptop: The laptop.
        candidate: A folder in the form of the laptop's root, with the base plugin in its `store`.
        pointers: The candidate's pointers; those of the root are written into the candidate.

    Raises:
        SelfTestError: The guard does not refuse what it must, or is not silent otherwise.
    """
    root = laptop.layout.root
    for pointer in pointers:
        if pointer.path.is_relative_to(root) and pointer.path.parent.name in ("bin", "guard"):
            place = candidate / pointer.path.relative_to(root)
            laptop.disk.make_folders(place.parent, FOLDER_MODE)
            laptop.disk.write_file(place, pointer.data, pointer.mode)
    proof = laptop.parts.prove_guard(laptop.layout, candidate)
    if not (proof.denies and proof.silent):
        raise SelfTestError(f"The guard of the new release does not work on this laptop: {proof.detail}.", fix=_FIX)
