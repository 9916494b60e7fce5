"""Ask a forge, by running its own program (`gh`, `glab`) as a child process.

The program brings the user's own login; nothing here sees a token. Telling a forge something is `sending`'s part.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from context import Context
from envelope import AUTH, CONFLICT, FAILED, REFUSED, RETRY_LATER, TIMED_OUT, Failure
from process import Finished, MissingProgramError, run_bounded
from remote import GITHUB, GITLAB, Project

LOOK_TIMEOUT = 30.0  # seconds
_QUIET = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "NO_PROMPT": "1",
    "GLAB_CHECK_UPDATE": "false",
    "NO_COLOR": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_GH_NEEDS_LOGIN = 4  # gh's own exit code for it
_LOGIN_WORDS = re.compile(
    r"auth login|not logged in|no token|unauthenticated|authentication|\b401\b|bad credentials|GH_TOKEN|GITLAB_TOKEN",
    re.IGNORECASE,
)
_PASSING_WORDS = re.compile(
    r"\b(?:429|500|502|503|504)\b|rate limit|timed? ?out|could not resolve|connection|temporar|\bEOF\b", re.IGNORECASE
)


@dataclass(frozen=True)
class PullRequest:
    """A pull request (GitHub) or merge request (GitLab) as the forge shows it."""

    number: int
    address: str
    title: str
    state: str  # open, merged or closed
    is_draft: bool = False
    head: str = ""  # the newest commit of its branch, when the forge names it


def require_target(context: Context) -> Project:
    """Return the project that a pull request goes to.

    Raises:
        Failure: the remote's address is no forge that we know (exit 6).
    """
    if context.target is not None and context.target.forge:
        return context.target
    host = context.target.host if context.target else "the remote's address"
    raise Failure(
        "unknown_forge",
        f"Nothing says which forge {host} is.",
        fix="Tell git once which it is, github or gitlab.",
        exit_code=REFUSED,
        next_actions=["git config skillway.forge github"],
    )


def find_program(project: Project) -> str | None:
    """Return the path of the forge's program, or None when it is not installed."""
    return shutil.which(project.cli) if project.cli else None


def compare_address(context: Context) -> str:
    """Return the browser page on which a person can open the pull request by hand."""
    target, source = require_target(context), context.source or require_target(context)
    base, head = context.base or "", context.head_branch or ""
    if target.forge == GITLAB:
        query = {"merge_request[source_branch]": head, "merge_request[target_branch]": base}
        return f"{source.web_address}/-/merge_requests/new?{urlencode(query)}"
    prefix = f"{quote(source.owner)}:" if source.path != target.path else ""
    return f"{target.web_address}/compare/{quote(base)}...{prefix}{quote(head)}?expand=1"


def find_existing(context: Context, branch: str | None = None) -> list[PullRequest]:
    """Return the pull requests of the current branch in any state, the newest first; or those of a branch of the target.

    Raises:
        Failure: the program is missing or not logged in (exit 4), or the forge did not answer (exit 9 or 1).
    """
    target = require_target(context)
    source = target if branch else context.source or target
    finished = run(context, _look_arguments(context, branch or context.head_branch or ""), LOOK_TIMEOUT)
    if finished.returncode:
        raise _failed_look(context, finished)
    rows = _parsed(target, finished, list)
    try:
        row_of = _github_row if target.forge == GITHUB else _gitlab_row
        found = [row_of(row) for row in rows if _is_ours(row, source)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(target, finished) from error
    return sorted(found, key=lambda one: -one.number)


def refuse_second(found: list[PullRequest]) -> None:
    """Raise when the branch has an open pull request already.

    Raises:
        Failure: one is open (exit 8).
    """
    for one in found:
        if one.state == "open":
            raise already_exists(one)


def merged_branch(merged: PullRequest, context: Context) -> Failure:
    """Return the ending "this branch is done"."""
    return Failure(
        "merged_branch",
        f"{context.head_branch} was merged with {merged.address}; what is added to it now would surprise.",
        fix="Put new work on a new branch from the base.",
        exit_code=REFUSED,
        next_actions=[f"git switch -c NAME {shlex.quote(_short(context.base_reference))}"],
        data={"merged": asdict(merged)},
    )


def already_exists(existing: PullRequest) -> Failure:
    """Return the ending "there is one already"."""
    return Failure(
        "already_exists",
        f"The branch has an open pull request already: {existing.address}",
        fix="Change that one; `create-pull-request update` checks and sends a new title and description.",
        exit_code=CONFLICT,
        next_actions=["create-pull-request update --help"],
        data={"existing": asdict(existing)},
    )


def visibility(context: Context) -> str:
    """Return `public`, `internal` or `private`, or an empty string when the forge's program does not say."""
    target = require_target(context)
    if target.forge == GITHUB:
        arguments = ["repo", "view", f"{target.host}/{target.path}", "--json", "visibility"]
    else:
        arguments = ["repo", "view", target.web_address, "--output", "json"]
    try:
        finished = run(context, arguments, LOOK_TIMEOUT)
        told = _parsed(target, finished, dict).get("visibility") if finished.returncode == 0 else ""
    except Failure:
        return ""
    return told.lower() if isinstance(told, str) else ""


def read_description(context: Context, number: int) -> tuple[str, str]:
    """Return title and description of a pull request as they are now.

    Raises:
        Failure: it could not be read (exit 1, 4, 9 or 10).
    """
    target = require_target(context)
    if target.forge == GITHUB:
        place = ["--repo", f"{target.host}/{target.path}", "--json", "title,body"]
        arguments = ["pr", "view", str(number), *place]
    else:
        arguments = ["mr", "view", str(number), "--repo", target.web_address, "--output", "json"]
    finished = run(context, arguments, LOOK_TIMEOUT)
    if finished.returncode:
        raise failed_run(context, finished)
    shown = _parsed(target, finished, dict)
    return str(shown.get("title") or ""), str(shown.get("body") or shown.get("description") or "")


def read_issue(context: Context, ref: str) -> str | None:
    """Return title and text of an issue, or None when the forge's program cannot show it."""
    target = context.target
    if target is None or not find_program(target):
        return None
    number = re.search(r"(\d+)$", ref)
    own = ref.startswith(("#", f"{target.path}#", f"{target.web_address}/"))
    if number is None or not own:
        return None
    if target.forge == GITHUB:
        arguments = ["issue", "view", number.group(1), "--repo", f"{target.host}/{target.path}", "--json", "title,body"]
    else:
        arguments = ["issue", "view", number.group(1), "--repo", target.web_address, "--output", "json"]
    finished = run(context, arguments, LOOK_TIMEOUT)
    try:
        shown = json.loads(finished.text) if finished.returncode == 0 else None
    except ValueError:
        return None
    if not isinstance(shown, dict):
        return None
    return f"{shown.get('title') or ''}\n{shown.get('body') or shown.get('description') or ''}"


def _look_arguments(context: Context, head: str) -> list[str]:
    target = require_target(context)
    if target.forge == GITLAB:
        return ["mr", "list", "--repo", target.web_address, "--source-branch", head, "--all", "--output", "json"]
    fields = "number,url,title,state,isDraft,headRepositoryOwner,headRefOid"
    repository = f"{target.host}/{target.path}"
    return ["pr", "list", "--repo", repository, "--head", head, "--state", "all", "--limit", "30", "--json", fields]


def _is_ours(row: dict[str, Any], source: Project) -> bool:
    """Whether a listed pull request comes from the project we push to; forks use the same branch names."""
    owner = row.get("headRepositoryOwner")
    if not isinstance(owner, dict):
        return True
    return bool(str(owner.get("login", "")).casefold() == source.owner.casefold())


def _github_row(row: dict[str, Any]) -> PullRequest:
    state, head = str(row.get("state", "open")).lower(), str(row.get("headRefOid") or "")
    title, is_draft = str(row.get("title", "")), bool(row.get("isDraft"))
    return PullRequest(int(row["number"]), str(row["url"]), title, state, is_draft, head)


def _gitlab_row(row: dict[str, Any]) -> PullRequest:
    state = {"opened": "open", "locked": "open"}.get(str(row.get("state", "opened")), str(row.get("state")))
    title, is_draft = str(row.get("title", "")), bool(row.get("draft"))
    return PullRequest(int(row["iid"]), str(row["web_url"]), title, state, is_draft, str(row.get("sha") or ""))


def _parsed(target: Project, finished: Finished, shape: type) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON that the program printed; of nothing, an empty value of the shape."""
    try:
        value = json.loads(finished.text) if finished.text.strip() else shape()
    except (ValueError, RecursionError) as error:
        raise _unreadable(target, finished) from error
    if not isinstance(value, shape):
        raise _unreadable(target, finished)
    return value


def _unreadable(target: Project, finished: Finished) -> Failure:
    return Failure(
        "unreadable_answer",
        f"{target.cli} did not answer with what was asked for: {finished.text[:120]!r}.",
        fix=f"Check `{target.cli} --version`; a current one answers with JSON.",
        exit_code=FAILED,
    )


def _short(reference: str | None) -> str:
    return (reference or "").replace("refs/remotes/", "", 1).replace("refs/heads/", "", 1)


def run(context: Context, arguments: list[str], timeout: float, stdin: bytes | None = None) -> Finished:
    """Run the forge's program and return how it ended, whatever the exit code.

    Raises:
        Failure: it is not installed (exit 4).
    """
    target = require_target(context)
    program = find_program(target)
    if program is None:
        raise _missing_program(context, target)
    try:
        return run_bounded(
            [program, *arguments], cwd=context.top, timeout=timeout, stdin=stdin, extra_environment=_QUIET
        )
    except MissingProgramError as error:
        raise _missing_program(context, target) from error


def _missing_program(context: Context, target: Project) -> Failure:
    return Failure(
        "forge_cli_missing",
        f"{target.cli}, the program for {target.host}, is not installed or cannot be started.",
        fix="Open the pull request in the browser with the title and description that were checked.",
        exit_code=AUTH,
        next_actions=[compare_address(context)],
        data={"compare_url": compare_address(context)},
    )


def _failed_look(context: Context, finished: Finished) -> Failure:
    failure = failed_run(context, finished)
    if failure.exit_code == AUTH:
        return failure
    failure.message = f"It cannot be told whether a pull request exists already, so none is created. {failure.message}"
    return failure


def failed_run(context: Context, finished: Finished) -> Failure:
    """Return the ending for a program that did not do what it was asked for, by what it said."""
    target = require_target(context)
    said = " ".join(finished.stderr.split())[:300] or f"exit code {finished.returncode}"
    if finished.timed_out:
        fix = "Look in the browser whether it is there, then run this again; it looks first and never creates a second one."
        return Failure("forge_timeout", f"{target.cli} did not come to an end.", fix=fix, exit_code=TIMED_OUT)
    if finished.returncode == _GH_NEEDS_LOGIN or _LOGIN_WORDS.search(finished.stderr):
        return Failure(
            "forge_not_logged_in",
            f"{target.cli} is not logged in to {target.host} ({said}).",
            fix="The user logs in with their own account, or opens the pull request in the browser.",
            exit_code=AUTH,
            next_actions=[f"{target.cli} auth login --hostname {target.host}", compare_address(context)],
            data={"compare_url": compare_address(context)},
        )
    passing = bool(_PASSING_WORDS.search(finished.stderr))
    return Failure(
        "forge_unavailable" if passing else "forge_refused",
        f"{target.cli} failed: {said}.",
        fix="Run it again in a minute; it looks first and never creates a second one."
        if passing
        else "Mend what it names.",
        exit_code=RETRY_LATER if passing else FAILED,
    )
