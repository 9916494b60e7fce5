"""How a team is added to organisation.yaml without losing a comment: one insertion, proved by reading it back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from skillway.errors import RepositoryError
from skillway.organisation import FILE


def add_team(text: str, team: str, owner: str) -> str:
    """Insert a team at the end of `teams:`; everything else stays as it is, to the character.

    Args:
        text: organisation.yaml.
        team: The team's name.
        owner: Who reviews its skills, as the forge writes it, for example `@acme/support`.

    Returns:
        The new text, or the same when the team is already there.

    Raises:
        RepositoryError: The file has a form into which nothing can be inserted safely.
    """
    before = _teams(text)
    if team in before:
        return text
    changed = _insert(text, team, owner)
    if _teams(changed) != [*before, team] or _without_teams(changed) != _without_teams(text):
        raise _refused(team, owner)
    return changed


def _insert(text: str, team: str, owner: str) -> str:
    node = _teams_node(text)
    if node is not None and (node.id != "sequence" or not (node.flow_style or node.value)):
        raise _refused(team, owner)  # `teams:` with nothing after it: a second key would be read in its place
    entry = f'- name: {team}\n{{indent}}  owners: ["{owner}"]\n'
    if node is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}teams:\n  {entry.format(indent='  ')}"
    if node.flow_style:
        inside = f'{{name: {team}, owners: ["{owner}"]}}'
        position = node.end_mark.index - 1
        return text[:position].rstrip() + (", " if node.value else "") + inside + text[position:]
    last = node.value[-1]
    position = _end_of_line(text, _last_content(text, last.end_mark.index))
    indent = " " * node.start_mark.column
    end = "" if text[:position].endswith("\n") else "\n"
    return f"{text[:position]}{end}{indent}{entry.format(indent=indent)}{text[position:]}"


def _last_content(text: str, end: int) -> int:
    """Step back over the blank lines and comments that YAML counts to the last item."""
    lines = text[:end].split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return len("\n".join(lines))


def _end_of_line(text: str, position: int) -> int:
    newline = text.find("\n", position)
    return len(text) if newline < 0 else newline + 1


def _teams_node(text: str) -> Any:  # noqa: ANN401 - PyYAML's nodes
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, value in root.value if root is not None and root.id == "mapping" else ():
        if key.value == "teams":
            return value
    return None


def _teams(text: str) -> list[str]:
    content = yaml.safe_load(text) or {}
    return [entry["name"] if isinstance(entry, dict) else entry for entry in content.get("teams") or []]


def _without_teams(text: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(text) or {}
    return {key: value for key, value in content.items() if key != "teams"}


def write_organisation(repository: Path, text: str) -> None:
    """Replace organisation.yaml by a new text at once, so that no reader sees half of it.

    Raises:
        RepositoryError: It cannot be written; the former one is still there.
    """
    path = repository / FILE
    draft = path.with_name(f".{FILE}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RepositoryError(
            f"{path} cannot be written ({error.strerror}).", fix="Give yourself the right to."
        ) from error


def _refused(team: str, owner: str) -> RepositoryError:
    entry = f'- name: {team}\n    owners: ["{owner}"]'
    return RepositoryError(
        f"{FILE} has a form into which the team {team} cannot be inserted safely.",
        fix=f"Add this under `teams:` yourself: {entry}",
    )
