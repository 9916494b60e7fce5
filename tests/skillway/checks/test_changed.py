"""What is shown of a range of commits, and how a build server is told."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

REFERENCE = "skills/support/triage/references/categories.md"


def git(root, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@a.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def skillway(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "skillway", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def committed(good):
    """The repository in git, with an old fault in developer-tools."""
    (good / "developer-tools/commands/release-notes.md").write_text("[a](nowhere.md)\n")
    git(good, "init", "-q", "-b", "main")
    git(good, "add", "-A")
    git(good, "commit", "-qm", "All")
    return good


def test_old_fault_elsewhere_is_not_shown(committed):
    assert skillway("check", cwd=committed).returncode == 5
    run = skillway("check", "--changed", cwd=committed)
    assert (run.returncode, "no findings" in run.stdout) == (0, True)


def test_fault_in_a_new_file_is_shown_before_it_is_committed(committed):
    (committed / "skills/support/triage/references/new.md").write_text("[a](nowhere.md)\n")
    run = skillway("check", "--changed", cwd=committed)
    assert run.returncode == 5
    assert "references/new.md:1:5: error" in run.stdout
    assert "release-notes" not in run.stdout


def test_link_that_a_removed_file_breaks_is_shown(committed):
    git(committed, "rm", "-q", REFERENCE)
    git(committed, "commit", "-qm", "Remove")
    run = skillway("check", "--changed", "HEAD~1..HEAD", cwd=committed)
    assert run.returncode == 5
    assert "triage/SKILL.md" in run.stdout


def test_folder_after_changed_is_a_folder(committed):
    run = skillway("check", "--changed", "developer-tools", cwd=committed)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("commits", ["nowhere..HEAD", "--output=x..y"])
def test_range_that_is_none_is_one_sentence(committed, commits):
    run = skillway("check", "--changed", commits, cwd=committed)
    assert run.returncode in (1, 2)
    assert "Traceback" not in run.stderr
    assert not (committed / "x..y").exists()


def test_junit_has_a_failure_for_an_error_and_none_without(committed):
    run = skillway("check", "--format", "junit", cwd=committed)
    suite = ET.fromstring(run.stdout).find("testsuite")
    assert (run.returncode, suite.get("failures")) == (5, "1")
    assert suite.find("testcase/failure").text.startswith("developer-tools/commands/release-notes.md:1:")
    (committed / "developer-tools/commands/release-notes.md").write_text("Write.\n")
    suite = ET.fromstring(skillway("check", "--format", "junit", cwd=committed).stdout).find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_hook_of_pre_commit_calls_what_there_is(repository):
    import yaml

    (hook,) = yaml.safe_load((repository / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "skillway check --changed"
    assert hook["pass_filenames"] is False
