"""Content that is made to hang, exhaust or mislead a reader is a finding, in bounded time and memory."""

import json
import os
import resource
import subprocess
import sys

import pytest

TRIAGE = "skills/support/triage/SKILL.md"
FOLDER = "skills/support/triage"
MOST_SECONDS = 30
"""Far above what a check takes on a busy machine, and far below what a reader needs that is caught."""

MOST_BYTES = 600 * 1024**2
"""Of address space, which is more than memory: the programs' own files count too."""


def check(root):
    """Run the command with little memory, and give its rules by file."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))

    run = subprocess.run(
        [sys.executable, "-m", "skillway", "check", "--json"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
        preexec_fn=limit if sys.platform == "linux" else None,
    )
    assert "Traceback" not in run.stderr
    assert run.returncode in (0, 5), run.stderr  # warnings alone do not fail
    return {(finding["rule"], finding["file"]) for finding in json.loads(run.stdout)["data"]["findings"]}


def skill(frontmatter, body="Do it.\n"):
    return f"---\nname: triage\ndescription: Use when tickets wait.\n{frontmatter}\n---\n{body}"


@pytest.mark.parametrize(
    "name", ["SKILL.md", "references/categories.md", "scripts/triage.py", "assets/data.bin", "assets/levels.json"]
)
def test_file_of_two_gigabytes(good, name):
    file = good / FOLDER / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    os.truncate(file, 2 * 1024**3)
    assert ("file-too-large", f"{FOLDER}/{name}") in check(good)


@pytest.mark.parametrize(
    "name", ["hooks/hooks.json", ".mcp.json", ".skillway-allow.yaml", ".claude-plugin/plugin.json"]
)
def test_pipe_in_the_place_of_a_file_that_is_read(good, name):
    file = good / "skills/support" / name
    file.unlink(missing_ok=True)
    file.parent.mkdir(exist_ok=True)
    os.mkfifo(file)
    assert ("file-special", f"skills/support/{name}") in check(good)


@pytest.mark.parametrize(
    "frontmatter",
    [
        "metadata:\n  a0: &a0 [x, x]\n"
        + "\n".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)),
        "metadata: &a\n  b: *a",
        "metadata: " + "[" * 5000 + "]" * 5000,
        "metadata:\n" + "\n".join("  " * n + "a:" for n in range(1, 300)),
        "metadata: " + "{a: " * 3000 + "1" + "}" * 3000,
        "metadata: '" + "x" * 100_000 + "'",
    ],
)
def test_frontmatter_that_multiplies_or_is_nested_without_end(good, frontmatter):
    (good / TRIAGE).write_text(skill(frontmatter))
    assert ("frontmatter-broken", TRIAGE) in check(good)


@pytest.mark.parametrize("name", [".claude-plugin/plugin.json", "hooks/hooks.json", ".mcp.json", "triage/levels.json"])
def test_json_that_is_nested_without_end(good, name):
    file = good / "skills/support" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
    assert f"skills/support/{name}" in {file for _, file in check(good)}


@pytest.mark.parametrize(
    "body",
    [
        "[" * 50_000 + "\n[a](nowhere.md)\n",
        "`" * 50_000 + "\n[a](nowhere.md)\n",
        "<!--" * 20_000 + "\n",
        "!`" * 30_000 + "\n",
        "token = " + "aB3" * 100_000 + "\n",
        "ignore all " * 30_000 + "\n",
        "x://" * 50_000 + "\n",
        "ecret-" * 60_000 + "\n",
        "curl " * 60_000 + "\n",
        "use the " * 40_000 + "\n",
        "scripts/" * 40_000 + "\n",
    ],
)
def test_text_that_makes_patterns_slow(good, body):
    (good / TRIAGE).write_text(skill("allowed_tools: Read", body))
    assert ("frontmatter-key-unknown", TRIAGE) in check(good)


def test_links_in_a_circle_and_to_folders_above(good):
    (good / FOLDER / "one").symlink_to("two")
    (good / FOLDER / "two").symlink_to("one")
    (good / FOLDER / "up").symlink_to("..")
    (good / FOLDER / "root").symlink_to("/")
    rules = check(good)
    assert {("symlink-loop", f"{FOLDER}/{name}") for name in ("one", "two", "up")} <= rules
    assert ("symlink-escapes", f"{FOLDER}/root") in rules


def test_secret_in_a_file_above_what_is_read_at_once(good):
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC1fD2"
    (good / FOLDER / "data.csv").write_text("1,2\n" * 400_000 + token + "\n" + "1,2\n" * 400_000)
    assert ("secret", f"{FOLDER}/data.csv") in check(good)
