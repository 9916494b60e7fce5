"""`skillway new` starts what passes `skillway check`, and never writes over anything."""

import json
import subprocess
import sys

import pytest
import yaml

from skillway.checks import check_repository
from skillway.errors import RepositoryError
from skillway.scaffold import plan_plugin
from skillway.teams import add_team

USE = "Use when new support tickets wait to be sorted."
ORGANISATION = """# The organisation.
name: acme   # the catalogue
teams:
  - name: support   # answers
    owners: ["@acme/support"]
  # the next team comes here

# First to last.
rings: [canary, broad]
"""


def skillway(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "skillway", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def tree(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def started(tmp_path):
    """A repository with organisation.yaml, base-plugin and the team support."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "organisation.yaml").write_text(ORGANISATION)
    for name in ("base-plugin", "support"):
        assert skillway("new", "plugin", name, cwd=root).returncode == 0
    return root


@pytest.mark.parametrize("place", ["support/ticket-triage", "base-plugin/hello"])
@pytest.mark.parametrize("options", [[], ["--script"]])
def test_new_skill_passes_check_without_a_word(started, place, options):
    run = skillway("new", "skill", place, "--description", USE, *options, cwd=started)
    assert run.returncode == 0, run.stderr
    assert check_repository(started) == []
    assert check_repository(started, profile="portable") == []


@pytest.mark.parametrize(
    "description", ['Use when "x": y # z', "Use when it's [done] - {really}", "a\\b *c* & !d %e @f `g`", "-", "yes"]
)
def test_any_description_survives_as_it_was_given(started, description):
    assert (
        skillway("new", "skill", "support/triage", "--script", f"--description={description}", cwd=started).returncode
        == 0
    )
    text = (started / "skills/support/triage/SKILL.md").read_text()
    assert yaml.safe_load(text.split("---")[1])["description"] == description
    assert [finding for finding in check_repository(started) if finding.severity == "error"] == []


def test_script_runs_with_help_and_on_input(started):
    skillway("new", "skill", "support/triage", "--description", USE, "--script", cwd=started)
    script = started / "skills/support/triage/scripts/triage.py"
    text = (started / "skills/support/triage/SKILL.md").read_text()
    assert 'skillway-run "${CLAUDE_SKILL_DIR}/scripts/triage.py"' in text
    assert USE in subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True).stdout
    run = subprocess.run([sys.executable, script], input="a\n\nb\n", capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == {"lines": 2, "first": ["a", "b"]}
    assert script.stat().st_mode & 0o777 == 0o755


def test_new_team_is_checked_clean_and_stands_in_the_organisation(started):
    run = skillway("new", "plugin", "data", "--team", "--json", cwd=started)
    data = json.loads(run.stdout)["data"]
    assert (data["files"], data["changed"]) == (["skills/data/.claude-plugin/plugin.json"], ["organisation.yaml"])
    assert check_repository(started) == []
    assert (started / "organisation.yaml").read_text() == ORGANISATION.replace(
        '    owners: ["@acme/support"]\n', '    owners: ["@acme/support"]\n  - name: data\n    owners: ["@acme/data"]\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: a\n", 'name: a\nteams:\n  - name: x\n    owners: ["@o"]\n'),
        ("name: a", 'name: a\nteams:\n  - name: x\n    owners: ["@o"]\n'),
        ("teams: [] # none\nname: a\n", 'teams: [{name: x, owners: ["@o"]}] # none\nname: a\n'),
        ("teams: [s, t]\nname: a\n", 'teams: [s, t, {name: x, owners: ["@o"]}]\nname: a\n'),
        ("teams:\n- s\n- t # last\nname: a\n", 'teams:\n- s\n- t # last\n- name: x\n  owners: ["@o"]\nname: a\n'),
        ("name: a\nteams:\n    - s", 'name: a\nteams:\n    - s\n    - name: x\n      owners: ["@o"]\n'),
        ("name: a\nteams: [x]\n", "name: a\nteams: [x]\n"),
    ],
)
def test_team_is_inserted_and_all_else_stays_to_the_character(before, after):
    assert add_team(before, "x", "@o") == after


@pytest.mark.parametrize("text", ["name: a\nteams:\n", "name: a\nteams: null\n", "name: a\nteams: &t [s]\nother: *t\n"])
def test_form_that_cannot_be_edited_safely_is_refused_with_the_lines_to_add(text):
    with pytest.raises(RepositoryError) as refused:
        add_team(text, "x", "@o")
    assert "- name: x" in refused.value.fix


def test_dry_run_writes_nothing_and_names_the_files(started):
    before = tree(started)
    skill = skillway("new", "skill", "support/triage", "--description", USE, "--dry-run", "--json", cwd=started)
    plugin = skillway("new", "plugin", "data", "--dry-run", cwd=started)
    assert json.loads(skill.stdout)["data"]["files"] == [
        "skills/support/triage/SKILL.md",
        "skills/support/triage/SPEC.md",
    ]
    assert "would add the team to organisation.yaml" in plugin.stdout
    assert tree(started) == before


def test_what_exists_is_never_written_over(started):
    (started / "skills/support/triage").mkdir()
    (started / "skills/support/triage/SPEC.md").write_text("mine")
    before = tree(started)
    skill = skillway("new", "skill", "support/triage", "--description", USE, cwd=started)
    plugin = skillway("new", "plugin", "support", cwd=started)
    assert (skill.returncode, plugin.returncode) == (8, 8)
    assert "skills/support/triage/SPEC.md is already there" in skill.stderr
    assert tree(started) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["skill", "support/Ticket Triage", "--description", USE], 2),
        (["skill", "support/../x", "--description", USE], 2),
        (["skill", "triage", "--description", USE], 2),
        (["skill", "support/triage"], 2),
        (["skill", "support/triage", "--description", " "], 2),
        (["skill", "support/triage", "--description", "a\u202eb"], 2),
        (["skill", "support/triage", "--description", "x" * 1100], 2),
        (["skill", "support/references", "--description", USE], 2),
        (["skill", "nobody/triage", "--description", USE], 7),
        (["plugin", "Data Team"], 2),
        (["plugin", "a" * 65], 2),
        (["plugin", "base-plugin", "--team"], 2),
    ],
)
def test_what_cannot_be_made_is_a_sentence_and_writes_nothing(started, arguments, code):
    before = tree(started)
    run = skillway("new", *arguments, cwd=started)
    assert run.returncode == code
    assert "fix:" in run.stderr
    assert "Traceback" not in run.stderr
    assert tree(started) == before


def test_next_actions_of_a_new_skill_are_edit_check_and_try(started):
    run = skillway("new", "skill", "support/triage", "--description", USE, "--json", cwd=started)
    actions = json.loads(run.stdout)["next_actions"]
    assert [action.split()[-1] for action in actions] == [
        "skills/support/triage/SKILL.md",
        "skills/support/triage",
        "support/triage",
    ]
    assert skillway(*actions[1].split()[1:], cwd=started).returncode == 0


def test_planned_team_plugin_says_where_its_skills_are():
    (text,) = plan_plugin("support", "Acme Inc.").values()
    assert json.loads(text)["skills"] == "./"
