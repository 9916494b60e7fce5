"""What stops a build, said so that an author can act on it. Which faults there are is decided by the other modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillway.errors import FindingsError


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
