"""What does the guard cost on every tool call, how does its cost grow, and how well does it decide, beside a peer?

The whole hook is measured as Claude Code starts it. The floor is `python3 -I -S -c pass` with the same interpreter, the
peer is `cc-safety-net` from npm, which is installed into a temporary folder without its install scripts. All take turns
in one run, because figures of different runs on a shared machine cannot be compared. Without npm or node the peer is
"not run". Every part is bounded by a count; nothing of the machine's own settings is read or written.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from guard_inputs import GROWTH, LINE, growth, show, soak
from hooks import DENIED, NESTED, REPOSITORY, SILENT, install, interpreter, run_once

from skillway.guard_cases import CWD, Case, HookProcess, Score, read_cases, score_cases

PEER = "cc-safety-net@2.4.5"
FLOOR = "floor: python3 -I -S -c pass"
MEDIAN_MS, MEDIAN_RATIO, P95_RATIO = 12.0, 1.6, 2.0
BIG = (("100 kB", 100_000, 50.0), ("1 MB", 1_000_000, 250.0))
"""Name, characters, limit in milliseconds. The guard's own deadline of 200 ms ends the longest."""

IN_A_HOME = [
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    f'mount -t tmpfs none /home && mkdir -p {CWD} && cd {CWD} && git init -q && exec "$@"',
    "sh",
]
"""Starts a program that sees a /home with the cases' repository in it: the peer denies everything in a folder that does
not exist. It is a mount of that process alone and leaves nothing behind."""


@dataclass
class Row:
    """One figure with its limit; `limit` None means that it is only shown."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def is_within(self) -> bool:
        """Whether the limit is kept."""
        return self.limit is None or self.value <= self.limit


def percentile(values: list[float], share: float) -> float:
    """Give the value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


class Bench:
    """The folders and contenders of one run.

    Args:
        folder: An empty folder that outlives the run.
        with_peer: Whether the peer takes part.
    """

    def __init__(self, folder: Path, *, with_peer: bool) -> None:
        self.folder = folder
        self.python = interpreter()
        self.home = folder / "home"
        self.home.mkdir()
        install(folder / "root", self.python)
        self.environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        self.peer = install_peer(folder / "peer") if with_peer else None

    def ours(self) -> list[str]:
        """The command line that runs our hook."""
        return ["/bin/sh", str(self.folder / "root" / "bin" / "run"), "guard"]

    def payload(self, command: str, name: str) -> str:
        """Write the payload of a Bash call; give its file."""
        file = self.folder / f"{name}.json"
        call = {"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "cwd": str(self.folder)}
        file.write_text(json.dumps({**call, "tool_input": {"command": command}}))
        return str(file)

    def latency(self, rounds: int) -> dict[str, list[float]]:
        """Let floor, hook and peer take turns on ordinary commands; milliseconds of each."""
        contenders = {FLOOR: ([self.python, "-I", "-S", "-c", "pass"], os.devnull)}
        for name, command in (("silent", SILENT), ("nested", NESTED), ("deny", DENIED)):
            contenders[f"guard, {name}"] = (self.ours(), self.payload(command, name))
        if self.peer:
            contenders["cc-safety-net, silent"] = (self.peer, self.payload(SILENT, "silent"))
            contenders["cc-safety-net, deny"] = (self.peer, self.payload("git push --force origin main", "push"))
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(rounds + 2):
            show("latency", number, rounds + 2)
            for name, (argv, stdin) in contenders.items():
                taken = run_once(argv, stdin, self.environment)
                if number >= 2:
                    times[name].append(taken)
        return times

    def big(self, rounds: int) -> dict[str, float]:
        """Measure the whole hook on long commands; median milliseconds by size."""
        found = {}
        for name, size, _ in BIG:
            lines = LINE * (size // len(LINE))
            for kind, command in (("one heredoc", f"cat > notes.md <<'EOF'\n{lines}EOF\n"), ("commands", lines)):
                file = self.payload(command, "big")
                taken = [run_once(self.ours(), file, self.environment) for _ in range(rounds)]
                found[f"{name}, {kind}"] = statistics.median(taken)
        return found

    def peer_decides(self, case: Case) -> dict[str, Any]:
        """Ask the peer about a case; it sees the same payload."""
        call = {"hook_event_name": "PreToolUse", "session_id": "s", "cwd": case.cwd}
        done = subprocess.run(
            [*IN_A_HOME, *(self.peer or [])],
            input=json.dumps({**call, "tool_name": case.tool, "tool_input": case.tool_input}),
            capture_output=True,
            text=True,
            timeout=60,
            env={"HOME": case.home, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            check=False,
        )
        try:
            decision = json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"]
        except (ValueError, KeyError, TypeError):
            decision = "deny" if done.returncode == 2 else "silent"
        return {"decision": decision if decision in ("deny", "ask") else "silent"}


def install_peer(folder: Path) -> list[str] | None:
    """Install the peer; give its hook's command line, or None where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run([npm, "install", "--prefix", str(folder), *options, PEER], capture_output=True, check=False)
    entry = folder / "node_modules" / "cc-safety-net" / "dist" / "bin" / "cc-safety-net.js"
    return [node, str(entry), "hook", "--claude-code"] if done.returncode == 0 and entry.exists() else None


def can_make_a_home() -> bool:
    """Tell whether this machine lets us give the peer the folders that the cases speak of."""
    try:
        return subprocess.run([*IN_A_HOME, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def lines_of_code() -> int:
    """Count the guard's lines that are neither empty nor a comment."""
    files = [*(REPOSITORY / "hooks").glob("guard*.py"), REPOSITORY / "hooks" / "payload.py"]
    lines = [line.strip() for file in files for line in file.read_text().splitlines()]
    return sum(1 for line in lines if line and not line.startswith("#"))


def scores(bench: Bench, files: list[Path]) -> dict[str, dict[str, Score]]:
    """Score each case list by our whole hook and by the peer."""
    found: dict[str, dict[str, Score]] = {}
    policy = REPOSITORY / "base-plugin" / "settings" / "guard-policy.json"
    for file in files:
        cases = read_cases(file)
        with HookProcess(policy) as hook:
            found[file.name] = {"guard": score_cases(cases, hook.decide)}
        if bench.peer and can_make_a_home():
            found[file.name]["cc-safety-net"] = score_cases(cases, bench.peer_decides)
    return found


def rows_of(times: dict[str, list[float]], big: dict[str, float], ratios: dict[str, float]) -> list[Row]:
    """Set the figures beside the limits."""
    floor = times[FLOOR]
    median, p95 = statistics.median(floor), percentile(floor, 0.95)
    rows = []
    for name, taken in times.items():
        is_ours = name.startswith("guard")
        rows.append(Row(f"{name}: median", statistics.median(taken), "ms", MEDIAN_MS if is_ours else None))
        rows.append(Row(f"{name}: p95", percentile(taken, 0.95), "ms"))
        if name != FLOOR:
            limit = MEDIAN_RATIO if is_ours else None
            rows.append(Row(f"{name}: median to the floor's", statistics.median(taken) / median, "x", limit))
            limit = P95_RATIO if is_ours else None
            rows.append(Row(f"{name}: p95 to the floor's", percentile(taken, 0.95) / p95, "x", limit))
    limits = {name: limit for name, _, limit in BIG}
    rows += [Row(f"guard, {name}: median", taken, "ms", limits[name.partition(",")[0]]) for name, taken in big.items()]
    rows += [Row(f"doubling: {name}", ratio, "x", GROWTH) for name, ratio in ratios.items()]
    return rows


def main() -> int:
    """Measure, print, and fail when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="turns that each contender gets (default 60)")
    parser.add_argument(
        "--soak", type=int, default=2000, metavar="N", help="random commands (default 2000; a release: 50000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random commands (default 1)")
    parser.add_argument("--cases", type=Path, action="append", default=[], help="a case list to score; may be repeated")
    parser.add_argument("--no-peer", action="store_true", help="leave cc-safety-net out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skillway-bench-") as name:
        bench = Bench(Path(name), with_peer=not arguments.no_peer)
        times = bench.latency(arguments.rounds)
        rows = rows_of(times, bench.big(9), growth(5))
        scored = scores(bench, arguments.cases)
        has_peer = bench.peer is not None
    soaked = soak(arguments.soak, arguments.seed)
    rows.append(Row(f"soak, {soaked['inputs']} inputs: exceptions", soaked["exceptions"], "", 0))
    rows.append(Row(f"soak, {soaked['inputs']} inputs: over 200 ms", soaked["over_200_ms"], "", 0))
    rows.append(Row("lines of code", lines_of_code(), ""))
    is_within = all(row.is_within for row in rows)
    if arguments.json:
        print_json(rows, scored, soaked, has_peer=has_peer, ok=is_within)
    else:
        print_table(rows, scored, soaked, has_peer=has_peer)
    return 0 if is_within else 1


def print_json(
    rows: list[Row], scored: dict[str, dict[str, Score]], soaked: dict[str, Any], *, has_peer: bool, ok: bool
) -> None:
    """Print one object with everything."""
    figures = [
        {"name": row.name, "value": round(row.value, 3), "unit": row.unit, "limit": row.limit, "ok": row.is_within}
        for row in rows
    ]
    lists = {
        file: {
            who: {
                "stopped": score.total.stopped,
                "harmful": score.total.harmful,
                "false_stops": score.total.false_stops,
                "harmless": score.total.harmless,
            }
            for who, score in by_who.items()
        }
        for file, by_who in scored.items()
    }
    peer = PEER if has_peer else "not run: npm or node is missing, or it was left out"
    print(json.dumps({"ok": ok, "peer": peer, "figures": figures, "cases": lists, "soak": soaked}, indent=2))


def print_table(
    rows: list[Row], scored: dict[str, dict[str, Score]], soaked: dict[str, Any], *, has_peer: bool
) -> None:
    """Print one line for each figure."""
    print("| figure | value | limit | |\n|---|---|---|---|")
    for row in rows:
        value = f"{row.value:.2f} {row.unit}" if row.unit else f"{row.value:.0f}"
        limit = "" if row.limit is None else f"{row.limit:g}"
        print(f"| {row.name} | {value.strip()} | {limit} | {'' if row.is_within else 'OVER'} |")
    for file, by_who in scored.items():
        for who, score in by_who.items():
            total = score.total
            print(f"| {file}, {who}: stopped | {total.stopped} of {total.harmful} | | |")
            print(f"| {file}, {who}: false stops | {total.false_stops} of {total.harmless} | | |")
    if not has_peer:
        print("\ncc-safety-net: not run (npm or node is missing, or it was left out)")
    if soaked["first"]:
        print(f"\nfirst input that failed: {soaked['first']}")


if __name__ == "__main__":
    raise SystemExit(main())
