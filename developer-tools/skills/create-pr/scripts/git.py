"""What git says about a repository, read with bounded output, without locks and without running its filters.

Answers single questions; `context` puts the answers together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from envelope import FAILED, NOT_FOUND, TIMED_OUT, Failure
from process import DEFAULT_LIMIT, Finished, MissingProgramError, run_bounded

TIMEOUT = 20.0  # seconds, for one git command
BIG_FILE = 8 * 1024 * 1024  # bytes; git would hold a larger file whole, twice, only for us to read its beginning
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_PAGER": "cat"}
# A repository may name programs of its own as diff drivers; a look at a diff must not start them.
_PLAIN_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
_UNCOMMITTED_SHOWN = 50


@dataclass
class Status:
    """The working tree and its branch.

    Attributes:
        head: Commit id of HEAD, or None before the first commit.
        branch: Name of the branch, or None when HEAD is detached.
        upstream: Name of the branch's upstream (`origin/feature`), or None.
        uncommitted: Tracked files with changes that are not committed; at most 50.
        untracked: Untracked files; at most 50.
    """

    head: str | None = None
    branch: str | None = None
    upstream: str | None = None
    uncommitted: list[str] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)


class Git:
    """Questions to git about the repository that holds `cwd`."""

    def __init__(self, cwd: str) -> None:
        self.cwd = cwd
        self.top = self._find_top()

    def _find_top(self) -> str:
        finished = self.run("rev-parse", "--show-toplevel")
        top = finished.text.rstrip("\n")
        if finished.returncode or not top:
            reason = finished.stderr.strip().splitlines()[:1] or ["git found no working tree"]
            raise Failure(
                "not_a_repository",
                f"{self.cwd} is not inside a git working tree ({reason[0]}).",
                fix="Change into the repository's folder and run the command again.",
                exit_code=NOT_FOUND,
            )
        return top

    def run(self, *arguments: str, limit: int = DEFAULT_LIMIT, timeout: float = TIMEOUT) -> Finished:
        """Run git and return how it ended, whatever the exit code.

        Raises:
            Failure: git is missing (exit 1) or took longer than `timeout` seconds (exit 10).
        """
        try:
            finished = run_bounded(
                ["git", "-c", "core.quotepath=off", *arguments],
                cwd=self.cwd,
                timeout=timeout,
                limit=limit,
                extra_environment=_ENVIRONMENT,
            )
        except MissingProgramError as error:
            raise Failure(
                "git_missing",
                f"git could not be started ({error}).",
                fix="Install git, or put it on PATH.",
                exit_code=FAILED,
            ) from error
        if finished.timed_out:
            raise Failure(
                "git_timeout",
                f"`git {_command(arguments)}` took longer than {timeout:.0f} seconds in {self.cwd}.",
                fix="Run the command again; if it stays slow, `git gc` may help.",
                exit_code=TIMED_OUT,
            )
        return finished

    def ask(self, *arguments: str, limit: int = DEFAULT_LIMIT) -> str | None:
        """Return git's output without the last newline, or None when it exits with an error."""
        finished = self.run(*arguments, limit=limit)
        return None if finished.returncode and not finished.is_truncated else finished.text.rstrip("\n")

    def status(self) -> Status:
        """Return branch, upstream and what is not committed; one git process."""
        finished = self.run("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
        status = Status()
        records = iter(finished.text.split("\0"))
        for record in records:
            if record.startswith("# "):
                _read_header(status, record)
            elif record[:2] in ("1 ", "u "):
                _note(status.uncommitted, record.split(" ", 10 if record[0] == "u" else 8)[-1])
            elif record[:2] == "2 ":
                _note(status.uncommitted, record.split(" ", 9)[-1])
                next(records, None)  # the old name of a rename is a record of its own
            elif record[:2] == "? ":
                _note(status.untracked, record[2:])
        return status

    def settings(self) -> dict[str, str]:
        """Return the settings of remotes, branches and skillway, by key; the last value of a key wins."""
        listed = self.ask("config", "--null", "--get-regexp", r"^(remote\..*|branch\..*|skillway\..*)") or ""
        pairs = (entry.partition("\n") for entry in listed.split("\0") if entry)
        return {key: value for key, _, value in pairs}

    def references(self, *patterns: str) -> dict[str, tuple[str, str]]:
        """Return existing references by full name, each with its commit id and the reference it points to, if any."""
        listed = self.ask("for-each-ref", "--format=%(refname)%00%(objectname)%00%(symref)", *patterns) or ""
        rows = (line.split("\0") for line in listed.splitlines())
        return {row[0]: (row[1], row[2]) for row in rows if len(row) == 3}  # noqa: PLR2004 - the three fields above

    def count_commits(self, base: str) -> int | None:
        """Return how many commits HEAD has that `base` has not, or None when git cannot tell."""
        counted = self.ask("rev-list", "--count", f"{base}..HEAD")
        return int(counted) if counted and counted.isdigit() else None

    def commits(self, base: str, limit: int) -> list[dict[str, str]]:
        """Return the newest commits of `base..HEAD` as `{"sha", "subject"}`; text written by others, so data only."""
        listed = self.ask("log", f"--max-count={limit}", "-z", "--no-color", "--format=%h%x09%s", f"{base}..HEAD") or ""
        rows = (entry.partition("\t") for entry in listed.split("\0") if entry)
        return [{"sha": sha, "subject": subject[:200]} for sha, _, subject in rows]

    def changed_files(self, base: str) -> tuple[list[dict[str, str]], bool]:
        """Return the files that differ since HEAD left `base`, as `{"status", "path"}`, and whether the list is cut."""
        finished = self.run("diff", "--name-status", "-z", *_PLAIN_DIFF, f"{base}...HEAD")
        fields = finished.text.split("\0")
        pairs = zip(fields[0::2], fields[1::2])  # noqa: B905 - Python 3.9 has no strict
        return [{"status": status, "path": path} for status, path in pairs], finished.is_truncated

    def diff(self, base: str, limit: int) -> tuple[str, bool]:
        """Return the diff since HEAD left `base`, at most `limit` bytes of it, and whether it is cut."""
        big = f"core.bigFileThreshold={BIG_FILE}"
        finished = self.run("-c", big, "diff", "--unified=1", *_PLAIN_DIFF, f"{base}...HEAD", limit=limit)
        return finished.text, finished.is_truncated

    def numstat(self, base: str) -> list[tuple[str, int, int]]:
        """Return the files that differ since HEAD left `base` as path, lines added, lines deleted; empty when it takes long.

        Binary files, and those over 8 MiB, count as one added line.
        """
        big = f"core.bigFileThreshold={BIG_FILE}"
        try:
            finished = self.run("-c", big, "diff", "--numstat", "-z", *_PLAIN_DIFF, f"{base}...HEAD", timeout=10.0)
        except Failure:
            return []
        rows = (row.split("\t", 2) for row in finished.text.split("\0")[: None if not finished.is_truncated else -1])
        return [(row[2], *_counted(row[0], row[1])) for row in rows if len(row) == 3]  # noqa: PLR2004 - the fields above

    def new_commits(self, base: str, limit: int) -> list[str]:
        """Return the ids of the newest commits of `base..HEAD`, HEAD first."""
        return (self.ask("rev-list", "--topo-order", f"--max-count={limit}", f"{base}..HEAD") or "").split()

    def has_commit(self, commit: str) -> bool:
        """Whether a commit is in this repository."""
        return self.run("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def is_ancestor(self, commit: str, other: str) -> bool:
        """Whether `other` is or contains `commit`."""
        return self.run("merge-base", "--is-ancestor", commit, other).returncode == 0

    def merge_base(self, reference: str) -> str:
        """Return the commit at which HEAD left `reference`, or an empty string."""
        return self.ask("merge-base", "HEAD", reference) or ""

    def common_folder(self) -> str:
        """Return the folder that all working trees of the repository share, absolute and without links."""
        told = self.ask("rev-parse", "--git-common-dir") or ".git"
        return os.path.realpath(os.path.join(self.cwd, told))  # noqa: PTH118 - realpath of a name that git gave

    def has_file(self, path: str) -> bool:
        """Whether a tracked file has that path, or a path that ends with it."""
        return bool(self.ask("ls-files", "--", f":(top,glob)**/{_escape_glob(path)}", limit=4096))

    def has_word(self, word: str) -> bool:
        """Whether a tracked file holds `word`; a search that takes over five seconds counts as found."""
        try:
            return self.run("grep", "-qF", "-e", word, "HEAD", "--", ":(top)", timeout=5.0).returncode == 0
        except Failure:
            return True


def _counted(added: str, deleted: str) -> tuple[int, int]:
    return (int(added), int(deleted)) if added.isdigit() and deleted.isdigit() else (1, 0)


def _command(arguments: tuple[str, ...]) -> str:
    return arguments[2] if arguments[0] == "-c" else arguments[0]


def _read_header(status: Status, record: str) -> None:
    name, _, value = record[2:].partition(" ")
    if name == "branch.oid" and value != "(initial)":
        status.head = value
    elif name == "branch.head" and value != "(detached)":
        status.branch = value
    elif name == "branch.upstream":
        status.upstream = value


def _note(names: list[str], name: str) -> None:
    if len(names) < _UNCOMMITTED_SHOWN:
        names.append(name)


def _escape_glob(path: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]\\" else character for character in path)
