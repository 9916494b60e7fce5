"""What an author may allow, where, and what is told of allowances that do nothing or too much."""

import pytest

from skillway.checks import RULES, check_repository
from skillway.checks.suppression import NEVER

REFERENCE = "skills/support/triage/references/categories.md"
HOME = "Read /Users/mwagner/notes.md"
ALLOWED = "<!-- skillway: allow home-path because the runner has this path -->"


def rules(root):
    return [finding.rule for finding in check_repository(root)]


def say(root, text, path=REFERENCE):
    (root / path).write_text((root / path).read_text() + text + "\n")


def test_suppression_holds_for_its_line_and_the_next_and_no_further(good):
    say(good, f"{'x' * 3}\n\n\n\n{ALLOWED}\n{HOME}")
    assert rules(good) == []
    say(good, f"\n{HOME}")
    assert rules(good) == ["home-path"]


def test_suppression_in_the_first_lines_holds_for_the_whole_file(good):
    (good / REFERENCE).write_text(f"{ALLOWED}\n# Categories\n\n\n\n\n\n{HOME}\n")
    assert rules(good) == []


def test_suppression_of_another_rule_suppresses_nothing(good):
    say(good, f"{ALLOWED.replace('home-path', 'link-broken')}\n{HOME}")
    assert sorted(rules(good)) == ["home-path", "suppression-unused"]


@pytest.mark.parametrize("reason", ["", " because", " because x"])
def test_suppression_without_a_reason_is_an_error_and_suppresses_nothing(good, reason):
    say(good, f"<!-- skillway: allow home-path{reason} -->\n{HOME}")
    assert sorted(rules(good)) == ["home-path", "suppression-reason"]


def test_suppression_of_a_rule_that_there_is_not_is_an_error(good):
    say(good, "<!-- skillway: allow home-pth because the runner has this path -->")
    assert rules(good) == ["suppression-reason"]


def test_what_breaks_a_laptop_cannot_be_allowed(good):
    file = good / "skills/support/.claude-plugin/plugin.json"
    file.write_text(file.read_text().replace("1.0.0", "latest"))
    entry = "- rule: plugin-version\n  file: .claude-plugin/plugin.json\n  because: we never release it\n"
    (good / "skills/support/.skillway-allow.yaml").write_text(entry)
    assert sorted(rules(good)) == ["plugin-version", "suppression-refused"]


def test_every_rule_that_cannot_be_allowed_is_a_rule():
    assert set(RULES) >= NEVER


def test_list_of_a_plugin_covers_json_and_does_not_ship(good):
    from skillway.build.shipping import shipped_paths

    entry = "- rule: plugin-description\n  file: .claude-plugin/plugin.json\n  because: it is for one day only\n"
    (good / "skills/support/.skillway-allow.yaml").write_text(entry)
    file = good / "skills/support/.claude-plugin/plugin.json"
    file.write_text(file.read_text().replace('"Skills."', '""'))
    assert rules(good) == []
    assert shipped_paths([".skillway-allow.yaml"], moved=()) == {}


@pytest.mark.parametrize("text", ["- &a [*a]\n", "{", "- rule: 1\n", "a: b\n", "\t- x"])
def test_list_of_any_content_is_a_finding_and_no_traceback(good, text):
    (good / "skills/support/.skillway-allow.yaml").write_text(text)
    assert rules(good) == ["suppression-broken"]
