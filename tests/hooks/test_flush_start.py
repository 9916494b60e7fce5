"""How hooks start the flusher, tell the user once, and count one use of a skill once."""

import json
import os
import subprocess
import sys
import time

import pytest
from receiver import attributes

STARTED = {"hook_event_name": "SessionStart", "source": "startup", "session_id": "s-1"}
ENDED = {"hook_event_name": "SessionEnd", "reason": "other", "session_id": "s-1"}
TYPED = {
    "hook_event_name": "UserPromptExpansion",
    "expansion_type": "slash_command",
    "command_source": "plugin",
    "command_name": "base-plugin:probe",
    "prompt_id": "p-1",
}
CALLED = {
    "hook_event_name": "PostToolUse",
    "tool_name": "Skill",
    "tool_input": {"skill": "base-plugin:probe"},
    "tool_response": {"success": True},
    "tool_use_id": "toolu_1",
    "prompt_id": "p-1",
}


def wait_for(is_so):
    until = time.monotonic() + 20
    while not is_so() and time.monotonic() < until:
        time.sleep(0.02)
    assert is_so()


def settle(laptop):
    """Wait until no flusher of this laptop holds the lock."""
    import fcntl

    with (laptop.state / "flush.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


@pytest.mark.parametrize(
    ("payload", "event"), [(STARTED, "skillway.session.started"), (ENDED, "skillway.session.ended")]
)
def test_the_ends_of_a_session_start_the_flusher_which_outlives_the_hook(laptop, receiver, payload, event):
    laptop.start("usage", payload)
    wait_for(lambda: event in receiver.names())
    settle(laptop)


def test_a_use_starts_the_flusher_only_when_the_last_one_is_a_minute_ago(laptop, receiver):
    laptop.state.mkdir(parents=True, mode=0o700)
    mark = laptop.state / "flush.mark"
    mark.touch()
    os.utime(mark, (time.time() - 30,) * 2)
    before = mark.stat().st_mtime
    laptop.start("usage", CALLED)
    time.sleep(0.3)
    assert (mark.stat().st_mtime, receiver.requests) == (before, [])
    os.utime(mark, (time.time() - 61,) * 2)
    laptop.start("usage", CALLED)
    wait_for(lambda: len(receiver.uids()) == 2)
    settle(laptop)


@pytest.mark.parametrize(("ahead", "is_started"), [(1800, False), (400 * 86_400, True)])
def test_a_mark_in_the_future_asks_for_peace_unless_a_clock_jumped(laptop, receiver, ahead, is_started):
    laptop.hold_flusher()
    os.utime(laptop.state / "flush.mark", (time.time() + ahead,) * 2)
    laptop.start("usage", ENDED)
    if is_started:
        wait_for(lambda: "skillway.session.ended" in receiver.names())
        settle(laptop)
    else:
        time.sleep(0.3)
        assert receiver.requests == []


def test_a_proof_that_looks_into_the_spool_can_keep_the_flusher_away(laptop, receiver):
    laptop.start("usage", ENDED, SKILLWAY_FLUSH="0")
    time.sleep(0.3)
    assert (len(laptop.records()), receiver.requests) == (1, [])


def test_the_flusher_gets_no_secret_of_the_hooks_environment(laptop):
    """A stand-in for the interpreter writes down what it was started with."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import flush_start\n"
        "flush_start.sys.executable = sys.argv[2]; print(flush_start.start_flusher())"
    )
    told = laptop.home / "told"
    stand_in = laptop.home / "stand-in"
    stand_in.write_text(
        f'#!/bin/sh\n{{ env; echo "$@"; ps -o sid= -p $$; echo $$; }} > "{told}.part"; mv "{told}.part" "{told}"\n'
    )
    stand_in.chmod(0o755)
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks"), str(stand_in)]
    env = laptop.environment(ANTHROPIC_API_KEY="canary", CANARY="canary", HTTPS_PROXY="http://proxy:3128")
    assert subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout == "True\n"
    wait_for(told.exists)
    text = told.read_text()
    assert "canary" not in text
    assert "HTTPS_PROXY=http://proxy:3128" in text
    assert f"-I -S {laptop.plugin}/hooks/flush.py" in text
    session, process = text.split()[-2:]
    assert session == process


def test_without_posix_spawn_a_subprocess_does_it(laptop, receiver):
    laptop.append(1)
    program = (
        "import sys, posix; del posix.posix_spawn; sys.path.insert(0, sys.argv[1]); import flush_start\n"
        "print(flush_start.start_flusher())"
    )
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    assert subprocess.run(argv, env=laptop.environment(), capture_output=True, text=True, check=True).stdout == "True\n"
    wait_for(lambda: len(receiver.uids()) == 1)
    settle(laptop)


def test_the_hook_opens_no_socket_and_imports_no_json(laptop, receiver):
    """Also on the way on which it starts the flusher."""
    program = (
        "import sys; seen = []; sys.addaudithook(lambda name, _: seen.append(name)); sys.path.insert(0, sys.argv[1])\n"
        "import usage_hook, posix; posix._exit = print; usage_hook.main()\n"
        "print([n for n in seen if n.startswith('socket')], {'json', 'subprocess', 'socket'} & set(sys.modules), 'os.posix_spawn' in seen)"
    )
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    done = subprocess.run(
        argv, input=json.dumps(ENDED), env=laptop.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] set() True"
    wait_for(lambda: "skillway.session.ended" in receiver.names())
    settle(laptop)


def test_the_notice_comes_once_to_a_person_and_never_into_a_pipe(laptop, receiver):
    laptop.hold_flusher()
    assert laptop.start("usage", STARTED, CLAUDE_CODE_ENTRYPOINT="sdk-cli").out == ""
    first = laptop.start("usage", STARTED, CLAUDE_CODE_ENTRYPOINT="cli")
    message = json.loads(first.out)["systemMessage"]
    assert "127.0.0.1" in message
    assert "DO_NOT_TRACK" in message
    assert laptop.start("usage", STARTED, CLAUDE_CODE_ENTRYPOINT="cli").out == ""


def test_the_notice_says_when_the_policy_decides_and_hides_logins(laptop):
    laptop.hold_flusher()
    laptop.configure("https://canary:canary@otlp.example.com/canary", always=True)
    message = laptop.start("usage", STARTED, CLAUDE_CODE_ENTRYPOINT="cli", DO_NOT_TRACK="1").out
    assert "policy keeps this on" in message
    assert "otlp.example.com" in message
    assert "canary" not in message


def test_nothing_to_tell_where_nothing_is_sent(laptop):
    laptop.hold_flusher()
    assert laptop.start("usage", STARTED, CLAUDE_CODE_ENTRYPOINT="cli").out == ""
    assert not (laptop.state / "notice.shown").exists()


def uses(laptop):
    found = [record["attributes"] for record in laptop.records() if record["name"] == "skillway.skill.used"]
    return [(values["invocation_trigger"], values.get("prompt.id")) for values in found]


def test_a_typed_skill_that_the_model_then_calls_is_one_use(laptop):
    laptop.hold_flusher()
    laptop.start("usage", TYPED)
    laptop.start("usage", CALLED)
    laptop.start("usage", {**CALLED, "hook_event_name": "PostToolUseFailure", "tool_use_id": "toolu_2"})
    assert uses(laptop) == [("user-slash", "p-1")]
    laptop.start("usage", {**CALLED, "prompt_id": "p-2"})
    assert uses(laptop) == [("user-slash", "p-1"), ("claude-proactive", "p-2")]


def test_the_list_of_typed_skills_stays_small(laptop):
    laptop.hold_flusher()
    (laptop.state / "typed").write_text("x" * 5000)
    laptop.start("usage", TYPED)
    assert (laptop.state / "typed").stat().st_size < 100
    laptop.start("usage", CALLED)
    assert uses(laptop) == [("user-slash", "p-1")]


def test_a_session_that_ends_is_summed_up_by_rule(laptop, receiver):
    laptop.hold_flusher()
    for command in ("gh pr create", "gh pr create", "git branch -D x"):
        laptop.bash(command)
    laptop.start("usage", {**ENDED, "session_id": "5e55-10a"})
    laptop.flush()
    laptop.flush()
    found = [attributes(record) for record in receiver.accepted if record["eventName"] == "skillway.hook.summary"]
    assert {
        (values["hook.rule.id"], values["count"], values["deny.count"], values["ask.count"]) for values in found
    } == {
        ("pull-request", 2, 2, 0),
        ("branch-delete-local", 1, 0, 1),
    }
    assert all(
        0 < values["duration_ms.p50"] <= values["duration_ms.p95"] <= values["duration_ms.max"] for values in found
    )
    assert laptop.figures()["sessions"] == {}


def test_the_inventory_comes_once_a_day_with_every_skill(laptop, receiver):
    for number in range(45):
        (laptop.plugin / "skills" / f"skill-{number:02}").mkdir()
    laptop.append(1)
    laptop.flush()
    laptop.append(1)
    laptop.flush()
    found = [attributes(record) for record in receiver.accepted if record["eventName"] == "skillway.inventory"]
    assert [(values["plugin.name"], values["skill.count"], len(values["skills"])) for values in found] == [
        ("base-plugin", 46, 40),
        ("base-plugin", 46, 6),
    ]
    assert len({skill for values in found for skill in values["skills"]}) == 46


def test_other_programs_keep_a_record_by_name(laptop, receiver):
    argv = [sys.executable, "-I", "-S", str(laptop.plugin / "hooks" / "record.py"), "skillway.sync.completed"]
    values = {"sync.outcome": "ok", "sync.plugins.changed": 2, "canary": "canary"}
    for given in (json.dumps(values), "canary", "[]"):
        done = subprocess.run(argv, input=given, env=laptop.environment(), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    records = laptop.records()
    assert records[0]["attributes"] == {"sync.outcome": "ok", "sync.plugins.changed": 2}
    assert "canary" not in json.dumps(records)
