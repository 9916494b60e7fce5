"""Which pull requests were merged on GitHub, and what did they change?

Reads the list of closed pull requests, the latest updated first, and the files of each that is new. A run that
ended in the middle goes on where it was: what is in the collection is not asked for again, and a list that did not
change is not sent again. How the API is asked is `github_api`'s part.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from skillway.errors import SkillwayError
from skillway.pulls.collection import Collection
from skillway.pulls.github_api import GitHub, write_private
from skillway.pulls.message import is_bot, says_agent, strip_trailers
from skillway.pulls.values import ChangedFile, PullRequest

PER_PAGE = 100
"""The most that the API gives."""
FILE_PAGES = 10
"""Pages of files of one pull request; one with more than 1,000 files has no diff stat here."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_.-]{1,100}")
_STATE = "state.json"


@dataclass
class GitHubSource:
    """One repository of one API.

    Attributes:
        github: The connection.
        repository: `owner/name`.
        has_files: Whether each pull request's files are asked for, a request each.
        since: Pull requests that were merged earlier are left out.
    """

    github: GitHub
    repository: str
    has_files: bool = True
    since: date | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.repository) or "/.." in self.repository:
            raise SkillwayError(f"{self.repository!r} is no repository.", fix="Name it as owner/repository.")


def count_pulls(source: GitHubSource) -> int | None:
    """Tell how many closed pull requests there are, about, for a progress bar; None when the API does not say."""
    page = source.github.get(_first(source), is_cached=True)
    if page.last_url is None:
        return len(page.value) if isinstance(page.value, list) else None
    number = parse_qs(urlsplit(page.last_url).query).get("page", ["0"])[0]
    return int(number) * PER_PAGE if number.isdigit() and int(number) else None


def read_github(source: GitHubSource, held: Collection, folder: Path | None) -> Iterator[PullRequest | None]:
    """Read merged pull requests that a collection does not hold.

    Args:
        source: Where from.
        held: What is there; its salt makes the authors' pseudonyms.
        folder: Where it is kept until when everything was read, or None. A later run then asks for what is newer.

    Yields:
        One item per closed pull request: the record, or None for one that was not merged, is held, or is too old.

    Raises:
        SkillwayError: As `GitHub.get`, or an answer has another shape than the documented one.
    """
    state = _State(folder, held, source)
    known = {pull.id for pull in held.pulls}
    newest, url, added = "", _first(source), 0
    while url:
        page = source.github.get(url, is_cached=True)
        items = [_Item(item, url) for item in _list(page.value, url)]
        newest = newest or max((item.updated_at for item in items), default="")
        for item in items:
            # The second of the last run itself is read again: more may have happened in it than was seen.
            if item.updated_at < state.complete_until or _is_before(item.updated_at, source.since):
                url = ""
                break
            pull = _pull_request(source, item, held.salt) if _is_wanted(item, known, source) else None
            # The list shifts when something is updated while it is read; what comes twice is taken once.
            known.add(f"#{item.number}")
            added += pull is not None
            yield pull
        else:
            url = page.next_url or ""
    state.save(newest, len(held.pulls) + added)
    source.github.forget_pages(but=_first(source))


class _State:
    """Until when an earlier run read everything: times of the API, which are of equal length and order as texts.

    It holds for one collection as it was then; one that was made anew or got shorter is read from the start.
    """

    def __init__(self, folder: Path | None, held: Collection, source: GitHubSource) -> None:
        self._path = None if folder is None else folder / _STATE
        self._collection = hashlib.sha256(held.salt).hexdigest()
        self._since = source.since.isoformat() if source.since else ""
        self.complete_until = self._load(len(held.pulls))

    def _load(self, held: int) -> str:
        try:
            content = json.loads(self._path.read_bytes()) if self._path else {}
            fits = content["collection"] == self._collection and content["held"] <= held
            return str(content["until"]) if fits and content["since"] <= self._since else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def save(self, until: str, held: int) -> None:
        if self._path is None or not until:
            return
        content = {"collection": self._collection, "since": self._since, "until": until, "held": held}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._path, json.dumps(content))


class _Item:
    """One pull request of the list, its fields checked."""

    def __init__(self, value: Any, url: str) -> None:  # noqa: ANN401 - whatever an API sends
        try:
            self.number = int(value["number"])
            self.title = str(value["title"])
            self.body = str(value["body"] or "")
            self.updated_at = str(value["updated_at"])
            self.merged_at = datetime.fromisoformat(value["merged_at"]) if value["merged_at"] else None
            user: Mapping[str, Any] = value["user"] or {}  # null for an account that is gone
            self.login = str(user.get("login") or "ghost")
            self.is_automation = user.get("type") == "Bot"
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SkillwayError(
                f"{url} gives a pull request that is none ({type(error).__name__}: {error}).",
                fix="Check the address with --api-url.",
            ) from error


def _first(source: GitHubSource) -> str:
    return f"/repos/{source.repository}/pulls?state=closed&sort=updated&direction=desc&per_page={PER_PAGE}"


def _list(value: Any, url: str) -> list[Any]:  # noqa: ANN401 - whatever an API sends
    if not isinstance(value, list):
        raise SkillwayError(f"{url} gives no list.", fix="Check the address with --api-url.")
    return value


def _is_before(moment: str, day: date | None) -> bool:
    return day is not None and moment[:10] < day.isoformat()


def _is_wanted(item: _Item, known: set[str], source: GitHubSource) -> bool:
    if item.merged_at is None or f"#{item.number}" in known:
        return False
    return source.since is None or item.merged_at.astimezone(UTC).date() >= source.since


def _pull_request(source: GitHubSource, item: _Item, salt: bytes) -> PullRequest:
    assert item.merged_at is not None
    is_agent = says_agent(item.body, item.login)
    return PullRequest(
        id=f"#{item.number}",
        title=item.title,
        body=strip_trailers(item.body),
        author=hmac.new(salt, item.login.lower().encode(), hashlib.sha256).hexdigest()[:12],
        is_agent=is_agent,
        is_bot=is_bot(item.login) or (item.is_automation and not is_agent),
        merged_at=item.merged_at,
        files=_files(source, item.number) if source.has_files else None,
        text_as_of="fetch",
    )


def _files(source: GitHubSource, number: int) -> tuple[ChangedFile, ...] | None:
    """Get the diff stat, or None for a change so large that a part of it would be told as the whole."""
    url: str | None = f"/repos/{source.repository}/pulls/{number}/files?per_page={PER_PAGE}"
    files: list[ChangedFile] = []
    for _ in range(FILE_PAGES):
        page = source.github.get(str(url))
        try:
            files += [
                ChangedFile(str(one["filename"]), int(one["additions"]), int(one["deletions"]))
                for one in _list(page.value, str(url))
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise SkillwayError(
                f"{url} gives a file that is none ({error}).", fix="Check the address with --api-url."
            ) from error
        url = page.next_url
        if url is None:
            return tuple(files)
    return None
