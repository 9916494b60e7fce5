"""Which content a path stands for: a repository, one plugin, one skill, or a folder with plugins somewhere in it.

A part of a skillway repository is loaded as that part, so that the rules of its layer hold.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from skillway.catalog import TEAM, UNLAYERED, Catalog, load_catalog, load_folder, load_plugin
from skillway.catalog.definitions import SKILL_FILE, load_skill
from skillway.catalog.load import BASE_FOLDER, DEVELOPER_TOOLS_FOLDER, HOOKS_FOLDER, MANIFEST, TEAMS_FOLDER
from skillway.catalog.reading import read_tree
from skillway.catalog.values import BASE, DEVELOPER_TOOLS
from skillway.errors import NotFoundError
from skillway.organisation import FILE as ORGANISATION_FILE
from skillway.organisation import load_organisation


def _folder(path: Path) -> Path:
    folder = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would replace the names that the author knows
    if folder.name == SKILL_FILE and folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise NotFoundError(
            f"There is no folder {path} to check.",
            fix="Name a repository, a plugin's folder or a skill's folder.",
            next_actions=("skillway check",),
        )
    return folder


def load_selection(path: Path) -> tuple[Catalog, Path | None]:
    """Load what a folder is part of.

    Returns:
        The catalog, and the part of it that was asked for, or None for all.

    Raises:
        NotFoundError: There is no such folder.
        RepositoryError: organisation.yaml cannot be used.
    """
    folder = _folder(path)
    if (folder / ORGANISATION_FILE).is_file():
        return load_catalog(folder, load_organisation(folder)), None
    plugin_folder = next((above for above in (folder, *folder.parents) if (above / MANIFEST).is_file()), None)
    repository = next((above for above in folder.parents if (above / ORGANISATION_FILE).is_file()), None)
    if repository is not None:
        place = _layer(plugin_folder or folder, repository)
        if place is not None:
            return _one_plugin(place[0], repository, place[1]), (folder if folder != place[0] else None)
    if plugin_folder is not None and plugin_folder != folder:
        return _one_plugin(plugin_folder, plugin_folder, UNLAYERED), folder
    if plugin_folder is None and (folder / SKILL_FILE).is_file():
        return _lone_skill(folder), None
    return load_folder(folder), None


def _layer(plugin_folder: Path, repository: Path) -> tuple[Path, str] | None:
    """Find the layer that a folder of a repository belongs to, and the folder of its plugin."""
    parts = plugin_folder.relative_to(repository).parts
    if parts[:1] == (BASE_FOLDER,):
        return repository / BASE_FOLDER, BASE
    if parts[:1] == (DEVELOPER_TOOLS_FOLDER,):
        return repository / DEVELOPER_TOOLS_FOLDER, DEVELOPER_TOOLS
    if len(parts) > 1 and parts[0] == TEAMS_FOLDER:
        return repository / TEAMS_FOLDER / parts[1], TEAM
    return None


def _one_plugin(folder: Path, root: Path, layer: str) -> Catalog:
    plugin = load_plugin(folder, layer=layer, team=folder.name if layer == TEAM else None)
    is_ours = layer != UNLAYERED and (root / HOOKS_FOLDER).is_dir()
    hook_files = tuple(read_tree(root / HOOKS_FOLDER).files) if is_ours else ()
    return Catalog(root, None, (plugin,), hook_files, has_hooks_folder=bool(hook_files), problems=())


def _lone_skill(folder: Path) -> Catalog:
    """Load a skill that stands in no plugin as if it were the only one of one."""
    plugin = load_plugin(folder, layer=UNLAYERED, team=None)
    problems = list(plugin.problems)
    skill = load_skill(folder, plugin_folder=folder, problems=problems)
    plugin = replace(plugin, skills=(skill,), problems=tuple(problems))
    return Catalog(folder, None, (plugin,), (), has_hooks_folder=False, problems=())


def keep_only(catalog: Catalog, part: Path) -> Catalog:
    """Keep of a catalog what lies in one folder, for the counts."""

    def inside(file: Path) -> bool:
        return part in file.parents

    plugins = tuple(
        replace(
            plugin,
            skills=tuple(skill for skill in plugin.skills if inside(skill.file)),
            agents=tuple(agent for agent in plugin.agents if inside(agent.file)),
            commands=tuple(command for command in plugin.commands if inside(command.file)),
            hooks=tuple(hook for hook in plugin.hooks if inside(hook.file)),
            fragments=tuple(fragment for fragment in plugin.fragments if inside(fragment.path)),
            files=tuple(file for file in plugin.files if inside(file.absolute)),
        )
        for plugin in catalog.plugins
    )
    return replace(catalog, plugins=plugins, hook_files=())
