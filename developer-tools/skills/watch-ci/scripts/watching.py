"""How long is a pull request watched, what is looked at each time, and when is it over?

Over is one of six states, and only `all-passed` is success. What the checks come to is `ci_state`'s question, how a
forge is asked `polling`'s.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Callable
from urllib.parse import quote

import ci_state
import forge
from ci_state import Check
from envelope import printable
from polling import Api, PassingError
from remote import GITLAB

PAGE = 100
MOST_PAGES = 10
GREEN_LOOKS = 2  # a workflow that follows another one makes its checks only when that has passed
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 120.0  # seconds after a failed look; doubled each time


@dataclass(frozen=True)
class Pace:
    """Seconds: between two looks, in all, and how long a commit may be without any check."""

    interval: float
    timeout: float
    grace: float


@dataclass
class Seen:
    """What the last look showed.

    Attributes:
        number: The pull request's.
        address: Its page.
        title: Others' text, so data.
        state: open, merged or closed.
        branch: Its branch's name.
        sha: The commit whose checks these are.
        checks: All of them, or what could be read.
        is_whole: Whether all were read; without that nothing is called passed.
    """

    number: int
    address: str = ""
    title: str = ""
    state: str = "open"
    branch: str = ""
    sha: str = ""
    checks: list[Check] = field(default_factory=list)
    is_whole: bool = True


class Watch:
    """Watches one pull request to its end."""

    def __init__(self, api: Api, number: int, pace: Pace, sleep: Callable[[float], None] = time.sleep) -> None:
        self.api = api
        self.seen = Seen(number)
        self.troubles: list[str] = []
        self._pace = pace
        self._sleep = sleep
        self._told = ""

    def run(self) -> str:
        """Look until there is a terminal state; return it.

        Raises:
            Failure: the forge will not answer.
        """
        begun = without = time.monotonic()
        green, pause = 0, FIRST_PAUSE
        while True:
            wait = self._pace.interval
            try:
                before = self.seen.sha
                self.seen = self._look()
                without = time.monotonic() if before not in ("", self.seen.sha) else without
                state, pause = self._state(without), FIRST_PAUSE
            except PassingError as error:
                state, wait = ci_state.PENDING, error.wait or pause
                pause = min(2 * pause, LONGEST_PAUSE)
                self._note(f"{error}; looking again")
                self.troubles.append(str(error))
            green = green + 1 if state == ci_state.ALL_PASSED else 0
            if state not in (ci_state.PENDING, ci_state.ALL_PASSED) or green == GREEN_LOOKS:
                return state
            left = self._pace.timeout - (time.monotonic() - begun)
            if left <= 0:
                return ci_state.TIMED_OUT
            self._sleep(min(wait, left))

    def as_json(self) -> dict[str, Any]:
        """Return what was seen last and what it cost."""
        seen = asdict(self.seen)
        seen["checks"] = sorted(seen["checks"], key=lambda check: check["standing"] == ci_state.PASSED)[:PAGE]
        counted = {"counts": ci_state.counts(self.seen.checks), "troubles": len(self.troubles)}
        return {**seen, **counted, "requests": self.api.requests, "not_modified": self.api.not_modified}

    def _state(self, without: float) -> str:
        checks = self.seen.checks
        state = ci_state.settle(checks)
        self._note(", ".join(f"{count} {name}" for name, count in ci_state.counts(checks).items()) or "no checks yet")
        if not state:
            return ci_state.NO_CHECKS if time.monotonic() - without >= self._pace.grace else ci_state.PENDING
        return ci_state.PENDING if state == ci_state.ALL_PASSED and not self.seen.is_whole else state

    def _look(self) -> Seen:
        is_gitlab = forge.require_target(self.api.context).forge == GITLAB
        try:
            return self._look_at_gitlab() if is_gitlab else self._look_at_github()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise PassingError(f"the answer has another shape than documented ({error!r})") from error

    def _look_at_github(self) -> Seen:
        project = f"repos/{forge.require_target(self.api.context).path}"
        pull = self.api.get(f"{project}/pulls/{self.seen.number}")
        state = "merged" if pull.get("merged") else str(pull["state"])
        head = pull["head"]
        seen = Seen(self.seen.number, str(pull["html_url"]), str(pull["title"]), state, str(head["ref"]), head["sha"])
        commit = f"{project}/commits/{seen.sha}"
        runs, is_whole = self._pages(f"{commit}/check-runs", "check_runs")
        older, are_whole = self._pages(f"{commit}/status", "statuses")
        seen.checks = ci_state.check_runs(runs) + ci_state.statuses(older)
        seen.is_whole = is_whole and are_whole
        if not seen.checks:
            waiting, seen.is_whole = self._pages(f"{project}/actions/runs?head_sha={seen.sha}", "workflow_runs")
            seen.checks = ci_state.waiting_runs(waiting)
        return seen

    def _pages(self, path: str, member: str) -> tuple[list[Any], bool]:
        rows: list[Any] = []
        for page in range(1, MOST_PAGES + 1):
            mark = "&" if "?" in path else "?"
            answer = self.api.get(f"{path}{mark}per_page={PAGE}&page={page}")
            rows += answer[member]
            if len(rows) >= int(answer.get("total_count", 0)) or not answer[member]:
                break
        return rows, len(rows) >= int(answer.get("total_count", 0))

    def _look_at_gitlab(self) -> Seen:
        project = f"projects/{quote(forge.require_target(self.api.context).path, safe='')}"
        request = self.api.get(f"{project}/merge_requests/{self.seen.number}")
        state = {"opened": "open", "locked": "open"}.get(str(request["state"]), str(request["state"]))
        sha, branch = str(request["sha"]), str(request["source_branch"])
        seen = Seen(self.seen.number, str(request["web_url"]), str(request["title"]), state, branch, sha)
        pipeline = request.get("head_pipeline")
        # A pipeline of an older commit says nothing about this one.
        seen.checks = ci_state.pipelines([pipeline] if pipeline and pipeline.get("sha") == sha else [])
        return seen

    def _note(self, text: str) -> None:
        if text != self._told:
            self._told = text
            print(printable(f"watch-ci: {text}"), file=sys.stderr, flush=True)
