"""What senders are answered, and that nothing they do ends the receiver or loses what was stored."""

import gzip
import io
import json
import socket
import threading
import time
import zlib

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from skillway.collector import server
from skillway.collector.body import MAX_BODY_BYTES

PROTOBUF = "application/x-protobuf"


def one(log_body, uid="1" * 32):
    return log_body((uid, "skillway.session.started", {"session.id": "s"}))


def raw(running, data, *, close_write=False):
    """Send bytes on a connection of its own and give all that comes back."""
    with socket.create_connection(("127.0.0.1", running.receiver.server_port), timeout=20) as connection:
        connection.sendall(data)
        if close_write:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_stored_event_keeps_every_attribute(running, log_body):
    attributes = {"session.id": "s", "skill.name": "p:q", "plugin.version": "1.0", "odd": "\u00e4\U0001f600\n"}
    status, headers, body = running.post(
        log_body(("1" * 32, "skillway.skill.used", attributes), resource=[("os.type", "linux"), ("team.id", "data")])
    )
    assert (status, body, headers["Content-Type"]) == (200, b"{}", "application/json")
    (event,) = running.events()
    assert event["attributes"] == {**attributes, "team.id": "data"}
    assert (event["uid"], event["name"], event["kind"]) == ("1" * 32, "skillway.skill.used", "log")
    assert (event["time_unix_nano"], event["resource"], event["scope"]) == (
        1763000000000000000,
        {"os.type": "linux"},
        "test",
    )


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])])
def test_gzip_is_unpacked_also_in_several_members(running, log_body, pack):
    assert running.post(pack(one(log_body)), Content_Encoding="gzip")[0] == 200
    assert len(running.events()) == 1


def test_chunked_bodies_are_put_together(running, log_body):
    body = one(log_body)
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    head = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(running, head + chunks + b"0\r\nTrailer: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert len(running.events()) == 1


def test_one_connection_takes_many_requests(running, log_body):
    body = one(log_body)
    request = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(
        body
    )
    answer = raw(running, (request + b"\r\n" + body) * 2 + request + b"Connection: close\r\n\r\n" + body)
    assert answer.count(b"HTTP/1.1 200") == 3


def test_a_record_sent_again_is_stored_once_in_any_encoding(running, log_body):
    body = one(log_body)
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = "skillway.session.started"
    record.time_unix_nano = 1763000000000000000
    attribute = record.attributes.add()
    attribute.key, attribute.value.string_value = "log.record.uid", "1" * 32
    for _ in range(2):
        assert running.post(body)[0] == 200
        assert running.post(request.SerializeToString(), content_type=PROTOBUF)[0] == 200
    assert len(running.events()) == 1
    assert running.receiver.writer.counts.duplicates == 3


def test_native_records_are_told_apart_by_session_sequence_and_time(running):
    def native(sequence, when):
        values = [
            {"key": "session.id", "value": {"stringValue": "s"}},
            {"key": "event.sequence", "value": {"intValue": sequence}},
        ]
        return {"timeUnixNano": when, "body": {"stringValue": "claude_code.api_request"}, "attributes": values}

    records = [native(0, "1763000000000000000"), native(1, "1763000000000000000"), native(0, "1763000009000000000")]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
    assert running.post(body)[0] == running.post(body)[0] == 200
    assert len(running.events()) == 3, "a resumed session counts from 0 again"


def test_bad_records_are_counted_and_the_good_ones_stored(running, log_body):
    request = json.loads(one(log_body))
    records = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    huge = {"timeUnixNano": "5", "eventName": "x", "attributes": [{"key": "k", "value": {"stringValue": "v" * 70_000}}]}
    records += [
        None, 5, {}, {"eventName": "x", "timeUnixNano": "soon"}, {"eventName": "x", "timeUnixNano": "-5"},
        {"eventName": "x", "timeUnixNano": str(1 << 63)}, {"eventName": "x", "attributes": [{"value": {}}]},
        {"eventName": "x", "attributes": [{"key": "k", "value": {"newValue": 1}}]}, {"eventName": "x", "attributes": "?"},
        {"eventName": "x", "attributes": [{"key": ["k"], "value": {"stringValue": "v"}}]}, huge,
    ]  # fmt: skip
    status, _, body = running.post(json.dumps(request))
    assert status == 200
    told = json.loads(body)["partialSuccess"]
    assert told["rejectedLogRecords"] == "11"
    assert told["errorMessage"]
    assert [event["name"] for event in running.events()] == ["skillway.session.started"]


def test_partial_success_in_protobuf(running):
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add()
    status, _, body = running.post(request.SerializeToString(), content_type=PROTOBUF)
    assert status == 200
    assert ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records == 1


def test_half_characters_and_nul_are_stored_as_what_a_terminal_takes(running, log_body):
    body = log_body(
        ("\ud800", "skillway.skill.used", {"skill.name": "p:\ud83d\x00q", "odd": "\udfff", "session.id": "s\x00"})
    )
    assert running.post(body)[0] == 200
    assert running.post(body)[0] == 200
    (event,) = running.events()
    json.dumps(event).encode()
    assert event["attributes"]["skill.name"].startswith("p:")


def test_who_it_was_and_what_was_said_are_never_kept(running, log_body):
    secret = {
        "user.email": "CANARY",
        "user.account_uuid": "CANARY",
        "prompt": "CANARY",
        "tool_input": "CANARY",
        "full_command": "CANARY",
    }
    body = log_body(
        ("1" * 32, "claude_code.user_prompt", {**secret, "prompt_length": "9"}), resource=[("host.name", "CANARY")]
    )
    assert running.post(body)[0] == 200
    assert running.events()[0]["attributes"] == {"prompt_length": "9"}
    running.receiver.writer._store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"CANARY" not in running.path.read_bytes()


GARBAGE = [
    (b"{", "application/json"), (b"[]", "application/json"), (b"\xff\xfe", "application/json"), (b"", "application/json"),
    (b'{"resourceLogs": 5}', "application/json"), (b'{"resourceLogs": [5]}', "application/json"),
    (b'{"resourceLogs": [{"scopeLogs": {}}]}', "application/json"), (b"[" * 200_000, "application/json"),
    (b'{"resourceLogs": [{"resource": {"attributes": [{"key": 1}, 2]}, "scopeLogs": []}]}', "application/json"),
    (b'{"a":' * 100_000, "application/json"), (b"garbage", PROTOBUF), (b"\x0a\xff\xff\xff\xff\x0f", PROTOBUF),
]  # fmt: skip


@pytest.mark.parametrize(("body", "content_type"), GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_400_with_a_sentence_and_the_next_request_is_served(running, log_body, body, content_type):
    status, headers, answer = running.post(body, content_type=content_type)
    assert status == 400
    assert headers["Content-Type"] == content_type
    told = Status.FromString(answer).message if content_type == PROTOBUF else json.loads(answer)["message"]
    assert "body" in told or "resource" in told or "scopeLogs" in told
    assert running.post(one(log_body))[0] == 200


@pytest.mark.parametrize("signal", ["logs", "metrics", "traces"])
@pytest.mark.parametrize("seed", range(4))
def test_mangled_requests_are_answered_and_never_fatal(running, log_body, signal, seed):
    import random

    chance = random.Random(seed)
    body = bytearray(
        one(log_body).replace(b"Logs", {"logs": b"Logs", "metrics": b"Metrics", "traces": b"Spans"}[signal])
    )
    for _ in range(40):
        mangled = bytearray(body)
        for _ in range(chance.randint(1, 6)):
            mangled[chance.randrange(len(mangled))] = chance.randrange(256)
        for kind in ("application/json", PROTOBUF):
            assert running.post(bytes(mangled), path=f"/v1/{signal}", content_type=kind)[0] in (200, 400)
    assert running.receiver.writer.counts.refused == 0


@pytest.mark.parametrize(
    ("data", "encoding", "status"),
    [
        (gzip.compress(b"{}" * 999, mtime=0)[:-9], "gzip", 400),
        (b"no gzip", "gzip", 400),
        (gzip.compress(b"{}", mtime=0) + b"trailing", "gzip", 400),
        (b"{}", "br", 415),
        (b"{}", "zstd", 415),
        (b"{}", "identity", 200),
        (zlib.compress(b"{}"), "deflate", 200),
    ],
)
def test_compression_that_is_damaged_or_unknown(running, data, encoding, status):
    assert running.post(data, Content_Encoding=encoding)[0] == status


def test_a_gzip_bomb_is_413(running):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range((MAX_BODY_BYTES >> 20) + 1):
            file.write(bytes(1 << 20))
    assert running.post(packed.getvalue(), Content_Encoding="gzip")[0] == 413


def test_a_body_that_says_it_is_too_big_is_413_before_it_is_read(running):
    head = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    assert raw(running, head + b"x" * 100_000, close_write=True).startswith(b"HTTP/1.1 413")


def test_content_types_paths_and_methods_that_are_not_known(running):
    assert running.post(b"{}", content_type="text/plain")[0] == 415
    assert running.post(b"{}", content_type="")[0] == 415
    assert running.post(b"{}", content_type="application/json; charset=utf-8")[0] == 200
    assert running.post(b"{}", path="/v1/profiles")[0] == 404
    assert raw(running, b"GET /v1/logs HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 405")
    assert raw(running, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


FRAMES = [
    (b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n", b"411"),
    (b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\nhalf", b"400"),
    (b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    (b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", b"400"),
    (b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
    (
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: 2\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"400",
    ),
    (b"POST /v1/logs HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
    (b"POST /v1/logs HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
    (b"POST /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
]


@pytest.mark.parametrize(("data", "status"), FRAMES, ids=range(len(FRAMES)))
def test_broken_frames_are_answered(running, log_body, data, status):
    answer = raw(running, data, close_write=True)
    assert status in answer.splitlines()[0]
    assert running.post(one(log_body))[0] == 200


def test_a_slow_client_is_let_go_and_keeps_nobody_waiting(running, log_body, monkeypatch):
    monkeypatch.setattr(server._Handler, "timeout", 0.3)
    with socket.create_connection(("127.0.0.1", running.receiver.server_port), timeout=20) as slow:
        slow.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{")
        assert running.post(one(log_body))[0] == 200
        assert slow.recv(1) == b"", "the connection is closed after a while"


def test_too_many_connections_are_turned_away_until_some_are_free(running, log_body, monkeypatch):
    monkeypatch.setattr(running.receiver, "_free", threading.BoundedSemaphore(2))
    held = [socket.create_connection(("127.0.0.1", running.receiver.server_port), timeout=20) for _ in range(2)]
    deadline = time.monotonic() + 10
    while running.receiver._free._value and time.monotonic() < deadline:
        time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", running.receiver.server_port), timeout=20) as turned_away:
        assert turned_away.recv(99).startswith(b"HTTP/1.1 503")
    for connection in held:
        connection.close()
    while not running.receiver._free._value and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.post(one(log_body))[0] == 200


def test_only_the_token_opens_a_guarded_receiver(guarded, log_body):
    assert guarded.post(one(log_body))[0] == 401
    assert guarded.post(one(log_body), Authorization="Bearer wrong")[0] == 401
    assert guarded.post(one(log_body), Authorization="Bearer a-token-of-some-length")[0] == 200
    assert len(guarded.events()) == 1


def test_what_cannot_be_stored_is_503_and_may_be_sent_again(running, log_body, monkeypatch):
    store = running.receiver.writer._store
    store.connection.execute("PRAGMA max_page_count = 1")
    status, headers, body = running.post(log_body(*[(f"{n:032x}", "x", {"k": "v" * 5000}) for n in range(40)]))
    assert (status, headers["Retry-After"]) == (503, "10")
    assert b"full" in body
    assert running.events() == []
    store.connection.execute("PRAGMA max_page_count = 1000000")
    assert running.post(one(log_body))[0] == 200
    assert len(running.events()) == 1
