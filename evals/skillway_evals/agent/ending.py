"""How does nothing of a session stay behind?

The client starts each Bash command as a process group of its own (seen on 2.1.197), so killing the client's group
does not reach them; and what a command put into the background belongs to nobody once its parent has ended. So all
that descends from the client, and all that works in the session's folder, is ended too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_PS = ("ps", "-Ao", "pid=,ppid=")


def end_session(client: int, folder: Path) -> None:
    """End the client, its group, its descendants and whatever works below a folder.

    Args:
        client: The client's process id; it leads a group. It may have ended, but must not have been waited for by
            others, so that its number cannot be somebody else's.
        folder: The session's own folder, which nobody else works in.
    """
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(client)], capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(client, signal.SIGSTOP)  # it starts nothing more while we look
    doomed = [*descendants(client), *_working_in(folder)]
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(client, signal.SIGKILL)
    for process in doomed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """List the children of a process, and theirs; empty where `ps` does not tell."""
    try:
        listed = subprocess.run(_PS, capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = line.split()
        children.setdefault(int(parent), []).append(int(child))
    found: list[int] = []
    waiting = [process]
    while waiting:
        more = children.get(waiting.pop(), [])
        found += more
        waiting += more
    return found


def _working_in(folder: Path) -> Iterable[int]:
    """List the processes whose working folder is a folder or below it; empty where there is no /proc."""
    wanted = str(folder.resolve())
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            place = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            if (place == wanted or place.startswith(f"{wanted}/")) and int(entry.name) != os.getpid():
                yield int(entry.name)
