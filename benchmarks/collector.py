"""How many events a second does the receiver store, and how fast is a report over a million of them?

Ours: `skillway collector` as its own process; a request counts when its 200 is there, which is after the commit to
disk. The peer: `oteltest`'s HttpSink from PyPI, installed into a temporary folder, which parses the same protobuf
requests and keeps nothing on disk; it takes no gzip. Two sender processes with ready-made requests of 500 events load
each in turn, in one run, because figures of different runs on a shared machine cannot be compared. OpenTelemetry's
Python SDK sends once too, as a sender that people have. Where pip cannot install the peer it is "not run".

The report is measured as the whole process `skillway usage report`, with the store's file out of the system's cache
(cold) and in it (warm). The million events are a fleet of 1,000 people in 20 teams, 150 skills and 30 days.
"""

import argparse
import gzip
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from skillway.collector.rows import LOG, Row, Source, make_row, make_source
from skillway.collector.store import open_store

PEER = "oteltest==0.49.0"
LEAST_RATE = 10_000.0
MOST_REPORT_SECONDS = 1.0
BATCH = 500
SENDERS = 2
PROTOBUF, JSON = "application/x-protobuf", "application/json"
DAY_NS = 86_400 * 10**9
_PEER_PROGRAM = """
import logging, sys
sys.path.insert(0, sys.argv[1])
from oteltest.sink import HttpSink
from oteltest.sink.handler import RequestHandler
class Counting(RequestHandler):
    def handle_logs(self, request, headers): pass
    def handle_metrics(self, request, headers): pass
    def handle_trace(self, request, headers): pass
sink = HttpSink(Counting(), logging.getLogger(), port=int(sys.argv[2]))
sink.start()
print("ready", flush=True)
sys.stdin.read()
"""


def make_requests(events: int) -> list[bytes]:
    """Make protobuf requests of uses of skills, with the attributes that the hook records."""
    source = random.Random(1)
    return [_request(source, start) for start in range(0, events, BATCH)]


def _request(source: random.Random, start: int) -> bytes:
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    for key, value in (("service.name", "skillway"), ("os.type", "linux"), ("team.id", f"team-{start // BATCH % 20}")):
        of_resource.resource.attributes.add(key=key).value.string_value = value
    records = of_resource.scope_logs.add()
    records.scope.name = "skillway"
    for number in range(start, start + BATCH):
        record = records.log_records.add(time_unix_nano=time.time_ns(), event_name="skillway.skill.used")
        record.body.string_value = record.event_name
        for key, value in _used(source, number).items():
            attribute = record.attributes.add(key=key).value
            if isinstance(value, bool):
                attribute.bool_value = value
            elif isinstance(value, float):
                attribute.double_value = value
            else:
                attribute.string_value = value
    return request.SerializeToString()


def _used(source: random.Random, number: int) -> dict[str, str | bool | float]:
    skill = source.randrange(150)
    return {
        "log.record.uid": f"{source.getrandbits(128):032x}",
        "session.id": str(uuid.UUID(int=number // 20 + 1)),
        "prompt.id": str(uuid.UUID(int=number // 5 + 1)),
        "user.hash": f"{number // 20 % 1000:032x}",
        "app.version": "2.1.197",
        "app.entrypoint": "cli",
        "skill.name": f"plugin-{skill % 15}:skill-{skill}",
        "plugin.name": f"plugin-{skill % 15}",
        "plugin.version": "1.0.0",
        "plugin.digest": "abcdef012345",
        "marketplace.name": "acme",
        "invocation_trigger": "claude-proactive",
        "tool_use_id": f"toolu_{source.getrandbits(96):024x}",
        "success": True,
        "duration_ms": source.random() * 100,
    }


def send(port: int, headers: dict[str, str], bodies: list[bytes]) -> None:
    """Send requests one after the other over one connection, or over as many as the receiver wants."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in bodies:
        connection.request("POST", "/v1/logs", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"the receiver answered {answer.status}")


def rate(port: int, content_type: str, bodies: list[bytes], *, is_packed: bool = False) -> float:
    """Give the events per second that a receiver takes from all senders together."""
    headers = {"Content-Type": content_type, **({"Content-Encoding": "gzip"} if is_packed else {})}
    with ProcessPoolExecutor(SENDERS, mp_context=get_context("fork")) as pool:
        list(pool.map(abs, range(SENDERS)))  # the processes are there before the clock starts
        began = time.perf_counter()
        parts = [pool.submit(send, port, headers, bodies[sender::SENDERS]) for sender in range(SENDERS)]
        for part in parts:
            part.result()
        return len(bodies) * BATCH / (time.perf_counter() - began)


@contextmanager
def collector(store: Path, cpu: list[float] | None = None) -> Iterator[int]:
    """Run `skillway collector` on a fresh store and give its port; at the end, add the CPU seconds of its whole life."""
    command = [sys.executable, "-m", "skillway", "collector", "--port", "0", "--json", "--store", str(store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    lines = []
    while not lines or lines[-1] != "}\n":
        lines.append(process.stdout.readline())
    try:
        yield int(json.loads("".join(lines))["data"]["endpoint"].rpartition(":")[2])
    finally:
        process.terminate()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0  # wait4 has taken it
        if cpu is not None:
            cpu.append(used.ru_utime + used.ru_stime)


@contextmanager
def peer(folder: Path, port: int) -> Iterator[int | None]:
    """Run the peer, or give None when pip cannot install it."""
    target = folder / "peer"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), PEER]
    if not target.is_dir() and subprocess.run(install, capture_output=True, check=False).returncode:
        yield None
        return
    command = [sys.executable, "-c", _PEER_PROGRAM, str(target), str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield port if process.stdout.readline() == "ready\n" else None
    finally:
        process.terminate()
        process.communicate()


def sdk_rate(port: int, events: int) -> float:
    """Give the events per second that OpenTelemetry's Python SDK gets into our receiver; the SDK is the slow part."""
    source = random.Random(2)
    records = [LogRecord(event_name="skillway.skill.used", attributes=_used(source, n)) for n in range(events)]
    provider = LoggerProvider()
    exporter = OTLPLogExporter(f"http://127.0.0.1:{port}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=events + 1))
    logger = provider.get_logger("benchmark")
    began = time.perf_counter()
    for record in records:
        logger.emit(record)
    provider.shutdown()
    return events / (time.perf_counter() - began)


def measure_receiver(folder: Path, events: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Let every receiver and encoding take turns, each round on a fresh store.

    Returns:
        Events per second of the clock, by round, and events per second of our receiver's CPU time, start included.
    """
    requests = make_requests(events)
    as_json = [json.dumps(MessageToDict(ExportLogsServiceRequest.FromString(body))).encode() for body in requests]
    packed = [gzip.compress(body, 6) for body in requests]
    took: dict[str, list[float]] = {"protobuf": [], "protobuf, gzip": [], "JSON": [], "SDK": [], "peer": []}
    used: dict[str, list[float]] = {}
    for turn in range(rounds):
        for name, content_type, bodies in (
            ("protobuf", PROTOBUF, requests),
            ("protobuf, gzip", PROTOBUF, packed),
            ("JSON", JSON, as_json),
        ):
            with collector(folder / f"{turn}-{name}.db", used.setdefault(name, [])) as port:
                took[name].append(rate(port, content_type, bodies, is_packed="gzip" in name))
        with collector(folder / f"{turn}-sdk.db") as port:
            took["SDK"].append(sdk_rate(port, min(events, 20_000)))
        with peer(folder, 20_000 + os.getpid() % 20_000) as port:
            if port is not None:
                took["peer"].append(rate(port, PROTOBUF, requests))
    return took, {name: events / statistics.median(seconds) for name, seconds in used.items()}


def fill_store(path: Path, events: int) -> None:
    """Store a fleet's events of 30 days: uses, decisions, syncs, health and Claude Code's own requests."""
    store = open_store(path)
    rows: list[Row] = []
    count = 0
    for session in _sessions(random.Random(7), time.time_ns()):
        rows += session
        if len(rows) >= 10_000 or count + len(rows) >= events:
            store.write([rows])
            count += len(rows)
            rows = []
        if count >= events:
            break
    store.close()


def _sessions(source: random.Random, now: int) -> Iterator[list[Row]]:
    """Make session after session, each at a random time of the 30 days."""
    teams = [make_source({"service.name": "skillway", "team.id": f"team-{team}"}, "skillway") for team in range(20)]
    native = make_source({"service.name": "claude-code"}, "com.anthropic.claude_code.events")
    while True:
        user = source.randrange(1000)
        session = str(uuid.UUID(int=source.getrandbits(128)))
        yield _session(source, teams[user % 20], native, f"{user:032x}", session, now - source.randrange(30 * DAY_NS))


def _session(source: random.Random, team: Source, native: Source, user: str, session: str, when: int) -> list[Row]:
    def ours(name: str, **attributes: object) -> Row:
        given = {key.replace("__", "."): value for key, value in attributes.items()}
        common = {"log.record.uid": f"{source.getrandbits(128):032x}", "session.id": session, "user.hash": user}
        return make_row(LOG, name, when, {**common, "app.version": "2.1.197", **given}, team)

    rows = [ours("skillway.session.started", session__source="startup")]
    if source.random() < 0.3:
        outcome = source.choice(["ok", "noop", "noop", "failed"])
        rows.append(ours("skillway.sync.completed", sync__outcome=outcome, sync__to="41", duration_ms=1200.5))
        rows.append(ours("skillway.telemetry.health", spool__bytes=1234, dropped__full=0, key__id="2026-11"))
    for prompt in range(source.randint(1, 6)):
        ids = {"session.id": session, "prompt.id": f"{session[:-1]}{prompt}"}
        for request in range(source.randint(1, 6)):
            when += 5 * 10**9
            values = {"event.sequence": prompt * 9 + request, "cost_usd": source.random() / 10, "input_tokens": 1000}
            more = {"output_tokens": 200, "model": "claude-sonnet", "duration_ms": 2000, "skill.name": "third-party"}
            rows.append(make_row(LOG, "claude_code.api_request", when, {**ids, **values, **more}, native))
            if source.random() < 0.4:
                used = _used(source, 0) | {"prompt__id": ids["prompt.id"]}
                named = {key.replace(".", "__"): value for key, value in used.items() if key not in _OWN}
                rows.append(ours("skillway.skill.used", **named))
            if source.random() < 0.15:
                rule, decision = f"rule-{source.randrange(40)}", source.choice(["deny", "ask"])
                rows.append(ours("skillway.hook.decision", hook__rule__id=rule, hook__decision=decision))
    return rows


_OWN = ("log.record.uid", "session.id", "user.hash", "app.version", "prompt.id")


def measure_report(store: Path, rounds: int) -> dict[str, list[float]]:
    """Time the whole command, with the file out of the system's cache and in it, and its CPU seconds."""
    command = [sys.executable, "-m", "skillway", "usage", "report", "--no-spool", "--store", str(store)]
    took: dict[str, list[float]] = {"cold": [], "warm": [], "CPU": []}
    for _ in range(rounds):
        for state in ("cold", "warm"):
            if state == "cold":
                with store.open("rb") as file:
                    os.fsync(file.fileno())
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            began = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=store.parent)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            took[state].append(time.perf_counter() - began)
            took["CPU"].append(used.ru_utime + used.ru_stime)
    return took


def main() -> int:
    """Measure, print, and fail when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="events per receiver and round")
    parser.add_argument("--stored", type=int, default=1_000_000, help="events in the store of the report")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skillway-collector-") as name:
        folder = Path(name)
        rates, per_cpu = measure_receiver(folder, options.events, options.rounds)
        store = folder / "million.db"
        fill_store(store, options.stored)
        reports = measure_report(store, options.rounds)
        size = store.stat().st_size / options.stored * 100_000 / 1e6
    if options.json:
        print(
            json.dumps(
                {"events_per_second": rates, "per_cpu_second": per_cpu, "report_seconds": reports, "mb_per_100k": size}
            )
        )
    else:
        _print(rates, per_cpu, reports, size, options.stored)
    slowest = min(statistics.median(rates[name]) for name in ("protobuf", "protobuf, gzip", "JSON"))
    is_fast = max(statistics.median(took) for took in reports.values()) <= MOST_REPORT_SECONDS
    return 0 if slowest >= LEAST_RATE and is_fast else 1


def _print(
    rates: dict[str, list[float]], per_cpu: dict[str, float], reports: dict[str, list[float]], size: float, stored: int
) -> None:
    beside = statistics.median(rates["peer"]) if rates["peer"] else None
    print(f"{'receiver, events/s':<28}{'median':>9}{'best':>9}{'per CPU s':>11}{'of peer':>9}{'limit':>9}")
    for name, values in rates.items():
        if not values:
            print(f"{PEER:<28} not run: pip could not install it")
            continue
        median = statistics.median(values)
        ratio = f"{median / beside:.2f}" if beside else "-"
        cpu = f"{per_cpu[name]:.0f}" if name in per_cpu else "-"
        limit = f"{LEAST_RATE:.0f}" if name not in ("peer", "SDK") else ""
        shown = {"peer": f"{PEER} (no store)", "SDK": "protobuf from the Python SDK"}.get(name, name)
        print(f"{shown:<28}{median:>9.0f}{max(values):>9.0f}{cpu:>11}{ratio:>9}{limit:>9}")
    for state, took in reports.items():
        shown = f"report over {stored}, {state}"
        print(f"{shown:<28}{statistics.median(took):>8.2f}s{min(took):>8.2f}s{'':>20}{MOST_REPORT_SECONDS:>8.1f}s")
    print(f"store: {size:.1f} MB per 100,000 events")


if __name__ == "__main__":
    sys.exit(main())
