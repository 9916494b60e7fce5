"""How are boards, queries and columns put into Honeycomb, and releases marked there, without Terraform?

One description, `sync/deploy/honeycomb/boards.json`, is made true in one environment: what is there already is left,
what differs is changed, what is nobody's of ours is not looked at. A board is ours by its tag. Queries cannot be changed
in Honeycomb, so a changed board gets new ones. Sending events is for `spool_sender` and the flusher.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from skillway import __version__
from skillway.errors import EXIT_AUTH, EXIT_FAILURE, EXIT_NOT_FOUND, EXIT_RETRY, SkillwayError
from skillway_sync.telemetry_config import is_endpoint

DEFAULT_API = "https://api.honeycomb.io"
KEY_VARIABLE = "HONEYCOMB_API_KEY"
"""As the Terraform provider names it: a configuration key, never the ingest key of laptops."""
SCHEMA = 1
MARKER_TYPE = "catalog-release"
TAG, DIGEST_TAG = "skillway", "skillwayspec"
_SECONDS = 10.0
_PAUSE = 1.0
_CREATED = "created"
_CHANGED = "changed"
_SAME = "unchanged"
_BUSY = frozenset({429, 502, 503, 504})
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HoneycombError(SkillwayError):
    """The operator must act: Honeycomb did not do what was asked."""

    code = "honeycomb"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing in Honeycomb: `kind` is dataset, column, derived column or board; `what` created, changed, unchanged."""

    kind: str
    name: str
    what: str


def api_key() -> str:
    """Read the configuration key from the environment.

    Raises:
        HoneycombError: There is none, or it cannot stand in a request.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise _failure(
            f"{KEY_VARIABLE} is {'not a key' if key else 'not set'}.",
            "Give a configuration key that may manage boards, queries, columns, datasets and markers.",
            EXIT_AUTH,
        )
    return key


class Honeycomb:
    """The API of one environment; a context manager.

    Args:
        api: Base URL.
        key: A configuration key.
        patience: How often a busy API is asked, with growing pauses; its 429 does not say how long to wait.
    """

    def __init__(self, api: str, key: str, *, patience: int = 4) -> None:
        if not is_endpoint(api) or (not api.startswith("https:") and urlsplit(api).hostname not in _LOOPBACK):
            raise _failure(f"{api!r} is no https:// address, and a key goes nowhere else.", f"Give {DEFAULT_API}.")
        headers = {"X-Honeycomb-Team": key, "User-Agent": f"skillway/{__version__}"}
        self._api = api.rstrip("/")
        self._client = httpx.Client(base_url=self._api, headers=headers, timeout=_SECONDS, follow_redirects=False)
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Read something; None when it does not exist.

        Raises:
            HoneycombError: It cannot be read.
        """
        return self._ask("GET", path, None)

    def read_list(self, path: str) -> list[dict[str, Any]]:
        """Read a list of objects; empty when it does not exist.

        Raises:
            HoneycombError: It cannot be read.
        """
        found = self.read(path) or []
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise _failure(f"GET {self._api}{path} answered with no list.", "Check that it is Honeycomb's API.")
        return found

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create (`POST`) or change (`PUT`) something, and give it as Honeycomb has it.

        Raises:
            HoneycombError: It was refused.
        """
        answer = self._ask(method, path, body)
        if not isinstance(answer, dict) or not (set(body) <= {"name"} or isinstance(answer.get("id"), str)):
            raise _failure(f"{method} {self._api}{path} answered with no id.", "Check that it is Honeycomb's API.")
        return answer

    def post_marker(self, message: str) -> str:
        """Mark this moment on all graphs of the environment; gives the marker's id.

        Raises:
            HoneycombError: It was refused.
        """
        answer = self.write("POST", "/1/markers/__all__", {"message": message, "type": MARKER_TYPE})
        return str(answer.get("id", ""))

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - any JSON value
        for turn in range(1, self._patience + 1):
            try:
                response = self._client.request(method, path, json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _failure(
                    f"{self._api} cannot be reached ({type(error).__name__}).", "Check the network.", EXIT_RETRY
                ) from error
            if response.status_code not in _BUSY or turn == self._patience:
                break
            time.sleep(_PAUSE * 2 ** (turn - 1))
        return self._content(method, path, response)

    def _content(self, method: str, path: str, response: httpx.Response) -> Any:  # noqa: ANN401 - any JSON value
        status = response.status_code
        if status == httpx.codes.NOT_FOUND and method == "GET":
            return None
        if not response.is_success:
            raise _refused(f"{method} {self._api}{path}", status, response.text)
        try:
            return response.json()
        except (ValueError, RecursionError) as error:
            raise _failure(
                f"{method} {self._api}{path} answered with no JSON.", "Check that it is Honeycomb's API."
            ) from error


def _refused(what: str, status: int, text: str) -> HoneycombError:
    said = " ".join(text.split())[:200]
    if status in (401, 403):
        return _failure(
            f"{what} was refused with {status}: {said}",
            f"Give {KEY_VARIABLE} a configuration key with that permission.",
            EXIT_AUTH,
        )
    code = EXIT_RETRY if status in _BUSY else EXIT_NOT_FOUND if status == httpx.codes.NOT_FOUND else EXIT_FAILURE
    return _failure(f"{what} answered {status}: {said}", "Mend what it names, then run the command again.", code)


def _failure(message: str, fix: str, exit_code: int = EXIT_FAILURE) -> HoneycombError:
    error = HoneycombError(message, fix=fix)
    error.exit_code = exit_code
    return error


# --- what should be there -------------------------------------------------------------------------------------------


def load_boards(path: Path) -> dict[str, Any]:
    """Read boards.json.

    Raises:
        HoneycombError: It cannot be read, is of another schema, or a panel names a query that it does not have.
    """
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise _failure(f"{path} has schema {content['schema']!r}, not {SCHEMA}.", "Update skillway.")
        named = {
            panel["query"] for board in content["boards"].values() for panel in board["panels"] if "query" in panel
        }
        missing = sorted(named - set(content["queries"]))
        _ = content["dataset"], [each["key_name"] for each in content["columns"]]
        _ = [(each["alias"], each["expression"]) for each in content["derived_columns"]]
        _ = [(each["name"], each["query"]) for each in content["queries"].values()]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _failure(
            f"{path} cannot be used ({type(error).__name__}: {error}).", "Take the one that ships."
        ) from error
    if missing:
        raise _failure(f"{path} shows {', '.join(missing)}, which is not among its queries.", "Add the query.")
    return dict(content)


def apply_boards(honeycomb: Honeycomb, content: Mapping[str, Any], *, dry_run: bool) -> Iterator[Change]:
    """Make the environment what boards.json says; yields each thing when it is so, in order.

    Args:
        honeycomb: The environment.
        content: What `load_boards` gave.
        dry_run: Whether to read only, and say what would be done.

    Raises:
        HoneycombError: Honeycomb refused something. Run it again: what was done is found done.
    """
    dataset = str(content["dataset"])
    slug = quote(dataset, safe="")
    is_there = honeycomb.read(f"/1/datasets/{slug}") is not None
    if not is_there and not dry_run:
        honeycomb.write("POST", "/1/datasets", {"name": dataset})
    yield Change("dataset", dataset, _SAME if is_there else _CREATED)
    yield from _apply_columns(honeycomb, slug, content, dry_run=dry_run)
    boards = honeycomb.read_list("/1/boards")
    for name, board in content["boards"].items():
        yield _apply_board(honeycomb, slug, content, (name, board), boards, dry_run=dry_run)


def _apply_columns(honeycomb: Honeycomb, slug: str, content: Mapping[str, Any], *, dry_run: bool) -> Iterator[Change]:
    kinds = (
        ("column", "columns", "key_name", ()),
        ("derived column", "derived_columns", "alias", ("expression", "description")),
    )
    for kind, section, key, compared in kinds:
        there = {each.get(key): each for each in honeycomb.read_list(f"/1/{section}/{slug}")}
        for wanted in content[section]:
            found = there.get(wanted[key])
            differs = found is not None and any(found.get(part) != wanted[part] for part in compared)
            if found is None and not dry_run:
                honeycomb.write("POST", f"/1/{section}/{slug}", wanted)
            elif found is not None and differs and not dry_run:
                honeycomb.write("PUT", f"/1/{section}/{slug}/{quote(str(found['id']), safe='')}", wanted)
            yield Change(kind, wanted[key], _CREATED if found is None else _CHANGED if differs else _SAME)


def _apply_board(
    honeycomb: Honeycomb,
    slug: str,
    content: Mapping[str, Any],
    named: tuple[str, Mapping[str, Any]],
    boards: list[dict[str, Any]],
    *,
    dry_run: bool,
) -> Change:
    name, board = named
    found = next((each for each in boards if _tags(each).get(TAG) == name), None)
    digest = _digest(content, board)
    if found is not None and _tags(found).get(DIGEST_TAG) == digest and _is_whole(found, board):
        return Change("board", board["name"], _SAME)
    if not dry_run:
        body = _board_body(honeycomb, slug, content, board)
        body["tags"] = [{"key": TAG, "value": name}, {"key": DIGEST_TAG, "value": digest}]
        path = "/1/boards" if found is None else f"/1/boards/{quote(str(found['id']), safe='')}"
        honeycomb.write("POST" if found is None else "PUT", path, body)
    return Change("board", board["name"], _CREATED if found is None else _CHANGED)


def _tags(board: Mapping[str, Any]) -> dict[str, str]:
    return {str(tag.get("key")): str(tag.get("value")) for tag in board.get("tags") or []}


def _is_whole(found: Mapping[str, Any], board: Mapping[str, Any]) -> bool:
    """Tell whether nobody has renamed a board or taken panels off it; the list may leave the panels out."""
    panels = found.get("panels")
    return found.get("name") == board["name"] and (panels is None or len(panels) == len(board["panels"]))


def _digest(content: Mapping[str, Any], board: Mapping[str, Any]) -> str:
    queries = {panel["query"]: content["queries"][panel["query"]] for panel in board["panels"] if "query" in panel}
    text = json.dumps([board, queries], sort_keys=True)
    return "s" + hashlib.sha256(text.encode()).hexdigest()[:16]  # a tag's value begins with a letter


def _board_body(
    honeycomb: Honeycomb, slug: str, content: Mapping[str, Any], board: Mapping[str, Any]
) -> dict[str, Any]:
    panels = [_panel(honeycomb, slug, content, panel) for panel in board["panels"]]
    return {
        "name": board["name"],
        "description": board["description"],
        "type": "flexible",
        "layout_generation": "manual",
        "panels": panels,
    }


def _panel(honeycomb: Honeycomb, slug: str, content: Mapping[str, Any], panel: Mapping[str, Any]) -> dict[str, Any]:
    if "text" in panel:
        return {"type": "text", "text_panel": {"content": panel["text"]}, "position": panel["position"]}
    query = content["queries"][panel["query"]]
    made = honeycomb.write("POST", f"/1/queries/{slug}", query["query"])
    note = {"name": query["name"], "description": query["description"], "query_id": made["id"]}
    annotation = honeycomb.write("POST", f"/1/query_annotations/{slug}", note)
    shown = {"query_id": made["id"], "query_annotation_id": annotation["id"], "query_style": panel["style"]}
    return {"type": "query", "query_panel": shown, "position": panel["position"]}
