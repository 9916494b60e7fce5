"""Which relative paths may exist in a plugin, on every operating system that a laptop may run.

The rules are the build's and the laptop's alike: the build refuses such a file at the author's desk, the
laptop refuses a manifest that names one whatever its signature says.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

MAX_PATH_CHARS = 180
"""Longest path below a plugin's folder; with the store's own prefix it stays under Windows' 260."""

_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))]
)
_WINDOWS_FORBIDDEN = frozenset('<>:"|?*\\')


def path_fault(path: str) -> str | None:
    """Say what is wrong with a relative path, or None when it is good on every operating system.

    Args:
        path: A path below the plugin's folder, with `/` between its parts.
    """
    if not path or path.startswith("/"):
        return "is not a relative path"
    if len(path) > MAX_PATH_CHARS:
        return f"has {len(path)} characters, and {MAX_PATH_CHARS} is the most that works on Windows"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in Unicode form NFC, so macOS would store it under another name"
    for part in path.split("/"):
        fault = _part_fault(part)
        if fault:
            return fault
    return None


@lru_cache(maxsize=4096)  # a release has few different names in very many paths
def _part_fault(part: str) -> str | None:
    if part in ("", ".", ".."):
        return "has an empty, '.' or '..' part"
    if any(character in _WINDOWS_FORBIDDEN or ord(character) < 32 or ord(character) == 127 for character in part):  # noqa: PLR2004 - ASCII control range
        return f"has a character in {part!r} that Windows does not allow"
    if part[-1] in ". ":
        return f"has a part {part!r} that ends in a dot or a space, which Windows drops"
    if part.split(".", maxsplit=1)[0].casefold() in _WINDOWS_DEVICES:
        return f"has a part {part!r} that is a device name on Windows"
    return None


def colliding_paths(paths: list[str]) -> list[tuple[str, str]]:
    """List pairs that are one file on a disk that ignores case; a file that is also a folder counts too."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            former = folders.setdefault(folder.casefold(), folder)
            if former != folder:
                pairs.append((former, folder))
        former = seen.setdefault(path.casefold(), path)
        if former is not path:
            pairs.append((former, path))
    pairs.extend((seen[key], folder) for key, folder in folders.items() if key in seen)
    return sorted(set(pairs))
