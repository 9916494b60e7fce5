"""Where everything is on a laptop, by operating system, scope and laptop root.

All paths in use come from here. `--root DIR` puts the whole laptop below DIR, as DESTDIR does; what is then
written *into* files still names the real place below DIR, so that it works as it stands, unless `--image`
asks for the paths that the image will have once it is the root.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

SYSTEM = "system"
USER = "user"
POLICY_FILE = "50-skillway.json"

_ROOTS = {
    "linux": "/opt/skillway",
    "darwin": "/Library/Application Support/skillway",
    "win32": "C:/ProgramData/skillway",
}
_CONFIGS = {
    "linux": "/etc/skillway/config.json",
    "darwin": "/Library/Application Support/skillway-config/config.json",
    "win32": "C:/ProgramData/skillway-config/config.json",
}
_POLICIES = {
    "linux": "/etc/claude-code/managed-settings.d",
    "darwin": "/Library/Application Support/ClaudeCode/managed-settings.d",
    "win32": "C:/Program Files/ClaudeCode/managed-settings.d",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of one laptop. `root` holds all that skillway owns; the rest belongs to others.

    Attributes:
        scope: `system` (IT, every user, by managed policy) or `user` (one user, by their own settings).
        prefix: The laptop root from `--root`, or None for the running machine.
        image: Whether written paths leave the prefix out.
        root: The folder that is registered with Claude Code as a `directory` marketplace.
        config_file: What IT tells this laptop.
        policy_dir: Claude Code's folder of managed-settings fragments (system scope).
        homes: Homes given by `--home`; empty means "find them".
    """

    scope: str
    prefix: Path | None
    image: bool
    root: Path
    config_file: Path
    policy_dir: Path
    homes: tuple[Path, ...] = ()

    @property
    def store(self) -> Path:
        """Immutable plugin folders, `<plugin>/<digest>`."""
        return self.root / "store"

    @property
    def catalogue_file(self) -> Path:
        """The pointer: which folders a new session loads."""
        return self.root / ".claude-plugin" / "marketplace.json"

    @property
    def guard_pointer(self) -> Path:
        """One line, `<plugin>/<digest>`: the store folder whose hooks the launcher runs."""
        return self.root / "guard" / "current"

    @property
    def launcher(self) -> Path:
        """The launcher at its fixed place outside the store."""
        return self.root / "bin" / "run"

    @property
    def interpreter_file(self) -> Path:
        """One line: the absolute path of the interpreter for hooks."""
        return self.root / "bin" / "interpreter"

    @property
    def telemetry_file(self) -> Path:
        """Where events go, for every user's flusher; never the salt."""
        return self.root / "telemetry.json"

    @property
    def state(self) -> Path:
        """The program's own memory: status, index, trust, archives, lock."""
        return self.root / "state"

    @property
    def staging(self) -> Path:
        """Unfinished work, on the same volume as the store; emptied at the start of every run."""
        return self.root / "staging"

    @property
    def policy_file(self) -> Path:
        """Our managed-settings fragment."""
        return self.policy_dir / POLICY_FILE

    def written(self, path: Path) -> str:
        """Give the absolute path as files on the laptop must name it."""
        if self.image and self.prefix is not None:
            return "/" + path.relative_to(self.prefix).as_posix()
        return str(path)


def system_layout(
    *, prefix: Path | None = None, image: bool = False, config_file: Path | None = None, homes: tuple[Path, ...] = ()
) -> Layout:
    """Lay out a laptop that IT manages for all its users."""
    system = "win32" if sys.platform == "win32" else "darwin" if sys.platform == "darwin" else "linux"

    def place(path: str) -> Path:
        if prefix is None:
            return Path(path)
        return Path(os.path.abspath(prefix)) / Path(path).relative_to(Path(path).anchor)  # noqa: PTH100 - resolve() would follow links

    return Layout(
        scope=SYSTEM,
        prefix=None if prefix is None else Path(os.path.abspath(prefix)),  # noqa: PTH100 - as above
        image=image,
        root=place(_ROOTS[system]),
        config_file=config_file or place(_CONFIGS[system]),
        policy_dir=place(_POLICIES[system]),
        homes=homes,
    )


def user_layout(*, home: Path, config_file: Path | None = None, environment: dict[str, str] | None = None) -> Layout:
    """Lay out one user's own installation; needs no rights but the user's."""
    env = os.environ if environment is None else environment
    if sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        data = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    settings = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "skillway" / "config.json"
    return Layout(
        scope=USER,
        prefix=None,
        image=False,
        root=data / "skillway",
        config_file=config_file or settings,
        policy_dir=home / ".claude",
        homes=(home,),
    )
