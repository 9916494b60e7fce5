"""How a repository becomes a `Catalog`: where plugins stand, and what each of them holds.

Broken content never raises: it becomes a `Problem`, so that everything wrong can be told together. Rules about
content that can be read are `skillway.checks`'.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from skillway.catalog.definitions import RESERVED_FOLDERS, component_paths, load_agents, load_commands, load_skills
from skillway.catalog.jsonfiles import load_fragments, load_hooks, load_json_object
from skillway.catalog.reading import read_tree
from skillway.catalog.values import BASE, DEVELOPER_TOOLS, TEAM, UNLAYERED, Catalog, Plugin, Problem, SourceFile
from skillway.organisation import Organisation

MANIFEST = ".claude-plugin/plugin.json"
BASE_FOLDER = "base-plugin"
DEVELOPER_TOOLS_FOLDER = "developer-tools"
TEAMS_FOLDER = "skills"
HOOKS_FOLDER = "hooks"
_SEARCH_DEPTH = 6


def load_catalog(repository: Path, organisation: Organisation) -> Catalog:
    """Load the three layers of a repository.

    Args:
        repository: The folder with organisation.yaml.
        organisation: What that file says; only the teams are used.

    Returns:
        The catalog. A layer that does not exist is a problem for base-plugin and simply absent for the others.
    """
    root = Path(os.path.abspath(repository))  # noqa: PTH100 - resolve() would replace the names that the author knows
    teams = tuple(team.name for team in organisation.teams)
    problems: list[Problem] = []
    plugins = [load_plugin(folder, layer=layer, team=team) for folder, layer, team in _places(root, teams, problems)]
    hooks = read_tree(root / HOOKS_FOLDER) if (root / HOOKS_FOLDER).is_dir() else None
    return Catalog(
        root=root,
        teams=teams,
        plugins=tuple(plugins),
        hook_files=tuple(hooks.files) if hooks else (),
        has_hooks_folder=hooks is not None,
        problems=(*problems, *(hooks.problems if hooks else ())),
    )


def is_whole(catalog: Catalog) -> bool:
    """Tell whether a catalog has every plugin of its repository; a build checks only those that changed."""
    if catalog.teams is None:
        return False
    folders = {folder for folder, _, _ in _places(catalog.root, catalog.teams, [])}
    return folders <= {plugin.folder for plugin in catalog.plugins}


def load_folder(folder: Path) -> Catalog:
    """Load every plugin below a folder that is no skillway repository, without the rules of layers and teams.

    Where there is no plugin.json at all, folders with `skills/<skill>/SKILL.md` count: a marketplace may describe them.
    """
    root = Path(os.path.abspath(folder))  # noqa: PTH100 - as above
    plugins = tuple(load_plugin(found, layer=UNLAYERED, team=None) for found in _plugin_folders(root))
    return Catalog(root, teams=None, plugins=plugins, hook_files=(), has_hooks_folder=False, problems=())


def load_plugin(folder: Path, *, layer: str, team: str | None) -> Plugin:
    """Load one plugin folder.

    Args:
        folder: The folder with `.claude-plugin/plugin.json`; when that is missing, the rest is loaded all the same.
        layer: `base`, `developer-tools`, `team` or `none`.
        team: The team's name, for the layer `team`.
    """
    tree = read_tree(folder)
    problems = list(tree.problems)
    manifest, lines = _load_manifest(folder, layer, problems)
    content = manifest or {}
    skills = load_skills(folder, content, tree.files, problems, is_team=layer == TEAM)
    return Plugin(
        name=_text(content, "name") or folder.name,
        folder=folder,
        layer=layer,
        team=team,
        manifest=manifest,
        manifest_lines=lines,
        version=_text(content, "version"),
        description=_text(content, "description"),
        skills=skills,
        agents=load_agents(folder, content, tree.files, problems),
        commands=load_commands(folder, content, tree.files, problems),
        hooks=load_hooks(folder, content, lines, problems),
        fragments=load_fragments(tree.files, problems, is_base=layer == BASE) if layer != UNLAYERED else (),
        files=tuple(tree.files),
        moved_folders=_moved_folders(content, tree.files) if layer == TEAM else frozenset(),
        problems=tuple(problems),
    )


def _moved_folders(manifest: dict[str, Any], files: list[SourceFile]) -> frozenset[str]:
    """Name the folders of a team's root that are installed below `skills/`: its skills, and what they share.

    A skill's `../_shared/x.md` leads to the same file on a laptop only when both move together. What Claude Code
    looks up in the root by name, or plugin.json names there, stays.
    """
    named = {
        path.partition("/")[0] for key in ("agents", "commands", "hooks") for path in component_paths(manifest, key)
    }
    folders = {file.path.partition("/")[0] for file in files if "/" in file.path}
    return frozenset(folder for folder in folders - RESERVED_FOLDERS - named if not folder.startswith("."))


def _load_manifest(
    folder: Path, layer: str, problems: list[Problem]
) -> tuple[dict[str, Any] | None, dict[tuple[str | int, ...], int]]:
    path = folder / MANIFEST
    if not os.path.lexists(path):
        message = f"{folder.name} has no {MANIFEST}, so Claude Code does not see a plugin here"
        fix = f"Add it, or start over with: skillway new plugin {folder.name}"
        if layer != UNLAYERED:
            problems.append(Problem("plugin-json-missing", path, message, fix, expected=MANIFEST))
        return None, {}
    return load_json_object(path, "plugin-json-broken", problems)


def _places(root: Path, teams: tuple[str, ...], problems: list[Problem]) -> Iterator[tuple[Path, str, str | None]]:
    if (root / BASE_FOLDER).is_dir():
        yield root / BASE_FOLDER, BASE, None
    else:
        message = f"The repository has no folder {BASE_FOLDER}, and a release needs exactly one plugin of that layer"
        fix = f"Add it with: skillway new plugin {BASE_FOLDER}"
        problems.append(Problem("base-plugin-missing", root, message, fix, expected=f"{BASE_FOLDER}/{MANIFEST}"))
    if (root / DEVELOPER_TOOLS_FOLDER).is_dir() and not _is_empty(root / DEVELOPER_TOOLS_FOLDER):
        yield root / DEVELOPER_TOOLS_FOLDER, DEVELOPER_TOOLS, None
    for folder in _team_folders(root / TEAMS_FOLDER, problems):
        if folder.name not in teams:
            message = (
                f"The folder {TEAMS_FOLDER}/{folder.name} is no team of organisation.yaml, so no laptop would get it"
            )
            fix = f"Add `- name: {folder.name}` under `teams:` in organisation.yaml, or rename the folder."
            problems.append(
                Problem("team-unknown", folder, message, fix, seen=folder.name, expected=", ".join(teams) or "a team")
            )
        yield folder, TEAM, folder.name


def _team_folders(folder: Path, problems: list[Problem]) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        entries = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] not in "._"]
    except OSError as error:
        problems.append(
            Problem("file-unreadable", folder, f"This cannot be read: {error.strerror}", "Give yourself the right to.")
        )
        return []
    return sorted(entry for entry in entries if not _is_empty(entry))


def _is_empty(folder: Path) -> bool:
    """Tell whether a folder holds nothing; git does not keep such a folder, so it is a leftover of a checkout."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _plugin_folders(root: Path) -> list[Path]:
    return sorted(_find_plugins(root, _has_manifest)) or sorted(_find_plugins(root, _has_skills))


def _has_manifest(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _has_skills(folder: Path) -> bool:
    try:
        return any((folder / "skills").glob("*/SKILL.md"))
    except OSError:
        return False


def _find_plugins(root: Path, is_plugin: Callable[[Path], bool]) -> Iterator[Path]:
    """Find folders that are plugins, not following links and not looking inside dot folders."""
    pending = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        if is_plugin(folder):
            yield folder
            if folder != root:
                continue
        if depth == _SEARCH_DEPTH:
            continue
        try:
            with os.scandir(folder) as entries:
                inner = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue  # told by read_tree when it belongs to a plugin, and of no interest when it does not
        pending.extend(
            (Path(entry.path), depth + 1) for entry in inner if entry.name[0] != "." and entry.name != "node_modules"
        )


def _text(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""
