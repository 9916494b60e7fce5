"""What stops a build, said so that an author can act on it. Which faults there are is decided by the other modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skillway.errors import FindingsError, SkillwayError


class OutputError(SkillwayError):
    """The caller must act: the disk did not take what the build wrote.

    Args:
        path: What was to be written.
        error: What the operating system said.
    """

    code = "output"

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"Cannot write {path}: {error.strerror or error}.",
            fix="Make room or set the rights right, and run it again; the former build is still there.",
        )


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One reason why a build stops.

    Attributes:
        path: The file or folder, relative to the repository.
        line: Line in that file, from 1; 0 where a line says nothing.
        message: One sentence with the value seen.
        fix: One sentence: what to do.
    """

    path: str
    line: int
    message: str
    fix: str

    def __str__(self) -> str:
        """Give the fault as one line, `path:line: message Fix`."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.message} {self.fix}"


def stop_build(faults: Sequence[Fault]) -> FindingsError:
    """Make the error that ends a build and lists every fault, in the order of their paths."""
    listed = sorted(set(faults))
    count = "1 fault stops" if len(listed) == 1 else f"{len(listed)} faults stop"
    lines = "".join(f"\n  {fault}" for fault in listed)
    return FindingsError(
        f"{count} the build:{lines}",
        fix="Mend what is listed and build again; the former build is still there.",
        next_actions=("skillway check",),
    )
