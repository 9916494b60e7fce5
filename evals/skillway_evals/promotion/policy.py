"""Which stages are there, and which gates stand before each? Reads `promotion.yaml`; deciding is `engine`'s part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from skillway.checks.schema import load_schema
from skillway.errors import EXIT_FINDINGS, SkillwayError
from skillway_evals.gate import GateRules
from skillway_evals.statistics import Floor
from skillway_evals.yaml_lines import BrokenYamlError, Problem, YamlFile, read_yaml

FILE = "promotion.yaml"
_SHOWN_CHARS = 200
_FIX = "docs/guides/promotion.md shows every key."


class PolicyError(SkillwayError):
    """The owners of the repository must act: promotion.yaml cannot be used; `problems` lists every fault."""

    code = "promotion"
    exit_code = EXIT_FINDINGS

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        place = f"{first.file}:{first.line}" if first.line else str(first.file)
        super().__init__(f"{place}: {first.message}{more}", fix=first.fix)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate before a stage.

    Attributes:
        kind: What is looked at; a `GateInput` of that kind answers.
        stays: Whether it has to hold as long as something is in the stage.
        options: The thresholds, as `schemas/promotion.json` allows them.
    """

    kind: str
    stays: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def rules(self) -> GateRules:
        """Give the thresholds of a gate of the kind `evidence`."""
        values = {key: value for key, value in self.options.items() if key not in ("model", "judge", "floor")}
        return GateRules(floor=Floor(**self.options.get("floor", {})), **values)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of reach: the layer that it is, and the gates before it."""

    name: str
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The stages, from the narrowest reach to the widest."""

    stages: tuple[Stage, ...]

    def after(self, name: str) -> Stage | None:
        """Give the stage that follows, or None for the last and for one that is not there."""
        names = [stage.name for stage in self.stages]
        place = names.index(name) + 1 if name in names else len(names)
        return self.stages[place] if place < len(names) else None

    def stage(self, name: str) -> Stage | None:
        """Give the stage of that name, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)


def load_policy(repository: Path) -> Policy:
    """Read `promotion.yaml`.

    Raises:
        PolicyError: It is missing or wrong; every fault with file, line and mend.
    """
    path = repository / FILE
    try:
        file = read_yaml(path)
    except BrokenYamlError as error:
        fix = "Copy the one of skillway's own repository." if not path.exists() else error.problem.fix
        raise PolicyError((Problem(path, error.problem.line, error.problem.message, fix),)) from error
    problems = tuple(_schema_problems(file)) or tuple(_meaning_problems(file))
    if problems:
        raise PolicyError(problems)
    return Policy(tuple(_stage(stage) for stage in file.values["stages"]))


def _schema_problems(file: YamlFile) -> Iterator[Problem]:
    values = json.loads(json.dumps(file.values, default=str))
    for error in sorted(
        Draft202012Validator(load_schema("promotion")).iter_errors(values), key=lambda one: str(one.path)
    ):
        path = tuple(error.absolute_path)
        name = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".") or "The file"
        message = " ".join(str(error.message).split())[:_SHOWN_CHARS]
        yield Problem(file.file, file.line(path), f"{name}: {message}.", _FIX)


def _meaning_problems(file: YamlFile) -> Iterator[Problem]:
    names = [stage["name"] for stage in file.values["stages"]]
    for index, stage in enumerate(file.values["stages"]):
        if stage["name"] in names[:index]:
            line = file.line(("stages", index))
            yield Problem(file.file, line, f"The stage {stage['name']!r} stands twice.", "Keep one of them.")
        for number, gate in enumerate(stage.get("gates", ())):
            floor = Floor(**gate.get("floor", {}))
            if floor.low >= floor.high:
                line = file.line(("stages", index, "gates", number, "floor"))
                message = f"The floor's low ({floor.low}) is not below its high ({floor.high})."
                yield Problem(file.file, line, message, "Leave a grey band between the two.")


def _stage(content: Mapping[str, Any]) -> Stage:
    gates = [
        Gate(
            gate["kind"],
            gate.get("stays", False),
            {key: value for key, value in gate.items() if key not in ("kind", "stays")},
        )
        for gate in content.get("gates", ())
    ]
    return Stage(content["name"], tuple(gates))
