"""The files around the hooks: wired safely, documented, and within what an old Python and an old client understand."""

import ast
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SAFE = re.compile(
    r'^f="\$\{(CLAUDE_PLUGIN_ROOT\}/hooks|SKILLWAY_ROOT\}/bin)/run"; \[ -r "\$f" \] \|\| exit 0; exec /bin/sh "\$f" ([a-z_]+)$'
)
LONG_KNOWN = {
    "PreToolUse",
    "PostToolUse",
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "Stop",
    "SubagentStop",
    "PreCompact",
}


def wired(repository):
    """Every hook of hooks.json and the fragments: file, event, matcher and hook."""
    files = [repository / "base-plugin" / "hooks" / "hooks.json"]
    files += sorted((repository / "base-plugin" / "settings" / "managed-settings.d").glob("*.json"))
    found = []
    for file in files:
        for event, groups in json.loads(file.read_text()).get("hooks", {}).items():
            found += [(file, event, group.get("matcher"), hook) for group in groups for hook in group["hooks"]]
    assert found
    return found


def test_every_hook_is_started_in_the_form_that_cannot_lock_anybody_out(repository):
    for file, event, _, hook in wired(repository):
        found = SAFE.match(hook["command"])
        assert found, (file.name, event, hook["command"])
        assert found[1].startswith("CLAUDE" if file.name == "hooks.json" else "SKILLWAY")
        assert (repository / "hooks" / f"{found[2]}.py").exists()
        assert 1 <= hook["timeout"] <= 5


def test_hooks_json_has_only_events_that_old_clients_know(repository):
    events = {event for file, event, _, _ in wired(repository) if file.name == "hooks.json"}
    assert events
    assert events <= LONG_KNOWN


def test_the_guard_is_started_for_every_tool_that_it_judges(repository):
    (matcher,) = [matcher for _, event, matcher, _ in wired(repository) if event == "PreToolUse"]
    for tool in ("Bash", "Write", "Edit", "MultiEdit", "NotebookEdit", "mcp__github__create_pull_request"):
        assert re.fullmatch(matcher, tool), tool


def test_usage_sees_both_ways_in_which_a_skill_is_used(repository):
    events = {(event, matcher) for _, event, matcher, hook in wired(repository) if hook["command"].endswith(" usage")}
    assert {("PostToolUse", "Skill"), ("PostToolUseFailure", "Skill"), ("UserPromptExpansion", None)} <= events


def test_permission_rules_deny_no_harmless_neighbour(repository):
    """A prefix rule such as `Bash(rm -rf /:*)` would deny `rm -rf /tmp/x`, so rules that end in a path are exact."""
    rules = json.loads((repository / "base-plugin/settings/managed-settings.d/30-permissions.json").read_text())[
        "permissions"
    ]["deny"]
    deletions = [rule for rule in rules if "rm -" in rule]
    assert deletions
    assert not [rule for rule in deletions if "*" in rule]


def test_the_readme_names_every_hook_and_every_event_that_it_hears(repository):
    text = (repository / "hooks" / "README.md").read_text()
    for _, event, _, hook in wired(repository):
        assert event in text
        assert f"`{hook['command'].rsplit(' ', 1)[1]}`" in text


def test_the_readme_lists_the_rules_and_marks_those_that_no_policy_softens(repository):
    listed = dict(
        re.findall(
            r"^\| `([a-z-]+)` (●)? ?\| (?:deny, ask|deny|ask) \|",
            (repository / "hooks" / "README.md").read_text(),
            re.MULTILINE,
        )
    )
    catastrophic = set()
    used = set()
    for file in (repository / "hooks").glob("guard_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "CATASTROPHIC" for t in node.targets
            ):
                catastrophic = {c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant)}
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Stop", "_delete_stop")
            ):
                used |= {a.value for a in node.args[:2] if isinstance(a, ast.Constant) and " " not in str(a.value)}
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "_DELETED" for t in node.targets
            ):
                used |= {value.elts[0].value for value in node.value.values}
    assert {rule for rule, mark in listed.items() if mark} == catastrophic
    assert used
    assert used <= set(listed)


def test_the_hooks_use_nothing_newer_than_python_3_9(repository):
    vermin = Path(sysconfig.get_path("scripts")) / "vermin"
    if not vermin.exists():
        pytest.skip("not run: no vermin; the tests with real interpreters remain")
    files = sorted(map(str, (repository / "hooks").glob("*.py")))
    done = subprocess.run(
        [str(vermin), "-q", "-t=3.9-", "--no-tips", "--violations", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_module_of_the_hooks_imports_what_is_not_in_the_standard_library(repository):
    files = list((repository / "hooks").glob("*.py"))
    siblings = {file.stem for file in files}
    assert siblings
    known = siblings | set(sys.stdlib_module_names)
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module.partition(".")[0] in known, file.name
            elif isinstance(node, ast.Import):
                assert all(alias.name.partition(".")[0] in known for alias in node.names), file.name


def test_entries_are_small_because_they_are_compiled_on_every_call(repository):
    for name in ("guard", "usage"):
        assert len((repository / "hooks" / f"{name}.py").read_text().splitlines()) <= 15
