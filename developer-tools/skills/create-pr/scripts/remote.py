"""Which forge and project a git remote stands for, from its address alone.

Talks to no server. `forge` runs the forge's own program with what this finds.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from git import Git

GITHUB = "github"
GITLAB = "gitlab"
CLI = {GITHUB: "gh", GITLAB: "glab"}
_SCP_LIKE = re.compile(r"^(?:[^@/:\s]+@)?(?P<host>[^/:\s]{2,}):(?P<path>[^\s]+)$")


@dataclass(frozen=True)
class Project:
    """A project on a forge.

    Attributes:
        forge: `github`, `gitlab`, or an empty string for a host that we cannot place.
        host: Host name as in the remote's address, in lower case.
        path: `owner/name`; on GitLab there may be groups in between.
    """

    forge: str
    host: str
    path: str

    @property
    def owner(self) -> str:
        """All of the path but the project's own name."""
        return self.path.rpartition("/")[0]

    @property
    def cli(self) -> str:
        """The forge's program, or an empty string."""
        return CLI.get(self.forge, "")

    @property
    def web_address(self) -> str:
        """Address of the project in a browser."""
        return f"https://{self.host}/{quote(self.path)}"


def read_remotes(settings: dict[str, str]) -> list[str]:
    """Return the names of the remotes that have an address, from git's settings."""
    matches = (re.fullmatch(r"remote\.(.+)\.url", key) for key in settings)
    return [match.group(1) for match in matches if match]


def project_of(
    git: Git, remotes: list[str], name: str | None, settings: dict[str, str], *, for_push: bool = False
) -> Project | None:
    """Return the project that the remote stands for, or None for a local path or an address we cannot read.

    With `for_push` it is the project that a push goes to, which `remote.<name>.pushurl` may set apart.
    """
    if name is None or name not in remotes:
        return None
    # git itself applies url.<base>.insteadOf, which the settings alone do not show.
    address = git.ask("remote", "get-url", *(["--push"] if for_push else []), name) or ""
    return parse_address(address.splitlines()[0] if address else "", settings.get("skillway.forge", ""))


def parse_address(address: str, told_forge: str = "") -> Project | None:
    """Return the project behind a remote's address; a password in it is dropped.

    Args:
        address: As git knows it: https, ssh, or `git@host:owner/name.git`.
        told_forge: The setting `skillway.forge`, for hosts whose name does not say which forge they run.
    """
    if "://" in address:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None
        if parts.scheme not in ("https", "http", "ssh", "git", "git+ssh"):
            return None
    else:
        match = _SCP_LIKE.match(address)
        if not match:
            return None
        host, path = match.group("host").lower(), match.group("path")
    path = re.sub(r"\.git$", "", path.strip("/"))
    if not host or "/" not in path:
        return None
    return Project(_forge_of(host, told_forge), host, path)


def _forge_of(host: str, told: str) -> str:
    if told in CLI:
        return told
    if host == os.environ.get("GH_HOST", "").lower() or "github" in host:
        return GITHUB
    if "gitlab" in host or host == os.environ.get("GITLAB_HOST", "").lower().rpartition("/")[2]:
        return GITLAB
    return ""
