"""`skillway catalog …` and `skillway usage page` as processes: what they print, write and refuse."""

import json
import os
import subprocess
import sys
import time

import pytest

from skillway.collector.decode import decode
from skillway.collector.otlp_json import JSON
from skillway.collector.store import open_store

SKILL = "---\ndescription: {}\n---\n\n# Body\n"
HOUR = 3_600 * 10**9


@pytest.fixture
def skillway(tmp_path):
    """Run a command in a folder; nothing that is expected ends in a traceback."""

    def run(*arguments, cwd=None, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "skillway", *map(str, arguments)],
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def repository_of(tmp_path):
    """Write a small repository: two skills for everybody, one of a team."""
    root = tmp_path / "repository"
    skills = {
        "base-plugin/skills/say-hello": "Use when somebody wants to greet: 'say hello'.",
        "base-plugin/skills/plan-week": "'Use when a week is to be planned. Not for greeting.'",
        "skills/support/refund": '\'Use when a customer wants money back: "refund", "charged twice".\'',
    }
    for path, description in skills.items():
        (root / path).mkdir(parents=True)
        (root / path / "SKILL.md").write_text(SKILL.format(description))
    (root / "organisation.yaml").write_text(
        "name: acme\ntitle: Acme Inc.\nowners: ['@acme/platform']\nteams: [{name: support, owners: ['@acme/support']}]\n"
    )
    for plugin, more in (("base-plugin", {}), ("skills/support", {"skills": "./"})):
        (root / plugin / ".claude-plugin").mkdir()
        manifest = {"name": plugin.rpartition("/")[2], "version": "1.0.0", "description": "d", **more}
        (root / plugin / ".claude-plugin" / "plugin.json").write_text(json.dumps(manifest))
    return root


@pytest.fixture
def store(tmp_path):
    """A store with seven uses of one skill by seven people, and two of another by one."""
    path = tmp_path / "usage.db"
    uses = [("support:refund", f"{person:032x}") for person in range(1, 8)] + [
        ("base-plugin:say-hello", f"{1:032x}")
    ] * 2
    records = [
        {
            "timeUnixNano": str(time.time_ns() - (number + 1) * HOUR // 2),
            "eventName": "skillway.skill.used",
            "body": {"stringValue": "skillway.skill.used"},
            "attributes": [
                {"key": key, "value": {"stringValue": value}}
                for key, value in {
                    "log.record.uid": f"{number + 1:032x}", "skill.name": skill, "plugin.name": skill.partition(":")[0],
                    "user.hash": user, "session.id": f"s{number}", "invocation_trigger": "user-slash",
                }.items()
            ],
        }
        for number, (skill, user) in enumerate(uses)
    ]  # fmt: skip
    resource = [
        {"key": "service.name", "value": {"stringValue": "skillway"}},
        {"key": "team.id", "value": {"stringValue": "support"}},
    ]
    body = json.dumps(
        {"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": records}]}]}
    ).encode()
    decoded = decode("logs", body, JSON)
    assert decoded.rejected == 0, decoded.reason
    filled = open_store(path)
    filled.write([decoded.rows])
    filled.close()
    return path


def answer(done):
    return json.loads(done.stdout)


def skills_of(page):
    """Read the data that the page's script draws."""
    text = page.read_text()
    return json.loads(text.partition('<script type="application/json" id="skills">')[2].partition("</script>")[0])


def test_list_names_every_skill_with_its_invocation(skillway, repository_of):
    listed = answer(skillway("catalog", "list", "--json", cwd=repository_of))["data"]

    assert [skill["invocation"] for skill in listed] == [
        "/base-plugin:plan-week",
        "/base-plugin:say-hello",
        "/support:refund",
    ]
    assert [skill["owners"] for skill in listed] == [["@acme/platform"], ["@acme/platform"], ["@acme/support"]]
    assert {skill["evidence"]["outcome"] for skill in listed} == {"not run"}
    assert {skill["use"] for skill in listed} == {None}


def test_search_ranks_as_the_skill_on_laptops_does(skillway, repository_of):
    found = answer(skillway("catalog", "search", "customer", "was", "charged", "--json", cwd=repository_of))

    assert [skill["key"] for skill in found["data"]] == ["support:refund"]
    assert found["next_actions"] == ["skillway catalog show support:refund"]


def test_search_that_finds_nothing_is_no_failure_and_invents_nothing(skillway, repository_of):
    done = skillway("catalog", "search", "book a flight", cwd=repository_of)

    assert done.returncode == 0
    assert "No skill fits 'book a flight'; 3 were looked at." in done.stdout


def test_search_leaves_no_byte_code_in_the_plugin(skillway, repository_of, repository):
    skillway("catalog", "search", "refund", cwd=repository_of)

    assert not list((repository / "base-plugin").glob("**/__pycache__"))


@pytest.mark.parametrize("name", ["refund", "support:refund", "/support:refund"])
def test_show_takes_every_way_to_name_a_skill(skillway, repository_of, name):
    done = skillway("catalog", "show", name, cwd=repository_of)

    assert done.returncode == 0
    assert "@acme/support" in done.stdout
    assert '"support" to the laptop\'s teams' in done.stdout


def test_show_of_an_unknown_skill_names_near_ones(skillway, repository_of):
    done = skillway("catalog", "show", "suport:refunds", "--json", cwd=repository_of)

    assert done.returncode == 7
    assert answer(done)["error"]["fix"] == "Name one of: support:refund."


def test_list_of_an_unknown_plugin_names_those_there_are(skillway, repository_of):
    done = skillway("catalog", "list", "--plugin", "nosuch", cwd=repository_of)

    assert (done.returncode, "base-plugin, support" in done.stderr) == (7, True)


def test_outside_a_repository_says_where_to_go(skillway, tmp_path):
    done = skillway("catalog", "page")

    assert done.returncode == 1
    assert "organisation.yaml" in done.stderr


def test_page_without_a_store_says_that_there_is_no_usage_data(skillway, repository_of):
    done = skillway("catalog", "page", "--json", cwd=repository_of)

    assert "No usage data: there is no store" in answer(done)["data"]["usage"]
    assert "No usage data: there is no store" in (repository_of / "skills.html").read_text()


def test_page_joins_use_and_verdicts(skillway, repository_of, store, tmp_path):
    summary = tmp_path / "summary.json"
    verdicts = {
        "support:refund": {"outcome": "pass", "provenance": "live", "day": "2026-11-19"},
        "base-plugin:say-hello": {"outcome": "pass", "provenance": "fake", "day": "2026-11-19"},
    }
    summary.write_text(json.dumps({"schema": 1, "skills": verdicts}))

    done = skillway("catalog", "page", "--store", store, "--evidence", summary, cwd=repository_of)
    skills = {skill["key"]: skill for skill in skills_of(repository_of / "skills.html")}

    assert done.returncode == 0, done.stderr
    assert (skills["support:refund"]["use"]["uses"], skills["support:refund"]["use"]["users"]) == (7, 7)
    assert (skills["base-plugin:say-hello"]["use"]["uses"], skills["base-plugin:say-hello"]["use"]["users"]) == (
        2,
        None,
    )
    assert skills["base-plugin:plan-week"]["use"] == {"uses": 0, "users": 0, "last_used": None}
    assert skills["support:refund"]["evidence"] == {"outcome": "pass", "day": "2026-11-19"}
    assert skills["base-plugin:say-hello"]["evidence"]["outcome"] == "not run", "a scripted model is no evidence"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema": 2, "skills": {}}',
        '{"schema": 1, "skills": []}',
        '{"schema": 1, "skills": {"a": 1}}',
        "\udcff",
    ],
)
def test_broken_summary_is_one_sentence(skillway, repository_of, tmp_path, content):
    summary = tmp_path / "summary.json"
    summary.write_bytes(content.encode("utf-8", "surrogateescape"))

    done = skillway("catalog", "page", "--evidence", summary, cwd=repository_of)

    assert done.returncode == 1
    assert f"{summary} is no summary of verdicts" in done.stderr
    assert not (repository_of / "skills.html").exists()


def test_usage_page_draws_what_the_report_counts(skillway, repository_of, store):
    done = skillway("usage", "page", "--store", store, "--json", cwd=repository_of)
    report = answer(skillway("usage", "report", "--store", store, "--json", cwd=repository_of))["data"]
    text = (repository_of / "usage.html").read_text()

    assert done.returncode == 0, done.stderr
    assert answer(done)["data"]["events"] == 9 == report["provenance"]["events"]
    assert "Use of skills at Acme Inc." in text
    assert "support:refund" in text
    assert "1 skills that nobody used" in text or "base-plugin:plan-week" in text


def test_usage_page_without_a_store_writes_nothing(skillway, tmp_path):
    done = skillway("usage", "page", "--json")

    assert (done.returncode, answer(done)["ok"]) == (7, False)
    assert not (tmp_path / "usage.html").exists()


def test_usage_page_of_an_empty_store_says_so(skillway, tmp_path):
    open_store(tmp_path / "empty.db").close()

    done = skillway("usage", "page", "--store", tmp_path / "empty.db", "--output", "page.html")

    assert done.returncode == 0, done.stderr
    assert "There is no event of this period" in (tmp_path / "page.html").read_text()


def test_foreign_file_in_place_of_the_store_is_refused_and_left_alone(skillway, tmp_path):
    foreign = tmp_path / "foreign.db"
    foreign.write_text("not a database")

    done = skillway("usage", "page", "--store", foreign)

    assert done.returncode not in (0, 2)
    assert "fix:" in done.stderr
    assert foreign.read_text() == "not a database"


def test_dry_run_writes_nothing(skillway, repository_of, store):
    before = sorted(path.name for path in repository_of.iterdir())

    skillway("catalog", "page", "--dry-run", cwd=repository_of)
    skillway("usage", "page", "--store", store, "--dry-run", cwd=repository_of)

    assert sorted(path.name for path in repository_of.iterdir()) == before


@pytest.mark.parametrize("output", ["no/such/folder/page.html", "."])
def test_page_that_cannot_be_written_is_one_sentence_and_leaves_nothing(skillway, repository_of, output):
    before = sorted(path.name for path in repository_of.iterdir())

    done = skillway("catalog", "page", "--output", output, cwd=repository_of)

    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert sorted(path.name for path in repository_of.iterdir()) == before


def test_older_page_is_replaced_whole(skillway, repository_of):
    (repository_of / "skills.html").write_text("old")

    skillway("catalog", "page", cwd=repository_of)

    assert (repository_of / "skills.html").read_text().startswith("<!doctype html>")
    assert [path.name for path in repository_of.glob(".page-*")] == []


def test_broken_skill_is_left_out_and_told(skillway, repository_of):
    (repository_of / "base-plugin/skills/say-hello/SKILL.md").write_bytes(b"---\nname: [\xff\n---\n")

    done = skillway("catalog", "list", cwd=repository_of)

    assert done.returncode == 0
    assert "cannot be read" in done.stderr
    assert "/support:refund" in done.stdout


def test_description_cannot_steer_the_terminal(skillway, repository_of):
    (repository_of / "base-plugin/skills/say-hello/SKILL.md").write_text(
        '---\ndescription: "red \\e[31m bell \\a"\n---\n'
    )

    done = skillway("catalog", "show", "say-hello", cwd=repository_of)

    assert "\x1b" not in done.stdout
    assert "\a" not in done.stdout
