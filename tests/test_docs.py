"""What the documentation promises is there: commands, files, generated pages."""

import re
import subprocess
import sys

import pytest

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)#:]+)(?:#[^)]*)?\)")


def pages(repository):
    found = [*repository.glob("*.md"), *repository.glob("docs/**/*.md"), *repository.glob("*/README.md")]
    assert len(found) > 10
    return found


def test_every_relative_link_leads_somewhere(repository):
    dead = [
        f"{page.relative_to(repository)}: {target}"
        for page in pages(repository)
        for target in LINK.findall(FENCED.sub("", page.read_text()))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_commands_page_is_what_the_commands_say(repository):
    checked = subprocess.run(
        [sys.executable, repository / "docs" / "generate.py", "--check"], cwd=repository, check=False
    )
    assert checked.returncode == 0, "run: make docs"


def test_make_targets_of_the_readme_exist(repository):
    makefile = (repository / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)$", (repository / "README.md").read_text(), re.MULTILINE)
    assert targets == ["try", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_every_command_has_help_with_an_example(repository):
    text = (repository / "docs" / "commands.md").read_text()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(sections) > 15
    without = [section.splitlines()[0] for section in sections if "xample" not in section]
    assert without == []


@pytest.mark.parametrize("wrong", [["nosuch"], ["build", "--nosuch"], []])
def test_wrong_use_is_exit_2_and_no_traceback(wrong):
    done = subprocess.run([sys.executable, "-m", "skillway", *wrong], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
