"""Does the branch stand on another branch whose pull request is still open?

Then that branch is the base, so that reviewers see only what is new, and the description says so in a "Stack" line.
"""

from __future__ import annotations

from dataclasses import replace

import forge
from context import Context, read_context
from git import Git

COMMITS_SEARCHED = 2000
PARENTS_ASKED = 3  # nearest first; each is one question to the forge
_REMOTES = "refs/remotes/"


def onto_parent(git: Git, context: Context) -> tuple[Context, forge.PullRequest | None]:
    """Return the context against the parent branch, with the parent's open pull request; unchanged when there is none.

    A base that the user or git's settings name is left as it is.

    Raises:
        Failure: the forge could not be asked about a branch that might be the parent.
    """
    if context.base_reason != context.DEFAULT_BASE:
        return context, None
    for branch in candidates(git, context)[:PARENTS_ASKED]:
        pulls = [one for one in forge.find_existing(context, branch) if one.state == "open"]
        if pulls:
            stacked = read_context(git, branch)
            return replace(stacked, base_reason=f"stacked on {pulls[0].address}"), pulls[0]
    return context, None


def candidates(git: Git, context: Context) -> list[str]:
    """Return the base remote's branches that HEAD contains and the base does not, the nearest first."""
    reference = context.base_reference or ""
    if not reference.startswith(_REMOTES) or (context.commits_ahead or 0) <= 1:
        return []
    prefix = reference[: -len(context.base or "")]
    known = git.references(prefix)
    at = {commit: number for number, commit in enumerate(git.new_commits(reference, COMMITS_SEARCHED))}
    found = [
        (at[commit], name[len(prefix) :])
        for name, (commit, symbolic) in known.items()
        if commit in at and commit != context.head and not symbolic and name != reference
    ]
    return [name for _, name in sorted(found) if name != context.head_branch]
