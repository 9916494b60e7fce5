"""Where the files are that commands need beside their code: hooks, the first two layers, workflows, the client's pin.

In a wheel they are package data; in a checkout they are the repository's own folders. One place, two addresses.
"""

from __future__ import annotations

from pathlib import Path

from skillway.errors import NotFoundError

_PACKAGED = Path(__file__).parent / "content"
_CHECKOUT = Path(__file__).parents[2]
_IN_CHECKOUT = {
    "client": "tests/client",
    "honeycomb": "sync/deploy/honeycomb",
    "judges": "evals/judges",
    "workflows": ".github/workflows",
}


def content_path(name: str) -> Path:
    """Find a folder or file that ships with skillway.

    Args:
        name: `hooks`, `base-plugin`, `developer-tools`, `workflows`, `client`, `honeycomb`, `judges` or `promotion.yaml`,
            or a path below one.

    Raises:
        NotFoundError: This installation lacks it.
    """
    top, _, rest = name.partition("/")
    for folder in (_PACKAGED / top, _CHECKOUT / _IN_CHECKOUT.get(top, top)):
        found = folder / rest if rest else folder
        if found.exists():
            return found
    raise NotFoundError(
        f"This installation of skillway has no {name}.", fix="Install it again: pip install --force-reinstall skillway"
    )
