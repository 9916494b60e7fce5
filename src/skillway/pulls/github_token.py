"""With which token may an API of GitHub be asked, and whose host is it?"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

_TOKEN_NAMES = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_TOKEN_NAMES = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_TIMEOUT = 30.0
"""Seconds; `gh` may ask the system's key store."""


def find_token(api_url: str, environment: Mapping[str, str]) -> str | None:
    """Find the token for an API, as `gh` does: in the environment, else in `gh` itself.

    A token of github.com is never given for another server; there the names are GH_ENTERPRISE_TOKEN and
    GITHUB_ENTERPRISE_TOKEN. Inside of a workflow, GITHUB_TOKEN is for the server that GITHUB_API_URL names.
    """
    host = forge_host(api_url)
    is_public = host == "github.com" or host.endswith(".ghe.com")
    is_own_workflow = environment.get("GITHUB_API_URL", "").rstrip("/") == api_url.rstrip("/")
    names = _TOKEN_NAMES if is_public or is_own_workflow else _ENTERPRISE_TOKEN_NAMES
    found = next((environment[name].strip() for name in names if environment.get(name, "").strip()), None)
    return found or _token_of_gh(host)


def forge_host(api_url: str) -> str:
    """Give the host on which people see what an API serves: github.com for api.github.com."""
    host = (urlsplit(api_url).hostname or "").lower()
    return host.removeprefix("api.") if host == "api.github.com" or host.endswith(".ghe.com") else host


def _token_of_gh(host: str) -> str | None:
    try:
        answer = subprocess.run(
            ["gh", "auth", "token", "--hostname", host], capture_output=True, check=False, timeout=_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode(errors="replace").strip() or None if answer.returncode == 0 else None
