"""Our parts go into a user's settings and come out again, and the rest is as it was."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillway_sync.errors import ConfigError
from skillway_sync.settings import Owned, merge_parts, owned_from_json, parts_of, recognise_ours

ROOT = "/home/ann/.local/share/skillway"
HOOK = {"matcher": "Bash", "hooks": [{"type": "command", "command": f'f="{ROOT}/bin/run"; exec /bin/sh "$f" guard'}]}
WANTED = {
    "extraKnownMarketplaces": {"example": {"source": {"source": "directory", "path": ROOT}}},
    "enabledPlugins": {"base-plugin@example": True, "support@example": True},
    "hooks": {"PreToolUse": [HOOK]},
    "permissions": {"deny": ["Bash(mkfs:*)"]},
    "env": {"EXAMPLE": "1"},
    "requiredMinimumVersion": "2.1.300",
}
PARTS = parts_of(WANTED)
NEWER = parts_of(
    {
        **WANTED,
        "enabledPlugins": {"base-plugin@example": True},
        "permissions": {"deny": ["Bash(dd:*)"]},
        "env": {"EXAMPLE": "2"},
    }
)


def put(content, parts=PARTS, owned=None):
    return merge_parts(content, parts, owned or Owned(), where="settings.json")


def take_out(content, owned):
    return merge_parts(content, (), owned, where="settings.json")[0]


def test_keys_that_only_it_may_set_stay_out_of_a_users_file():
    assert "requiredMinimumVersion" not in put({})[0]


def test_empty_settings_get_all_parts_and_are_empty_after_removal():
    merged, owned, notes = put({})
    assert merged == {key: value for key, value in WANTED.items() if key != "requiredMinimumVersion"}
    assert notes == []
    assert take_out(merged, owned) == {}


def test_argument_is_left_as_it_is():
    content = {"hooks": {"PreToolUse": []}, "permissions": {"deny": ["Read(x)"]}}
    before = copy.deepcopy(content)
    merged, owned, _ = put(content)
    assert content == before
    with_ours = copy.deepcopy(merged)
    take_out(merged, owned)
    assert merged == with_ours


def test_second_merge_changes_nothing():
    merged, owned, _ = put({"model": "opus", "hooks": {"PreToolUse": [{"matcher": "Edit", "hooks": []}]}})
    assert put(merged, owned=owned) == (merged, owned, [])


def test_users_own_hooks_rules_and_key_order_stay():
    content = {
        "model": "opus",
        "permissions": {"deny": ["Read(.env)"], "allow": ["Bash(ls)"]},
        "hooks": {"PreToolUse": [{"hooks": [1]}], "Stop": []},
    }
    merged, owned, _ = put(content)
    assert list(merged)[:3] == ["model", "permissions", "hooks"]
    assert merged["hooks"]["PreToolUse"] == [{"hooks": [1]}, HOOK]
    assert merged["permissions"] == {"deny": ["Read(.env)", "Bash(mkfs:*)"], "allow": ["Bash(ls)"]}
    after = take_out(merged, owned)
    assert after == content
    assert list(after) == list(content)


def test_update_takes_out_what_the_new_release_no_longer_has():
    merged, owned, _ = put({"permissions": {"deny": ["Read(.env)"]}})
    merged, owned, _ = put(merged, NEWER, owned)
    assert merged["permissions"]["deny"] == ["Read(.env)", "Bash(dd:*)"]
    assert merged["enabledPlugins"] == {"base-plugin@example": True}
    assert merged["env"] == {"EXAMPLE": "2"}
    assert take_out(merged, owned) == {"permissions": {"deny": ["Read(.env)"]}}


def test_plugin_that_the_user_switched_off_stays_off_and_is_theirs():
    merged, owned, _ = put({})
    merged["enabledPlugins"]["support@example"] = False
    again, owned, notes = put(merged, owned=owned)
    assert again["enabledPlugins"]["support@example"] is False
    assert any("support@example" in note for note in notes)
    assert take_out(again, owned) == {"enabledPlugins": {"support@example": False}}


def test_users_own_variable_wins_and_stays():
    merged, owned, notes = put({"env": {"EXAMPLE": "mine"}})
    assert merged["env"] == {"EXAMPLE": "mine"}
    assert any("env.EXAMPLE" in note for note in notes)
    assert take_out(merged, owned) == {"env": {"EXAMPLE": "mine"}}


def test_variable_that_the_user_changed_after_us_is_theirs():
    merged, owned, _ = put({})
    merged["env"]["EXAMPLE"] = "mine"
    again, owned, _ = put(merged, NEWER, owned)
    assert again["env"]["EXAMPLE"] == "mine"
    assert take_out(again, owned) == {"env": {"EXAMPLE": "mine"}}


def test_rule_that_the_user_had_before_us_stays_when_we_go():
    merged, owned, _ = put({"permissions": {"deny": ["Bash(mkfs:*)"]}})
    assert merged["permissions"]["deny"] == ["Bash(mkfs:*)"]
    assert take_out(merged, owned) == {"permissions": {"deny": ["Bash(mkfs:*)"]}}


def test_marketplace_of_the_same_name_gives_way_and_comes_back():
    """A company that used a git marketplace of this name before gets it back when skillway leaves."""
    native = {"source": {"source": "github", "repo": "example/plugins"}}
    merged, owned, _ = put({"extraKnownMarketplaces": {"example": native}})
    assert merged["extraKnownMarketplaces"]["example"] == WANTED["extraKnownMarketplaces"]["example"]
    merged, owned, _ = put(merged, NEWER, owned)
    assert take_out(merged, owned) == {"extraKnownMarketplaces": {"example": native}}


def test_part_that_another_program_dropped_comes_back():
    """Settings rewrites lose enabled plugins (#76064, #63663)."""
    merged, owned, _ = put({})
    del merged["enabledPlugins"]
    merged["hooks"]["PreToolUse"].clear()
    again, owned, _ = put(merged, owned=owned)
    assert again["enabledPlugins"] == WANTED["enabledPlugins"]
    assert again["hooks"]["PreToolUse"] == [HOOK]
    assert take_out(again, owned) == {}


def test_empty_container_of_the_users_own_stays():
    content = {"hooks": {}, "permissions": {"deny": []}}
    merged, owned, _ = put(content)
    assert take_out(merged, owned) == content


@pytest.mark.parametrize(
    "content",
    [
        {"hooks": []},
        {"hooks": {"PreToolUse": {}}},
        {"permissions": "none"},
        {"permissions": {"deny": {"a": 1}}},
        {"enabledPlugins": ["a"]},
        {"env": None},
        {"extraKnownMarketplaces": 3},
    ],
)
def test_wrong_type_where_we_belong_is_a_config_error_and_never_replaced(content):
    with pytest.raises(ConfigError, match=r"settings\.json"):
        put(content)
    assert take_out(content, put({})[1]) == content


def test_record_survives_its_file_form():
    _, owned, _ = put({"extraKnownMarketplaces": {"example": None}, "hooks": {}})
    import json

    assert owned_from_json(json.loads(json.dumps(owned.to_json()))) == owned


def test_lost_record_finds_what_names_our_root_and_leaves_the_rest():
    user = {
        "hooks": {"PreToolUse": [{"hooks": [{"command": "mine"}]}]},
        "enabledPlugins": {"x@other": True, "support@example": False},
    }
    merged, _, _ = put(user)
    merged["hooks"]["Stop"] = [
        {"hooks": [{"command": f"{ROOT}/bin/run former"}]},
        {"hooks": [{"command": f"{ROOT}-other/run"}]},
    ]
    found = recognise_ours(merged, root=ROOT, catalogue="example")
    left = take_out(merged, found)
    assert left["hooks"] == {
        "PreToolUse": user["hooks"]["PreToolUse"],
        "Stop": [{"hooks": [{"command": f"{ROOT}-other/run"}]}],
    }
    assert left["enabledPlugins"] == user["enabledPlugins"]
    assert left["extraKnownMarketplaces"] == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
USERS = st.fixed_dictionaries(
    {},
    optional={
        "model": JSON,
        "enabledPlugins": st.dictionaries(st.sampled_from(["base-plugin@example", "x@y"]), st.just(False)),
        "extraKnownMarketplaces": st.dictionaries(st.sampled_from(["example", "z"]), JSON),
        "env": st.dictionaries(st.sampled_from(["EXAMPLE", "OTHER"]), st.text(max_size=5)),
        "permissions": st.fixed_dictionaries(
            {}, optional={"allow": st.lists(JSON), "deny": st.lists(st.text(max_size=5) | st.just("Bash(mkfs:*)"))}
        ),
        "hooks": st.dictionaries(st.sampled_from(["PreToolUse", "Stop"]), st.lists(JSON, max_size=3)),
    },
)


@settings(max_examples=200, deadline=None)
@given(content=USERS)
def test_install_update_and_removal_leave_any_settings_as_they_were(content):
    merged, owned, _ = put(content)
    assert put(merged, owned=owned)[0] == merged
    merged, owned, _ = put(merged, NEWER, owned)
    after = take_out(merged, owned)
    assert after == content
    assert list(after) == list(content)
