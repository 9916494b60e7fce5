"""The command line: finds the pull request, watches it, keeps for the guard whether it was merged, and prints one answer."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import NoReturn, Sequence

import branch_state
import ci_state
import forge
from context import Context, read_context
from envelope import (
    FAILED,
    FINDINGS,
    NEEDS_INPUT,
    NOT_FOUND,
    TIMED_OUT,
    USAGE,
    Answer,
    Failure,
    print_answer,
    print_failure,
)
from git import Git
from polling import Api
from watching import Pace, Watch

PROGRAM = "watch-ci"
_DESCRIPTION = """Watch the checks of a pull request until they have come to an end, and say which.

Ends and exit codes: all-passed 0, failed 5, cancelled 1, needs-human 3, timed-out 10, no-checks 7.
Others: 2 usage, 4 forge program missing or not logged in, 7 no such pull request."""
_EPILOG = """examples:
  watch-ci --json
  watch-ci 123 --timeout 3600"""
_ENDS = {
    ci_state.FAILED: (FINDINGS, "At least one check failed.", "Read its log, and mend the cause; do not run it again blindly."),
    ci_state.CANCELLED: (FAILED, "Nothing failed, but checks were cancelled.", "Ask who cancelled them before running them again."),
    ci_state.NEEDS_HUMAN: (NEEDS_INPUT, "A check waits for a person's approval.", "Tell the user; only a person can give it."),
    ci_state.TIMED_OUT: (TIMED_OUT, "The checks did not come to an end in time.", "Watch again; what is pending is not done."),
    ci_state.NO_CHECKS: (NOT_FOUND, "The commit has no checks.", "Say that nothing was checked; that is not the same as passed."),
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes become an answer like any other."""

    def error(self, message: str) -> NoReturn:
        raise Failure("usage", f"{message}.", fix=f"See `{self.prog} --help`.", exit_code=USAGE)


def main(arguments: Sequence[str]) -> int:
    """Watch one pull request; return the exit code of its end."""
    wants_json = "--json" in arguments
    try:
        return print_answer(_watch(_parser().parse_args(arguments)), wants_json=wants_json)
    except Failure as failure:
        return print_failure(failure, wants_json=wants_json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        broken = Failure("io_error", f"{error}.", fix="Mend what it names, and run the command again.")
        return print_failure(broken, wants_json=wants_json)


def _parser() -> _Parser:
    form = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog=PROGRAM, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=form)
    parser.add_argument("number", nargs="?", type=_number, metavar="NUMBER", help="default: the branch's pull request")
    parser.add_argument("--interval", type=_seconds, default=15.0, metavar="SECONDS", help="between two looks (15)")
    parser.add_argument("--timeout", type=_seconds, default=1800.0, metavar="SECONDS", help="in all (1800)")
    parser.add_argument(
        "--grace", type=_seconds, default=90.0, metavar="SECONDS", help="how long there may be no check at all (90)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON envelope on stdout")
    return parser


def _number(text: str) -> int:
    match = re.fullmatch(r"(?:[#!]|https?://\S+/(?:pull|merge_requests)/)?(\d{1,9})/?", text)
    if not match or not int(match.group(1)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a pull request")
    return int(match.group(1))


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 6 * 3600:  # noqa: PLR2004 - no client's background task lives longer
        raise argparse.ArgumentTypeError(f"{text} is not between 0.1 and 21600")
    return value


def _watch(options: argparse.Namespace) -> Answer:
    git = Git(str(Path.cwd()))
    context = read_context(git)
    number = options.number or _number_of_branch(context)
    watch = Watch(Api(context), number, Pace(options.interval, options.timeout, options.grace))
    end = watch.run()
    _keep_merged(git, context, watch)
    seen, data = watch.seen, {"end": end, **watch.as_json()}
    if end == ci_state.ALL_PASSED:
        text = f"all-passed: {len(seen.checks)} checks of {seen.address} at {seen.sha[:12]}"
        return Answer(data, text, [], watch.troubles[-3:])
    exit_code, message, fix = _ENDS[end]
    named = [check for check in seen.checks if check.standing not in (ci_state.PASSED, ci_state.PENDING)]
    told = f" {', '.join(check.name for check in named[:5])}." if named else ""
    addresses = [check.address for check in named if check.address.startswith("https://")]
    raise Failure(end, message + told, fix=fix, exit_code=exit_code, next_actions=addresses[:5], data=data)


def _number_of_branch(context: Context) -> int:
    found = forge.find_existing(context) if context.branch else []
    if not found:
        raise Failure(
            "no_pull_request",
            "The current branch has no pull request.",
            fix="Name one by its number.",
            exit_code=NOT_FOUND,
            next_actions=["watch-ci NUMBER"],
        )
    return next((one for one in found if one.state == "open"), found[0]).number


def _keep_merged(git: Git, context: Context, watch: Watch) -> None:
    """Leave for the guard what was seen of the current branch's pull request."""
    seen = watch.seen
    if seen.branch and seen.branch == context.head_branch:
        pull = forge.PullRequest(seen.number, seen.address, seen.title, seen.state, head=seen.sha)
        branch_state.remember(git, context, branch_state.find_merged(git, context, [pull]))
