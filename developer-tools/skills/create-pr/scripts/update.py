"""In which order an existing pull request gets a new title and description. Never creates one.

The same checks as for a new one: what stands there afterwards is read by the same people.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import checks
import forge
import lint
import sending
import stack
from envelope import NOT_FOUND, Answer, Failure
from git import Git


def run(git: Git, order: checks.Order) -> Answer:
    """Check everything and change the branch's open pull request, or say what would change with `is_dry_run`.

    Raises:
        Failure: at the first check that does not pass, or there is no open one (exit 7); nothing was changed then.
    """
    ground = checks.prepare(git, order)
    existing = _require_open(checks.look(git, ground.context))
    ground.context, ground.parent = stack.onto_parent(git, ground.context)
    title_before, body_before = forge.read_description(ground.context, existing.number)
    title = title_before.strip() if order.title is None else order.title.strip()
    measures = checks.require_fit(git, ground, title, order)
    target = forge.require_target(ground.context)
    data = {
        **checks.described(ground, title, order),
        "title_decision": decide_title(title_before, title, is_kept=order.title is None),
        "body_before": body_before,
        "checked": measures,
        **asdict(existing),
    }
    data["title"] = title
    if order.is_dry_run:
        text = f"Would change {existing.address} on {target.host}/{target.path}: {title!r}."
        return Answer({**data, "updated": False}, text, [], ground.warnings)
    proposal = sending.Proposal(ground.context, title, order.body, existing.is_draft)
    more = sending.update(proposal, existing.number)
    return Answer({**data, "updated": True}, f"Changed {existing.address}", [], ground.warnings + more)


def decide_title(before: str, after: str, *, is_kept: bool) -> dict[str, Any]:
    """Return what was decided about the title, and whether the one before was fit, so that a rewrite can be judged."""
    faults = [finding.message for finding in lint.title_findings(before)]
    return {"decision": "keep" if is_kept or before == after else "rewrite", "before": before, "faults_before": faults}


def _require_open(found: list[forge.PullRequest]) -> forge.PullRequest:
    for one in found:
        if one.state == "open":
            return one
    raise Failure(
        "no_pull_request",
        "The branch has no open pull request, so there is nothing to change.",
        fix="Create one, if the user wants it.",
        exit_code=NOT_FOUND,
        next_actions=["create-pull-request create --help"],
    )
