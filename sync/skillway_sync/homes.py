"""Whose homes does this laptop have, and how is one written to without trusting its owner?

As root, everything in a user's home is done by a child process that has become that user: a link that the user
planted then leads only where the user could have written anyway. What is written there is for `personal`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from skillway_sync import errors
from skillway_sync.errors import ConfigError, SyncError
from skillway_sync.layout import SYSTEM, Layout
from skillway_sync.privilege import is_root

T = TypeVar("T")

FIRST_PERSON = 500 if sys.platform == "darwin" else 1000
"""The lowest uid of a person; below are the system's own accounts."""

CHILD_SECONDS = 30.0
"""A home on a server that does not answer must not hold up the other users."""

_SHARED = frozenset({"Shared", "Public", "Default", "All Users", "Default User"})
_PARENTS = ("home", "Users")


@dataclass(frozen=True, slots=True)
class Home:
    """One user's home folder with its owner."""

    path: Path
    uid: int
    gid: int


def find_homes(layout: Layout) -> list[Home]:
    """List the homes that this laptop's per-user parts belong in, by path.

    Homes that the layout names are taken as they are. Otherwise, below a laptop root: every folder of `home` and
    `Users`; on the running machine: the accounts of people, and folders of /home and /Users that a person owns,
    because accounts of a directory service are not listed.

    Raises:
        ConfigError: A home that was named does not exist.
    """
    if layout.homes:
        return [_named_home(path) for path in layout.homes]
    if layout.scope != SYSTEM:
        return []
    if layout.prefix is not None:
        found = list(_folders_of_homes(layout.prefix))
    else:
        found = [home for home in (*_accounts(), *_folders_of_homes(Path("/"))) if home.uid >= FIRST_PERSON]
    return sorted({home.path: home for home in found}.values(), key=lambda home: str(home.path))


def _named_home(path: Path) -> Home:
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigError(
            f"The home {path} cannot be used: {error.strerror}.", fix="Name a home that exists with --home."
        ) from error
    return Home(path, status.st_uid, status.st_gid)


def _folders_of_homes(anchor: Path) -> Iterator[Home]:
    for parent in _PARENTS:
        try:
            entries = sorted(os.scandir(anchor / parent), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name not in _SHARED and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield Home(Path(entry.path), status.st_uid, status.st_gid)


def _accounts() -> Iterator[Home]:
    if sys.platform == "win32":
        return
    import pwd

    for account in pwd.getpwall():
        path = Path(account.pw_dir)
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        if account.pw_uid >= FIRST_PERSON and owner == account.pw_uid and path.is_absolute():
            yield Home(path, account.pw_uid, account.pw_gid)


def linked_folder(home: Home) -> Path | None:
    """Find a link in the place of `~/.claude` or `~/.claude/plugins`; as root, such a home is not written."""
    for folder in (home.path / ".claude", home.path / ".claude" / "plugins"):
        if folder.is_symlink():
            return folder
    return None


def as_owner(home: Home, action: Callable[[], T]) -> T:
    """Do something with the rights of a home's owner.

    When this process is root and the owner is not, a forked child gives up its groups, gid and uid for good and
    does it. Otherwise it is simply done. What the action needs is imported before: the child may not be able to
    read this program's own files.

    Args:
        home: The home.
        action: What to do. From a child its result comes back as JSON, so it is made of lists, string-keyed
            mappings, texts, numbers and None. JSON, because a child that is the user's must not hand root a pickle.

    Raises:
        SyncError: As the action raised it, or the child ended without an answer, in time or at all.
        OSError: As the action raised it.
    """
    if sys.platform == "win32" or not is_root() or home.uid == os.geteuid():
        return action()
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_the_child(home, action, writing)
    os.close(writing)
    answer = _await_answer(child, reading, home)
    return cast("T", _unpack(answer, home))


def _be_the_child(home: Home, action: Callable[[], object], writing: int) -> NoReturn:
    try:
        os.setgroups([])
        os.setgid(home.gid)
        os.setuid(home.uid)
        answer: dict[str, Any] = {"result": action()}
    except SyncError as error:
        answer = {"sync_error": type(error).__name__, "message": error.message, "fix": error.fix}
    except OSError as error:
        answer = {"errno": error.errno or 0, "text": error.strerror or str(error), "file": str(error.filename or "")}
    except BaseException as error:  # noqa: BLE001 - a forked child must never return into its parent's frames
        answer = {"fault": _in_a_line(error)}
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
    finally:
        # _exit: what the parent has registered for its own end must not run twice.
        os._exit(0)


def _in_a_line(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__, limit=-1)
    place = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return f"{type(error).__name__}: {error}{place}"


def _await_answer(child: int, reading: int, home: Home) -> bytes:
    chunks: list[bytes] = []
    deadline = time.monotonic() + CHILD_SECONDS
    try:
        while True:
            ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                os.kill(child, signal.SIGKILL)
                raise SyncError(
                    f"The home {home.path} did not answer within {CHILD_SECONDS:.0f} s.",
                    fix="Check the disk or server that holds it; the next run tries again.",
                )
            chunk = os.read(reading, 1 << 16)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
    finally:
        os.close(reading)
        _reap(child)


def _reap(child: int) -> None:
    """Collect the child; one that hangs in the kernel on a dead server is left behind, not waited for."""
    for _ in range(100):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.01)


def _unpack(answer: bytes, home: Home) -> object:
    try:
        content = json.loads(answer)
    except ValueError:
        raise SyncError(
            f"The process that writes the home {home.path} as uid {home.uid} ended without an answer.",
            fix="Run skillway-sync doctor; if it happens again, report it with this sentence.",
        ) from None
    if "result" in content:
        return content["result"]
    if "sync_error" in content:
        kind = getattr(errors, str(content["sync_error"]), SyncError)
        leaf = kind if isinstance(kind, type) and issubclass(kind, SyncError) else SyncError
        raise leaf(str(content["message"]), fix=str(content["fix"]))
    if "errno" in content:
        raise OSError(int(content["errno"]), str(content["text"]), str(content["file"]))
    raise SyncError(
        f"The home {home.path} was left as it is, because of a fault in skillway-sync: {content.get('fault')}",
        fix="Report it with this sentence; the other homes are not affected.",
    )
