"""The loader tells what stands on disk, with lines, and never raises or hangs on what it finds."""

import os
import subprocess
import sys
import time

import pytest

from skillway.build.shipping import shipped_paths
from skillway.catalog import load_catalog, load_plugin, wired_hook
from skillway.catalog.frontmatter import parse_frontmatter
from skillway.catalog.jsontext import JsonError, parse_json
from skillway.organisation import Organisation, Team

SAFE = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" usage'


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def organisation(*teams):
    return Organisation("acme", "Acme", tuple(Team(team) for team in teams), ("broad",), (), "github", None)


def problems(plugin):
    return [(problem.rule, problem.file.relative_to(plugin.folder).as_posix()) for problem in plugin.problems]


def load(folder, layer="developer-tools"):
    return load_plugin(folder, layer=layer, team=None)


@pytest.fixture
def plugin(tmp_path):
    folder = tmp_path / "developer-tools"
    write(folder, ".claude-plugin/plugin.json", '{\n  "name": "developer-tools",\n  "version": "1.0.0"\n}\n')
    return folder


def test_layers_are_loaded_in_order_with_their_teams(tmp_path):
    for folder in ("base-plugin", "developer-tools", "skills/swarm", "skills/support"):
        write(tmp_path, f"{folder}/.claude-plugin/plugin.json", f'{{"name": "{folder.rsplit("/")[-1]}"}}')
    write(tmp_path, "skills/support/triage/SKILL.md", "---\ndescription: d\n---\n")
    catalog = load_catalog(tmp_path, organisation("support", "swarm"))
    assert [(plugin.name, plugin.layer, plugin.team) for plugin in catalog.plugins] == [
        ("base-plugin", "base", None),
        ("developer-tools", "developer-tools", None),
        ("support", "team", "support"),
        ("swarm", "team", "swarm"),
    ]
    assert catalog.problems == ()


def test_skill_has_lines_body_and_tools(plugin):
    text = "---\nname: ship\ndescription: >\n  Use when\n  it ships.\nallowed-tools: Read, Bash(git log:*, x), Grep\n---\n\nBody.\n"
    write(plugin, "skills/ship/SKILL.md", text)
    (skill,) = load(plugin).skills
    assert (skill.name, skill.path) == ("ship", "skills/ship/SKILL.md")
    assert skill.lines == {"name": 2, "description": 3, "allowed-tools": 6}
    assert skill.description == "Use when it ships.\n"
    assert skill.allowed_tools == ("Read", "Bash(git log:*, x)", "Grep")
    assert (skill.body, skill.body_line) == ("\nBody.\n", 8)
    assert text.split("\n")[skill.body_line] == "Body."


def test_team_skills_lie_in_the_root_and_reserved_folders_are_none(tmp_path):
    write(tmp_path, ".claude-plugin/plugin.json", '{"name": "support", "skills": "./"}')
    write(tmp_path, "triage/SKILL.md", "---\ndescription: d\n---\n")
    write(tmp_path, "references/more.md", "x")
    write(tmp_path, "commands/sort.md", "Sort.")
    loaded = load_plugin(tmp_path, layer="team", team="support")
    assert [skill.name for skill in loaded.skills] == ["triage"]
    assert [command.name for command in loaded.commands] == ["sort"]
    assert loaded.problems == ()


def test_installed_path_agrees_with_what_the_build_ships(tmp_path):
    write(tmp_path, ".claude-plugin/plugin.json", '{"name": "support", "skills": "./"}')
    for path in ("triage/SKILL.md", "triage/scripts/x.py", "README.md", "bin/tool", "commands/a.md"):
        write(tmp_path, path, "---\ndescription: d\n---\n")
    loaded = load_plugin(tmp_path, layer="team", team="support")
    expected = shipped_paths([file.path for file in loaded.files], moved=loaded.moved_folders)
    assert {file.path: loaded.installed_path(file.path) for file in loaded.files} == expected


def test_hooks_know_their_line_and_what_they_wire(plugin):
    command = SAFE.replace('"', '\\"')
    hooks = f'{{\n "hooks": {{\n  "Stop": [\n   {{"hooks": [\n    {{"type": "command",\n     "command": "{command}"}}\n]}}]}}}}'
    write(plugin, "hooks/hooks.json", hooks)
    (hook,) = load(plugin).hooks
    assert (hook.event, hook.matcher, hook.line, hook.wired) == ("Stop", None, 5, "usage")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (SAFE, "usage"),
        ('exec /bin/sh "${SKILLWAY_ROOT}/bin/run" guard', "guard"),
        ("sh ${CLAUDE_PLUGIN_ROOT}/hooks/run guard", "guard"),
        ("echo run guard", None),
        ('f="/opt/hooks/run"; echo "$f"', None),
    ],
)
def test_wired_hook_is_read_from_both_forms_of_the_launcher(command, name):
    assert wired_hook(command) == name


def test_agents_named_in_plugin_json_replace_the_default_folder(plugin):
    write(plugin, ".claude-plugin/plugin.json", '{"name": "developer-tools", "agents": ["./more/one.md"]}')
    write(plugin, "more/one.md", "---\nname: one\ndescription: d\n---\n")
    write(plugin, "agents/two.md", "---\nname: two\ndescription: d\n---\n")
    assert [agent.name for agent in load(plugin).agents] == ["one"]


def test_broken_manifest_leaves_the_rest_of_the_plugin_loaded(plugin):
    write(plugin, ".claude-plugin/plugin.json", "{")
    write(plugin, "skills/ship/SKILL.md", "---\ndescription: d\n---\n")
    loaded = load(plugin)
    assert problems(loaded) == [("plugin-json-broken", ".claude-plugin/plugin.json")]
    assert (loaded.manifest, loaded.name, len(loaded.skills)) == (None, "developer-tools", 1)


def test_folders_of_tools_and_caches_are_left_out(plugin):
    for path in (".git/config", ".venv/x.py", "scripts/__pycache__/x.pyc", ".mcp.json", "scripts/x.py"):
        write(plugin, path, "{}")
    assert [file.path for file in load(plugin).files] == [".claude-plugin/plugin.json", ".mcp.json", "scripts/x.py"]


def test_pipe_in_place_of_a_skill_is_told_and_never_opened(plugin):
    (plugin / "skills/ship").mkdir(parents=True)
    os.mkfifo(plugin / "skills/ship/SKILL.md")
    os.mkfifo(plugin / "hooks.json")
    write(plugin, "hooks/x", "")
    (plugin / "hooks/hooks.json").symlink_to("../hooks.json")
    started = time.monotonic()
    assert ("file-special", "skills/ship/SKILL.md") in problems(load(plugin))
    assert time.monotonic() - started < 5


def test_pipe_as_plugin_json_is_told_and_never_opened(tmp_path):
    (tmp_path / ".claude-plugin").mkdir()
    os.mkfifo(tmp_path / ".claude-plugin/plugin.json")
    assert "file-special" in {rule for rule, _ in problems(load(tmp_path))}


def test_links_are_followed_inside_only(plugin, tmp_path):
    write(tmp_path, "outside/secret.md", "x")
    write(plugin, "skills/ship/SKILL.md", "---\ndescription: d\n---\n")
    (plugin / "skills/away").symlink_to(tmp_path / "outside")
    (plugin / "skills/loop").symlink_to("loop")
    (plugin / "skills/ship/up").symlink_to("../..")
    (plugin / "skills/again").symlink_to("ship")
    loaded = load(plugin)
    assert set(problems(loaded)) == {
        ("symlink-escapes", "skills/away"),
        ("symlink-loop", "skills/loop"),
        ("symlink-loop", "skills/ship/up"),
        ("symlink-loop", "skills/again/up"),
    }
    assert [skill.name for skill in loaded.skills] == ["again", "ship"]


def test_web_of_links_between_folders_ends(plugin):
    """Each folder links to all others: without a bound this walks more than 10! paths."""
    for one in range(10):
        (plugin / f"assets/{one}").mkdir(parents=True)
        for other in range(10):
            if one != other:
                (plugin / f"assets/{one}/{other}").symlink_to(f"../{other}")
    started = time.monotonic()
    loaded = load(plugin)
    assert time.monotonic() - started < 10
    assert ("file-too-large", ".") in problems(loaded)


def test_frontmatter_bombs_are_refused_quickly():
    aliases = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
    )
    started = time.monotonic()
    for block in (
        aliases,
        "x: " + "[" * 30_000,
        "- " * 20_000,
        "".join(" " * n + "a:\n" for n in range(300)),
        "x: " + "9" * 60_000,
    ):
        parsed = parse_frontmatter(f"---\n{block}\n---\nBody.\n")
        assert not parsed.is_usable
        assert [fault.rule for fault in parsed.faults] == ["frontmatter-broken"]
    assert time.monotonic() - started < 5


def test_frontmatter_is_read_as_yaml_1_2():
    parsed = parse_frontmatter("---\na: yes\nb: 2024-01-31\nc: 012\nd: 1:30\ne: true\nf: ~\ng: 1_0\n---\n")
    assert parsed.values == {"a": "yes", "b": "2024-01-31", "c": 12, "d": "1:30", "e": True, "f": None, "g": "1_0"}
    assert parsed.raw["c"] == "012"


def test_value_that_needs_quotes_is_read_as_claude_code_reads_it():
    parsed = parse_frontmatter("---\nargument-hint: [a] [b]\ndescription: x: y\n---\n")
    assert parsed.values == {"argument-hint": "[a] [b]", "description": "x: y"}
    assert [(fault.rule, fault.line) for fault in parsed.faults] == [("frontmatter-unquoted", 2)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_body_line_counts_in_the_file(newline):
    parsed = parse_frontmatter(newline.join(["---", "a: b", "---", "Body.", ""]))
    assert (parsed.body_line, parsed.body.startswith("Body.")) == (4, True)


def test_json_knows_lines_of_keys_elements_and_duplicates():
    parsed = parse_json('{\n "a": [\n  {"b": "[,{"},\n  2\n ],\n "a": 1}')
    assert parsed.lines[("a", 0)] == 3
    assert parsed.lines[("a", 0, "b")] == 3
    assert parsed.lines[("a",)] == 6
    assert parsed.duplicates == (("a", 6),)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 60 + "1" + "}" * 60, "NaN", '{"a": Infinity}', "", "\ufeff{}"]
)
def test_json_that_nobody_means_is_an_error_and_no_crash(text):
    with pytest.raises(JsonError):
        parse_json(text)


def test_two_gigabytes_called_skill_md_cost_neither_time_nor_memory(plugin):
    write(plugin, "skills/ship/SKILL.md", "")
    os.truncate(plugin / "skills/ship/SKILL.md", 2 * 1024**3)
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom skillway.catalog import load_plugin\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1024**3, 1024**3))\n"
        "print([p.rule for p in load_plugin(Path(sys.argv[1]), layer='none', team=None).problems])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(plugin)], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.strip() == "['file-too-large']"
