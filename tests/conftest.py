"""What every test may rely on: a HOME of its own, and an error for any write to the real one."""

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
REAL_HOME = Path.home().resolve()
WATCHED = (".claude", ".claude.json", ".config/skillway", ".local/share/skillway", ".local/state/skillway")
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_guarding = False


def _in_real_home(path: object) -> bool:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    absolute = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - resolve() would follow the link that is written
    if REPOSITORY in (absolute, *absolute.parents):
        return False
    return any(absolute == REAL_HOME / name or REAL_HOME / name in absolute.parents for name in WATCHED) or (
        absolute.parent == REAL_HOME
    )


def _refuse_writes_to_real_home(event: str, arguments: tuple[object, ...]) -> None:
    if not _guarding:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = (
            any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(int(flags or 0) & _WRITE_FLAGS)
        )  # type: ignore[call-overload]
        if not writes:
            return
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod"):
        path = arguments[0]
    elif event == "os.rename":
        path = arguments[1]
    else:
        return
    if _in_real_home(path):
        raise PermissionError(f"a test tried to write to the real home: {path!r}")


sys.addaudithook(_refuse_writes_to_real_home)


def _stamps() -> dict[str, object]:
    stamps = {}
    for name in WATCHED:
        path = REAL_HOME / name
        stamps[name] = path.stat().st_mtime_ns if path.exists() else None
    return stamps


@pytest.fixture(scope="session", autouse=True)
def _real_home_stays_as_it_was():
    global _guarding
    before = _stamps()
    _guarding = True
    yield
    _guarding = False
    assert _stamps() == before, "a process that a test started wrote to the real home"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A fresh HOME for the test and every process that it starts; no variable of the caller's leaks in."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in list(os.environ):
        if name.startswith(("XDG_", "CLAUDE", "ANTHROPIC_", "SKILLWAY_", "OTEL_")) or name in (
            "DO_NOT_TRACK",
            "AI_AGENT",
        ):
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def repository():
    """This repository's own folder; read only."""
    return REPOSITORY


@pytest.fixture
def real_home():
    """The home of the person who runs the tests; nothing may write to it."""
    return REAL_HOME


NOT_RUN_IS_FINE = ("needs a key", "another operating system", "Windows", "no Python")
"""The only reasons for which a strict run accepts a test that did not run.

Other Pythons are in no package source that a bare machine has; vermin checks their grammar on every machine.
"""


def _not_run(terminalreporter) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ").removeprefix("not run: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    return reasons


def pytest_terminal_summary(terminalreporter):
    """Say what could not be run here and why; in a strict run that is a failure."""
    for reason, count in sorted(_not_run(terminalreporter).items()):
        terminalreporter.write_line(f"not run: {reason} ({count} test{'s' * (count != 1)})")


def pytest_sessionfinish(session):
    if not os.environ.get("SKILLWAY_STRICT"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    unaccepted = [reason for reason in _not_run(reporter) if not any(fine in reason for fine in NOT_RUN_IS_FINE)]
    if unaccepted and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
