"""Ask a forge and tell it, by running its own program (`gh`, `glab`) as a child process.

The program brings the user's own login; nothing here sees a token. Whether a pull request should be made is decided
before this is called.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from context import Context
from envelope import AUTH, CONFLICT, FAILED, REFUSED, RETRY_LATER, TIMED_OUT, Failure
from process import Finished, MissingProgramError, run_bounded
from remote import GITHUB, GITLAB, Project

LOOK_TIMEOUT = 30.0  # seconds
CREATE_TIMEOUT = 120.0  # seconds
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
_EXISTS_WORDS = re.compile(r"already exists", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s'\"<>]+/(?:pull|merge_requests)/(\d+)")


@dataclass(frozen=True)
class PullRequest:
    """A pull request (GitHub) or merge request (GitLab) as the forge shows it."""

    number: int
    address: str
    title: str
    state: str  # open, merged or closed
    is_draft: bool = False


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
        assert self.context.target is not None
        return self.context.target


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


def find_existing(context: Context) -> list[PullRequest]:
    """Return the pull requests of the current branch in any state, the newest first.

    Raises:
        Failure: the program is missing or not logged in (exit 4), or the forge did not answer (exit 9 or 1).
    """
    target = require_target(context)
    finished = _run(context, _look_arguments(context), LOOK_TIMEOUT)
    if finished.returncode:
        raise _failed_look(context, finished)
    try:
        rows = list(json.loads(finished.text or "[]"))
        found = [
            _github_row(row) if target.forge == GITHUB else _gitlab_row(row) for row in rows if _is_ours(row, context)
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Failure(
            "unreadable_answer",
            f"{target.cli} did not answer with the list that was asked for: {finished.text[:120]!r}.",
            fix=f"Check `{target.cli} --version`; a current one answers with JSON.",
            exit_code=FAILED,
        ) from error
    return sorted(found, key=lambda one: -one.number)


def refuse_second(found: list[PullRequest], context: Context) -> None:
    """Raise when the branch has a pull request already.

    Raises:
        Failure: one is open (exit 8), or one was merged and the branch is done (exit 6).
    """
    by_state = {state: [one for one in found if one.state == state] for state in ("open", "merged")}
    if by_state["open"]:
        raise already_exists(by_state["open"][0])
    if by_state["merged"]:
        merged = by_state["merged"][0]
        raise Failure(
            "merged_branch",
            f"{context.head_branch} was merged with {merged.address}; what is added to it now would surprise.",
            fix="Put new work on a new branch from the base.",
            exit_code=REFUSED,
            next_actions=[f"git switch -c NAME {shlex.quote(context.base_reference or '')}"],
            data={"merged": merged.__dict__},
        )


def already_exists(existing: PullRequest) -> Failure:
    """Return the ending "there is one already"."""
    return Failure(
        "already_exists",
        f"The branch has an open pull request already: {existing.address}",
        fix="Change that one; its title and description can be edited.",
        exit_code=CONFLICT,
        data={"existing": existing.__dict__},
    )


def create(proposal: Proposal) -> tuple[PullRequest, list[str]]:
    """Create the pull request once; return it, and warnings.

    After a failure the forge is asked again, because a creation can succeed although its answer got lost.

    Raises:
        Failure: nothing was created (exit 1, 4 or 9), one existed (exit 8), or it cannot be told (exit 10).
    """
    finished = _run(proposal.context, create_arguments(proposal), CREATE_TIMEOUT, proposal.body.encode())
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
    finished = _run(context, arguments, LOOK_TIMEOUT)
    try:
        shown = json.loads(finished.text) if finished.returncode == 0 else None
    except ValueError:
        return None
    if not isinstance(shown, dict):
        return None
    return f"{shown.get('title') or ''}\n{shown.get('body') or shown.get('description') or ''}"


def _look_arguments(context: Context) -> list[str]:
    target = require_target(context)
    head = context.head_branch or ""
    if target.forge == GITLAB:
        return ["mr", "list", "--repo", target.web_address, "--source-branch", head, "--all", "--output", "json"]
    fields = "number,url,title,state,isDraft,headRepositoryOwner"
    repository = f"{target.host}/{target.path}"
    return ["pr", "list", "--repo", repository, "--head", head, "--state", "all", "--limit", "30", "--json", fields]


def _is_ours(row: dict[str, Any], context: Context) -> bool:
    """Whether a listed pull request comes from the project we push to; forks use the same branch names."""
    owner = row.get("headRepositoryOwner")
    source = context.source or context.target
    if not isinstance(owner, dict) or source is None:
        return True
    return bool(str(owner.get("login", "")).casefold() == source.owner.casefold())


def _github_row(row: dict[str, Any]) -> PullRequest:
    state = str(row.get("state", "open")).lower()
    return PullRequest(int(row["number"]), str(row["url"]), str(row.get("title", "")), state, bool(row.get("isDraft")))


def _gitlab_row(row: dict[str, Any]) -> PullRequest:
    state = {"opened": "open", "locked": "open"}.get(str(row.get("state", "opened")), str(row.get("state")))
    return PullRequest(int(row["iid"]), str(row["web_url"]), str(row.get("title", "")), state, bool(row.get("draft")))


def _run(context: Context, arguments: list[str], timeout: float, stdin: bytes | None = None) -> Finished:
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
    failure = _failed_run(context, finished)
    if failure.exit_code == AUTH:
        return failure
    failure.message = f"It cannot be told whether a pull request exists already, so none is created. {failure.message}"
    return failure


def _failed_run(context: Context, finished: Finished) -> Failure:
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


def _look_again(proposal: Proposal, finished: Finished) -> tuple[PullRequest, list[str]]:
    failure = _failed_run(proposal.context, finished)
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
