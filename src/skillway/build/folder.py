"""Who may write to a build's folder, and what is cleared away in it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from skillway.build.faults import OutputError
from skillway.build.product import UNFINISHED, is_digest
from skillway.errors import ConflictError
from skillway_sync.lock import BusyError, exclusive_lock
from skillway_sync.release_document import is_name

WAIT_SECONDS = 60.0
"""How long a build waits for another one in the same folder; twenty times the longest build that is allowed."""
_POLL_SECONDS = 0.05
_SOURCES = ("base-plugin", "developer-tools", "skills", "hooks")


def refuse_sources_as_output(repository: Path, out: Path) -> None:
    """Refuse a folder for the build that lies inside the sources.

    Raises:
        ConflictError: It does, so the build would become part of a plugin.
    """
    real = Path(os.path.realpath(out))
    for name in _SOURCES:
        source = Path(os.path.realpath(repository / name))
        if real == source or source in real.parents:
            raise ConflictError(f"{out} lies in the sources ({name}).", fix="Choose a folder outside with --out.")


@contextmanager
def locked(folder: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Make a folder if needed and be the only build that writes to it, waiting while another one does.

    Raises:
        ConflictError: The other one did not end in time.
        OutputError: The folder cannot be made or written to.
    """
    deadline = time.monotonic() + wait_seconds
    with ExitStack() as held:
        while True:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                held.enter_context(exclusive_lock(folder))
                break
            except BusyError:
                if time.monotonic() > deadline:
                    message = f"Another build has been writing to {folder} for {wait_seconds:.0f} s."
                    raise ConflictError(message, fix="Wait until it ends, or stop it.") from None
                time.sleep(_POLL_SECONDS)
            except OSError as error:
                raise OutputError(folder, error) from error
        yield


def prune(out: Path, current: Mapping[str, Collection[str]]) -> None:
    """Remove former digests and unfinished files; what the build did not make is left alone.

    Args:
        out: The build's folder.
        current: From plugin name to the digests that stay.
    """
    for unfinished in out.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            unfinished.unlink()
    for folder in _entries(out / "plugins"):
        if not is_name(folder.name):
            continue
        for version in _entries(folder):
            if version.name in current.get(folder.name, ()):
                for unfinished in version.glob(f"{UNFINISHED}*"):
                    with suppress(OSError):
                        unfinished.unlink()
            elif is_digest(version.name):
                shutil.rmtree(version, ignore_errors=True)
        with suppress(OSError):
            folder.rmdir()


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]
    return []
