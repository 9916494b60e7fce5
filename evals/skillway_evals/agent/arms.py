"""What is loaded in each arm?

Lays plugin folders out for `--plugin-dir`: none, the one skill alone, or the whole plugin; and siblings beside it.
The plugin keeps its name, so that the skill is called the same in every arm. What the authors keep for themselves
(evals above all: the answers) is left out. Hooks are not laid out: the build wires them, and whoever wants them in
an arm passes built folders. How a session starts: `session`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skillway.catalog import Catalog, Plugin, Skill
from skillway.errors import NotFoundError
from skillway_evals.store.line import content_key
from skillway_evals.suite import Arm, Suite
from skillway_sync.manifest import PLUGIN_FILE

_LEFT_OUT_FILES = frozenset({"SPEC.md", "EVAL.md"})
_LEFT_OUT_FOLDERS = frozenset({"evals", "tests", "hooks", "settings", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Subject:
    """The skill under test.

    Attributes:
        name: `plugin:skill`.
        plugin: Its plugin.
        skill: The skill.
    """

    name: str
    plugin: Plugin
    skill: Skill


def find_subject(catalog: Catalog, name: str) -> Subject:
    """Find a skill by `plugin:skill`.

    Raises:
        NotFoundError: The repository has none of that name.
    """
    plugin_name, _, skill_name = name.partition(":")
    plugin = catalog.plugin(plugin_name)
    skill = next((one for one in plugin.skills if one.name == skill_name), None) if plugin else None
    if plugin is None or skill is None:
        raise NotFoundError(
            f"The repository has no skill {name!r}.", fix="Correct `skill` or `siblings` in the suite's suite.yaml."
        )
    return Subject(name, plugin, skill)


def skill_digest(subject: Subject) -> str:
    """Give the sha256 (hex) of the skill folder's shipped content: paths and bytes."""
    folder = subject.skill.folder
    return content_key({path: (folder / path).read_bytes().hex() for path in _shipped(folder)})


def arm_digest(catalog: Catalog, suite: Suite, arm: Arm, *, with_siblings: bool) -> str:
    """Give the sha256 (hex) of everything that an arm loads."""
    subjects = [] if arm is Arm.NONE else loaded_subjects(catalog, suite, arm, with_siblings=with_siblings)
    return content_key({subject.name: skill_digest(subject) for subject in subjects})


def loaded_subjects(catalog: Catalog, suite: Suite, arm: Arm, *, with_siblings: bool) -> list[Subject]:
    """List the skills that an arm loads, each once.

    Raises:
        NotFoundError: The suite names a skill that is not there.
    """
    subject = find_subject(catalog, suite.skill)
    if arm is Arm.NONE:
        names: list[str] = []
    elif arm is Arm.SKILL:
        names = [suite.skill]
    else:
        names = [suite.skill, *(f"{subject.plugin.name}:{skill.name}" for skill in subject.plugin.skills)]
    names += suite.siblings if with_siblings else ()
    return [find_subject(catalog, name) for name in dict.fromkeys(names)]


def lay_out_arm(catalog: Catalog, suite: Suite, arm: Arm, folder: Path, *, with_siblings: bool = False) -> list[Path]:
    """Write the plugin folders of an arm.

    Args:
        catalog: The repository.
        suite: The suite; its skill is the one under test.
        arm: Which arm.
        folder: An empty folder; each plugin gets a folder of its name in it.
        with_siblings: Whether the suite's siblings are loaded too, as when triggers run.

    Returns:
        The folders for `--plugin-dir`, none in the arm `none` without siblings.

    Raises:
        NotFoundError: The suite names a skill that is not there.
    """
    written: dict[str, Path] = {}
    for subject in loaded_subjects(catalog, suite, arm, with_siblings=with_siblings):
        plugin = subject.plugin
        if plugin.name not in written:
            written[plugin.name] = _start_plugin(plugin, folder / plugin.name, whole=arm is Arm.PLUGIN)
        _copy(subject.skill.folder, written[plugin.name] / "skills" / subject.skill.name)
    return list(written.values())


def _start_plugin(plugin: Plugin, folder: Path, *, whole: bool) -> Path:
    """Write a plugin's manifest, its programs and shared files, and of a whole plugin its agents and commands."""
    manifest = folder / PLUGIN_FILE
    manifest.parent.mkdir(parents=True)
    content = {"name": plugin.name, "version": plugin.version or "0.0.0", "description": plugin.description}
    manifest.write_text(json.dumps(content), encoding="utf-8")
    for part in ("bin", "agents", "commands") if whole else ("bin",):
        if (plugin.folder / part).is_dir():
            _copy(plugin.folder / part, folder / part)
    _add_launcher(folder / "bin")
    for shared in sorted(plugin.moved_folders - {skill.name for skill in plugin.skills}):
        _copy(plugin.folder / shared, folder / "skills" / shared)
    return folder


def _add_launcher(programs: Path) -> None:
    """Put a `skillway-run` on the session's PATH: on a laptop the base plugin brings it, and skills start scripts by it."""
    programs.mkdir(exist_ok=True)
    launcher = programs / "skillway-run"
    launcher.write_text('#!/bin/sh\nexec python3 -E -s "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)


def _copy(source: Path, target: Path) -> None:
    for path in _shipped(source):
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / path, place)


def _shipped(folder: Path) -> Iterable[str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in paths:
        parts = path.relative_to(folder).parts
        if (
            _LEFT_OUT_FOLDERS.isdisjoint(parts[:-1])
            and parts[-1] not in _LEFT_OUT_FILES
            and not parts[0].startswith(".")
        ):
            yield "/".join(parts)
