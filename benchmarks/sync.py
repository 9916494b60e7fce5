"""How fast does a laptop see that nothing changed, take one change, and install everything, against `rsync -a`?

Ours: the whole process `skillway-sync run` against a published file:// store, start of Python, verification and
durability included. The peer: `rsync -a` of the same plugin folders; it verifies nothing, is not atomic and not
durable. The tree has 20 team plugins of 50 skills of 4 files, beside this repository's own base plugin. All take
turns in one run, because figures of different runs on a shared machine cannot be compared.

Everything is written to a fresh ext4 in a file, where root may mount one: creating files right after thousands were
deleted, by whomever, costs a hundred times as much on ext4. Elsewhere it goes to a fresh folder, and the output says
so. The limits are ratios: 0.5 for no change, 1 for one changed file, 2 for the
first install.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
TEAMS = 20
SKILLS_PER_TEAM = 50
LIMITS = {"no change": 0.5, "one file changed": 1.0, "first install": 2.0}
"""Ours may take this much of what rsync takes."""
IMAGE_BYTES = 400 * 1024 * 1024
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
"""As on a laptop, where nothing keeps Python from using the byte code that was installed with the program."""


def program(name: str) -> list[str]:
    """Find one of our programs as it is installed beside this interpreter."""
    path = Path(sys.executable).with_name(name)
    return [str(path)] if path.exists() else [sys.executable, "-m", name.replace("-", "_")]


def run(command: list[str], cwd: Path) -> float:
    """Run a command to its end; give the seconds of the whole process."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}")
    return elapsed


Times = dict[str, dict[str, list[float]]]
"""From case to side to the seconds of each round."""


# --- what is published ----------------------------------------------------------------------------------------------


def text(source: random.Random, size: int) -> str:
    """Make a text that compresses about as prose does."""
    words = ["".join(source.choices("etaoinshrdlucm", k=source.randint(2, 9))) for _ in range(400)]
    lines = []
    while size > 0:
        lines.append(" ".join(source.choices(words, k=12)))
        size -= len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def write_repository(root: Path) -> Path:
    """Write a repository of 1,000 team skills with our own base plugin; give the file that will change."""
    teams = [f"team-{number}" for number in range(TEAMS)]
    root.mkdir(parents=True)
    (root / "organisation.yaml").write_text(f"name: acme\nrings: [broad]\nteams: [{', '.join(teams)}]\n")
    for name in ("base-plugin", "hooks"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    source = random.Random(8)
    for team in teams:
        folder = root / "skills" / team
        (folder / ".claude-plugin").mkdir(parents=True)
        content = {"name": team, "version": "1.0.0", "description": f"The skills of {team}.", "skills": "./"}
        (folder / ".claude-plugin" / "plugin.json").write_text(json.dumps(content | {"author": {"name": "Acme"}}))
        for number in range(SKILLS_PER_TEAM):
            write_skill(folder / f"{team}-skill-{number}", source)
    return root / "skills" / teams[7] / f"{teams[7]}-skill-9" / "SKILL.md"


def write_skill(folder: Path, source: random.Random) -> None:
    """Write one skill of four files, 33 kB of text in all."""
    (folder / "scripts").mkdir(parents=True)
    (folder / "references").mkdir()
    head = f"---\nname: {folder.name}\ndescription: Use when someone asks for number {folder.name}.\n---\n\n"
    (folder / "SKILL.md").write_text(head + text(source, 7000) + "\nSee references/one.md and references/two.md.\n")
    (folder / "references" / "one.md").write_text("# One\n\n" + text(source, 12000))
    (folder / "references" / "two.md").write_text("# Two\n\n" + text(source, 12000))
    (folder / "scripts" / "number.py").write_text("#!/usr/bin/env python3\nprint(1)\n" + "# end\n" * 200)


def publish(root: Path) -> None:
    """Build and publish what the repository holds now."""
    run([*program("skillway"), "build"], root)
    if not (root / ".skillway" / "keys").exists():
        run([*program("skillway"), "release", "keys"], root)
    run([*program("skillway"), "release", "publish"], root)


# --- the laptops ----------------------------------------------------------------------------------------------------


def make_laptop(prefix: Path, root: Path) -> list[str]:
    """Configure a laptop below a folder; give the command that syncs it."""
    settings = prefix / "settings"
    settings.mkdir(parents=True)
    (prefix / "home").mkdir()
    shutil.copy(root / ".skillway" / "keys" / "root.json", settings / "root.json")
    config = {"store": (root / ".skillway" / "store").as_uri(), "teams": ["*"]}
    (settings / "config.json").write_text(json.dumps(config))
    places = ["--root", str(prefix), "--config", str(settings / "config.json"), "--home", str(prefix / "home")]
    return [*program("skillway-sync"), "run", *places]


def store_of(prefix: Path) -> Path:
    """Give the folder that holds the installed plugins."""
    return next(prefix.glob("**/skillway/store"))


@contextmanager
def fresh_volume(folder: Path, *, mounts: bool) -> Iterator[Path]:
    """Give an empty folder: on an ext4 of its own where one can be mounted."""
    place = folder / "volume"
    place.mkdir()
    if not mounts:
        yield place
        shutil.rmtree(place)
        return
    image = folder / "image"
    with image.open("wb") as stream:
        stream.truncate(IMAGE_BYTES)
    subprocess.run(
        ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", image], check=True
    )
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    try:
        os.sync()
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
        image.unlink()
        place.rmdir()


def can_mount(folder: Path) -> bool:
    """Try whether a file can be mounted here."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        return False
    try:
        with fresh_volume(folder, mounts=True):
            return True
    except (OSError, subprocess.CalledProcessError):
        (folder / "image").unlink(missing_ok=True)
        (folder / "volume").rmdir()
        return False


# --- measuring ------------------------------------------------------------------------------------------------------


def rsync(source: Path, target: Path) -> float:
    """Copy a tree with rsync; give the seconds."""
    return run(["rsync", "-a", f"{source}/", f"{target}/"], source)


def measure_steady(folder: Path, root: Path, changing: Path, rounds: int, took: Times, *, volume: Path) -> Path:
    """Measure no change and one changed file, turn by turn; gives a copy of the plugins for the first installs."""
    prefix, source, copy = volume / "laptop", folder / "source", volume / "copy"
    sync = make_laptop(prefix, root)
    run(sync, folder)
    shutil.copytree(store_of(prefix), source)
    rsync(source, copy)
    changed = next(source.glob(f"*/*/skills/{changing.parent.name}/SKILL.md"))
    run(sync, folder)
    for number in range(rounds):
        for _ in range(3):
            took["no change"]["ours"].append(run(sync, folder))
            took["no change"]["rsync"].append(rsync(source, copy))
        with changing.open("a") as stream:
            stream.write(f"Change {number}.\n")
        with changed.open("a") as stream:
            stream.write(f"Change {number}.\n")
        publish(root)
        os.sync()
        took["one file changed"]["ours"].append(run(sync, folder))
        os.sync()
        took["one file changed"]["rsync"].append(rsync(source, copy))
    return source


def measure_first(folder: Path, root: Path, source: Path, rounds: int, took: Times, *, mounts: bool) -> None:
    """Measure the first install, each on a volume that nothing was ever deleted from."""
    for _ in range(rounds):
        with fresh_volume(folder, mounts=mounts) as place:
            sync = make_laptop(place / "laptop", root)
            os.sync()
            took["first install"]["ours"].append(run(sync, folder))
        with fresh_volume(folder, mounts=mounts) as place:
            took["first install"]["rsync"].append(rsync(source, place / "copy"))


def summarise(took: Times) -> list[dict[str, object]]:
    """Reduce the rounds to medians in milliseconds, the ratio, and whether the limit holds."""
    rows: list[dict[str, object]] = []
    for case, sides in took.items():
        ours, peer = statistics.median(sides["ours"]), statistics.median(sides["rsync"])
        row = {"case": case, "ours_ms": round(ours * 1000, 1), "ours_min_ms": round(min(sides["ours"]) * 1000, 1)}
        row |= {"rsync_ms": round(peer * 1000, 1), "rsync_min_ms": round(min(sides["rsync"]) * 1000, 1)}
        rows.append(row | {"ratio": round(ours / peer, 2), "limit": LIMITS[case], "holds": ours / peer <= LIMITS[case]})
    return rows


def main() -> int:
    """Measure, print, and fail when a ratio is over its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each case is measured (default 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not shutil.which("rsync"):
        print("not run: no rsync to compare with", file=sys.stderr)
        return 3
    took: Times = {case: {"ours": [], "rsync": []} for case in LIMITS}
    with tempfile.TemporaryDirectory(prefix="skillway-benchmark-") as name:
        folder = Path(name)
        changing = write_repository(folder / "repository")
        publish(folder / "repository")
        mounts = can_mount(folder)
        with fresh_volume(folder, mounts=mounts) as volume:
            source = measure_steady(folder, folder / "repository", changing, options.rounds, took, volume=volume)
        files = sum(path.is_file() for path in source.rglob("*"))
        measure_first(folder, folder / "repository", source, options.rounds, took, mounts=mounts)
    place = "a fresh ext4" if mounts else "a fresh folder (no volume can be mounted here)"
    rows = summarise(took)
    if options.json:
        facts = {
            "benchmark": "sync",
            "files": files,
            "cpus": os.cpu_count(),
            "rounds": options.rounds,
            "written_to": place,
        }
        print(json.dumps(facts | {"rows": rows}))
    else:
        print_table(rows, files, options.rounds, place)
    return 0 if all(row["holds"] for row in rows) else 1


def print_table(rows: list[dict[str, object]], files: int, rounds: int, place: str) -> None:
    """Print the figures for people."""
    print(f"{files} files; medians of {rounds} rounds; written to {place}")
    print(f"{'skillway-sync':<18}{'ours':>10}{'min':>10}{'rsync -a':>10}{'min':>10}{'ratio':>7}{'limit':>7}")
    for row in rows:
        verdict = "" if row["holds"] else "  over the limit"
        print(
            f"{row['case']:<18}{row['ours_ms']:>7} ms{row['ours_min_ms']:>7} ms{row['rsync_ms']:>7} ms"
            f"{row['rsync_min_ms']:>7} ms{row['ratio']:>7}{row['limit']:>7}{verdict}"
        )


if __name__ == "__main__":
    sys.exit(main())
