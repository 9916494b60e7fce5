"""The order of checks that stands between an order and a pull request, and the creation itself.

Repository, consent, provenance of the reason, lint, forge: the cheap and the user's come first, the network last.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Sequence

import forge
import intent
import lint
from change import Change, read_change
from consent import need_confirmation, standing_rejection
from context import Context, obstacles, read_context
from envelope import FINDINGS, NEEDS_INPUT, NOT_FOUND, USAGE, Answer, Failure
from git import Git
from transcript import Turn, read_transcript, session_id

BODY_READ_LIMIT = 256 * 1024  # bytes


@dataclass(frozen=True)
class Order:
    """What `create` was asked to do; see its `--help`."""

    title: str
    body: str
    intent: intent.Intent
    base: str | None
    session: str | None
    wait: float
    is_draft: bool
    is_dry_run: bool
    leaves_uncommitted: bool


def run(git: Git, order: Order) -> Answer:
    """Check everything and create the pull request, or say what it would be with `is_dry_run`.

    Raises:
        Failure: at the first check that does not pass; nothing was created then.
    """
    context = read_context(git, order.base)
    for obstacle in obstacles(context):
        raise obstacle
    _refuse_uncommitted(context, order)
    turns, warnings = _proven(context, order)
    draft_ = draft(git, context, read_change(git, context), order.title, order.body, order.intent, turns)
    found = lint.lint(draft_)
    if any(finding.severity == lint.ERROR for finding in found):
        raise lint_failure(found, lint.as_json(found, draft_))
    warnings += [f"{finding.message} {finding.fix}" for finding in found]
    target = forge.require_target(context)
    forge.refuse_second(forge.find_existing(context), context)
    proposal = forge.Proposal(context, order.title.strip(), order.body, order.is_draft)
    data = _described(proposal, order)
    if order.is_dry_run:
        text = (
            f"Would create on {target.host}/{target.path}: {order.title!r}, {context.head_branch} into {context.base}."
        )
        return Answer({**data, "created": False}, text, [], warnings)
    made, more = forge.create(proposal)
    return Answer({**data, "created": True, **asdict(made)}, f"Created {made.address}", [], warnings + more)


def draft(
    git: Git,
    context: Context,
    change: Change,
    title: str,
    body: str,
    stated: intent.Intent | None,
    turns: Sequence[Turn] = (),
) -> lint.Draft:
    """Return title and body with what `lint` holds them against.

    Raises:
        Failure: the title has more than one line (exit 2).
    """
    if "\n" in title.strip() or "\r" in title.strip():
        raise Failure("usage", "The title has more than one line.", fix="Give one line with --title.", exit_code=USAGE)
    named = [evidence.ref for evidence in stated.evidence if evidence.kind == intent.ISSUE] if stated else []
    named += [issue for turn in turns for issue in intent.named_issues(turn.text)]
    return lint.Draft(
        title=title,
        body=body,
        change=change,
        templates=context.read_templates(),
        why=stated.why if stated else None,
        known_issues=frozenset(_short(ref) for ref in named),
        exists=lambda name: git.has_file(name) or git.has_word(name),
    )


def read_body(path: str) -> str:
    """Return the description in the file.

    Raises:
        Failure: the file cannot be read (exit 7), or is no UTF-8 text (exit 2).
    """
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(BODY_READ_LIMIT)
    except OSError as error:
        message = f"The description {path} cannot be read ({error.strerror})."
        raise Failure("no_body_file", message, fix="Write it first.", exit_code=NOT_FOUND) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"The description {path} is not UTF-8 text (byte {error.start})."
        raise Failure("bad_body_file", message, fix="Save it as UTF-8.", exit_code=USAGE) from error


def lint_failure(found: Sequence[lint.Finding], data: dict[str, Any]) -> Failure:
    """Return the ending "the words are not fit yet", with every error in its message."""
    errors = [finding for finding in found if finding.severity == lint.ERROR]
    return Failure(
        "findings",
        " ".join(finding.message for finding in errors),
        fix=" ".join(dict.fromkeys(finding.fix for finding in errors)),
        exit_code=FINDINGS,
        data=data,
    )


def _refuse_uncommitted(context: Context, order: Order) -> None:
    if not context.uncommitted or order.leaves_uncommitted:
        return
    shown = ", ".join(context.uncommitted[:5])
    raise Failure(
        "uncommitted_changes",
        f"{len(context.uncommitted)} tracked files have changes that would not be part of the pull request: {shown}.",
        fix="Ask the user whether they belong to it; commit and push them, or run again with --leave-uncommitted.",
        exit_code=NEEDS_INPUT,
        next_actions=["git status"],
        data={"uncommitted": context.uncommitted},
    )


def _proven(context: Context, order: Order) -> tuple[list[Turn], list[str]]:
    """Return the user's turns once they carry the reason; the transcript may lag, so look again for `wait` seconds."""
    session = session_id(order.session)
    deadline = time.monotonic() + order.wait
    while True:
        turns = read_transcript(session, wait=order.wait).turns
        rejection = standing_rejection(turns)
        problems = intent.unproven_quotes(order.intent, turns)
        if not (problems or rejection) or time.monotonic() >= deadline:
            break
        time.sleep(0.2)
    if rejection:
        raise need_confirmation(rejection)
    more, warnings = _unproven_issues(context, order.intent, turns)
    if problems or more:
        raise intent.need_intent([*problems, *more])
    return turns, warnings


def _unproven_issues(context: Context, stated: intent.Intent, turns: Sequence[Turn]) -> tuple[list[str], list[str]]:
    """Return problems and warnings about issues that are named as evidence."""
    typed = {_short(issue) for turn in turns for issue in intent.named_issues(turn.text)}
    problems, warnings = [], []
    for evidence in stated.evidence:
        if evidence.kind != intent.ISSUE:
            continue
        text = forge.read_issue(context, evidence.ref)
        if text is not None and evidence.quote:
            if intent.comparable(evidence.quote) not in intent.comparable(text):
                problems.append(f"Issue {evidence.ref} does not say {evidence.quote[:200]!r}.")
        elif _short(evidence.ref) not in typed:
            problems.append(f"The user did not name issue {evidence.ref}, and it could not be read to check a quote.")
        elif evidence.quote:
            warnings.append(f"Issue {evidence.ref} could not be read; that the user named it had to do.")
    return problems, warnings


def _short(ref: str) -> str:
    """`#12` for an issue of any writing that ends in a number; `ABC-12` stays as it is."""
    number = ref.rpartition("#")[2] if "#" in ref else ref.rpartition("/")[2] if "/" in ref else ""
    return f"#{number}" if number.isdigit() else ref


def _described(proposal: forge.Proposal, order: Order) -> dict[str, Any]:
    context = proposal.context
    return {
        "project": f"{proposal.target.host}/{proposal.target.path}",
        "base": context.base,
        "head": context.head_branch,
        "title": proposal.title,
        "body": proposal.body,
        "is_draft": proposal.is_draft,
        "why": order.intent.why,
        "evidence": [asdict(evidence) for evidence in order.intent.evidence],
    }
