"""How long does `create-pull-request context` take on a repository of 50,000 commits, and what does a diff of 200 MB do to `lint`?

Ours: the whole program as the Bash tool starts it, with the system's interpreter. The peer: the same git commands alone, one
after the other, which is the least that the answers can cost, and a bare interpreter beside it. All take turns in one run. The limit is 300 ms,
without a forge: its answer's time is the network's. The repository is made by `git fast-import`: 50,000 commits, 2,000 files,
300 branches on the remote, a branch of 20 commits.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_MS = 300
DIFF_BYTES = 200 << 20
REPOSITORY = Path(__file__).resolve().parents[1]
SCRIPT = REPOSITORY / "developer-tools" / "skills" / "create-pr" / "scripts" / "create_pull_request.py"
BODY = "Needed because reports are slow: the data is read from one place now, so that nobody waits for it twice.\n"
FILES, BRANCHES, AHEAD = 2000, 300, 20
ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
BASE = "refs/remotes/origin/main"
# What the program asks git, as it asks it.
QUESTIONS = [
    ["rev-parse", "--show-toplevel"],
    ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"],
    ["config", "--null", "--get-regexp", r"^(remote\..*|branch\..*|skillway\..*)"],
    ["for-each-ref", "--format=%(refname)%00%(objectname)%00%(symref)", "refs/heads/main", "refs/remotes/origin"],
    ["diff", "--name-status", "-z", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", f"{BASE}...HEAD"],
    ["rev-list", "--count", f"{BASE}..HEAD"],
    ["log", "--max-count=30", "-z", "--no-color", "--format=%h%x09%s", f"{BASE}..HEAD"],
    ["remote", "get-url", "origin"],
    ["remote", "get-url", "--push", "origin"],
]


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> None:
    """Run git; end the benchmark when git does not do it."""
    subprocess.run(["git", *arguments], cwd=folder, input=stdin, check=True, capture_output=True, env=ENVIRONMENT)


def history(commits: int) -> bytes:
    """Write a stream for fast-import: one file changed by each commit, and branches off every so many."""
    who = "A <a@example.com>"
    lines = []
    for number in range(1, commits + AHEAD + 1):
        branch = "refs/heads/main" if number <= commits else "refs/heads/feature"
        content = f"value = {number}\n"
        lines.append(
            f"commit {branch}\nmark :{number}\ncommitter {who} {1_600_000_000 + number} +0000\ndata 7\nChange."
        )
        if number == commits + 1:
            lines.append(f"from :{commits}")
        lines.append(
            f"M 100644 inline source/part{number % 40}/file{number % FILES}.py\ndata {len(content)}\n{content}"
        )
    every = max(1, commits // BRANCHES)
    lines += [f"reset refs/remotes/origin/old{mark}\nfrom :{mark}\n" for mark in range(every, commits, every)]
    lines += [f"reset {BASE}\nfrom :{commits}\n", f"reset refs/remotes/origin/feature\nfrom :{commits + AHEAD}\n"]
    return "\n".join(lines).encode()


def build(folder: Path, commits: int) -> None:
    """Make the repository; its remote is a local path, so that no forge is asked."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "fast-import", "--quiet", "--done", stdin=history(commits) + b"\ndone\n")
    git(folder, "remote", "add", "origin", "/nowhere/shop.git")
    git(folder, "symbolic-ref", "refs/remotes/origin/HEAD", BASE)
    git(folder, "repack", "-qad")
    git(folder, "checkout", "-qf", "feature")


def milliseconds(*commands: list[str], folder: Path) -> float:
    """Give the time of all commands, one after the other."""
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=ENVIRONMENT)
    return (time.perf_counter() - started) * 1000


def measure_context(folder: Path, python: str, rounds: int) -> bool:
    """Print the times of the context beside its peers; tell whether the limit holds."""
    ways = {
        "git alone": [["git", "-c", "core.quotepath=off", *question] for question in QUESTIONS],
        "bare interpreter": [[python, "-E", "-s", "-c", "pass"]],
        "context": [[python, "-E", "-s", str(SCRIPT), "context", "--json"]],
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, commands in ways.items():
            times[name].append(milliseconds(*commands, folder=folder))
    floor = statistics.median(times["git alone"][1:])
    for name, found in times.items():
        ordered = sorted(found[1:])  # the first warms the disk's cache
        p95 = ordered[int(0.95 * (len(ordered) - 1))]
        median = statistics.median(ordered)
        print(f"{name:17} median {median:6.1f} ms  p95 {p95:6.1f} ms  {median / floor:5.2f} of git alone")
    ours = statistics.median(times["context"][1:])
    print(f"limit {LIMIT_MS} ms: {'held' if ours <= LIMIT_MS else 'MISSED'}")
    return ours <= LIMIT_MS


def measure_huge_diff(folder: Path, python: str) -> None:
    """Print time and memory of `lint` on a branch whose diff has 200 MB, in files that git does diff."""
    git(folder, "switch", "-qc", "huge", "origin/main")
    line = b"some_name = 'padding of a line in a data file that nobody reads' # 0123456789\n"
    for number in range(40):
        (folder / f"data{number}.py").write_bytes(line * (DIFF_BYTES // 40 // len(line)))
    git(folder, "add", ".")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "Data")
    body = folder / ".git" / "body.md"
    body.write_text(BODY)
    command = [
        python,
        "-E",
        "-s",
        str(SCRIPT),
        "lint",
        "--title",
        "Read the data from one place",
        "--body-file",
        str(body),
    ]
    peer = milliseconds(["git", "diff", "--numstat", "--no-renames", f"{BASE}...HEAD"], folder=folder)
    started = time.perf_counter()
    child = subprocess.Popen([*command, "--json"], cwd=folder, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(child.pid, 0)
    spent = (time.perf_counter() - started) * 1000
    print(
        f"lint of a diff of 200 MB: {spent:.0f} ms, exit {os.waitstatus_to_exitcode(status)}, most memory of the program {usage.ru_maxrss >> 10} MB;"
    )
    print(f"git's own count of its lines alone: {peer:.0f} ms; ratio {spent / peer:.2f}")


def main() -> int:
    """Build, measure, print; 1 when the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--no-diff", action="store_true", help="leave the diff of 200 MB out")
    options = parser.parse_args()
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() and sys.platform != "darwin" else sys.executable
    with tempfile.TemporaryDirectory(prefix="skillway-create-pr-") as name:
        folder = Path(name)
        started = time.perf_counter()
        build(folder, options.commits)
        print(f"{options.commits} commits made in {time.perf_counter() - started:.1f} s; {python}")
        is_held = measure_context(folder, python, options.rounds)
        if not options.no_diff:
            measure_huge_diff(folder, python)
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
