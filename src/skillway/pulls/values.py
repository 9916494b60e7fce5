"""What is known of one pull request, wherever it was collected?

The one record that collecting writes and scoring reads, a line of JSON each. The file holds titles and
descriptions, so it stays where it was made; only numbers leave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of a diff stat: its path, and lines added and deleted; both 0 for a binary file."""

    path: str
    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request (GitLab: merge request) that was merged.

    Attributes:
        id: `#number` where the forge's number is known, else the first 12 hex of the commit.
        title: One line.
        body: The description without trailers; empty when there is none.
        author: A pseudonym, the same for the same author in one file.
        is_agent: Whether a trailer, a mark in the text or the author's name says that an agent wrote it.
        is_bot: Whether an automation wrote it that nobody expects reasons from (dependency updates, releases).
        merged_at: When it was merged, with its offset.
        files: The diff stat; None when it is not known.
        text_as_of: `merge` for what git keeps, `fetch` for what a forge's API gave on the day of collecting.
        has_description: False when git keeps something else in its place, such as the list of squashed commits.
        commit: The whole id of the commit on the default branch, or empty.
    """

    id: str
    title: str
    body: str
    author: str
    is_agent: bool
    is_bot: bool
    merged_at: datetime
    files: tuple[ChangedFile, ...] | None
    text_as_of: str
    has_description: bool = True
    commit: str = ""

    @property
    def lines(self) -> int | None:
        """Lines added and deleted, or None where the diff stat is not known."""
        return None if self.files is None else sum(file.added + file.deleted for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """Give the record as it stands in a file."""
        files = None if self.files is None else [[file.path, file.added, file.deleted] for file in self.files]
        return {"schema": SCHEMA, **asdict(self), "merged_at": self.merged_at.isoformat(), "files": files}


def pull_request(record: Mapping[str, Any]) -> PullRequest:
    """Read a record.

    Raises:
        ValueError: It has another schema, lacks a field, or a field has the wrong type.
    """
    if record.get("schema") != SCHEMA:
        raise ValueError(f"schema {record.get('schema')!r} is not {SCHEMA}")
    try:
        files = record["files"]
        return PullRequest(
            id=str(record["id"]),
            title=str(record["title"]),
            body=str(record["body"]),
            author=str(record["author"]),
            is_agent=bool(record["is_agent"]),
            is_bot=bool(record["is_bot"]),
            merged_at=datetime.fromisoformat(record["merged_at"]),
            files=None if files is None else tuple(ChangedFile(str(p), int(a), int(d)) for p, a, d in files),
            text_as_of=str(record["text_as_of"]),
            has_description=bool(record["has_description"]),
            commit=str(record["commit"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"a field is missing or has the wrong type ({error})") from error
