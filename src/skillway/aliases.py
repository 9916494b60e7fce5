"""What is a skill called today that was called otherwise before it moved?

A promotion moves a skill to another plugin, and with it changes its name. One append-only file says so; usage
reports read it to join former uses with present ones, and the verdict lookup to find what was asked under the
former name. Writing a line is `skillway_evals.promotion.request`'s part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from skillway.errors import SkillwayError

FILE = "evals/promotion/aliases.jsonl"
SCHEMA = 1


class AliasError(SkillwayError):
    """The author must act: the file of former names cannot be used."""

    code = "aliases"


@dataclass(frozen=True, slots=True)
class Alias:
    """One move of a skill.

    Attributes:
        former: `plugin:skill` before it.
        name: `plugin:skill` after it.
        day: When it was prepared, as in 2026-11-20.
        skill_digest: Content of the skill folder when it moved; evidence goes with this content alone.
        loaded: What its eval runs had loaded under the former name: from arm (`none`, `skill`, `plugin`) or `triggers` to digest.
    """

    former: str
    name: str
    day: str
    skill_digest: str
    loaded: Mapping[str, str]

    def to_line(self) -> str:
        """Give the line of the file, without its end."""
        return json.dumps(
            {
                "schema": SCHEMA,
                "former": self.former,
                "name": self.name,
                "day": self.day,
                "skill_digest": self.skill_digest,
                "loaded": dict(self.loaded),
            }
        )


def read_aliases(repository: Path) -> tuple[Alias, ...]:
    """Read all moves of a repository, the oldest first; none when there is no file.

    Raises:
        AliasError: A line cannot be used.
    """
    path = repository / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise AliasError(f"{path} cannot be read ({error}).", fix="Restore it from git.") from error
    return tuple(_alias(path, number, line) for number, line in enumerate(lines, 1) if line.strip())


def current_names(aliases: Iterable[Alias]) -> dict[str, str]:
    """Give every former name with the name of today; several moves in a row are followed to the end.

    Example:
        >>> move = lambda former, name: Alias(former, name, "2026-11-20", "", {})
        >>> current_names([move("a:s", "b:s"), move("b:s", "c:s")])
        {'a:s': 'c:s', 'b:s': 'c:s'}
    """
    names: dict[str, str] = {}
    for alias in aliases:
        names = {former: alias.name if name == alias.former else name for former, name in names.items()}
        names[alias.former] = alias.name
        names.pop(alias.name, None)  # a skill that moved back is called so again
    return names


def _alias(path: Path, number: int, line: str) -> Alias:
    try:
        content = json.loads(line)
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r}, expected {SCHEMA}")  # noqa: TRY301 - told like every other fault
        texts = {key: content[key] for key in ("former", "name", "day", "skill_digest")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise TypeError("a value that is no text")  # noqa: TRY301 - as above
        return Alias(**texts, loaded={str(arm): str(digest) for arm, digest in content["loaded"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AliasError(
            f"{path}:{number} is no move of a skill ({type(error).__name__}: {error}).",
            fix="Restore the line from git; the file is only ever appended to.",
        ) from error
