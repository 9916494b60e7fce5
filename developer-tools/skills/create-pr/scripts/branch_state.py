"""Which branches of this user are done, because their pull request was merged?

Tells it from what the forge listed and what git knows, and keeps it for the guard in one small file of the user's state
folder. The guard reads that file before `git push`, `commit` and `rebase`; it never asks a forge itself. The file holds
merged branches only: what is not in it is not known.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Sequence

import laptop
from context import Context
from forge import PullRequest
from git import Git

FILE = "pull-requests.json"
SCHEMA = 1
MOST_BRANCHES = 50
# Branches that live on after their pull request is merged, as `develop` into `main` or `main` into `production`.
LASTING = frozenset(
    ["main", "master", "trunk", "develop", "development", "dev", "next", "staging", "production", "release"]
)


def find_merged(git: Git, context: Context, found: Sequence[PullRequest]) -> PullRequest | None:
    """Return the merged pull request that the branch's work went out with, or None when the branch is still open.

    A branch name may be used again. The merged one counts when HEAD goes on from its last commit; when that commit is not
    known here, or the forge did not name it, it counts too: pushing after a merge is what must not happen unseen.
    """
    if any(one.state == "open" for one in found) or not context.head or _is_lasting(context):
        return None
    return next((one for one in found if one.state == "merged" and _goes_on(git, context, one.head)), None)


def _is_lasting(context: Context) -> bool:
    name = context.head_branch or ""
    return context.is_default_branch or name in LASTING or name.partition("/")[0] in ("release", "releases")


def _goes_on(git: Git, context: Context, merged_head: str) -> bool:
    if not merged_head or merged_head == context.head or not git.has_commit(merged_head):
        return True
    if not git.is_ancestor(merged_head, "HEAD"):
        # The branch was rewound or begun anew; work that is merely older than the merged head is in it.
        return git.is_ancestor("HEAD", merged_head) and bool(context.commits_ahead)
    fork = git.merge_base(context.base_reference) if context.base_reference else ""
    return not fork or fork == merged_head or not git.is_ancestor(merged_head, fork)


def remember(git: Git, context: Context, merged: PullRequest | None) -> None:
    """Keep for the guard that the current branch is merged, or that it no longer is; never fails a command."""
    state = laptop.state_folder()
    if state is None or not context.branch or not context.head:
        return
    with contextlib.suppress(OSError):
        folder = git.common_folder()
        path = state / FILE
        known = _read(path)
        kept = [one for one in known if (one.get("git"), one.get("branch")) != (folder, context.branch)]
        if merged is not None:
            kept.insert(0, _entry(folder, context, merged))
        if kept != known:
            _write(path, kept[:MOST_BRANCHES])


def _entry(folder: str, context: Context, merged: PullRequest) -> dict[str, Any]:
    return {
        "git": folder,
        "branch": context.branch,
        "head": context.head,
        "state": merged.state,
        "address": merged.address,
        "base": (context.base_reference or "").replace("refs/remotes/", "", 1).replace("refs/heads/", "", 1),
        "checked": int(time.time()),
    }


def _read(path: Path) -> list[dict[str, Any]]:
    listed = laptop.read_object(path).get("branches")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _write(path: Path, branches: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp makes it 0600 and new, so that nobody's link or open file is written through.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            json.dump({"schema": SCHEMA, "branches": branches}, stream)
        os.replace(name, path)  # noqa: PTH105 - both are names
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - as above
        raise
