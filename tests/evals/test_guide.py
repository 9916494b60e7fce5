"""The guide for authors: its examples are a suite that loads, and no key of the format is missing from it."""

import json
import re
from pathlib import Path

import pytest
import yaml

from skillway_evals import lint_cases, lint_triggers, suite_files
from skillway_evals.graders import CODE_KINDS, Candidate, grade_by_code
from skillway_evals.suite_files import load_suite

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/evals.md"
BLOCKS = re.findall(r"(?ms)^```(?:yaml|python)\n# ([^\n]+)\n(.*?)^```", GUIDE.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path):
    """The guide's own examples as a suite, with the graders' list as one more case."""
    blocks = dict(BLOCKS)
    cases = yaml.safe_load(blocks["cases.yaml"])
    graders = yaml.safe_load(blocks["graders of one case"])
    cases["cases"].append({"id": "all-graders", "prompt": "Sort them.", "graders": graders})
    place = tmp_path / "evals/suites/support/triage"
    texts = {
        "suite.yaml": blocks["suite.yaml"],
        "cases.yaml": yaml.safe_dump(cases),
        "triggers.yaml": blocks["triggers.yaml"],
        "rubric.yaml": blocks["rubric.yaml"],
        "graders/order.py": blocks["graders/order.py"],
        "files/tickets.csv": "id,urgency\n",
        "files/empty.csv": "id,urgency\n",
        "setup/inbox.py": "",
    }
    for name, text in texts.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def test_examples_are_a_suite_that_loads(folder):
    suite = load_suite(folder)
    assert [case.id for case in suite.cases] == ["worst-first", "empty-inbox", "all-graders"]
    assert {grader.kind for case in suite.cases for grader in case.graders} == {*CODE_KINDS, "pairwise"}


def test_every_key_of_the_format_stands_in_an_example():
    schema = json.loads(Path(suite_files.__file__).with_name("suite_schema.json").read_text())["$defs"]
    keys = set()
    for part in ("suite", "cases", "case", "grader", "triggers", "should", "should_not", "rubric", "criterion"):
        keys |= set(schema[part]["properties"])
    for rule in schema["grader"]["allOf"]:
        keys |= set(rule["then"].get("properties", {}))
    keys |= set(schema["suite"]["properties"]["limits"]["properties"])
    text = "\n".join(text for _, text in BLOCKS)
    assert sorted(key for key in keys if not re.search(rf"\b{key}:", text)) == []


@pytest.mark.parametrize(("rows", "passed"), [("1,9\n2,3\n", True), ("1,3\n2,9\n", False)])
def test_example_of_a_script_grader_works(folder, tmp_path, rows, passed):
    suite = load_suite(folder)
    case = suite.cases[-1]
    grader = next(grader for grader in case.graders if grader.kind == "script")
    project = tmp_path / "project"
    project.mkdir()
    (project / "sorted.csv").write_text("id,urgency\n" + rows)
    assert grade_by_code(grader, Candidate(case, "", project, suite_folder=folder)).passed is passed


def test_links_of_the_guide_lead_somewhere():
    names = re.findall(r"\]\(([\w-]+\.md)\)", GUIDE.read_text(encoding="utf-8"))
    assert names == ["eval-runs.md"]


def test_numbers_of_the_guide_are_those_of_the_lint():
    text = GUIDE.read_text(encoding="utf-8")
    assert f"{lint_cases.LEAST_CASES} at the least, {lint_cases.ENOUGH_CASES} to decide" in text
    assert f"12 *different* ones, and {lint_triggers.ENOUGH} triggers on each side" in text
