"""What does a hook cost on every tool call, against the least that a Python process can cost?

Ours: the whole hook as Claude Code starts it, with the launcher, a recorded interpreter and compiled modules, in a
laptop root of its own. The peer: `python3 -I -S -c pass` with the same interpreter. All take turns in one run, because
figures of different runs on a shared machine cannot be compared. The limit is 1.6 times the peer's median.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 1.6
REPOSITORY = Path(__file__).resolve().parents[1]
DIGEST = "0" * 64
SILENT = "npm ci && npm run build -- --mode production 2>&1 | tee build.log | tail -n 20"
DENIED = "git push -u origin HEAD && gh pr create --fill --draft"
NESTED = (
    "cd api && timeout 60 bash -c 'for f in a b; do rm -rf build/$f; done' && git push --force-with-lease origin HEAD"
)


def interpreter() -> str:
    """Choose the interpreter that sync would record: the system's, not this program's own."""
    return "/usr/bin/python3" if Path("/usr/bin/python3").exists() and sys.platform != "darwin" else sys.executable


def install(root: Path, python: str) -> None:
    """Lay out a laptop root as sync does, with the hooks compiled by the recorded interpreter."""
    plugin = root / "store" / "base-plugin" / DIGEST
    shutil.copytree(REPOSITORY / "hooks", plugin / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    (plugin / "skills" / "probe").mkdir(parents=True)
    (plugin / ".claude-plugin").mkdir()
    shutil.copy(REPOSITORY / "base-plugin" / ".claude-plugin" / "plugin.json", plugin / ".claude-plugin")
    (root / "bin").mkdir()
    shutil.copy(REPOSITORY / "hooks" / "run", root / "bin" / "run")
    (root / "bin" / "interpreter").write_text(python + "\n")
    (root / "guard").mkdir()
    (root / "guard" / "current").write_text(f"base-plugin/{DIGEST}\n")
    (root / ".claude-plugin").mkdir()
    entry = {"name": "base-plugin", "source": f"./store/base-plugin/{DIGEST}"}
    (root / ".claude-plugin" / "marketplace.json").write_text(json.dumps({"name": "acme", "plugins": [entry]}))
    subprocess.run([python, "-I", "-m", "compileall", "-q", str(plugin / "hooks")], check=True)


def payloads(folder: Path) -> dict[str, Path]:
    """Write one payload per thing that is measured; give their files by name."""
    common = {
        "session_id": "0b9f7b1c-1111-4222-8333-444455556666",
        "prompt_id": "p-1",
        "cwd": str(folder),
        "tool_use_id": "toolu_01",
    }
    guarded = {"hook_event_name": "PreToolUse", "tool_name": "Bash"}
    used = {
        "hook_event_name": "PostToolUse",
        "tool_name": "Skill",
        "tool_input": {"skill": "base-plugin:probe", "args": "alpha beta"},
        "tool_response": {"success": True, "commandName": "base-plugin:probe"},
        "duration_ms": 12,
    }
    calls: dict[str, dict[str, object]] = {
        "usage, one skill used": used,
        "guard, silent": {**guarded, "tool_input": {"command": SILENT}},
        "guard, silent, nested": {**guarded, "tool_input": {"command": NESTED}},
        "guard, deny": {**guarded, "tool_input": {"command": DENIED}},
    }
    files = {}
    for number, (name, call) in enumerate(calls.items()):
        files[name] = folder / f"payload{number}.json"
        files[name].write_text(json.dumps({**common, **call}))
    return files


def run_once(argv: list[str], stdin: str, environment: dict[str, str]) -> float:
    """Start a process as cheaply as this one can, and give its milliseconds from start to end."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    started = time.perf_counter()
    process = os.posix_spawn(
        argv[0], argv, environment, file_actions=[(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0), *quiet]
    )
    os.waitpid(process, 0)
    return (time.perf_counter() - started) * 1000


def measure(rounds: int) -> dict[str, list[float]]:
    """Let the peer and the hooks take turns; give the milliseconds of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = interpreter()
        install(folder / "root", python)
        home = folder / "home"
        home.mkdir()
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "AI_AGENT": "claude-code_2-1-197_harness"}
        launcher = str(folder / "root" / "bin" / "run")
        contenders = {"python3 -I -S -c pass": ([python, "-I", "-S", "-c", "pass"], os.devnull)}
        for label, file in payloads(folder).items():
            contenders[label] = (["/bin/sh", launcher, label.partition(",")[0]], str(file))
        times: dict[str, list[float]] = {label: [] for label in contenders}
        for number in range(rounds + 3):
            for label, (argv, stdin) in contenders.items():
                taken = run_once(argv, stdin, environment)
                if number >= 3:
                    times[label].append(taken)
        return times


def added_cost() -> dict[str, float]:
    """Measure inside one process what judging one command costs once all is imported; microseconds."""
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from guard_rules import Judge\n"
        "for command in sys.argv[2:]:\n"
        "    times = []\n"
        "    for _ in range(300):\n"
        "        started = time.perf_counter(); Judge('/home/dev/shop', '/home/dev', sys.argv[1]).judge('Bash', {'command': command})\n"
        "        times.append(time.perf_counter() - started)\n"
        "    print(sorted(times)[150] * 1e6)\n"
    )
    commands = {"silent": SILENT, "silent, nested": NESTED, "deny": DENIED}
    argv = [interpreter(), "-I", "-S", "-c", program, str(REPOSITORY / "hooks"), *commands.values()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return dict(zip(commands, map(float, done.stdout.split()), strict=True))


def main() -> int:
    """Measure, print, and fail when a hook is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=150, help="turns that each contender gets (default 150)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    times = measure(arguments.rounds)
    medians = {label: statistics.median(taken) for label, taken in times.items()}
    peer = medians.pop("python3 -I -S -c pass")
    ratios = {label: median / peer for label, median in medians.items()}
    added = added_cost()
    is_within = max(ratios.values()) <= LIMIT
    if arguments.json:
        figures = {"peer_ms": peer, "limit_ratio": LIMIT, "median_ms": medians, "ratio": ratios, "judging_us": added}
        print(
            json.dumps({**figures, "interpreter": interpreter(), "rounds": arguments.rounds, "ok": is_within}, indent=2)
        )
    else:
        print(f"{'python3 -I -S -c pass':24} {peer:6.2f} ms  1.00")
        for label, median in medians.items():
            print(f"{label:24} {median:6.2f} ms  {ratios[label]:.2f}  (limit {LIMIT})")
        for label, micros in added.items():
            print(f"judging alone, {label:15} {micros:6.0f} us")
    return 0 if is_within else 1


if __name__ == "__main__":
    raise SystemExit(main())
