"""Rules about plugin.json: its name, version, keys, and the paths that it names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any

from skillway.catalog import BASE, DEVELOPER_TOOLS, TEAM, Plugin, Problem
from skillway.catalog.reading import is_there
from skillway.checks.nearness import nearest
from skillway.checks.rules import ERROR, PLUGIN_CHECKS, WARNING, Context, define, on
from skillway_sync.release_document import is_name

SUBJECT = "plugin.json"
MAX_NAME_CHARS = 64
NAMED_BY_LAYER = {BASE: "base-plugin", DEVELOPER_TOOLS: "developer-tools"}
TEXTS = frozenset({"$schema", "name", "version", "description", "homepage", "repository", "license", "displayName"})
COMPONENT_PATHS = frozenset({"commands", "agents", "skills", "hooks", "outputStyles", "themes", "workflows"})
OTHERS = frozenset(
    [
        *("author", "keywords", "category", "tags", "strict", "source", "evals", "engines", "network", "metadata"),
        *("defaultEnabled", "dependencies", "mcpServers", "lspServers", "userConfig", "channels", "monitors"),
        *("settings", "experimental"),
    ]
)
KEYS = TEXTS | COMPONENT_PATHS | OTHERS
"""Every key that Claude Code 2.1.197 or 2.1.328 knows."""

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\Z")

NAME = define(
    "plugin-name",
    ERROR,
    "A plugin has a kebab-case name",
    subject=SUBJECT,
    why="The name is a folder in every laptop's store and the first half of every skill's name; Claude Code refuses "
    "an empty one or one with blanks.",
    bad='{"name": "Support Tools", "version": "1.0.0"}',
    good='{"name": "support-tools", "version": "1.0.0"}',
)
NAME_FOLDER = define(
    "plugin-name-folder",
    ERROR,
    "A plugin is called as its folder is",
    subject=SUBJECT,
    why="The catalogue, the evals and organisation.yaml find a plugin by its folder; two names for one plugin part "
    "them from each other.",
    bad='skills/support/.claude-plugin/plugin.json: {"name": "helpdesk", …}',
    good='skills/support/.claude-plugin/plugin.json: {"name": "support", …}',
    outside=None,
)
VERSION = define(
    "plugin-version",
    ERROR,
    "A plugin has a semantic version",
    subject=SUBJECT,
    why="The build adds the digest to it, and Claude Code keys what it remembers of a plugin by it. `latest` is "
    "accepted by `claude plugin validate`, and says nothing.",
    bad='{"name": "support", "version": "latest"}',
    good='{"name": "support", "version": "1.4.0"}',
    outside=WARNING,
)
DESCRIPTION = define(
    "plugin-description",
    WARNING,
    "A plugin has a description",
    subject=SUBJECT,
    why="The catalogue and the release notes show it to people.",
    bad='{"name": "support", "version": "1.0.0"}',
    good='{"name": "support", "version": "1.0.0", "description": "Skills of the support team."}',
    outside=None,
)
KEY_UNKNOWN = define(
    "plugin-key-unknown",
    WARNING,
    "Every key of plugin.json is one that Claude Code knows",
    subject=SUBJECT,
    why="An unknown key is ignored in silence, so what it was meant to say does not happen.",
    bad='{"name": "support", "descripton": "Skills of the support team."}',
    good='{"name": "support", "description": "Skills of the support team."}',
)
KEY_TYPE = define(
    "plugin-key-type",
    ERROR,
    "Every value of plugin.json has the type that Claude Code takes",
    subject=SUBJECT,
    why="One value of a wrong type makes Claude Code drop the whole plugin, silently on 2.1.197.",
    bad='{"name": "support", "keywords": "tickets, macros"}',
    good='{"name": "support", "keywords": ["tickets", "macros"]}',
)
PATH = define(
    "plugin-path",
    ERROR,
    "A path in plugin.json starts with ./ and leads to something in the plugin",
    subject=SUBJECT,
    why="Claude Code refuses a component path that is missing or leaves the plugin, and drops what it names.",
    bad='{"name": "support", "commands": "../shared/commands"}',
    good='{"name": "support", "commands": "./commands"}',
)
TEAM_SKILLS = define(
    "team-skills-key",
    ERROR,
    'A team\'s plugin.json says "skills": "./"',
    subject=SUBJECT,
    why="A team's skills lie directly in its folder; without the key no skill loads from a checkout.",
    bad='skills/support/.claude-plugin/plugin.json: {"name": "support", "version": "1.0.0"}',
    good='skills/support/.claude-plugin/plugin.json: {"name": "support", "version": "1.0.0", "skills": "./"}',
    outside=None,
)


@on(PLUGIN_CHECKS)
def find_bad_name(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look at the name, and whether it is the folder's."""
    if plugin.manifest is None:
        return
    name = plugin.manifest.get("name")
    line = plugin.manifest_line("name")
    file = plugin.manifest_file
    if not isinstance(name, str) or not is_name(name) or len(name) > MAX_NAME_CHARS:
        message = "plugin.json has no name" if name is None else f"The plugin's name {name!r} is not kebab-case"
        fix = (
            f'Write "name": "{plugin.folder.name}".'
            if is_name(plugin.folder.name)
            else "Use a-z, 0-9 and single hyphens."
        )
        yield NAME.at(
            file, message, fix, line=line, seen=name, expected=f"a-z, 0-9, -, at most {MAX_NAME_CHARS} characters"
        )
        return
    expected = NAMED_BY_LAYER.get(plugin.layer, plugin.folder.name)
    if plugin.is_layered and name != expected:
        message = f"The plugin in the folder {plugin.folder.name} is called {name}"
        yield NAME_FOLDER.at(file, message, f'Write "name": "{expected}".', line=line, seen=name, expected=expected)


@on(PLUGIN_CHECKS)
def find_bad_version(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look at version and description; outside the layers a missing version is legal."""
    if plugin.manifest is None:
        return
    version = plugin.manifest.get("version")
    missing_is_fine = version is None and not plugin.is_layered
    if not missing_is_fine and not (isinstance(version, str) and _VERSION.match(version)):
        message = "plugin.json has no version" if version is None else f"The version {version!r} is no semantic version"
        line = plugin.manifest_line("version")
        yield VERSION.at(
            plugin.manifest_file, message, 'Write "version": "0.1.0".', line=line, seen=version, expected="as in 1.4.0"
        )
    if not plugin.description.strip():
        yield DESCRIPTION.at(
            plugin.manifest_file, "plugin.json has no description", 'Add "description": "…", one sentence.'
        )


@on(PLUGIN_CHECKS)
def find_bad_keys(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look for keys that nobody reads and values of a wrong type."""
    for key, value in (plugin.manifest or {}).items():
        line = plugin.manifest_line(key)
        if key not in KEYS:
            near = nearest(key, KEYS)
            fix = f"Write {near}." if near else "Remove it; what is for people goes into `metadata`."
            message = f"Claude Code does not know the key {key!r} in plugin.json and ignores it"
            yield KEY_UNKNOWN.at(plugin.manifest_file, message, fix, line=line, seen=key, expected=near)
            continue
        expected = _expected_type(key, value)
        if expected and key != "name":
            message = f"The value of {key!r} in plugin.json is not {expected}"
            yield KEY_TYPE.at(
                plugin.manifest_file, message, f"Give {expected}.", line=line, seen=repr(value), expected=expected
            )


def _expected_type(key: str, value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Say what a value should be, or None when it is."""
    if key in TEXTS - {"version"}:  # a version has its own rule
        is_npm_form = key == "repository" and isinstance(value, dict)  # common, and harmless
        return None if isinstance(value, str) or is_npm_form else "a text"
    fits, expected = _FORMS.get(key, (_anything, ""))
    return None if fits(value) else expected


def _anything(_value: object) -> bool:
    return True


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _is_author(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str)


_FORMS: dict[str, tuple[Callable[[object], bool], str]] = {
    "author": (_is_author, 'an object with a "name"'),
    "keywords": (_is_texts, "a list of texts"),
    "tags": (_is_texts, "a list of texts"),
    "agents": (lambda value: isinstance(value, str) or _is_texts(value), "a path or a list of paths"),
    "skills": (lambda value: isinstance(value, str) or _is_texts(value), "a path or a list of paths"),
    "hooks": (lambda value: isinstance(value, str | list | dict), "a path, a list or an object"),
    "commands": (lambda value: isinstance(value, str | list | dict), "a path, a list or an object"),
    "defaultEnabled": (lambda value: isinstance(value, bool), "true or false"),
}


@on(PLUGIN_CHECKS)
def find_bad_paths(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look for component paths that lead nowhere or out of the plugin."""
    for key in sorted(COMPONENT_PATHS & set(plugin.manifest or {})):
        value = (plugin.manifest or {})[key]
        for path in value if isinstance(value, list) else [value]:
            fault = _path_fault(path, plugin) if isinstance(path, str) else None
            if fault:
                message = f"The path {path!r} under {key!r} in plugin.json {fault}"
                fix = "Name a folder or file of this plugin, starting with ./"
                yield PATH.at(
                    plugin.manifest_file, message, fix, line=plugin.manifest_line(key), seen=path, expected="./…"
                )


def _path_fault(path: str, plugin: Plugin) -> str | None:
    normal = posixpath.normpath(path)
    if ".." in path.split("/") or posixpath.isabs(path):
        return "leaves the plugin's folder"
    if not path.startswith("./"):
        return "does not start with ./"
    exists = normal == "." or any(file.path == normal or file.path.startswith(f"{normal}/") for file in plugin.files)
    return None if exists or is_there(plugin.folder / normal) else "does not exist"


@on(PLUGIN_CHECKS)
def find_team_without_skills_key(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look whether a team's plugin says where its skills are."""
    if plugin.layer != TEAM or plugin.manifest is None:
        return
    named = plugin.manifest.get("skills")
    values = named if isinstance(named, list) else [named]
    if not any(isinstance(value, str) and posixpath.normpath(value) == "." for value in values):
        message = 'plugin.json does not say "skills": "./", so none of the team\'s skills loads from a checkout'
        line = plugin.manifest_line("skills")
        yield TEAM_SKILLS.at(plugin.manifest_file, message, 'Add "skills": "./".', line=line, seen=named, expected="./")
