"""Reading a suite: what comes out of a good one, and where each fault of a bad one is said to be."""

from pathlib import Path

import pytest

from skillway_evals.suite import Arm, Claims, Runner
from skillway_evals.suite_files import SuiteError, find_suites, load_suite

SUITE = """\
schema: 1
skill: support:triage
runner: messages
arms: [none, plugin]
limits: {max_turns: 4}
"""
CASES = """\
cases:
  - id: sorts
    prompt: Sort these tickets.
    files: [tickets.csv]
    expected: The outage comes first.
    graders:
      - {kind: contains, text: outage, must: true}
      - {id: shape, kind: script, script: shape.py}
    criteria: [order]
  - id: empty
    prompt: There are no tickets today.
    files: {in/tickets.csv: tickets.csv}
    graders: [{kind: not_regex, pattern: "[0-9]+ tickets"}]
"""
TRIGGERS = """\
should:
  - prompt: Which of these tickets is urgent?
should_not:
  - {prompt: Write a test for this., instead: developer-tools:write-skill}
"""
RUBRIC = """\
criteria:
  - id: order
    question: Does the most urgent ticket come first?
    anchors: {0: no order, 2: by urgency}
    weight: 2
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "evals/suites/support/triage"
    for name, text in {
        "suite.yaml": SUITE,
        "cases.yaml": CASES,
        "triggers.yaml": TRIGGERS,
        "rubric.yaml": RUBRIC,
        "files/tickets.csv": "id,text\n1,outage\n",
        "graders/shape.py": "print('{}')\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load_suite(folder)
    assert caught.value.fix
    return [f"{problem.file.name}:{problem.line}: {problem.message}" for problem in caught.value.problems]


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_a_good_suite_is_read_whole(folder):
    suite = load_suite(folder)
    assert (suite.skill, suite.runner, suite.claims) == ("support:triage", Runner.MESSAGES, Claims.VALUE)
    assert (suite.arms, suite.repeats, suite.limits.max_turns) == ((Arm.NONE, Arm.PLUGIN), 3, 4)
    sorts, empty = suite.cases
    assert sorts.files == {"tickets.csv": folder / "files/tickets.csv"}
    assert empty.files == {"in/tickets.csv": folder / "files/tickets.csv"}
    assert [(grader.id, grader.must) for grader in sorts.graders] == [("contains-1", True), ("shape", False)]
    assert sorts.graders[0].options == {"text": "outage"}
    assert suite.rubric["order"].anchors == {0: "no order", 2: "by urgency"}
    assert [(trigger.should, trigger.instead) for trigger in suite.triggers] == [
        (True, None),
        (False, "developer-tools:write-skill"),
    ]
    assert suite.needs_judge
    assert empty.line == 10


def test_suites_are_found_by_their_place(folder):
    assert find_suites(folder.parents[3]) == [folder]


def test_the_digest_changes_with_every_file(folder):
    before = load_suite(folder).digest
    (folder / "files/tickets.csv").write_text("id,text\n1,outagE\n")
    assert load_suite(folder).digest != before


def test_a_key_that_stands_twice_is_refused_with_both_lines(folder):
    change(folder, "suite.yaml", "runner: messages\n", "runner: messages\nskill: support:other\n")
    assert problems(folder) == ["suite.yaml:4: The key 'skill' stands in line 2 and again here."]


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("suite.yaml", "runner: messages", "runer: messages", "suite.yaml:3"),
        ("suite.yaml", "schema: 1", "schema: 2", "suite.yaml:1: schema"),
        ("suite.yaml", "support:triage", "support:triag", "suite.yaml:2: The suite of support:triage"),
        ("cases.yaml", "kind: contains, text: outage", "kind: contains", "cases.yaml:7"),
        (
            "cases.yaml",
            "kind: contains, text",
            "kind: has, text",
            "cases.yaml:7: The case 'sorts', grader 1, kind is 'has'",
        ),
        ("cases.yaml", "text: outage, must", "text: outage, most", "cases.yaml:7"),
        (
            "cases.yaml",
            '"[0-9]+ tickets"',
            '"[0-9+ tickets"',
            "cases.yaml:13: The case 'empty', grader 1, pattern is no regular",
        ),
        ("cases.yaml", "files: [tickets.csv]", "files: [tickets.tsv]", "cases.yaml:4: The case 'sorts' needs"),
        (
            "cases.yaml",
            "files: [tickets.csv]",
            "files: [../rubric.yaml]",
            "cases.yaml:4: The case 'sorts', files has to name files",
        ),
        ("cases.yaml", "shape.py", "shpe.py", "cases.yaml:8: The grader program"),
        ("cases.yaml", "criteria: [order]", "criteria: [odrer]", "cases.yaml:9: The case 'sorts' names"),
        ("cases.yaml", "id: empty", "id: sorts", "cases.yaml:10: The id 'sorts' stands 2 times"),
        ("cases.yaml", "prompt: Sort these tickets.", "prompt: ' '", "cases.yaml:3"),
        (
            "triggers.yaml",
            "Write a test for this.",
            "which  of these tickets is URGENT?",
            "triggers.yaml:4: This prompt",
        ),
        ("triggers.yaml", "should_not:", "shouldnt:", "triggers.yaml:3"),
        ("rubric.yaml", "2: by urgency", "3: by urgency", "rubric.yaml:4"),
    ],
)
def test_each_fault_is_told_with_its_line(folder, name, old, new, expected):
    change(folder, name, old, new)
    found = problems(folder)
    assert found
    assert found[0].startswith(expected)


def test_a_fixture_behind_a_link_out_of_the_suite_is_refused(folder, tmp_path):
    (tmp_path / "secret").write_text("x")
    (folder / "files/tickets.csv").unlink()
    (folder / "files/tickets.csv").symlink_to(tmp_path / "secret")
    assert len(problems(folder)) == 2


def test_all_faults_of_one_kind_are_told_at_once(folder):
    change(folder, "cases.yaml", "kind: contains, text: outage", "kind: contains")
    change(folder, "rubric.yaml", "weight: 2", "weight: -2")
    assert len(problems(folder)) == 2


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff\xfe", b"a: [", b"- " * 100_000, b"x" * (5 << 20), b"a: &a [*a]"]
)
def test_no_file_content_gives_anything_but_a_problem(folder, content):
    (folder / "cases.yaml").write_bytes(content)
    assert problems(folder)[0].startswith("cases.yaml:")


def test_a_missing_file_is_named(folder):
    (folder / "cases.yaml").unlink()
    assert problems(folder) == ["cases.yaml:0: The file does not exist."]


@pytest.mark.parametrize(
    ("name", "old", "new", "message", "fix"),
    [
        (
            "cases.yaml",
            "prompt: Sort these tickets.",
            "prompt: Sort: these",
            "There is a colon where none can be",
            "quotes",
        ),
        ("cases.yaml", "prompt: Sort these tickets.", "prompt: no", "read as yes or no (False)", "Put it into quotes"),
        ("cases.yaml", "prompt: Sort these tickets.", "prompt: 42", "read as a number (42)", "Put it into quotes"),
        ("cases.yaml", "prompt: Sort these tickets.", "prompt:", "prompt is empty", "Write a text"),
        (
            "cases.yaml",
            "prompt: Sort these tickets.",
            "promt: Sort them.",
            "unknown key 'promt'",
            "Did you mean prompt?",
        ),
        ("cases.yaml", "prompt: Sort these tickets.", "prompt: @all sort", "cannot begin with this sign", "quotes"),
        (
            "cases.yaml",
            "prompt: Sort these tickets.",
            'prompt: "a\\d"',
            "A text in double quotes has a backslash",
            "single",
        ),
        ("cases.yaml", "id: sorts", "id: My first case", "and no spaces", "Write my-first-case."),
        ("cases.yaml", "criteria: [order]", "criteria: [My Order]", "and no spaces", "Write my-order."),
        ("suite.yaml", "skill: support:triage", "skill: triage", "no name of a skill", "plugin:skill"),
        ("cases.yaml", "kind: contains", "kind: contain", "kind is 'contain'", "Did you mean contains?"),
        ("cases.yaml", '"[0-9]+ tickets"', "'(unclosed'", "no regular expression", "kind: contains"),
        ("suite.yaml", "runner: messages", "\trunner: messages", "tab", "spaces"),
        ("suite.yaml", "runner: messages", "runner: claude", "runner is 'claude'", "Write one of: agent, messages."),
    ],
)
def test_a_fault_is_told_in_an_authors_words(folder, name, old, new, message, fix):
    change(folder, name, old, new)
    with pytest.raises(SuiteError) as caught:
        load_suite(folder)
    first = caught.value.problems[0]
    assert message in first.message
    assert fix in first.fix
    assert not any(word in first.message for word in ("schema", "[0]", "NoneType", "'object'"))


def test_every_unknown_key_is_told(folder):
    change(folder, "cases.yaml", "prompt: Sort these tickets.", "prompt: Sort.\n    promt: x\n    grader: []")
    assert {"The case 'sorts' has an unknown key 'promt'.", "The case 'sorts' has an unknown key 'grader'."} <= {
        line.partition(": ")[2] for line in problems(folder)
    }
