"""What does a run work with? The laptop's places, its disk layer, the time, and the parts that others provide.

The parts are passed in, so that a test of the engine can watch or fail each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillway_sync.archives import LocalArchives
from skillway_sync.config import Config
from skillway_sync.disk import Disk
from skillway_sync.errors import EXIT_OK, SyncError
from skillway_sync.layout import Layout
from skillway_sync.native_telemetry import native_fragments
from skillway_sync.release_document import Release, ReleasedPlugin

if TYPE_CHECKING:
    from skillway_sync.effect import GuardProof

Selected = dict[str, ReleasedPlugin]
Fragments = list[dict[str, Any]]


@dataclass(frozen=True)
class Parts:
    """What the engine calls and does not know the inside of; `default_parts` gives the real ones."""

    find_interpreter: Callable[[Layout, str | None], str]
    compile_hooks: Callable[[str, dict[str, bytes], str], dict[str, bytes]]
    load_fragments: Callable[[Path], Fragments]
    render_policy: Callable[[Layout, Release, Selected, Fragments], bytes]
    check_personal: Callable[[Layout, Release, Selected, Fragments], None]
    apply_personal: Callable[[Layout, Disk, Release, Selected, Fragments], list[str]]
    note_created: Callable[[Layout, Disk, list[Path]], None]
    personal_files: Callable[[Layout], list[Path]]
    prove_guard: Callable[[Layout, Path | None], GuardProof]


def default_parts() -> Parts:
    """Give the real parts."""
    from skillway_sync import homes, personal, policy, record

    def prove(layout: Layout, root: Path | None) -> GuardProof:
        from skillway_sync.effect import prove_guard

        return prove_guard(layout, root=root)

    def find(layout: Layout, configured: str | None) -> str:
        from skillway_sync.interpreter import find_interpreter

        return find_interpreter(layout, configured)

    def compile_sources(interpreter: str, sources: dict[str, bytes], folder: str) -> dict[str, bytes]:
        from skillway_sync.interpreter import compile_hooks

        return compile_hooks(interpreter, sources, folder)

    def files(layout: Layout) -> list[Path]:
        kinds = (
            (personal.KNOWN_MARKETPLACES, personal.SETTINGS)
            if layout.scope == "user"
            else (personal.KNOWN_MARKETPLACES,)
        )
        return [home.path / kind for home in homes.find_homes(layout) for kind in kinds]

    return Parts(
        find_interpreter=find,
        compile_hooks=compile_sources,
        load_fragments=policy.load_fragments,
        render_policy=policy.render_policy,
        check_personal=personal.check_personal,
        apply_personal=personal.apply_personal,
        note_created=record.note_created,
        personal_files=files,
        prove_guard=prove,
    )


@dataclass
class Laptop:
    """One laptop during one command.

    Attributes:
        layout: Its places.
        disk: What writes.
        now: Seconds, UTC.
        parts: What the engine calls.
        workers: How many threads may unpack.
        config: What IT says, once it was read; None leaves what depends on it as it is.
        archives: The archives on this disk.
    """

    layout: Layout
    disk: Disk
    now: float
    parts: Parts
    workers: int = 1
    config: Config | None = None
    archives: LocalArchives = field(init=False)

    def __post_init__(self) -> None:
        self.archives = LocalArchives(self.layout.state)

    def folder(self, plugin: str, digest: str) -> Path:
        """Give a plugin's folder in the store."""
        return self.layout.store / plugin / digest

    def fragments(self, base_folder: Path) -> Fragments:
        """Give the settings fragments of a base plugin, and after them what IT's configuration adds."""
        own = native_fragments(self.config.telemetry) if self.config is not None else []
        return [*self.parts.load_fragments(base_folder), *own]


@dataclass
class Outcome:
    """How a command ended.

    Attributes:
        command: The command's name.
        state: The state for the status file, or `busy`.
        message: One or more lines for a person.
        exit_code: For the process.
        changed: Whether anything on the laptop was changed.
        data: Further facts for `--json`.
        warnings: What a person should know, one sentence each.
        error: What failed, or None.
    """

    command: str
    state: str
    message: str
    exit_code: int = EXIT_OK
    changed: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: SyncError | None = None

    def envelope(self) -> dict[str, Any]:
        """Give what `--json` prints."""
        error = self.error
        details = None if error is None else {"code": error.code, "message": error.message, "fix": error.fix}
        facts = {"command": self.command, "state": self.state, "exit_code": self.exit_code, "changed": self.changed}
        return {
            "ok": self.exit_code == EXIT_OK,
            "schema_version": 1,
            "data": {**facts, **self.data},
            "warnings": self.warnings,
            "error": details,
            "next_actions": [],
        }
