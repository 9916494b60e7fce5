"""The command line: reads arguments, lets the verb's own module answer, and prints that.

A verb's module is imported when the verb is met: without byte code, which the store may not get, all modules together
take longer to compile than git takes to answer.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import NoReturn, Sequence

from envelope import FAILED, USAGE, Failure, print_answer, print_failure

PROGRAM = "create-pull-request"
_DESCRIPTION = """Create a pull request whose reason is the user's own.

Exit codes: 0 ok, 1 failure, 2 usage, 3 needs the user's input, 4 forge program missing or not logged in, 5 findings,
6 refused here, 7 not found, 8 exists already, 9 retry later, 10 timeout."""
_EXAMPLES = {
    "context": "create-pull-request context --json",
    "intent": "create-pull-request intent --json",
    "lint": 'create-pull-request lint --title "Keep sessions over a restart" --body-file body.md --intent intent.json',
    "create": (
        'create-pull-request create --title "Keep sessions over a restart" --body-file body.md --intent intent.json --dry-run'
    ),
    "update": "create-pull-request update --keep-title --body-file body.md --intent intent.json --dry-run",
}
_WRITING = ("create", "update")


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes become an answer like any other."""

    def error(self, message: str) -> NoReturn:
        raise Failure("usage", f"{message}.", fix=f"See `{self.prog} --help`.", exit_code=USAGE)


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    wants_json = "--json" in arguments
    try:
        options = _parser().parse_args(arguments)
        verb = importlib.import_module(f"verb_{options.command}")
        return print_answer(verb.run(options), wants_json=wants_json)
    except Failure as failure:
        return print_failure(failure, wants_json=wants_json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python flushes stdout once more at its end; the reader is gone, so that would be a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        broken = Failure("io_error", f"{error}.", fix="Mend what it names, and run the command again.")
        return print_failure(broken, wants_json=wants_json)


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, summary in (
        ("context", "Say where the work stands: branch, base, commits, template, existing pull request."),
        ("intent", "List what the user typed that may say why, and whether they said no to a pull request."),
        ("lint", "Check a title and a description against the change; creates nothing."),
        ("create", "Check everything once more and create the pull request. Does not push."),
        ("update", "Check as for a new one, and change title and description of the open pull request."),
    ):
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example:\n  {_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--json", action="store_true", help="print one JSON envelope on stdout")
        _add_options(command, name)
    return parser


def _add_options(command: argparse.ArgumentParser, name: str) -> None:
    if name != "intent":
        command.add_argument("--base", metavar="BRANCH", help="base branch; default: the remote's default branch")
    if name in ("intent", *_WRITING):
        command.add_argument("--session", metavar="ID", help="session to read; default: CLAUDE_CODE_SESSION_ID")
        command.add_argument(
            "--wait",
            type=_seconds,
            default=2.0,
            metavar="SECONDS",
            help="how long to wait for a transcript that lags (2)",
        )
    if name in ("lint", *_WRITING):
        titles = command.add_mutually_exclusive_group(required=True) if name == "update" else command
        titles.add_argument("--title", required=name != "update", help="one line, at most 72 characters")
        command.add_argument("--body-file", required=True, metavar="FILE", help="the description, Markdown in UTF-8")
        command.add_argument(
            "--intent", required=name != "lint", metavar="FILE", help="intent.json: the reason and its evidence"
        )
    if name == "update":
        titles.add_argument(
            "--keep-title", action="store_true", help="the title still fits; it is checked all the same"
        )
    if name == "create":
        command.add_argument("--draft", action="store_true", help="create it as a draft")
    if name in _WRITING:
        command.add_argument("--dry-run", action="store_true", help="check everything and show it; change nothing")
        command.add_argument(
            "--leave-uncommitted", action="store_true", help="the user knows that changed files are not committed"
        )


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 60:  # noqa: PLR2004 - nobody waits longer for a file
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 60")
    return value
