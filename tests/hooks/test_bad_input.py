"""Whatever a hook is given and wherever it runs: a decision or silence, never a traceback, never a blocked laptop."""

import json
import os
import shlex
import subprocess

import pytest

PAYLOAD = {
    "session_id": "s-1",
    "transcript_path": "/tmp/t.jsonl",
    "cwd": "/home/dev/work/shop",
    "prompt_id": "p-1",
    "permission_mode": "default",
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": "gh pr create", "description": "x"},
    "tool_use_id": "toolu_1",
}
USED = {**PAYLOAD, "hook_event_name": "PostToolUse", "tool_name": "Skill", "tool_input": {"skill": "base-plugin:probe"}}
VALUES = [None, 0, -1, 1e308, 10**400, True, "", "\0", "\ud800", "é" * 5000, [], [[]], {}, {"command": {}}]


def is_calm(answer, *, may_deny=True):
    """A decision that all channels agree on, or silence with exit code 0; `decision` fails on anything else."""
    assert "Traceback" not in answer.err
    return answer.decision in (("silent", "ask", "deny") if may_deny else ("silent",))


@pytest.mark.parametrize("field", [*PAYLOAD, "agent_id"])
def test_any_field_may_be_missing_or_of_any_type(laptop, field):
    for value in VALUES:
        assert is_calm(laptop.start("guard", {**PAYLOAD, field: value}))
        assert is_calm(laptop.start("usage", {**USED, field: value}), may_deny=False)
    without = {key: value for key, value in PAYLOAD.items() if key != field}
    assert is_calm(laptop.start("guard", without))


def test_only_what_the_decision_needs_decides(laptop):
    """Without session, prompt, folder and mode a deny is still a deny."""
    needed = {key: PAYLOAD[key] for key in ("hook_event_name", "tool_name", "tool_input")}
    assert laptop.start("guard", needed).decision == "deny"


@pytest.mark.parametrize(
    ("tool", "tool_input"),
    [
        ("Write", {"file_path": "/home/dev/x", "content": "x" * 10_000_000}),
        ("Write", {"file_path": "/" + "x/" * 5_000_000, "content": ""}),
        ("Read", {"file_path": "../" * 3_000_000}),
        ("Edit", {"file_path": "a", "old_string": "(" * 5_000_000, "new_string": ")" * 5_000_000}),
        ("MultiEdit", {"file_path": "a", "edits": [{"old_string": "a", "new_string": "b"}] * 100_000}),
        ("Grep", {"pattern": "(a+)+$", "path": "\0" * 1000}),
        ("mcp__db__query", {"sql": "select 1;" * 1_000_000}),
        ("mcp__db__query", {"sql": "'" * 5_000_000}),
        ("mcp__x__" + "y" * 100_000, {"a": {"b": [{"c": 1}] * 1000}}),
        ("Bash", {"command": "echo " + "\\x00" * 1_000_000}),
    ],
)
def test_ten_megabytes_for_any_tool_end_in_an_answer(laptop, tool, tool_input):
    assert is_calm(laptop.guard(tool, tool_input))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "utf-8-sig"])
def test_other_encodings_are_no_payload(laptop, encoding):
    data = json.dumps({**PAYLOAD, "description": "\xe9"}, ensure_ascii=False).encode(encoding)
    answer = laptop.start("guard", data)
    assert (answer.code in (0, 2), "Traceback" in answer.err) == (True, False)
    assert is_calm(answer)


@pytest.mark.parametrize(
    "data",
    [
        b'{"tool_name": "Bash", "tool_name": "Read"}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls", "command": "gh pr create"}}',
        b'{"a": NaN, "b": Infinity, "c": -Infinity}',
        b'{"a": "\\ud800", "b": "\\udfff\\ud800"}',
        b'{"a": "\x01\x02"}',
        b"\0" * 1_000_000,
        b"\xff" * 1_000_000,
        b" " * 10_000_000,
        b'"' * 1_000_000,
        b"1" * 1_000_000,
    ],
)
def test_odd_json_is_an_answer_or_silence(laptop, data):
    assert is_calm(laptop.start("guard", data))
    assert is_calm(laptop.start("usage", data), may_deny=False)


def shell(laptop, redirections, hook="guard", payload=PAYLOAD, **more):
    command = f"exec /bin/sh {shlex.quote(str(laptop.launcher))} {hook} {redirections}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        input=json.dumps(payload).encode(),
        capture_output=True,
        env=laptop.environment(**more),
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("redirections", "code"),
    [
        (">&- 2>&-", 2),
        (">/dev/full 2>/dev/full", 2),
        (">/dev/full", 2),
        ("2>/dev/full", 2),
        ("<&- >&- 2>&-", 0),
        ("</dev/null", 0),
        (">&- 2>&- <&0", 2),
    ],
)
def test_streams_that_are_closed_or_full_leave_the_exit_code(laptop, redirections, code):
    done = shell(laptop, redirections)
    assert done.returncode == code
    assert b"Traceback" not in done.stdout + done.stderr
    done = shell(laptop, redirections, "usage", USED)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_reader_that_has_gone_does_not_kill_the_hook(laptop):
    """A client that ends while its hook writes: no signal, no message, and the exit code of a deny."""
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        ["/bin/sh", str(laptop.launcher), "guard"],
        stdin=subprocess.PIPE,
        stdout=write,
        stderr=write,
        env=laptop.environment(),
    )
    os.close(write)
    process.communicate(json.dumps(PAYLOAD).encode(), timeout=30)
    assert process.returncode == 2


@pytest.mark.parametrize(
    "place", ["", "relative/home", "/nowhere/at/all", "/dev/null", "/" + "x" * 5000, "~", "/\udcff\udcfe"]
)
def test_odd_homes_do_not_blind_the_guard(laptop, place):
    assert laptop.start("guard", PAYLOAD, HOME=place).decision == "deny"
    assert is_calm(laptop.start("usage", USED, HOME=place), may_deny=False)


def test_no_environment_at_all(laptop):
    done = subprocess.run(
        ["/bin/sh", str(laptop.launcher), "guard"],
        input=json.dumps(PAYLOAD).encode(),
        capture_output=True,
        env={},
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


FULL = """
mount -t tmpfs -o size=8k,mode=777 tmpfs "$1" && (cat /dev/zero >"$1/filler") 2>/dev/null
exec /bin/sh "$2" "$3"
"""


def _in_a_namespace(laptop, script, hook, payload):
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
    laptop.state.mkdir(parents=True, exist_ok=True)
    argv = [*namespace, "/bin/sh", "-c", script, "x", str(laptop.state), str(laptop.launcher), hook]
    done = subprocess.run(
        argv, input=json.dumps(payload).encode(), capture_output=True, env=laptop.environment(), timeout=30, check=False
    )
    if b"unshare" in done.stderr or b"mount" in done.stderr:
        pytest.skip(f"not run: no mount namespace of one's own here ({done.stderr.decode().strip()[:100]})")
    return done


@pytest.mark.parametrize("script", [FULL, FULL.replace("size=8k", "ro,size=8k")], ids=["full", "read-only"])
def test_full_or_read_only_disk_changes_no_decision(laptop, script):
    done = _in_a_namespace(laptop, script, "guard", PAYLOAD)
    assert done.returncode == 2
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert b"Traceback" not in done.stderr
    done = _in_a_namespace(laptop, script, "usage", USED)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_state_folder_without_rights_changes_no_decision(laptop):
    laptop.state.mkdir(parents=True)
    laptop.state.chmod(0o500)
    # Root may write everywhere unless it gives that right away.
    as_a_user = () if os.geteuid() else ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    assert laptop.start("guard", PAYLOAD, before=as_a_user).decision == "deny"
    assert is_calm(laptop.start("usage", USED, before=as_a_user), may_deny=False)
    laptop.state.chmod(0o700)
    assert list(laptop.state.iterdir()) == []
