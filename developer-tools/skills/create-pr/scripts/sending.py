"""Tell a forge: create a pull request once, or give an existing one a new title and description.

Whether that should be done is decided before this is called. After a failure the forge is asked again, because what was
asked for can have happened although its answer got lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import prose
from context import Context
from envelope import Failure
from forge import (
    PullRequest,
    already_exists,
    compare_address,
    failed_run,
    find_existing,
    read_description,
    require_target,
    run,
)
from process import Finished
from remote import GITLAB, Project

TIMEOUT = 120.0  # seconds
_EXISTS_WORDS = re.compile(r"already exists", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s'\"<>]+/(?:pull|merge_requests)/(\d+)")


@dataclass(frozen=True)
class Proposal:
    """What the forge is told: from which branch to which, with what words."""

    context: Context
    title: str
    body: str
    is_draft: bool

    @property
    def target(self) -> Project:
        """The project that receives it."""
        return require_target(self.context)


def create(proposal: Proposal) -> tuple[PullRequest, list[str]]:
    """Create the pull request once; return it, and warnings.

    Raises:
        Failure: nothing was created (exit 1, 4 or 9), one existed (exit 8), or it cannot be told (exit 10).
    """
    finished = run(proposal.context, create_arguments(proposal), TIMEOUT, proposal.body.encode())
    match = _ADDRESS.search(finished.text)
    if finished.returncode == 0 and match:
        return PullRequest(int(match.group(1)), match.group(0), proposal.title, "open", proposal.is_draft), []
    if _EXISTS_WORDS.search(finished.stderr):
        known = _ADDRESS.search(finished.stderr)
        address, number = (known.group(0), int(known.group(1))) if known else ("(address not given)", 0)
        raise already_exists(PullRequest(number, address, "", "open"))
    return _look_again(proposal, finished)


def create_arguments(proposal: Proposal) -> list[str]:
    """Return the arguments for the forge's program; the body of a GitHub pull request goes through stdin."""
    context, target = proposal.context, proposal.target
    source = context.source or target
    base, head = context.base or "", context.head_branch or ""
    if target.forge == GITLAB:
        arguments = ["mr", "create", "--yes", "--repo", target.web_address, "--source-branch", head]
        arguments += ["--target-branch", base, f"--title={proposal.title}", f"--description={proposal.body}"]
        arguments += ["--head", source.path] if source.path != target.path else []
    else:
        full_head = f"{source.owner}:{head}" if source.path != target.path else head
        arguments = ["pr", "create", "--repo", f"{target.host}/{target.path}", "--base", base, "--head", full_head]
        arguments += [f"--title={proposal.title}", "--body-file=-"]
    return [*arguments, "--draft"] if proposal.is_draft else arguments


def update(proposal: Proposal, number: int) -> list[str]:
    """Give the pull request of that number the proposal's title and description; return warnings. Never creates one.

    Raises:
        Failure: it was not changed (exit 1, 4 or 9), or it cannot be told (exit 10).
    """
    finished = run(proposal.context, update_arguments(proposal, number), TIMEOUT, proposal.body.encode())
    if finished.returncode == 0:
        return []
    failure = failed_run(proposal.context, finished)
    try:
        title, body = read_description(proposal.context, number)
    except Failure:
        raise failure from None
    if title == proposal.title and prose.same_text(body, proposal.body):
        return [f"{proposal.target.cli} reported a failure, but the text is there: {failure.message}"]
    raise failure


def update_arguments(proposal: Proposal, number: int) -> list[str]:
    """Return the arguments that change title and description, and nothing else."""
    target = proposal.target
    if target.forge == GITLAB:
        place = ["mr", "update", str(number), "--repo", target.web_address]
        return [*place, f"--title={proposal.title}", f"--description={proposal.body}"]
    place = ["pr", "edit", str(number), "--repo", f"{target.host}/{target.path}"]
    return [*place, f"--title={proposal.title}", "--body-file=-"]


def _look_again(proposal: Proposal, finished: Finished) -> tuple[PullRequest, list[str]]:
    failure = failed_run(proposal.context, finished)
    try:
        existing = [one for one in find_existing(proposal.context) if one.state == "open"]
    except Failure:
        existing = []
    if existing:
        return existing[0], [
            f"{proposal.target.cli} reported a failure, but the pull request is there: {failure.message}"
        ]
    if finished.returncode == 0:
        failure = Failure(
            "no_address",
            f"{proposal.target.cli} ended well but named no pull request: {finished.text[:120]!r}.",
            fix="Look in the browser whether it is there.",
            next_actions=[compare_address(proposal.context)],
        )
    raise failure
