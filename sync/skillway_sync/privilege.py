"""As whom may a program run, and can every user of the laptop reach a file?

sync runs as root in system scope. It then starts nothing that a plain user could have replaced under root's
own rights: an interpreter below /opt/homebrew belongs to whoever installed Homebrew. Which interpreter that is
belongs to `interpreter`, how a home is written to `homes`.
"""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

NOBODY = 65534
"""A uid and gid that own nothing, on every Unix; it needs no entry in passwd."""

_EVERYONE_EXECUTES = 0o001
_EVERYONE_READS = 0o004


def is_root() -> bool:
    """Tell whether this process may write everywhere (never on Windows, where the question is another one)."""
    return sys.platform != "win32" and os.geteuid() == 0


def closed_to_others(path: Path, *, below: Path | None = None) -> Path | None:
    """Find what keeps other users from reading a file or entering a folder: a part of the path, or itself.

    Every link on the way is followed, and the folders that it leads through count as well.

    Args:
        path: The file or folder.
        below: A laptop root; what is above it is not part of the laptop and does not count.

    Returns:
        The first part that others may not pass (also one that does not exist), or None when the way is open.
    """
    if sys.platform == "win32":
        return None
    for step in (Path(os.path.abspath(path)), path.resolve()):  # noqa: PTH100 - the way as it is written, links and all
        for part in (*reversed(step.parents), step):
            if below is not None and below not in part.parents and below.resolve() not in part.parents:
                continue
            try:
                mode = part.stat().st_mode
            except OSError:
                return part
            needed = _EVERYONE_EXECUTES if stat.S_ISDIR(mode) else _EVERYONE_READS
            if not mode & needed:
                return part
    return None


def run_unprivileged(
    command: list[str],
    *,
    program: Path,
    seconds: float,
    **options: Any,  # noqa: ANN401 - those of subprocess.run
) -> subprocess.CompletedProcess[bytes]:
    """Run a program with a time limit; as root, run it as nobody, or as its owner where nobody cannot reach it.

    Args:
        command: The argv.
        program: The file whose owner it may run as at most.
        seconds: The time limit; the process is killed after it.
        **options: Further arguments of `subprocess.run`.

    Raises:
        OSError: It cannot be started.
        subprocess.TimeoutExpired: It was killed.
    """
    common: dict[str, Any] = {"capture_output": True, "timeout": seconds, **options}
    if sys.platform == "win32" or not is_root():
        return subprocess.run(command, check=False, **common)
    try:
        return subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], check=False, **common)
    except OSError as error:
        # EACCES: a private folder on the way. EINVAL, EPERM: a user namespace that maps no such uid.
        if error.errno not in (errno.EACCES, errno.EINVAL, errno.EPERM):
            raise
    owner = program.stat()
    if owner.st_uid == os.geteuid():
        return subprocess.run(command, check=False, **common)
    return subprocess.run(command, user=owner.st_uid, group=owner.st_gid, extra_groups=[], check=False, **common)
