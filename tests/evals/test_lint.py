"""The lint of eval suites: one sound suite without a finding, and one mistake at a time."""

import subprocess

import pytest
import yaml

from skillway.catalog import load_catalog
from skillway.organisation import load_organisation
from skillway_evals.lint import Severity, lint_repository, lint_suite

SKILL = """\
---
name: triage
description: Use when new support tickets wait to be sorted by urgency, or an inbox of complaints needs an order.
---
# Severity ladder
Read every ticket first. Then put **blast radius** before noise, and name the customer who waits longest in the first line.
"""
OTHER = """\
---
name: summary
description: Use to write a summary of an escalation for another team.
---
Write it.
"""
TOPICS = [
    "An outage report came in beside two feature wishes",
    "Three billing complaints arrived overnight from one company",
    "Somebody cannot log in since yesterday and writes twice",
    "A hospital writes that exports stopped while a student asks for colours",
    "Half of this inbox is spam, the rest are refunds",
    "Our biggest customer waits nine days for a callback",
    "There are forty rows about slow search and one about lost data",
    "The weekend queue has legal letters in it",
    "Partners and trial accounts are mixed in this export",
    "Yesterday's crash made everybody write the same sentence",
    "Two languages, one angry thread, no order at all",
    "The list is empty apart from a thank-you note",
    "Sixty rows came by mail and nobody knows which product they mean",
]
SHOULD = [f"New tickets: {topic.lower()}; sort them by urgency" for topic in TOPICS[:10]]
SHOULD_NOT = [
    "Write a summary of this escalation for the network team",
    "Close the tickets of last year",
    "Which support hours do we have?",
    "Translate this complaint into German",
    "Draw a chart of weekly sales",
    "Fix the failing test in parser.py",
    "Order lunch for eight people",
    "Rename the column urgency in the database",
    "Who owns the inbox service?",
    "Explain this regular expression",
]


@pytest.fixture
def root(tmp_path):
    write = {
        "organisation.yaml": 'name: acme\nteams:\n  - name: support\n    owners: ["@acme/support"]\n',
        "base-plugin/.claude-plugin/plugin.json": '{"name": "base-plugin", "description": "Base", "version": "1.0.0"}',
        "skills/support/.claude-plugin/plugin.json": '{"name": "support", "description": "Support", "skills": "./"}',
        "skills/support/triage/SKILL.md": SKILL,
        "skills/support/summary/SKILL.md": OTHER,
    }
    for name, text in write.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def suite(root):
    """The suite's files as values; `found` writes them and gives the rules that fire."""
    return {
        "suite": {"schema": 1, "skill": "support:triage"},
        "cases": {
            "cases": [
                {
                    "id": f"case-{number}",
                    "prompt": topic + ".",
                    "graders": [{"kind": "regex", "pattern": "(?i)first line: [A-Z]"}],
                    "criteria": ["order"],
                }
                for number, topic in enumerate(TOPICS)
            ]
        },
        "triggers": {
            "should": [{"prompt": prompt} for prompt in SHOULD],
            "should_not": [{"prompt": prompt} for prompt in SHOULD_NOT],
        },
        "rubric": {
            "criteria": [
                {
                    "id": "order",
                    "question": "Would a reader work on the worst damage before anything else?",
                    "anchors": {0: "The worst is hidden.", 1: "It is near the top.", 2: "It is the first thing said."},
                }
            ]
        },
    }


def write_suite(root, suite):
    folder = root / "evals/suites/support/triage"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in suite.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


def found(root, suite):
    folder = write_suite(root, suite)
    findings = lint_suite(folder, load_catalog(root, load_organisation(root)))
    assert all(finding.message and finding.fix and finding.file.exists() for finding in findings)
    return [finding.rule for finding in findings]


def test_a_sound_suite_has_no_finding(root, suite):
    assert found(root, suite) == []


def case(suite, **changes):
    suite["cases"]["cases"][0].update(changes)


def ask_in_other_words(suite, count):
    for number in range(count):
        suite["triggers"]["should"][number]["prompt"] = f"Everything burns {number} times, what now?"


CHANGES = {
    "prompt-names-skill": lambda s: case(s, prompt="Run /support:triage on this inbox."),
    "prompt-leads": lambda s: case(s, prompt="An outage came in. Make sure you answer in one line."),
    "answer-in-prompt": lambda s: case(s, graders=[{"kind": "contains", "text": "OUTAGE report"}]),
    "idle-passes": lambda s: case(s, criteria=[], graders=[{"kind": "not_contains", "text": "sorry"}]),
    "case-twice": lambda s: case(s, prompt=TOPICS[1] + "!"),
    "cases-few": lambda s: s["cases"].update(cases=s["cases"]["cases"][:5]),
    "draft": lambda s: s["triggers"]["should"].append({"prompt": "Sort my urgent tickets", "draft": True}),
    "rubric-vocabulary": lambda s: s["rubric"]["criteria"][0].update(question="Is the blast radius named?"),
    "criterion-vague": lambda s: s["rubric"]["criteria"][0].update(question="Is it short and is it polite?"),
    "criterion-unused": lambda s: s["rubric"]["criteria"].append({**s["rubric"]["criteria"][0], "id": "tone"}),
    "triggers-few": lambda s: s["triggers"]["should"].pop(),
    "instead-missing": lambda s: s["triggers"]["should_not"][0].update(instead="support:sumary"),
    "trigger-rank": lambda s: ask_in_other_words(s, 6),
    "negatives-easy": lambda s: s["triggers"].update(should_not=[{"prompt": f"Paint {n}"} for n in range(100, 110)]),
    "sibling-missing": lambda s: s["suite"].update(siblings=["support:nothing"]),
    "skill-missing": lambda s: s["suite"].update(skill="support:triage"),
    "suite": lambda s: s["suite"].update(schema=2),
}


@pytest.mark.parametrize("rule", [rule for rule in CHANGES if rule != "skill-missing"])
def test_each_mistake_is_found_alone(root, suite, rule):
    CHANGES[rule](suite)
    assert found(root, suite) == [rule]


def test_some_prompts_may_share_no_word_with_the_description(root, suite):
    """People ask in words that no description has; a suite that asks only in the description's words is the weaker one."""
    ask_in_other_words(suite, 5)
    assert found(root, suite) == []


def test_what_a_neighbour_is_not_for_does_not_make_it_near(root, suite):
    text = OTHER.replace(
        "another team.", "another team. Not for new tickets, urgent tickets, or to sort tickets by urgency."
    )
    (root / "skills/support/summary/SKILL.md").write_text(text)
    skill = root / "skills/support/triage/SKILL.md"
    skill.write_text(
        skill.read_text().replace(SKILL.split("description: ")[1].split("\n", maxsplit=1)[0], "Use to sort the inbox.")
    )
    assert found(root, suite) == []


def test_an_echo_that_fails_another_check_is_a_warning(root, suite):
    graders = [{"kind": "contains", "text": "outage report"}, {"kind": "regex", "pattern": "(?i)first line: [A-Z]"}]
    case(suite, criteria=[], graders=graders)
    folder = write_suite(root, suite)
    (finding,) = lint_suite(folder, load_catalog(root, load_organisation(root)))
    assert (finding.rule, finding.severity.value) == ("answer-in-prompt", "warning")


def test_a_suite_of_no_skill_is_an_error(root, suite):
    (root / "skills/support/triage/SKILL.md").unlink()
    assert "skill-missing" in found(root, suite)


def test_a_text_of_the_skill_in_a_prompt_leads(root, suite):
    case(suite, prompt="An outage came in; name the customer who waits longest in the first line.")
    assert found(root, suite) == ["prompt-leads"]


def test_a_skill_that_claims_nothing_needs_no_number_of_cases(root, suite):
    suite["suite"]["claims"] = "none"
    suite["cases"]["cases"] = suite["cases"]["cases"][:2]
    assert found(root, suite) == []


def test_a_file_that_git_ignores_is_an_error(root, suite):
    (root / ".gitignore").write_text("*.log\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    folder = write_suite(root, suite)
    (folder / "files").mkdir()
    (folder / "files/app.log").write_text("x")
    assert found(root, suite) == ["file-ignored"]


def test_a_repository_without_suites_says_that_it_looked_at_none(root):
    assert lint_repository(root, load_catalog(root, load_organisation(root))) == ([], 0)


def test_too_few_cases_for_any_evidence_is_an_error(root, suite):
    CHANGES["cases-few"](suite)
    folder = write_suite(root, suite)
    findings = lint_suite(folder, load_catalog(root, load_organisation(root)))
    assert [finding.severity for finding in findings] == [Severity.ERROR]
