"""A promotion prepared in a real git repository: the branch, the text, and what survives the move."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml

from skillway.aliases import Alias, current_names, read_aliases
from skillway.usage.report import build_report, last_days

SKILL, NEW_NAME = "support:sum-up", "developer-tools:sum-up"
BRANCH = "promote/sum-up-to-developer-tools"
TEXT = ".skillway/promotion/sum-up-to-developer-tools.md"


def request(place, *words):
    return place.ask("promote", SKILL, "--request", *words)


def merged(place):
    code, answer = request(place)
    assert code == 0, answer
    place.git("merge", "--quiet", BRANCH)


def nothing_is_left(place):
    return (
        BRANCH not in place.git("branch", "--list")
        and len(place.git("worktree", "list").splitlines()) == 1
        and place.git("status", "--porcelain") == ""
    )


def test_branch_moves_skill_and_suite_and_touches_nothing_of_the_caller(proven):
    head = proven.git("rev-parse", "HEAD")
    done = proven.run("promote", SKILL, "--request")
    assert done.returncode == 0, done.stderr
    assert (proven.git("rev-parse", "HEAD"), proven.git("branch", "--show-current").strip()) == (head, "main")
    assert proven.git("status", "--porcelain") == ""
    assert len(proven.git("worktree", "list").splitlines()) == 1
    files = proven.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert "developer-tools/skills/sum-up/SKILL.md" in files
    assert "evals/suites/developer-tools/sum-up/cases.yaml" in files
    assert not [path for path in files if path.startswith(("skills/support/sum-up", "evals/suites/support"))]
    assert f"git push -u origin {BRANCH}" in done.stdout
    assert proven.git("remote") == ""


def test_history_follows_the_skill(proven):
    merged(proven)
    subjects = proven.git("log", "--follow", "--format=%s", "--", "developer-tools/skills/sum-up/SKILL.md").splitlines()
    assert subjects == [f"Promote {SKILL} to developer-tools", "Start"]


def test_both_versions_are_raised_and_nothing_else_of_the_manifests(proven):
    before = (proven.root / "developer-tools/.claude-plugin/plugin.json").read_text()
    merged(proven)
    assert (proven.root / "developer-tools/.claude-plugin/plugin.json").read_text() == before.replace("1.2.3", "1.3.0")
    assert json.loads((proven.root / "skills/support/.claude-plugin/plugin.json").read_text())["version"] == "0.5.0"


def test_text_has_the_gate_the_decision_and_what_a_reviewer_needs(proven):
    proven.ask("promote", SKILL, "--decide", "accept", "--by", "Ada Byron", "--reason", "Three teams | asked")
    (proven.root / "notes.md").write_text(f"See {SKILL}.\n")
    proven.commit("Decide")
    assert request(proven)[0] == 0
    text = (proven.root / TEXT).read_text()
    assert text.startswith(f"# Promote {SKILL} to developer-tools\n")
    assert "| evidence: value | pass | 12 cases better" in text
    assert "Ada Byron, " in text
    assert "accept. Three teams \\| asked" in text
    assert "- `notes.md`" in text


def test_evidence_survives_the_move(proven):
    _, before = proven.ask("promote", SKILL)
    merged(proven)
    code, answer = proven.ask("promote", "--check")
    (skill,) = answer["data"]["skills"]
    assert (code, skill["skill"], skill["outcome"]) == (0, NEW_NAME, "pass")
    figures = {one["name"]: one["text"] for one in before["data"]["conditions"] if one["gate"] == "evidence"}
    assert {one["name"]: one["text"] for one in skill["conditions"] if one["gate"] == "evidence"} == figures


def test_evidence_does_not_survive_a_change_of_the_skill(proven):
    merged(proven)
    file = proven.root / "developer-tools/skills/sum-up/SKILL.md"
    file.write_text(file.read_text() + "\nIn verse.\n")
    code, answer = proven.ask("promote", "--check")
    assert (code, answer["data"]["skills"][0]["outcome"]) == (3, "not run")


def test_usage_survives_the_move(proven):
    merged(proven)
    proven.use(people=6, skill=NEW_NAME)
    report = build_report(proven.usage, last_days(28, until=datetime.now(UTC).date()), repository=proven.root)
    (use,) = report.skills
    assert (use.name, use.uses, use.users) == (NEW_NAME, 14, 8)
    assert report.unused == ()
    assert [cost.name for cost in report.cost.by_skill] == [NEW_NAME]


def test_former_name_still_finds_the_skill(proven):
    merged(proven)
    _, answer = proven.ask("promote", SKILL)
    assert (answer["data"]["skill"], answer["data"]["stage"]) == (NEW_NAME, "base")


def test_other_suites_call_it_by_its_new_name_and_prompts_stay(proven):
    folder = proven.root / "evals/suites/developer-tools/other"
    folder.mkdir(parents=True)
    suite = f"schema: 1\nskill: developer-tools:other\nsiblings: [{SKILL}]\n"
    triggers = f"should_not:\n  - prompt: Is {SKILL} a good name?\n    instead: {SKILL}\n"
    (folder / "suite.yaml").write_text(suite)
    (folder / "triggers.yaml").write_text(triggers)
    (folder / "cases.yaml").write_text("cases: []\n")
    proven.commit("Add a suite")
    merged(proven)
    assert (folder / "suite.yaml").read_text() == suite.replace(SKILL, NEW_NAME)
    assert (folder / "triggers.yaml").read_text() == triggers.replace(f"instead: {SKILL}", f"instead: {NEW_NAME}")
    moved = yaml.safe_load((proven.root / "evals/suites/developer-tools/sum-up/suite.yaml").read_text())
    assert moved["skill"] == NEW_NAME


def test_dry_run_prepares_nothing(proven):
    code, answer = request(proven, "--dry-run")
    assert (code, answer["data"]["branch"], answer["data"]["written"]) == (0, BRANCH, False)
    assert nothing_is_left(proven)
    assert not (proven.root / TEXT).exists()


def test_skill_that_is_not_eligible_is_refused(place):
    code, answer = request(place)
    assert (code, answer["error"]["code"]) == (6, "refused")
    assert nothing_is_left(place)


def test_declined_skill_is_refused_with_who_and_why(proven):
    proven.ask("promote", SKILL, "--decide", "decline", "--by", "Grace", "--reason", "Too narrow")
    proven.commit("Decide")
    code, answer = request(proven)
    assert (code, "Grace declined" in answer["error"]["message"]) == (6, True)


@pytest.mark.parametrize("path", ["README.md", "evals/store/uncommitted.jsonl"])
def test_dirty_work_tree_is_refused(proven, path):
    (proven.root / path).write_text("")
    code, answer = request(proven)
    assert (code, answer["error"]["code"]) == (8, "conflict")
    assert path in answer["error"]["message"]
    assert BRANCH not in proven.git("branch", "--list")


def test_existing_branch_is_refused_and_stays(proven):
    proven.git("branch", BRANCH)
    before = proven.git("rev-parse", BRANCH)
    code, answer = request(proven)
    assert (code, answer["error"]["code"], proven.git("rev-parse", BRANCH)) == (8, "conflict", before)


def test_skill_of_that_name_in_the_target_is_refused(proven):
    folder = proven.root / "developer-tools/skills/sum-up"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: sum-up\ndescription: Use it for letters of another kind.\n---\nDo.\n")
    proven.commit("Add another")
    code, answer = request(proven)
    assert code == 8
    assert "developer-tools/skills/sum-up exists already" in answer["error"]["message"]


def test_missing_target_plugin_is_refused(proven):
    proven.git("rm", "-r", "--quiet", "developer-tools")
    proven.commit("Remove")
    code, answer = request(proven)
    assert (code, answer["next_actions"]) == (8, ["skillway new plugin developer-tools"])


def test_failing_commit_hook_leaves_neither_branch_nor_worktree(proven):
    hook = proven.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    code, answer = request(proven)
    assert (code, answer["error"]["code"]) == (1, "git")
    assert "not on a Friday" in answer["error"]["message"]
    assert nothing_is_left(proven)


def test_folder_without_git_is_told(proven):
    (proven.root / ".git").rename(proven.root.parent / "elsewhere")
    code, answer = request(proven)
    assert (code, answer["error"]["code"]) == (1, "git")


def test_aliases_are_followed_to_the_name_of_today():
    def move(former, name):
        return Alias(former, name, "2026-11-20", "", {})

    chain = [move("a:s", "b:s"), move("b:s", "c:s")]
    assert current_names(chain) == {"a:s": "c:s", "b:s": "c:s"}
    assert current_names([*chain, move("c:s", "a:s")]) == {"b:s": "a:s", "c:s": "a:s"}


@pytest.mark.parametrize("line", ["{", "[]", '{"schema": 9}', '{"schema": 1, "former": "a:b"}'])
def test_broken_alias_names_file_and_line(place, line):
    path = place.root / "evals/promotion/aliases.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    code, answer = place.ask("promote", SKILL)
    assert (code, answer["error"]["code"]) == (1, "aliases")
    assert "aliases.jsonl:1" in answer["error"]["message"]


def test_no_file_of_aliases_means_none(tmp_path):
    assert read_aliases(tmp_path) == ()


def test_repository_below_the_top_of_git_is_moved_as_well(proven):
    top = proven.root.parent / "top"
    top.mkdir()
    inner = top / "skills-product"
    proven.root.rename(inner)
    shutil.move(inner / ".git", top / ".git")
    place = replace(proven, root=inner)
    place.git("-C", str(top), "add", "--all")
    place.git("-C", str(top), "commit", "--quiet", "-m", "Move")
    code, answer = request(place)
    assert code == 0, answer
    files = place.git("-C", str(top), "ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert "skills-product/developer-tools/skills/sum-up/SKILL.md" in files
    assert "skills-product/skills/support/sum-up/SKILL.md" not in files


def test_decision_is_told_without_names_or_reasons(proven):
    words = ("--decide", "accept", "--by", "Ada Byron", "--reason", "Three teams asked")
    done = proven.run("promote", SKILL, *words, SKILLWAY_TELEMETRY_DEBUG="1")
    told = [json.loads(line) for line in done.stderr.splitlines() if "skillway.promotion.decided" in line]
    assert len(told) == 1, done.stderr
    values = told[0]["attributes"]
    assert {name: values[name] for name in values if name.startswith("promotion.") or name == "skill.name"} == {
        "skill.name": SKILL,
        "promotion.from": "team",
        "promotion.to": "developer-tools",
        "promotion.gate": "eligible",
        "promotion.decision": "promoted",
    }
    assert len(values["skill.digest"]) == 12
    assert "Ada" not in done.stderr
    assert "Three teams" not in done.stderr
