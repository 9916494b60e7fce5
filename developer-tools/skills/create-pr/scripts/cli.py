"""The command line: reads arguments, asks the other modules in order, and prints one answer."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, Sequence

import branch_state
import checks
import creation
import forge
import intent
import lint
import stack
import update
from change import read_change
from consent import signals, standing_rejection
from context import obstacles, read_context
from envelope import FAILED, USAGE, Answer, Failure, print_answer, print_failure
from findings import ERROR
from git import Git
from transcript import read_transcript, session_id

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
        return print_answer(options.run(options), wants_json=wants_json)
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
    for name, run, summary in (
        ("context", _context, "Say where the work stands: branch, base, commits, template, existing pull request."),
        ("intent", _intent, "List what the user typed that may say why, and whether they said no to a pull request."),
        ("lint", _lint, "Check a title and a description against the change; creates nothing."),
        ("create", _create, "Check everything once more and create the pull request. Does not push."),
        ("update", _update, "Check as for a new one, and change title and description of the open pull request."),
    ):
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example:\n  {_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
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


def _context(options: argparse.Namespace) -> Answer:
    git = Git(str(Path.cwd()))
    context = read_context(git, options.base)
    found = obstacles(context)
    warnings: list[str] = []
    pulls, merged, parent = None, None, None
    if context.target is not None and context.branch is not None:
        try:
            pulls = forge.find_existing(context)
            merged = branch_state.find_merged(git, context, pulls)
            branch_state.remember(git, context, merged)
            context, parent = (context, None) if merged else stack.onto_parent(git, context)
        except Failure as failure:
            warnings.append(failure.message)
    if merged:
        found.append(forge.merged_branch(merged, context))
    data = {**context.as_json(), "obstacles": [failure.message for failure in found]}
    data["pull_requests"] = None if pulls is None else [asdict(one) for one in pulls]
    data.update(stacked_on=asdict(parent) if parent else None, merged=asdict(merged) if merged else None)
    if context.uncommitted:
        warnings.append(f"{len(context.uncommitted)} tracked files have changes that no commit holds.")
    lines = [
        f"branch {context.branch or '(detached HEAD)'}, base {context.base or '(not known)'} ({context.base_reason})",
        f"{context.commits_ahead or 0} commits ahead, {len(context.files)} files changed, "
        + ("pushed" if context.is_pushed else "not pushed"),
        *(f"template {name}" for name in context.templates),
        *(f"{one.state} pull request {one.address}" for one in pulls or []),
        *(f"in the way: {failure.message}" for failure in found),
    ]
    return Answer(data, "\n".join(lines), [action for failure in found for action in failure.next_actions], warnings)


def _intent(options: argparse.Namespace) -> Answer:
    transcript = read_transcript(session_id(options.session), wait=options.wait)
    found = intent.candidates(transcript.turns)
    rejection = standing_rejection(transcript.turns)
    data = {
        "candidates": found,
        "signals": [asdict(signal) for signal in signals(transcript.turns)],
        "standing_rejection": asdict(rejection) if rejection else None,
        "turns": len(transcript.turns),
        "transcripts": transcript.paths,
    }
    warnings = [f"{transcript.unreadable_records} records could not be read."] if transcript.unreadable_records else []
    if not found:
        raise intent.need_intent(["The user has only asked for a pull request so far; nothing says why."])
    lines = [f"{row['id']}: {row['text']}" for row in found]
    if rejection:
        lines.append(f"the user said no: {rejection.words!r} ({rejection.turn})")
    return Answer(data, "\n".join(lines), [], warnings)


def _lint(options: argparse.Namespace) -> Answer:
    git = Git(str(Path.cwd()))
    context = read_context(git, options.base)
    stated = intent.read_intent(options.intent) if options.intent else None
    body = checks.read_body(options.body_file)
    draft = checks.draft(git, context, read_change(git, context), options.title, body, stated)
    found = lint.lint(draft)
    data = lint.as_json(found, draft)
    if any(finding.severity == ERROR for finding in found):
        raise checks.lint_failure(found, data)
    warnings = [f"{finding.message} {finding.fix}" for finding in found]
    return Answer(data, f"Nothing in the way; {data['words']} of {data['words_allowed']} words.", [], warnings)


def _create(options: argparse.Namespace) -> Answer:
    return creation.run(Git(str(Path.cwd())), _order(options, is_draft=options.draft))


def _update(options: argparse.Namespace) -> Answer:
    return update.run(Git(str(Path.cwd())), _order(options, is_draft=False))


def _order(options: argparse.Namespace, *, is_draft: bool) -> checks.Order:
    return checks.Order(
        title=options.title,
        body=checks.read_body(options.body_file),
        intent=intent.read_intent(options.intent),
        base=options.base,
        session=options.session,
        wait=options.wait,
        is_draft=is_draft,
        is_dry_run=options.dry_run,
        leaves_uncommitted=options.leave_uncommitted,
    )
