"""Does the spool lose or tear records when many processes write, and when processes are killed?

Floods: 32 processes append 100,000 records each while somebody takes the file away again and again, in both modes. Peers: the same
with an append as the C runtime of Windows does it (seek to the end, then write). Kills: writers and flushers get SIGKILL at random
moments; a record may be lost only when its writer was killed in the middle of it, and a flusher may send a batch twice.
"""

import argparse
import gzip
import json
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from fcntl import LOCK_EX, flock
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from telemetry import Laptop

WRITER = """
import sys; sys.path.insert(0, sys.argv[1]); import spool
spool.MAX_SPOOL_BYTES = 1 << 50
kept = 0
for number in range(int(sys.argv[3])):
    kept += spool.append('skillway.skill.used', {'tool_use_id': sys.argv[2] + '-' + str(number), 'skill.name': 'p:s', 'duration_ms': number})
print(kept)
"""
NAIVE = """
import sys, os
path, who = sys.argv[1] + '/naive.jsonl', sys.argv[2]
for number in range(int(sys.argv[3])):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.lseek(descriptor, 0, os.SEEK_END)
    os.write(descriptor, ('{"attributes":{"tool_use_id":"%s-%d","skill.name":"p:s"},"pad":"%s"}\\n' % (who, number, 'x' * 150)).encode())
    os.close(descriptor)
print(int(sys.argv[3]))
"""


def read_lines(lines: "list[bytes]", seen: set[str]) -> tuple[int, int]:
    """Add the records' names to `seen`; give how many lines are torn and how many records come twice."""
    torn = twice = 0
    for line in lines:
        if not line:
            continue
        try:
            name = json.loads(line)["attributes"]["tool_use_id"]
        except (ValueError, KeyError):
            torn += 1
            continue
        twice += name in seen
        seen.add(name)
    return torn, twice


def flood(mode: str, processes: int, appends: int) -> dict[str, object]:
    """Let many processes write at once, and count what arrived."""
    with tempfile.TemporaryDirectory() as name:
        laptop = Laptop(Path(name))
        spool = laptop.state / "spool"
        program = NAIVE if mode == "naive" else WRITER
        spool.mkdir(parents=True, mode=0o700)
        laptop.state.chmod(0o700)
        place = str(spool) if mode == "naive" else str(laptop.hooks)
        environment = {**laptop.environment, "SKILLWAY_SPOOL_MODE": mode}
        started = time.perf_counter()
        writers = [
            subprocess.Popen(
                [laptop.python, "-I", "-S", "-c", program, place, f"w{number}", str(appends)],
                env=environment,
                stdout=subprocess.PIPE,
            )
            for number in range(processes)
        ]
        seen: set[str] = set()
        torn = twice = 0
        while any(writer.poll() is None for writer in writers):
            if mode == "shared":
                found = take_active(spool, seen)
                torn, twice = torn + found[0], twice + found[1]
            time.sleep(0.2)
        seconds = time.perf_counter() - started
        kept = sum(int(writer.communicate()[0]) for writer in writers)
        for file in spool.glob("*.jsonl"):
            with file.open("rb") as lines:
                found = read_lines([line.rstrip(b"\n") for line in lines], seen)
            torn, twice = torn + found[0], twice + found[1]
        lost = kept - len(seen)
        is_fine = mode == "naive" or (lost == torn == twice == 0 and kept == processes * appends)
        return {"kept": kept, "lost": lost, "torn": torn, "twice": twice, "seconds": round(seconds, 1), "ok": is_fine}


def take_active(spool: Path, seen: set[str]) -> tuple[int, int]:
    """Take the active file away as the flusher does, and read it."""
    claimed = spool / "taken"
    try:
        (spool / "events.jsonl").rename(claimed)
    except FileNotFoundError:
        return 0, 0
    with claimed.open("rb") as file:
        flock(file, LOCK_EX)
        found = read_lines(file.read().split(b"\n"), seen)
    claimed.unlink()
    return found


def kill_writers(kills: int) -> dict[str, object]:
    """Kill writers in the middle of their loop; every record that a writer said it kept must be there, and whole."""
    source = random.Random(5)
    program = WRITER.replace("print(kept)", "").replace(
        "    kept += ", "    if number: sys.stdout.write(str(number) + '\\n'); sys.stdout.flush()\n    kept += "
    )
    with tempfile.TemporaryDirectory() as name:
        laptop = Laptop(Path(name))
        said = 0
        for number in range(kills):
            argv = [laptop.python, "-I", "-S", "-c", program, str(laptop.hooks), f"w{number}", "1000000"]
            process = subprocess.Popen(argv, env=laptop.environment, stdout=subprocess.PIPE)
            time.sleep(0.02 + source.random() * 0.03)
            process.send_signal(signal.SIGKILL)
            told = process.communicate()[0].split(b"\n")[:-1]
            said += int(told[-1]) if told else 0
        seen: set[str] = set()
        torn, twice = read_lines((laptop.state / "spool" / "events.jsonl").read_bytes().split(b"\n"), seen)
        beyond = len(seen) - said
        return {
            "kills": kills,
            "kept": said,
            "torn": torn,
            "lost": max(0, -beyond),
            "twice": twice,
            "ok": beyond >= 0 and not twice,
        }


def kill_flushers(kills: int) -> dict[str, object]:
    """Kill flushers at random moments; nothing may be missing in the end, and a kill may repeat one batch."""
    source = random.Random(6)
    records = 20_000
    with tempfile.TemporaryDirectory() as name:
        laptop = Laptop(Path(name))
        sink = UidSink()
        laptop.configure(sink.url)
        laptop.fill(records)
        argv = [laptop.python, "-I", "-S", str(laptop.hooks / "flush.py")]
        killed = 0
        for _ in range(kills):
            process = subprocess.Popen(argv, env=laptop.environment)
            try:
                process.wait(0.05 + source.random() * 0.2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed += 1
            figures = laptop.state / "flush.json"
            if figures.exists():
                figures.write_text(json.dumps({**json.loads(figures.read_text()), "next_try": 0}))
            if not list((laptop.state / "spool").iterdir()):
                laptop.fill(records)
                sink.expected += records
        subprocess.run(argv, env=laptop.environment, check=True)
        sink.expected += records
        unique, most, total = sink.close()
        repeated = total - unique
        is_fine = unique == sink.expected and repeated <= killed * 1000
        return {
            "kills": killed,
            "records": sink.expected,
            "arrived": unique,
            "repeated": repeated,
            "most_often": most,
            "ok": is_fine,
        }


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: its clients are killed in the middle of a request."""


class UidSink:
    """A receiver in this process that counts how often each record arrives."""

    def __init__(self) -> None:
        self.expected = 0
        self._seen: Counter[bytes] = Counter()
        sink = self
        uid = re.compile(
            rb'"log.record.uid","value":\{"stringValue":"([0-9a-f]{32})"\}\}[^}]*\}\},\{"key":"session.id"'
        )

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                sink._seen.update(uid.findall(body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> tuple[int, int, int]:
        """Give how many records arrived, how often the most frequent did, and how many arrivals there were."""
        self._server.shutdown()
        return len(self._seen), max(self._seen.values()), sum(self._seen.values())


def main() -> int:
    """Measure, print, and fail when a record is lost or torn that must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=32)
    parser.add_argument("--appends", type=int, default=100_000, help="records per process (default 100000)")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--only", choices=["flood", "kill"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found: dict[str, dict[str, object]] = {}
    if arguments.only in (None, "flood"):
        for mode in ("shared", "segment"):
            found[f"flood, {mode}"] = flood(mode, arguments.processes, arguments.appends)
        found["flood, seek and write"] = flood("naive", arguments.processes, min(arguments.appends, 2000))
    if arguments.only in (None, "kill"):
        found["killed writers"] = kill_writers(arguments.kills)
        found["killed flushers"] = kill_flushers(max(10, arguments.kills // 4))
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for label, figures in found.items():
            print(f"{label:24}", "  ".join(f"{key} {value}" for key, value in figures.items()))
    return 0 if all(figures["ok"] for figures in found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
