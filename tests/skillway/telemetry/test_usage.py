"""`usage show` and `usage status` tell what lies in the spool, whatever else lies there."""

import json
import time

import pytest


def record(number=1, **more):
    return {
        "v": 1,
        "id": f"{number:032x}",
        "ts": time.time_ns() - 7200 * 10**9,
        "name": "skillway.skill.used",
        "attributes": {"skill.name": "support:mask", "success": True},
        **more,
    }


@pytest.fixture
def spool(home):
    folder = home / ".local" / "state" / "skillway" / "spool"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def write(path, *records):
    path.write_text("".join(f"\n{json.dumps(each)}\n" for each in records))


def answer(done):
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def test_show_prints_the_exact_records(skillway, spool):
    records = [record(1), record(2, name="skillway.session.started", attributes={})]
    write(spool / "events.jsonl", *records)
    done = skillway("usage", "show")
    assert [json.loads(line) for line in done.stdout.splitlines()] == records
    assert answer(skillway("usage", "show", "--limit", "1", "--json"))["data"]["records"] == records[1:]


def test_show_reads_claimed_files_and_segments_too(skillway, spool):
    for number, name in enumerate(("1-ab.claimed", "2-33-cd.jsonl", "events.jsonl")):
        write(spool / name, record(number))
    assert len(answer(skillway("usage", "show", "--json"))["data"]["records"]) == 3


@pytest.mark.parametrize(("journal", "left"), [("", 2), ("first", 1), ("-5", 2), ("9" * 30, 2), ("x", 2)])
def test_what_the_journal_says_was_sent_is_left_out(skillway, spool, journal, left):
    write(spool / "1-ab.claimed", record(1), record(2))
    first = len(json.dumps(record(1))) + 2
    (spool / "1-ab.offset").write_text(str(first) if journal == "first" else journal)
    assert len(answer(skillway("usage", "show", "--json"))["data"]["records"]) == left


def test_without_a_spool_nothing_is_queued(skillway):
    assert "Nothing is queued" in skillway("usage", "show").stdout
    data = answer(skillway("usage", "status", "--json"))["data"]
    assert (data["queued"], data["endpoint"], data["oldest_seconds"]) == (0, None, None)


def test_torn_lines_are_counted_and_nothing_else_is_lost(skillway, spool):
    (spool / "events.jsonl").write_bytes(b'\n{"v":1,"id":\n\xff\xfe\n[1]\n' + b"x" * 5000 + b"\n" + b"[" * 4000 + b"\n")
    with (spool / "events.jsonl").open("a") as file:
        file.write(f"\n{json.dumps(record())}\n")
    data = answer(skillway("usage", "status", "--json"))["data"]
    assert (data["queued"], data["torn"]) == (1, 5)


def test_links_folders_and_strangers_are_named_and_left(skillway, spool, tmp_path):
    secret = tmp_path / "secret"
    write(secret, record())
    (spool / "1-aa.jsonl").symlink_to(secret)
    (spool / "folder.jsonl").mkdir()
    envelope = answer(skillway("usage", "show", "--json"))
    assert envelope["data"]["records"] == []
    assert len(envelope["warnings"]) == 2


def test_linked_spool_is_not_read(skillway, home, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere / "events.jsonl", record())
    (home / ".local" / "state" / "skillway").mkdir(parents=True)
    (home / ".local" / "state" / "skillway" / "spool").symlink_to(elsewhere)
    assert answer(skillway("usage", "show", "--json"))["data"]["records"] == []


def test_status_has_every_figure_of_the_flusher(skillway, spool):
    write(spool / "events.jsonl", record())
    (spool / "dropped.full").write_bytes(b"...")
    state = {
        "schema": 1,
        "sent": 40,
        "dropped": {"full": 2, "poison": 1},
        "torn": 4,
        "unknown": 5,
        "failures": 7,
        "failing": 1,
        "failure": "auth",
        "detail": "401",
        "next_try": int(time.time()) + 1800,
        "last_success": int(time.time()) - 600,
        "key_id": "2026-11",
        "endpoint": "https://otlp.example/v1/logs",
        "skew_s": -400,
        "poison": [{"name": "skillway.skill.used", "bytes": 300, "status": 400}],
    }
    (spool.parent / "flush.json").write_text(json.dumps(state))
    data = answer(skillway("usage", "status", "--json"))["data"]
    assert data["dropped"] == {"full": 5, "poison": 1}
    assert data["quarantine"] == state["poison"]
    assert 7000 < data["oldest_seconds"] < 8000
    text = skillway("usage", "status", OTEL_EXPORTER_OTLP_ENDPOINT="https://otlp.example", DO_NOT_TRACK="").stdout
    for words in (
        "1 records",
        "oldest 2 h",
        "5 full",
        "auth (401)",
        "https://otlp.example",
        "2026-11",
        "10 min ago",
        "400 s behind",
    ):
        assert words in text


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "sent": "many", "dropped": [], "poison": {}}', "[" * 100_000],
)
def test_damaged_state_of_the_flusher_is_no_failure(skillway, spool, text):
    (spool.parent / "flush.json").write_text(text)
    assert answer(skillway("usage", "status", "--json"))["data"]["sending"]["sent"] == 0
