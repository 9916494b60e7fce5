"""Which plugins are to be built, in the build's own words: from the catalog's values to a `Source` each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from skillway.build.assembly import Source
from skillway.build.faults import Fault
from skillway.build.shipping import has_skills_in_root
from skillway.build.wiring import Command
from skillway.catalog import TEAM, Catalog, HookEntry, Plugin, load_plugin
from skillway.catalog.reading import read_tree
from skillway.organisation import Organisation
from skillway_sync.release_document import is_name


def load_part(repository: Path, organisation: Organisation, places: Mapping[str, tuple[str, str | None]]) -> Catalog:
    """Load some of a repository's plugins, where the others are known: of 300 skills that saves a quarter of a build.

    Args:
        repository: The repository's folder.
        organisation: What organisation.yaml says.
        places: From each plugin's folder, relative to the repository, to its layer and team.
    """
    root = Path(os.path.abspath(repository))  # noqa: PTH100 - as the whole catalog has it
    hooks = root / "hooks"
    return Catalog(
        root=root,
        teams=tuple(team.name for team in organisation.teams),
        plugins=tuple(load_plugin(root / place, layer=layer, team=team) for place, (layer, team) in places.items()),
        hook_files=tuple(read_tree(hooks).files) if hooks.is_dir() else (),
        has_hooks_folder=hooks.is_dir(),
        problems=(),
    )


def read_sources(
    catalog: Catalog, *, only: Iterable[str] | None = None, known: Mapping[str, str] | None = None
) -> tuple[list[Source], list[Fault]]:
    """Give the plugins that can be built, and a fault for each that cannot even be named.

    Args:
        catalog: The repository, or the part of it that was loaded.
        only: Names of the plugins that are wanted, or None for all.
        known: From name to folder of the plugins that were not loaded.
    """
    wanted = None if only is None else set(only)
    sources: list[Source] = []
    faults: list[Fault] = []
    for plugin in catalog.plugins:
        if wanted is None or plugin.name in wanted:
            found = list(_plugin_faults(plugin, catalog.root))
            faults.extend(found)
            if not found:
                sources.append(_source(plugin, catalog.root))
    faults.extend(_twice(sources, known or {}))
    return sources, faults


def _plugin_faults(plugin: Plugin, root: Path) -> Iterator[Fault]:
    place = _place(plugin.folder, root)
    file = _place(plugin.manifest_file, root)
    if plugin.folder.is_symlink():
        yield Fault(place, 0, "The plugin's folder is a link.", "Put the plugin's own files here.")
    if plugin.manifest is None:
        yield Fault(
            file, 0, "The plugin has no plugin.json that can be read.", "Add one with name and version, or mend it."
        )
        return
    name = plugin.manifest.get("name")
    if not isinstance(name, str) or not is_name(name):
        message = f"The plugin's name is {name!r}, which is not kebab-case."
        yield Fault(file, plugin.manifest_line("name") or 0, message, "Name it as in create-pr.")
    if not plugin.version:
        message = f"The plugin's version is {plugin.manifest.get('version')!r}, and not a text."
        yield Fault(file, plugin.manifest_line("version") or 0, message, 'Add one as in "version": "1.0.0".')


def _twice(sources: list[Source], known: Mapping[str, str]) -> Iterator[Fault]:
    first = dict(known)
    for source in sources:
        other = first.setdefault(source.name, source.place)
        if other != source.place:
            message = f"The plugin's name {source.name!r} is that of {other} too."
            yield Fault(source.place, 0, message, "Give one of them another name in its plugin.json.")


def _source(plugin: Plugin, root: Path) -> Source:
    entries = [*plugin.hooks, *(entry for fragment in plugin.fragments for entry in fragment.hooks)]
    return Source(
        name=plugin.name,
        place=_place(plugin.folder, root),
        layer=plugin.layer,
        team=plugin.team,
        version=plugin.version,
        description=plugin.description,
        skills_in_root=plugin.layer == TEAM and has_skills_in_root(plugin.manifest),
        moved=plugin.moved_folders,
        commands=tuple(_command(entry, root) for entry in entries if isinstance(entry.command, str)),
    )


def _command(entry: HookEntry, root: Path) -> Command:
    arguments = entry.args if isinstance(entry.args, list) else []
    text = " ".join([entry.command, *(argument for argument in arguments if isinstance(argument, str))])
    return Command(text, _place(entry.file, root), entry.line)


def _place(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
