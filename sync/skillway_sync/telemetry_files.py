"""What do users' flushers and hooks read of IT's telemetry configuration, and where is it put?

`<root>/telemetry.json` is one for the laptop. `user.json` in each user's state folder has their own pseudonym and
team and nobody else's. The salt is in neither: a salt that a user can read turns the pseudonyms back into names.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from skillway_sync.config import Config
from skillway_sync.disk import Disk
from skillway_sync.errors import SyncError
from skillway_sync.homes import Home, as_owner, find_homes
from skillway_sync.layout import SYSTEM, USER, Layout
from skillway_sync.privilege import is_root
from skillway_sync.record import load_record, missing_parts, note_created
from skillway_sync.telemetry_config import Person, Telemetry

SCHEMA = 1
USER_FILE = "user.json"
HASH_BYTES = 16
_OUR_KEYS = frozenset({"schema", "user.hash", "team.id"})
_MOST_BYTES = 4096
_USER_MODE = 0o600


def telemetry_mode(layout: Layout) -> int:
    """Give the permission bits of telemetry.json: every user's flusher reads it, or only the one user's."""
    return 0o644 if layout.scope == SYSTEM else 0o600


def render_telemetry(telemetry: Telemetry) -> bytes | None:
    """Make the bytes of telemetry.json; None when the configuration says nothing about telemetry."""
    if not telemetry.is_given:
        return None
    content = {
        "schema": SCHEMA,
        "endpoint": telemetry.endpoint,
        "headers": telemetry.headers,
        "key_id": telemetry.key_id,
        "always": telemetry.always,
        "environment": telemetry.environment,
        "ca_file": telemetry.ca_file,
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def load_telemetry(layout: Layout) -> dict[str, Any] | None:
    """Read telemetry.json as it stands on this laptop; None when it is not there.

    Raises:
        ValueError: It is damaged.
        OSError: It cannot be read.
    """
    try:
        content = json.loads(layout.telemetry_file.read_bytes())
    except FileNotFoundError:
        return None
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"not an object of schema {SCHEMA}")
    return content


def describe_telemetry(layout: Layout) -> tuple[dict[str, Any], str]:
    """Say where events go: for the JSON of `status`, and as its line for a person. Header values are left out."""
    try:
        content = load_telemetry(layout) or {}
    except (OSError, ValueError) as error:
        fault = getattr(error, "strerror", None) or str(error)
        return {"error": fault}, f"telemetry    {layout.telemetry_file} cannot be used ({fault})"
    facts = {key: content.get(key) for key in ("endpoint", "key_id", "environment", "always")}
    if not facts["endpoint"]:
        return facts, "telemetry    no endpoint; events stay on this laptop"
    key = f" (key {facts['key_id']})" if facts["key_id"] else ""
    return facts, f"telemetry    {facts['endpoint']}{key}"


def pseudonym(salt: str, person_id: str) -> str:
    """Make a `user.hash`: 32 hex digits, the same for an id in any case, and not to be tried out without the salt."""
    name = person_id.strip().lower().encode()
    return hmac.new(salt.encode(), name, hashlib.sha256).digest()[:HASH_BYTES].hex()


def render_user(person: Person | None, salt: str | None) -> bytes | None:
    """Make the bytes of one user.json; None when there is nothing to say of the person."""
    content: dict[str, Any] = {"schema": SCHEMA}
    if person is not None and person.id is not None and salt is not None:
        content["user.hash"] = pseudonym(salt, person.id)
    if person is not None and person.team is not None:
        content["team.id"] = person.team
    return (json.dumps(content) + "\n").encode() if len(content) > 1 else None


def state_folder(layout: Layout, home: Home) -> Path:
    """Name a user's state folder, where hooks keep the spool.

    As root a user's own XDG_STATE_HOME cannot be known; the default place is taken then.
    """
    if sys.platform == "darwin":
        return home.path / "Library" / "Application Support" / "skillway-state"
    own = os.environ.get("XDG_STATE_HOME", "") if layout.scope == USER else ""
    return (Path(own) if own.startswith("/") else home.path / ".local" / "state") / "skillway"


def person_of(config: Config, home: Home) -> Person | None:
    """Find who a home belongs to: by login on a shared laptop, else the one user."""
    return config.users.get(login_of(home), config.user)


def login_of(home: Home) -> str:
    """Give the login of a home's owner; without an account, the folder's name."""
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):
            account = pwd.getpwuid(home.uid)
            if Path(account.pw_dir) == home.path:
                return account.pw_name
    return home.path.name


def apply_users_telemetry(layout: Layout, disk: Disk, config: Config) -> list[str]:
    """Give every home its user.json, or take away one of ours that nothing stands for any more.

    Returns:
        What a person should know, one sentence each; the trouble of one home does not stop the others.
    """
    has_people = config.user is not None or bool(config.users)
    if not has_people and not any(path.endswith(f"/{USER_FILE}") for path in load_record(layout).created):
        return []
    warnings = []
    for home in find_homes(layout):
        try:
            _apply_user(layout, disk, home, render_user(person_of(config, home), config.telemetry.salt))
        except (SyncError, OSError) as error:
            warnings.append(f"The telemetry name of {home.path} was left as it is: {error}")
    return warnings


def _apply_user(layout: Layout, disk: Disk, home: Home, wanted: bytes | None) -> None:
    if is_root() and layout.scope == USER and home.uid != os.geteuid():
        return
    path = state_folder(layout, home) / USER_FILE
    if wanted is None:
        as_owner(home, lambda: _remove_ours(disk, path))
        return
    if as_owner(home, lambda: _is_there(path, wanted)):
        return
    note_created(layout, disk, [Path(part) for part in as_owner(home, lambda: [str(p) for p in missing_parts(path)])])
    as_owner(home, lambda: _put(disk, path, wanted))


def _is_there(path: Path, wanted: bytes) -> bool:
    try:
        status = path.lstat()
        return (
            stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == _USER_MODE and path.read_bytes() == wanted
        )
    except OSError:
        return False


def _put(disk: Disk, path: Path, data: bytes) -> None:
    disk.make_folders(path.parent, 0o700)
    if path.is_dir() and not path.is_symlink():
        disk.remove_tree(path)
    disk.replace(path, data, _USER_MODE, durable=False)


def remove_users_telemetry(layout: Layout, disk: Disk) -> list[str]:
    """Take our user.json out of every home; gives what could not be taken out, one sentence each."""
    warnings = []
    for home in find_homes(layout):
        path = state_folder(layout, home) / USER_FILE
        try:
            as_owner(home, lambda path=path: _remove_ours(disk, path))  # type: ignore[misc]
        except (SyncError, OSError) as error:
            warnings.append(f"Our parts in {home.path} could not all be taken out: {error}")
    return warnings


def _remove_ours(disk: Disk, path: Path) -> None:
    """Remove the file, unless somebody put something else in its place."""
    disk.sweep([path.parent])
    try:
        if not stat.S_ISREG(path.lstat().st_mode) or path.stat().st_size > _MOST_BYTES:
            return
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    if isinstance(content, dict) and set(content) <= _OUR_KEYS and content.get("schema") == SCHEMA:
        disk.remove(path)
