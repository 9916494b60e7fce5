"""How does a new suite get onto disk?

Plans every file first, refuses to overwrite, and reads what it wrote back through the one reader.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from skillway.errors import ConflictError
from skillway_evals.suite_files import SUITES, load_suite

_HEADS = {
    "suite": "What is tested, and who answers. docs/guides/evals.md shows every key.",
    "cases": "One entry per case: what a user would type, and how an answer is judged. Never name the skill in a prompt.",
    "triggers": "When the skill should load, and when it should not. Ten of each, as different people would write them.",
    "rubric": "What a model judges, one question each. Leave this file out where code can decide.",
}


@dataclass(frozen=True, slots=True)
class NewSuite:
    """A suite that is not on disk yet.

    Attributes:
        skill: `plugin:skill`.
        files: From `suite`, `cases`, `triggers` and `rubric` to the values of that file.
        fixtures: From the path below `files/` to the file that is copied there.
    """

    skill: str
    files: Mapping[str, Any]
    fixtures: Mapping[str, Path] = field(default_factory=dict)

    def folder(self, repository: Path) -> Path:
        """Give the folder that the suite belongs in."""
        plugin, _, skill = self.skill.partition(":")
        return repository / SUITES / plugin / skill

    def paths(self, repository: Path) -> list[Path]:
        """Give every path that writing would make, in order."""
        folder = self.folder(repository)
        return [*(folder / f"{name}.yaml" for name in self.files), *(folder / "files" / name for name in self.fixtures)]


def write_suite(new: NewSuite, repository: Path) -> list[Path]:
    """Write a suite.

    Returns:
        The files, in the order in which they were written.

    Raises:
        ConflictError: The skill has a suite already; nothing was written.
        SuiteError: What would be written is no valid suite (for example an id that the format does not allow).
    """
    folder = new.folder(repository)
    if folder.exists():
        raise ConflictError(
            f"{new.skill} has a suite already: {folder}.", fix="Edit that one, or move it away before writing another."
        )
    for name, source in new.fixtures.items():
        target = folder / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in new.files.items():
        (folder / f"{name}.yaml").write_text(render_yaml(content, _HEADS[name]), encoding="utf-8")
    load_suite(folder)
    return new.paths(repository)


def render_yaml(content: Any, head: str = "") -> str:  # noqa: ANN401 - any YAML value
    """Write a value as YAML that a person likes to edit: keys in order, long texts as blocks, a comment on top."""
    comment = "".join(f"# {line}\n" for line in textwrap.wrap(head, 116))
    return comment + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key and writes texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
