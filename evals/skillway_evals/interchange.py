"""How does a suite come from, and go to, `evals.json` and a trigger set of the skill-creator?

Their format: {skill_name, evals: [{id, prompt, expected_output, files, expectations or assertions}]}, and beside it a
list of {query, should_trigger}. An expectation is a sentence that a model judges, so it becomes a criterion; on the
way out a grader becomes a sentence. What the other format cannot say is told, never dropped in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from skillway.errors import EXIT_FINDINGS, SkillwayError
from skillway_evals.suite import Case, Grader, Suite
from skillway_evals.suite_writing import NewSuite

_SENTENCES = {
    "contains": "The answer contains {text!r}",
    "not_contains": "The answer does not contain {text!r}",
    "regex": "The answer matches the pattern {pattern}",
    "not_regex": "The answer does not match the pattern {pattern}",
    "file_exists": "The file {path} exists",
    "file_absent": "There is no file {path}",
    "file_contains": "The file {path} contains {text!r}",
    "file_matches": "The file {path} matches the pattern {pattern}",
    "tool_used": "The tool {tool} was used",
    "tool_not_used": "The tool {tool} was not used",
    "no_tool_errors": "No tool call failed",
}


class InterchangeError(SkillwayError):
    """The author must act: a file of the other format cannot be read."""

    code = "interchange"
    exit_code = EXIT_FINDINGS


def import_evals(file: Path, skill: str, triggers: Path | None = None) -> NewSuite:
    """Read `evals.json`, and a trigger set where there is one.

    Args:
        file: The `evals.json`; its fixtures are looked for beside it and in the folder above.
        skill: `plugin:skill` of this repository.
        triggers: A JSON list of {query, should_trigger}.

    Raises:
        InterchangeError: A file cannot be read, has another form, or names a fixture that is missing.
    """
    content = _read(file)
    entries = content.get("evals") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong(file, "has no list `evals`")
    fixtures: dict[str, Path] = {}
    criteria: list[dict[str, Any]] = []
    cases = [_case(entry, number, file, fixtures, criteria) for number, entry in enumerate(entries, start=1)]
    files: dict[str, Any] = {"suite": {"schema": 1, "skill": skill}, "cases": {"cases": cases}}
    if criteria:
        files["rubric"] = {"criteria": criteria}
    if triggers is not None:
        files["triggers"] = _triggers(triggers)
    return NewSuite(skill, files, fixtures)


def _read(file: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(file, f"cannot be read as JSON ({error})") from error


def _wrong(file: Path, what: str) -> InterchangeError:
    return InterchangeError(f"{file} {what}.", fix="Give an evals.json of the skill-creator format.")


def _case(
    entry: Mapping[str, Any], number: int, file: Path, fixtures: dict[str, Path], criteria: list[dict[str, Any]]
) -> dict[str, Any]:
    prompt = entry.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise _wrong(file, f"has no prompt in eval {entry.get('id', number)!r}")
    name = _identifier(str(entry.get("id", number)))
    expected = str(entry.get("expected_output", ""))
    sentences = [
        _sentence(one)
        for one in entry.get("expectations") or entry.get("assertions") or ([expected] if expected else [])
    ]
    if not sentences:
        raise _wrong(file, f"says nothing about a good answer in eval {name!r}")
    mine = [_criterion(f"{name}-{index}", text) for index, text in enumerate(sentences, start=1)]
    criteria += mine
    case: dict[str, Any] = {"id": name, "prompt": prompt}
    if files := list(_fixtures(entry, file)):
        fixtures |= dict(files)
        case["files"] = [target for target, _ in files]
    if expected:
        case["expected"] = expected
    # Every case has a check by code; here the least that can be asked, that there is an answer at all.
    return {
        **case,
        "graders": [{"id": "answers", "kind": "regex", "pattern": r"\w{2,}"}],
        "criteria": [one["id"] for one in mine],
    }


def _sentence(expectation: object) -> str:
    if isinstance(expectation, dict):
        expectation = expectation.get("text") or expectation.get("description") or expectation.get("name") or ""
    return " ".join(str(expectation).split())


def _criterion(name: str, sentence: str) -> dict[str, Any]:
    return {"id": name, "question": f"Does this hold: {sentence}", "anchors": {0: "It does not hold.", 2: "It holds."}}


def _identifier(text: str) -> str:
    plain = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:60]
    return f"case-{plain}" if not plain or plain.isdigit() else plain


def _fixtures(entry: Mapping[str, Any], file: Path) -> Iterator[tuple[str, Path]]:
    for name in entry.get("files") or ():
        parts = PurePosixPath(str(name)).parts
        places = [folder / str(name) for folder in (file.parent, file.parent / "files", file.parent.parent)]
        found = next((place for place in places if place.is_file()), None)
        if found is None or ".." in parts or str(name).startswith("/"):
            raise _wrong(file, f"names the fixture {name!r}, which is not beside it")
        yield "/".join(part for part in parts if part not in ("evals", "files")), found


def _triggers(file: Path) -> dict[str, Any]:
    content = _read(file)
    if not isinstance(content, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("query"), str) for entry in content
    ):
        raise _wrong(file, "is no list of {query, should_trigger}")
    sides: dict[str, list[dict[str, str]]] = {"should": [], "should_not": []}
    for entry in content:
        sides["should" if entry.get("should_trigger") is True else "should_not"].append({"prompt": entry["query"]})
    return sides


def export_evals(suite: Suite) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """Give a suite as `evals.json` and as a trigger set.

    Returns:
        The content of evals.json, the content of the trigger set, and a sentence for each thing that is lost.
    """
    lost: list[str] = []
    evals = [
        {
            "id": number,
            "prompt": case.prompt,
            "expected_output": case.expected,
            "files": [f"files/{name}" for name in case.files],
            "expectations": list(_expectations(suite, case, lost)),
        }
        for number, case in enumerate(suite.cases, start=1)
    ]
    triggers = [{"query": trigger.prompt, "should_trigger": trigger.should} for trigger in suite.triggers]
    return {"skill_name": suite.skill.partition(":")[2], "evals": evals}, triggers, lost


def _expectations(suite: Suite, case: Case, lost: list[str]) -> Iterator[str]:
    for grader in case.graders:
        sentence = _as_sentence(grader)
        if sentence:
            yield sentence
        else:
            lost.append(f"The grader {grader.id!r} of {case.id!r} ({grader.kind}) cannot be said as a sentence.")
    if case.setup:
        lost.append(f"The setup of {case.id!r} cannot be said in that format.")
    for name in case.criteria:
        yield suite.rubric[name].question.removeprefix("Does this hold: ")


def _as_sentence(grader: Grader) -> str:
    pattern = _SENTENCES.get(grader.kind)
    return pattern.format(**grader.options) if pattern else ""
