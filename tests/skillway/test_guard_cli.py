"""`skillway guard`: what it says about commands, case lists, stops and policies, also when they are wrong."""

import json
import subprocess
import sys

import pytest

OWN_RULE = {"id": "acme-prod", "executable": "acmectl", "decision": "deny", "why": "it deploys.", "instead": "ask"}


@pytest.fixture
def guard(tmp_path):
    """Run `skillway guard` in a folder of its own and give exit code, envelope and stderr."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*arguments, cwd=folder):
        # --json goes first: what follows `--` belongs to the command that is explained.
        at = 1 if arguments[:1] != ("policy",) or arguments[1:2] != ("check",) else 2
        argv = [*map(str, arguments[:at]), "--json", *map(str, arguments[at:])]
        done = subprocess.run(
            [sys.executable, "-m", "skillway", "guard", *argv], capture_output=True, text=True, cwd=cwd, check=False
        )
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    run.folder = folder
    return run


def cases_file(tmp_path, *rows):
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return file


def test_explain_shows_commands_folders_zones_and_the_rule(guard, home):
    code, envelope, _ = guard("explain", 'cd /tmp && sudo rm -rf "$HOME" > log; ls | cat')
    data = envelope["data"]
    assert (code, data["decision"], data["rule"], data["what"]) == (
        0,
        "deny",
        "delete-home",
        'sudo rm -rf "$HOME" > log',
    )
    assert [found["argv"][0] for found in data["commands"]] == ["cd", "rm", "ls", "cat"]
    removal = data["commands"][1]
    assert (removal["cwd"], removal["redirects"]) == ("/tmp", [[">", "log"]])
    assert removal["zones"][str(home)] == "home"
    assert data["commands"][3]["stdin_from"] == ["ls"]
    assert [stop["rule"] for stop in data["stops"]] == ["delete-home"]


def test_explain_takes_separate_words_and_shows_what_is_not_known(guard):
    _, envelope, _ = guard("explain", "--", "git", "push", "--force", "&&", "echo", "a b")
    assert envelope["data"]["rule"] == "git-force-push"
    assert envelope["data"]["commands"][1]["argv"] == ["echo", "a b"]
    _, envelope, _ = guard("explain", "rm -rf $(date)/x")
    assert envelope["data"]["commands"][-1]["argv"][-1] == "<unknown>/x"


@pytest.mark.parametrize("text", ["", "'", "a\x01\x7f", "$((", "é" * 5000, "if", "<<E\nx"])
def test_explain_takes_any_text(guard, text):
    code, envelope, _ = guard("explain", "--", text)
    assert (code, envelope["data"]["decision"], envelope["data"]["fault"]) == (0, "silent", "")


def test_explain_tells_what_the_policy_changed(guard, tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text(
        json.dumps({"schema": 1, "ask": ["git-force-push"], "off": ["pull-request"], "rules": [OWN_RULE]})
    )
    _, envelope, _ = guard("explain", "--policy", policy, "git push -f; gh pr create")
    assert envelope["data"]["decision"] == "ask"
    stops = [(stop["rule"], stop["decision"], stop["after_policy"]) for stop in envelope["data"]["stops"]]
    assert stops == [("git-force-push", "deny", "ask"), ("pull-request", "deny", "silent")]
    _, envelope, _ = guard("explain", "--policy", policy, "acmectl x")
    assert envelope["data"]["rule"] == "acme-prod"


@pytest.mark.parametrize("process", [[], ["--process"]], ids=["worker", "process"])
def test_case_list_is_scored_by_family(guard, tmp_path, process):
    file = cases_file(
        tmp_path,
        {"command": "rm -rf /", "expect": "deny", "category": "delete"},
        {"command": "rm -rf build", "expect": "allow", "category": "delete-safe"},
        "",
        {"command": "git push --force", "expect": "allow", "category": "made-up"},
        {"command": "true", "expect": "ask", "category": "made-up"},
        {"tool": "Edit", "tool_input": {"file_path": "/etc/claude-code/x"}, "expect": "deny", "category": "self"},
        {"command": "git push origin --delete x", "expect": "deny", "category": "branch"},
    )
    code, envelope, _ = guard("test", *process, file)
    data = envelope["data"]
    assert (code, envelope["ok"]) == (5, False)
    assert (data["total"]["harmful"], data["total"]["stopped"]) == (4, 3)
    assert (data["total"]["harmless"], data["total"]["false_stops"]) == (2, 1)
    assert (data["families"]["made-up"]["stop_rate"], data["families"]["made-up"]["false_rate"]) == (0, 1)
    assert [(miss["line"], miss["kind"]) for miss in data["misses"]] == [
        (4, "false stop"),
        (5, "missed"),
        (7, "other decision"),
    ]
    assert len(data["failures"]) == 3
    assert data["faults"] == []


def test_thresholds_decide_the_exit_code(guard, tmp_path):
    file = cases_file(tmp_path, {"command": "true", "expect": "deny"}, *[{"command": "rm -rf /", "expect": "deny"}] * 3)
    assert guard("test", file, "--min-stopped", "0.75", "--min-family", "0.75")[0] == 0
    assert guard("test", file, "--min-stopped", "0.76", "--min-family", "0.75")[0] == 5
    assert guard("test", file, "--min-stopped", "0.75", "--min-family", "0.76")[0] == 5


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"command": "ls"}',
        '{"command": "ls", "expect": "yes"}',
        '{"expect": "deny"}',
        "[" * 9000,
        '{"command": 7, "expect": "deny"}',
        '{"tool": "Read", "tool_input": [], "expect": "deny"}',
        '{"command": "ls", "expect": "deny", "cwd": 3}',
    ],
)
def test_wrong_case_is_one_sentence_with_its_line(guard, tmp_path, line):
    file = cases_file(tmp_path, {"command": "ls", "expect": "allow"}, line)
    code, envelope, _ = guard("test", file)
    assert (code, envelope["error"]["code"]) == (1, "cases")
    assert "cases.jsonl:2" in envelope["error"]["message"]


def test_case_list_that_is_empty_or_missing_is_refused(guard, tmp_path):
    assert guard("test", cases_file(tmp_path, "\n"))[0] == 1
    assert guard("test", tmp_path / "none")[0] == 7


@pytest.fixture
def log(home):
    """Write the local log as the hook does."""
    folder = home / ".local" / "state" / "skillway" / "guard"
    folder.mkdir(parents=True)

    def write(*rows, name="stops.jsonl"):
        common = {"v": 1, "time": 1_790_000_000, "tool": "Bash", "decision": "deny", "project": "ab"}
        lines = [row if isinstance(row, str) else json.dumps({**common, **row}) for row in rows]
        (folder / name).write_text("\n".join(lines) + "\n")

    write.folder = folder
    return write


def test_report_lists_the_most_frequent_rules_and_passes_over_torn_lines(guard, log):
    log({"id": "aa11", "rule": "a", "part": "old"}, name="stops.1.jsonl")
    log(
        {"id": "bb22", "rule": "a", "part": "new", "project": "cd"},
        '{"id": "cc',
        "[]",
        '{"id": 1, "rule": "a"}',
        {"id": "dd44", "rule": "b", "part": "x"},
    )
    code, envelope, _ = guard("report")
    rows = [(row["rule"], row["stops"], row["projects"], row["latest"]["id"]) for row in envelope["data"]["rules"]]
    assert (code, rows) == (0, [("a", 2, 2, "bb22"), ("b", 1, 1, "dd44")])
    assert envelope["next_actions"] == ["skillway guard report --wrong bb22"]


def test_report_reads_what_the_hook_writes(guard, repository, home):
    payload = {
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "cwd": str(guard.folder),
        "tool_input": {"command": "echo a; git push --force origin main"},
    }
    hook = subprocess.run(
        [sys.executable, "-I", "-S", repository / "hooks" / "guard.py"],
        input=json.dumps(payload),
        text=True,
        capture_output=True,
        check=False,
    )
    assert hook.returncode == 2
    _, envelope, _ = guard("report")
    (row,) = envelope["data"]["rules"]
    assert (row["rule"], row["latest"]["part"]) == ("git-force-push", "git push --force origin main")


def test_empty_log_is_said_plainly(guard):
    code, envelope, _ = guard("report")
    assert (code, envelope["data"]["rules"]) == (0, [])


def test_faulty_policy_on_the_laptop_is_told(guard, log):
    (log.folder / "policy.faults").write_bytes(b"...")
    _, envelope, _ = guard("report")
    assert "during 3 tool calls" in envelope["warnings"][0]


def test_wrong_stop_is_drafted_without_secrets_and_names(guard, log):
    part = (
        "curl -H 'Authorization: Bearer abcdef123456' -u https://bob:hunter2@git.example.net/x --token=ghp_0123456789abcdef "
        "API_KEY='s3cr3t value' ./x --password hunter2 /home/carol/x jane.doe@example.net 10.1.2.3 "
        "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIzNDU2 ```"
    )
    log({"id": "aa11", "rule": "secret-upload", "part": part})
    code, envelope, _ = guard("report", "--wrong", "aa")
    issue = envelope["data"]["issue"]
    assert code == 0
    assert "secret-upload" in issue
    assert "````" in issue, "the fence is longer than what stands in it"
    leaked = ["abcdef123456", "hunter2", "ghp_", "s3cr3t", "carol", "jane", "10.1.2.3", "Zm9vYmFy", "bob"]
    assert [text for text in leaked if text in issue] == []
    assert "curl -H" in issue


@pytest.mark.parametrize("name", ["", "zz", "a"])
def test_stop_that_is_not_one_is_not_found(guard, log, name):
    log({"id": "aa11", "rule": "a", "part": "x"}, {"id": "ab22", "rule": "a", "part": "x"})
    code, envelope, _ = guard("report", "--wrong", name)
    assert (code, envelope["error"]["code"]) == (7, "not_found")


def test_rules_are_listed_with_the_catastrophic_ones_marked(guard):
    _, envelope, _ = guard("rules")
    rules = {rule["id"]: rule for rule in envelope["data"]}
    assert rules["delete-root"]["catastrophic"]
    assert not rules["git-force-push"]["catastrophic"]
    _, policy, _ = guard("policy")
    assert {name for name, rule in rules.items() if rule["catastrophic"]} == set(policy["data"]["catastrophic"])


def test_policy_shows_both_files_and_what_is_not_used(guard, tmp_path):
    (guard.folder / ".claude").mkdir()
    (guard.folder / ".claude" / "skillway-guard.json").write_text('{"schema": 1, "deny": ["plugin-off"], "off": []}')
    policy = tmp_path / "policy.json"
    policy.write_text(
        json.dumps({"schema": 1, "contact": "#it", "projects": ["/", "/data/x"], "rules": [OWN_RULE, {}]})
    )
    _, envelope, _ = guard("policy", "--policy", policy)
    data = envelope["data"]
    assert (data["deny"], data["contact"], data["projects"], [rule["id"] for rule in data["rules"]]) == (
        ["plugin-off"],
        "#it",
        [],
        ["acme-prod"],
    )
    assert len(envelope["warnings"]) == 3


def test_policy_of_the_repository_is_found_from_below(guard, tmp_path):
    settings = tmp_path / "work" / "base-plugin" / "settings"
    settings.mkdir(parents=True)
    (settings / "guard-policy.json").write_text('{"schema": 1, "off": ["pull-request"]}')
    _, envelope, _ = guard("explain", "gh pr create", cwd=settings)
    assert envelope["data"]["decision"] == "silent"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("guard-policy.json", "{", "not JSON"),
        ("guard-policy.json", "[]", "schema"),
        ("guard-policy.json", '{"schema": 2}', "schema"),
        ("guard-policy.json", '{"schema": 1, "of": []}', "of"),
        ("guard-policy.json", '{"schema": 1, "off": ["no-such-rule"]}', "no-such-rule"),
        ("guard-policy.json", '{"schema": 1, "off": ["delete-root"]}', "cannot be switched off"),
        ("guard-policy.json", '{"schema": 1, "caches": ["/usr/lib"]}', "too wide"),
        ("guard-policy.json", '{"schema": 1, "rules": [{"id": "x"}]}', "executable"),
        ("guard-policy.json", json.dumps({"schema": 1, "rules": [OWN_RULE, OWN_RULE]}), "twice"),
        ("guard-policy.json", json.dumps({"schema": 1, "rules": [{**OWN_RULE, "id": "pull-request"}]}), "already has"),
        ("skillway-guard.json", '{"schema": 1, "off": ["pull-request"]}', "off"),
        ("skillway-guard.json", '{"schema": 1, "caches": []}', "caches"),
    ],
)
def test_policy_check_finds_what_is_wrong(guard, tmp_path, name, text, fault):
    file = tmp_path / name
    file.write_text(text)
    code, envelope, _ = guard("policy", "check", file)
    assert (code, envelope["ok"]) == (5, False)
    assert fault in " ".join(envelope["data"]["faults"])


def test_policy_check_passes_the_shipped_policy_and_a_right_one(guard, tmp_path):
    assert guard("policy", "check")[0] == 0
    file = tmp_path / "guard-policy.json"
    file.write_text(
        json.dumps({"schema": 1, "off": ["pull-request", "acme-prod"], "caches": ["~/c"], "rules": [OWN_RULE]})
    )
    assert guard("policy", "check", file)[1]["data"]["faults"] == []
    project = tmp_path / "skillway-guard.json"
    project.write_text(json.dumps({"schema": 1, "deny": ["plugin-off", "delete-root"], "rules": [OWN_RULE]}))
    assert guard("policy", "check", project)[1]["data"]["faults"] == []
    assert guard("policy", "check", tmp_path / "none.json")[0] == 7


def test_policy_check_says_each_fault_once_and_in_words(guard, tmp_path):
    file = tmp_path / "guard-policy.json"
    file.write_text('{"schema": 1, "off": ["delete-root"], "ask": "x", "projects": ["relative"], "zzz": 1}')
    _, envelope, _ = guard("policy", "check", file)
    faults = envelope["data"]["faults"]
    for part, words in [
        ("zzz", "is not known"),
        ("ask", "a list is expected"),
        ("relative", "begins with / or ~/"),
        ("delete-root", "cannot be switched off"),
    ]:
        assert [words in fault for fault in faults if part in fault.partition("known are")[0]] == [True], part


def test_policy_tells_of_rules_that_it_cannot_change(guard, tmp_path):
    file = tmp_path / "guard-policy.json"
    file.write_text('{"schema": 1, "off": ["delete-root", "no-such"]}')
    _, envelope, _ = guard("policy", "--policy", file)
    warnings = "\n".join(envelope["warnings"])
    assert "delete-root cannot be switched off" in warnings
    assert "no rule 'no-such'" in warnings


def test_policy_fault_is_told_with_the_name_of_the_file_that_was_given(guard, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text("{")
    _, envelope, _ = guard("explain", "--policy", file, "ls")
    assert any(str(file) in warning for warning in envelope["warnings"])


def test_report_does_not_say_that_nothing_was_stopped_when_it_cannot_read_the_log(guard, log):
    log("no line of ours", "{}")
    code, envelope, _ = guard("report")
    assert (code, envelope["data"]["stops"]) == (0, 0)
    assert any("2 lines" in warning for warning in envelope["warnings"])


def test_log_that_is_no_file_is_one_sentence(guard, home):
    (home / ".local" / "state" / "skillway" / "guard" / "stops.jsonl").mkdir(parents=True)
    code, envelope, _ = guard("report")
    assert code == 3
    assert "cannot be read" in envelope["error"]["message"]


def test_report_shows_no_password_on_the_screen(guard, repository, home):
    payload = {"hook_event_name": "PreToolUse", "cwd": "/", "tool_name": "Bash"}
    payload["tool_input"] = {"command": "git push --force https://ada:geheim123@example.com/x.git main"}
    argv = [sys.executable, "-I", "-S", str(repository / "hooks" / "guard.py")]
    subprocess.run(
        argv, input=json.dumps(payload), text=True, capture_output=True, env={"HOME": str(home)}, check=False
    )
    _, envelope, _ = guard("report")
    assert "<user>@example.com" in envelope["data"]["rules"][0]["latest"]["part"]
    assert "geheim123" not in json.dumps(envelope)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("ls", "has nothing against it"),
        ("gh pr create", "does not run"),
        ("git branch -D x", "a person is asked"),
        ("", "There is no command"),
    ],
)
def test_explain_says_what_a_decision_means(guard, text, meaning):
    argv = [sys.executable, "-m", "skillway", "guard", "explain", text]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=guard.folder, check=True)
    assert meaning in done.stdout
