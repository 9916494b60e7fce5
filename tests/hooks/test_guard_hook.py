"""The guard as a process: its answer, its text, its policy, and that nothing it is given breaks it."""

import json
import subprocess

import pytest


def test_a_denial_says_what_why_what_instead_and_how_to_report_it(laptop):
    answer = laptop.bash("git add -A && gh pr create --fill && echo done")
    assert answer.decision == "deny"
    assert "`gh pr create --fill`" in answer.reason
    assert "create-pr skill" in answer.reason
    assert "`create-pull-request create --help`" in answer.reason
    assert "Do not try another spelling" in answer.reason
    assert "their own terminal" in answer.reason
    assert "rule pull-request" in answer.reason
    assert len(answer.reason.splitlines()) == 5


def test_a_long_or_odd_command_is_shown_in_one_short_line(laptop):
    answer = laptop.bash("rm -rf / " + "é`\n" * 0 + "x" * 5000 + ' "quo\\"te"')
    assert answer.rule == "delete-root"
    assert len(answer.reason) < 900


@pytest.mark.parametrize(
    ("tool", "tool_input", "expected"),
    [
        ("mcp__github__create_pull_request", {"title": "x"}, "deny"),
        ("mcp__gitlab__create_merge_request", {}, "deny"),
        ("mcp__forge__createPullRequest", {}, "deny"),
        ("mcp__github__list_pull_requests", {}, "silent"),
        ("mcp__github__create_pull_request_review", {}, "silent"),
        ("mcp__postgres__query", {"sql": "DROP TABLE users"}, "deny"),
        ("mcp__postgres__query", {"query": "select 1; truncate x"}, "deny"),
        ("mcp__postgres__query", {"sql": "select 'DROP TABLE users'"}, "silent"),
        ("mcp__web__search", {"query": "drop table users"}, "silent"),
        ("Write", {"file_path": "/etc/claude-code/managed-settings.json", "content": "{}"}, "deny"),
        (
            "Write",
            {"file_path": "../../../../etc/../etc/claude-code/managed-settings.d/x.json", "content": "{}"},
            "silent",
        ),
        ("Edit", {"file_path": "/opt/skillway/guard/current", "old_string": "a", "new_string": "b"}, "deny"),
        ("Write", {"file_path": ".claude/settings.local.json", "content": '{"disableAllHooks" : true}'}, "deny"),
        ("Write", {"file_path": ".claude/settings.json", "content": '{"disableAllHooks": false}'}, "silent"),
        ("Edit", {"file_path": ".claude/settings.json", "new_string": '"disableAllHooks":\n true'}, "deny"),
        (
            "MultiEdit",
            {"file_path": ".claude/settings.json", "edits": [{"new_string": '"disableAllHooks":true'}]},
            "deny",
        ),
        ("NotebookEdit", {"notebook_path": "a.ipynb", "new_source": "gh pr create"}, "silent"),
        ("Write", {"file_path": "docs/x.md", "content": "rm -rf / and gh pr create"}, "silent"),
        ("Read", {"file_path": "/etc/claude-code/managed-settings.json"}, "silent"),
        ("Task", {"prompt": "explain rm -rf /"}, "silent"),
    ],
)
def test_other_tools_are_judged_by_what_they_would_do(laptop, tool, tool_input, expected):
    assert laptop.guard(tool, tool_input).decision == expected


def test_the_laptops_own_root_is_protected_wherever_it_is(laptop):
    path = laptop.plugin / "hooks" / "guard.py"
    assert laptop.guard("Edit", {"file_path": str(path), "new_string": "x"}).rule == "guard-tampering"
    assert laptop.bash(f"echo > '{laptop.root}/guard/current'").rule == "guard-tampering"


def test_a_question_is_json_with_exit_code_0(laptop):
    answer = laptop.bash("git push origin --delete feature/old")
    assert (answer.decision, answer.code) == ("ask", 0)


def test_the_policy_switches_rules_off_and_turns_denials_into_questions(laptop):
    policy = laptop.plugin / "settings" / "guard-policy.json"
    policy.write_text(json.dumps({"schema": 1, "off": ["pull-request"], "ask": ["git-force-push"]}))
    assert laptop.bash("gh pr create").decision == "silent"
    assert laptop.bash("git push --force").decision == "ask"
    assert laptop.bash("dropdb x").decision == "deny"


def test_no_policy_switches_the_catastrophic_few_off(laptop):
    rules = [
        "delete-root",
        "delete-home",
        "delete-system",
        "disk-overwrite",
        "permissions-everywhere",
        "guard-tampering",
    ]
    policy = laptop.plugin / "settings" / "guard-policy.json"
    policy.write_text(json.dumps({"schema": 1, "off": rules, "ask": rules}))
    commands = ["rm -rf /", "rm -rf ~", "rm -rf /usr", "mkfs.ext4 /dev/sda", "chmod -R 777 /", "rm /etc/claude-code/x"]
    assert [laptop.bash(command).rule for command in commands] == rules


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"off": "pull-request"}', '{"off": {"pull-request": 1}}', "\0", '{"off": [1, null]}']
)
def test_a_broken_policy_changes_nothing(laptop, text):
    (laptop.plugin / "settings" / "guard-policy.json").write_text(text)
    assert laptop.bash("gh pr create").decision == "deny"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"3",
        b'"gh pr create"',
        b"{",
        b'{"tool_name": "Bash"',
        b"{}",
        b'{"hook_event_name": "PreToolUse"}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": null}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": 7}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": 7, "tool_input": {"command": "gh pr create"}}',
        b'{"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "gh pr create"}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"file_path": ["/etc"]}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}} trailing',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_payload_that_is_none_lets_the_call_through_without_a_word(laptop, payload):
    answer = laptop.start("guard", payload)
    assert (answer.code, answer.out, answer.err) == (0, "", "")


@pytest.mark.parametrize("cwd", [7, "", "relative", "/nowhere/at/all", "/" + "x" * 5000, "/a\0b"])
def test_an_odd_working_directory_does_not_blind_the_guard(laptop, cwd):
    payload = {
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "rm -rf / ./x"},
        "cwd": cwd,
    }
    assert laptop.start("guard", payload).decision == "deny"


@pytest.mark.parametrize(
    "command", ["gh\0 pr create", "gh pr create \ud800", "rm -rf / é \U0001f600 \u202e", "gh pr create #\x7f\x1b[0m"]
)
def test_odd_characters_neither_hide_a_command_nor_break_the_answer(laptop, command):
    assert laptop.bash(command).decision == "deny"


def test_invalid_utf8_in_a_command_does_not_hide_it(laptop):
    payload = b'{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"gh pr create \xff\xfe"}}'
    assert laptop.start("guard", payload).decision == "deny"


@pytest.mark.parametrize("padding", ["x ", "a;", "$(", "'a'", "a|", "$((", "`", "<<A\n"])
def test_ten_megabytes_end_in_a_decision_or_in_silence(laptop, padding):
    answer = laptop.bash(padding * (10_000_000 // len(padding)))
    assert answer.decision == "silent"


def test_padding_after_a_command_does_not_hide_it(laptop):
    assert laptop.bash("gh pr create; " + "true;" * 2_000_000).decision == "deny"


def test_running_out_of_time_is_silence_and_is_counted(laptop):
    """The deadline is cut to nothing instead of waiting for a slow machine."""
    hook = laptop.plugin / "hooks" / "guard_hook.py"
    hook.write_text(hook.read_text().replace("DEADLINE_S = 0.2", "DEADLINE_S = 0.0002"))
    assert laptop.bash("true;" * 100_000 + "gh pr create").decision == "silent"
    (record,) = laptop.records()
    assert record["attributes"]["hook.decision"] == "timeout"
    assert "hook.rule.id" not in record["attributes"]


def test_a_fault_in_the_guard_is_silence_and_is_counted_by_its_class(laptop):
    rules = laptop.plugin / "hooks" / "guard_forge.py"
    rules.write_text(rules.read_text().replace("def judge_gh(", "def judge_gh_before("))
    assert laptop.bash("gh pr create").decision == "silent"
    (record,) = laptop.records()
    assert (record["attributes"]["hook.decision"], record["attributes"]["error.type"]) == ("error", "AttributeError")


def test_a_deny_and_a_question_are_recorded_and_silence_is_not(laptop):
    laptop.bash("ls")
    laptop.bash("gh pr create --title 'canary title'")
    laptop.bash("git push origin :feature/canary")
    laptop.guard("mcp__canary__create_pull_request", {"title": "canary"})
    records = laptop.records()
    said = [
        (r["attributes"]["hook.rule.id"], r["attributes"]["hook.decision"], r["attributes"]["tool_name"])
        for r in records
    ]
    assert said == [
        ("pull-request", "deny", "Bash"),
        ("branch-delete-remote", "ask", "Bash"),
        ("pull-request", "deny", "mcp"),
    ]
    assert all(r["attributes"]["session.id"] == "5e55-10a" for r in records)
    assert all(r["attributes"]["tool_use_id"] == "toolu_9" and r["attributes"]["duration_ms"] > 0 for r in records)
    assert "canary" not in json.dumps(records)


@pytest.mark.parametrize("spoil", ["file", "readonly"])
def test_a_spool_that_cannot_be_written_does_not_change_the_decision(laptop, spoil):
    laptop.state.parent.mkdir(parents=True)
    if spoil == "file":
        laptop.state.write_text("in the way")
    else:
        laptop.state.mkdir()
        (laptop.state / "spool").symlink_to("/nowhere")
    assert laptop.bash("gh pr create").decision == "deny"


def test_closed_streams_do_not_break_the_exit_code(laptop):
    payload = json.dumps(
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "gh pr create"}}
    )
    command = f"exec /bin/sh '{laptop.launcher}' guard >&- 2>&-"
    done = subprocess.run(
        ["/bin/sh", "-c", command], input=payload, text=True, env=laptop.environment(), timeout=30, check=False
    )
    assert done.returncode == 2
    command = f"exec /bin/sh '{laptop.launcher}' guard <&-"
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, env=laptop.environment(), timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_guard_imports_nothing_slow(laptop):
    """`json`, `re` and the like cost more than the whole guard; the list is what -X importtime saw."""
    program = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]); import guard_hook, posix; posix._exit = print\n"
        "guard_hook.main(); print(*sorted(set(sys.modules) - before), sep=chr(10))"
    )
    payload = json.dumps(
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "npm test | tee x"}}
    )
    python = (laptop.root / "bin" / "interpreter").read_text().strip()
    argv = [python, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    done = subprocess.run(argv, input=payload, capture_output=True, text=True, check=True)
    imported = {name for name in done.stdout.split() if not name.startswith(("guard_", "0"))}
    assert imported <= {"_json", "_signal", "gc", "posix", "time", "payload"}
