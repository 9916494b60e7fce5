"""What does telemetry cost, and what does it lose? Beside the OpenTelemetry SDK and a bare interpreter, in one run.

Each part can be run alone (`--only flush`). Floods and kills are `telemetry_flood.py`. Figures of one run only are compared with
each other; CPU seconds are those that the kernel counted for the whole process, start-up and all.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

import hooks

EVENTS = 100_000
ADDED_LIMIT_US = 50.0
WHOLE_LIMIT = 1.6
FLUSH_LIMIT = 20_000
RSS_LIMIT_MB = 64.0
WIRE_LIMIT = 45.0
HOLE_LIMIT_MS = 1.0
END_LIMIT_MS = 50.0

SDK = """
import json, sys
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
provider = LoggerProvider(resource=Resource.create({"service.name": "skillway"}))
exporter = OTLPLogExporter(endpoint=sys.argv[1], compression=Compression.Gzip)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=20000, max_export_batch_size=1000))
logger = provider.get_logger("skillway.hooks")
for number, line in enumerate(open(sys.argv[2])):
    if line == "\\n":
        continue
    record = json.loads(line)
    logger.emit(LogRecord(timestamp=record["ts"], severity_number=SeverityNumber.INFO, body=record["name"],
        event_name=record["name"], attributes={**record["attributes"], "log.record.uid": record["id"]}))
    if number % 2000 == 1:  # every second line is empty; without this the queue is full and the SDK drops
        provider.force_flush()
provider.shutdown()
"""


class Sink:
    """A receiver in a process of its own that counts requests and bytes and says yes."""

    def __init__(self) -> None:
        self.bytes = multiprocessing.Value("q", 0)
        self.requests = multiprocessing.Value("q", 0)
        ready, told = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=self._serve, args=(told,), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{ready.recv()}"

    def _serve(self, told: Connection) -> None:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                self.rfile.read(size)
                sink.bytes.value += size
                sink.requests.value += 1
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        told.send(server.server_address[1])
        server.serve_forever()

    def take(self) -> tuple[int, int]:
        """Give requests and bytes since the last call."""
        found = self.requests.value, self.bytes.value
        self.requests.value = self.bytes.value = 0
        return found

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


class Laptop:
    """A laptop root with compiled hooks, and a home."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.python = hooks.interpreter()
        hooks.install(self.root, self.python)
        self.hooks = self.root / "store" / "base-plugin" / hooks.DIGEST / "hooks"
        self.home = folder / "home"
        self.home.mkdir()
        self.state = self.home / ".local" / "state" / "skillway"
        self.environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "AI_AGENT": "claude-code_2-1-197_harness"}

    def configure(self, endpoint: str) -> None:
        """Leave what sync leaves."""
        (self.root / "telemetry.json").write_text(json.dumps({"schema": 1, "endpoint": endpoint, "key_id": "k1"}))

    def clear(self) -> None:
        """Forget the spool and all figures."""
        shutil.rmtree(self.state, ignore_errors=True)

    def fill(self, count: int) -> Path:
        """Put records of the usual size into the spool, without asking whether it is full."""
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); import spool\n"
            "spool.MAX_SPOOL_BYTES = 1 << 40\n"
            "for n in range(int(sys.argv[2])):\n"
            "    spool.append('skillway.skill.used', {'session.id': '0b9f7b1c-1111-4222-8333-%012d' % (n // 40),\n"
            "        'prompt.id': '5e0c6d4e-0000-4111-8222-%012d' % (n // 4), 'user.hash': '7d865e959b2466918c9863afca942d0f',\n"
            "        'app.version': '2.1.197', 'app.entrypoint': 'cli', 'skill.name': 'developer-tools:skill-%d' % (n % 40),\n"
            "        'plugin.name': 'developer-tools', 'plugin.version': '1.4.0+0a1b2c3d4e5f', 'plugin.digest': '0a1b2c3d4e5f',\n"
            "        'marketplace.name': 'acme', 'invocation_trigger': 'claude-proactive', 'tool_use_id': 'toolu_%024d' % n,\n"
            "        'success': n % 9 > 0, 'duration_ms': n % 977 + 0.5})\n"
        )
        argv = [self.python, "-I", "-S", "-c", program, str(self.hooks), str(count)]
        subprocess.run(argv, check=True, env=self.environment)
        return self.state / "spool" / "events.jsonl"


def waited(argv: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a process to its end; give its CPU seconds, its wall seconds and its largest memory in MB."""
    started = time.perf_counter()
    process = os.posix_spawn(argv[0], argv, environment)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{argv[0]} ended with {status}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1024


def measure_added(laptop: Laptop) -> dict[str, float]:
    """Measure what a hook does for telemetry besides reading its payload: the record, and whether a flush is due."""
    laptop.clear()
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import spool, usage_hook, posix\n"
        "values = {'session.id': 's' * 36, 'prompt.id': 'p' * 36, 'app.version': '2.1.197', 'app.entrypoint': 'cli',\n"
        "  'skill.name': 'base-plugin:probe', 'plugin.name': 'base-plugin', 'plugin.version': '0.1.0+0a1b2c3d4e5f',\n"
        "  'plugin.digest': '0a1b2c3d4e5f', 'marketplace.name': 'acme', 'invocation_trigger': 'claude-proactive',\n"
        "  'tool_use_id': 't' * 30, 'success': True, 'duration_ms': 12.5}\n"
        "spool.append('skillway.skill.used', values); posix.close(posix.open(spool.state_folder() + '/flush.mark', posix.O_CREAT, 0o600))\n"
        "times = []\n"
        "for _ in range(3000):\n"
        "    started = time.perf_counter(); spool.append('skillway.skill.used', values); usage_hook._flush('PostToolUse')\n"
        "    times.append((time.perf_counter() - started) * 1e6)\n"
        "times.sort(); print(times[1500], times[2970])\n"
    )
    argv = [laptop.python, "-I", "-S", "-c", program, str(laptop.hooks)]
    done = subprocess.run(argv, check=True, env=laptop.environment, capture_output=True, text=True)
    median, high = map(float, done.stdout.split())
    return {"median_us": median, "p99_us": high, "limit_us": ADDED_LIMIT_US, "ok": median <= ADDED_LIMIT_US}


def measure_whole(laptop: Laptop, rounds: int) -> dict[str, float]:
    """Measure the whole hook beside an interpreter that does nothing, in turns."""
    laptop.clear()
    payload = next(iter(hooks.payloads(laptop.root.parent).values()))
    bare = [laptop.python, "-I", "-S", "-c", "pass"]
    hook = ["/bin/sh", str(laptop.root / "bin" / "run"), "usage"]
    times: dict[str, list[float]] = {"bare": [], "hook": []}
    for number in range(rounds + 3):
        taken = (
            hooks.run_once(bare, os.devnull, laptop.environment),
            hooks.run_once(hook, str(payload), laptop.environment),
        )
        if number >= 3:
            times["bare"].append(taken[0])
            times["hook"].append(taken[1])
    medians = {name: statistics.median(each) for name, each in times.items()}
    ratio = medians["hook"] / medians["bare"]
    return {
        "hook_ms": medians["hook"],
        "bare_ms": medians["bare"],
        "ratio": ratio,
        "limit": WHOLE_LIMIT,
        "ok": ratio <= WHOLE_LIMIT,
    }


def measure_hole(laptop: Laptop, rounds: int) -> dict[str, float]:
    """Measure the end of a session, which starts the flusher each time, with a receiver that answers and one that never does."""
    ended = laptop.root.parent / "ended.json"
    ended.write_text(json.dumps({"hook_event_name": "SessionEnd", "reason": "other", "session_id": "s-1"}))
    argv = ["/bin/sh", str(laptop.root / "bin" / "run"), "usage"]
    times: dict[str, list[float]] = {"healthy": [], "black hole": []}
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(1)  # takes connections and never answers
        sink = Sink()
        urls = {"healthy": sink.url, "black hole": f"http://127.0.0.1:{hole.getsockname()[1]}"}
        homes = {}
        for name in urls:
            homes[name] = laptop.home.parent / name.replace(" ", "-")
            homes[name].mkdir()
        for number in range(rounds + 3):
            for name, url in urls.items():
                laptop.configure(url)
                (homes[name] / ".local/state/skillway/flush.mark").unlink(missing_ok=True)
                taken = hooks.run_once(argv, str(ended), {**laptop.environment, "HOME": str(homes[name])})
                if number >= 3:
                    times[name].append(taken)
                time.sleep(0.12)  # the healthy flusher is done by then, so that it takes no time from the next
        sink.close()
    medians = {name: statistics.median(each) for name, each in times.items()}
    added = medians["black hole"] - medians["healthy"]
    worst = max(map(max, times.values()))
    is_fine = added <= HOLE_LIMIT_MS and max(medians.values()) <= END_LIMIT_MS
    return {
        "healthy_ms": medians["healthy"],
        "hole_ms": medians["black hole"],
        "added_ms": added,
        "worst_ms": worst,
        "ok": is_fine,
    }


def measure_flush(laptop: Laptop) -> dict[str, dict[str, float]]:
    """Measure the sending of the same records by the flusher and by the SDK with its gzip exporter."""
    sink = Sink()
    laptop.clear()
    laptop.configure(sink.url)
    records = laptop.fill(EVENTS)
    # A third contender belongs here: the sender with protobuf and httpx of the command line program.
    copy = laptop.home / "events.jsonl"
    shutil.copy(records, copy)
    sink.take()
    found = {"flusher": _flushed(laptop, sink)}
    argv = [sys.executable, "-c", SDK, sink.url + "/v1/logs", str(copy)]
    cpu, wall, rss = waited(argv, {"PATH": "/usr/bin:/bin", "HOME": str(laptop.home)})
    requests, size = sink.take()
    if requests < EVENTS / 1000:
        raise SystemExit("the SDK dropped records; its figures mean nothing")
    found["OpenTelemetry SDK"] = {
        "per_cpu_s": EVENTS / cpu,
        "wall_s": wall,
        "rss_mb": rss,
        "wire": size / EVENTS,
        "requests": requests,
    }
    sink.close()
    return found


def _flushed(laptop: Laptop, sink: Sink) -> dict[str, float]:
    cpu, wall, rss = waited([laptop.python, "-I", "-S", str(laptop.hooks / "flush.py")], laptop.environment)
    requests, size = sink.take()
    figures = json.loads((laptop.state / "flush.json").read_text())
    if figures["sent"] < EVENTS or figures["dropped"]:
        raise SystemExit(f"not all was sent: {figures}")
    per_second = EVENTS / cpu
    is_fine = per_second >= FLUSH_LIMIT and rss <= RSS_LIMIT_MB and size / EVENTS <= WIRE_LIMIT
    return {
        "per_cpu_s": per_second,
        "wall_s": wall,
        "rss_mb": rss,
        "wire": size / EVENTS,
        "requests": requests,
        "ok": is_fine,
    }


def main() -> int:
    """Measure, print, and fail when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=150, help="turns that each contender gets (default 150)")
    parser.add_argument("--only", choices=["added", "whole", "hole", "flush"], help="one part alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as name:
        laptop = Laptop(Path(name))
        if arguments.only in (None, "added"):
            found["added by telemetry"] = measure_added(laptop)
        if arguments.only in (None, "whole"):
            found["whole usage hook"] = measure_whole(laptop, arguments.rounds)
        if arguments.only in (None, "flush"):
            found.update({f"flush, {who}": each for who, each in measure_flush(laptop).items()})
        if arguments.only in (None, "hole"):
            found["session end, black hole"] = measure_hole(laptop, max(10, arguments.rounds // 4))
            time.sleep(11)  # a flusher that waits for the hole ends by itself, before its home goes
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for label, figures in found.items():
            print(
                f"{label:26}",
                "  ".join(
                    f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
                    for key, value in figures.items()
                ),
            )
    return 0 if all(figures.get("ok", True) for figures in found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
