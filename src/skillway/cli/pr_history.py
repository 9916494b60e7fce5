"""`skillway pr history`: collect merged pull requests into a local file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.pulls.values import PullRequest

DEFAULT_FILE = Path(".skillway/pulls.jsonl")
_BATCH = 200


@click.command("history")
@click.option(
    "--repository", type=click.Path(path_type=Path), default=Path(), help="A git checkout. [default: this one]"
)
@click.option("--branch", help="The branch that pull requests are merged into. [default: the remote's default branch]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The file. [default: {DEFAULT_FILE} in the checkout]",
)
@click.option("--dry-run", is_flag=True, help="Say what is there to collect, and write nothing.")
@json_option
@click.pass_obj
def command(out: Output, repository: Path, branch: str | None, output: Path | None, *, dry_run: bool) -> None:
    """Collect merged pull requests from a git checkout.

    A second run adds what is new. git keeps the description of a squash merge; of most merge commits it keeps the title
    alone, and the record says so.

    \b
    Example:
      skillway pr history
      skillway pr history --repository ../shop --branch main --output shop.jsonl
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.pulls.collection import appending
    from skillway.pulls.git_history import count_commits, find_source, read_git

    source = find_source(repository, branch)
    path = output or source.folder / DEFAULT_FILE
    total = count_commits(source)
    if dry_run:
        found = [pull for pull in read_git(source, b"dry run") if pull is not None]
        out.finish(_data(path, found, len(found), 0), f"Would write {_summary(found)} to {path}.")
        return
    with appending(path, f"git {source.branch}") as (held, appender):
        known = frozenset(pull.commit for pull in held.pulls)
        added: list[PullRequest] = []
        waiting: list[PullRequest] = []
        with out.progress(read_git(source, held.salt, known), label="Reading commits", length=total) as commits:
            for pull in commits:
                if pull is None:
                    continue
                waiting.append(pull)
                if len(waiting) == _BATCH:
                    appender.add(waiting)
                    added += waiting
                    waiting = []
        appender.add(waiting)
        added += waiting
    everything = [*held.pulls, *added]
    text = f"{path} holds {_summary(everything)}; {len(added)} are new."
    out.finish(_data(path, everything, len(added), len(held.pulls)), text)


def _data(path: Path, pulls: list[PullRequest], added: int, held: int) -> dict[str, Any]:
    return {
        "file": str(path),
        "pull_requests": len(pulls),
        "with_description": sum(pull.has_description for pull in pulls),
        "by_agents": sum(pull.is_agent for pull in pulls),
        "by_bots": sum(pull.is_bot for pull in pulls),
        "added": added,
        "held_before": held,
    }


def _summary(pulls: list[PullRequest]) -> str:
    described = sum(pull.has_description for pull in pulls)
    return f"{len(pulls)} pull requests ({described} with the place of a description kept in git)"
