"""How a command is found, run and ended: help, envelope, exit code, and the log of an unexpected failure."""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

import click

from skillway import __version__, telemetry
from skillway.cli import load_command
from skillway.cli.output import Output, print_failure
from skillway.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, SkillwayError, UndecidedError
from skillway_sync.errors import SyncError

COMMANDS = {
    "check": "check",
    "build": "build",
    "release": "release",
    "new": "new",
    "try": "try_",
    "init": "init",
    "demo": "demo",
    "guard": "guard",
    "eval": "eval",
    "promote": "promote",
    "catalog": "catalog",
    "collector": "collector",
    "usage": "usage",
    "pr": "pr",
}
"""From a command's name to its module, in the order of a first day's use."""

OURS = ("skillway", "skillway_sync", "skillway_evals")
INTERRUPTED = 130
"""What a shell reports for a command that Ctrl-C ended."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are named or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order of a first day's use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command of that name."""
        return load_command(COMMANDS[cmd_name]) if cmd_name in COMMANDS else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="skillway")
def skillway() -> None:
    """Run an organisation's Claude Code skills as a product.

    Check skills, build a release, sign and publish it; laptops then take it with skillway-sync.

    \b
    Example:
      skillway check
      skillway build
      skillway release publish
    """  # noqa: D301 - click's mark for "do not re-wrap"


def run_command(arguments: list[str]) -> int:
    """Run one command line and give its exit code; no expected failure leaves as a traceback."""
    with telemetry.command(lambda: _command_name(arguments)) as span:
        code = _run_command(arguments, span)
        span.set("process.exit.code", code)
    return code


def _command_name(arguments: list[str]) -> str:
    """Name the command without any of its arguments: they may be anything that a person types."""
    first, second = [*arguments, "", ""][:2]
    if first not in COMMANDS:
        return "unknown"
    found = load_command(COMMANDS[first])
    is_known = isinstance(found, click.Group) and second in found.list_commands(click.Context(found))
    return f"{first} {second}" if is_known else first


def _run_command(arguments: list[str], span: telemetry.Span) -> int:
    wants_json = "--json" in arguments[: arguments.index("--") if "--" in arguments else len(arguments)]
    try:
        code = skillway.main(
            args=arguments, prog_name="skillway", standalone_mode=False, obj=Output(wants_json=wants_json)
        )
        if isinstance(code, int):  # click gives back what a command passed to ctx.exit instead of raising it
            return code
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped; nothing half-written is used by the next run.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe left, for example head; nothing more can be said
        return EXIT_OK
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return EXIT_USAGE
    except Exception as error:  # noqa: BLE001 - the last line of defence: told as a failure, never a traceback
        failure = _as_failure(error, arguments)
        span.fail(failure.code)
        print_failure(failure, wants_json=wants_json)
        return failure.exit_code
    return EXIT_OK


def _as_failure(error: Exception, arguments: list[str]) -> SkillwayError:
    if isinstance(error, SkillwayError):
        return error
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "skillway"
        return _failure("usage", EXIT_USAGE, error.format_message(), f"See: {where} --help")
    if isinstance(error, SyncError):
        return _failure(error.code, EXIT_FAILURE, error.message, error.fix)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and missing.split(".")[0] not in OURS:
        return UndecidedError(
            f"This command needs {missing}, which is not installed.", fix="pip install 'skillway[all]'"
        )
    return _unexpected(error, arguments)


def _failure(code: str, exit_code: int, message: str, fix: str) -> SkillwayError:
    failure = SkillwayError(message, fix=fix)
    failure.code, failure.exit_code = code, exit_code
    return failure


def _unexpected(error: Exception, arguments: list[str]) -> SkillwayError:
    report = f"skillway {__version__}, Python {sys.version.split()[0]}, {sys.platform}\ncommand: {arguments}\n\n"
    report += "".join(traceback.format_exception(error))
    log = Path(".skillway") / "logs" / f"unexpected-{time.strftime('%Y%m%dT%H%M%S')}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(report, encoding="utf-8")
        fix = f"Please report it; {log} is laid out to paste into an issue."
    except OSError:
        sys.stderr.write(report)
        fix = "Please report it with the text above."
    message = f"skillway met something it did not expect: {type(error).__name__}: {error}"
    return _failure("unexpected", EXIT_FAILURE, message, fix)
