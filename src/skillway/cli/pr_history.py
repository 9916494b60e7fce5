"""`skillway pr history`: collect merged pull requests into a local file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.pulls.collection import Appender
    from skillway.pulls.values import PullRequest

DEFAULT_FILE = Path(".skillway/pulls.jsonl")
DEFAULT_API = "https://api.github.com"
_BATCH = 200


@click.command("history")
@click.option(
    "--repository", type=click.Path(path_type=Path), default=Path(), help="A git checkout. [default: this one]"
)
@click.option("--branch", help="The branch that pull requests are merged into. [default: the remote's default branch]")
@click.option("--github", metavar="OWNER/NAME", help="Ask GitHub's API for this repository instead of git.")
@click.option("--api-url", default=DEFAULT_API, show_default=True, help="Of an own server: https://HOST/api/v3.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="With --github: leave earlier merges out.")
@click.option("--no-files", is_flag=True, help="With --github: no diff stats, which cost a request each.")
@click.option(
    "--most-wait",
    type=click.IntRange(0, 86400),
    default=3600,
    show_default=True,
    help="With --github: the seconds to wait for one rate limit.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The file. [default: {DEFAULT_FILE} in the checkout; of GitHub .skillway/pulls-OWNER-NAME.jsonl]",
)
@click.option("--dry-run", is_flag=True, help="Say what is there to collect, and write nothing.")
@json_option
@click.pass_obj
def command(
    out: Output,
    repository: Path,
    branch: str | None,
    github: str | None,
    api_url: str,
    since: datetime | None,
    most_wait: int,
    output: Path | None,
    *,
    no_files: bool,
    dry_run: bool,
) -> None:
    """Collect merged pull requests from a git checkout, or from GitHub.

    A second run adds what is new, and goes on where a first one was ended. git keeps the description of a squash merge; of most
    merge commits it keeps the title alone, and the record says so. GitHub gives descriptions as they are today. Its token comes
    from GH_TOKEN, GITHUB_TOKEN (of an own server GH_ENTERPRISE_TOKEN) or `gh auth token`.

    \b
    Example:
      skillway pr history
      skillway pr history --repository ../shop --branch main --output shop.jsonl
      skillway pr history --github acme/shop --since 2026-01-01
    """  # noqa: D301 - click's mark for "do not re-wrap"
    if github is None:
        if since or no_files or api_url != DEFAULT_API:
            raise click.UsageError("--since, --no-files and --api-url belong to --github OWNER/NAME.")
        _from_git(out, repository, branch, output, dry_run=dry_run)
    else:
        day = None if since is None else since.date()
        _from_github(out, github, api_url, day, most_wait, output, has_files=not no_files, dry_run=dry_run)


def _from_git(out: Output, repository: Path, branch: str | None, output: Path | None, *, dry_run: bool) -> None:
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
        with out.progress(read_git(source, held.salt, known), label="Reading commits", length=total) as commits:
            added = _add(appender, commits, _BATCH)
    _finish(out, path, held.pulls, added)


def _from_github(
    out: Output,
    repository: str,
    api_url: str,
    since: date | None,
    most_wait: int,
    output: Path | None,
    *,
    has_files: bool,
    dry_run: bool,
) -> None:
    from skillway.pulls.collection import appending
    from skillway.pulls.github import GitHubSource, count_pulls, read_github
    from skillway.pulls.github_api import GitHub, Pace
    from skillway.pulls.github_token import find_token, forge_host

    path = output or DEFAULT_FILE.with_name(f"pulls-{repository.replace('/', '-')}.jsonl")
    cache = None if dry_run else path.with_name(f"{path.name}.cache")
    token = find_token(api_url, os.environ)
    if token is None:
        out.warn(
            "No token was found, so GitHub answers 60 requests an hour: set GH_TOKEN, or log in with gh auth login."
        )
    github = GitHub(api_url, token, cache, Pace(most_wait=most_wait, tell=out.say))
    source = GitHubSource(github, repository, has_files=has_files, since=since)
    try:
        total = count_pulls(source)
        if dry_run:
            there = "an unknown number of" if total is None else f"about {total}"
            text = f"{repository} has {there} closed pull requests; would write those that were merged to {path}."
            out.finish({"file": str(path), "closed": total}, text)
            return
        with appending(path, f"github {forge_host(api_url)}/{repository}") as (held, appender):
            reading = read_github(source, held, cache)
            with out.progress(reading, label="Reading pull requests", length=total) as pulls:
                added = _add(appender, pulls, 1)  # each one cost a request
    finally:
        github.close()
    _finish(out, path, held.pulls, added, {"requests": github.requests, "unchanged_pages": github.unchanged})


def _add(appender: Appender, pulls: Iterable[PullRequest | None], batch: int) -> list[PullRequest]:
    """Write pull requests as they come, and give them."""
    added: list[PullRequest] = []
    waiting: list[PullRequest] = []
    for pull in pulls:
        if pull is None:
            continue
        waiting.append(pull)
        if len(waiting) == batch:
            appender.add(waiting)
            added += waiting
            waiting = []
    appender.add(waiting)
    return added + waiting


def _finish(
    out: Output,
    path: Path,
    held: tuple[PullRequest, ...],
    added: list[PullRequest],
    more: dict[str, Any] | None = None,
) -> None:
    everything = [*held, *added]
    text = f"{path} holds {_summary(everything)}; {len(added)} are new."
    out.finish(
        _data(path, everything, len(added), len(held)) | (more or {}),
        text,
        next_actions=[f"skillway pr trend --input {path}"],
    )


def _data(path: Path, pulls: list[PullRequest], added: int, held: int) -> dict[str, Any]:
    return {
        "file": str(path),
        "pull_requests": len(pulls),
        "with_description": sum(pull.has_description for pull in pulls),
        "without_diff_stat": sum(pull.files is None for pull in pulls),
        "by_agents": sum(pull.is_agent for pull in pulls),
        "by_bots": sum(pull.is_bot for pull in pulls),
        "added": added,
        "held_before": held,
    }


def _summary(pulls: list[PullRequest]) -> str:
    described = sum(pull.has_description for pull in pulls)
    return f"{len(pulls)} pull requests ({described} with the place of a description)"
