"""What a repository of plugins contains, as typed values: plugins, skills, agents, commands, hooks, settings fragments.

The values say what stands on disk and where. Whether it is good is a question for `skillway.checks`; only what
could not be read at all is told here, as a `Problem` that names the rule it breaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BASE = "base"
DEVELOPER_TOOLS = "developer-tools"
TEAM = "team"
UNLAYERED = "none"
"""The layer of a plugin that stands outside a skillway repository, for example one that is checked before it moves in."""

_LAUNCHER_DIRECT = re.compile(r"""/(?:hooks|bin)/run"?[ \t]+(?P<name>[A-Za-z0-9_-]+)""")
_LAUNCHER_ASSIGNED = re.compile(r"""\b(?P<variable>[A-Za-z_]\w*)="[^"]*/(?:hooks|bin)/run\"""")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be loaded.

    Attributes:
        rule: The identifier of the rule that this breaks, as `skillway check explain` knows it.
        file: The absolute path of the file or folder.
        message: One sentence: what is wrong.
        fix: One sentence: what to do.
        line: The line, from 1, or None when the whole file is meant.
        column: The column, from 1, or None.
        seen: The value that stands there, shortened.
        expected: What should stand there.
    """

    rule: str
    file: Path
    message: str
    fix: str
    line: int | None = None
    column: int | None = None
    seen: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One regular file of a plugin: `path` below the plugin's folder with `/`, `absolute`, `size` in bytes."""

    path: str
    absolute: Path
    size: int
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A Markdown file with frontmatter, as skills, agents and commands are.

    Attributes:
        name: What it is called: a skill's folder, an agent's or command's file without `.md`.
        file: The absolute path of the Markdown file.
        path: The same, below the plugin's folder.
        frontmatter: From key to value, as YAML 1.2 reads it; empty when `readable` is false.
        raw: From key to the text of a value that is a plain scalar, before YAML gave it a type.
        lines: From key to its line in the file, from 1.
        body: The text after the frontmatter.
        body_line: The line in the file on which the body starts, from 1.
        has_frontmatter: Whether there is a frontmatter block, readable or not.
        readable: Whether file and frontmatter could be read; when not, a `Problem` says why.
    """

    name: str
    file: Path
    path: str
    frontmatter: dict[str, Any]
    raw: dict[str, str]
    lines: dict[str, int]
    body: str
    body_line: int
    has_frontmatter: bool
    readable: bool

    @property
    def description(self) -> str:
        """The description, or an empty text when there is none or it is no text."""
        return self.text("description")

    def text(self, key: str) -> str:
        """Give the value of a frontmatter key when it is a text, else an empty one."""
        value = self.frontmatter.get(key)
        return value if isinstance(value, str) else ""

    def tools(self, key: str) -> tuple[str, ...]:
        """Give a list of tools as Claude Code reads it: a YAML list, or a text split at commas or blanks outside brackets."""
        value = self.frontmatter.get(key)
        if isinstance(value, list):
            return tuple(entry.strip() for entry in value if isinstance(entry, str) and entry.strip())
        return split_tools(value) if isinstance(value, str) else ()


@dataclass(frozen=True, slots=True)
class Skill(Definition):
    """One skill. `folder` is absolute; Claude Code calls the skill by the folder's name, whatever `name:` says."""

    folder: Path

    @property
    def when_to_use(self) -> str:
        """The second half of what the model is shown, or an empty text."""
        return self.text("when_to_use")

    @property
    def allowed_tools(self) -> tuple[str, ...]:
        """Tools that run without a question while the skill is active, such as `Read` or `Bash(git log:*)`."""
        return self.tools("allowed-tools")

    @property
    def is_model_invocable(self) -> bool:
        """Whether the model may start the skill itself; only the exact word `true` forbids it."""
        return self.raw.get("disable-model-invocation") != "true"


@dataclass(frozen=True, slots=True)
class Agent(Definition):
    """One subagent, a file in `agents/`."""


@dataclass(frozen=True, slots=True)
class Command(Definition):
    """One slash command, a file in `commands/`."""


@dataclass(frozen=True, slots=True)
class HookEntry:
    """One hook as a hooks.json, a plugin.json or a settings fragment wires it; values stand as written, of any type.

    Attributes:
        event: The event's name, such as `PreToolUse`.
        matcher: The matcher of its group, or None.
        kind: The hook's `type`, such as `command`.
        command: The command, or None when there is none.
        args: The arguments of the exec form, or None for the shell form.
        timeout: Seconds, or None.
        file: The absolute path of the JSON file.
        line: The line of the entry, from 1.
        keys: Every key of the entry, as written.
    """

    event: str
    matcher: Any
    kind: Any
    command: Any
    args: Any
    timeout: Any
    file: Path
    line: int
    keys: tuple[str, ...] = ()

    @property
    def wired(self) -> str | None:
        """The NAME when the command starts the launcher `run NAME` (docs/architecture.md, "Hook command"), else None."""
        return wired_hook(self.command) if isinstance(self.command, str) else None


@dataclass(frozen=True, slots=True)
class SettingsFragment:
    """One file of `settings/managed-settings.d/`: Claude Code settings that sync merges into the policy.

    `path` is absolute; `lines` goes from a path of keys and indexes to the line it starts on.
    """

    path: Path
    content: dict[str, Any]
    hooks: tuple[HookEntry, ...]
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin folder.

    Attributes:
        name: The name in plugin.json, or the folder's when that cannot be read.
        folder: The absolute folder.
        layer: `base`, `developer-tools`, `team` or `none`.
        team: The team's name, in the layer `team` only.
        manifest: plugin.json as parsed, or None when it is missing or broken.
        manifest_lines: From a path of keys and indexes in plugin.json to its line.
        files: Every regular file, sorted by path; `.git`, other dot folders and `__pycache__` are left out.
        fragments: Settings fragments, sorted by file name.
        moved_folders: Folders directly below a team's plugin that the build moves to `skills/`: skills and what they share.
    """

    name: str
    folder: Path
    layer: str
    team: str | None
    manifest: dict[str, Any] | None
    manifest_lines: dict[tuple[str | int, ...], int]
    version: str
    description: str
    skills: tuple[Skill, ...]
    agents: tuple[Agent, ...]
    commands: tuple[Command, ...]
    hooks: tuple[HookEntry, ...]
    fragments: tuple[SettingsFragment, ...]
    files: tuple[SourceFile, ...]
    moved_folders: frozenset[str]
    problems: tuple[Problem, ...]

    @property
    def manifest_file(self) -> Path:
        """The absolute path of plugin.json, whether it exists or not."""
        return self.folder / ".claude-plugin" / "plugin.json"

    @property
    def is_layered(self) -> bool:
        """Whether the plugin belongs to one of the three layers, so that this repository's conventions hold."""
        return self.layer != UNLAYERED

    def installed_path(self, path: str) -> str:
        """Give the path that a file of this plugin has on a laptop: a team's `<skill>/…` moves to `skills/<skill>/…`."""
        return f"skills/{path}" if path.partition("/")[0] in self.moved_folders else path

    def manifest_line(self, *path: str | int) -> int | None:
        """Give the line of a value in plugin.json, or None when it is not there."""
        return self.manifest_lines.get(path)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All plugins of a repository.

    Attributes:
        root: The absolute folder that findings are named from.
        teams: The teams of organisation.yaml, or None where there is no organisation.
        plugins: base-plugin, developer-tools, then team plugins by folder name.
        hook_files: The files of `hooks/`, from which the build copies; paths are below that folder.
        has_hooks_folder: Whether there is a `hooks/` to look hook names up in.
        problems: What could not be loaded and belongs to no plugin.
    """

    root: Path
    teams: tuple[str, ...] | None
    plugins: tuple[Plugin, ...]
    hook_files: tuple[SourceFile, ...]
    has_hooks_folder: bool
    problems: tuple[Problem, ...]

    def plugin(self, name: str) -> Plugin | None:
        """Find a plugin by name."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)


def wired_hook(command: str) -> str | None:
    """Name the hook that a command starts through the launcher.

    Both forms count: `"…/hooks/run" NAME`, and `f="…/hooks/run"; …; exec /bin/sh "$f" NAME` (also `/bin/run`).
    """
    direct = _LAUNCHER_DIRECT.search(command)
    if direct:
        return direct["name"]
    assigned = _LAUNCHER_ASSIGNED.search(command)
    if not assigned:
        return None
    started = re.search(rf"""\bsh[ \t]+"?\$\{{?{assigned["variable"]}\}}?"?[ \t]+([A-Za-z0-9_-]+)""", command)
    return started[1] if started else None


def split_tools(text: str) -> tuple[str, ...]:
    """Split a text of tools at commas and blanks that stand outside brackets: `Read, Bash(git log:*)` is two."""
    tools: list[str] = []
    depth = 0
    current = ""
    for character in text:
        depth += (character == "(") - (character == ")" and depth > 0)
        if depth == 0 and (character == "," or character.isspace()):
            tools.append(current)
            current = ""
        else:
            current += character
    return tuple(tool for tool in (*tools, current) if tool)
