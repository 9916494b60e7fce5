"""`skillway eval`: suites of cases and triggers, and what they say of a skill. Each verb is a module of its own."""

from __future__ import annotations

import click

from skillway.cli import load_command

VERBS = {
    "new": "eval_new",
    "import": "eval_import",
    "export": "eval_export",
    "lint": "eval_lint",
    "plan": "eval_plan",
    "run": "eval_run",
    "report": "eval_report",
    "compare": "eval_compare",
    "label": "eval_label",
    "calibrate": "eval_calibrate",
}
"""From a verb to its module, in the order of an author's work."""


class VerbGroup(click.Group):
    """A group whose verbs are imported only when they are named or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the verbs in the order of an author's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the verb of that name."""
        return load_command(VERBS[cmd_name]) if cmd_name in VERBS else None


@click.group("eval", cls=VerbGroup)
def command() -> None:
    """Write eval suites, run them, and read what they say of a skill.

    A suite lies in evals/suites/PLUGIN/SKILL/ and never ships with the skill.

    \b
    Example:
      skillway eval new support:escalation-summary --example "Sum this up for the network team"
      skillway eval lint
      skillway eval plan
      skillway eval run support:escalation-summary --max-usd 5
    """  # noqa: D301 - click's mark for "do not re-wrap"
