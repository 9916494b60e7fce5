"""How long does a build of 300 skills take, and the next one after a change, against plain tar and gzip?

Ours: the whole process `skillway build` as an author starts it, start of Python, check and archives included; once
without any memory of a former build, once with nothing changed, once with one skill changed. The peer: `tar czf`,
one archive per plugin, of the same tree; it checks nothing, names nothing by its content and is told which plugin
changed. All take turns in one run, because figures of different runs on a shared machine cannot be compared.
The limits are 3 s for the first build and 0.5 s for one changed skill.
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
SKILLS_PER_PLUGIN = 30
LIMITS = {"first": 3.0, "unchanged": 0.5, "one changed": 0.5}
"""Seconds."""
HOOK = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" usage'


def skillway() -> list[str]:
    """Find the program as it is installed beside this interpreter."""
    program = Path(sys.executable).with_name("skillway")
    return [str(program)] if program.exists() else [sys.executable, "-m", "skillway"]


def make_vocabulary(source: random.Random) -> list[str]:
    """Make the words of the texts; those at the front are used most, so that a text compresses about as prose does."""
    letters = "etaoinshrdlucmfwypvbgk"
    return ["".join(source.choices(letters, k=source.randint(2, 9))) for _ in range(3000)]


VOCABULARY = make_vocabulary(random.Random(7))


def words(source: random.Random, count: int) -> str:
    """Make a text, twelve words a line."""

    def line() -> str:
        return " ".join(VOCABULARY[int(source.random() ** 3 * len(VOCABULARY))] for _ in range(12))

    return "\n".join(f"{line().capitalize()}." for _ in range(count // 12)) + "\n"


def write_plugin(folder: Path, name: str, place: Path, source: random.Random, **more: str) -> None:
    """Write one plugin with its skills, four files each."""
    content = {"name": name, "version": "1.0.0", "description": f"The skills of {name}.", "author": {"name": "Acme"}}
    (folder / ".claude-plugin").mkdir(parents=True)
    (folder / ".claude-plugin" / "plugin.json").write_text(json.dumps(content | more, indent=2))
    for number in range(SKILLS_PER_PLUGIN):
        skill = place / f"{name}-skill-{number}"
        (skill / "scripts").mkdir(parents=True)
        (skill / "references").mkdir()
        head = f"---\nname: {skill.name}\ndescription: Use when someone asks to {words(source, 12).strip()}\n---\n\n"
        (skill / "SKILL.md").write_text(head + words(source, 700) + "\nThe levels are in references/levels.md.\n")
        (skill / "references" / "levels.md").write_text("# Levels\n\n" + words(source, 900))
        (skill / "references" / "words.md").write_text("# Words\n\n" + words(source, 400))
        script = f'"""Print the number of this skill."""\n\nNUMBER = {number}\nprint(NUMBER)\n' + "# end\n" * 40
        (skill / "scripts" / "number.py").write_text("#!/usr/bin/env python3\n" + script)


def write_repository(root: Path) -> list[Path]:
    """Write a repository of 300 skills and give the folders of its plugins."""
    source = random.Random(8)
    teams = [f"team-{letter}" for letter in "abcdefgh"[:TEAMS]]
    root.mkdir(parents=True)
    (root / "organisation.yaml").write_text(f"name: acme\nteams: [{', '.join(teams)}]\n")
    (root / "hooks").mkdir()
    (root / "hooks" / "run").write_text("#!/bin/sh\nexit 0\n")
    (root / "hooks" / "usage.py").write_text("import spool\n\nspool.append({})\n")
    (root / "hooks" / "spool.py").write_text("def append(record):\n    return record\n")
    base = root / "base-plugin"
    write_plugin(base, "base-plugin", base / "skills", source)
    (base / "hooks").mkdir()
    hook = {"matcher": "Skill", "hooks": [{"type": "command", "command": HOOK, "timeout": 10}]}
    (base / "hooks" / "hooks.json").write_text(json.dumps({"hooks": {"PreToolUse": [hook]}}))
    tools = root / "developer-tools"
    write_plugin(tools, "developer-tools", tools / "skills", source)
    folders = [base, tools]
    for team in teams:
        folder = root / "skills" / team
        write_plugin(folder, team, folder, source, skills="./")
        folders.append(folder)
    return folders


def seconds(command: list[str], cwd: Path) -> float:
    """Run a command to its end and give the wall time of the whole process."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return elapsed


def tar(folders: list[Path], target: Path) -> float:
    """Pack each folder with tar and gzip and give the seconds of all."""
    target.mkdir(exist_ok=True)
    return sum(seconds(["tar", "czf", str(target / f"{folder.name}.tgz"), "."], folder) for folder in folders)


def measure(root: Path, folders: list[Path], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Let ours and the peer take turns; give the seconds of each round by case and side."""
    took: dict[str, dict[str, list[float]]] = {case: {"ours": [], "peer": []} for case in LIMITS}
    build = [*skillway(), "build"]
    changed = folders[-1] / f"{folders[-1].name}-skill-7" / "SKILL.md"
    for number in range(rounds):
        shutil.rmtree(root / ".skillway", ignore_errors=True)
        took["first"]["ours"].append(seconds(build, root))
        took["first"]["peer"].append(tar(folders, root / ".peer"))
        took["unchanged"]["ours"].append(seconds(build, root))
        took["unchanged"]["peer"].append(tar(folders, root / ".peer"))
        with changed.open("a") as stream:
            stream.write(f"Change {number}.\n")
        took["one changed"]["ours"].append(seconds(build, root))
        took["one changed"]["peer"].append(tar(folders[-1:], root / ".peer"))
    return took


def summarise(took: dict[str, dict[str, list[float]]]) -> list[dict[str, object]]:
    """Reduce the rounds to medians in seconds, the ratio to the peer, and whether the limit holds."""
    rows: list[dict[str, object]] = []
    for case, sides in took.items():
        ours, peer = statistics.median(sides["ours"]), statistics.median(sides["peer"])
        rows.append(
            {
                "case": case,
                "ours_s": round(ours, 3),
                "ours_min_s": round(min(sides["ours"]), 3),
                "peer_s": round(peer, 3),
                "ratio": round(ours / peer, 2),
                "limit_s": LIMITS[case],
                "holds": ours <= LIMITS[case],
            }
        )
    return rows


def main() -> int:
    """Measure, print, and fail when a build is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is measured (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skillway-benchmark-") as folder:
        root = Path(folder) / "repository"
        folders = write_repository(root)
        files = [path for place in folders for path in place.rglob("*") if path.is_file()]
        tree = {"skills": len(folders) * SKILLS_PER_PLUGIN, "plugins": len(folders), "files": len(files)}
        tree["bytes"] = sum(path.stat().st_size for path in files)
        rows = summarise(measure(root, folders, options.rounds))
    if options.json:
        print(
            json.dumps({"benchmark": "build", **tree, "cpus": os.cpu_count(), "rounds": options.rounds, "rows": rows})
        )
    else:
        print(
            f"{tree['skills']} skills, {tree['files']} files, {tree['bytes'] / 1e6:.1f} MB; medians of {options.rounds} rounds"
        )
        print(f"{'skillway build':<16}{'ours':>9}{'min':>9}{'tar czf':>9}{'ratio':>7}{'limit':>8}")
        for row in rows:
            verdict = "" if row["holds"] else "  over the limit"
            print(
                f"{row['case']:<16}{row['ours_s']:>7.3f} s{row['ours_min_s']:>7.3f} s{row['peer_s']:>7.3f} s"
                f"{row['ratio']:>7.2f}{row['limit_s']:>6.1f} s{verdict}"
            )
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
