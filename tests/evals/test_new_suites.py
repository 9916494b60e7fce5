"""Suites that are made and not written by hand: drafts, imports and exports, through the command itself."""

import json
import subprocess
import sys

import pytest
import yaml

SKILL = """\
---
name: {name}
description: Use when {when}. Also for "{quote}".
---
Do it.
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    write = {
        "organisation.yaml": "name: acme\nteams:\n  - name: support\n    owners: ['@acme/support']\n",
        "base-plugin/.claude-plugin/plugin.json": '{"name": "base-plugin", "description": "Base", "version": "1.0.0"}',
        "skills/support/.claude-plugin/plugin.json": '{"name": "support", "description": "Support", "skills": "./"}',
        "skills/support/triage/SKILL.md": SKILL.format(
            name="triage", when="new tickets wait to be sorted", quote="what is urgent here"
        ),
        "skills/support/summary/SKILL.md": SKILL.format(
            name="summary", when="an escalation has to be written up", quote="sum this up for engineering"
        ),
    }
    for name, text in write.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    command = [sys.executable, "-m", "skillway", "eval", *arguments, "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr + result.stdout
    return result.returncode, json.loads(result.stdout)


def test_a_draft_takes_examples_as_cases_and_descriptions_as_triggers(root):
    code, answer = run("new", "support:triage", "--example", 'Sort this => starts with "outage"')
    folder = root / "evals/suites/support/triage"
    cases = yaml.safe_load((folder / "cases.yaml").read_text())["cases"]
    triggers = yaml.safe_load((folder / "triggers.yaml").read_text())
    assert (code, answer["data"]["written"]) == (0, True)
    assert cases[0]["graders"] == [{"kind": "contains", "text": "outage"}]
    assert [entry["prompt"] for entry in triggers["should"]] == [
        "Sort this",
        "What is urgent here",
        "New tickets wait to be sorted",
    ]
    assert triggers["should_not"][0] == {
        "prompt": "Sum this up for engineering",
        "instead": "support:summary",
        "draft": True,
    }
    assert all(entry["draft"] for entry in [*cases, *triggers["should"], *triggers["should_not"]])


def test_a_dry_run_writes_nothing(root):
    code, answer = run("new", "support:triage", "--dry-run")
    assert code == 0
    assert answer["data"]["files"]
    assert not (root / "evals").exists()


def test_a_suite_that_exists_is_never_overwritten(root):
    run("new", "support:triage")
    before = (root / "evals/suites/support/triage/cases.yaml").read_bytes()
    code, answer = run("new", "support:triage", "--example", "Other")
    assert (code, answer["error"]["code"]) == (8, "conflict")
    assert (root / "evals/suites/support/triage/cases.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["new", "support:triag"], 7),
        (["new", "triage"], 7),
        (["new", "support:triage", "--example", " => good"], 1),
        (["lint", "support:triage"], 7),
        (["lint"], 7),
        (["export", "support:triage", "--output", "out"], 7),
        (["import", "support:triage", "organisation.yaml"], 5),
    ],
)
def test_wrong_input_ends_with_its_code_and_a_mend(root, arguments, code):
    returned, answer = run(*arguments)
    assert returned == code
    assert answer["error"]["fix"]


EVALS = {
    "skill_name": "triage",
    "evals": [
        {
            "id": 1,
            "prompt": "Sort these",
            "expected_output": "The outage first",
            "files": ["evals/files/tickets.csv"],
            "expectations": ["The outage is first", "No ticket is lost"],
        },
        {"id": "b c", "prompt": "And these?", "assertions": [{"text": "Nothing is invented"}]},
    ],
}


@pytest.fixture
def other_format(root):
    folder = root / "their/evals"
    (folder / "files").mkdir(parents=True)
    (folder / "files/tickets.csv").write_text("1,outage\n")
    (folder / "evals.json").write_text(json.dumps(EVALS))
    (folder / "triggers.json").write_text(
        json.dumps([{"query": "urgent?", "should_trigger": True}, {"query": "lunch?", "should_trigger": False}])
    )
    return folder


def test_what_is_imported_comes_out_again(root, other_format):
    code, _ = run(
        "import", "support:triage", str(other_format / "evals.json"), "--triggers", str(other_format / "triggers.json")
    )
    assert code == 0
    code, answer = run("export", "support:triage", "--output", "out")
    assert code == 0
    evals = json.loads((root / "out/evals.json").read_text())["evals"]
    assert [entry["prompt"] for entry in evals] == ["Sort these", "And these?"]
    assert evals[0]["expectations"][1:] == ["The outage is first", "No ticket is lost"]
    assert (root / "out/files/tickets.csv").read_text() == "1,outage\n"
    assert json.loads((root / "out/triggers.json").read_text())[1] == {"query": "lunch?", "should_trigger": False}


def test_a_missing_fixture_stops_the_import_before_anything_is_written(root, other_format):
    (other_format / "files/tickets.csv").unlink()
    code, answer = run("import", "support:triage", str(other_format / "evals.json"))
    assert (code, answer["error"]["code"]) == (5, "interchange")
    assert not (root / "evals").exists()


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"evals": [1]}', '{"evals": [{"id": 1}]}', '{"evals": [{"prompt": "x"}]}']
)
def test_a_file_of_another_form_is_refused(root, other_format, content):
    (other_format / "evals.json").write_text(content)
    code, answer = run("import", "support:triage", str(other_format / "evals.json"))
    assert (code, answer["error"]["code"]) == (5, "interchange")
