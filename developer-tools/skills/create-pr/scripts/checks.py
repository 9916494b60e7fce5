"""What has to hold before a forge is told anything: repository, consent, provenance of the reason, and words.

The cheap and the user's come first, the network last. `creation` and `update` put the parts in their order.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Sequence

import branch_state
import forge
import intent
import leaks
import lint
from change import Change, read_change
from consent import need_confirmation, standing_rejection
from context import Context, obstacles, read_context
from envelope import FINDINGS, NEEDS_INPUT, NOT_FOUND, USAGE, Failure
from findings import ERROR, Finding
from git import Git
from settings import Settings, read_settings
from transcript import Turn, read_transcript, session_id

BODY_READ_LIMIT = 256 * 1024  # bytes
_PRIVATE = ("private", "internal")


@dataclass(frozen=True)
class Order:
    """What `create` or `update` was asked to do; see their `--help`. `title` is None where the present one is to stay."""

    title: str | None
    body: str
    intent: intent.Intent
    base: str | None
    session: str | None
    wait: float
    is_draft: bool
    is_dry_run: bool
    leaves_uncommitted: bool


@dataclass
class Ground:
    """What title and description stand on: the change, the user's turns, and what is known of the forge.

    Attributes:
        context: Where the work stands.
        settings: What organisation and repository want.
        turns: What the user typed; the reason is proven by them.
        session: Whose turns they are.
        warnings: What did not stop the command but should be known.
        parent: The open pull request that this one is stacked on.
    """

    context: Context
    settings: Settings
    turns: list[Turn]
    session: str
    warnings: list[str] = field(default_factory=list)
    parent: forge.PullRequest | None = None


def prepare(git: Git, order: Order) -> Ground:
    """Return the ground for a pull request, once repository, consent and reason are in order.

    Raises:
        Failure: at the first check that does not pass.
    """
    context = read_context(git, order.base)
    for obstacle in obstacles(context):
        raise obstacle
    settings = read_settings(context.top)
    _refuse_uncommitted(context, order)
    session = session_id(order.session)
    turns, warnings = _proven(context, order, session)
    return Ground(context, settings, turns, session, warnings)


def require_fit(git: Git, ground: Ground, title: str, order: Order) -> dict[str, Any]:
    """Return the measures of title and description; what is only a warning goes to the ground's.

    Raises:
        Failure: there are errors in them (exit 5), or the title has more than one line (exit 2).
    """
    change = read_change(git, ground.context)
    draft_ = draft(git, ground.context, change, title, order.body, order.intent, ground.turns, ground.parent)
    found = lint.lint(draft_) + _internal_names(ground, title, order.body)
    measures = lint.as_json(found, draft_)
    if any(finding.severity == ERROR for finding in found):
        raise lint_failure(found, measures)
    ground.warnings += [f"{finding.message} {finding.fix}" for finding in found]
    return measures


def look(git: Git, context: Context) -> list[forge.PullRequest]:
    """Return the pull requests of the branch that still count, and keep for the guard whether it is merged.

    Raises:
        Failure: the branch was merged and goes on (exit 6), or the forge cannot be asked.
    """
    found = forge.find_existing(context)
    merged = branch_state.find_merged(git, context, found)
    branch_state.remember(git, context, merged)
    if merged:
        raise forge.merged_branch(merged, context)
    return found


def draft(
    git: Git,
    context: Context,
    change: Change,
    title: str,
    body: str,
    stated: intent.Intent | None,
    turns: Sequence[Turn] = (),
    parent: forge.PullRequest | None = None,
) -> lint.Draft:
    """Return title and body with what `lint` holds them against.

    Raises:
        Failure: the title has more than one line (exit 2).
    """
    if "\n" in title.strip() or "\r" in title.strip():
        raise Failure("usage", "The title has more than one line.", fix="Give one line with --title.", exit_code=USAGE)
    named = [evidence.ref for evidence in stated.evidence if evidence.kind == intent.ISSUE] if stated else []
    named += [issue for turn in turns for issue in intent.named_issues(turn.text)]
    named += [f"#{parent.number}"] if parent else []
    return lint.Draft(
        title=title,
        body=body,
        change=change,
        templates=context.read_templates(),
        why=stated.why if stated else None,
        known_issues=frozenset(_short(ref) for ref in named),
        exists=lambda name: git.has_file(name) or git.has_word(name),
        parent=(parent.number, parent.address) if parent else None,
    )


def described(ground: Ground, title: str, order: Order) -> dict[str, Any]:
    """Return what is sent, and the reason that stands behind it, as a JSON value."""
    context, target = ground.context, forge.require_target(ground.context)
    return {
        "project": f"{target.host}/{target.path}",
        "base": context.base,
        "base_reason": context.base_reason,
        "stacked_on": asdict(ground.parent) if ground.parent else None,
        "head": context.head_branch,
        "title": title,
        "body": order.body,
        "why": order.intent.why,
        "evidence": [asdict(evidence) for evidence in order.intent.evidence],
    }


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


def lint_failure(found: Sequence[Finding], data: dict[str, Any]) -> Failure:
    """Return the ending "the words are not fit yet", with every error in its message."""
    errors = [finding for finding in found if finding.severity == ERROR]
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


def _proven(context: Context, order: Order, session: str) -> tuple[list[Turn], list[str]]:
    """Return the user's turns once they carry the reason; the transcript may lag, so look again for `wait` seconds."""
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


def _internal_names(ground: Ground, title: str, body: str) -> list[Finding]:
    """Return what of the organisation's names a public project would get; the forge is asked only where one occurs."""
    names, context = ground.settings.internal_names, ground.context
    pushed = {"The branch's name": context.head_branch or ""}
    pushed["A commit's subject"] = "\n".join(commit["subject"] for commit in context.commits)
    found = leaks.find_internal_names(f"{title}\n{body}", pushed, names)
    # A forge that does not say is taken for public: the other mistake cannot be taken back.
    return [] if not found or forge.visibility(context) in _PRIVATE else found
