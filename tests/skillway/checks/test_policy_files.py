"""Settings fragments, the guard policy and what wires hooks: agreement with the schemas, and no second finding."""

import json

import pytest
from jsonschema import Draft202012Validator

from skillway.checks import check_repository
from skillway.checks.schema import find_departures, load_schema

HOOKS = "base-plugin/hooks/hooks.json"
FRAGMENT = "base-plugin/settings/managed-settings.d/10-guard.json"
RULE = {"id": "acme-deploy", "executable": "acme", "decision": "ask", "why": "It deploys.", "instead": "Ask first."}


def found(root):
    return {(finding.severity, finding.rule, finding.file) for finding in check_repository(root)}


@pytest.mark.parametrize(
    "policy",
    [
        {"schema": 1},
        {"schema": 1, "off": ["publish"], "ask": [], "caches": ["~/.cache/x"], "contact": "#platform", "rules": [RULE]},
        {},
        [],
        {"schema": 2},
        {"schema": "1"},
        {"schema": True},
        {"schema": 1, "of": []},
        {"schema": 1, "off": "publish"},
        {"schema": 1, "off": [1]},
        {"schema": 1, "off": ["Publish It"]},
        {"schema": 1, "off": ["a"] * 201},
        {"schema": 1, "caches": ["cache"]},
        {"schema": 1, "contact": "x" * 161},
        {"schema": 1, "rules": [{**RULE, "decision": "allow"}]},
        {"schema": 1, "rules": [{**RULE, "why": ""}]},
        {"schema": 1, "rules": [{**RULE, "options": ["force"]}]},
        {"schema": 1, "rules": [{key: value for key, value in RULE.items() if key != "executable"}]},
        {"schema": 1, "rules": [{**RULE, "extra": 1}]},
    ],
    ids=lambda policy: json.dumps(policy)[:60],
)
def test_guard_policy_is_good_for_the_rule_when_a_whole_validator_takes_it(good, policy):
    is_good = Draft202012Validator(load_schema("guard-policy")).is_valid(policy)
    assert (not list(find_departures(policy, "guard-policy"))) is is_good
    (good / "base-plugin/settings/guard-policy.json").write_text(json.dumps(policy))
    assert ("guard-policy-form" in {rule for _, rule, _ in found(good)}) is (not is_good and isinstance(policy, dict))


@pytest.mark.parametrize("file", [HOOKS, FRAGMENT])
@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}'])
def test_broken_wiring_is_told_once_and_no_hook_as_unwired(good, file, text):
    (good / file).write_text(text)
    rule = "hooks-json-broken" if file == HOOKS else "settings-broken"
    assert found(good) == {("error", rule, file)}


@pytest.mark.parametrize("value", ["eu", 3, True, 0.5])
def test_env_takes_what_the_client_turns_into_a_text(good, value):
    content = {**json.loads((good / FRAGMENT).read_text()), "env": {"REGION": value}}
    (good / FRAGMENT).write_text(json.dumps(content))
    assert found(good) == set()
    assert Draft202012Validator(load_schema("settings-fragment")).is_valid(content)


@pytest.mark.parametrize(
    "change",
    [
        {"env": []},
        {"env": {"A": None}},
        {"env": {"A": ["b"]}},
        {"permissions": []},
        {"permissions": {"allow": {}}},
        {"permissions": {"ask": [1]}},
        {"permissions": {"additionalDirectories": "/srv"}},
    ],
    ids=json.dumps,
)
def test_wrong_type_is_an_error_for_the_rule_and_for_the_schema(good, change):
    content = {**json.loads((good / FRAGMENT).read_text()), **change}
    (good / FRAGMENT).write_text(json.dumps(content))
    assert found(good) == {("error", "settings-type", FRAGMENT)}
    assert not Draft202012Validator(load_schema("settings-fragment")).is_valid(content)


def test_key_that_no_known_client_has_is_never_an_error(good):
    content = {**json.loads((good / FRAGMENT).read_text()), "quantumMode": {"deny": 1}, "permissions": {"maybe": 1}}
    (good / FRAGMENT).write_text(json.dumps(content))
    assert found(good) == {("warning", "settings-key-unknown", FRAGMENT)}


def test_unknown_rules_of_a_guard_without_a_table_are_not_judged(good):
    (good / "base-plugin/settings/guard-policy.json").write_text('{"schema": 1, "off": ["no-such-rule"]}')
    assert found(good) == set()
    (good / "hooks/README.md").write_text("| rule | decision |\n|---|---|\n| `publish` | ask |\n")
    assert {rule for _, rule, _ in found(good)} == {"guard-policy-rule"}


@pytest.mark.parametrize(
    "text",
    [
        "import nowhere",
        "import json, nowhere",
        "def main():\n    from nowhere.deep import x",
        "try:\n    import nowhere\nfinally:\n    pass",
        "if json:\n    pass\nelse:\n    import nowhere",
        "import json; import nowhere",
        "import json, \\\n    nowhere",
    ],
)
def test_import_that_can_only_fail_is_found(good, text):
    (good / "hooks/guard.py").write_text(f"{text}\n")
    assert ("error", "hook-import-missing", "hooks/guard.py") in found(good)
