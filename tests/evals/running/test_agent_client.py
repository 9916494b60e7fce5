"""Agent runs: the real client against a scripted API, and stand-ins where the real one cannot misbehave."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillway_evals.agent.arms import lay_out_arm
from skillway_evals.agent.session import AgentSetup, Assignment, client_version, run_session
from skillway_evals.agent.trigger import detect_trigger
from skillway_evals.models.fake_api import FakeApi
from skillway_evals.outcome import Provenance
from skillway_evals.suite import Arm, Case, Grader, Limits, Runner, Trigger
from skillway_sync.client import find_client
from skillway_sync.scripted_api import Call, Say, ScriptedApi

CLIENTS = Path(__file__).resolve().parents[2] / "client"
PACKAGES = {"pinned": "@anthropic-ai/claude-code", "newest": "claude-code-newest"}


@pytest.fixture(params=list(PACKAGES))
def client(request):
    """Each installed client in turn."""
    program = find_client(CLIENTS, package=PACKAGES[request.param])
    if program is None:
        pytest.skip("not run: no npm client in tests/client")
    return program.resolve()


@pytest.fixture
def pinned():
    program = find_client(CLIENTS)
    if program is None:
        pytest.skip("not run: no npm client in tests/client")
    return program.resolve()


def setup_for(program, url="http://127.0.0.1:9", version="test"):
    return AgentSetup(program, version, "claude-haiku-4-5", "test-key", url)


def drive(agent, assignment, look, enough=None):
    """Run one session and give what `look` sees of it while its folders exist."""

    async def go():
        async with run_session(agent, assignment, enough=enough) as session:
            return look(session)

    return asyncio.run(go())


def plugins_of(bench, suite, arm, folder, **more):
    folder.mkdir()
    return tuple(lay_out_arm(bench.settings().catalog, suite, arm, folder, **more))


@pytest.mark.client
def test_session_works_in_its_own_folder_with_the_skill_alone(bench, suite, client, tmp_path):
    plugins = plugins_of(bench, suite(), Arm.SKILL, tmp_path / "arm")
    assert not list((tmp_path / "arm").rglob("SPEC.md"))
    (tmp_path / "given").write_text("given\n")
    assignment = Assignment("Do it.", plugins, files={"in/given.txt": tmp_path / "given"})
    turns = [Call("Bash", {"command": "cat in/given.txt > made.txt; pwd; echo $HOME"}), Say("Made.")]
    with ScriptedApi(turns) as api:
        session, files = drive(
            setup_for(client, api.url),
            assignment,
            lambda s: (s, {p.name: p.read_text() for p in s.project.glob("*.txt")}),
        )
    transcript = session.transcript
    assert session.fault == ""
    assert files == {"made.txt": "given\n"}
    assert "developer-tools:alpha" in transcript.offered
    assert "developer-tools:beta" not in transcript.offered
    assert transcript.answer == "Made."
    assert str(Path.home()) not in transcript.calls()[0].result
    assert not session.project.exists(), "the folders go with the session"


@pytest.mark.client
def test_arms_offer_what_they_say(bench, suite, pinned, tmp_path):
    offered = {}
    for arm in Arm:
        plugins = plugins_of(bench, suite(), arm, tmp_path / arm.value)
        with ScriptedApi([Say("Done.")]) as api:
            offered[arm] = drive(setup_for(pinned, api.url), Assignment("Hi.", plugins), lambda s: s.transcript.offered)
    ours = {arm: {name for name in names if name.startswith("developer-tools:")} for arm, names in offered.items()}
    assert ours[Arm.NONE] == set()
    assert ours[Arm.SKILL] == {"developer-tools:alpha"}
    assert ours[Arm.PLUGIN] == {"developer-tools:alpha", "developer-tools:beta"}


@pytest.mark.client
def test_tools_outside_the_allow_list_are_refused(bench, suite, client):
    assignment = Assignment("Do it.", tools=("Read", "Bash(git *)"))
    turns = [Call("Bash", {"command": "touch x"}), Call("Write", {"file_path": "x", "content": "y"}), Say("No.")]
    with ScriptedApi(turns) as api:
        calls = drive(setup_for(client, api.url), assignment, lambda s: s.transcript.calls())
    assert [call.is_error for call in calls] == [True, True]


@pytest.mark.client
def test_trigger_session_ends_when_the_skill_is_loaded(bench, suite, client, tmp_path):
    plugins = plugins_of(bench, suite(siblings=()), Arm.PLUGIN, tmp_path / "arm", with_siblings=True)
    turns = [Call("Bash", {"command": "echo one"}), Call("Skill", {"skill": "developer-tools:alpha"})]
    with ScriptedApi([*turns, *[Call("Bash", {"command": "sleep 30"})] * 3]) as api:
        started = time.monotonic()
        transcript = drive(
            setup_for(client, api.url),
            Assignment("Do it.", plugins),
            lambda s: s.transcript,
            enough=lambda seen: detect_trigger(seen, "developer-tools:alpha").fired is True,
        )
    assert transcript.stopped
    assert detect_trigger(transcript, "developer-tools:alpha").fired is True
    assert time.monotonic() - started < 25


@pytest.mark.client
def test_time_limit_is_a_fault_and_leaves_nothing_running(pinned):
    mark = f"{time.time_ns() % 10**7 + 10**6}"
    with ScriptedApi([Call("Bash", {"command": f"sleep {mark}"}), Say("Done.")]) as api:
        assignment = Assignment("Do it.", limits=Limits(timeout_s=3))
        session = drive(setup_for(pinned, api.url), assignment, lambda s: s)
    assert session.fault == "no end within 3 seconds"
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"sleep {mark}" not in listed


@pytest.mark.client
def test_what_a_command_left_in_the_background_ends_with_the_session(client):
    mark = f"{time.time_ns() % 10**7 + 10**6}"
    command = f"nohup setsid sleep {mark} > /dev/null 2>&1 & echo started"
    with ScriptedApi([Call("Bash", {"command": command}), Say("Done.")]) as api:
        session = drive(setup_for(client, api.url), Assignment("Do it."), lambda s: s)
    assert session.transcript.calls()[0].result.startswith("started")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"sleep {mark}" not in listed


@pytest.mark.client
def test_agent_suite_from_plan_to_replay(bench, suite, pinned):
    """Both arms and the triggers with the real client; then everything again from the store, files included."""
    graders = (Grader("answer", "contains", {"text": "fine"}), Grader("none", "file_absent", {"path": "made.txt"}))
    triggers = (Trigger("t", "Do alpha for me.", True), Trigger("n", "What is the time?", False))
    agent_suite = suite(
        cases=1, criteria=(), graders=graders, runner=Runner.AGENT, triggers=triggers,
        siblings=("developer-tools:beta",), limits=Limits(5, 60),
    )  # fmt: skip
    with FakeApi(lambda _body: "A fine answer.") as api:
        agent = setup_for(pinned, api.url, client_version(pinned))
        (live,), budget = bench.run(agent_suite, api=api, agent=agent, cap=5.0, provenance=Provenance.FAKE)
    assert [run.passed for run in live.result.runs] == [True, True]
    assert {result.trigger: result.fired for result in live.result.triggers} == {"t": (False,), "n": (False,)}
    assert 0 < budget.spent_usd < 5
    (again,), _ = bench.run(agent_suite, agent=agent)
    assert [run.results for run in again.result.runs] == [run.results for run in live.result.runs]
    assert again.result.triggers == live.result.triggers
    stricter = (Grader("made", "file_exists", {"path": "made.txt"}),)
    cases = (Case("case-0", "Please do number 0.", stricter),)
    changed = type(agent_suite)(
        **{n: getattr(agent_suite, n) for n in agent_suite.__dataclass_fields__} | {"cases": cases}
    )
    (regraded,), _ = bench.run(changed, agent=agent)
    assert [run.passed for run in regraded.result.runs] == [False, False], "a new grader sees the kept files"


def stand_in(folder, body):
    """Make a program that behaves as a client should not."""
    program = folder / "client"
    program.write_text(f"#!{sys.executable}\nimport json, sys, time\n{body}\n")
    program.chmod(0o755)
    return program


INIT = '{"type": "system", "subtype": "init", "skills": ["developer-tools:alpha"], "tools": []}'
RESULT = '{"type": "result", "subtype": "success", "result": "fine"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit(7)", "ended with 7"),
        ("sys.stderr.write('out of order'); sys.exit(1)", "out of order"),
        ("pass", "no session"),
        ("print('not json')", "no session"),
        (f"print('{INIT}')", "did not come to its end"),
        (f"print('{INIT}', flush=True); time.sleep(60)", "no end within"),
        (f'print(\'{INIT}\'); print(\'{{"type": "result", "subtype": "error_during_execution"}}\')', "error"),
    ],
)
def test_broken_session_is_a_fault(tmp_path, body, said):
    agent = setup_for(stand_in(tmp_path, body))
    session = drive(agent, Assignment("Do it.", limits=Limits(timeout_s=2)), lambda s: s)
    assert said in session.fault


def test_client_that_is_not_there_is_a_fault(tmp_path):
    session = drive(setup_for(tmp_path / "gone"), Assignment("Do it."), lambda s: s)
    assert "cannot be started" in session.fault


def test_skill_that_was_not_offered_makes_the_run_invalid(bench, suite, tmp_path):
    """The stand-in offers alpha in every arm: right with the skill, and wrong without it."""
    program = stand_in(tmp_path, f"print('{INIT}'); print('{RESULT}')")
    agent_suite = suite(cases=1, criteria=(), runner=Runner.AGENT)
    (report,), _ = bench.run(agent_suite, agent=setup_for(program))
    by_arm = {run.arm: run for run in report.result.runs}
    assert by_arm[Arm.SKILL].passed is True
    assert not by_arm[Arm.NONE].valid
    assert "was offered" in by_arm[Arm.NONE].reason
    other_path = stand_in(tmp_path, "sys.exit(7)")
    (report,), _ = bench.run(agent_suite, agent=setup_for(other_path))
    assert [run.reason for run in report.result.runs if not run.valid] == ["the client ended with 7: "], "asked again"
    bare = stand_in(tmp_path, f"print('{INIT.replace('developer-tools:alpha', 'x')}'); print('{RESULT}')")
    (report,), _ = bench.run(agent_suite, agent=setup_for(bare, version="other"))
    by_arm = {run.arm: run for run in report.result.runs}
    assert not by_arm[Arm.SKILL].valid
    assert "not offered" in by_arm[Arm.SKILL].reason


def test_failed_setup_is_a_fault_of_the_run(tmp_path):
    program = stand_in(tmp_path, f"print('{INIT}'); print('{RESULT}')")
    session = drive(
        setup_for(program), Assignment("Do it.", setup=("sh", "-c", "echo broken >&2; exit 4")), lambda s: s
    )
    assert "ended with 4: broken" in session.fault
    session = drive(setup_for(program), Assignment("Do it.", files={"a": tmp_path / "gone"}), lambda s: s)
    assert "fixture a" in session.fault


def test_setup_prepares_the_project(tmp_path):
    program = stand_in(tmp_path, f"print('{INIT}'); print('{RESULT}')")
    assignment = Assignment("Do it.", setup=("sh", "-c", "git init -q . && touch made"))
    names = drive(setup_for(program), assignment, lambda s: sorted(p.name for p in s.project.iterdir()))
    assert names == [".git", "made"]


def test_version_of_something_else_is_empty(tmp_path):
    assert client_version(stand_in(tmp_path, "sys.exit(1)")) == ""
    assert client_version(tmp_path / "gone") == ""
    assert client_version(stand_in(tmp_path, "print('2.1.0 (Claude Code)')")) == "2.1.0"
