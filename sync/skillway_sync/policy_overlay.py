"""How does one program see a policy folder as /etc/claude-code, while nothing else on the machine does?

Linux only: a mount namespace of the program's own, made by `unshare`, as root or with a user namespace. What is
mounted ends with the program. macOS and Windows have nothing like it; `can_overlay` says so in a sentence.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

POLICY_HOME = "/etc/claude-code"
SYSTEM_PATH = "/usr/bin:/bin"
"""Where the programs of this module are looked for, and all the PATH that a client gets."""
_TRIAL_SECONDS = 20

# $1 is the policy folder, $2 an empty work folder outside /etc, the rest the program. The first way needs an
# overlay file system, which older kernels refuse in a user namespace; the second rebuilds /etc from links.
_MOUNT = """
set -e
policy=$1 work=$2; shift 2
if [ ! -d /etc/claude-code ]; then
    mkdir -p "$work/layer/claude-code"
    if ! mount -t overlay overlay -o "lowerdir=$work/layer:/etc" /etc 2>/dev/null; then
        mkdir -p "$work/etc"
        mount --rbind /etc "$work/etc"
        mount -t tmpfs -o mode=755 tmpfs /etc
        for entry in "$work"/etc/* "$work"/etc/.[!.]*; do
            if [ -e "$entry" ] || [ -L "$entry" ]; then ln -s "$entry" /etc/; fi
        done
        mkdir /etc/claude-code
    fi
fi
mount --bind "$policy" /etc/claude-code
exec "$@"
"""


def overlaid(command: list[str], *, policy_dir: Path, work: Path) -> list[str]:
    """Wrap a command so that it sees `policy_dir` as /etc/claude-code.

    Args:
        command: The program and its arguments.
        policy_dir: The folder that has `managed-settings.d`.
        work: An empty folder outside /etc, readable to the user that the program runs as, and there as long as
            the program runs. Its path may have neither a comma nor a colon, which part mount's options.
    """
    namespace = ["unshare", "-m"] if _is_root() else ["unshare", "-r", "-m"]
    return [*namespace, "/bin/sh", "-c", _MOUNT, "policy-overlay", str(policy_dir), str(work), *command]


@functools.cache
def can_overlay() -> str | None:
    """Try it once; None when it works, else one sentence that says why not."""
    if sys.platform != "linux":
        return f"A policy cannot be laid over /etc for one program on {sys.platform}, only on Linux."
    for program in ("unshare", "mount"):
        if shutil.which(program, path=SYSTEM_PATH) is None:
            return f"The program {program} (util-linux) is missing, so no policy can be laid over /etc."
    with tempfile.TemporaryDirectory(prefix="skillway-overlay-") as folder:
        return _trial(Path(folder))


def _trial(folder: Path) -> str | None:
    policy_dir, work = folder / "policy", folder / "work"
    policy_dir.mkdir()
    work.mkdir()
    (policy_dir / "trial").write_text("seen\n", encoding="utf-8")
    command = overlaid(["/bin/cat", f"{POLICY_HOME}/trial", "/etc/passwd"], policy_dir=policy_dir, work=work)
    try:
        trial = subprocess.run(command, capture_output=True, text=True, timeout=_TRIAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"A mount namespace could not be tried here ({error})."
    if trial.returncode == 0 and trial.stdout.startswith("seen\n"):
        return None
    said = " ".join((trial.stderr or trial.stdout).split())[:200]
    return f"This machine refuses a mount namespace of one's own ({said or f'exit code {trial.returncode}'})."


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
