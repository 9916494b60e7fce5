"""The published JSON Schema files say what the rules and the readers do."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import skillway
from skillway.build.product import load_build
from skillway.checks import RULES, check_repository
from skillway.checks.frontmatter_keys import AGENT_KEYS, SKILL_KEYS
from skillway.checks.hooks import EVENTS_OF_2_1_197, KINDS, NEWER_EVENTS
from skillway.checks.plugin_json import KEYS
from skillway.errors import RepositoryError, SkillwayError
from skillway.organisation import load_organisation
from skillway_sync.config import KEYS as CONFIG_KEYS
from skillway_sync.config import load_config
from skillway_sync.errors import SyncError
from skillway_sync.manifest import make_manifest, parse_manifest
from skillway_sync.release_document import PluginNote, Release, ReleasedPlugin, RingPointer, parse_release, parse_ring

FOLDER = Path(skillway.__file__).parent / "schemas"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
SUPPORT = "skills/support/.claude-plugin/plugin.json"
HOOKS = "base-plugin/hooks/hooks.json"
FRAGMENT = "base-plugin/settings/managed-settings.d/10-guard.json"
TRIAGE = "skills/support/triage/SKILL.md"
DIGEST = "a" * 64


def schema(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def accepts(name, value):
    return Draft202012Validator(schema(name)).is_valid(value)


def test_there_is_a_schema_for_every_format():
    assert set(NAMES) == {
        *("agent-frontmatter", "build", "config", "hooks", "manifest", "organisation", "plugin", "release", "ring"),
        *("guard-policy", "guard-project", "settings-fragment", "skill-frontmatter", "promotion"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_and_says_what_it_is_for(name):
    content = schema(name)
    Draft202012Validator.check_schema(content)
    assert content["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert content["title"]
    assert content["description"]


@pytest.mark.parametrize(
    ("name", "keys"),
    [("plugin", KEYS), ("skill-frontmatter", SKILL_KEYS), ("agent-frontmatter", AGENT_KEYS), ("config", CONFIG_KEYS)],
)
def test_schema_has_exactly_the_keys_that_are_known(name, keys):
    assert set(schema(name)["properties"]) == set(keys)


def test_schemas_have_exactly_the_events_and_kinds_of_hooks_that_are_known():
    assert set(schema("hooks")["properties"]["hooks"]["propertyNames"]["enum"]) == EVENTS_OF_2_1_197
    events = schema("settings-fragment")["properties"]["hooks"]["propertyNames"]["enum"]
    assert set(events) == EVENTS_OF_2_1_197 | NEWER_EVENTS
    assert tuple(schema("hooks")["$defs"]["hook"]["properties"]["type"]["enum"]) == KINDS


def has_errors(root, file, rules):
    return any(finding.file == file and finding.rule.startswith(rules) for finding in check_repository(root))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name": "Support Tools"},
        {"name": None},
        {"name": "a" * 65},
        {"version": "latest"},
        {"version": "1.2"},
        {"version": "01.2.3"},
        {"version": "1.2.3-rc.1+5"},
        {"keywords": "a"},
        {"keywords": [1]},
        {"author": "Acme"},
        {"author": {"email": "a@b.example"}},
        {"homepage": 7},
        {"repository": {"type": "git"}},
        {"agents": "agents"},
        {"skills": ["./", "../x"], "name": "support"},
        {"defaultEnabled": "yes"},
        {"hooks": 7},
        {"unknown": 1},
    ],
    ids=json.dumps,
)
def test_plugin_json_is_good_for_the_schema_when_it_is_for_the_rules(good, change):
    content = {**json.loads((good / SUPPORT).read_text()), **change}
    content = {key: value for key, value in content.items() if value is not None}
    (good / SUPPORT).write_text(json.dumps(content))
    rules = ("plugin-name", "plugin-version", "plugin-key-type", "plugin-path")
    assert accepts("plugin", content) is not has_errors(good, SUPPORT, rules)


@pytest.mark.parametrize(
    "hooks",
    [
        {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "true"}]}]},
        {"PreToolUse": [{"hooks": [{"type": "prompt", "prompt": "Safe?", "timeout": 3}]}]},
        {"PreToolUse": [{"hooks": [{"type": "command"}]}]},
        {"PreToolUse": [{"hooks": [{"type": "command", "command": " "}]}]},
        {"PreToolUse": [{"hooks": [{"type": "shell", "command": "true"}]}]},
        {"PreToolUse": [{"hooks": [{"command": "true"}]}]},
        {"PreToolUse": [{"hooks": [{"type": "command", "command": "true", "timeout": "5"}]}]},
        {"PreToolUse": [{"hooks": [{"type": "command", "command": "true", "timeout": 0}]}]},
        {"PreToolUse": [{"hooks": ["true"]}]},
        {"PreToolUse": [{"matcher": 3, "hooks": []}]},
        {"PreToolUse": {"hooks": []}},
        {"PreToolUse": [{"type": "command", "command": "true"}]},
        {"UserPromptExpansion": [{"hooks": []}]},
        {"PreToolCall": [{"hooks": [{"type": "command", "command": "true"}]}]},
        [],
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize(("name", "file"), [("hooks", HOOKS), ("settings-fragment", FRAGMENT)])
def test_hooks_are_good_for_the_schema_when_they_are_for_the_rules(good, name, file, hooks):
    content = {"hooks": hooks}
    (good / file).write_text(json.dumps(content))
    is_empty_group = "hooks': []" in str(hooks)  # nothing to judge for the rules, which look at hooks one by one
    if not is_empty_group:
        assert accepts(name, content) is not has_errors(good, file, ("hook", "settings-broken"))


@pytest.mark.parametrize(
    "lines",
    [
        "user-invocable: true",
        'user-invocable: "true"',
        "user-invocable: maybe",
        "context: fork",
        "context: forked",
        "effort: max",
        "effort: 3",
        "effort: much",
        "allowed-tools: [Read, Grep]",
        "allowed-tools: {Read: yes}",
        "metadata: {a: b}",
        "metadata: text",
        "hooks: [a]",
        "model: [sonnet]",
        "when_to_use: [a, b]",
        "shell: zsh",
        "argument-hint: [ticket]",
        "license:",
    ],
)
def test_frontmatter_is_good_for_the_schema_when_it_is_for_the_rules(good, lines):
    text = f"---\nname: triage\ndescription: Use when tickets wait.\n{lines}\n---\nSort.\n"
    (good / TRIAGE).write_text(text)
    content = yaml.safe_load(text.split("---\n")[1])
    assert accepts("skill-frontmatter", content) is not has_errors(
        good, TRIAGE, ("frontmatter-type", "frontmatter-value")
    )


@pytest.mark.parametrize(
    "content",
    [
        {"name": "acme"},
        {"name": "acme", "teams": ["a", {"name": "b", "owners": ["@x"]}], "rings": ["one"], "title": "Acme"},
        {"name": "Acme Inc"},
        {"teams": []},
        {"name": "acme", "teams": "a"},
        {"name": "acme", "teams": [{"owners": []}]},
        {"name": "acme", "rings": []},
        {"name": "acme", "rings": ["A"]},
        {"name": "acme", "owners": "x"},
    ],
    ids=json.dumps,
)
def test_organisation_is_good_for_the_schema_when_it_is_for_its_reader(tmp_path, content):
    (tmp_path / "organisation.yaml").write_text(yaml.safe_dump(content))
    assert accepts("organisation", content) is not _fails(RepositoryError, load_organisation, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {"store": "https://store.example"},
        {"store": "file:///srv", "teams": ["*", "support"], "ring": "canary", "developer_tools": False, "user": {}},
        {},
        {"store": "ftp://x"},
        {"store": "https://x.example", "teams": "support"},
        {"store": "https://x.example", "teams": ["A B"]},
        {"store": "https://x.example", "ring": "A"},
        {"store": "https://x.example", "developer_tools": "yes"},
        {"store": "https://x.example", "telemetry": []},
        {"store": "https://x.example", "root_json": ""},
    ],
    ids=json.dumps,
)
def test_config_is_good_for_the_schema_when_it_is_for_the_laptop(tmp_path, content):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(content))
    assert accepts("config", content) is not _fails(SyncError, load_config, file)


def test_published_documents_fit_their_schemas_and_a_changed_one_does_not():
    plugins = {"base-plugin": ReleasedPlugin(DIGEST, "1.0.0", "base", None, "d")}
    release = Release(3, "Acme", "acme", "2026-01-01T00:00:00Z", plugins, {"base-plugin": PluginNote("added", ("x",))})
    ring = RingPointer("canary", 3)
    manifest, _ = make_manifest("base-plugin", "1.0.0", {".claude-plugin/plugin.json": (b"{}", "0644")})
    for name, value, parse in (
        ("release", release, parse_release),
        ("ring", ring, parse_ring),
        ("manifest", manifest, parse_manifest),
    ):
        content = json.loads(value.to_bytes())
        assert accepts(name, content)
        for key in content:
            without = {other: content[other] for other in content if other != key}
            assert not accepts(name, without), f"{name} without {key}"
            assert _fails(SyncError, parse, json.dumps(without).encode(), where="x"), f"{name} without {key}"


@pytest.mark.parametrize(
    "change",
    [{}, {"digest": "x"}, {"layer": "other"}, {"team": "support"}, {"layer": "team"}, {"layer": "team", "team": "a"}],
)
def test_released_plugin_is_good_for_the_schema_when_it_is_for_its_reader(change):
    plugins = {"base-plugin": ReleasedPlugin(DIGEST, "1.0.0", "base", None, "d")}
    content = json.loads(Release(3, "Acme", "acme", "2026-01-01T00:00:00Z", plugins).to_bytes())
    content["plugins"]["other"] = {**content["plugins"]["base-plugin"], "layer": "developer-tools", **change}
    assert accepts("release", content) is not _fails(SyncError, parse_release, json.dumps(content).encode(), where="x")


def test_build_record_without_a_digest_fits_neither_schema_nor_reader(tmp_path):
    entry = {"version": "1.0.0", "layer": "base", "team": None, "description": "d"}
    content = {"schema": 1, "plugins": {"base-plugin": entry}}
    (tmp_path / "build.json").write_text(json.dumps(content))
    assert not accepts("build", content)
    assert _fails((SkillwayError, SyncError), load_build, tmp_path)
    assert accepts("build", {"schema": 1, "plugins": {"base-plugin": {**entry, "digest": DIGEST}}})


def test_no_rule_is_called_twice():
    assert len(RULES) == len({rule.title for rule in RULES.values()})


def _fails(errors, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except errors:
        return True
    return False
