"""Code graders: each passes, fails, and says what it saw; what it cannot decide is neither."""

import json
import subprocess
import sys
import time

import pytest

from skillway_evals.agent.transcript import Transcript
from skillway_evals.graders import CODE_KINDS, Candidate, grade_by_code
from skillway_evals.graders.programs import network_barrier
from skillway_evals.suite import Case, Grader


def tool_events(*calls, answer="Done."):
    """Make a transcript: (name, input, result, is_error) each."""
    events = [{"type": "system", "subtype": "init", "tools": ["Bash", "Read"], "skills": ["p:s"]}]
    for number, (name, given, result, is_error) in enumerate(calls):
        block = {"type": "tool_use", "id": f"t{number}", "name": name, "input": given}
        events.append({"type": "assistant", "message": {"id": f"m{number}", "content": [block]}})
        back = {"type": "tool_result", "tool_use_id": f"t{number}", "content": result, "is_error": is_error}
        events.append({"type": "user", "message": {"content": [back]}})
    return Transcript([*events, {"type": "result", "subtype": "success", "result": answer}])


@pytest.fixture
def make(tmp_path):
    """Make a candidate with a project, a suite and a skill on disk."""

    def candidate(answer="", files=None, calls=None, prompt="Do it.", fixtures=None, skill="Use `--careful`."):
        for name in ("project", "suite/graders", "skill"):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "skill" / "SKILL.md").write_text(skill)
        for path, text in (files or {}).items():
            (tmp_path / "project" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "project" / path).write_text(text)
        given = {}
        for path, text in (fixtures or {}).items():
            given[path] = tmp_path / f"fixture-{len(given)}"
            given[path].write_text(text)
        transcript = None if calls is None else tool_events(*calls, answer=answer)
        return Candidate(
            Case("c", prompt, (), given),
            answer,
            tmp_path / "project",
            transcript,
            tmp_path / "suite",
            tmp_path / "skill",
        )

    return candidate


def grade(kind, candidate, **options):
    return grade_by_code(Grader("g", kind, options, must=True), candidate)


TEXT_CASES = [
    ("contains", {"text": "Hello"}, "Hello there", True),
    ("contains", {"text": "hello"}, "Hello there", False),
    ("contains", {"text": "hello", "case_sensitive": False}, "Hello there", True),
    ("not_contains", {"text": "bye"}, "Hello", True),
    ("not_contains", {"text": "Hello"}, "Hello", False),
    ("regex", {"pattern": r"^\d+$"}, "a\n42\nb", True),
    ("regex", {"pattern": r"\d", "at_least": 3}, "1 2", False),
    ("regex", {"pattern": "("}, "x", None),
    ("not_regex", {"pattern": r"TODO"}, "done", True),
    ("not_regex", {"pattern": r"done"}, "done", False),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', True),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, 'Here:\n```json\n{"a": 1}\n```\n', True),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"b": 1}', False),
    ("json_schema", {"schema": {"type": "object"}}, "no json", False),
    ("json_schema", {"schema": {"type": "nonsense"}}, "{}", None),
]


@pytest.mark.parametrize(("kind", "options", "answer", "passed"), TEXT_CASES)
def test_graders_of_the_answer(make, kind, options, answer, passed):
    result = grade(kind, make(answer), **options)
    assert result.passed is passed
    assert result.evidence
    assert result.must


FILE_CASES = [
    ("file_exists", {"path": "a/b.txt"}, True),
    ("file_exists", {"path": "gone.txt"}, False),
    ("file_absent", {"path": "gone.txt"}, True),
    ("file_absent", {"path": "a"}, False),
    ("file_contains", {"path": "a/b.txt", "text": "two"}, True),
    ("file_contains", {"path": "gone.txt", "text": "two"}, False),
    ("file_matches", {"path": "a/b.txt", "pattern": "^t.o$"}, True),
    ("file_matches", {"path": "a/b.txt", "pattern": "^three$"}, False),
    ("json_schema", {"path": "c.json", "schema": {"const": [1]}}, True),
    ("json_schema", {"path": "gone.json", "schema": {}}, False),
    ("file_exists", {"path": "../suite"}, None),
    ("file_contains", {"path": "out/secret", "text": "x"}, None),
]


@pytest.mark.parametrize(("kind", "options", "passed"), FILE_CASES)
def test_graders_of_files(make, tmp_path, kind, options, passed):
    candidate = make(files={"a/b.txt": "one\ntwo\n", "c.json": "[1]"})
    (tmp_path / "secret").write_text("x")
    (tmp_path / "project" / "out").symlink_to(tmp_path)
    assert grade(kind, candidate, **options).passed is passed


def test_without_a_project_files_are_not_decided():
    candidate = Candidate(Case("c", "p", ()), "answer")
    for kind, options in (("file_exists", {"path": "a"}), ("tool_used", {"tool": "Bash"}), ("script", {"script": "x"})):
        result = grade(kind, candidate, **options)
        assert result.passed is None
        assert "not decided" in result.evidence


CALLS = [("Bash", {"command": "git status"}, "clean", False), ("Read", {"file_path": "x"}, "no such file", True)]


@pytest.mark.parametrize(
    ("kind", "options", "passed"),
    [
        ("tool_used", {"tool": "Bash"}, True),
        ("tool_used", {"tool": "Bash", "input": "^git st"}, True),
        ("tool_used", {"tool": "Bash", "input": "push"}, False),
        ("tool_used", {"tool": "Write"}, False),
        ("tool_used", {"tool": "Read", "input": "file_path.*x"}, True),
        ("tool_used", {"tool": "Bash", "input": "("}, None),
        ("tool_not_used", {"tool": "Write"}, True),
        ("tool_not_used", {"tool": "Bash", "input": "status"}, False),
        ("no_tool_errors", {}, False),
        ("no_tool_errors", {"allow": 1}, True),
    ],
)
def test_graders_of_the_transcript(make, kind, options, passed):
    assert grade(kind, make(calls=CALLS), **options).passed is passed


def test_subagent_tool_has_two_names(make):
    candidate = make(calls=[("Agent", {"prompt": "look"}, "looked", False)])
    assert grade("tool_used", candidate, tool="Task").passed is True


@pytest.mark.parametrize(
    ("answer", "passed", "named"),
    [
        ("Run `tool --careful` now.", True, ""),
        ("Run `tool --reckless` now.", False, "--reckless"),
        ("Query `events_daily.user_id`.", True, ""),
        ("Query `events_daily.customer_key`.", False, "events_daily.customer_key"),
        ("Use `mcp__db__drop`.", False, "mcp__db__drop"),
        ("Plain words like --reckless outside of code are prose.", True, ""),
        ("```sql\nselect user_id from events_daily\n```", True, ""),
        ("```sql\nselect user_id from events_hourly\n```", False, "events_hourly"),
        ("```python\ndef my_helper(user_id):\n    my_total = 1\n    return my_total\n```", True, ""),
        ("See `src/main_app.py`.", False, "src/main_app.py"),
        ("It printed `job_4711`.", True, ""),
        ("It is `simple`.", True, ""),
        ("", True, ""),
    ],
)
def test_invented_names(make, answer, passed, named):
    candidate = make(
        answer,
        calls=[("Bash", {"command": "run"}, "started job_4711", False)],
        fixtures={"schema.sql": "create table events_daily (user_id int);"},
    )
    result = grade("no_invented_names", candidate)
    assert result.passed is passed, result.evidence
    assert named in result.evidence


def test_allowed_and_self_written_names_are_no_inventions(make):
    answer = "I wrote `report_builder.py` with `build_report` and used `--verbose`."
    calls = [("Write", {"file_path": "report_builder.py", "content": "def build_report():\n    pass"}, "ok", False)]
    candidate = make(answer, calls=calls)
    assert grade("no_invented_names", candidate).passed is False
    assert grade("no_invented_names", candidate, allow=["--verbose"]).passed is True


def test_name_in_an_error_is_not_known(make):
    """A tool that refuses a flag names it; that does not make it exist."""
    candidate = make("Use `--turbo`.", calls=[("Bash", {"command": "x --turbo"}, "unknown option --turbo", True)])
    assert grade("no_invented_names", candidate).passed is False


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        ({"argv": ["test", "-f", "a.txt"]}, True),
        ({"argv": ["test", "-f", "b.txt"]}, False),
        ({"argv": ["sh", "-c", "exit 3"], "exit": 3}, True),
        ({"argv": ["cat", "a.txt"], "stdout": "content"}, True),
        ({"argv": ["cat", "a.txt"], "stdout": "other"}, False),
        ({"argv": ["no-such-program-here"]}, None if not network_barrier() else False),
    ],
)
def test_command(make, options, passed):
    assert grade("command", make(files={"a.txt": "content"}), **options).passed is passed


def test_command_works_on_a_copy(make, tmp_path):
    assert grade("command", make(files={"a.txt": "x"}), argv=["rm", "a.txt"]).passed is True
    assert (tmp_path / "project" / "a.txt").exists()


def test_command_that_hangs_is_not_decided_and_leaves_nothing_running(make, tmp_path):
    mark = f"{time.time_ns() % 10**7 + 10**6}"
    result = grade("command", make(), argv=["sh", "-c", f"sleep {mark} & sleep {mark}"], timeout_s=0.5)
    assert result.passed is None
    assert "0.5 seconds" in result.evidence
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"sleep {mark}" not in listed


def test_programs_get_no_environment_of_the_caller(make, monkeypatch, real_home):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    result = grade(
        "command", make(), argv=["sh", "-c", f'test -z "$ANTHROPIC_API_KEY" && test "$HOME" != "{real_home}"']
    )
    assert result.passed is True


def test_programs_have_no_network(make):
    if not network_barrier():
        pytest.skip("not run: this system lets nobody give up the network without being root")
    code = "import socket; socket.create_connection(('127.0.0.1', int(__import__('sys').argv[1])), 2)"
    with __import__("socket").create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        subprocess.run([sys.executable, "-c", code, port], check=True)
        assert grade("command", make(), argv=[sys.executable, "-c", code, port]).passed is False


SCRIPT = """
import json, os, sys
given = json.load(sys.stdin)
assert os.path.exists("a.txt")
print(json.dumps({"passed": given["answer"] == given["arguments"]["wanted"], "evidence": given["tool_calls"][0]["name"]}))
"""


def test_script_decides_from_what_it_is_given(make, tmp_path):
    candidate = make("yes", files={"a.txt": "x"}, calls=CALLS)
    (tmp_path / "suite" / "graders" / "check.py").write_text(SCRIPT)
    result = grade("script", candidate, script="check.py", arguments={"wanted": "yes"})
    assert (result.passed, result.evidence) == (True, "Bash")
    assert grade("script", candidate, script="check.py", arguments={"wanted": "no"}).passed is False


@pytest.mark.parametrize(
    "body",
    ["print('ok')", "print('[]')", "import sys; sys.exit(2)", "print('{\"passed\": null, \"evidence\": \"unsure\"}')",
     "print('{\"passed\": 1}')", "import time; time.sleep(60)"],
)  # fmt: skip
def test_script_that_does_not_decide_is_undecided(make, tmp_path, body):
    candidate = make()
    (tmp_path / "suite" / "graders" / "check.py").write_text(body)
    assert grade("script", candidate, script="check.py", timeout_s=1).passed is None


def test_shell_script_is_started_by_itself(make, tmp_path):
    candidate = make()
    program = tmp_path / "suite" / "graders" / "check.sh"
    program.write_text('#!/bin/sh\necho \'{"passed": true, "evidence": "from sh"}\'\n')
    program.chmod(0o755)
    assert grade("script", candidate, script="check.sh").evidence == "from sh"
    assert grade("script", candidate, script="gone.sh").passed is None


def test_unknown_kind_and_broken_options_are_undecided(make):
    assert grade("telepathy", make()).passed is None
    assert grade("contains", make("x")).passed is None
    assert grade("command", make(), argv="ls").passed is not True


def test_every_kind_of_the_contract_is_there():
    kinds = (
        "contains not_contains regex not_regex file_exists file_absent file_contains file_matches json_schema command"
    )
    kinds += " script tool_used tool_not_used no_tool_errors no_invented_names"
    assert set(CODE_KINDS) == set(kinds.split())


def test_evidence_is_short_whatever_the_answer(make):
    result = grade("contains", make("x" * 10**6), text="y")
    assert len(result.evidence) < 500


def test_transcript_survives_strange_events():
    events = [
        None,
        3,
        {"type": "assistant"},
        {"type": "assistant", "message": {"content": [None, {"type": "tool_use"}]}},
    ]
    events += [{"type": "user", "message": {"content": "text"}}, {"type": "result", "usage": "x", "modelUsage": [1]}]
    transcript = Transcript(events)
    assert [call.name for call in transcript.calls()] == ["None"]
    assert transcript.usage.input_tokens == 0
    assert json.dumps(transcript.kept())
