"""Which options does `skillway-sync` have, and what does its help say?

Imported for help, for mistakes and for every command but a plain `run`, which the timer starts every few minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from skillway_sync import __version__
from skillway_sync.cli import UsageError

EPILOG = """\
exit codes:
  0 in order (also: nothing to do, busy, offline for up to 3 days)   10 out of date, or never synced
  20 drift (verify; run --strict-exit)   30 refused   31 trust expired   40 disk   50 configuration   60 self-test failed

example:
  skillway-sync run --root ./laptop --json
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Raises:
        UsageError: It is wrong.
    """
    return _make_parser().parse_args(arguments)


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="skillway-sync",
        description="Keep this laptop's Claude Code plugins equal to what the organisation published.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skillway-sync {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    common = _common_options()

    def add(name: str, summary: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            parents=[common],
            help=summary,
            description=summary,
            epilog=f"example:\n  skillway-sync {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    run = add("run", "Check, repair and update this laptop.", "run --root ./laptop --dry-run")
    run.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    run.add_argument("--strict-exit", action="store_true", help="exit 20 when drift was repaired")
    run.add_argument("--full-check", action="store_true", help="read every file, as is done daily by itself")
    run.add_argument("--release-hold", action="store_true", help="take the release again that was rolled back from")
    add("status", "Say how this laptop is doing; needs no network.", "status --root ./laptop --json")
    add("verify", "Compare every installed file with its manifest.", "verify --root ./laptop")
    rollback = add(
        "rollback", "Go back to the release before, from this disk alone.", "rollback --root ./laptop --to 4"
    )
    rollback.add_argument("--to", type=int, metavar="SEQ", help="which release; the one before the present by default")
    doctor = add("doctor", "Explain every difference between what should be and what is.", "doctor --root ./laptop")
    doctor.add_argument(
        "--client", type=Path, metavar="PATH", help="also start this Claude Code client against a scripted API"
    )
    add("uninstall", "Take everything that sync wrote off this laptop.", "uninstall --root ./laptop")
    return parser


def _common_options() -> _Parser:
    common = _Parser(add_help=False)
    scope = common.add_mutually_exclusive_group()
    scope.add_argument(
        "--system", action="store_true", help="for all users of this machine, by policy (default; as root)"
    )
    scope.add_argument("--user", action="store_true", help="for one user, in that user's own files")
    common.add_argument(
        "--home", action="append", type=Path, metavar="DIR", help="a home to write to (repeatable; default: found)"
    )
    common.add_argument("--root", type=Path, metavar="DIR", help="put the whole laptop below DIR")
    common.add_argument("--image", action="store_true", help="with --root: write paths without DIR, for a disk image")
    common.add_argument("--config", type=Path, metavar="FILE", help="the configuration (default: where MDM puts it)")
    common.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    common.add_argument("--quiet", action="store_true", help="print nothing when all is well")
    return common
