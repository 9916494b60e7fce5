"""The command line: which commands there are, and how any of them ends.

One module a command, each imported when it is used. Data goes to stdout, everything else to stderr; the exit
code is the error's. With `--json` stdout is one envelope, on failure too.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

MISSING_EXTRA = (
    "skillway needs the extra 'authors', which is not installed here ({name} is missing). "
    "Run: pip install 'skillway[authors]'"
)


def main(argv: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        from skillway.cli.run import run_command
    except ModuleNotFoundError as error:
        sys.stderr.write(MISSING_EXTRA.format(name=error.name) + "\n")
        sys.exit(3)
    sys.exit(run_command(arguments))


def load_command(module: str) -> click.Command:
    """Import a command's module and give its `command`."""
    command: click.Command = importlib.import_module(f"skillway.cli.{module}").command
    return command
