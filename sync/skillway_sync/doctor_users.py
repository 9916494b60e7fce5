"""Is what stands in users' homes what Claude Code needs, and what did users decide against?

Each home is read with its owner's rights. In system scope a user's own settings change nothing, so only the
marketplace entry is looked at; in user scope a switched-off plugin is the user's choice, told and left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from skillway_sync.diagnosis import Diagnosis, Facts, ok, problem, warning
from skillway_sync.errors import ConfigError, SyncError
from skillway_sync.homes import Home, as_owner, find_homes, linked_folder
from skillway_sync.layout import USER
from skillway_sync.personal import KNOWN_MARKETPLACES, SETTINGS, is_known_entry, known_entry, with_known_entry
from skillway_sync.policy import settings_root
from skillway_sync.settings import PLUGINS, Part, parts_of
from skillway_sync.user_file import read_user_file


def check_homes(facts: Facts) -> Iterator[Diagnosis]:
    """Check every home of the laptop."""
    homes = find_homes(facts.layout)
    good = 0
    for home in homes:
        found = list(_check_home(facts, home))
        yield from found
        good += not found
    if homes and facts.catalogue is not None:
        yield ok(f"{good} of {len(homes)} homes have what Claude Code needs of us.")


def _check_home(facts: Facts, home: Home) -> Iterator[Diagnosis]:
    link = linked_folder(home)
    if link is not None and facts.layout.scope != USER:
        yield warning(f"{link} is a link, so this home gets nothing written by root.", "Replace the link by a folder.")
        return
    try:
        known = as_owner(home, lambda: read_user_file(home.path / KNOWN_MARKETPLACES).content)
        yield from _check_known(facts, home, known)
        if facts.layout.scope == USER:
            yield from _check_settings(facts, home, read_user_file(home.path / SETTINGS).content)
    except ConfigError as error:
        yield problem(error.message, error.fix)
    except SyncError as error:
        # From a child only the class of errors.py comes back; what it says is the same.
        yield problem(error.message, error.fix)
    except OSError as error:
        yield warning(f"The home {home.path} cannot be looked at ({error.strerror}).", "Run the doctor as root.")


def _check_known(facts: Facts, home: Home, content: dict[str, Any]) -> Iterator[Diagnosis]:
    path = home.path / KNOWN_MARKETPLACES
    for name, value in content.items():
        if name != facts.catalogue and not is_known_entry(value):
            yield problem(
                f"{path}: the entry {name!r} is malformed, which makes Claude Code drop all marketplaces (#94451).",
                f"Remove it: `claude plugin marketplace remove {name}`, or by hand.",
            )
    if facts.catalogue is None:
        return
    entry = known_entry(settings_root(facts.layout), "")
    if facts.catalogue not in content:
        yield problem(
            f"{path} does not know our catalogue; older clients load no plugin on their first start.", facts.run
        )
    elif with_known_entry(content, facts.catalogue, entry) != content:
        seen = content[facts.catalogue]
        where = seen.get("installLocation") if isinstance(seen, dict) else seen
        yield problem(
            f"{path}: the entry {facts.catalogue!r} points at {json.dumps(where)[:200]}, not at us.", facts.run
        )


def _check_settings(facts: Facts, home: Home, content: dict[str, Any]) -> Iterator[Diagnosis]:
    path = home.path / SETTINGS
    if content.get("disableAllHooks") is True:
        yield warning(f"{path} sets disableAllHooks, so the guard does not run.", "Take it out to have the guard back.")
    wanted = facts.wanted()
    for part in parts_of(wanted) if wanted else ():
        yield from _check_part(facts, str(path), part, content)


def _check_part(facts: Facts, path: str, part: Part, content: dict[str, Any]) -> Iterator[Diagnosis]:
    value: Any = content
    for key in part.keys:
        value = value.get(key) if isinstance(value, dict) else None
    name = ".".join(part.keys)
    if part.listed:
        if not isinstance(value, list) or part.value not in value:
            yield problem(f"{path} does not have our item of {name}.", facts.run)
    elif value is None:
        yield problem(f"{path} does not have {name}.", facts.run)
    elif value != part.value and part.keys[0] == PLUGINS:
        yield warning(
            f"{path} has {name} switched off, by the user's own choice.", "Set it to true to have the plugin back."
        )
    elif value != part.value:
        yield warning(f"{path} has its own {name}; ours is not in force.", "Take it out to have ours.")
