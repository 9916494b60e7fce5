"""Collecting from GitHub's API: nothing twice, nothing lost, limits kept, the token told to nobody else."""

import json
import os
import subprocess
import sys
from datetime import date

import pytest

from skillway.errors import NotFoundError, SkillwayError
from skillway.pulls.collection import appending, read_collection
from skillway.pulls.github import GitHubSource, count_pulls, read_github
from skillway.pulls.github_api import ForgeAuthError, ForgeRetryError, GitHub, Pace
from skillway.pulls.github_token import find_token, forge_host

LIST = "/repos/acme/shop/pulls?"
NOW = 1_780_000_000


class Watch:
    """A clock that waiting moves on."""

    def __init__(self):
        self.now, self.waits, self.told = NOW, [], []

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def pace(self, most_wait=3600):
        return Pace(most_wait, self.told.append, self.sleep, lambda: self.now)


@pytest.fixture
def collect(forge, tmp_path):
    """Collect once; gives the ids that are new."""

    def run(watch=None, *, token="token-of-the-test", most_wait=3600, **source):
        cache = tmp_path / "cache"
        github = GitHub(forge.url, token, cache, (watch or Watch()).pace(most_wait))
        try:
            with appending(tmp_path / "x.jsonl", "github x") as (held, appender):
                found = GitHubSource(github, "acme/shop", **source)
                return [one.id for one in read_github(found, held, cache) if one and appender.add([one])]
        finally:
            github.close()

    return run


def held(tmp_path):
    return {one.id: one for one in read_collection(tmp_path / "x.jsonl").pulls}


def test_every_merged_pull_request_of_all_pages_is_collected(forge, collect, tmp_path):
    for number in range(1, 251):
        forge.add(number, merged=number % 5 != 0, body="They were lost.\r\n\r\nSee below.")
    forge.files[7] = [{"filename": "a.png", "additions": 0, "deletions": 0, "status": "added"}] * 130
    assert len(collect()) == 200
    found = held(tmp_path)
    assert len(found) == 200
    assert (found["#1"].body, found["#1"].lines) == ("They were lost.\n\nSee below.", 34)
    assert (len(found["#7"].files), found["#7"].text_as_of, found["#7"].has_description) == (130, "fetch", True)
    assert "ada-lovelace" not in (tmp_path / "x.jsonl").read_text()


def test_a_502_in_the_middle_ends_clearly_and_the_next_run_goes_on_without_duplicates(forge, collect, tmp_path):
    for number in range(1, 121):
        forge.add(number)
    forge.fail("/repos/acme/shop/pulls/60/", *[(502, {}, b"<html>bad gateway")] * 5)
    watch = Watch()
    with pytest.raises(ForgeRetryError, match="status 502"):
        collect(watch)
    assert watch.waits == [1, 2, 4, 8]
    before = held(tmp_path)
    assert len(before) == 60
    forge.asked.clear()
    assert len(collect()) == 60
    lines = (tmp_path / "x.jsonl").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 121
    assert sum("/files" in path for path in forge.asked) == 60


@pytest.mark.parametrize("fault", [(502, {}, b""), (200, {}, b'[{"number": 1'), (500, {}, b"{}")])
def test_a_passing_fault_is_not_even_noticed(forge, collect, fault):
    forge.add(1)
    forge.fail(LIST, fault, fault)
    assert collect() == ["#1"]


def test_a_later_run_reads_only_what_is_newer(forge, collect):
    for number in range(1, 251):
        forge.add(number)
    collect()
    forge.asked.clear()
    assert collect() == []
    assert len(forge.asked) == 1
    forge.add(301, day="2026-12-01")
    forge.asked.clear()
    assert collect() == ["#301"]
    assert len(forge.asked) == 2


def test_what_was_updated_in_the_second_of_the_last_run_is_not_lost(forge, collect):
    forge.add(1, day="2026-03-01")
    collect()
    forge.add(2, day="2026-03-01")
    assert collect() == ["#2"]


def test_an_unchanged_page_is_not_sent_again(forge, tmp_path):
    forge.add(1)
    for expected in (0, 1):
        github = GitHub(forge.url, "token-of-the-test", tmp_path / "cache", Watch().pace())
        assert count_pulls(GitHubSource(github, "acme/shop")) == 1
        github.close()
        assert github.unchanged == expected


def test_a_collection_that_got_shorter_is_read_from_the_start(forge, collect, tmp_path):
    for number in range(1, 4):
        forge.add(number)
    collect()
    lines = (tmp_path / "x.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "x.jsonl").write_text("".join(lines[:-1]))
    assert len(collect()) == 1
    (tmp_path / "x.jsonl").unlink()
    assert len(collect()) == 3


def test_an_earlier_since_reads_what_was_left_out(forge, collect):
    forge.add(1, day="2026-01-05")
    forge.add(2, day="2026-03-05")
    assert collect(since=date(2026, 2, 1)) == ["#2"]
    assert collect() == ["#1"]


def test_what_is_updated_while_the_list_is_read_comes_once(forge, collect, tmp_path):
    """Five pull requests move to the front between two pages, so that the second page repeats five of the first."""
    for number in range(1, 201):
        forge.add(number)
    answer = forge.page

    def shifting(parts, query, rows, headers):
        later = query.get("page", ["1"]) != ["1"] and "files" not in parts.path
        return answer(parts, query, [*rows[:5], *rows] if later else rows, headers)

    forge.page = shifting
    assert len(collect()) == 200
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 201


@pytest.mark.parametrize(
    ("headers", "status", "wait"),
    [
        ({"Retry-After": "30"}, 403, 30),
        ({"Retry-After": "7"}, 429, 7),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 90)}, 403, 91),
        ({}, 429, 60),
    ],
)
def test_a_limit_is_waited_for_and_told(forge, collect, headers, status, wait):
    forge.add(1)
    forge.fail(LIST, (status, headers, b'{"message": "You have exceeded a rate limit"}'))
    watch = Watch()
    assert collect(watch) == ["#1"]
    assert watch.waits[0] == wait
    assert f"({wait} s)" in watch.told[0]


def test_the_last_request_of_an_hour_is_not_followed_by_one_more(forge, collect):
    forge.add(1)
    forge.fail(
        LIST,
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 50)}, json.dumps(forge.pulls).encode()),
    )
    watch = Watch()
    assert collect(watch) == ["#1"]
    assert watch.waits == [51]


def test_a_limit_beyond_the_patience_ends_the_run_and_keeps_what_there_is(forge, collect, tmp_path):
    for number in range(1, 4):
        forge.add(number)
    forge.fail("/repos/acme/shop/pulls/1/", (403, {"Retry-After": "900"}, b"{}"))
    with pytest.raises(ForgeRetryError, match="left alone"):
        collect(most_wait=600)
    assert len(held(tmp_path)) == 2


def test_a_refused_token_and_a_missing_repository_are_told_apart(forge, collect):
    with pytest.raises(ForgeAuthError):
        collect(token="wrong")
    forge.fail(LIST, (404, {}, b"{}"))
    with pytest.raises(NotFoundError):
        collect()
    forge.fail(LIST, (403, {}, b'{"message": "Resource not accessible by personal access token"}'))
    with pytest.raises(ForgeAuthError, match="not accessible"):
        collect()


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'[{"number": "x"}]', b"null", b'[{"number": 1, "title": "t"}]'])
def test_an_answer_of_another_shape_is_told(forge, collect, body):
    forge.fail(LIST, (200, {}, body))
    with pytest.raises(SkillwayError, match="gives"):
        collect()


def test_a_next_page_on_another_server_is_not_followed(forge, collect):
    forge.add(1)
    forge.fail(LIST, (200, {"Link": '<http://127.0.0.1:9/steal>; rel="next"'}, json.dumps(forge.pulls).encode()))
    with pytest.raises(SkillwayError, match="points to"):
        collect()


def test_a_change_of_too_many_files_has_no_diff_stat(forge, collect, tmp_path):
    forge.add(1)
    forge.files[1] = [{"filename": f"{n}.py", "additions": 1, "deletions": 0} for n in range(1001)]
    collect()
    assert held(tmp_path)["#1"].files is None


def test_authors_of_every_kind_are_told_apart(forge, collect, tmp_path):
    forge.add(1, login="dependabot[bot]", kind="Bot")
    forge.add(2, login="Copilot", kind="Bot")
    forge.add(3, login=None)
    forge.add(4, body="Why.\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)")
    forge.add(5, login="release-train", kind="Bot")
    collect()
    found = {name: (one.is_agent, one.is_bot) for name, one in held(tmp_path).items()}
    assert found == {
        "#1": (False, True),
        "#2": (True, False),
        "#3": (False, False),
        "#4": (True, False),
        "#5": (False, True),
    }
    assert held(tmp_path)["#4"].body == "Why."


def test_without_files_a_page_is_one_request(forge, collect, tmp_path):
    for number in range(1, 51):
        forge.add(number)
    collect(has_files=False)
    assert len(forge.asked) == 1
    assert held(tmp_path)["#1"].files is None


@pytest.mark.parametrize("name", ["acme", "acme/shop/x", "../x", "a/..", "a b/c", "acme/shop?x=1"])
def test_what_is_no_repository_is_never_asked_for(forge, name):
    with pytest.raises(SkillwayError, match="no repository"):
        GitHubSource(GitHub(forge.url, None, None, Watch().pace()), name)
    assert forge.asked == []


def test_a_token_goes_to_its_own_server_only(monkeypatch):
    monkeypatch.setenv("PATH", "")
    public = {"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}
    assert find_token("https://api.github.com", public) == "a"
    assert find_token("https://git.example.com/api/v3", public) is None
    assert find_token("https://git.example.com/api/v3", {"GH_ENTERPRISE_TOKEN": "c"}) == "c"
    workflow = {"GITHUB_TOKEN": "b", "GITHUB_API_URL": "https://git.example.com/api/v3"}
    assert find_token("https://git.example.com/api/v3/", workflow) == "b"
    assert forge_host("https://api.github.com") == "github.com"
    with pytest.raises(SkillwayError, match="show the token"):
        GitHub("http://git.example.com", "a", None, Pace())


def run(forge, folder, *arguments):
    command = [sys.executable, "-m", "skillway", "pr", "history", "--github", "acme/shop", "--api-url", forge.url]
    result = subprocess.run(
        [*command, *arguments, "--json"], capture_output=True, text=True, check=False, cwd=folder, env=os.environ
    )
    assert "Traceback" not in result.stderr + result.stdout
    assert "token-of-the-test" not in result.stderr + result.stdout
    return result.returncode, json.loads(result.stdout)


def test_the_command_collects_and_trend_reads_it(forge, tmp_path):
    for number in range(1, 31):
        forge.add(number, body="Carts were lost because the session ended. Tested: no longer lost.")
    code, answer = run(forge, tmp_path)
    assert (code, answer["data"]["added"], answer["data"]["unchanged_pages"]) == (0, 30, 1)
    assert run(forge, tmp_path)[1]["data"]["added"] == 0
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or "token-of-the-test" not in file.read_text()
    made = tmp_path / ".skillway/pulls-acme-shop.jsonl"
    trend = [sys.executable, "-m", "skillway", "pr", "trend", "--input", str(made), "--json"]
    result = subprocess.run(trend, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout)["data"]["pull_requests"] == 30


def test_the_command_ends_with_the_documented_codes(forge, tmp_path):
    forge.add(1)
    forge.fail(LIST, (403, {"Retry-After": "900"}, b"{}"))
    code, answer = run(forge, tmp_path, "--most-wait", "5")
    assert (code, answer["error"]["code"]) == (9, "retry_later")
    forge.fail(LIST, (401, {}, b"{}"))
    assert run(forge, tmp_path)[0] == 4
    code, answer = run(forge, tmp_path, "--dry-run")
    assert (code, answer["data"]["closed"]) == (0, 1)
    assert not list((tmp_path / ".skillway").glob("*.jsonl"))
