"""Which pull requests does a git checkout hold?

Walks the first parents of the default branch. Squash merges carry the description in the commit; merge commits
mostly carry the title alone, and the record says so. Nothing is fetched and no forge is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from skillway.errors import NotFoundError, SkillwayError
from skillway.pulls.message import is_bot, read_message, says_agent
from skillway.pulls.values import ChangedFile, PullRequest

_FIELDS = "%H%x00%P%x00%an <%ae>%x00%cI%x00%B%x00"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class GitSource:
    """A checkout and the branch that pull requests are merged into."""

    folder: Path
    branch: str


def find_source(folder: Path, branch: str | None = None) -> GitSource:
    """Find the checkout around a folder and its default branch.

    Args:
        folder: Any folder of the checkout.
        branch: A branch, tag or commit; by default what the remote calls its default, else main, master, or HEAD.

    Raises:
        NotFoundError: The folder is in no git checkout, or the branch does not exist.
        SkillwayError: git is not installed.
    """
    # A bare repository has no top level, and serves as well.
    top = _git(folder, "rev-parse", "--show-toplevel") or _git(folder, "rev-parse", "--absolute-git-dir")
    if top is None:
        raise NotFoundError(f"{folder} is in no git checkout.", fix="Go into one, or name it with --repository.")
    head = _git(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    names = [branch] if branch else [name for name in (head, "main", "master", "HEAD") if name]
    for name in names:
        if _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return GitSource(Path(top), name)
    raise NotFoundError(f"{top} has no commit at {names[0]!r}.", fix="Name a branch that exists with --branch.")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise SkillwayError("git is not installed here.", fix="Install git, then run this again.") from None
    return answer.stdout.decode(errors="replace").strip() if answer.returncode == 0 else None


def count_commits(source: GitSource) -> int:
    """Give how many commits the walk will see, for a progress bar."""
    return int(_git(source.folder, "rev-list", "--first-parent", "--count", source.branch) or 0)


def read_git(source: GitSource, salt: bytes, known: frozenset[str] = frozenset()) -> Iterator[PullRequest | None]:
    """Read the checkout, the newest commit first.

    Args:
        source: From `find_source`.
        salt: Makes the authors' pseudonyms; the same salt gives the same ones.
        known: Commits that were read before.

    Yields:
        One item per commit: a pull request, or None for a commit that stands for none or is known.

    Raises:
        SkillwayError: git failed, for example on a broken object.
    """
    mark = secrets.token_hex(16)
    command = ["git", "-C", str(source.folder), "-c", "core.quotePath=false", "log", "--first-parent", "--numstat"]
    command += ["--diff-merges=first-parent", "--no-renames", "--encoding=UTF-8", f"--format=tformat:{mark}{_FIELDS}"]
    with subprocess.Popen([*command, source.branch], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for record in _records(process, mark.encode()):
            yield _pull_request(record, salt, known)
        error = process.stderr.read() if process.stderr else b""
    if process.returncode:
        reason = error.decode(errors="replace").strip().splitlines()
        raise SkillwayError(
            f"git could not read {source.folder}: {reason[-1] if reason else process.returncode}.",
            fix="Run git fsck there; a shallow clone needs git fetch --unshallow.",
        )


def _records(process: subprocess.Popen[bytes], mark: bytes) -> Iterator[bytes]:
    """Split git's answer at the mark, which no message can know."""
    rest = b""
    while chunk := process.stdout.read(_CHUNK) if process.stdout else b"":
        *whole, rest = (rest + chunk).split(mark)
        yield from (record for record in whole if record)
    if rest:
        yield rest


def _pull_request(record: bytes, salt: bytes, known: frozenset[str]) -> PullRequest | None:
    fields = record.decode(errors="replace").split("\0")
    if len(fields) < 6 or fields[0] in known:  # noqa: PLR2004 - five fields and the diff stat
        return None
    commit, parents, author, merged_at, message, stat = *fields[:4], "\0".join(fields[4:-1]), fields[-1]
    found = read_message(message, is_merge=" " in parents)
    if found is None:
        return None
    return PullRequest(
        id=found.number or commit[:12],
        title=found.title,
        body=found.body,
        author=hmac.new(salt, author.lower().encode(), hashlib.sha256).hexdigest()[:12],
        is_agent=says_agent(message, author),
        is_bot=is_bot(author),
        merged_at=datetime.fromisoformat(merged_at),
        files=tuple(_files(stat)),
        text_as_of="merge",
        has_description=found.has_description,
        commit=commit,
    )


def _files(stat: str) -> Iterator[ChangedFile]:
    for line in stat.splitlines():
        added, _, rest = line.partition("\t")
        deleted, tab, path = rest.partition("\t")
        if tab:
            yield ChangedFile(path, int(added) if added.isdigit() else 0, int(deleted) if deleted.isdigit() else 0)
