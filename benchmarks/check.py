"""How long does `skillway check` take over 300 skills, against `skills-ref` and `claude plugin validate`?

Ours: the whole process as an author starts it, every rule on, start of Python included; once without a cache and once
with a warm one. The peers in the same run, taking turns: `skills-ref` (the Agent Skills validator) once in one process
for all skills and once as its own program per skill (measured over a sample), and `claude plugin validate` per plugin.
Both look for far less. A peer that is not installed is said to be not run. Then 5,000 skills, to see whether time and
memory grow in proportion. Limits: 1 s and 80 MB for 300 skills, 0.3 s warm.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEAMS = 8
SKILLS = 300
MANY = 5000
SAMPLE = 10
"""Skills that the peer's own program is started for; the figure is for all."""

LIMITS = {"first": 1.0, "warm": 0.3}
"""Seconds."""
LIMIT_MIB = 80
HOOK = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" usage'
IN_PROCESS = (
    "import sys, pathlib\nfrom skills_ref import validate\n"
    "print(sum(bool(validate(p)) for p in map(pathlib.Path, sys.stdin.read().split(chr(10))) if p.name))"
)


def write_repository(root: Path, skills: int) -> None:
    """Write a repository with so many skills over ten plugins: a body, a reference and a script each."""
    source = random.Random(8)
    letters = "etaoinshrdlucmfwypvbgk"
    vocabulary = ["".join(source.choices(letters, k=source.randint(3, 9))) for _ in range(3000)]

    def words(count: int) -> str:
        return " ".join(source.choices(vocabulary, k=count))

    def lines(count: int) -> str:
        return "\n".join(words(12) for _ in range(count // 12)) + "\n"

    teams = [f"team-{letter}" for letter in "abcdefgh"[:TEAMS]]
    folders = [root / "base-plugin", root / "developer-tools", *(root / "skills" / team for team in teams)]
    root.mkdir(parents=True)
    (root / "organisation.yaml").write_text(f"name: acme\nteams: [{', '.join(teams)}]\n")
    (root / "hooks").mkdir()
    (root / "hooks" / "run").write_text("#!/bin/sh\nexit 0\n")
    (root / "hooks" / "usage.py").write_text("print()\n")
    for folder in folders:
        content = {"name": folder.name, "version": "1.0.0", "description": f"The skills of {folder.name}."}
        is_team = folder.parent.name == "skills"
        (folder / ".claude-plugin").mkdir(parents=True)
        (folder / ".claude-plugin" / "plugin.json").write_text(
            json.dumps(content | ({"skills": "./"} if is_team else {}))
        )
        place = folder if is_team else folder / "skills"
        for number in range(skills // len(folders)):
            skill = place / f"{folder.name}-skill-{number}"
            (skill / "scripts").mkdir(parents=True)
            (skill / "references").mkdir()
            head = f"---\nname: {skill.name}\ndescription: Use when someone asks to {words(8)}.\n---\n\n"
            body = lines(600) + "\nSee [the levels](references/levels.md).\n"
            (skill / "SKILL.md").write_text(head + body)
            (skill / "references" / "levels.md").write_text("# Levels\n\n" + lines(600))
            (skill / "scripts" / "number.py").write_text(f"#!/usr/bin/env python3\nprint({number})\n" + "# end\n" * 30)
    hook = {"hooks": {"PreToolUse": [{"matcher": "Skill", "hooks": [{"type": "command", "command": HOOK}]}]}}
    (root / "base-plugin" / "hooks").mkdir()
    (root / "base-plugin" / "hooks" / "hooks.json").write_text(json.dumps(hook))


def run(command: list[str], *, cwd: Path, stdin: str = "") -> tuple[float, float]:
    """Run a process and give its wall time in seconds and its peak memory in MiB, its children's included."""
    code = "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=-3, stderr=-3); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r.returncode not in (0, 1, 5))"
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=cwd, input=stdin, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    return seconds, int(done.stdout.split()[-1]) / (1024 if sys.platform != "darwin" else 1024**2)


def peer_python(folder: Path) -> Path | None:
    """Install skills-ref 0.1.1 into an environment of its own, or give None where that is not possible."""
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
        python = folder / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "-q", "skills-ref==0.1.1"]
        subprocess.run(install, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return python


def find_validator(repository: Path) -> Path | None:
    """Find the pinned client of the tests."""
    from skillway_sync.installed_client import find_client  # noqa: PLC0415 - only this peer needs it

    return find_client(repository / "tests" / "client")


def measure(work: Path, rounds: int, client: Path | None) -> dict[str, object]:
    """Take all figures, the programs in turns."""
    root, many = work / "repository", work / "many"
    write_repository(root, SKILLS)
    write_repository(many, MANY)
    python = peer_python(work / "peer")
    skills = sorted(str(path.parent) for path in root.rglob("SKILL.md"))
    plugins = [path.parent.parent for path in root.rglob("plugin.json")]
    ours = [sys.executable, "-m", "skillway", "check"]
    times: dict[str, list[float]] = {}
    memory: dict[str, float] = {}

    def note(name: str, seconds: float, mebibytes: float) -> None:
        times.setdefault(name, []).append(seconds)
        memory[name] = max(memory.get(name, 0), mebibytes)

    for _ in range(rounds):
        shutil.rmtree(root / ".skillway", ignore_errors=True)
        note("first", *run(ours, cwd=root))
        note("warm", *run(ours, cwd=root))
        if python:
            note("skills-ref in process", *run([str(python), "-c", IN_PROCESS], cwd=work, stdin="\n".join(skills)))
            program = str(python.with_name("agentskills"))
            taken = [run([program, "validate", skill], cwd=work) for skill in skills[:SAMPLE]]
            total = sum(seconds for seconds, _ in taken) * len(skills) / SAMPLE
            note("skills-ref per skill", total, max(mebibytes for _, mebibytes in taken))
        if client:
            environment = ["env", "-i", f"HOME={work}", f"PATH={os.environ['PATH']}", "DISABLE_AUTOUPDATER=1"]
            taken = [run([*environment, str(client), "plugin", "validate", str(one)], cwd=work) for one in plugins]
            note("claude plugin validate", sum(seconds for seconds, _ in taken), max(size for _, size in taken))
    note(f"{MANY} skills", *run(ours, cwd=many))
    seconds = {name: round(statistics.median(values), 3) for name, values in times.items()}
    growth = round(seconds[f"{MANY} skills"] / seconds["first"] / (MANY / SKILLS), 2)
    ratios = {name: round(value / seconds["first"], 1) for name, value in seconds.items() if name not in LIMITS}
    return {
        "skills": SKILLS,
        "rounds": rounds,
        "seconds": seconds,
        "mebibytes": {name: round(value, 1) for name, value in memory.items()},
        "ratio_to_first": ratios,
        "growth": growth,
        "not_run": [name for name, there in (("skills-ref", python), ("claude plugin validate", client)) if not there],
        "within_limits": all(seconds[name] <= limit for name, limit in LIMITS.items()) and memory["first"] <= LIMIT_MIB,
    }


def show(result: dict[str, object]) -> None:
    """Print the table."""
    seconds, memory, ratios = result["seconds"], result["mebibytes"], result["ratio_to_first"]
    print(f"{'':26} {'seconds':>9} {'MiB':>7} {'ratio':>7}")
    for name, value in seconds.items():
        print(f"{name:26} {value:9.3f} {memory[name]:7.1f} {ratios.get(name, ''):>7}")
    print(f"{MANY} skills take {result['growth']} times what {SKILLS} skills take in proportion")
    for name in result["not_run"]:
        print(f"{name}: not run, because it is not installed")
    print("within limits" if result["within_limits"] else f"ABOVE LIMITS: {LIMITS}, {LIMIT_MIB} MiB")


def main() -> int:
    """Measure and print; 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    client = find_validator(Path(__file__).resolve().parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.rounds, client)
    print(json.dumps(result, indent=2)) if options.json else show(result)
    return 0 if result["within_limits"] else 1


if __name__ == "__main__":
    sys.exit(main())
