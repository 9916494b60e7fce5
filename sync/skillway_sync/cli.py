"""How is `skillway-sync` called, and how does it answer? Options, help, JSON, exit codes, the log of the unexpected.

What the commands do is in a module each, which is imported when its command is run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from skillway_sync import __version__
from skillway_sync.errors import EXIT_CONFIG, EXIT_OK, EXIT_STALE, EXIT_UNEXPECTED, EXIT_USAGE, SyncError
from skillway_sync.laptop import Laptop, Outcome
from skillway_sync.layout import Layout, system_layout, user_layout
from skillway_sync.look import start_look
from skillway_sync.noop import program_stamp, read_plain_run, signature

INTERRUPTED = 130
"""What a shell reports for a command that Ctrl-C ended."""
KEPT_LOGS = 10


class UsageError(Exception):
    """The command line is wrong."""


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; no failure leaves as a traceback."""
    wants_json = "--json" in arguments
    try:
        options = _plain_run(list(arguments)) or _parse(arguments)
        layout = _layout(options)
    except UsageError as error:
        _print_failure(str(error), "usage", wants_json=wants_json)
        return EXIT_USAGE
    try:
        outcome = _COMMANDS[options.command](options, layout)
    except SyncError as error:
        outcome = Outcome(options.command, error.code, error.message, error.exit_code, error=error)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; the laptop keeps its present release, and the next run cleans up.\n")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence writes the log that an issue needs
        return _unexpected(error, arguments, layout, wants_json=wants_json)
    _print(outcome, wants_json=wants_json, quiet=options.quiet)
    return outcome.exit_code


def _plain_run(arguments: list[str]) -> SimpleNamespace | None:
    """Read a run with the usual options, which is what the timer starts, without the 15 ms that argparse takes."""
    options = read_plain_run(arguments)
    if options is None or (options["--user"] and options["--system"]):
        return None
    plain = {word.lstrip("-"): value for word, value in options.items()}
    paths = {name: None if plain[name] is None else Path(plain[name]) for name in ("root", "config")}
    flags = dict.fromkeys(("dry_run", "strict_exit", "full_check", "release_hold"), False)
    return SimpleNamespace(
        **{**plain, **paths, **flags, "command": "run", "home": [Path(home) for home in plain["home"]]}
    )


def _parse(arguments: Sequence[str]) -> SimpleNamespace:
    from skillway_sync.options import parse_arguments

    return SimpleNamespace(**vars(parse_arguments(arguments)))


def _layout(options: SimpleNamespace) -> Layout:
    homes = tuple(Path(os.path.abspath(home)) for home in options.home or ())  # noqa: PTH100 - links stay as they are named
    config = None if options.config is None else Path(os.path.abspath(options.config))  # noqa: PTH100
    if options.image and options.root is None:
        raise UsageError("--image needs --root DIR. See: skillway-sync run --help")
    if not options.user:
        return system_layout(prefix=options.root, image=options.image, config_file=config, homes=homes)
    if options.root is not None:
        raise UsageError(
            "--root goes with --system; with --user name a home: --home DIR. See: skillway-sync run --help"
        )
    if len(homes) > 1:
        raise UsageError("--user takes one --home. See: skillway-sync run --help")
    return user_layout(home=homes[0] if homes else Path.home(), config_file=config)


# --- the commands ---------------------------------------------------------------------------------------------------


def _laptop(layout: Layout) -> Laptop:
    from skillway_sync.disk import Disk
    from skillway_sync.laptop import default_parts
    from skillway_sync.parallel import usable_workers

    return Laptop(layout, Disk(), time.time(), default_parts(), usable_workers())


def _run(options: SimpleNamespace, layout: Layout) -> Outcome:
    if options.dry_run:
        from skillway_sync.plan import plan_run

        return plan_run(_laptop(layout), release_hold=options.release_hold)
    look = start_look(str(layout.root)) if layout.state.is_dir() else None
    from skillway_sync.engine import run
    from skillway_sync.work import RunOptions

    asked = {"--user": options.user, "--image": options.image, "--home": options.home or [], "--config": options.config}
    chosen = RunOptions(
        release_hold=options.release_hold,
        strict_exit=options.strict_exit,
        full_check=options.full_check,
        signature=signature(asked, program_stamp()),
        look=look,
    )
    from skillway_sync.telemetry_run import telling

    with telling(layout) as told:
        told.outcome = run(_laptop(layout), chosen)
    return told.outcome


def _status(options: SimpleNamespace, layout: Layout) -> Outcome:  # noqa: ARG001 - every command has this form
    from dataclasses import asdict

    from skillway_sync.status import describe_status, iso_time, load_status, present_exit_code, present_state
    from skillway_sync.telemetry_files import describe_telemetry

    now = time.time()
    status = load_status(layout.state)
    state = present_state(status, now=now)
    age = None if status.last_check is None else round(now - status.last_check)
    times = {key: iso_time(getattr(status, key)) for key in ("last_check", "last_apply", "last_attempt", "drift_at")}
    data = {**asdict(status), **times, "age_seconds": age, "place": str(layout.root)}
    data.pop("state")
    data["telemetry"], line = describe_telemetry(layout)
    text = "\n".join([*describe_status(status, now=now, where=layout.root), line])
    return Outcome("status", state, text, present_exit_code(status, now=now), data=data)


def _verify(options: SimpleNamespace, layout: Layout) -> Outcome:  # noqa: ARG001 - every command has this form
    from skillway_sync.verify import verify

    return verify(_laptop(layout))


def _rollback(options: SimpleNamespace, layout: Layout) -> Outcome:
    from skillway_sync.rollback import roll_back
    from skillway_sync.telemetry_run import telling

    with telling(layout, is_rollback=True) as told:
        told.outcome = roll_back(_laptop(layout), options.to)
    return told.outcome


def _doctor(options: SimpleNamespace, layout: Layout) -> Outcome:
    from dataclasses import asdict

    from skillway_sync.doctor import has_problems, run_doctor
    from skillway_sync.errors import EXIT_DRIFT

    # Absolute, because the client is started in a folder of its own.
    client = None if options.client is None else Path(os.path.abspath(options.client))  # noqa: PTH100 - as _layout
    findings = run_doctor(layout, client=client)
    lines = [f"{each.level:8} {each.what}" + (f"\n         fix: {each.fix}" if each.fix else "") for each in findings]
    code = EXIT_DRIFT if has_problems(findings) else EXIT_OK
    data = {"findings": [asdict(each) for each in findings]}
    return Outcome("doctor", "problem" if code else "ok", "\n".join(lines), code, data=data)


def _uninstall(options: SimpleNamespace, layout: Layout) -> Outcome:  # noqa: ARG001 - every command has this form
    from skillway_sync.disk import Disk
    from skillway_sync.lock import BusyError
    from skillway_sync.uninstall import uninstall

    try:
        left = uninstall(layout, Disk())
    except BusyError:
        return Outcome(
            "uninstall", "busy", "Another skillway-sync is at work on this laptop; nothing was removed.", EXIT_STALE
        )
    lines = [f"left: {line}" for line in left]
    if any(line.startswith("Our parts in") for line in left):
        # A user's file could not be mended: repeating the command is the mend, so MDM must see that it is not done.
        message = "\n".join(["skillway is off this laptop but for a user's file.", *lines])
        return Outcome("uninstall", "incomplete", message, EXIT_CONFIG, changed=True, data={"left": left})
    return Outcome(
        "uninstall", "removed", "\n".join(["skillway is off this laptop.", *lines]), changed=True, data={"left": left}
    )


_COMMANDS = {
    "run": _run,
    "status": _status,
    "verify": _verify,
    "rollback": _rollback,
    "doctor": _doctor,
    "uninstall": _uninstall,
}


# --- the answer -----------------------------------------------------------------------------------------------------


def _print(outcome: Outcome, *, wants_json: bool, quiet: bool) -> None:
    if wants_json:
        sys.stdout.write(json.dumps(outcome.envelope(), indent=2) + "\n")
        return
    if outcome.error is not None and outcome.command != "verify":
        word = "error" if outcome.exit_code else "note"
        sys.stderr.write(f"{word}: {outcome.message}\n  fix: {outcome.error.fix}\n")
    elif not quiet or outcome.exit_code:
        sys.stdout.write(f"{outcome.message}\n")
    for warning in outcome.warnings:
        sys.stderr.write(f"warning: {warning}\n")


def _print_failure(message: str, code: str, *, wants_json: bool, fix: str = "skillway-sync --help") -> None:
    if wants_json:
        error = {"code": code, "message": message, "fix": fix}
        envelope: dict[str, object] = {
            "ok": False,
            "schema_version": 1,
            "data": None,
            "warnings": [],
            "error": error,
            "next_actions": [],
        }
        sys.stdout.write(json.dumps(envelope, indent=2) + "\n")
    else:
        sys.stderr.write(f"error: {message}\n  fix: {fix}\n")


def _unexpected(error: Exception, arguments: Sequence[str], layout: Layout, *, wants_json: bool) -> int:
    import traceback

    report = f"skillway-sync {__version__}, Python {sys.version.split()[0]}, {sys.platform}\narguments: {list(arguments)}\n\n"
    log = _write_log(layout, report + traceback.format_exc())
    fix = "Please report it." if log is None else f"Please report it; {log} is laid out to paste into an issue."
    _print_failure(
        f"skillway-sync met something it did not expect: {type(error).__name__}: {error}",
        "unexpected",
        wants_json=wants_json,
        fix=fix,
    )
    return EXIT_UNEXPECTED


def _write_log(layout: Layout, text: str) -> Path | None:
    import tempfile

    name = f"unexpected-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.log"
    for folder in (layout.state / "logs", Path(tempfile.gettempdir())):
        try:
            if folder.parent.is_dir():
                folder.mkdir(exist_ok=True)
                for old in sorted(folder.glob("unexpected-*.log"))[: -KEPT_LOGS + 1]:
                    old.unlink()
                path = folder / name
                with path.open("x", encoding="utf-8") as stream:
                    stream.write(text)
                return path
        except OSError:
            continue
    return None
