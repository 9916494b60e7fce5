"""What adoption does the organisation aim for? The targets file, read and checked.

teams:
  support: {people: 40, share: 0.5}
  data: 12
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from skillway.errors import NotFoundError, SkillwayError

DEFAULT_SHARE = 0.5


class TargetsError(SkillwayError):
    """The caller must act: the targets file cannot be used."""

    code = "targets"


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed for: `people` of the team, None when not said, and the `share` of them that shall use a skill."""

    people: int | None
    share: float


def load_targets(path: Path) -> dict[str, Target]:
    """Read a targets file: a mapping `teams` from a team's name to its people, or to `people` and `share`.

    Raises:
        NotFoundError: There is no such file.
        TargetsError: It is no such mapping, or a value has the wrong type.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no targets file {path}.", fix="Name one with --targets, or leave it out."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise _wrong(path, f"cannot be read as YAML ({error})") from error
    teams = content.get("teams") if isinstance(content, dict) else None
    if not isinstance(teams, dict) or not teams:
        raise _wrong(path, "has no mapping 'teams'")
    share = _share(content.get("share", DEFAULT_SHARE), "share", path)
    return {str(name): _target(str(name), value, share, path) for name, value in teams.items()}


def _target(name: str, value: object, share: float, path: Path) -> Target:
    if not isinstance(value, dict):
        value = {"people": value}
    unknown = sorted(str(key) for key in value.keys() - {"people", "share"})
    if unknown:
        raise _wrong(path, f"has the key {unknown[0]!r} in team {name!r}; people and share are known")
    people = value.get("people")
    if people is not None and (not isinstance(people, int) or isinstance(people, bool) or people < 1):
        raise _wrong(path, f"gives team {name!r} {people!r} people; expected a whole number from 1")
    return Target(people, _share(value.get("share", share), name, path))


def _share(value: object, name: str, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise _wrong(path, f"has the share {value!r} for {name!r}; expected a number from 0 to 1")
    return float(value)


def _wrong(path: Path, what: str) -> TargetsError:
    return TargetsError(
        f"The targets file {path} {what}.", fix="Write it as in: teams: {support: {people: 40, share: 0.5}}"
    )
