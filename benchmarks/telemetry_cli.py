"""How many events does the CLI send per second of processor time, and what does its own telemetry cost a command?

Sending: a spool of events to a receiver on loopback, as `skillway usage flush` does it (protobuf, gzip, httpx), the whole
process from its start to its end. The peer: the OpenTelemetry SDK with its batch processor and its OTLP/HTTP exporter
with gzip, which reads the same events from the same file. Commands: `skillway build` in a folder that is no
repository, without an endpoint and with ones that do not answer. All take turns in one run; processor times are the
steady figures on a shared machine.
"""

import argparse
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
HOOKS = REPOSITORY / "hooks"
EVENTS = 100_000
LIMIT_RATE = 45_000
"""Events per second of processor time."""
LIMIT_MEMORY = 64
"""MiB of the sending process."""
LIMIT_OFF = 1.0
"""Milliseconds that a command without an endpoint spends on telemetry."""
LIMIT_DEAD = 1.5
"""Seconds that a receiver which does not answer adds to a command, the SDK's import included."""

RECEIVER = """
import socketserver, sys
from http.server import BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 16)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

OURS = """
import json, sys
hooks, url = sys.argv[1:]
sys.path.insert(0, hooks)
import flush_bounds, flush_run
# A spool of a user holds 10 MB; a figure of a minute's sending needs more.
flush_bounds.enforce.__defaults__ = (1 << 40, None)
flush_run.BUDGET_S = 600.0
from skillway.telemetry import spool_worker
spool_worker.run(hooks, {"endpoint": url}, None)
"""

SDK = """
import json, sys
path, url = sys.argv[1:]
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
exporter = OTLPLogExporter(url + "/v1/logs", compression=Compression.Gzip)
provider = LoggerProvider(Resource({"service.name": "skillway"}))
batches = BatchLogRecordProcessor(exporter, max_queue_size=4096, max_export_batch_size=1000)
provider.add_log_record_processor(batches)
logger = provider.get_logger("skillway.hooks")
for number, line in enumerate(filter(None, map(str.strip, open(path)))):
    record = json.loads(line)
    logger.emit(LogRecord(timestamp=record["ts"], severity_number=SeverityNumber.INFO, severity_text="INFO",
        event_name=record["name"], body=record["name"], attributes=record["attributes"]))
    if number % 2000 == 1999:
        batches.force_flush()  # the queue drops what does not fit, and all is to be sent
provider.shutdown()
"""

OFF = """
import sys, time, statistics
from skillway.cli import run  # what every command has imported by then
from skillway import telemetry
def once():
    started = time.perf_counter()
    with telemetry.command(lambda: "check"):
        pass
    return (time.perf_counter() - started) * 1000
first = once()
print(first, statistics.median(once() for _ in range(500)))
"""


def make_spool(home: Path, events: int) -> Path:
    """Fill a spool with uses of skills, each with an id, a tool call and a duration of its own; give its file."""
    folder = home / ".local" / "state" / "skillway" / "spool"
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        each.chmod(0o700)
    now = time.time_ns()
    path = folder / "events.jsonl"
    with path.open("w") as file:
        for number in range(events):
            attributes = {
                "session.id": f"0b9f7b1c-1111-4222-8333-{number // 50:012d}",
                "prompt.id": f"5e0c6d4e-0000-4111-8222-{number // 5:012d}",
                "user.hash": "7d865e959b2466918c9863afca942d0f",
                "app.version": "2.1.197",
                "app.entrypoint": "cli",
                "skill.name": f"team-{number % 20}:skill-{number % 300}",
                "plugin.name": f"team-{number % 20}",
                "plugin.version": "0.1.0+0a1b2c3d4e5f",
                "plugin.digest": "0a1b2c3d4e5f",
                "marketplace.name": "acme",
                "invocation_trigger": "claude-proactive",
                "tool_use_id": f"toolu_{secrets.token_hex(9)}",
                "success": True,
                "duration_ms": number % 997 / 7,
            }
            head = {"v": 1, "id": secrets.token_hex(16), "ts": now + number, "name": "skillway.skill.used"}
            file.write(f"\n{json.dumps({**head, 'attributes': attributes}, separators=(',', ':'))}\n")
    path.chmod(0o600)
    return path


def run_child(command: list[str], home: Path) -> tuple[float, float, float]:
    """Run a process to its end; give its processor seconds, wall seconds and largest size in MiB."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    started = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[2][:200]} ended with {child.returncode}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024


def measure_sending(events: int, rounds: int, url: str) -> dict[str, dict[str, float]]:
    """Send the same number of events in turn with ours and with the SDK."""
    seen: dict[str, list[tuple[float, float, float]]] = {"ours": [], "sdk": []}
    for number in range(rounds):
        for side, values in seen.items():
            print(f"\rsending {number + 1}/{rounds} {side}   ", end="", file=sys.stderr)
            home = Path(tempfile.mkdtemp())
            path = make_spool(home, events)
            arguments = [OURS, str(HOOKS), url] if side == "ours" else [SDK, str(path), url]
            values.append(run_child([sys.executable, "-c", *arguments], home))
            if (
                side == "ours"
                and path.parent.exists()
                and b"skill.used" in b"".join(p.read_bytes() for p in path.parent.iterdir())
            ):
                sys.exit("not all was sent")
            shutil.rmtree(home)
    print(file=sys.stderr)
    return {
        side: {
            "events_per_cpu_s": round(events / statistics.median(cpu for cpu, _, _ in values)),
            "events_per_s": round(events / statistics.median(wall for _, wall, _ in values)),
            "mib": round(max(size for _, _, size in values), 1),
        }
        for side, values in seen.items()
    }


def measure_commands(rounds: int) -> dict[str, float]:
    """Time a small command with no endpoint and with dead ones; seconds that each adds."""
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        closed.bind(("127.0.0.1", 0))
        ends = {"off": "", "refused": closed.getsockname()[1], "silent": silent.getsockname()[1]}
        walls: dict[str, list[float]] = {end: [] for end in ends}
        for _ in range(rounds):
            for end, port in ends.items():
                variables = {**os.environ, "HOME": tempfile.gettempdir()}
                variables |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"} if port else {}
                started = time.perf_counter()
                command = [sys.executable, "-m", "skillway", "build"]
                subprocess.run(command, env=variables, cwd=tempfile.gettempdir(), capture_output=True, check=False)
                walls[end].append(time.perf_counter() - started)
    base = statistics.median(walls["off"])
    return {end: round(statistics.median(walls[end]) - base, 3) for end in ("refused", "silent")}


def measure_off() -> tuple[float, float]:
    """Time what a command spends on telemetry without an endpoint: in a new process, and again; milliseconds."""
    command = [sys.executable, "-c", OFF]
    seen = []
    for _ in range(9):
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        seen.append([float(word) for word in done.stdout.split()])
    first, again = (statistics.median(values) for values in zip(*seen, strict=True))
    return round(first, 3), round(again, 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    try:
        assert receiver.stdout is not None
        url = f"http://127.0.0.1:{receiver.stdout.readline().strip()}"
        sending = measure_sending(options.events, options.rounds, url)
    finally:
        receiver.terminate()
        receiver.wait()
    off, dead = measure_off(), measure_commands(options.rounds + 2)
    ours = sending["ours"]
    ratio = round(ours["events_per_cpu_s"] / sending["sdk"]["events_per_cpu_s"], 2)
    limits = {
        "rate": ours["events_per_cpu_s"] >= LIMIT_RATE,
        "memory": ours["mib"] <= LIMIT_MEMORY,
        "off": off[0] <= LIMIT_OFF,
        "dead": max(dead.values()) <= LIMIT_DEAD,
    }
    result = {"sending": sending, "ratio": ratio, "off_ms": off, "dead_s": dead, "within_limits": limits}
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for side, figures in sending.items():
            print(
                f"{side:5} {figures['events_per_cpu_s']:7,} events per CPU s, {figures['events_per_s']:7,} per s, {figures['mib']} MiB"
            )
        print(f"ratio {ratio}; limits: {LIMIT_RATE:,} events per CPU s, {LIMIT_MEMORY} MiB")
        print(f"a command without an endpoint: {off[0]} ms at first, {off[1]} ms again (limit {LIMIT_OFF} ms)")
        print(f"a dead endpoint adds: refused {dead['refused']} s, silent {dead['silent']} s (limit {LIMIT_DEAD} s)")
        print(
            "within the limits"
            if all(limits.values())
            else f"OVER: {[name for name, held in limits.items() if not held]}"
        )
    return 0 if all(limits.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
