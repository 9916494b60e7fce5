"""Writes the documentation that is made from code: `docs/commands.md`, every command's own help.

Run it with `make docs`; a test fails when the file and the commands differ. `docs/guides/check.md` has its own
generator in `skillway.checks`.
"""

import argparse
import os
import sys
from pathlib import Path

import click

from skillway.cli.run import skillway
from skillway_sync.options import _make_parser

DOCS = Path(__file__).parent
HEAD = """# Commands

Made from the commands' own help by `make docs`; change the help, not this file.
"""


def commands_page() -> str:
    """Give the text of `docs/commands.md`."""
    os.environ["COLUMNS"] = "110"  # argparse wraps by it; the page must not depend on a terminal
    sections = [HEAD]
    sections += [f"## `{path}`\n\n```text\n{text}\n```\n" for path, text in click_helps(skillway, "skillway")]
    sections += [
        f"## `{path}`\n\n```text\n{text}\n```\n" for path, text in argparse_helps(_make_parser(), "skillway-sync")
    ]
    return "\n".join(sections)


def click_helps(command: click.Command, path: str, parent: click.Context | None = None) -> list[tuple[str, str]]:
    """List every command below one with its help, itself first."""
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent, **command.context_settings)
    context.terminal_width = 110
    helps = [(path, command.get_help(context).rstrip())]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                helps += click_helps(child, f"{path} {name}", context)
    return helps


def argparse_helps(parser: argparse.ArgumentParser, path: str) -> list[tuple[str, str]]:
    """List every command below a parser with its help, itself first."""
    helps = [(path, parser.format_help().rstrip())]
    for action in parser._subparsers._group_actions if parser._subparsers else []:  # noqa: SLF001 - argparse offers no other way
        for name, child in (action.choices or {}).items():
            helps += argparse_helps(child, f"{path} {name}")
    return helps


def main() -> int:
    """Write the page, or with `--check` say whether it is up to date."""
    page = DOCS / "commands.md"
    text = commands_page()
    if "--check" in sys.argv:
        return 0 if page.exists() and page.read_text(encoding="utf-8") == text else 1
    page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
