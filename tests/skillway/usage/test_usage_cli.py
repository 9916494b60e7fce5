"""`skillway usage report` and `export` as they are typed."""

import csv
import io
import json
import re
import subprocess
import sys
from datetime import date

import pytest

from skillway.collector.store import open_store
from skillway.usage.table import Column, display_width, draw_table, sparkline

DAY_NS = 86_400 * 10**9
NOON = (date(2026, 11, 18) - date(1970, 1, 1)).days * DAY_NS + DAY_NS // 2
PERIOD = ("--since", "2026-11-01", "--until", "2026-11-18")


def usage(*arguments, cwd, **environment):
    command = [sys.executable, "-m", "skillway", "usage", *map(str, arguments)]
    env = {**environment} or None
    if env:
        import os

        env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False, env=env)


@pytest.fixture
def store(filled):
    """Six people of one team use two skills; another team has two people."""
    events = []
    for number in range(8):
        user = f"{number:032x}"
        team = "data" if number < 6 else "few"
        attributes = {
            "session.id": f"s{number}",
            "user.hash": user,
            "skill.name": "p:one",
            "invocation_trigger": "user-slash",
        }
        events.append(
            {
                "uid": f"{number:032x}",
                "name": "skillway.skill.used",
                "ts": NOON + number,
                "attributes": attributes,
                "team": team,
            }
        )
    attributes = {"session.id": "s0", "user.hash": "0" * 32, "skill.name": "=danger()", "success": False}
    events.append(
        {"uid": "f" * 32, "name": "skillway.skill.used", "ts": NOON, "attributes": attributes, "team": "data"}
    )
    return filled(events)


def test_a_person_reads_totals_and_tables(store, tmp_path):
    done = usage("report", *PERIOD, "--store", store, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("Usage 2026-11-01 to 2026-11-18 (18 days, UTC)")
    assert "9 uses of 2 skills" in second
    assert "8 of 8 people" in second
    assert re.search(r"^p:one +8 +8 +2 +100 % ", done.stdout, re.MULTILINE)
    assert re.search(r"^=danger\(\) +1 +<5 ", done.stdout, re.MULTILINE), "one user is not told of"
    assert "few" not in done.stdout.replace("(hidden)", ""), "two people are no group"


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(store, tmp_path, repository, width):
    done = usage("report", *PERIOD, "--store", store, "--catalogue", repository, cwd=tmp_path, COLUMNS=str(width))
    assert done.returncode == 0, done.stderr
    lines = [
        line for line in done.stdout.splitlines() if not line.startswith(("From ", "  next: ")) and "/" not in line
    ]
    assert max(map(display_width, lines)) <= max(width, 30) if width > 30 else lines


def test_json_is_one_envelope_with_the_whole_report(store, tmp_path):
    done = usage("report", *PERIOD, "--store", store, "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["ok"]
    assert told["data"]["schema"] == 1
    assert told["data"]["skills"][0]["name"] == "p:one"
    assert told["data"]["period"]["since"] == "2026-11-01"
    assert told["data"]["unused"] is None


@pytest.mark.parametrize("by", ["skill", "plugin", "team", "rule", "release"])
def test_csv_has_one_line_per_row_and_no_formula(store, tmp_path, by):
    done = usage("report", *PERIOD, "--store", store, "--csv", "--by", by, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    titles, *rows = csv.reader(io.StringIO(done.stdout))
    assert titles[0] == by
    assert all(len(row) == len(titles) for row in rows)
    if by == "skill":
        assert [row[0] for row in rows] == ["p:one", "'=danger()"]
        assert rows[0][titles.index("week 2026-11-16")] == "8"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--store", "none.db", "--no-spool"), 7),
        (("--targets", "none.yaml"), 7),
        (("--since", "2026-11-19", "--until", "2026-11-18"), 2),
        (("--since", "yesterday"), 2),
        (("--days", "0"), 2),
        (("--by", "person"), 2),
        (("--csv", "--json"), 2),
        (("--catalogue", "none"), 2),
        (("--store", "notes.txt"), 1),
        (("--targets", "notes.txt"), 1),
    ],
)
def test_bad_input_ends_with_a_sentence_and_its_code(store, tmp_path, arguments, code):
    (tmp_path / "notes.txt").write_text("nothing of yours\n" * 40)
    extra = () if "--store" in arguments else ("--store", store)
    done = usage("report", *extra, *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr


def test_a_damaged_store_is_a_sentence(store, tmp_path):
    data = bytearray(store.read_bytes())
    data[4096 * 2 :] = b"\xa5" * (len(data) - 4096 * 2)
    store.write_bytes(data)
    done = usage("report", *PERIOD, "--store", store, cwd=tmp_path)
    assert done.returncode == 1
    assert "recover" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_default_store_and_the_own_spool_are_read(tmp_path, home):
    state = home / ".local/state/skillway"
    open_store(state / "usage.db").close()
    (state / "spool").mkdir()
    record = {"v": 1, "id": "a" * 32, "ts": NOON, "name": "skillway.skill.used", "attributes": {"skill.name": "p:one"}}
    (state / "spool/events.jsonl").write_text(json.dumps(record))
    done = usage("report", *PERIOD, "--json", cwd=tmp_path)
    told = json.loads(done.stdout)["data"]
    assert [source["kind"] for source in told["provenance"]["sources"]] == ["store", "spool"]
    assert told["totals"]["uses"] == 1
    alone = json.loads(usage("report", *PERIOD, "--json", "--no-spool", cwd=tmp_path).stdout)["data"]
    assert alone["totals"]["uses"] == 0


@pytest.mark.parametrize("form", ["--jsonl", "--csv"])
def test_every_event_is_exported_with_its_attributes(store, tmp_path, form):
    done = usage("export", form, "--store", store, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    if form == "--jsonl":
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert rows[-1]["attributes"] == {
            "session.id": "s0", "user.hash": "0" * 32, "skill.name": "=danger()", "success": False, "team.id": "data"
        }  # fmt: skip
    else:
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert rows[-1]["skill"] == "'=danger()"
    assert [row["uid"] for row in rows][-1] == "f" * 32
    assert len(rows) == 9
    assert usage("export", form, "--since", "2026-11-19", "--store", store, cwd=tmp_path).stdout.count("skillway") == 0


def test_a_reader_of_the_export_may_leave_early(filled, tmp_path):
    attributes = {"session.id": "s", "skill.name": "p:one"}
    events = [
        {"uid": f"{n:032x}", "name": "skillway.skill.used", "ts": NOON + n, "attributes": attributes, "team": None}
        for n in range(2000)
    ]
    store = filled(events)
    command = f"{sys.executable} -m skillway usage export --store {store} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_an_exported_file_is_the_users_alone_and_whole_or_not_there(store, tmp_path):
    done = usage("export", "--store", store, "--output", "out.jsonl", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["data"]["events"] == 9
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600
    assert usage("export", "--store", store, "--output", "none/out.jsonl", cwd=tmp_path).returncode == 1
    assert usage("export", "--store", store, "--json", cwd=tmp_path).returncode == 2
    assert usage("export", "--store", "none.db", cwd=tmp_path).returncode == 7


def test_sparklines_tell_nothing_little_and_hidden_apart():
    assert sparkline([0, 1, 8, None, 4]) == "·▂█?▅"
    assert sparkline([]) == ""
    assert sparkline([0, None]) == "·?"


def test_narrow_tables_lose_their_least_column_first_and_cut_names_last():
    columns = [Column("name", is_number=False), Column("much", weight=9), Column("little", weight=1)]
    rows = [["a-long-name-of-a-skill", "12", "345"]]
    assert draw_table(columns, rows, width=40)[1] == "a-long-name-of-a-skill    12     345"
    assert draw_table(columns, rows, width=28)[1] == "a-long-name-o…    12     345"
    assert draw_table(columns, rows, width=20)[1] == "a-long-name-o…    12"
    assert draw_table(columns, rows, width=8)[1] == "a-long-…"
