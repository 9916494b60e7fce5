"""`skillway promote` in real repositories: what it says, what it refuses, and what it never does."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from skillway.discovery import read_evidence

SKILL = "support:sum-up"
DECISIONS = "evals/promotion/decisions.jsonl"


def outcomes(answer):
    return {f"{one['gate']}/{one['name']}": one["outcome"] for one in answer["data"]["conditions"]}


def text_of(answer, gate):
    return next(one["text"] for one in answer["data"]["conditions"] if f"{one['gate']}/{one['name']}" == gate)


def change_policy(place, old, new):
    path = place.root / "promotion.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_skill_with_everything_is_eligible_and_nothing_moves(proven):
    code, answer = proven.ask("promote", SKILL)
    assert set(outcomes(answer).values()) == {"pass"}
    assert (code, answer["data"]["verdict"]) == (0, "eligible")
    assert f"skillway promote {SKILL} --request" in answer["next_actions"]
    assert proven.git("status", "--porcelain") == ""
    assert proven.git("branch", "--list").split() == ["*", "main"]


def test_skill_without_evidence_cannot_be_decided_and_says_what_would(place):
    code, answer = place.ask("promote", SKILL)
    assert (code, answer["data"]["verdict"], answer["ok"]) == (3, "cannot decide", False)
    assert outcomes(answer)["evidence/complete"] == "not run"
    assert text_of(answer, "evidence/complete") == "None of 120 runs and trigger sessions is recorded."
    assert "0 of 12 cases; about $" in answer["data"]["progress"]
    assert "12 more cases would decide" in answer["data"]["progress"]
    assert f"skillway eval run {SKILL}" in answer["next_actions"]


def test_progress_counts_cases_and_dollars_of_what_is_left(place, signer):
    place.plant(
        signer=signer, only=lambda slot: hasattr(slot, "trigger") or slot.case.id in ("case-0", "case-1", "case-2")
    )
    _, answer = place.ask("promote", SKILL)
    assert "3 of 12 cases; about $" in answer["data"]["progress"]
    assert "9 more cases would decide" in answer["data"]["progress"]


def test_unsigned_verdicts_do_not_promote(place):
    place.plant()
    place.use()
    code, answer = place.ask("promote", SKILL)
    assert code == 3
    assert outcomes(answer)["evidence/trusted"] == "inconclusive"


def test_answers_of_a_scripted_model_are_never_evidence(place, signer):
    place.plant(signer=signer, provenance="fake")
    place.use()
    code, answer = place.ask("promote", SKILL)
    assert (code, outcomes(answer)["evidence/origin"]) == (3, "not run")
    assert read_evidence(place.root / ".skillway/evals/summary.json")[SKILL].outcome == "not run"


def test_skill_that_makes_answers_worse_is_not_eligible(place, signer):
    place.plant(signer=signer, answer=lambda slot: "A fine answer." if slot.arm.value == "none" else "no")
    place.use()
    code, answer = place.ask("promote", SKILL)
    assert (code, answer["data"]["verdict"]) == (5, "not eligible")
    assert {outcomes(answer)[name] for name in ("evidence/must", "evidence/floor", "evidence/value")} == {"fail"}


def test_edited_verdict_file_is_advisory_and_said_so(proven):
    shard = next((proven.root / "evals/store").glob("*.jsonl"))
    shard.write_text(shard.read_text().replace("A fine answer.", "A very fine answer.", 1))
    code, answer = proven.ask("promote", SKILL)
    assert (code, outcomes(answer)["evidence/trusted"]) == (3, "inconclusive")
    assert "was edited" in answer["warnings"][0]


def test_changed_skill_loses_its_evidence(proven):
    file = proven.root / "skills/support/sum-up/SKILL.md"
    file.write_text(file.read_text() + "\nAlways answer in capitals.\n")
    code, answer = proven.ask("promote", SKILL)
    assert (code, outcomes(answer)["evidence/complete"]) == (3, "not run")


@pytest.mark.parametrize("people", [1, 4])
def test_small_groups_are_not_told(place, signer, people):
    place.use(people=people)
    code, answer = place.ask("promote", SKILL)
    assert code == 5
    assert text_of(answer, "reach/users") == "fewer than 5 people used it in 4 weeks; 5 are needed."
    assert text_of(answer, "reach/teams") == "Too few people to tell of teams; 2 are needed."


def test_one_team_is_too_few(place):
    place.use(teams=("support",))
    _, answer = place.ask("promote", SKILL)
    assert (outcomes(answer)["reach/users"], outcomes(answer)["reach/teams"]) == ("pass", "fail")


def test_dear_skill_is_not_eligible(place):
    place.use(usd=3.0)
    _, answer = place.ask("promote", SKILL)
    assert outcomes(answer)["cost/cost"] == "fail"
    assert text_of(answer, "cost/cost").startswith("$3.00 per use")


def test_skill_that_nobody_looks_after_is_not_eligible(proven):
    (proven.root / "organisation.yaml").write_text("name: example\nteams: [support]\n")
    _, answer = proven.ask("promote", SKILL)
    assert outcomes(answer)["owner/owner"] == "fail"


def test_open_error_of_check_is_not_eligible(proven):
    (proven.root / "skills/support/sum-up/SKILL.md").write_text("No frontmatter at all.\n")
    _, answer = proven.ask("promote", SKILL)
    assert outcomes(answer)["check/check"] == "fail"


def test_person_is_shown_reasons_and_next_command(place):
    code, text = place.tell("promote", "sum-up")
    assert code == 3
    assert text.startswith(f"{SKILL}: cannot decide for developer-tools\n")
    assert "reach: There is no usage data" in text
    assert f"next: skillway eval run {SKILL}" in text


def test_summary_is_what_the_catalogue_reads(proven):
    proven.ask("promote", SKILL)
    evidence = read_evidence(proven.root / ".skillway/evals/summary.json")[SKILL]
    assert evidence.outcome == "pass"
    assert evidence.day


def test_skill_that_claims_no_value_needs_a_sign_off(place, signer):
    write_claimless(place, signer)
    _, before = place.ask("promote", SKILL)
    assert outcomes(before)["evidence/value"] == "inconclusive"
    code, _ = place.ask("promote", SKILL, "--decide", "accept", "--by", "Ada", "--reason", "It is our policy")
    assert code == 0
    code, after = place.ask("promote", SKILL)
    assert (code, outcomes(after)["evidence/value"]) == (0, "pass")
    assert "signed off by Ada" in text_of(after, "evidence/value")


def write_claimless(place, signer):
    suite = place.root / "evals/suites/support/sum-up/suite.yaml"
    suite.write_text(suite.read_text() + "claims: none\n")
    place.plant(signer=signer)
    place.use()


def test_decision_is_recorded_with_name_day_and_what_the_gate_said(proven):
    code, answer = proven.ask(
        "promote", SKILL, "--decide", "accept", "--by", "Ada Byron", "--reason", "Three teams asked"
    )
    assert code == 0
    (line,) = (proven.root / DECISIONS).read_text().splitlines()
    record = json.loads(line)
    assert (record["by"], record["decision"], record["gate"], record["stage"]) == (
        *("Ada Byron", "accept", "eligible", "developer-tools"),
    )
    assert record["at"][:4] >= "2026"
    proven.ask("promote", SKILL, "--decide", "decline", "--by", "Grace", "--reason", "Not now")
    assert (proven.root / DECISIONS).read_text().splitlines()[0] == line
    _, shown = proven.ask("promote", SKILL)
    assert shown["data"]["decision"]["by"] == "Grace"


def test_accepting_is_refused_while_the_gate_does_not_say_eligible(place):
    code, answer = place.ask("promote", SKILL, "--decide", "accept", "--by", "Ada", "--reason", "I like it")
    assert (code, answer["error"]["code"]) == (6, "refused")
    assert not (place.root / DECISIONS).exists()


def test_declining_is_always_recorded(place):
    code, _ = place.ask("promote", SKILL, "--decide", "decline", "--by", "Ada", "--reason", "Too narrow")
    assert code == 0
    assert json.loads((place.root / DECISIONS).read_text())["gate"] == "cannot decide"


def test_decision_counts_for_the_content_that_it_was_made_for(proven):
    proven.ask("promote", SKILL, "--decide", "decline", "--by", "Ada", "--reason", "Too narrow")
    file = proven.root / "skills/support/sum-up/SKILL.md"
    file.write_text(file.read_text() + "\nNow for all teams.\n")
    _, answer = proven.ask("promote", SKILL)
    assert answer["data"]["decision"] is None


def test_dry_run_of_a_decision_writes_nothing(proven):
    code, answer = proven.ask("promote", SKILL, "--decide", "accept", "--by", "A", "--reason", "B", "--dry-run")
    assert (code, answer["data"]["written"]) == (0, False)
    assert not (proven.root / DECISIONS).exists()


@pytest.mark.parametrize(
    "words",
    [
        (),
        (SKILL, "--check"),
        (SKILL, "--decide", "accept"),
        (SKILL, "--decide", "accept", "--by", " ", "--reason", "x"),
        (SKILL, "--decide", "maybe", "--by", "A", "--reason", "B"),
        (SKILL, "--by", "A"),
        (SKILL, "--request", "--decide", "accept", "--by", "A", "--reason", "B"),
        (SKILL, "--dry-run"),
    ],
)
def test_words_without_sense_are_a_usage_error(place, words):
    code, answer = place.ask("promote", *words)
    assert (code, answer["error"]["code"]) == (2, "usage")


def test_unknown_skill_names_those_that_are_there(place):
    code, answer = place.ask("promote", "support:sum-upp")
    assert code == 7
    assert SKILL in answer["error"]["fix"]


def test_store_that_was_named_and_is_not_there_is_not_found(place):
    code, answer = place.ask("promote", SKILL, "--store", "nowhere.db")
    assert code == 7
    assert "nowhere.db" in answer["error"]["message"]


def test_store_that_cannot_be_read_is_told_and_decides_nothing(place):
    place.usage.write_text("no database at all")
    code, answer = place.ask("promote", SKILL)
    assert (code, outcomes(answer)["reach/reach"]) == (3, "not run")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("least_users: 5\n", "least_users: 2\n", "stages[1].gates[4].least_users: 2 is less than the minimum of 5"),
        (
            "kind: reach\n        weeks: 4\n",
            "kind: reach\n        weeks: 4\n        people: 9\n",
            "'people' was unexpected",
        ),
        ("least_net: 0.20", "least_net: 0.20\n        least_net: 0.01", "stands in line"),
        ("{low: 0.70, high: 0.90,", "{low: 0.90, high: 0.70,", "is not below its high"),
        ("name: developer-tools ", "name: base ", "stands twice"),
        ("schema: 1", "schema: 2", "schema: 1 was expected"),
        ("stages:", "stages: [", "does not fit the lines around it"),
        ("kind: owner", "kind: friends", "'friends' is not one of"),
    ],
)
def test_broken_policy_names_file_line_and_mend(place, old, new, message):
    change_policy(place, old, new)
    code, answer = place.ask("promote", SKILL)
    assert (code, answer["error"]["code"]) == (5, "promotion")
    assert "promotion.yaml:" in answer["error"]["message"]
    assert message in answer["error"]["message"]
    assert answer["error"]["fix"]


def test_missing_policy_is_told(place):
    (place.root / "promotion.yaml").unlink()
    code, answer = place.ask("promote", "--check")
    assert code == 5
    assert "does not exist" in answer["error"]["message"]


@pytest.mark.parametrize("line", ["{", "[]", '{"schema": 2}', '{"schema": 1, "skill": 3}'])
def test_broken_line_of_decisions_names_file_and_line(place, line):
    path = place.root / DECISIONS
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n")
    code, answer = place.ask("promote", SKILL)
    assert (code, answer["error"]["code"]) == (1, "decisions")
    assert "decisions.jsonl:1" in answer["error"]["message"]


def test_skill_in_the_last_stage_has_nowhere_to_go(place):
    folder = place.root / "base-plugin"
    (folder / ".claude-plugin").mkdir(parents=True)
    (folder / ".claude-plugin/plugin.json").write_text(
        '{"name": "base-plugin", "version": "1.0.0", "description": "B."}'
    )
    (folder / "skills/find").mkdir(parents=True)
    (folder / "skills/find/SKILL.md").write_text("---\nname: find\ndescription: Use it to find.\n---\nFind.\n")
    code, answer = place.ask("promote", "base-plugin:find")
    assert (code, answer["error"]["code"]) == (8, "conflict")


def test_skill_in_developer_tools_goes_to_base_next(place):
    write_skill(place.root / "developer-tools/skills/other")
    _, answer = place.ask("promote", "other")
    assert answer["data"]["stage"] == "base"


def test_check_says_not_run_skill_by_skill_and_goes_on(place):
    for name in ("one", "two"):
        write_skill(place.root / "developer-tools/skills" / name)
    code, text = place.tell("promote", "--check")
    assert code == 3
    assert "developer-tools: developer-tools:one: not run" in text
    assert "developer-tools: developer-tools:two: not run" in text
    assert "0 of 2 skills beyond their team have valid evidence" in text


def test_check_of_a_repository_without_promoted_skills_is_in_order(place):
    code, text = place.tell("promote", "--check")
    assert (code, "There is no skill beyond its team." in text) == (0, True)


def workflow_step(repository, name):
    content = yaml.safe_load((repository / ".github/workflows/check.yml").read_text())
    return next(step["run"] for step in content["jobs"]["check"]["steps"] if step.get("name") == name)


@pytest.mark.parametrize(("api_key", "code"), [("", 0), ("key-of-a-test", 3)])
def test_ci_goes_on_without_a_key_and_must_pass_with_one(place, repository, tmp_path, api_key, code):
    write_skill(place.root / "developer-tools/skills/other")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "skillway").write_text(f'#!/bin/sh\nexec {sys.executable} -m skillway "$@"\n')
    (programs / "skillway").chmod(0o755)
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "ANTHROPIC_API_KEY": api_key}
    step = workflow_step(repository, "evidence of promoted skills")
    done = subprocess.run(
        ["bash", "-e", "-c", step], cwd=place.root, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "developer-tools: developer-tools:other: not run" in done.stdout
    assert ("::warning::" in done.stdout) is (not api_key)


def write_skill(folder):
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(
        f"---\nname: {folder.name}\ndescription: Use it for {folder.name}.\n---\nDo {folder.name}.\n"
    )
