"""The flusher, as its own process against receivers on loopback."""

import json
import os
import subprocess
import sys
import time
from email.utils import formatdate

import pytest
from receiver import OK, Reply, attributes

USED = "skillway.skill.used"


def test_what_is_spooled_arrives_once_and_leaves_nothing(laptop, receiver):
    assert laptop.append(3) == 3
    ids = laptop.waiting()
    laptop.flush()
    assert sorted(receiver.uids()) == sorted(ids)
    assert laptop.waiting() == []
    assert [path.name for path in laptop.spool.iterdir()] == []
    figures = laptop.figures()
    assert (figures["failures"], figures["failure"], figures["dropped"]) == (0, "", {})
    laptop.flush()
    assert len(receiver.uids()) == 3


def test_a_request_is_otlp_with_the_key_and_without_anything_else(laptop, receiver):
    laptop.hold_flusher()
    (laptop.state / "user.json").write_text(json.dumps({"schema": 1, "user.hash": "0a" * 16, "team.id": "support"}))
    laptop.start(
        "usage", {"hook_event_name": "SessionEnd", "reason": "other", "session_id": "s-1"}, SKILLWAY_TELEMETRY="1"
    )
    laptop.flush()
    path, headers, document = receiver.requests[0]
    assert (path, headers["x-key"], headers["Content-Encoding"]) == ("/v1/logs", "secret-1", "gzip")
    resource = attributes(document["resourceLogs"][0]["resource"])
    assert resource.pop("host.arch")
    assert resource == {
        "service.name": "skillway",
        "service.version": "0.1.0+abababababab",
        "os.type": "linux",
        "deployment.environment.name": "test",
        "team.id": "support",
    }
    (ended,) = [record for record in receiver.accepted if record["eventName"] == "skillway.session.ended"]
    assert (ended["body"], ended["severityNumber"]) == ({"stringValue": "skillway.session.ended"}, 9)
    assert int(ended["observedTimeUnixNano"]) >= int(ended["timeUnixNano"]) > 0
    values = attributes(ended)
    assert len(values.pop("log.record.uid")) == 32
    assert values == {
        "skillway.schema.version": 1,
        "session.id": "s-1",
        "session.end.reason": "other",
        "user.hash": "0a" * 16,
    }


def emitted_is_accounted_for(laptop, receiver, emitted):
    """sent + spooled + dropped = emitted, and no id is both sent and spooled."""
    waiting = laptop.waiting()
    sent = set(receiver.uids())
    figures = laptop.figures()
    lost = sum(figures["dropped"].values())
    assert len(waiting) == len(set(waiting))
    assert not sent & set(waiting)
    assert len(sent) + len(waiting) + lost == emitted, (len(sent), len(waiting), figures)
    return len(sent), len(waiting), lost


REFUSALS = {
    "500": (Reply(500), "server", "500"),
    "503": (Reply(503), "server", "503"),
    "429": (Reply(429), "throttled", "429"),
    "401": (Reply(401), "auth", "401"),
    "403": (Reply(403), "auth", "403"),
    "404": (Reply(404), "config", "404"),
    "415": (Reply(415), "config", "415"),
    "redirect": (Reply(307, headers={"Location": "http://127.0.0.1:9/v1/logs"}), "config", "307"),
    "half-closed": (Reply(how="half-closed"), "connection", "RemoteDisconnected"),
    "reset": (Reply(how="reset"), "connection", "ConnectionResetError"),
    "a page for people": (Reply(200, body=b"<html>Log in</html>"), "lies", "200"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_a_receiver_does_not_take_stays(laptop, receiver, what):
    reply, failure, detail = REFUSALS[what]
    laptop.append(5)
    receiver.reply = reply
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 5) == (0, 5, 0)
    figures = laptop.figures()
    assert (figures["failure"], figures["detail"], figures["failures"], figures["failing"]) == (failure, detail, 1, 1)
    assert 0 < figures["next_try"] - figures["last_try"] <= 3601
    laptop.flush(again=False)
    assert len(receiver.requests) == 1
    receiver.reply = OK
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 5) == (5, 0, 0)
    assert (laptop.figures()["failure"], laptop.figures()["failing"]) == ("", 0)


def test_nobody_listens(laptop, receiver):
    laptop.append(5)
    laptop.configure("http://127.0.0.1:9")
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 5) == (0, 5, 0)
    assert laptop.figures()["failure"] == "connection"


SHORT = "import sys; sys.path.insert(0, {hooks!r}); import flush_http; flush_http.REQUEST_S = 0.4"


@pytest.mark.parametrize("how", ["hang", "trickle"])
def test_a_receiver_that_never_finishes_is_left(laptop, receiver, how):
    """The trickle sends a byte at a time, which a socket's timeout alone would wait for for ever."""
    laptop.append(5)
    receiver.reply = Reply(how=how)
    laptop.flush(prefix=SHORT.format(hooks=str(laptop.plugin / "hooks")))
    receiver.released.set()
    assert emitted_is_accounted_for(laptop, receiver, 5) == (0, 5, 0)
    assert laptop.figures()["failure"] == "connection"


@pytest.mark.parametrize(
    ("text", "least", "most"), [("120", 119, 122), ("999999", 3599, 3602), ("soon", 0, 32), ("-5", 0, 32)]
)
def test_a_server_that_asks_for_time_gets_it(laptop, receiver, text, least, most):
    laptop.append(1)
    receiver.reply = Reply(429, headers={"Retry-After": text})
    laptop.flush()
    figures = laptop.figures()
    assert least <= figures["next_try"] - figures["last_try"] <= most


def test_a_date_to_come_back_is_by_the_servers_clock(laptop, receiver):
    laptop.append(1)
    receiver.skew = -86_400
    then = formatdate(time.time() - 86_400 + 300, usegmt=True)
    receiver.reply = Reply(503, headers={"Retry-After": then})
    laptop.flush()
    figures = laptop.figures()
    assert 298 <= figures["next_try"] - figures["last_try"] <= 302


def test_waiting_grows_with_failures_to_an_hour(laptop, receiver):
    laptop.append(1)
    receiver.reply = Reply(503)
    longest = "import random; random.uniform = lambda low, high: high"
    waits = []
    for _ in range(9):
        laptop.flush(prefix=longest)
        figures = laptop.figures()
        waits.append(figures["next_try"] - figures["last_try"])
    assert all(
        abs(wait - due) <= 1 for wait, due in zip(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600], strict=True)
    )


def test_a_new_key_is_tried_at_once(laptop, receiver):
    laptop.append(2)
    receiver.reply = Reply(401)
    laptop.flush()
    receiver.reply = OK
    laptop.flush(again=False)
    assert receiver.uids() == []
    laptop.configure(receiver.url, key_id="2026-12", headers={"x-key": "secret-2"})
    laptop.flush(again=False)
    assert len(receiver.uids()) == 2
    assert receiver.requests[-1][1]["x-key"] == "secret-2"


def test_what_a_receiver_throws_away_is_counted_and_not_sent_again(laptop, receiver):
    laptop.append(10)
    body = json.dumps({"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": "canary"}}).encode()
    receiver.reply = Reply(200, body=body)
    laptop.flush()
    assert laptop.waiting() == []
    assert laptop.figures()["dropped"] == {"rejected": 3}
    assert "canary" not in (laptop.state / "flush.json").read_text()
    laptop.flush()
    assert len(receiver.uids()) == 10


@pytest.mark.parametrize("rejected", ["99999", "-4", "many", [1], None, {}])
def test_a_number_that_cannot_be_is_not_believed(laptop, receiver, rejected):
    laptop.append(4)
    body = json.dumps({"partialSuccess": {"rejectedLogRecords": rejected}}).encode()
    receiver.reply = Reply(200, body=body)
    laptop.flush()
    figures = laptop.figures()
    total = len(receiver.accepted)
    assert figures["failure"] == "lies"
    assert figures["sent"] + figures["dropped"].get("rejected", 0) == total


@pytest.mark.parametrize("body", [b"", b"\x0a\x00\xff", b"[" * 70000, b"null", b"{" + b" " * 200000])
def test_an_answer_that_says_nothing_is_a_yes(laptop, receiver, body):
    laptop.append(2)
    receiver.reply = Reply(200, body=body)
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 2) == (2, 0, 0)


def test_a_body_that_breaks_off_after_a_yes_is_a_yes(laptop, receiver):
    laptop.append(2)
    receiver.reply = Reply(200, body=b"{}", headers={"Content-Length": "2", "Connection": "close"})
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 2) == (2, 0, 0)


@pytest.mark.parametrize("status", [400, 413])
def test_one_event_that_a_receiver_cannot_bear_stops_no_other(laptop, receiver, status):
    laptop.append(200)
    poison = laptop.waiting()[77]
    receiver.reply = lambda records: (
        Reply(status) if any(attributes(record)["log.record.uid"] == poison for record in records) else OK
    )
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 200) == (199, 0, 1)
    figures = laptop.figures()
    assert figures["dropped"] == {"poison": 1}
    (kept,) = figures["poison"]
    assert (kept["name"], kept["status"], set(kept)) == (USED, status, {"name", "bytes", "status"})
    assert len(receiver.requests) <= 2 * 8 + 2


def test_a_receiver_that_refuses_every_event_keeps_them_all_but_a_few(laptop, receiver):
    laptop.append(100)
    receiver.reply = Reply(400)
    laptop.flush()
    assert (len(laptop.waiting()), receiver.uids()) == (90, [])
    assert laptop.figures()["dropped"] == {"poison": 10}
    assert laptop.figures()["failure"] == "config"


def test_batches_are_of_a_thousand_and_of_one_hour(laptop, receiver):
    laptop.append(1500)
    (file,) = laptop.spool.glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text().split("\n") if line]
    for number, record in enumerate(lines):
        record["ts"] = 1_700_000_000 * 10**9 + (3600 * 10**9 if number >= 1200 else 0) - number
    file.write_text("".join(f"\n{json.dumps(record)}\n" for record in lines))
    laptop.flush()
    sizes = []
    for _, _, document in receiver.requests:
        times = [int(record["timeUnixNano"]) for record in document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]]
        assert times == sorted(times)
        assert len({time // (3600 * 10**9) for time in times}) == 1
        sizes.append(len(times))
    assert sizes[:3] == [1000, 200, 300]


def test_no_endpoint_leaves_the_records_where_they_are(laptop):
    laptop.append(3)
    laptop.flush()
    assert len(laptop.waiting()) == 3
    assert [path.name for path in laptop.spool.iterdir()] == ["events.jsonl"]
    assert (laptop.state / "flush.mark").stat().st_mtime > time.time() + 3000


@pytest.mark.parametrize("more", [{"DO_NOT_TRACK": "1"}, {"SKILLWAY_TELEMETRY": "0"}])
def test_opting_out_sends_nothing_unless_the_policy_says_always(laptop, receiver, more):
    laptop.append(2)
    laptop.flush(**more)
    assert receiver.requests == []
    laptop.configure(receiver.url, always=True)
    assert laptop.append(1, **more) == 1
    laptop.flush(**more)
    assert len(receiver.uids()) == 3


def test_debug_prints_and_sends_nothing(laptop, receiver):
    laptop.append(3)
    printed = laptop.flush(SKILLWAY_TELEMETRY_DEBUG="1")
    assert receiver.requests == []
    document = json.loads(printed.splitlines()[0])
    assert len(document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]) == 3
    assert "secret-1" not in printed
    assert len(laptop.waiting()) == 3
    assert not (laptop.state / "flush.json").exists()


def test_bad_lines_are_counted_once_and_harm_no_neighbour(laptop, receiver):
    laptop.append(2)
    good = json.loads((laptop.spool / "events.jsonl").read_text().split("\n")[1])
    bad = [
        '{"v":1,"id":"torn',
        "\x00\xff binary",
        "[]",
        "7",
        json.dumps({**good, "v": 99}),
        json.dumps({**good, "name": "canary.event"}),
        json.dumps({**good, "id": "../../x"}),
        json.dumps({**good, "ts": "now"}),
        "x" * 20_000,
        "[" * 6000,
    ]
    with (laptop.spool / "events.jsonl").open("ab") as file:
        for line in bad:
            file.write(b"\n" + line.encode("latin-1") + b"\n")
    laptop.append(2)
    receiver.reply = Reply(503)
    laptop.flush()
    receiver.reply = OK
    laptop.flush()
    assert len(set(receiver.uids())) == 4
    figures = laptop.figures()
    assert (figures["torn"], figures["dropped"]) == (4, {"invalid": 5, "future": 1})
    assert list(laptop.spool.iterdir()) == []


def test_what_a_tampered_spool_adds_does_not_leave_the_laptop(laptop, receiver):
    laptop.append(1)
    (file,) = laptop.spool.glob("*.jsonl")
    record = json.loads(file.read_text())
    record["attributes"].update({"prompt": "canary", "skill.name": "/canary", "success": "canary", "duration_ms": [1]})
    record["canary"] = "canary"
    file.write_text("\n" + json.dumps(record) + "\n")
    laptop.flush()
    assert "canary" not in json.dumps([request[2] for request in receiver.requests])
    assert len(receiver.uids()) == 1
    assert laptop.figures()["unknown"] == 4


def test_foreign_files_stay_and_are_named(laptop, receiver):
    laptop.append(1)
    (laptop.spool / "notes.txt").write_text("mine")
    (laptop.spool / "link.jsonl").symlink_to("/etc/passwd")
    (laptop.spool / "1-2-ab.jsonl").symlink_to("/etc/passwd")
    (laptop.spool / "folder.claimed").mkdir()
    laptop.flush()
    assert len(receiver.uids()) == 1
    assert laptop.figures()["foreign"] == ["folder.claimed", "link.jsonl", "notes.txt"]
    assert (laptop.spool / "notes.txt").read_text() == "mine"
    assert "root:" not in json.dumps([request[2] for request in receiver.requests])


@pytest.mark.parametrize("what", ["spool", "state", "lock", "figures"])
def test_links_in_the_flushers_way_are_not_followed(laptop, receiver, tmp_path, what):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "events.jsonl").write_text('\n{"v":1}\n')
    (elsewhere / "victim").write_text("precious")
    if what != "state":
        laptop.append(1)
    if what == "spool":
        laptop.spool.rename(tmp_path / "aside")
        laptop.spool.symlink_to(elsewhere)
    elif what == "state":
        laptop.state.parent.mkdir(parents=True)
        laptop.state.symlink_to(elsewhere)
    else:
        (laptop.state / {"lock": "flush.lock", "figures": "flush.json"}[what]).symlink_to(elsewhere / "victim")
    laptop.flush(again=False)
    assert (elsewhere / "victim").read_text() == "precious"
    assert sorted(path.name for path in elsewhere.iterdir()) == ["events.jsonl", "victim"]


def test_figures_from_a_newer_version_or_broken_cost_no_record(laptop, receiver):
    for text in (
        "{",
        '{"schema": 2, "sent": "many"}',
        '{"schema": 1, "sent": "many", "dropped": [], "poison": 3}',
        "[]",
    ):
        laptop.append(1)
        (laptop.state / "flush.json").write_text(text)
        laptop.flush(again=False)
    assert len(receiver.uids()) == 4


def test_segments_are_taken_when_nobody_writes_to_them_and_sent_together(laptop, receiver):
    for _ in range(3):
        laptop.append(2, SKILLWAY_SPOOL_MODE="segment")
    laptop.flush()
    assert receiver.uids() == []
    assert len(laptop.waiting()) == 6
    for file in laptop.spool.glob("*.jsonl"):
        if file.name != "events.jsonl":
            os.utime(file, (time.time() - 6, time.time() - 6))
    before = len(receiver.requests)
    laptop.flush()
    assert len(receiver.uids()) == 6
    assert len(receiver.requests) == before + 1


def test_two_flushers_send_everything_once(laptop, receiver):
    laptop.append(3000)
    argv = [sys.executable, "-I", "-S", str(laptop.plugin / "hooks" / "flush.py")]
    both = [subprocess.Popen(argv, env=laptop.environment()) for _ in range(4)]
    assert [process.wait(30) for process in both] == [0] * 4
    laptop.flush()
    assert len(receiver.uids()) == len(set(receiver.uids())) == 3000


def test_a_clock_that_is_wrong_is_said_and_corrects_no_time(laptop, receiver):
    receiver.skew = -1000
    laptop.append(1)
    laptop.flush()
    assert abs(laptop.figures()["skew_s"] - 1000) <= 2
    laptop.append(1)
    laptop.flush()
    resource = attributes(receiver.requests[-1][2]["resourceLogs"][0]["resource"])
    assert abs(resource["skillway.clock.skew_s"] - 1000) <= 2
    receiver.skew = 0
    laptop.append(1)
    laptop.flush()
    laptop.append(1)
    laptop.flush()
    assert "skillway.clock.skew_s" not in attributes(receiver.requests[-1][2]["resourceLogs"][0]["resource"])


def lines_of(laptop, count, decision, at, size=0, **more):
    """Claimed lines of decisions, older with a smaller `at`; give the file's name."""
    name = f"{at}-{os.urandom(4).hex()}.claimed"
    laptop.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    attributes = {"hook.decision": decision, "hook.rule.id": "r" * 64, **more}
    lines = []
    for number in range(count):
        record = {"v": 1, "id": f"{at % 10**16:016x}{number:016x}", "ts": at + number, "name": "skillway.hook.decision"}
        lines.append("\n" + json.dumps({**record, "attributes": attributes}, separators=(",", ":")) + "\n")
    (laptop.spool / name).write_text("".join(lines))
    return name


DECISION = "skillway.hook.decision"


def test_too_much_goes_in_order_and_is_counted(laptop, receiver):
    """Sampled 'allow' decisions first, then the others, then the oldest of what is left."""
    now = time.time_ns()
    lines_of(laptop, 100, "deny", now - 3)
    lines_of(laptop, 100, "allow", now - 2)
    lines_of(laptop, 100, "allow", now - 1, **{"skillway.sample.weight": 10})
    lines_of(laptop, 100, "deny", now)
    laptop.configure("")
    size = sum(file.stat().st_size for file in laptop.spool.iterdir())
    seen = []
    for part in (0.95, 0.70, 0.40):
        limit = f"import sys; sys.path.insert(0, {str(laptop.plugin / 'hooks')!r}); import flush_bounds; flush_bounds.enforce.__defaults__ = ({int(size * part)}, None)"
        laptop.flush(prefix=limit)
        seen.append(laptop.figures()["dropped"])
        assert sum(seen[-1].values()) + len(laptop.waiting(DECISION)) == 400
    assert set(seen[0]) == {"allow_sampled"}
    assert set(seen[1]) == {"allow_sampled", "allow"}
    assert (seen[2]["allow_sampled"], seen[2]["allow"]) == (100, 100)
    assert seen[2]["oldest"] > 0
    left = laptop.waiting(DECISION)
    assert left == sorted(left)


def test_what_nobody_took_for_a_fortnight_goes(laptop, receiver):
    day = 86_400 * 10**9
    lines_of(laptop, 5, "deny", time.time_ns() - 15 * day)
    lines_of(laptop, 7, "deny", time.time_ns() - 13 * day)
    receiver.reply = Reply(503)
    laptop.flush()
    assert laptop.figures()["dropped"] == {"age": 5}
    assert len(laptop.waiting(DECISION)) == 7


def test_old_records_that_can_be_sent_are_sent(laptop, receiver):
    lines_of(laptop, 5, "deny", time.time_ns() - 15 * 86_400 * 10**9)
    laptop.flush()
    assert len(receiver.uids(DECISION)) == 5
    assert laptop.figures()["dropped"] == {}


@pytest.mark.parametrize("jump", [400 * 86_400, -400 * 86_400])
def test_a_clock_that_jumps_loses_nothing_uncounted(laptop, receiver, jump):
    laptop.append(4)
    receiver.reply = Reply(503)
    laptop.flush()
    jumped = f"import time; now, ns = time.time, time.time_ns; time.time = lambda: now() + {jump}; time.time_ns = lambda: ns() + {jump} * 10**9"
    laptop.append(3)
    receiver.reply = OK
    laptop.flush(prefix=jumped, again=False)
    laptop.flush()
    assert emitted_is_accounted_for(laptop, receiver, 7) == (7, 0, 0)


def test_a_home_that_cannot_be_written_ends_quietly(laptop, receiver):
    limit = "import os; real = os.open\ndef refuse(*a, **k): raise OSError(30, 'Read-only file system')\n"
    laptop.append(2)
    prefix = limit + "import posix; posix.open = refuse; os.open = refuse; os.rename = refuse"
    laptop.flush(prefix=prefix)
    assert receiver.uids() == []
    assert len(laptop.waiting()) == 2


def test_a_full_disk_stops_nothing_that_needs_no_disk(laptop, receiver):
    """RLIMIT_FSIZE 0 lets nobody write a byte: the journal and the figures fail, the file itself can go."""
    laptop.append(1500)
    full = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))"
    laptop.flush(prefix=full)
    unsent = set(laptop.waiting()) - set(receiver.uids())
    assert len(unsent) + len(set(receiver.uids())) == 1500
    laptop.flush()
    assert len(set(receiver.uids())) == 1500
    assert len(receiver.uids()) <= 1500 + 1000
    assert laptop.waiting() == []
