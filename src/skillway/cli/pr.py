"""`skillway pr`: pull requests over months, how good their descriptions are, and whether that changed."""

from __future__ import annotations

import click

from skillway.cli import load_command

VERBS = {
    "history": "pr_history",
    "trend": "pr_trend",
}
"""From a verb to its module, in the order of use."""


class VerbGroup(click.Group):
    """A group whose verbs are imported only when they are named or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the verbs in the order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the verb of that name."""
        return load_command(VERBS[cmd_name]) if cmd_name in VERBS else None


@click.group("pr", cls=VerbGroup)
def command() -> None:
    """See whether the descriptions of pull requests get better.

    Collected texts stay in a local file; only numbers leave it.

    \b
    Example:
      skillway pr history
      skillway pr trend
    """  # noqa: D301 - click's mark for "do not re-wrap"
