"""`make try`, from a copy of this repository: what a new user sees first."""

import json
import os
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def checkout(repository, tmp_path):
    """A copy of what git tracks or would track, as a fresh clone has it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=repository, capture_output=True, text=True, check=True
    )
    folder = tmp_path / "check out"
    for name in listed.stdout.splitlines():
        if not name.startswith(("tests/", "benchmarks/")) and (repository / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, folder / name)
    return folder


def demo(checkout, *arguments):
    command = [sys.executable, "-m", "skillway", "demo", "--no-client", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "state" not in path.parts and "spool" not in path.parts
    }


def test_demo_puts_a_working_laptop_below_the_checkout(checkout):
    done = demo(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    laptop = checkout / ".skillway" / "laptop"
    policy = json.loads((laptop / "etc/claude-code/managed-settings.d/50-skillway.json").read_text())
    (marketplace,) = policy["extraKnownMarketplaces"].values()
    assert marketplace["source"]["path"] == str(laptop / "opt/skillway")
    assert "gh pr create --fill was refused" in done.stdout
    assert '"skill.name": "base-plugin:skillway-help"' in done.stdout
    assert "not run: the real client" in done.stdout


def test_second_demo_changes_nothing(checkout):
    assert demo(checkout).returncode == 0
    before = tree(checkout / ".skillway" / "laptop")
    again = demo(checkout)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "nothing new to publish" in again.stdout
    assert tree(checkout / ".skillway" / "laptop") == before


def test_demo_leaves_the_persons_home_alone(checkout, home):
    assert demo(checkout).returncode == 0
    assert list(home.iterdir()) == []


def test_broken_plugin_stops_the_demo_before_the_laptop(checkout):
    assert demo(checkout).returncode == 0
    before = tree(checkout / ".skillway" / "laptop")
    (checkout / "skills/support/escalation-summary/SKILL.md").write_text("no frontmatter\n")
    done = demo(checkout, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["error"]["code"]) == (5, "findings")
    assert "escalation-summary/SKILL.md" in answer["error"]["message"]
    assert tree(checkout / ".skillway" / "laptop") == before


def test_changed_skill_reaches_the_laptop_with_the_next_demo(checkout):
    assert demo(checkout).returncode == 0
    skill = checkout / "skills/support/escalation-summary/SKILL.md"
    skill.write_text(skill.read_text() + "\nOne more line for the test.\n")
    done = demo(checkout)
    assert "release 2 published" in done.stdout
    root = checkout / ".skillway/laptop/opt/skillway"
    catalogue = json.loads((root / ".claude-plugin/marketplace.json").read_text())
    source = next(plugin["source"] for plugin in catalogue["plugins"] if plugin["name"] == "support")
    assert "One more line for the test." in (root / source / "skills/escalation-summary/SKILL.md").read_text()


def test_uninstall_leaves_nothing_of_ours_on_the_laptop_root(checkout):
    assert demo(checkout).returncode == 0
    laptop = checkout / ".skillway" / "laptop"
    command = [sys.executable, "-m", "skillway_sync", "uninstall", "--root", str(laptop)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    left = {path for path in tree(laptop) if not path.startswith("home/you/.local/state/")}
    assert left == {"etc/skillway/config.json", "etc/skillway/root.json"}
