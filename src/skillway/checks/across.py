"""Rules that look at several plugins or skills at once: names that would meet on one laptop."""

from __future__ import annotations

from collections.abc import Iterator

from skillway.catalog import Catalog, Command, Definition, Plugin, Problem
from skillway.checks.rules import CATALOG_CHECKS, ERROR, PLUGIN_CHECKS, WARNING, Context, define, on

SUBJECT = "Across files"

EMPTY = define(
    "catalog-empty",
    ERROR,
    "There is a plugin to check",
    subject=SUBJECT,
    why="A check that found nothing to look at has proved nothing; a wrong path would be green for ever.",
    bad="skillway check docs/",
    good="skillway check skills/support",
)
PLUGIN_TWICE = define(
    "plugin-name-twice",
    ERROR,
    "No two plugins have one name",
    subject=SUBJECT,
    why="The catalogue has one entry per name, so one of the two would reach nobody.",
    bad='skills/support and skills/helpdesk both say "name": "support"',
    good='"name": "support" and "name": "helpdesk"',
)
SKILL_TWICE = define(
    "skill-name-twice",
    ERROR,
    "No two skills or commands of a plugin have one name",
    subject=SUBJECT,
    why="Claude Code lists both as plugin:name and runs one of them.",
    bad="skills/triage/SKILL.md and commands/triage.md",
    good="skills/triage/SKILL.md and commands/triage-report.md",
    outside=WARNING,
)


@on(CATALOG_CHECKS)
def find_nothing(catalog: Catalog) -> Iterator[Problem]:
    """Look whether there is anything to look at."""
    if not catalog.plugins:
        message = f"There is no plugin in {catalog.root}"
        fix = "Name a folder with plugins, or make one with: skillway new plugin NAME"
        yield EMPTY.at(catalog.root, message, fix, seen="0 plugins", expected="at least one .claude-plugin/plugin.json")


@on(CATALOG_CHECKS)
def find_plugins_of_one_name(catalog: Catalog) -> Iterator[Problem]:
    """Look for two plugins of one name; plugins outside the layers may be copies, and are left alone."""
    first: dict[str, Plugin] = {}
    for plugin in catalog.plugins:
        if plugin.manifest is None or not plugin.is_layered:
            continue
        other = first.setdefault(plugin.name.casefold(), plugin)
        if other is not plugin:
            message = f"{plugin.folder.name} and {other.folder.name} are both called {plugin.name}"
            line = plugin.manifest_line("name")
            fix = "Give each its folder's name."
            yield PLUGIN_TWICE.at(plugin.manifest_file, message, fix, line=line, seen=plugin.name)


@on(PLUGIN_CHECKS)
def find_skills_of_one_name(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look for skills and commands that people would type alike."""
    first: dict[str, Definition] = {}
    for definition in (*plugin.skills, *plugin.commands):
        name = typed_name(definition)
        other = first.setdefault(name.casefold(), definition)
        if other is not definition and other.file != definition.file:
            message = f"{definition.path} and {other.path} are both called {plugin.name}:{name}"
            yield SKILL_TWICE.at(definition.file, message, "Rename one of the two.", seen=name)


def typed_name(definition: Definition) -> str:
    """Give what follows the plugin's name when people type it: folders of `commands/` are parts of it, as in `git:log`."""
    folders = definition.path.split("/")[1:-1] if isinstance(definition, Command) else []
    return ":".join([*folders, definition.name])
