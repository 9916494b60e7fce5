"""Where on this laptop is what the program shares with the hooks: the store's root, the hooks, the user's state folder?

Knows places only. In a checkout nothing is installed, and every answer but the state folder is None.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_UP_TO_ROOT = 6  # <root>/store/<plugin>/<digest>/skills/<skill>/scripts/laptop.py
_MOST_BYTES = 64 * 1024


def root_folder() -> Path | None:
    """Return the root that sync installed this program in."""
    parents = Path(__file__).resolve().parents
    if len(parents) > _UP_TO_ROOT and parents[_UP_TO_ROOT - 1].name == "store":
        return parents[_UP_TO_ROOT]
    return None


def hooks_folder() -> Path | None:
    """Return the folder of the hooks that are in use, as `<root>/guard/current` names it."""
    root = root_folder()
    if root is None:
        return None
    try:
        named = (root / "guard" / "current").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    folder = root / "store" / named / "hooks"
    return folder if named.count("/") == 1 and ".." not in named and folder.is_dir() else None


def plugin_version() -> str | None:
    """Return the version of the plugin that this program belongs to."""
    manifest = read_object(Path(__file__).resolve().parents[3] / ".claude-plugin" / "plugin.json")
    version = manifest.get("version")
    return version if isinstance(version, str) else None


def state_folder() -> Path | None:
    """Return the user's state folder, where hooks keep the spool; the same rule as in the hooks' `spool.py`."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        return Path(local, "skillway-state") if local else None
    home = os.environ.get("HOME", "")
    if not home.startswith("/"):
        return None
    if sys.platform == "darwin":
        return Path(home, "Library", "Application Support", "skillway-state")
    told = os.environ.get("XDG_STATE_HOME", "")
    return (Path(told) if told.startswith("/") else Path(home, ".local", "state")) / "skillway"


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a small file; an empty one when there is none that can be read."""
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
