"""Which Claude Code client lies in a folder that npm filled?

Only such a folder is looked at, never PATH: a proof must not start the client that a person works with. The
package's own entry is a stub until its install script has run, so the platform package's program is taken.
What the client does is `skillway_sync.client`'s question.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

PACKAGE = "@anthropic-ai/claude-code"


def find_client(folder: Path, *, package: str = PACKAGE) -> Path | None:
    """Find the client's program in an npm prefix, or None when there is none for this machine.

    Args:
        folder: The npm prefix: the folder that has `node_modules`.
        package: The name that the client is installed under. An alias keeps several versions side by side, and
            npm then nests the platform package of all but one below its own `node_modules`.
    """
    installed = folder / "node_modules" / package
    version = _version(installed)
    if version is None:
        return None
    program_name = "claude.exe" if sys.platform == "win32" else "claude"
    for place in (installed, folder):
        for platform_package in _platform_packages():
            platform_folder = place / "node_modules" / "@anthropic-ai" / platform_package
            # the outer one may be another version's, and would be measured under a wrong name
            if (platform_folder / program_name).is_file() and _version(platform_folder) == version:
                return platform_folder / program_name
    return None


def _platform_packages() -> list[str]:
    """Name the platform packages that may fit, the likelier first."""
    system = {"win32": "win32", "darwin": "darwin"}.get(sys.platform, "linux")
    machine = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x64"
    name = f"claude-code-{system}-{machine}"
    if system != "linux":
        return [name]
    musl = any(Path("/lib").glob("ld-musl-*"))
    return [f"{name}-musl", name] if musl else [name, f"{name}-musl"]


def _version(folder: Path) -> str | None:
    try:
        content = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    version = content.get("version") if isinstance(content, dict) else None
    return version if isinstance(version, str) else None
