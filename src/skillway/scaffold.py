"""What a new plugin or skill starts with: files that pass `skillway check` and say what belongs where.

Planning is pure; one function writes, and only where nothing is yet. What goes into the files afterwards is the
author's; the texts are in `templates/`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from skillway.catalog.definitions import RESERVED_FOLDERS
from skillway.catalog.load import BASE_FOLDER, DEVELOPER_TOOLS_FOLDER, MANIFEST, TEAMS_FOLDER
from skillway.errors import EXIT_USAGE, ConflictError, NotFoundError, SkillwayError
from skillway_sync.release_document import is_name

LAYER_PLUGINS = (BASE_FOLDER, DEVELOPER_TOOLS_FOLDER)
MAX_NAME_CHARS = 64
MAX_DESCRIPTION_CHARS = 1024
FIRST_VERSION = "0.1.0"
_TEMPLATES = Path(__file__).parent / "templates"
_DESCRIPTIONS = {
    BASE_FOLDER: "What every laptop has: guard, settings and usage.",
    DEVELOPER_TOOLS_FOLDER: "Skills for every engineer.",
}


class ScaffoldError(SkillwayError):
    """The caller must act: a name or a description cannot be used."""

    code = "usage"
    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True)
class Scaffold:
    """New files: `files` from path below the repository to text; `executables` those with mode 0755."""

    files: dict[str, str]
    executables: frozenset[str] = field(default_factory=frozenset)


def plan_plugin(name: str, organisation_title: str, description: str | None = None) -> dict[str, str]:
    """Plan a plugin: base-plugin, developer-tools, or a team's.

    Args:
        name: `base-plugin`, `developer-tools` or a team's name.
        organisation_title: The organisation's name for people, for the description.
        description: One sentence; by default it says whose plugin this is.

    Returns:
        From path below the repository to text.

    Raises:
        ScaffoldError: The name cannot be one.
    """
    _require_name(name, "plugin")
    is_team = name not in LAYER_PLUGINS
    folder = f"{TEAMS_FOLDER}/{name}" if is_team else name
    content: dict[str, object] = {
        "name": name,
        "version": FIRST_VERSION,
        "description": description or _DESCRIPTIONS.get(name) or f"Skills of the {name} team.",
        "author": {"name": organisation_title},
    }
    if is_team:
        content["skills"] = "./"
    return {f"{folder}/{MANIFEST}": json.dumps(content, indent=2, ensure_ascii=False) + "\n"}


def plan_skill(plugin: str, skill: str, description: str, *, has_script: bool = False) -> Scaffold:
    """Plan a skill: SKILL.md, SPEC.md and, if wanted, a script with `--help`.

    Args:
        plugin: `base-plugin`, `developer-tools` or a team's name.
        skill: The skill's name, kebab-case.
        description: When to use it, in the words that a user would type.
        has_script: Whether to add `scripts/<skill>.py`.

    Raises:
        ScaffoldError: A name or the description cannot be used.
    """
    _require_name(plugin, "plugin")
    _require_name(skill, "skill")
    if plugin not in LAYER_PLUGINS and skill in RESERVED_FOLDERS:
        fix = f"Choose another name, for example {skill}-guide."
        raise ScaffoldError(f"{skill!r} is the name of a folder that a plugin uses for something else.", fix=fix)
    purpose = _one_sentence(description)
    folder = skill_folder(plugin, skill)
    script = f"scripts/{skill}.py"
    values = {
        "name": skill,
        "title": skill.replace("-", " ").capitalize(),
        "description": json.dumps(purpose, ensure_ascii=False),
        "purpose": purpose,
        "purpose_line": purpose.replace("\\", "/").replace('"', "'"),
        "steps": _script_steps(script) if has_script else _PLAIN_STEPS,
    }
    files = {"SKILL.md": "skill.md", "SPEC.md": "spec.md", **({script: "script.py.txt"} if has_script else {})}
    texts = {f"{folder}/{path}": _fill(template, values) for path, template in files.items()}
    return Scaffold(texts, frozenset({f"{folder}/{script}"}) if has_script else frozenset())


_PLAIN_STEPS = """1. Read what the user gave, and ask for what is missing before going on.
2. Do the work in small steps, and check each before the next.
3. Answer with the result first, then with what was left out and why."""


def _script_steps(script: str) -> str:
    return f"""1. Read what the user gave, and ask for what is missing before going on.
2. Give it to the script on stdin. It answers in JSON; `--help` tells the options.

   ```sh
   skillway-run "${{CLAUDE_SKILL_DIR}}/{script}" --limit 20
   ```

3. Answer with the result first, then with what was left out and why."""


def skill_folder(plugin: str, skill: str) -> str:
    """Give a skill's folder below the repository."""
    return f"{plugin}/skills/{skill}" if plugin in LAYER_PLUGINS else f"{TEAMS_FOLDER}/{plugin}/{skill}"


def require_plugin(repository: Path, plugin: str) -> None:
    """Make sure that a plugin is there to put a skill into.

    Raises:
        NotFoundError: It is not.
    """
    folder = plugin if plugin in LAYER_PLUGINS else f"{TEAMS_FOLDER}/{plugin}"
    if not (repository / folder / MANIFEST).is_file():
        raise NotFoundError(
            f"There is no plugin {plugin}: {repository / folder / MANIFEST} does not exist.",
            fix=f"Make it first: skillway new plugin {plugin}",
            next_actions=(f"skillway new plugin {plugin}",),
        )


def write_scaffold(scaffold: Scaffold, repository: Path) -> list[str]:
    """Write new files, all or none where something is already there.

    Returns:
        The paths written, below the repository.

    Raises:
        ConflictError: One of them exists; nothing was written.
        SkillwayError: The disk refused; what was written before stays.
    """
    refuse_taken(scaffold, repository)
    try:
        for path, text in sorted(scaffold.files.items()):
            target = repository / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            target.chmod(0o755 if path in scaffold.executables else 0o644)
    except FileExistsError as error:
        raise _taken(str(error.filename)) from error
    except OSError as error:
        fix = "Choose a repository that you may write to."
        raise SkillwayError(f"{error.filename} cannot be written ({error.strerror}).", fix=fix) from error
    return sorted(scaffold.files)


def refuse_taken(scaffold: Scaffold, repository: Path) -> None:
    """Make sure that none of the new files exists.

    Raises:
        ConflictError: One does.
    """
    for path in sorted(scaffold.files):
        if os.path.lexists(repository / path):
            raise _taken(path)


def _taken(path: str) -> ConflictError:
    return ConflictError(f"{path} is already there, and nothing was written.", fix="Edit it, or choose another name.")


def _require_name(name: str, what: str) -> None:
    if not is_name(name) or len(name) > MAX_NAME_CHARS:
        raise ScaffoldError(
            f"{name!r} cannot be the name of a {what}.",
            fix=f"Use a-z, 0-9 and single hyphens, at most {MAX_NAME_CHARS} characters, as in ticket-triage.",
        )


def _one_sentence(description: str) -> str:
    text = " ".join(description.split())
    printable = all(character.isprintable() for character in text)
    if not text or len(text) > MAX_DESCRIPTION_CHARS or not printable or "---" in text:
        raise ScaffoldError(
            f"The description {text[:60]!r} cannot be used: it must have 1 to {MAX_DESCRIPTION_CHARS} visible "
            "characters and no ---.",
            fix="Say when to use the skill, as in: --description 'Use when new support tickets wait to be sorted.'",
        )
    return text


def _fill(template: str, values: dict[str, str]) -> str:
    return Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)
