"""Which skills, agents and commands a plugin defines: found where Claude Code looks, each read once.

A folder that looks like a skill but is none to Claude Code is told as a `Problem`, because nothing else would.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from skillway.catalog.frontmatter import Frontmatter, parse_frontmatter
from skillway.catalog.reading import read_text
from skillway.catalog.values import Agent, Command, Problem, Skill, SourceFile

SKILL_FILE = "SKILL.md"
DEFAULT_SKILLS = "skills"
_SIBLING = re.compile(r"\.\./([\w.-]+)/|\bskills/([\w.-]+)/")
RESERVED_FOLDERS = frozenset(
    [
        *("agents", "assets", "bin", "commands", "docs", "evals", "hooks", "lib", "monitors", "output-styles"),
        *("references", "scripts", "settings", "skills", "templates", "tests", "themes"),
    ]
)
"""Folders of a plugin's root that are no skill even where skills lie directly in the root."""


def load_skills(
    folder: Path, manifest: dict[str, Any], files: list[SourceFile], problems: list[Problem], *, is_team: bool
) -> tuple[Skill, ...]:
    """Load every skill: one folder each in `skills/` and in what `skills` in plugin.json names.

    Args:
        folder: The plugin's folder.
        manifest: plugin.json, or an empty mapping.
        files: The plugin's files.
        problems: Where to add what is wrong.
        is_team: Whether skills lie directly in the root even if plugin.json could not be read.
    """
    roots = component_paths(manifest, "skills")
    if is_team and not manifest:
        roots.append("")
    skills: dict[str, Skill] = {}
    without: dict[str, set[str]] = {}
    for root in roots:
        for path, names in _skill_folders(root, files).items():
            if SKILL_FILE not in names:
                without[path] = names
            elif path not in skills:
                skills[path] = load_skill(folder / path, plugin_folder=folder, problems=problems)
    shared = _shared_folders(skills.values()) if without else set()
    for path, names in without.items():
        problems.extend(_missing_skill_file(folder, path, names, shared))
    return tuple(skills[path] for path in sorted(skills))


def load_skill(folder: Path, *, plugin_folder: Path, problems: list[Problem]) -> Skill:
    """Load one skill folder that has a SKILL.md, adding to `problems` what is wrong with that file."""
    file = folder / SKILL_FILE
    fields = _read(file, folder.name or plugin_folder.name, plugin_folder, problems, needs_frontmatter=True)
    return Skill(**fields, folder=folder)


def load_agents(
    folder: Path, manifest: dict[str, Any], files: list[SourceFile], problems: list[Problem]
) -> tuple[Agent, ...]:
    """Load the Markdown files of `agents/` and of what `agents` in plugin.json names."""
    found = _markdown(component_paths(manifest, "agents"), files)
    return tuple(
        Agent(**_read(file.absolute, _stem(file), folder, problems, needs_frontmatter=False)) for file in found
    )


def load_commands(
    folder: Path, manifest: dict[str, Any], files: list[SourceFile], problems: list[Problem]
) -> tuple[Command, ...]:
    """Load the Markdown files of `commands/` and of what `commands` in plugin.json names; frontmatter is optional."""
    found = _markdown(component_paths(manifest, "commands"), files)
    return tuple(
        Command(**_read(file.absolute, _stem(file), folder, problems, needs_frontmatter=False)) for file in found
    )


def component_paths(manifest: dict[str, Any], key: str) -> list[str]:
    """List where the components of one kind, such as `skills`, stand below the plugin's folder.

    What plugin.json names for skills is added to the default place; for agents and commands it replaces it
    (Claude Code 2.1.197 says so in its own schema of plugin.json).
    """
    named = manifest.get(key)
    if isinstance(named, dict):
        named = [entry.get("source") for entry in named.values() if isinstance(entry, dict)]
    values = named if isinstance(named, list) else [named]
    paths = [key] if key == "skills" or named is None else []
    for value in values:
        if isinstance(value, str):
            path = posixpath.normpath(value.replace("\\", "/"))
            path = "" if path == "." else path
            if not path.startswith(("..", "/")) and path not in paths:
                paths.append(path)
    return paths


def _skill_folders(root: str, files: list[SourceFile]) -> dict[str, set[str]]:
    """Map each folder directly below `root` to the names of the files directly in it."""
    prefix = f"{root}/" if root else ""
    folders: dict[str, set[str]] = {}
    for file in files:
        if not file.path.startswith(prefix):
            continue
        name, slash, rest = file.path[len(prefix) :].partition("/")
        if not slash:
            if name == SKILL_FILE and root != DEFAULT_SKILLS:
                folders.setdefault(root, set()).add(name)  # `skills` may name one skill's own folder
        elif name[0] not in "._" and not (root == "" and name in RESERVED_FOLDERS):
            folders.setdefault(prefix + name, set()).add(rest)
    return folders


def _missing_skill_file(folder: Path, path: str, names: set[str], shared: set[str]) -> Iterator[Problem]:
    other_case = next((name for name in sorted(names) if name.casefold() == SKILL_FILE.casefold()), None)
    if other_case:
        message = f"The file is named {other_case}, and Claude Code only loads {SKILL_FILE}"
        fix = f"Rename it: git mv {path}/{other_case} {path}/{SKILL_FILE}"
        yield Problem("skill-file-case", folder / path / other_case, message, fix, seen=other_case, expected=SKILL_FILE)
        return
    if posixpath.basename(path) in shared:
        return
    deeper = next((name for name in sorted(names) if name.endswith(f"/{SKILL_FILE}")), None)
    if deeper:
        message = f"The skill {path}/{deeper} lies too deep: Claude Code looks for {SKILL_FILE} one folder down only"
        yield Problem(
            "skill-file-missing",
            folder / path / deeper,
            message,
            "Move the skill's folder up.",
            seen=f"{path}/{deeper}",
        )
        return
    message = f"The folder {path} has no {SKILL_FILE}, so no skill is loaded from it"
    fix = f"Add {SKILL_FILE}, or put `_` before the folder's name if it holds what skills share."
    yield Problem("skill-file-missing", folder / path / SKILL_FILE, message, fix, expected=SKILL_FILE)


def _shared_folders(skills: Iterable[Skill]) -> set[str]:
    """Name the folders beside a skill that its text refers to: they hold what skills share, on purpose."""
    return {name for skill in skills for pair in _SIBLING.findall(skill.body) for name in pair if name}


def _markdown(roots: list[str], files: list[SourceFile]) -> list[SourceFile]:
    wanted = tuple(f"{root}/" if root else "" for root in roots)
    return [
        file for file in files if file.path.endswith(".md") and (file.path in roots or file.path.startswith(wanted))
    ]


def _stem(file: SourceFile) -> str:
    return posixpath.basename(file.path).removesuffix(".md")


def _read(
    file: Path, name: str, plugin_folder: Path, problems: list[Problem], *, needs_frontmatter: bool
) -> dict[str, Any]:
    text, found = read_text(file)
    if text is None:
        problems.extend(found)
        parsed = Frontmatter("", 1, is_present=False, is_usable=False)
    else:
        parsed = parse_frontmatter(text)
        problems.extend(found)
        problems.extend(_text_problems(file, text, parsed, needs_frontmatter=needs_frontmatter))
    return {
        "name": name,
        "file": file,
        "path": os.path.relpath(file, plugin_folder).replace(os.sep, "/"),
        "frontmatter": parsed.values,
        "raw": parsed.raw,
        "lines": parsed.lines,
        "body": parsed.body,
        "body_line": parsed.body_line,
        "has_frontmatter": parsed.is_present,
        "readable": parsed.is_usable and (parsed.is_present or (text is not None and not needs_frontmatter)),
    }


def _text_problems(file: Path, text: str, parsed: Frontmatter, *, needs_frontmatter: bool) -> Iterator[Problem]:
    if not text.strip():
        yield Problem(
            "skill-empty",
            file,
            f"{file.name} is empty, so the model never sees it",
            "Write it or remove the folder.",
            1,
        )
        return
    if not parsed.is_present and needs_frontmatter:
        message = f"{file.name} has no frontmatter, so the model is told of no name and no description"
        fix = "Start the file with a line ---, then `description: …`, then a line ---."
        yield Problem("frontmatter-missing", file, message, fix, 1, 1, text.splitlines()[0][:80], "---")
    for fault in parsed.faults:
        yield Problem(fault.rule, file, fault.message, _FIXES[fault.rule], fault.line, fault.column, fault.seen)


_FIXES = {
    "frontmatter-missing": "Close the frontmatter with a line that holds only ---.",
    "frontmatter-broken": "Mend that line; put a text that holds `: `, `#` or a leading special character in quotes.",
    "frontmatter-duplicate-key": "Keep one of the two.",
    "frontmatter-dashes": "Write one dash or two, not three.",
    "frontmatter-unquoted": "Put the value in double quotes.",
}
