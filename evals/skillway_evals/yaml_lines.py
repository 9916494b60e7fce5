"""What does a YAML file of a suite say, and in which line does each part stand?

Refuses what PyYAML takes in silence: a key that stands twice, where the last one wins. Knows nothing of suites.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from skillway_evals.plain_words import yaml_words

MAX_BYTES = 4 << 20
"""A suite is written by a person; the largest public one seen has 200 kB."""
_MAX_DEPTH = 40
_MAX_VALUES = 200_000

YamlPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a suite: where, what, and how to mend it. `line` counts from 1; 0 means the file."""

    file: Path
    line: int
    message: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.message} {self.fix}"


class BrokenYamlError(Exception):
    """The file is no YAML that can be used; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's values, and the line (from 1) of every value by its path of keys and indexes."""

    file: Path
    values: Any
    lines: dict[YamlPath, int]

    def line(self, path: YamlPath) -> int:
        """Give the line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(file: Path) -> YamlFile:
    """Read one file.

    Raises:
        BrokenYamlError: It cannot be read, is no UTF-8, no YAML, too big, too deep, or has a key twice.
    """
    text = _text(file)
    loader = _BASE(text)
    try:
        _refuse_depth(text, file)
        node = loader.get_single_node()
        lines: dict[YamlPath, int] = {}
        if node is None:
            return YamlFile(file, None, lines)
        _walk(node, (), lines, file)
        return YamlFile(file, loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        # A key without a colon is noticed only in a later line; the context says where it began.
        began = error.context_mark if "expected ':'" in (error.problem or "") else None
        mark = began or error.problem_mark or error.context_mark
        raise _broken(file, mark.line + 1 if mark else 0, *yaml_words(error.problem or str(error))) from error
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise _broken(file, 0, f"This is not YAML: {' '.join(str(error).split())}.") from error
    finally:
        loader.dispose()


_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise _broken(file, 0, "The file does not exist.", "Write it, or run: skillway eval new SKILL.") from None
    except OSError as error:
        raise _broken(file, 0, f"The file cannot be read ({error.strerror}).", "Make it readable.") from error
    if len(data) > MAX_BYTES:
        raise _broken(file, 0, f"The file has {len(data)} bytes, and {MAX_BYTES} is the most.", "Move data to files/.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _broken(file, line, "The file is not UTF-8.", "Save it as UTF-8.") from None


def _refuse_depth(text: str, file: Path) -> None:
    """Refuse deep nesting before a tree is built: libyaml's composer recurses on the C stack and takes the process down."""
    depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise _broken(file, line, f"This is nested deeper than {_MAX_DEPTH} levels.", "Write it flatter.")


def _walk(node: Any, path: YamlPath, lines: dict[YamlPath, int], file: Path) -> None:  # noqa: ANN401 - a node of either loader
    if len(path) > _MAX_DEPTH or len(lines) > _MAX_VALUES:
        message = "The YAML aliases (*name) here never end, or multiply too often."
        raise _broken(file, node.start_mark.line + 1, message, "Write it out.")
    lines[path] = node.start_mark.line + 1
    if node.id == "sequence":
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), lines, file)
    elif node.id == "mapping":
        _walk_mapping(node, path, lines, file)


def _walk_mapping(node: Any, path: YamlPath, lines: dict[YamlPath, int], file: Path) -> None:  # noqa: ANN401 - as _walk
    seen: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            message = f"The key {name!r} stands in line {seen[name]} and again here."
            raise _broken(file, line, message, "Keep one of them.")
        seen[name] = line
        _walk(value, (*path, int(name) if name.isdigit() else name), lines, file)
        lines[(*path, int(name) if name.isdigit() else name)] = line


def _broken(file: Path, line: int, message: str, fix: str = "Mend this place.") -> BrokenYamlError:
    return BrokenYamlError(Problem(file, line, message, fix))
