"""What a change touches: its files, its size and the names in it, from a diff that may be cut.

Says nothing about whether a description is good; `lint` compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from context import Context
from git import Git

DIFF_LIMIT = 4 * 1024 * 1024  # bytes read of a diff; one of 200 MB is judged by its beginning and its file list
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")


@dataclass(frozen=True)
class Change:
    """The difference between a branch and its base.

    Attributes:
        paths: Changed files.
        names: Identifiers that occur in the diff, in changed lines or beside them.
        lines: Added and removed lines that were read.
        stat: Path, lines added and lines deleted by file; empty when git took too long to count.
        is_cut: Whether the diff or the list of files is longer than what was read; then a missing name proves nothing.
    """

    paths: tuple[str, ...] = ()
    names: frozenset[str] = field(default_factory=frozenset)
    lines: int = 0
    stat: tuple[tuple[str, int, int], ...] = ()
    is_cut: bool = False

    def has_path(self, path: str) -> bool:
        """Whether a changed file has that path, that name, or lies below that folder."""
        wanted = path.strip("/")
        return any(
            known == wanted or known.endswith("/" + wanted) or known.startswith(wanted + "/") for known in self.paths
        )


def read_change(git: Git, context: Context) -> Change:
    """Return the change that a pull request from `context` would carry; empty when its base is not known."""
    if context.base_reference is None:
        return Change()
    diff, is_cut = git.diff(context.base_reference, DIFF_LIMIT)
    paths = tuple(entry["path"] for entry in context.files)
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    names = set(_NAME.findall(diff))
    for path in paths:
        names.update(_NAME.findall(path))
        names.add(PurePosixPath(path).name)
    stat = tuple(git.numstat(context.base_reference))
    return Change(paths, frozenset(names), len(changed), stat, is_cut or context.files_are_cut)
