"""What a repository of plugins holds: plugins, skills, agents, commands, hooks and settings fragments as typed values.

The one loader for check, build, release and evals. It tells what stands on disk; `skillway.checks` says whether
that is good.
"""

from __future__ import annotations

from skillway.catalog.load import load_catalog, load_folder, load_plugin
from skillway.catalog.values import (
    BASE,
    DEVELOPER_TOOLS,
    TEAM,
    UNLAYERED,
    Agent,
    Catalog,
    Command,
    Definition,
    HookEntry,
    Plugin,
    Problem,
    SettingsFragment,
    Skill,
    SourceFile,
    wired_hook,
)

__all__ = [
    "BASE",
    "DEVELOPER_TOOLS",
    "TEAM",
    "UNLAYERED",
    "Agent",
    "Catalog",
    "Command",
    "Definition",
    "HookEntry",
    "Plugin",
    "Problem",
    "SettingsFragment",
    "Skill",
    "SourceFile",
    "load_catalog",
    "load_folder",
    "load_plugin",
    "wired_hook",
]
