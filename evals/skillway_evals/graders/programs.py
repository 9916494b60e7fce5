"""What does a program say of the result? Graders `command` and `script`.

Both run on a copy of the project folder, as a process group of their own with a time limit, an environment written
from scratch, and without network where the system lets an unprivileged process give it up (`unshare -rn`; Linux).
That bounds mistakes, and is no wall against a hostile suite.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from skillway_evals.graders.candidate import Candidate, Options, UndecidedGraderError, Verdict, shown

DEFAULT_TIMEOUT_S = 60.0
_MOST_OUTPUT = 2**20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: exit code (negative for a signal), and what it printed, cut at a megabyte."""

    code: int
    stdout: str
    stderr: str


def command(candidate: Candidate, options: Options) -> Verdict:
    """Run argv in the project folder; the exit code, and what is printed where that is asked for, decide."""
    argv = [str(word) for word in options["argv"]]
    ended = _run_on_copy(candidate, argv, options, stdin="")
    wanted, said = int(options.get("exit", 0)), shown(ended.stdout + ended.stderr)
    line = " ".join(argv)
    if ended.code != wanted:
        return False, f"`{line}` ended with {ended.code}, wanted {wanted}: {said}"
    text = options.get("stdout")
    if text is not None and str(text) not in ended.stdout:
        return False, f"`{line}` did not print {text!r}: {said}"
    return True, f"`{line}` ended with {ended.code}: {said}"


def script(candidate: Candidate, options: Options) -> Verdict:
    """Run a program of the suite's `graders/`: JSON about the run on stdin, {"passed", "evidence"} on stdout."""
    if candidate.suite_folder is None:
        raise UndecidedGraderError("the run has no suite folder with graders")
    program = candidate.suite_folder / "graders" / str(options["script"])
    if not program.is_file():
        raise UndecidedGraderError(f"graders/{options['script']} does not exist")
    question = json.dumps(_question(candidate, options), ensure_ascii=False)
    ended = _run_on_copy(candidate, _start(program), options, stdin=question)
    if ended.code:
        raise UndecidedGraderError(f"graders/{options['script']} ended with {ended.code}: {shown(ended.stderr)}")
    return _read_verdict(ended.stdout, str(options["script"]))


def _question(candidate: Candidate, options: Options) -> dict[str, object]:
    calls = candidate.transcript.calls() if candidate.transcript else ()
    return {
        "case": candidate.case.id,
        "prompt": candidate.case.prompt,
        "expected": candidate.case.expected,
        "answer": candidate.answer,
        "arguments": options.get("arguments", {}),
        "tool_calls": [
            {"name": call.name, "input": dict(call.input), "result": call.result, "is_error": call.is_error}
            for call in calls
        ],
    }


def _read_verdict(text: str, name: str) -> Verdict:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UndecidedGraderError(f"graders/{name} printed no JSON: {shown(text)!r}") from error
    passed = content.get("passed") if isinstance(content, dict) else None
    if not isinstance(passed, bool):
        said = content.get("evidence", "") if isinstance(content, dict) else text
        raise UndecidedGraderError(f"graders/{name} did not decide: {shown(str(said))}")
    return passed, shown(str(content.get("evidence", ""))) or f"graders/{name} says {passed}"


def _start(program: Path) -> list[str]:
    """Say how a program is started: Python by this interpreter, anything else by itself."""
    return [sys.executable, "-I", str(program)] if program.suffix == ".py" else [str(program)]


def _run_on_copy(candidate: Candidate, argv: Sequence[str], options: Options, *, stdin: str) -> Ended:
    timeout_s = float(options.get("timeout_s", DEFAULT_TIMEOUT_S))
    with tempfile.TemporaryDirectory(prefix="skillway-grader-", ignore_cleanup_errors=True) as scratch:
        project = Path(scratch) / "project"
        if candidate.project is None:
            project.mkdir()
        else:
            shutil.copytree(candidate.project, project, symlinks=True)
        return run_confined(argv, cwd=project, home=Path(scratch), stdin=stdin, timeout_s=timeout_s)


def run_confined(argv: Sequence[str], *, cwd: Path, home: Path, stdin: str, timeout_s: float) -> Ended:
    """Run a program with a time limit, without the caller's environment, and without network where that works.

    Raises:
        UndecidedGraderError: It could not be started or did not end in time.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode("utf-8", "replace"))
        given.seek(0)
        try:
            process = subprocess.Popen(
                [*network_barrier(), *argv],
                cwd=cwd,
                env=environment,
                stdin=given,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise UndecidedGraderError(f"{argv[0]} cannot be started ({error.strerror or error})") from error
        try:
            code = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise UndecidedGraderError(f"{argv[0]} did not end within {timeout_s:g} seconds") from None
        finally:
            _end_group(process)
        return Ended(code, _read_back(out), _read_back(err))


@cache
def network_barrier() -> tuple[str, ...]:
    """Give the words before a command that take the network from it; none where the system does not allow it."""
    words = ("unshare", "--user", "--map-root-user", "--net", "--")
    try:
        done = subprocess.run([*words, "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return words if done.returncode == 0 else ()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read_back(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST_OUTPUT).decode("utf-8", "replace")
