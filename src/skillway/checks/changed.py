"""Which findings are about what changed: files of a range of commits, and the plugins that they belong to.

The whole catalog is checked first, so that rules across plugins see everything; this only chooses what is shown. A
plugin counts as a whole, because a removed file breaks the links of another.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from skillway.catalog.load import BASE_FOLDER, DEVELOPER_TOOLS_FOLDER, HOOKS_FOLDER, MANIFEST, TEAMS_FOLDER
from skillway.checks.run import Report
from skillway.errors import RepositoryError

WORK_TREE = "HEAD"
"""The range that stands for what is not committed yet."""

_SECONDS = 60


def keep_changed(report: Report, commits: str) -> Report:
    """Keep the findings in changed files, in plugins with a changed file, and about the repository itself.

    Args:
        report: What was found.
        commits: A range as `main..HEAD` or `main...HEAD`, or one commit to compare the work tree with.

    Raises:
        RepositoryError: There is no git, no repository, or no such commit.
    """
    changed = changed_files(report.root, commits)
    parts = {part for name in changed for part in [_part(report.root, name)] if part}
    kept = [
        finding
        for finding in report.findings
        if finding.file in changed or finding.file == "." or _part(report.root, finding.file) in parts
    ]
    return replace(report, findings=tuple(kept))


def changed_files(root: Path, commits: str) -> set[str]:
    """Give the changed files below a folder, with `/`; without a range those that git does not know yet too."""
    if commits.startswith("-"):
        raise RepositoryError(f"{commits!r} is no range of commits.", fix="Write one as in main..HEAD.")
    lists = [_git(root, "diff", "--name-only", "-z", "--relative", "--no-renames", commits, "--")]
    if ".." not in commits:
        lists.append(_git(root, "ls-files", "-z", "--others", "--exclude-standard"))
    return {name for text in lists for name in text.split("\0") if name}


def _git(root: Path, *arguments: str) -> str:
    try:
        run = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RepositoryError(f"git cannot be run: {error}.", fix="Install git, or leave out --changed.") from error
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RepositoryError(
            f"git does not know what changed: {said[0] if said else run.returncode}.",
            fix="Name a range of commits of this repository, as in --changed main..HEAD; CI must fetch its history.",
        )
    return run.stdout.decode("utf-8", "surrogateescape")


def _part(root: Path, name: str) -> str | None:
    """Name the plugin's folder that a file belongs to, or `hooks`, or None."""
    parts = name.split("/")
    if parts[0] in (BASE_FOLDER, DEVELOPER_TOOLS_FOLDER, HOOKS_FOLDER):
        return parts[0]
    if parts[0] == TEAMS_FOLDER and len(parts) > 1:
        return "/".join(parts[:2])
    above = ("/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1))
    return next((folder for folder in above if (root / folder / MANIFEST).is_file()), None)
