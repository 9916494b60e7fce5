"""In which order a pull request is checked and created, so that none is created twice or for a merged branch."""

from __future__ import annotations

import time
from dataclasses import asdict

import checks
import event
import forge
import sending
import stack
from envelope import Answer
from git import Git


def run(git: Git, order: checks.Order) -> Answer:
    """Check everything and create the pull request, or say what it would be with `is_dry_run`.

    Raises:
        Failure: at the first check that does not pass; nothing was created then.
    """
    started = time.monotonic()
    title = (order.title or "").strip()
    ground = checks.prepare(git, order)
    ground.context, ground.parent = stack.onto_parent(git, ground.context)
    measures = checks.require_fit(git, ground, title, order)
    target = forge.require_target(ground.context)
    forge.refuse_second(checks.look(git, ground.context))
    proposal = sending.Proposal(ground.context, title, order.body, order.is_draft or ground.settings.is_draft)
    data = {**checks.described(ground, title, order), "is_draft": proposal.is_draft, "checked": measures}
    if order.is_dry_run:
        text = f"Would create on {target.host}/{target.path}: {title!r}, {data['head']} into {data['base']}."
        return Answer({**data, "created": False}, text, [], ground.warnings)
    made, more = sending.create(proposal)
    event.record_created(made, target, ground.session, time.monotonic() - started)
    answer = {**data, "created": True, **asdict(made)}
    return Answer(answer, f"Created {made.address}", [f"watch-ci {made.number}"], ground.warnings + more)
