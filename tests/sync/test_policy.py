"""The policy file says what Claude Code needs, the same bytes each time, and nothing a shell could misread."""

import json
import subprocess
from pathlib import Path

import pytest

from skillway_sync.errors import ConfigError, SelfTestError
from skillway_sync.layout import system_layout
from skillway_sync.policy import load_fragments, merge_fragments, render_policy
from skillway_sync.release_document import Release, ReleasedPlugin

COMMAND = 'f="${SKILLWAY_ROOT}/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" guard'
GUARD = {"matcher": "Bash", "hooks": [{"type": "command", "command": COMMAND, "timeout": 10}]}


def released(layer="base", team=None):
    return ReleasedPlugin(digest="a" * 64, version="1.0.0", layer=layer, team=team, description="")


PLUGINS = {"base-plugin": released(), "support": released("team", "support")}
RELEASE = Release(seq=1, organisation="Example", catalogue="example", created="2026-11-20T10:00:00Z", plugins=PLUGINS)


def render(layout, fragments):
    return json.loads(render_policy(layout, RELEASE, PLUGINS, fragments))


def test_catalogue_is_registered_and_each_selected_plugin_enabled(tmp_path):
    layout = system_layout(prefix=tmp_path)
    policy = render(layout, [])
    assert policy == {
        "extraKnownMarketplaces": {"example": {"source": {"source": "directory", "path": str(layout.root)}}},
        "enabledPlugins": {"base-plugin@example": True, "support@example": True},
    }


def test_root_stands_in_every_string_of_the_fragments(tmp_path):
    layout = system_layout(prefix=tmp_path)
    policy = render(
        layout, [{"hooks": {"PreToolUse": [GUARD]}, "env": {"A": "${SKILLWAY_ROOT}:${SKILLWAY_ROOT}"}, "b": [1, None]}]
    )
    assert policy["hooks"]["PreToolUse"][0]["hooks"][0]["command"].startswith(f'f="{layout.root}/bin/run"; ')
    assert policy["env"]["A"] == f"{layout.root}:{layout.root}"
    assert policy["b"] == [1, None]


def test_image_names_the_paths_that_it_will_have(tmp_path):
    layout = system_layout(prefix=tmp_path, image=True)
    assert str(tmp_path) not in render_policy(layout, RELEASE, PLUGINS, [{"hooks": {"PreToolUse": [GUARD]}}]).decode()


def test_same_input_makes_the_same_bytes_whatever_the_order_of_keys(tmp_path):
    layout = system_layout(prefix=tmp_path)
    one = render_policy(layout, RELEASE, PLUGINS, [{"env": {"A": "1", "B": "2"}, "model": "x"}])
    other = render_policy(
        layout, RELEASE, dict(reversed(PLUGINS.items())), [{"model": "x", "env": {"B": "2", "A": "1"}}]
    )
    assert one == other


@pytest.mark.parametrize("character", ['"', "$", "`", "\\", "\n", "\t", "\x7f"])
def test_root_that_a_shell_would_read_is_a_config_error(tmp_path, character):
    layout = system_layout(prefix=tmp_path / f"a{character}b")
    with pytest.raises(ConfigError, match="shell"):
        render_policy(layout, RELEASE, PLUGINS, [])


@pytest.mark.parametrize("name", ["a b", "it's", "ä", "a;b", "a&b*(c)", "-n", "%s", "!x"])
def test_every_other_root_works_in_the_shell_as_it_is(tmp_path, name):
    layout = system_layout(prefix=tmp_path / name)
    layout.launcher.parent.mkdir(parents=True)
    layout.launcher.write_text('printf "%s|%s" "$0" "$1"\n')
    policy = render(layout, [{"hooks": {"PreToolUse": [GUARD]}}])
    command = policy["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{layout.launcher}|guard", "")


def test_removed_launcher_lets_every_call_pass(tmp_path):
    policy = render(system_layout(prefix=tmp_path), [{"hooks": {"PreToolUse": [GUARD]}}])
    command = policy["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_fragments_merge_as_claude_code_merges_drop_ins():
    one = {
        "permissions": {"deny": ["Bash(a)", "Bash(b)"]},
        "env": {"A": "1"},
        "hooks": {"Stop": [{"hooks": [1]}]},
        "x": 1,
    }
    two = {
        "permissions": {"deny": ["Bash(b)", "Bash(c)"]},
        "env": {"B": "2"},
        "hooks": {"Stop": [{"hooks": [2]}]},
        "x": 2,
    }
    assert merge_fragments([one, two]) == {
        "permissions": {"deny": ["Bash(a)", "Bash(b)", "Bash(c)"]},
        "env": {"A": "1", "B": "2"},
        "hooks": {"Stop": [{"hooks": [1]}, {"hooks": [2]}]},
        "x": 2,
    }
    assert one["permissions"]["deny"] == ["Bash(a)", "Bash(b)"]


def test_fragment_cannot_point_our_catalogue_elsewhere(tmp_path):
    evil = {"extraKnownMarketplaces": {"example": {"source": {"source": "github", "repo": "a/b"}, "autoUpdate": True}}}
    layout = system_layout(prefix=tmp_path)
    assert render(layout, [evil])["extraKnownMarketplaces"]["example"] == {
        "source": {"source": "directory", "path": str(layout.root)}
    }


@pytest.mark.parametrize("fragment", [[], "text", 1, None])
def test_fragment_that_is_no_object_is_the_publishers_to_mend(tmp_path, fragment):
    with pytest.raises(SelfTestError, match="not a JSON object"):
        render_policy(system_layout(prefix=tmp_path), RELEASE, PLUGINS, [fragment])


def test_fragments_are_read_in_the_order_of_their_names(tmp_path):
    folder = tmp_path / "settings" / "managed-settings.d"
    folder.mkdir(parents=True)
    (folder / "20-b.json").write_text('{"n": 2}')
    (folder / "10-a.json").write_text('{"n": 1}')
    (folder / "README.md").write_text("no fragment")
    assert load_fragments(tmp_path) == [{"n": 1}, {"n": 2}]
    (folder / "30-c.json").write_text("{")
    with pytest.raises(SelfTestError, match=r"30-c\.json"):
        load_fragments(tmp_path)


def test_plugin_without_fragments_has_none():
    assert load_fragments(Path("/nowhere")) == []
