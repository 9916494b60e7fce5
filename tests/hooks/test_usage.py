"""Which hook events become which records; and that nothing but names of the catalogue and identifiers is in them."""

import json
import random
import subprocess
import sys

import pytest

COMMON = {
    "session_id": "0b9f-1",
    "prompt_id": "p-1",
    "cwd": "/home/dev/canary",
    "transcript_path": "/home/dev/canary.jsonl",
}
USED = {
    **COMMON,
    "hook_event_name": "PostToolUse",
    "tool_name": "Skill",
    "tool_input": {"skill": "base-plugin:probe", "args": "canary args"},
    "tool_response": {"success": True, "commandName": "base-plugin:probe"},
    "tool_use_id": "toolu_1",
    "duration_ms": 12,
}
TYPED = {
    **COMMON,
    "hook_event_name": "UserPromptExpansion",
    "expansion_type": "slash_command",
    "command_name": "base-plugin:probe",
    "command_args": "canary args",
    "command_source": "plugin",
    "prompt": "/base-plugin:probe canary args",
}
SKILL = {
    "skill.name": "base-plugin:probe",
    "plugin.name": "base-plugin",
    "plugin.version": "0.1.0+abababababab",
    "plugin.digest": "abababababab",
    "marketplace.name": "acme",
}
IDS = {"session.id": "0b9f-1", "prompt.id": "p-1"}


def record_of(laptop, payload, **more):
    answer = laptop.start("usage", payload, **more)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    records = laptop.records()
    assert len(records) <= 1
    return (records[0]["name"], records[0]["attributes"]) if records else None


def test_a_skill_that_the_model_calls(laptop):
    name, attributes = record_of(laptop, USED)
    assert name == "skillway.skill.used"
    called = {"invocation_trigger": "claude-proactive", "tool_use_id": "toolu_1", "success": True, "duration_ms": 12}
    assert attributes == {**SKILL, **IDS, **called}


def test_a_skill_that_fails(laptop):
    payload = {**USED, "hook_event_name": "PostToolUseFailure", "error": "canary: no such file", "is_interrupt": False}
    _, attributes = record_of(laptop, payload)
    assert (attributes["success"], attributes["error.type"]) == (False, "failed")


def test_a_skill_that_is_interrupted(laptop):
    _, attributes = record_of(laptop, {**USED, "hook_event_name": "PostToolUseFailure", "is_interrupt": True})
    assert (attributes["success"], attributes["error.type"]) == (False, "interrupted")


def test_a_skill_that_the_user_types(laptop):
    name, attributes = record_of(laptop, TYPED)
    assert name == "skillway.skill.used"
    assert attributes == {**SKILL, **IDS, "invocation_trigger": "user-slash"}


@pytest.mark.parametrize(
    "name",
    ["other-plugin:canary", "canary", "base-plugin:canary-unknown", "base-plugin:", ":probe", "base-plugin:../../canary",
     "base-plugin:.hidden", "Base-Plugin:probe", "base-plugin:probe:canary", "base-plugin:pro be", "", 7, None],
)  # fmt: skip
def test_a_skill_outside_of_the_catalogue_has_no_name(laptop, name):
    payload = {**USED, "tool_input": {"skill": name}}
    _, attributes = record_of(laptop, payload)
    assert attributes["skill.name"] == "unlisted"
    assert not {"plugin.name", "plugin.version", "plugin.digest", "marketplace.name"} & set(attributes)


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"plugins": {}}', '{"plugins": [{"name": "base-plugin", "source": "./store/../../etc"}]}']
)
def test_a_missing_or_broken_catalogue_lists_nothing(laptop, text):
    catalogue = laptop.root / ".claude-plugin" / "marketplace.json"
    catalogue.unlink() if text is None else catalogue.write_text(text)
    assert record_of(laptop, USED)[1]["skill.name"] == "unlisted"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"hook_event_name": "SessionStart", "source": "startup"},
            ("skillway.session.started", {"session.source": "startup"}),
        ),
        ({"hook_event_name": "SessionStart", "source": "compact"}, None),
        (
            {"hook_event_name": "SessionEnd", "reason": "other"},
            ("skillway.session.ended", {"session.end.reason": "other"}),
        ),
        ({"hook_event_name": "SessionEnd", "reason": "canary"}, ("skillway.session.ended", {})),
        ({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "canary"}}, None),
        ({"hook_event_name": "UserPromptSubmit", "prompt": "canary"}, None),
        ({**TYPED, "command_source": "user"}, None),
        ({**TYPED, "expansion_type": "mcp_prompt"}, None),
        ({"hook_event_name": "Unheard"}, None),
    ],
)
def test_other_events(laptop, payload, expected):
    assert record_of(laptop, payload) == expected


def test_client_and_person_come_from_where_the_payload_does_not_have_them(laptop):
    laptop.state.mkdir(parents=True)
    (laptop.state / "user.json").write_text(
        json.dumps({"schema": 1, "user.hash": "0123456789abcdef" * 2, "email": "canary@x"})
    )
    more = {
        "AI_AGENT": "claude-code_2-1-197_harness",
        "CLAUDE_CODE_ENTRYPOINT": "sdk-cli",
        "ANTHROPIC_API_KEY": "canary",
    }
    _, attributes = record_of(laptop, {"hook_event_name": "SessionStart", "source": "startup"}, **more)
    assert attributes == {
        "session.source": "startup",
        "user.hash": "0123456789abcdef" * 2,
        "app.version": "2.1.197",
        "app.entrypoint": "sdk-cli",
    }


@pytest.mark.parametrize("agent", ["", "canary", "other_1-2", "claude-code", "claude-code_", "claude-code_ca nary_x"])
def test_an_unknown_client_has_no_version(laptop, agent):
    _, attributes = record_of(laptop, {"hook_event_name": "SessionStart", "source": "startup"}, AI_AGENT=agent)
    assert attributes == {"session.source": "startup"}


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"null", b"[]", b"{", b"[" * 100_000, b'{"hook_event_name": 7}', b"{}"]
)
def test_what_is_no_payload_leaves_nothing(laptop, payload):
    assert record_of(laptop, payload) is None


def _canaried(value, random_source, depth=0):
    """Put a canary into every string that decides nothing, and add keys that carry more of them."""
    if isinstance(value, dict):
        filled = {key: _canaried(inner, random_source, depth + 1) for key, inner in value.items()}
        filled[f"extra{random_source.randrange(9)}"] = random_source.choice(
            ["canary /home/x", ["canary"], {"a": "canary"}]
        )
        return filled
    if isinstance(value, str) and random_source.random() < 0.5:
        return random_source.choice(["canary", "canary secret", "/canary", "CANARY-1", "sk-ant-canary"])
    return value


@pytest.mark.parametrize("seed", range(4))
def test_no_canary_of_ten_thousand_payloads_reaches_the_spool_or_the_wire(laptop, receiver, seed):
    """Identifiers are left out of the game: they are copied by design, within their characters and length."""
    source = random.Random(seed)
    kept = ("hook_event_name", "session_id", "prompt_id", "tool_use_id", "tool_name")
    payloads = []
    for _ in range(2500):
        template = source.choice([USED, TYPED, {**USED, "hook_event_name": "PostToolUseFailure", "error": "x"}])
        payload = _canaried(template, source)
        payload.update({key: template[key] for key in kept if key in template})
        payloads.append(payload)
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import usage_hook\n"
        "for payload in json.load(sys.stdin): usage_hook._record(payload)"
    )
    argv = [sys.executable, "-I", "-c", program, str(laptop.plugin / "hooks")]
    env = laptop.environment(CANARY="canary", CLAUDE_PROJECT_DIR="/canary")
    done = subprocess.run(
        argv, input=json.dumps(payloads), text=True, capture_output=True, env=env, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    files = [path for path in laptop.state.rglob("*") if path.is_file()]
    assert len(laptop.records()) > 100
    assert not any("canary" in path.read_text().lower() for path in files)
    laptop.flush(CANARY="canary")
    assert len(receiver.uids()) > 100
    assert "canary" not in json.dumps([request[1:] for request in receiver.requests]).lower()


def test_usage_imports_nothing_slow(laptop):
    laptop.hold_flusher()
    program = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]); import usage_hook, posix; posix._exit = print\n"
        "usage_hook.main(); print(*sorted(set(sys.modules) - before), sep=chr(10))"
    )
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    done = subprocess.run(
        argv, input=json.dumps(USED), capture_output=True, text=True, check=True, env=laptop.environment()
    )
    assert set(done.stdout.split()) - {"0"} <= {"_json", "fcntl", "posix", "time", "payload", "spool", "usage_hook"}
