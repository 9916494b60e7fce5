"""What is on disk after a kill, and which files are refused without being touched."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading

import pytest

from skillway.collector import schema
from skillway.collector.decode import decode
from skillway.collector.errors import StoreError
from skillway.collector.otlp_json import JSON
from skillway.collector.retention import Retention
from skillway.collector.schema import APPLICATION_ID, DAY_NS, MIGRATIONS
from skillway.collector.store import lock_store, open_for_reading, open_in_memory, open_store
from skillway.errors import ConflictError, NotFoundError


def rows(log_body, count, *, start=0):
    body = log_body(
        *[
            (f"{n:032x}", "skillway.skill.used", {"skill.name": "p:q", "session.id": f"s{n}"})
            for n in range(start, start + count)
        ]
    )
    return decode("logs", body, JSON).rows


def count(path):
    store = open_for_reading(path)
    events = store.connection.execute("SELECT count(*) FROM event").fetchone()[0]
    total = store.connection.execute("SELECT events FROM total").fetchone()[0]
    daily = store.connection.execute("SELECT coalesce(sum(n), 0) FROM daily").fetchone()[0]
    assert store.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    store.close()
    assert events == total == daily, "sums and events agree"
    return events


def test_the_store_and_its_folder_are_the_users_alone(tmp_path, log_body):
    path = tmp_path / "new" / "usage.db"
    store = open_store(path)
    store.write([rows(log_body, 3)])
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store.close()


_SENDER = """
import http.client, json, sys
port, start = int(sys.argv[1]), int(sys.argv[2])
n = start
connection = http.client.HTTPConnection("127.0.0.1", port)
try:
    while True:
        records = []
        for _ in range(50):
            n += 1
            uid = {"key": "log.record.uid", "value": {"stringValue": "%032x" % n}}
            records.append({"timeUnixNano": "1763000000000000000", "eventName": "skillway.skill.used", "attributes": [uid]})
        body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
        connection.request("POST", "/v1/logs", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        print(n, flush=True)
except OSError:
    pass
"""


@pytest.mark.parametrize("attempt", range(4))
def test_nothing_that_was_answered_is_lost_by_a_kill(start_collector, tmp_path, attempt):
    path = tmp_path / "usage.db"
    process, told = start_collector("--store", path)
    port = told["endpoint"].rpartition(":")[2]
    starts = (0, 1_000_000)
    senders = [
        subprocess.Popen([sys.executable, "-c", _SENDER, port, str(start)], stdout=subprocess.PIPE, text=True)
        for start in starts
    ]
    answered = [0, 0]
    for _ in range(3 + attempt * 7):
        answered[0] = int(senders[0].stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    for which, sender in enumerate(senders):
        said = sender.communicate()[0].split()
        answered[which] = int(said[-1]) if said else answered[which]

    stored = count(path)
    store = open_for_reading(path)
    uids = {int(row[0], 16) for row in store.connection.execute("SELECT hex(uid) FROM event")}
    store.close()
    for start, last in zip(starts, answered, strict=True):
        assert set(range(start + 1, last + 1)) <= uids, "every answered record is there"
    assert stored - sum(last - start for start, last in zip(starts, answered, strict=True) if last) <= 100, (
        "and at most the requests in flight beside them"
    )
    process, _ = start_collector("--store", path)
    assert process.poll() is None, "the store opens again"


def test_a_term_signal_ends_the_collector_in_order(start_collector, tmp_path):
    process, _ = start_collector("--store", tmp_path / "usage.db")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert not (tmp_path / "usage.db-wal").exists(), "all of it is in the one file"
    assert count(tmp_path / "usage.db") == 0


def _foreign(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()


def _future(path):
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()


def _damaged(path):
    store = open_store(path)
    store.connection.execute("CREATE TABLE filler AS SELECT randomblob(9000) AS x")
    store.close()
    data = bytearray(path.read_bytes())
    data[100:8192] = os.urandom(8092)
    path.write_bytes(data)


BAD_FILES = {
    "foreign": (_foreign, "another program"),
    "future": (_future, "version"),
    "damaged": (_damaged, "malformed"),
    "text": (lambda path: path.write_text("not a database, but long enough to look like one " * 9), "not a database"),
    "folder": (lambda path: path.mkdir(), "cannot be used|is no file"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_files_that_are_no_store_of_ours_are_named_and_left_alone(tmp_path, kind):
    path = tmp_path / "usage.db"
    make, told = BAD_FILES[kind]
    make(path)
    before = path.read_bytes() if path.is_file() else None
    for opening in (open_store, open_for_reading):
        with pytest.raises(StoreError, match=told) as raised:
            opening(path)
        assert "usage.db" in raised.value.message
        assert raised.value.fix
    if before is not None:
        assert path.read_bytes() == before


def test_a_store_of_an_older_schema_is_brought_up_to_date_with_its_events(tmp_path, log_body, monkeypatch):
    path = tmp_path / "usage.db"
    store = open_store(path)
    store.write([rows(log_body, 5)])
    store.close()
    newer = (*MIGRATIONS, "ALTER TABLE event ADD COLUMN later TEXT;\nCREATE INDEX later ON event (later);\n")
    monkeypatch.setattr("skillway.collector.store.MIGRATIONS", newer)
    with pytest.raises(StoreError, match="version 1"):
        open_for_reading(path)
    open_store(path).close()
    assert count(path) == 5
    broken = (*newer, "ALTER TABLE event ADD COLUMN more TEXT;\nno sql;\n")
    monkeypatch.setattr("skillway.collector.store.MIGRATIONS", broken)
    with pytest.raises(StoreError):
        open_store(path)
    monkeypatch.setattr("skillway.collector.store.MIGRATIONS", newer)
    assert count(path) == 5, "a migration is done whole or not at all"


def test_a_file_left_by_a_kill_before_the_schema_was_made_is_used(tmp_path, log_body):
    path = tmp_path / "usage.db"
    path.touch(0o600)
    store = open_store(path)
    store.write([rows(log_body, 1)])
    store.close()
    assert count(path) == 1
    assert sqlite3.connect(path).execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(tmp_path / "file" / "usage.db")
    with pytest.raises(NotFoundError):
        open_for_reading(tmp_path / "none.db")


def test_only_one_collector_has_a_store(tmp_path, start_collector):
    path = tmp_path / "usage.db"
    start_collector("--store", path)
    with pytest.raises(ConflictError, match="Another collector"), lock_store(path):
        pass
    process, told = start_collector("--store", path)
    assert process.wait(timeout=20) == 8


def test_a_reader_sees_whole_transactions_while_events_are_written(tmp_path, log_body):
    path = tmp_path / "usage.db"
    store = open_store(path)
    batches = [rows(log_body, 40, start=n * 40) for n in range(25)]
    writing = threading.Thread(target=lambda: [store.write([batch]) for batch in batches])
    writing.start()
    seen = set()
    while writing.is_alive():
        reader = open_for_reading(path)
        reader.connection.execute("BEGIN")
        events = reader.connection.execute("SELECT count(*) FROM event").fetchone()[0]
        assert events == reader.connection.execute("SELECT events FROM total").fetchone()[0]
        seen.add(events)
        reader.close()
    writing.join()
    store.close()
    assert all(events % 40 == 0 for events in seen)
    assert count(path) == 1000


def test_words_of_a_transaction_that_was_taken_back_are_not_used_again(log_body):
    store = open_in_memory()
    first, second = rows(log_body, 2), rows(log_body, 3, start=10)
    store.connection.execute("BEGIN")
    store.add([first])
    store.undo()
    store.write([second])
    names = store.connection.execute("SELECT text FROM word JOIN event ON event.skill = word.id").fetchall()
    assert names == [("p:q",)] * 3


def test_old_days_go_with_their_sums_and_the_names_of_people(tmp_path, log_body):
    path = tmp_path / "usage.db"
    store = open_store(path)
    old = [
        row._replace(uid=os.urandom(16), words=(*row.words[:2], "old-session", *row.words[3:]))
        for row in rows(log_body, 30)
    ]
    new = [row._replace(ts=row.ts + 50 * DAY_NS) for row in rows(log_body, 20)]
    store.write([old, new])
    today = new[0].ts // DAY_NS

    removed = Retention(store, 10, now=lambda: today * DAY_NS + 5).run()

    assert removed == 30
    words = {word for (word,) in store.connection.execute("SELECT text FROM word")}
    assert "old-session" not in words
    assert {"s0", "p:q", *schema.WORDS} <= words
    assert store.connection.execute("SELECT count(*) FROM session").fetchone()[0] == 20
    store.write([rows(log_body, 1, start=900)])
    store.close()
    assert count(path) == 21


def test_the_numbers_of_words_are_read_again_when_too_many_were_remembered(log_body, monkeypatch):
    monkeypatch.setattr("skillway.collector.store._MAX_WORDS", 3)
    store = open_in_memory()
    for start in (0, 10, 0, 20):
        store.write([rows(log_body, 5, start=start)])
    assert len(store._ids) < 12
    query = "SELECT w.text, count(*) FROM event JOIN word AS w ON w.id = event.skill GROUP BY 1"
    assert store.connection.execute(query).fetchall() == [("p:q", 15)]
    assert store.connection.execute("SELECT count(DISTINCT session) FROM event").fetchone() == (15,)
