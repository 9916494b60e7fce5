"""How does a hook start the flusher without waiting for it?

A process of its own session that outlives the hook and Claude Code: at the end of a session whatever is still below
the hook is killed, so the hook exits at once and the flusher belongs to nobody. Its environment is a list of what it
needs; a hook's has the API key in it.
"""

import sys

from payload import environment, folder_of

PROGRAMS = ("flush.py", "record.py")
"""Entries beside this file that no hook command names: hooks start the first, sync both. The build ships what is named."""

_NEEDED = (
    "HOME", "PATH", "TMPDIR", "LANG", "XDG_STATE_HOME", "DO_NOT_TRACK", "CI", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SKILLWAY_TELEMETRY", "SKILLWAY_SPOOL_MODE", "LOCALAPPDATA", "USERPROFILE", "SYSTEMROOT", "TEMP",
)  # fmt: skip


def start_flusher() -> bool:
    """Start it; tell whether that worked. It finds out itself whether there is anything to do."""
    script = folder_of(__file__) + "/" + PROGRAMS[0]
    argv = [sys.executable, "-I", "-S", script]
    variables = {name: environment(name) for name in _NEEDED if environment(name)}
    if not sys.executable:
        return False
    try:
        from posix import O_RDWR, POSIX_SPAWN_OPEN, posix_spawn

        quiet = [(POSIX_SPAWN_OPEN, number, "/dev/null", O_RDWR, 0) for number in (0, 1, 2)]
        posix_spawn(argv[0], argv, variables, file_actions=quiet, setsid=True)
    except (ImportError, NotImplementedError):
        return _start_slowly(argv, variables)
    except OSError:
        return False
    return True


def _start_slowly(argv: "list[str]", variables: "dict[str, str]") -> bool:
    """Start it where there is no posix_spawn with a session of its own: Windows, old systems."""
    import subprocess

    no_window = 0x08000000
    detached = 0x00000008
    breakaway = 0x01000000
    flags = no_window | detached | breakaway if sys.platform == "win32" else 0
    quiet = subprocess.DEVNULL
    try:
        subprocess.Popen(
            argv, stdin=quiet, stdout=quiet, stderr=quiet, env=variables, start_new_session=True, creationflags=flags
        )
    except OSError:
        return False
    return True
