"""Which suite stands in this folder, and what is wrong with it?

Reads `suite.yaml`, `cases.yaml`, `triggers.yaml` and `rubric.yaml`, holds them against `suite_schema.json`, and
checks what a schema cannot: that names are unique, that every fixture and grader program exists inside the suite,
that every criterion is in the rubric. All faults are told at once, each with file, line and mend, before any money
is spent. Whether a valid suite is a good one is `lint`'s question.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from skillway.checks.nearness import nearest
from skillway.errors import EXIT_FINDINGS, SkillwayError
from skillway_evals.plain_words import GUIDE, place_words, schema_words
from skillway_evals.suite import Arm, Case, Claims, Criterion, Grader, Limits, Runner, Suite, Trigger
from skillway_evals.yaml_lines import BrokenYamlError, Problem, YamlFile, YamlPath, read_yaml

SUITES = "evals/suites"
"""Where a repository keeps its suites: `<plugin>/<skill>/` below it."""

_OPTIONAL = ("triggers", "rubric")
_GRADER_FIELDS = ("id", "kind", "must")
_UNEXPECTED = re.compile(r"'([^']*)'")


class SuiteError(SkillwayError):
    """The author must act: a suite cannot be used; `problems` lists every fault."""

    code = "suite"
    exit_code = EXIT_FINDINGS

    def __init__(self, folder: Path, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{_place(first)}: {first.message}{more}", fix=first.fix)
        self.folder = folder
        self.problems = problems


def find_suites(repository: Path) -> list[Path]:
    """Give the folders of all suites of a repository, sorted."""
    return sorted(file.parent for file in (repository / SUITES).glob("*/*/suite.yaml"))


def load_suite(folder: Path) -> Suite:
    """Read one suite.

    Args:
        folder: `…/<plugin>/<skill>`; the names must be those of the skill.

    Raises:
        SuiteError: Something in it is wrong; nothing of it may run.
    """
    files, problems = _read(folder)
    if not problems:
        problems = list(_schema_problems(files))
    if not problems:
        problems = list(_meaning_problems(folder, files))
    if problems:
        raise SuiteError(folder, tuple(problems))
    return _suite(folder, files)


def suite_digest(folder: Path) -> str:
    """Give the sha256 (hex) over every file of the suite: its path, its size, its bytes."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        data = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _place(problem: Problem) -> str:
    return f"{problem.file}:{problem.line}" if problem.line else str(problem.file)


def _read(folder: Path) -> tuple[dict[str, YamlFile], list[Problem]]:
    files: dict[str, YamlFile] = {}
    problems = []
    for name in ("suite", "cases", *_OPTIONAL):
        path = folder / f"{name}.yaml"
        if name in _OPTIONAL and not path.exists():
            continue
        try:
            files[name] = read_yaml(path)
        except BrokenYamlError as error:
            problems.append(error.problem)
    return files, problems


@cache
def _validator(part: str) -> Draft202012Validator:
    schema = json.loads(Path(__file__).with_name("suite_schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(
        {"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"}, format_checker=FormatChecker(["regex"])
    )


def _schema_problems(files: dict[str, YamlFile]) -> Iterator[Problem]:
    for part, file in files.items():
        errors = list(_validator(part).iter_errors(_as_json(file.values)))
        # A key whose own value is wrong counts as not evaluated; only the cause is worth telling.
        causes = [error for error in errors if error.validator != "unevaluatedProperties"]
        for error in sorted(causes or errors, key=lambda error: [str(key) for key in error.path]):
            yield from _schema_problem(file, error)


def _schema_problem(file: YamlFile, error: ValidationError) -> Iterator[Problem]:
    path = tuple(int(key) if isinstance(key, str) and key.isdigit() else key for key in error.absolute_path)
    place = place_words(path, file.values)
    if str(error.validator).endswith("Properties"):
        known = _known_keys(error)
        for key in _UNEXPECTED.findall(error.message.rpartition("(")[2]):
            near = nearest(key, known, cutoff=0.6)
            fix = f"Did you mean {near}?" if near else GUIDE
            yield Problem(file.file, file.line((*path, key)), f"{place} has an unknown key {key!r}.", fix)
        return
    message, fix = schema_words(error)
    yield Problem(file.file, file.line(path), f"{place} {message}.", fix)


def _known_keys(error: ValidationError) -> set[str]:
    schema = error.schema if isinstance(error.schema, dict) else {}
    conditional = (part["then"].get("properties", {}) for part in schema.get("allOf", ()))
    return set(schema.get("properties", {})).union(*conditional)


def _as_json(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Give a YAML value with the keys that JSON has; the anchors of a rubric are written 0:, 1: and 2:."""
    if isinstance(value, dict):
        return {str(key): _as_json(inner) for key, inner in value.items()}
    return [_as_json(inner) for inner in value] if isinstance(value, list) else value


def _meaning_problems(folder: Path, files: dict[str, YamlFile]) -> Iterator[Problem]:
    yield from _name_problems(folder, files["suite"])
    cases = files["cases"]
    yield from _twice(cases, ("cases",), [case["id"] for case in cases.values["cases"]])
    criteria = {entry["id"] for entry in files["rubric"].values["criteria"]} if "rubric" in files else set()
    for index, case in enumerate(cases.values["cases"]):
        yield from _case_problems(folder, cases, index, case, criteria)
    if "rubric" in files:
        yield from _twice(files["rubric"], ("criteria",), [entry["id"] for entry in files["rubric"].values["criteria"]])
    if "triggers" in files:
        yield from _trigger_problems(files["triggers"])


def _name_problems(folder: Path, suite: YamlFile) -> Iterator[Problem]:
    expected = f"{folder.parent.name}:{folder.name}"
    named = suite.values["skill"]
    if named != expected:
        message = f"The suite of {expected} says skill: {named}."
        yield Problem(suite.file, suite.line(("skill",)), message, f"Write {expected}, or move the folder.")


def _twice(file: YamlFile, path: YamlPath, ids: list[str]) -> Iterator[Problem]:
    for name, count in Counter(ids).items():
        if count > 1:
            line = file.line((*path, len(ids) - 1 - ids[::-1].index(name)))
            yield Problem(file.file, line, f"The id {name!r} stands {count} times.", "Give each its own.")


def _case_problems(
    folder: Path, file: YamlFile, index: int, case: dict[str, Any], criteria: set[str]
) -> Iterator[Problem]:
    path: YamlPath = ("cases", index)
    for target, source in _files(case).items():
        if not _inside(folder / "files", source):
            message = f"The case {case['id']!r} needs files/{source}, and it is not there."
            yield Problem(file.file, file.line((*path, "files")), message, f"Add it, or drop {target!r} from files.")
    for name in case.get("criteria", ()):
        if name not in criteria:
            message = f"The case {case['id']!r} names the criterion {name!r}, which rubric.yaml does not have."
            known = ", ".join(sorted(criteria)) or "none"
            yield Problem(file.file, file.line((*path, "criteria")), message, f"Known: {known}.")
    ids = [name for name in (grader.get("id") for grader in case["graders"]) if name]
    yield from _twice(file, (*path, "graders"), ids)
    for number, grader in enumerate(case["graders"]):
        if grader["kind"] == "script" and not _inside(folder / "graders", grader["script"]):
            message = f"The grader program graders/{grader['script']} is not there."
            yield Problem(file.file, file.line((*path, "graders", number)), message, "Add it.")
    program = case.get("setup", [""])[0]
    if "/" in program and not _inside(folder, program):
        message = f"The setup program {program} is not in the suite."
        yield Problem(file.file, file.line((*path, "setup")), message, "Add it, or name a program on PATH.")


def _trigger_problems(file: YamlFile) -> Iterator[Problem]:
    content = file.values or {}
    seen: dict[str, str] = {}
    for kind in ("should", "should_not"):
        for index, entry in enumerate(content.get(kind) or ()):
            words = " ".join(entry["prompt"].lower().split())
            if words in seen:
                message = f"This prompt stands already under {seen[words]}."
                yield Problem(file.file, file.line((kind, index)), message, "Keep one of them.")
            seen[words] = kind
    yield from _twice(file, ("should",), [trigger.id for trigger in _triggers(file)])


def _inside(folder: Path, name: str) -> bool:
    """Tell whether a file exists below a folder, links followed."""
    path = (folder / name).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve())


def _files(case: dict[str, Any]) -> dict[str, str]:
    files = case.get("files", [])
    return dict(files) if isinstance(files, dict) else {name: name for name in files}


def _suite(folder: Path, files: dict[str, YamlFile]) -> Suite:
    suite = files["suite"].values
    plain: dict[str, Callable[[Any], Any]] = {
        "claims": Claims,
        "runner": Runner,
        "arms": lambda arms: tuple(Arm(arm) for arm in arms),
        "repeats": int,
        "tools": tuple,
        "siblings": tuple,
        "limits": lambda limits: Limits(**limits),
    }
    return Suite(
        folder=folder,
        skill=suite["skill"],
        cases=tuple(_cases(folder, files["cases"])),
        triggers=tuple(_triggers(files["triggers"])) if "triggers" in files else (),
        rubric={criterion.id: criterion for criterion in _criteria(files.get("rubric"))},
        digest=suite_digest(folder),
        **{key: make(suite[key]) for key, make in plain.items() if key in suite},
    )


def _cases(folder: Path, file: YamlFile) -> Iterator[Case]:
    for index, case in enumerate(file.values["cases"]):
        yield Case(
            id=case["id"],
            prompt=case["prompt"],
            graders=tuple(_graders(case["graders"])),
            files={target: folder / "files" / source for target, source in _files(case).items()},
            setup=tuple(case.get("setup", ())),
            expected=case.get("expected", ""),
            criteria=tuple(case.get("criteria", ())),
            draft=case.get("draft", False),
            line=file.line(("cases", index)),
        )


def _graders(entries: Iterable[dict[str, Any]]) -> Iterator[Grader]:
    for number, entry in enumerate(entries, start=1):
        options = {key: value for key, value in entry.items() if key not in _GRADER_FIELDS}
        yield Grader(entry.get("id", f"{entry['kind']}-{number}"), entry["kind"], options, entry.get("must", False))


def _triggers(file: YamlFile) -> Iterator[Trigger]:
    content = file.values or {}
    for kind in ("should", "should_not"):
        for index, entry in enumerate(content.get(kind) or ()):
            name = entry.get("id", f"{kind.replace('_', '-')}-{index + 1}")
            line = file.line((kind, index))
            yield Trigger(
                name,
                entry["prompt"],
                kind == "should",
                entry.get("instead"),
                draft=entry.get("draft", False),
                line=line,
            )


def _criteria(file: YamlFile | None) -> Iterator[Criterion]:
    for entry in file.values["criteria"] if file else ():
        anchors = {int(score): text for score, text in entry["anchors"].items()}
        yield Criterion(entry["id"], entry["question"], anchors, entry.get("weight", 1.0))
