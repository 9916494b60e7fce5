"""Rules about paths: every file keeps its name on every operating system, and none is too large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from skillway.catalog import Plugin, Problem
from skillway.catalog.reading import too_large
from skillway.checks.rules import ERROR, PLUGIN_CHECKS, WARNING, Context, define, on
from skillway_sync.manifest import MAX_FILE_BYTES, MAX_PLUGIN_BYTES
from skillway_sync.paths import colliding_paths, path_fault

SUBJECT = "Files"

PORTABLE_PATH = define(
    "path-portable",
    ERROR,
    "A path works on Linux, macOS and Windows",
    subject=SUBJECT,
    why="A laptop refuses a release with a path that its disk would change or not take.",
    bad="references/what now?.md, assets/aux.txt",
    good="references/what-now.md, assets/auxiliary.txt",
    outside=WARNING,
)
COLLISION = define(
    "path-collision",
    ERROR,
    "No two paths are one where case is ignored",
    subject=SUBJECT,
    why="On macOS and Windows one of the two would overwrite the other.",
    bad="references/Setup.md and references/setup.md",
    good="references/setup.md and references/set-up-ci.md",
    outside=WARNING,
)


@on(PLUGIN_CHECKS)
def find_bad_paths(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look at every path of the plugin, and at each pair that differs in case only."""
    paths = [file.path for file in plugin.files]
    for file in plugin.files:
        is_text = file.path.isascii() or not any("\ud800" <= character <= "\udfff" for character in file.path)
        fault = path_fault(plugin.installed_path(file.path)) if is_text else "is not UTF-8"
        if fault:
            yield PORTABLE_PATH.at(file.absolute, f"The path {file.path!r} {fault}", "Rename it.", seen=file.path)
    for one, other in colliding_paths(paths):
        message = f"{one} and {other} are one file where case is ignored"
        for path in (one, other):
            yield COLLISION.at(_absolute(plugin, path), message, "Rename one of the two.", seen=f"{one}, {other}")


@on(PLUGIN_CHECKS)
def find_large_files(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look for files and plugins that no laptop takes."""
    for file in plugin.files:
        if file.size > MAX_FILE_BYTES:
            yield too_large(file.absolute, file.size, MAX_FILE_BYTES)
    total = sum(file.size for file in plugin.files)
    if total > MAX_PLUGIN_BYTES:
        yield too_large(plugin.folder, total, MAX_PLUGIN_BYTES)


def _absolute(plugin: Plugin, path: str) -> Path:
    return plugin.folder / path
