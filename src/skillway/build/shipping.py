"""Which of a plugin's source files ship, where they lie in the installed plugin, and with which mode.

A team writes its skills directly below its folder; an installed plugin has them in `skills/`, where Claude Code
looks by itself. What is for authors and reviewers stays in the repository.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from skillway_sync.manifest import PLUGIN_FILE

AUTHORS_FILES = frozenset({"SPEC.md", "EVAL.md"})
AUTHORS_FOLDERS = frozenset({"evals", "tests"})
DOT_FILE = ".mcp.json"
DOT_FOLDER = ".claude-plugin"
_HERE = ("./", ".")


def shipped_paths(paths: Iterable[str], *, moved: Collection[str]) -> dict[str, str]:
    """Choose the files that ship.

    `SPEC.md`, `EVAL.md`, `evals/` and `tests/` stay behind where they are about the plugin or a skill, that is
    directly in their folders. A file of that name deeper down, a template in `assets/` for example, is content.

    Args:
        paths: Every path of the plugin's folder, with `/`.
        moved: Names of folders directly in the plugin's folder that are installed below `skills/`.

    Returns:
        From a source path to its path in the installed plugin.
    """
    every = list(paths)
    skills = {path[: -len("/SKILL.md")] for path in every if path.endswith("/SKILL.md")}
    shipped = {}
    for path in every:
        if _ships(path, skills):
            shipped[path] = f"skills/{path}" if path.partition("/")[0] in moved else path
    return shipped


def _ships(path: str, skills: set[str]) -> bool:
    parts = path.split("/")
    if "__pycache__" in parts or any(part.startswith(".") for part in parts[1:]):
        return False
    if parts[0].startswith("."):
        return path == DOT_FILE or (parts[0] == DOT_FOLDER and len(parts) > 1)
    if _is_authors(parts):
        return False
    return not any("/".join(parts[:depth]) in skills and _is_authors(parts[depth:]) for depth in range(1, len(parts)))


def _is_authors(parts: list[str]) -> bool:
    return parts[0] in AUTHORS_FOLDERS or (len(parts) == 1 and parts[0] in AUTHORS_FILES)


def file_mode(data: bytes) -> str:
    """Give a file's mode by its content, so that a checkout without executable bits builds the same plugin."""
    return "0755" if data.startswith(b"#!") else "0644"


def has_skills_in_root(content: object) -> bool:
    """Tell whether a plugin.json says that the folders beside it are skills: `"skills": "./"`."""
    named = content.get("skills") if isinstance(content, dict) else None
    return any(path in _HERE for path in (named if isinstance(named, list) else [named]))


def installed_plugin_json(data: bytes) -> bytes:
    """Give the plugin.json of a plugin whose skills have moved from its root: without the `"skills": "./"`.

    Raises:
        ValueError: `skills` names other places too.
    """
    content = json.loads(data)
    named = content.pop("skills")
    if not all(path in _HERE for path in (named if isinstance(named, list) else [named])):
        raise ValueError(f'{PLUGIN_FILE} has "skills": {json.dumps(named)}, and beside "./" nothing else can be built')
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
