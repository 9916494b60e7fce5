"""`skillway check` as people, scripts and code scanning meet it: outputs and exit codes of the real process."""

import json
import os
import subprocess
import sys

import pytest

TRIAGE = "skills/support/triage/SKILL.md"


def skillway(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "skillway", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def break_skill(root):
    file = root / TRIAGE
    file.write_text(file.read_text().replace("description: Use", "descripton: Use"))


def warn_only(root):
    file = root / TRIAGE
    file.write_text(file.read_text().replace("name: triage", "name: sorting"))


def test_clean_repository_exits_with_0_and_says_what_was_looked_at(good):
    run = skillway("check", cwd=good / "skills")
    assert (run.returncode, run.stdout, run.stderr) == (
        0,
        "no findings in 3 plugins, 1 skill, 1 agent, 1 command, 2 hooks, 16 files\n",
        "",
    )


def test_error_exits_with_5_and_shows_the_line_and_the_fix(good):
    break_skill(good)
    run = skillway("check", cwd=good)
    assert run.returncode == 5
    assert f"{TRIAGE}:3: warning: Claude Code does not know the key 'descripton'" in run.stdout
    assert "    3 | descripton: Use when new support tickets" in run.stdout
    assert "    fix: Write description." in run.stdout
    assert "1 error, 1 warning in 3 plugins" in run.stdout
    assert "next: skillway check explain description-missing" in run.stdout


def test_warnings_pass_unless_strict(good):
    warn_only(good)
    assert skillway("check", cwd=good).returncode == 0
    assert skillway("check", "--strict", cwd=good).returncode == 5


def test_json_is_one_envelope_with_findings_and_counts(good):
    break_skill(good)
    run = skillway("check", "--json", cwd=good)
    envelope = json.loads(run.stdout)
    assert (run.returncode, envelope["ok"], envelope["error"]["code"]) == (5, False, "findings")
    assert envelope["data"]["counts"]["errors"] == 1
    assert {tuple(sorted(finding)) for finding in envelope["data"]["findings"]} == {
        ("column", "expected", "file", "fix", "line", "message", "rule", "seen", "severity")
    }
    assert envelope == json.loads(skillway("check", "--format", "json", cwd=good).stdout)


def test_one_plugin_or_one_skill_is_checked_by_the_rules_of_its_layer(good):
    break_skill(good)
    (good / "base-plugin/hooks/hooks.json").write_text("{")
    plugin = json.loads(skillway("check", "skills/support", "--json", cwd=good).stdout)["data"]
    skill = json.loads(skillway("check", TRIAGE, "--json", cwd=good).stdout)["data"]
    assert {finding["file"] for finding in plugin["findings"]} == {TRIAGE}
    assert plugin["findings"] == skill["findings"]
    assert (plugin["counts"]["plugins"], skill["counts"]["skills"], skill["counts"]["files"]) == (1, 1, 5)


def test_neighbouring_skill_is_not_told_about(good):
    break_skill(good)
    (good / "skills/support/merge").mkdir()
    (good / "skills/support/merge/SKILL.md").write_text(
        "---\ndescription: Use when two tickets are one.\n---\nMerge.\n"
    )
    assert skillway("check", "skills/support/merge", cwd=good).returncode == 0


def test_skill_outside_any_plugin_is_checked(tmp_path):
    (tmp_path / "ship").mkdir()
    (tmp_path / "ship/SKILL.md").write_text("---\nname: ship\n---\nShip.\n")
    run = skillway("check", "ship", "--json", cwd=tmp_path)
    assert [finding["rule"] for finding in json.loads(run.stdout)["data"]["findings"]] == ["description-missing"]


def test_folder_without_plugins_is_a_failure(tmp_path):
    (tmp_path / "docs").mkdir()
    run = skillway("check", "docs", cwd=tmp_path)
    assert run.returncode == 5
    assert "There is no plugin in" in run.stdout


def test_empty_folder_of_a_skill_is_a_failure(good):
    (good / "skills/support/later").mkdir()
    assert skillway("check", cwd=good).returncode == 0
    assert skillway("check", "skills/support/later", cwd=good).returncode == 5


@pytest.mark.parametrize("arguments", [["nowhere"], ["explain", "no-such-rule"]])
def test_what_does_not_exist_exits_with_7(good, arguments):
    run = skillway("check", *arguments, cwd=good)
    assert run.returncode == 7
    assert "fix:" in run.stderr


def test_outside_a_repository_it_says_how_to_make_one(tmp_path):
    run = skillway("check", cwd=tmp_path)
    assert run.returncode == 1
    assert "skillway init" in run.stderr


def test_two_folders_are_a_usage_error(good):
    assert skillway("check", "base-plugin", "skills/support", cwd=good).returncode == 2


def test_explain_wins_over_a_folder_of_that_name(good):
    (good / "explain").mkdir()
    assert "bad:" in skillway("check", "explain", "description-missing", cwd=good).stdout
    assert skillway("check", "./explain", cwd=good).returncode == 5


def test_misspelt_rule_is_met_with_the_nearest(good):
    run = skillway("check", "explain", "descripton-mising", "--json", cwd=good)
    assert json.loads(run.stdout)["next_actions"] == ["skillway check explain description-missing"]


def test_rules_are_listed(good):
    listed = skillway("check", "rules", cwd=good).stdout
    as_json = json.loads(skillway("check", "rules", "--json", cwd=good).stdout)["data"]
    assert all(rule["id"] in listed for rule in as_json)


def test_sarif_names_rule_place_and_level(good):
    break_skill(good)
    run = skillway("check", "--format", "sarif", cwd=good)
    (log,) = json.loads(run.stdout)["runs"]
    result = next(result for result in log["results"] if result["ruleId"] == "description-missing")
    place = result["locations"][0]["physicalLocation"]
    assert (run.returncode, result["level"], place["artifactLocation"]["uri"]) == (5, "error", TRIAGE)
    assert log["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "description-missing"
    assert log["originalUriBaseIds"]["ROOT"]["uri"] == good.as_uri() + "/"


def test_github_annotations_escape_what_would_end_them(good):
    (good / "skills/support/triage/SKILL.md").write_text("---\ndescription: d\nallowed_tools: 'a%\\nb'\n---\nBody.\n")
    run = skillway("check", "--format", "github", cwd=good)
    assert run.stdout == (
        f"::warning file={TRIAGE},line=3,title=skillway frontmatter-key-unknown::"
        "Claude Code does not know the key 'allowed_tools' and ignores it. Write allowed-tools.\n"
    )
    assert "1 warning in 3 plugins" in run.stderr


def test_output_is_bounded_and_says_how_to_see_the_rest(good):
    lines = "".join(f"[{n}](nowhere-{n}.md)\n" for n in range(150))
    (good / "skills/support/triage/references/categories.md").write_text(lines)
    shown = skillway("check", cwd=good).stdout
    assert shown.count("[link-broken]") == 100
    assert "and 50 more; --limit 0 shows all" in shown
    assert skillway("check", "--limit", "0", cwd=good).stdout.count("[link-broken]") == 150


def test_secret_is_not_shown_again(good):
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC1fD2"
    (good / "skills/support/triage/references/categories.md").write_text(f"token {token}\n")
    for form in ("text", "json", "sarif", "github"):
        run = skillway("check", "--format", form, cwd=good)
        assert run.returncode == 5
        assert token[6:] not in run.stdout + run.stderr


def test_excerpt_cannot_act_on_the_terminal(good):
    (good / "skills/support/triage/references/categories.md").write_text("\x1b[2J[a](nowhere.md)\n")
    assert "\x1b" not in skillway("check", cwd=good).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_file_name_of_any_bytes_is_told_in_every_format(good, form):
    for name in (b"\xff\xfe.md", b"\x1b[2J.md", b"a\nb.md"):
        (good / "skills/support/triage" / os.fsdecode(name)).write_bytes(b"[a](nowhere.md)\n")
    (good / "skills/support/.claude-plugin/plugin.json").write_text('{"name": "\\ud800", "\\udfff": 1}')
    run = skillway("check", "--format", form, cwd=good)
    assert run.returncode == 5
    assert "Traceback" not in run.stderr
    assert "\x1b" not in run.stdout


def test_bad_organisation_is_one_sentence_and_no_traceback(good):
    (good / "organisation.yaml").write_text("name: [")
    run = skillway("check", cwd=good)
    assert run.returncode == 1
    assert "organisation.yaml" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("path", ["9" * 5000, "a%00b", "../" * 500 + "x", "%ff%fe"])
def test_link_to_a_path_that_cannot_exist_is_a_finding(good, path):
    for name in ("SPEC.md", "references/categories.md"):
        (good / "skills/support/triage" / name).write_text(f"[a]({path})\n")
    (good / "skills/support/.claude-plugin/plugin.json").write_text(
        json.dumps(
            {"name": "support", "version": "1.0.0", "description": "d", "skills": "./", "hooks": "./" + "9" * 5000}
        )
    )
    run = skillway("check", "--json", cwd=good)
    rules = {finding["rule"] for finding in json.loads(run.stdout)["data"]["findings"]}
    assert (run.returncode, rules - {"link-leaves-plugin"}) == (5, {"link-broken", "plugin-path"})


def test_binary_called_skill_md_is_a_finding(good):
    (good / TRIAGE).write_bytes(os.urandom(4096).replace(b"\n", b"\xff") + b"\xff\xfe\0")
    run = skillway("check", "--json", cwd=good)
    found = {(finding["rule"], finding["file"]) for finding in json.loads(run.stdout)["data"]["findings"]}
    assert ("file-encoding", TRIAGE) in found
