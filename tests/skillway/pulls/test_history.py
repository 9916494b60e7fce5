"""Collecting from real git repositories, through the command itself."""

import json
import os
import subprocess
import sys

import pytest


def git(folder, *arguments, day=1, name="Ada"):
    stamp = f"2026-03-{day:02d}T12:00:00+00:00"
    who = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": f"{name}@example.com", "GIT_AUTHOR_DATE": stamp}
    who |= {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": f"{name}@example.com", "GIT_COMMITTER_DATE": stamp}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, env=os.environ | who)


def commit(folder, path, message, day=1, name="Ada"):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(f"{message}\n" * 3)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message, day=day, name=name)


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "a.py", "Start", 1)
    commit(folder, "src/cart é.py", "Keep carts (#1)\n\nThey were lost because the session ended.", 2)
    commit(folder, "b.py", "Bump x (#2)", 3, name="dependabot[bot]")
    git(folder, "checkout", "-q", "-b", "side")
    commit(folder, "side.py", "On a side branch (#99)", 4)
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "side", "-m", "Merge pull request #3 from ada/side\n\nTake it in", day=5)
    return folder


def run(*arguments):
    result = subprocess.run(
        [sys.executable, "-m", "skillway", "pr", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr + result.stdout
    return result.returncode, json.loads(result.stdout)


def records(file):
    return [json.loads(line) for line in file.read_text().splitlines()[1:]]


def test_pull_requests_of_the_first_parents_are_collected(shop):
    code, answer = run("history", "--repository", shop)
    file = shop / ".skillway/pulls.jsonl"
    found = {record["id"]: record for record in records(file)}
    assert (code, answer["data"]["pull_requests"], answer["data"]["by_bots"]) == (0, 3, 1)
    assert set(found) == {"#1", "#2", "#3"}
    assert found["#1"]["files"] == [["src/cart é.py", 9, 0]]
    assert found["#3"]["files"] == [["side.py", 3, 0]]
    assert not found["#3"]["has_description"]
    assert "Ada" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_second_run_adds_only_what_is_new_and_mends_a_torn_line(shop):
    run("history", "--repository", shop)
    file = shop / ".skillway/pulls.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    commit(shop, "c.py", "More (#4)\n\nWhy.", 8)
    code, answer = run("history", "--repository", shop)
    assert (code, answer["data"]["added"], answer["data"]["pull_requests"]) == (0, 2, 4)
    assert len({record["author"] for record in records(file) if record["id"] in {"#1", "#3"}}) == 1
    assert run("history", "--repository", shop)[1]["data"]["added"] == 0


def test_a_dry_run_writes_nothing(shop):
    code, answer = run("history", "--repository", shop, "--dry-run")
    assert (code, answer["data"]["pull_requests"]) == (0, 3)
    assert not (shop / ".skillway").exists()


def test_a_bare_repository_serves_as_well(shop, tmp_path):
    subprocess.run(["git", "clone", "-q", "--bare", str(shop), str(tmp_path / "bare.git")], check=True)
    code, answer = run("history", "--repository", tmp_path / "bare.git", "--output", tmp_path / "x.jsonl")
    assert (code, answer["data"]["pull_requests"]) == (0, 3)


def test_another_source_is_never_mixed_in(shop):
    file = shop / "x.jsonl"
    run("history", "--repository", shop, "--output", file)
    git(shop, "branch", "other")
    before = file.read_bytes()
    code, answer = run("history", "--repository", shop, "--branch", "other", "--output", file)
    assert (code, answer["error"]["code"]) == (8, "conflict")
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{}\n", b"text\n", b'{"kind": "skillway.pulls", "schema": 9}\n', b"\xff\n"])
def test_a_foreign_file_is_refused_and_kept(shop, content):
    file = shop / "x.jsonl"
    file.write_bytes(content)
    code, answer = run("history", "--repository", shop, "--output", file)
    assert code == 1
    assert answer["error"]["fix"]
    assert file.read_bytes() == content


def test_no_checkout_and_no_branch_are_told(shop, tmp_path):
    assert run("history", "--repository", tmp_path)[0] == 7
    assert run("history", "--repository", shop, "--branch", "nothing")[0] == 7


def test_a_trend_needs_descriptions_and_says_so(shop):
    git(shop, "init", "-q", "-b", "main", str(shop.parent / "empty"))
    commit(shop.parent / "empty", "a", "Start")
    code, answer = run("trend", "--repository", shop.parent / "empty")
    assert (code, answer["error"]["code"]) == (3, "undecided")


def test_a_trend_is_made_from_a_checkout_without_a_file(shop):
    code, answer = run("trend", "--repository", shop)
    assert code == 0
    assert answer["data"]["pull_requests"] == 1
    assert answer["data"]["left_out"] == {"bots": 1, "no description kept": 1}
    assert answer["data"]["scored_by"] == "computed-1"
