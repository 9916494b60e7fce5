"""What do the organisation and the repository want of their pull requests?

`assets/organisation.json` beside this folder comes with the plugin, so that sync brings it; `.claude/create-pr.json` is
the repository's own. Both have the same members: `draft` (whether pull requests start as drafts; the repository's word
counts) and `internal_names` (not to be said on public projects; both lists count). In a public repository the second
file is public too, so internal names of an organisation belong into the first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envelope import USAGE, Failure

OWN = ".claude/create-pr.json"
ORGANISATION = Path(__file__).resolve().parents[1] / "assets" / "organisation.json"
SIZE_LIMIT = 256 * 1024  # bytes
LEAST_NAME = 3  # characters; a shorter one is in too many words


@dataclass(frozen=True)
class Settings:
    """Whether pull requests start as drafts, and the names that public projects must not get."""

    is_draft: bool = False
    internal_names: tuple[str, ...] = ()


def read_settings(top: str, organisation: Path = ORGANISATION) -> Settings:
    """Return the settings for the repository at `top`; a file that is not there says nothing.

    Raises:
        Failure: a file is there and cannot be used (exit 2).
    """
    ours, own = _read(organisation), _read(Path(top, OWN))
    names = [*ours.get("internal_names", []), *own.get("internal_names", [])]
    return Settings(own.get("draft", ours.get("draft", False)), tuple(dict.fromkeys(names)))


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as problem:
        raise _bad(path, f"cannot be read ({problem.strerror})") from problem
    if len(raw) > SIZE_LIMIT:
        raise _bad(path, f"has more than {SIZE_LIMIT} bytes")
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise _bad(path, f"is not JSON ({problem})"[:200]) from problem
    if not isinstance(document, dict):
        raise _bad(path, "holds no JSON object")
    if not isinstance(document.get("draft", False), bool):
        raise _bad(path, f'has {document["draft"]!r} as "draft"; true or false is expected')
    names = document.get("internal_names", [])
    if not isinstance(names, list) or not all(
        isinstance(name, str) and len(name.strip()) >= LEAST_NAME for name in names
    ):
        raise _bad(path, f'needs a list of texts of at least {LEAST_NAME} characters as "internal_names"')
    return {**document, "internal_names": [name.strip() for name in names]}


def _bad(path: Path, what: str) -> Failure:
    return Failure("bad_settings", f"{path} {what}.", fix="Mend it, or take it away.", exit_code=USAGE)
