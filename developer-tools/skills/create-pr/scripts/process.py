"""Run a child process with bounded output and time, so that a 200 MB diff or a hanging forge cannot hurt.

Leaves the meaning of exit codes and output to the callers.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, Mapping, Sequence

DEFAULT_LIMIT = 4 * 1024 * 1024  # bytes of stdout
STDERR_LIMIT = 64 * 1024  # bytes


class MissingProgramError(Exception):
    """The program is not on PATH."""


@dataclass(frozen=True)
class Finished:
    """How a child process ended.

    Attributes:
        returncode: Exit code; negative for a signal, also when we stopped it.
        stdout: At most `limit` bytes.
        stderr: At most 64 KiB, decoded.
        is_truncated: Whether stdout had more than `limit` bytes; the child was stopped then.
        timed_out: Whether the time ran out; the child was stopped then.
    """

    returncode: int
    stdout: bytes
    stderr: str
    is_truncated: bool
    timed_out: bool

    @property
    def text(self) -> str:
        """Stdout as text; bytes that are not UTF-8 are replaced."""
        return self.stdout.decode("utf-8", "replace")


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: str,
    timeout: float,
    limit: int = DEFAULT_LIMIT,
    stdin: bytes | None = None,
    extra_environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run `argv` in `cwd`; read at most `limit` bytes of its stdout and wait at most `timeout` seconds.

    Raises:
        MissingProgramError: `argv[0]` is not on PATH or cannot be started.
    """
    environment = {**os.environ, **(extra_environment or {})}
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as given:
        given.write(stdin or b"")
        given.seek(0)
        try:
            child = subprocess.Popen(argv, cwd=cwd, stdin=given, stdout=subprocess.PIPE, stderr=stderr, env=environment)
        except OSError as error:
            raise MissingProgramError(f"{argv[0]}: {error.strerror}") from error
        output, is_truncated, timed_out = _read(child, timeout, limit)
        stderr.seek(0)
        return Finished(child.returncode, output, _decode_head(stderr), is_truncated, timed_out)


def _read(child: subprocess.Popen[bytes], timeout: float, limit: int) -> tuple[bytes, bool, bool]:
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        child.kill()

    timer = threading.Timer(timeout, stop)
    timer.start()
    try:
        assert child.stdout is not None
        with child.stdout:
            output = child.stdout.read(limit + 1)
            if len(output) > limit:
                child.kill()
        child.wait()
    finally:
        timer.cancel()
        if child.poll() is None:
            child.kill()
            child.wait()
    return output[:limit], len(output) > limit, expired.is_set()


def _decode_head(stream: IO[bytes]) -> str:
    return stream.read(STDERR_LIMIT).decode("utf-8", "replace")
