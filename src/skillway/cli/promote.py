"""`skillway promote`: may a skill reach more people, what is missing, and what did a person decide?"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.check import void
from skillway.cli.output import Output, json_option, print_envelope
from skillway.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNDECIDED, RefusedError

if TYPE_CHECKING:
    from skillway_evals.promotion.engine import Assessment
    from skillway_evals.promotion.skills import Repository


@click.command("promote")
@click.argument("skill", required=False)
@click.option(
    "--request", "requests", is_flag=True, help="Prepare the branch and the pull request's text; push nothing."
)
@click.option("--decide", type=click.Choice(["accept", "decline"]), help="Record what a person decided.")
@click.option("--by", metavar="NAME", help="With --decide: who decided.")
@click.option("--reason", metavar="TEXT", help="With --decide: why.")
@click.option("--check", "checks", is_flag=True, help="For CI: whether every skill beyond its team has valid evidence.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The collector's file; $SKILLWAY_USAGE_STORE. By default yours, when there is one.",
)
@click.option("--keys", type=click.Path(path_type=Path), help="Folder of trusted public keys; evals/keys by default.")
@click.option(
    "--dry-run", is_flag=True, help="With --request or --decide: say what would be written, and write nothing."
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    skill: str | None,
    decide: str | None,
    by: str | None,
    reason: str | None,
    store: Path | None,
    keys: Path | None,
    *,
    requests: bool,
    checks: bool,
    dry_run: bool,
) -> None:
    """Say whether SKILL may go one stage further (team, developer-tools, base), with every reason.

    SKILL is plugin:skill, or the skill's name. Gates and thresholds stand in promotion.yaml. Nothing is moved: --request
    prepares a branch and the text of a pull request, and a person decides. Exit code 0 when it is eligible, 3 when that
    cannot be decided yet, 5 when it is not.

    \b
    Example:
      skillway promote support:escalation-summary
      skillway promote support:escalation-summary --decide accept --by "Ada Byron" --reason "Three teams asked for it"
      skillway promote support:escalation-summary --request
      skillway promote --check
    """  # noqa: D301 - click's mark for "do not re-wrap"
    _need_sense(skill, decide, by, reason, requests=requests, checks=checks, dry_run=dry_run)
    from skillway.organisation import find_repository
    from skillway_evals.promotion.skills import open_repository

    repository = open_repository(find_repository(Path.cwd()), store=store, keys=keys)
    for problem in repository.evidence.evidence.store.problems:
        ctx.obj.warn(problem)
    if checks:
        ctx.exit(_check(ctx.obj, repository))
    assert skill is not None
    if decide:
        _decide(ctx.obj, repository, skill, decide, by or "", reason or "", dry_run=dry_run)
    elif requests:
        _request(ctx.obj, repository, skill, dry_run=dry_run)
    else:
        ctx.exit(_show(ctx.obj, repository, skill))


def _need_sense(
    skill: str | None,
    decide: str | None,
    by: str | None,
    reason: str | None,
    *,
    requests: bool,
    checks: bool,
    dry_run: bool,
) -> None:
    if checks and (skill or decide or requests):
        raise click.UsageError("--check looks at all skills; leave SKILL, --decide and --request out.")
    if not checks and not skill:
        raise click.UsageError("Name a SKILL, or give --check for all.")
    if decide and requests:
        raise click.UsageError("--decide and --request are two steps; give one of them.")
    if decide and not ((by or "").strip() and (reason or "").strip()):
        raise click.UsageError("--decide needs --by NAME and --reason TEXT.")
    if not decide and (by or reason):
        raise click.UsageError("--by and --reason belong to --decide.")
    if dry_run and not (decide or requests):
        raise click.UsageError("--dry-run belongs to --request or --decide; without them nothing is written.")


def _show(out: Output, repository: Repository, name: str) -> int:
    subject = repository.subject(name)
    stage = repository.next_stage(subject)
    found = repository.look(subject, stage)
    _keep_summary(out, repository)
    decided = repository.decision(subject, stage)
    actions = list(found.next_actions)
    if found.verdict == "eligible":
        request = f"skillway promote {subject.name} --request"
        actions = (
            [request]
            if decided
            else [f"skillway promote {subject.name} --decide accept --by NAME --reason TEXT", request]
        )
    text = f"{subject.name}: {found.verdict} for {stage.name}\n{_lines(found)}\n  {found.progress}"
    if decided:
        text += f"\n  {decided.by} decided on {decided.at[:10]}: {decided.decision} ({decided.reason})"
    data = {**_data(found), "decision": _plain(decided)}
    code = _code(found)
    if out.wants_json:
        error = None if code == EXIT_OK else _error(found)
        print_envelope(ok=code == EXIT_OK, data=data, warnings=out.warnings, error=error, next_actions=actions)
    else:
        out.finish(data, text, next_actions=actions)
    return code


def _check(out: Output, repository: Repository) -> int:
    count = len(repository.staying())
    with out.progress(range(count), label="Checking evidence", length=count) as steps:
        bar = iter(steps)
        found = repository.check(lambda: void(next(bar, None)))
    _keep_summary(out, repository)
    codes = [_code(one) for one in found]
    code = EXIT_FINDINGS if EXIT_FINDINGS in codes else EXIT_UNDECIDED if EXIT_UNDECIDED in codes else EXIT_OK
    lines = []
    for one in found:
        lines.append(f"{one.stage}: {one.subject}: {one.outcome.value}")
        lines += [
            f"    {reason.outcome.value}: {reason.text}" for reason in one.conditions if reason.outcome.value != "pass"
        ]
    held = codes.count(EXIT_OK)
    lines.append(
        f"{held} of {len(found)} skills beyond their team have valid evidence"
        if found
        else "There is no skill beyond its team."
    )
    actions = list(dict.fromkeys(action for one in found for action in one.next_actions))
    data = {"skills": [_data(one) for one in found]}
    if out.wants_json:
        worst = next((one for one in found if _code(one) == code), None)
        error = None if code == EXIT_OK or worst is None else _error(worst)
        print_envelope(ok=code == EXIT_OK, data=data, warnings=out.warnings, error=error, next_actions=actions)
    else:
        out.finish(data, "\n".join(lines), next_actions=actions)
    return code


def _decide(
    out: Output, repository: Repository, name: str, decision: str, by: str, reason: str, *, dry_run: bool
) -> None:
    from skillway_evals.agent.arms import skill_digest
    from skillway_evals.promotion.records import ACCEPT, Decided, append_decision
    from skillway_evals.promotion.telling import tell_decision

    subject = repository.subject(name)
    stage = repository.next_stage(subject)
    now = datetime.now(timezone.utc)
    found = repository.look(subject, stage, signer=f"{by} on {now:%Y-%m-%d}" if decision == ACCEPT else "")
    if decision == ACCEPT and found.verdict != "eligible":
        raise _refused(found, "accepted")
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    decided = Decided(subject.name, stage.name, decision, by, reason, at, found.verdict, skill_digest(subject))
    from skillway_evals.promotion.records import FILE

    if not dry_run:
        append_decision(repository.root, decided)
        tell_decision(decided, subject.plugin.layer, found)
    done = "Would record" if dry_run else "Recorded"
    text = f"{done} in {FILE}: {by} decided on {at[:10]}: {decision} {subject.name} for {stage.name} (the gate said: {found.verdict})"
    actions = [f"skillway promote {subject.name} --request"] if decision == ACCEPT else []
    out.finish({**(_plain(decided) or {}), "file": FILE, "written": not dry_run}, text, next_actions=actions)


def _request(out: Output, repository: Repository, name: str, *, dry_run: bool) -> None:
    from skillway_evals.promotion.request import plan_request, prepare_request

    subject = repository.subject(name)
    stage = repository.next_stage(subject)
    found = repository.look(subject, stage)
    if found.verdict != "eligible":
        raise _refused(found, "requested")
    decided = repository.decision(subject, stage)
    if decided is not None and decided.decision == "decline":
        raise RefusedError(
            f"{decided.by} declined {subject.name} for {stage.name} on {decided.at[:10]}: {decided.reason}",
            fix="Change what was missing, or record another decision with --decide accept.",
        )
    plan = plan_request(repository, subject, stage, found, decided)
    if not dry_run:
        prepare_request(repository.root, plan)
    done = "Would prepare" if dry_run else "Prepared"
    lines = [f"{done} the branch {plan.branch} (nothing is pushed):", *(f"  {old} -> {new}" for old, new in plan.moves)]
    lines.append(f"  {'would write' if dry_run else 'wrote'} the pull request's text: {plan.text_file}")
    actions = [f"git push -u origin {plan.branch}", f"git switch {plan.branch}"]
    data = {
        "skill": subject.name,
        "becomes": plan.name,
        "branch": plan.branch,
        "moves": [list(move) for move in plan.moves],
        "title": plan.title,
        "text_file": str(plan.text_file),
        "written": not dry_run,
    }
    out.finish(data, "\n".join(lines), next_actions=[] if dry_run else actions)


def _keep_summary(out: Output, repository: Repository) -> None:
    """Write down what the catalogue shows of the evidence; the answer itself does not depend on it."""
    from skillway_evals.promotion.summary import FILE, update_summary

    try:
        update_summary(repository.root, repository.evidence.shown)
    except OSError as error:
        out.warn(f"{FILE} cannot be written ({error.strerror}), so that the catalogue shows older verdicts.")


def _refused(found: Assessment, what: str) -> RefusedError:
    reasons = [one.text for one in found.conditions if one.outcome.value != "pass"]
    more = f" ({len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return RefusedError(
        f"{found.subject} cannot be {what}: the gate says {found.verdict}. {reasons[0]}{more}",
        fix=f"See all reasons with: skillway promote {found.subject}",
        next_actions=(f"skillway promote {found.subject}",),
    )


def _code(found: Assessment) -> int:
    return {"eligible": EXIT_OK, "not eligible": EXIT_FINDINGS}.get(found.verdict, EXIT_UNDECIDED)


def _error(found: Assessment) -> dict[str, str]:
    code = found.outcome.value.replace(" ", "_")
    message = f"{found.subject}: {found.verdict} for {found.stage}; {found.progress}."
    return {"code": code, "message": message, "fix": "Every reason is in data; next_actions bring it further."}


def _data(found: Assessment) -> dict[str, Any]:
    return {
        "skill": found.subject,
        "stage": found.stage,
        "verdict": found.verdict,
        "outcome": found.outcome.value,
        "progress": found.progress,
        "conditions": [
            {"gate": one.gate, "name": one.name, "outcome": one.outcome.value, "text": one.text}
            for one in found.conditions
        ],
    }


def _plain(decided: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a record, imported late
    from dataclasses import asdict

    return asdict(decided) if decided is not None else None


def _lines(found: Assessment) -> str:
    width = max(len(one.outcome.value) for one in found.conditions)
    return "\n".join(f"  {one.outcome.value:<{width}}  {one.gate}: {one.text}" for one in found.conditions)
