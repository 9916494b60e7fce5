"""What does sync write into users' homes, and how does it take exactly that out again?

System scope: our entry in `~/.claude/plugins/known_marketplaces.json`, without which client 2.1.197 loads no
plugin on its first start. User scope: that, and our parts of `~/.claude/settings.json`, which the user can
switch off. How a file is kept whole belongs to `user_file`, what is ours in it to `settings` and `record`.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from skillway_sync.disk import Disk
from skillway_sync.errors import ConfigError, SyncError
from skillway_sync.homes import Home, as_owner, find_homes, linked_folder
from skillway_sync.layout import USER, Layout
from skillway_sync.policy import directory_source, settings_root, wanted_settings
from skillway_sync.privilege import is_root
from skillway_sync.record import Record, load_record, missing_parts, save_record
from skillway_sync.release_document import Release, ReleasedPlugin
from skillway_sync.settings import Owned, Part, merge_parts, parts_of, recognise_ours
from skillway_sync.user_file import NotJsonError, change_user_file, read_user_file

KNOWN_MARKETPLACES = Path(".claude", "plugins", "known_marketplaces.json")
SETTINGS = Path(".claude", "settings.json")
_AN_OLD_TIME = "1970-01-01T00:00:00.000Z"


def check_personal(
    layout: Layout, release: Release, selected: dict[str, ReleasedPlugin], fragments: list[dict[str, Any]]
) -> None:
    """Find out whether `apply_personal` can do its work, before anything of an update is committed.

    Raises:
        ConfigError: In user scope: the user's settings.json cannot be read or merged. Nothing was changed.
    """
    if layout.scope != USER:
        return
    wanted = parts_of(wanted_settings(layout, release.catalogue, selected, fragments))
    record = load_record(layout)
    for home in find_homes(layout):
        _refuse_foreign_home(home)
        _merged_settings(home, wanted, _owned(record, home, layout, release.catalogue))


def apply_personal(
    layout: Layout,
    disk: Disk,
    release: Release,
    selected: dict[str, ReleasedPlugin],
    fragments: list[dict[str, Any]],
) -> list[str]:
    """Bring every home to what the release wants of it; where nothing differs, nothing is written.

    In system scope the trouble of one home is a warning and the others go on.

    Args:
        layout: The laptop's places.
        disk: What writes; in a child that became another user, a copy of it does.
        release: The release that was applied.
        selected: From plugin name to its entry: those of this laptop.
        fragments: The base plugin's settings fragments, in order.

    Returns:
        What a person should know, one sentence each.

    Raises:
        ConfigError: In user scope: the user's settings.json cannot be read or merged; no file was changed.
    """
    wanted = parts_of(wanted_settings(layout, release.catalogue, selected, fragments))
    warnings: list[str] = []
    for home in find_homes(layout):
        if layout.scope == USER:
            _refuse_foreign_home(home)
            warnings += _apply_settings(layout, disk, home, wanted, release.catalogue)
        try:
            _refuse_links(layout, home)
            warnings += _apply_known(layout, disk, home, release)
        except (SyncError, OSError) as error:
            warnings.append(f"The home {home.path} was left out: {error}")
    return warnings


def _refuse_foreign_home(home: Home) -> None:
    if is_root() and home.uid != os.geteuid():
        raise ConfigError(
            f"The home {home.path} belongs to uid {home.uid}, and --user was started as root.",
            fix="Let that user run skillway-sync, or install for everybody with --system.",
        )


def _refuse_links(layout: Layout, home: Home) -> None:
    link = linked_folder(home) if is_root() and layout.scope != USER else None
    if link is not None:
        raise SyncError(
            f"{link} is a link, and root follows no link in a user's home.",
            fix="Replace it by a folder, or let the user run skillway-sync with --user.",
        )


# --- settings.json (user scope) ---------------------------------------------------------------------------------


def _owned(record: Record, home: Home, layout: Layout, catalogue: str) -> Owned:
    path = home.path / SETTINGS
    if str(path) in record.settings or not record.is_lost:
        return record.settings.get(str(path), Owned())
    return recognise_ours(read_user_file(path).content, root=settings_root(layout), catalogue=catalogue)


def _merged_settings(home: Home, wanted: tuple[Part, ...], owned: Owned) -> tuple[dict[str, Any], Owned, list[str]]:
    path = home.path / SETTINGS
    return merge_parts(read_user_file(path).content, wanted, owned, where=str(path))


def _apply_settings(layout: Layout, disk: Disk, home: Home, wanted: tuple[Part, ...], catalogue: str) -> list[str]:
    """Merge our parts into a user's settings; the record is written before them and made exact after."""
    path = home.path / SETTINGS
    record = load_record(layout)
    owned = _owned(record, home, layout, catalogue)
    _, ours, notes = _merged_settings(home, wanted, owned)
    both = Owned((*ours.parts, *(part for part in owned.parts if part not in ours.parts)), ours.containers)
    created = tuple(str(part) for part in missing_parts(path) if str(part) not in record.created)
    before = replace(record, catalogue=catalogue, created=record.created + created, is_lost=False)
    save_record(layout, disk, replace(before, settings={**record.settings, str(path): both}))

    def change(content: dict[str, Any]) -> dict[str, Any]:
        return merge_parts(content, wanted, owned, where=str(path))[0]

    change_user_file(disk, path, change)
    save_record(layout, disk, replace(before, settings={**record.settings, str(path): ours}))
    return notes


# --- known_marketplaces.json ------------------------------------------------------------------------------------


def _apply_known(layout: Layout, disk: Disk, home: Home, release: Release) -> list[str]:
    path = home.path / KNOWN_MARKETPLACES
    entry = known_entry(settings_root(layout), release.created)
    plan = as_owner(home, lambda: _look_at_known(path, release.catalogue, entry))
    warnings: list[str] = plan["warnings"]
    if not plan["differs"]:
        return warnings
    record = load_record(layout)
    created = tuple(part for part in plan["missing"] if part not in record.created)
    save_record(
        layout, disk, replace(record, catalogue=release.catalogue, created=record.created + created, is_lost=False)
    )

    def change(content: dict[str, Any]) -> dict[str, Any]:
        return with_known_entry(content, release.catalogue, entry)

    return warnings + as_owner(home, lambda: _write_known(disk, path, change))


def known_entry(root: str, created: str) -> dict[str, Any]:
    """Make our entry as Claude Code writes one; its time is the release's, so that no clock plays a part."""
    try:
        when = datetime.fromisoformat(created.replace("Z", "+00:00")).astimezone(timezone.utc)
        updated = when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
    except ValueError:
        updated = _AN_OLD_TIME
    return {"source": directory_source(root), "installLocation": root, "lastUpdated": updated}


def with_known_entry(content: dict[str, Any], catalogue: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Give the content with our entry right; a time that Claude Code noted in it stays, and every other entry."""
    present = content.get(catalogue)
    if not isinstance(present, dict):
        return {**content, catalogue: entry}
    time_kept = {"lastUpdated": present["lastUpdated"]} if isinstance(present.get("lastUpdated"), str) else {}
    return {**content, catalogue: {**present, **entry, **time_kept}}


def _look_at_known(path: Path, catalogue: str, entry: dict[str, Any]) -> dict[str, Any]:
    missing = [str(part) for part in missing_parts(path)]
    try:
        content = read_user_file(path).content
    except NotJsonError:
        return {"differs": True, "missing": missing, "warnings": []}
    warnings = [
        f"{path}: the entry {name!r} is malformed, which makes Claude Code drop all marketplaces; it is not ours and was left."
        for name, value in content.items()
        if name != catalogue and not is_known_entry(value)
    ]
    present = content.get(catalogue)
    differs = with_known_entry(content, catalogue, entry) != content
    if differs and present is not None:
        where = present.get("installLocation") if isinstance(present, dict) else present
        warnings.append(f"{path}: the entry {catalogue!r} pointed at {where!r} and was set right.")
    return {"differs": differs, "missing": missing, "warnings": warnings}


def is_known_entry(value: object) -> bool:
    """Tell whether Claude Code can read an entry of known_marketplaces.json; one bad entry disables all (#94451)."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("source"), dict)
        and isinstance(value.get("installLocation"), str)
    )


def _write_known(disk: Disk, path: Path, change: Any) -> list[str]:  # noqa: ANN401 - a function of the content
    try:
        change_user_file(disk, path, change)
    except NotJsonError as error:
        # Claude Code cannot use it either, and without an entry of ours older clients load nothing.
        aside = _free_name(path)
        disk.rename(os.path.realpath(path), aside)
        change_user_file(disk, path, change)
        return [f"{error.message[:-1]}; it was kept as {aside} and a new one with our entry was written."]
    return []


def _free_name(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for number in range(1000):
        name = path.with_name(f"{path.name}.broken-{stamp}{f'-{number}' if number else ''}")
        if not os.path.lexists(name):
            return name
    raise SyncError(f"There are too many broken copies beside {path}.", fix="Remove those that nobody needs.")


# --- removal ----------------------------------------------------------------------------------------------------


def remove_personal(layout: Layout, disk: Disk) -> list[str]:
    """Take exactly our parts out of every home, and the files and folders that were made for them when they are empty.

    Returns:
        What could not be taken out, one sentence each; it stays on record for the next attempt.
    """
    record = load_record(layout)
    catalogue = record.catalogue or _catalogue_on_disk(layout)
    warnings: list[str] = []
    left = dict(record.settings)
    for home in _homes_for_removal(layout, record):
        try:
            _refuse_links(layout, home)
            if layout.scope == USER:
                _refuse_foreign_home(home)
                _remove_settings(disk, home, _owned(record, home, layout, catalogue or ""))
                left.pop(str(home.path / SETTINGS), None)
            as_owner(home, lambda home=home: _remove_from_home(layout, disk, home, record, catalogue))  # type: ignore[misc]
        except (SyncError, OSError) as error:
            warnings.append(f"Our parts in {home.path} could not all be taken out: {error}")
    if not record.is_lost:
        created = tuple(path for path in record.created if os.path.lexists(path))
        save_record(layout, disk, replace(record, settings=left, created=created))
    return warnings


def _homes_for_removal(layout: Layout, record: Record) -> list[Home]:
    """List today's homes and those on record that still exist, such as the home of an account that is gone."""
    homes = {home.path: home for home in find_homes(layout)}
    for path in map(Path, (*record.created, *record.settings)):
        home = next((part.parent for part in (path, *path.parents) if part.name == ".claude"), None)
        if home is not None and home not in homes and home.is_dir():
            status = home.stat()
            homes[home] = Home(home, status.st_uid, status.st_gid)
    return list(homes.values())


def _catalogue_on_disk(layout: Layout) -> str | None:
    try:
        name = read_user_file(layout.catalogue_file).content.get("name")
    except ConfigError:
        return None
    return name if isinstance(name, str) else None


def _remove_settings(disk: Disk, home: Home, owned: Owned) -> None:
    path = home.path / SETTINGS
    change_user_file(disk, path, lambda content: merge_parts(content, (), owned, where=str(path))[0])


def _remove_from_home(layout: Layout, disk: Disk, home: Home, record: Record, catalogue: str | None) -> None:
    try:
        _remove_known(layout, disk, home, catalogue)
    finally:
        _remove_created(disk, home, record)


def _remove_known(layout: Layout, disk: Disk, home: Home, catalogue: str | None) -> None:
    root = settings_root(layout)

    def is_ours(name: str, entry: object) -> bool:
        if not isinstance(entry, dict):
            return name == catalogue
        return root in (entry.get("installLocation"), (entry.get("source") or {}).get("path")) or name == catalogue

    def change(content: dict[str, Any]) -> dict[str, Any]:
        return {name: entry for name, entry in content.items() if not is_ours(name, entry)}

    change_user_file(disk, home.path / KNOWN_MARKETPLACES, change)


def _remove_created(disk: Disk, home: Home, record: Record) -> None:
    for path in reversed([Path(path) for path in record.created]):
        if home.path not in path.parents or path.is_symlink():
            continue
        if path.is_dir():
            if not any(path.iterdir()):
                disk.rmdir(path)
        elif path.is_file() and read_user_file(path).content == {}:
            disk.remove(path)
