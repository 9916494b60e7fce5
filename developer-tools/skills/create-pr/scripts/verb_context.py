"""`context`: where the work stands, what the forge knows of it, and what is in the way."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import branch_state
import forge
import stack
from context import obstacles, read_context
from envelope import Answer, Failure
from git import Git


def run(options: argparse.Namespace) -> Answer:
    """Return the context; a forge that cannot be asked is a warning."""
    git = Git(str(Path.cwd()))
    context = read_context(git, options.base)
    found = obstacles(context)
    warnings: list[str] = []
    pulls, merged, parent = None, None, None
    if context.target is not None and context.branch is not None:
        try:
            pulls = forge.find_existing(context)
            merged = branch_state.find_merged(git, context, pulls)
            branch_state.remember(git, context, merged)
            context, parent = (context, None) if merged else stack.onto_parent(git, context)
        except Failure as failure:
            warnings.append(failure.message)
    if merged:  # nothing else counts then: to push first is what must not happen
        found = [forge.merged_branch(merged, context)]
    data = {**context.as_json(), "obstacles": [failure.message for failure in found]}
    data["pull_requests"] = None if pulls is None else [asdict(one) for one in pulls]
    data.update(stacked_on=asdict(parent) if parent else None, merged=asdict(merged) if merged else None)
    if context.uncommitted:
        warnings.append(f"{len(context.uncommitted)} tracked files have changes that no commit holds.")
    lines = [
        f"branch {context.branch or '(detached HEAD)'}, base {context.base or '(not known)'} ({context.base_reason})",
        f"{context.commits_ahead or 0} commits ahead, {len(context.files)} files changed, "
        + ("pushed" if context.is_pushed else "not pushed"),
        *(f"template {name}" for name in context.templates),
        *(f"{one.state} pull request {one.address}" for one in pulls or []),
        *(f"in the way: {failure.message}" for failure in found),
    ]
    return Answer(data, "\n".join(lines), [action for failure in found for action in failure.next_actions], warnings)
