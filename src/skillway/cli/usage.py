"""`skillway usage`: what is recorded on this machine, where it goes, and what it says. One module a verb."""

from __future__ import annotations

import click

from skillway.cli import load_command

VERBS = {
    "show": "usage_show",
    "status": "usage_status",
    "flush": "usage_flush",
    "report": "usage_report",
    "page": "usage_page",
    "export": "usage_export",
    "honeycomb": "usage_honeycomb",
}
"""From a verb to its module, in the order in which a person meets them."""


class UsageGroup(click.Group):
    """A group whose verbs are imported only when they are named or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the verb of that name."""
        return load_command(VERBS[cmd_name]) if cmd_name in VERBS else None


@click.group(name="usage", cls=UsageGroup)
def command() -> None:
    """See what is recorded of your use of skills, send it, and look at everybody's.

    \b
    Example:
      skillway usage report
      skillway usage show
      skillway usage status
    """  # noqa: D301 - click's mark for "do not re-wrap"
