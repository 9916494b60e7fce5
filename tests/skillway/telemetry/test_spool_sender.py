"""`usage flush` sends what the hooks' own flusher would send, in protobuf, and loses as little."""

import gzip
import importlib
import json
import os
import random
import string
import sys
import time

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from skillway.telemetry.encoding import logs_request
from skillway.telemetry.spool_worker import make_reader

UID = "00112233445566778899aabbccddeeff"
TS = 1_795_000_000_123_456_789
VECTORS = [
    {"name": "skillway.session.started", "attributes": {}},
    {"name": "skillway.skill.used", "attributes": {"skill.name": "support:mask", "success": True, "duration_ms": 12}},
    {"name": "skillway.skill.used", "attributes": {"success": False, "duration_ms": 0.1, "tool_use_id": "toolu_01"}},
    {"name": "skillway.hook.decision", "attributes": {"hook.decision": "deny", "hook.rule.id": "git-discard"}},
    {
        "name": "skillway.hook.decision",
        "attributes": {"hook.decision": "allow", "skillway.sample.weight": 10, "duration_ms": 1e-9},
    },
    {"name": "skillway.hook.decision", "attributes": {"hook.decision": "timeout", "error.type": "TimeoutError"}},
    {"name": "skillway.sync.completed", "attributes": {"sync.outcome": "failed", "bytes": 2**53, "sync.to": "7"}},
    {"name": "skillway.inventory", "attributes": {"plugin.name": "support", "skills": ["a", "b-c"], "skill.count": 2}},
    {"name": "skillway.skill.used", "attributes": {"skill.name": 'a"b\\', "prompt": "never", "success": "yes"}},
    {"name": "skillway.pr.created", "attributes": {"pr.draft": False, "duration_ms": 2.5e300}},
    {"name": "skillway.skill.used", "attributes": {"success": 1, "duration_ms": True, "skill.name": True}},
    {"name": "skillway.skill.used", "attributes": {"success": True, "duration_ms": 1, "skill.name": "True"}},
]


@pytest.fixture(scope="module")
def hooks(request):
    """The hooks' own modules, taken out of this process again afterwards."""
    folder = str(request.config.rootpath / "hooks")
    before = set(sys.modules)
    sys.path.insert(0, folder)
    yield importlib.import_module
    sys.path.remove(folder)
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(sys.modules[name].__file__).startswith(folder):
            del sys.modules[name]


@pytest.fixture(scope="module")
def reader(hooks, request):
    """The hooks' reader, and the one that writes protobuf by the same rules."""
    records = hooks("flush_records")
    lists = json.loads((request.config.rootpath / "hooks" / "events.json").read_text())
    return records, records.Reader(lists), make_reader(records)(lists), lists["resource"]


def line(vector, uid=UID, ts=TS):
    return json.dumps({"v": 1, "id": uid, "ts": ts, **vector}).encode()


def both(reader, vectors, resource):
    """One request as JSON and as protobuf, both as messages."""
    records, in_json, in_protobuf, _ = reader
    lines = [line(vector, ts=TS + number) for number, vector in enumerate(vectors)]
    theirs, ours = [in_json.read(each) for each in lines], [in_protobuf.read(each) for each in lines]
    assert not any(isinstance(each, str) for each in theirs)
    assert [(each.name, each.ts, each.size, each.unknown) for each in ours] == [
        (each.name, each.ts, each.size, each.unknown) for each in theirs
    ]
    as_json = json.loads(records.request_body(theirs, resource, TS + 99))
    body = logs_request([each.text for each in ours], resource, records.SCOPE, TS + 99)
    return ParseDict(as_json, ExportLogsServiceRequest()), ExportLogsServiceRequest.FromString(body)


def resource_of(reader):
    records, in_json, _, rules = reader
    values = {"service.name": "skillway", "service.version": "0.1.0+abc", "os.type": "linux", "team.id": "support"}
    return records.resource_part(in_json, rules, values)


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_protobuf_says_what_json_says(reader, vector):
    as_json, ours = both(reader, [vector], resource_of(reader))
    assert ours == as_json


def test_many_records_say_the_same(reader):
    as_json, ours = both(reader, VECTORS * 50, resource_of(reader))
    assert ours == as_json


def test_random_allowed_values_say_the_same(reader):
    chosen = random.Random(5)
    for _ in range(200):
        letters = string.ascii_letters + string.digits + "_-"
        attributes = {
            "session.id": "".join(chosen.choices(letters, k=chosen.randint(1, 64))),
            "tool_use_id": "".join(chosen.choices(letters, k=chosen.randint(1, 64))),
            "duration_ms": chosen.choice(
                [0, 1, chosen.random() * 10 ** chosen.randint(-12, 15), chosen.randint(0, 2**53)]
            ),
            "success": chosen.choice([True, False]),
        }
        as_json, ours = both(reader, [{"name": "skillway.skill.used", "attributes": attributes}], "")
        assert ours == as_json


def test_sdk_says_the_same(reader):
    """The OpenTelemetry SDK as the oracle: the same event through it gives the same record."""
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(Resource({"service.name": "skillway"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    attributes = {"skill.name": "support:mask", "success": True, "duration_ms": 12.5}
    sent = {"log.record.uid": UID, "skillway.schema.version": 1, **attributes}
    provider.get_logger("skillway.hooks").emit(
        LogRecord(
            timestamp=TS,
            observed_timestamp=TS + 99,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            event_name="skillway.skill.used",
            body="skillway.skill.used",
            attributes=sent,
        )
    )
    (theirs,) = encode_logs(exporter.get_finished_logs()).resource_logs[0].scope_logs[0].log_records
    vector = {"name": "skillway.skill.used", "attributes": attributes}
    resource = '{"key":"service.name","value":{"stringValue":"skillway"}}'
    ours = both(reader, [vector], resource)[1].resource_logs[0]
    (record,) = ours.scope_logs[0].log_records
    assert record == theirs
    assert ours.resource.attributes[0].value.string_value == "skillway"


# --- the whole way --------------------------------------------------------------------------------------------------


@pytest.fixture
def spool(home):
    folder = home / ".local" / "state" / "skillway" / "spool"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o700)
    return folder


def fill(spool, count=5, **attributes):
    now = time.time_ns()
    records = [
        {"name": "skillway.skill.used", "attributes": {"skill.name": f"support:s{number}", **attributes}}
        for number in range(count)
    ]
    lines = [line(each, uid=os.urandom(16).hex(), ts=now + n) for n, each in enumerate(records)]
    with (spool / "events.jsonl").open("ab") as file:
        for each in lines:
            file.write(b"\n" + each + b"\n")
    (spool / "events.jsonl").chmod(0o600)


@pytest.fixture
def flush(skillway, receiver):
    def run(*arguments, **variables):
        done = skillway("usage", "flush", "--json", *arguments, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **variables)
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def used(receiver):
    return [record for record in receiver.logs() if record.event_name == "skillway.skill.used"]


def figures(spool):
    return json.loads((spool.parent / "flush.json").read_text())


def waiting(spool):
    return sum(path.read_bytes().count(b"skillway.skill.used") for path in spool.iterdir())


def test_everything_arrives_once_and_the_spool_is_empty(flush, receiver, spool, read_attributes):
    fill(spool, 1500)
    code, envelope = flush()
    assert (code, envelope["data"]["left"]) == (0, 0)
    assert len(used(receiver)) == len({read_attributes(each)["log.record.uid"] for each in used(receiver)}) == 1500
    assert waiting(spool) == 0
    kinds = {headers["content-type"] for path, headers, _ in receiver.posts if path == "/v1/logs"}
    assert kinds == {"application/x-protobuf"}
    sent = figures(spool)["sent"]
    flush()
    assert len(used(receiver)) == 1500
    assert figures(spool)["sent"] >= sent


@pytest.mark.parametrize(("status", "code", "failure"), [(401, 4, "auth"), (403, 4, "auth"), (404, 9, "config")])
def test_refusal_keeps_everything(flush, receiver, spool, status, code, failure):
    fill(spool)
    receiver.answer = lambda *_: (status, {}, b"")
    ended, envelope = flush()
    assert (ended, envelope["error"]["code"]) == (code, "not_sent")
    assert failure in envelope["error"]["message"]
    assert waiting(spool) == 5
    receiver.answer = None
    assert flush()[0] == 0
    assert waiting(spool) == 0


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "120"}, {"Retry-After": "Fri, 20 Nov 2099 10:00:00 GMT"}])
@pytest.mark.parametrize("status", [429, 503])
def test_busy_receiver_is_asked_again_later(flush, receiver, spool, status, headers):
    fill(spool)
    receiver.answer = lambda *_: (status, headers, b"")
    assert flush()[0] == 9
    assert waiting(spool) == 5
    assert 0 < figures(spool)["next_try"] - time.time() <= 3601


def test_poison_is_isolated_and_the_others_arrive(flush, receiver, spool):
    fill(spool, 8)
    fill(spool, 1, **{"plugin.name": "poison"})
    fill(spool, 8)
    receiver.answer = lambda _, body: (400 if b"poison" in body else 200, {}, b"")
    code, envelope = flush()
    assert (code, envelope["data"]["left"]) == (0, 0)
    good = [body for path, _, body in receiver.posts if b"poison" not in body]
    assert sum(body.count(b"support:s") for body in good) == 16
    assert [each["name"] for each in figures(spool)["poison"]] == ["skillway.skill.used"]


def test_partial_success_in_protobuf_counts_the_rejected(flush, receiver, spool):
    fill(spool)
    partial = ExportLogsServiceResponse(partial_success=ExportLogsPartialSuccess(rejected_log_records=2))
    receiver.answer = lambda *_: (200, {"Content-Type": "application/x-protobuf"}, partial.SerializeToString())
    assert flush()[0] == 0
    assert figures(spool)["dropped"]["rejected"] == 2
    assert waiting(spool) == 0


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"{}", b"<html>", gzip.compress(b"{}", mtime=0)])
def test_receiver_that_lies_loses_at_most_its_own_batch(flush, receiver, spool, body):
    fill(spool)
    receiver.answer = lambda *_: (200, {"Content-Type": "application/x-protobuf"}, body)
    code, _ = flush()
    assert code in (0, 9)
    assert waiting(spool) in (0, 5)


def test_redirect_is_not_followed(flush, receiver, spool):
    fill(spool)
    receiver.answer = lambda *_: (307, {"Location": receiver.url + "/elsewhere"}, b"")
    assert flush()[0] == 9
    assert "/elsewhere" not in {path for path, *_ in receiver.posts}
    assert waiting(spool) == 5


def test_refused_connection_keeps_everything(skillway, spool):
    fill(spool)
    done = skillway("usage", "flush", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 9
    assert waiting(spool) == 5


def test_without_an_endpoint_it_says_how_to_give_one(skillway, spool):
    done = skillway("usage", "flush")
    assert done.returncode == 3
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in done.stderr


def test_refusal_of_the_user_stops_it(skillway, receiver, spool):
    fill(spool)
    done = skillway("usage", "flush", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, DO_NOT_TRACK="1")
    assert done.returncode == 3
    assert receiver.posts == []


def test_debug_prints_json_and_sends_nothing(skillway, receiver, spool):
    fill(spool)
    done = skillway("usage", "flush", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, SKILLWAY_TELEMETRY_DEBUG="1")
    assert "resourceLogs" in done.stderr
    assert receiver.bodies("/v1/logs") == []
    assert waiting(spool) == 5


def test_folder_that_it_is_started_in_is_no_place_to_import_from(skillway, receiver, spool, tmp_path):
    fill(spool)
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("flush_run", "httpx", "json", "spool"):
        (trap / f"{name}.py").write_text("raise SystemExit('imported from the working directory')")
    done = skillway("usage", "flush", cwd=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert done.returncode == 0, done.stderr
