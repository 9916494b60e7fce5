"""What one plugin contains once it is installed: every path with its bytes and mode, put together from the sources.

Pure of policy on where things go (`shipping`) and which hooks belong in (`wiring`); it reads, joins and says what
does not fit. Digest and archive are made by `packing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skillway.build.faults import Fault
from skillway.build.shipping import file_mode, installed_plugin_json, shipped_paths
from skillway.build.snapshot import LINK, SPECIAL, UNREADABLE, Snapshot
from skillway.build.wiring import LAUNCHER, Command, HookFolder, Wiring, read_wiring
from skillway_sync.manifest import MAX_FILE_BYTES, PLUGIN_FILE
from skillway_sync.paths import colliding_paths, path_fault

HOOKS = "hooks"


@dataclass(frozen=True, slots=True)
class Source:
    """A plugin as it stands in the repository, with what the build needs to know of it.

    Attributes:
        name: The plugin's name.
        place: Its folder, relative to the repository, with `/`.
        layer: base, developer-tools or team.
        team: The team's name in the team layer, else None.
        version: From plugin.json, without a digest.
        description: From plugin.json.
        skills_in_root: Whether plugin.json says that its skills lie directly in its folder, as a team's do.
        moved: Names of the folders in its folder that are installed below `skills/`.
        commands: Every hook command of its hooks.json and settings fragments.
    """

    name: str
    place: str
    layer: str
    team: str | None
    version: str
    description: str
    skills_in_root: bool
    moved: frozenset[str]
    commands: tuple[Command, ...]


@dataclass(slots=True)
class Assembled:
    """A plugin's content: `contents` from installed path to (bytes, mode), `wired` paths below `hooks/`."""

    contents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    wired: frozenset[str] = frozenset()
    faults: list[Fault] = field(default_factory=list)


def assemble(repository: Path, source: Source, snapshot: Snapshot, hooks: HookFolder) -> Assembled:
    """Put a plugin's content together.

    Args:
        repository: The repository's folder.
        source: The plugin.
        snapshot: The plugin's folder as it was hashed; a file that has other bytes by now is a fault.
        hooks: The files of `hooks/`.
    """
    assembled = Assembled()
    _add_own_files(assembled, repository, source, snapshot)
    _mend_plugin_json(assembled, source)
    wiring = read_wiring(source.commands)
    assembled.wired, faults = hooks.close(wiring)
    assembled.faults += faults
    _add_hooks(assembled, source, hooks)
    assembled.faults += _own_file_faults(assembled.contents, wiring)
    assembled.faults += _collision_faults(assembled.contents, source.place)
    return assembled


def _add_own_files(assembled: Assembled, repository: Path, source: Source, snapshot: Snapshot) -> None:
    taken: dict[str, str] = {}
    for path, target in sorted(shipped_paths(snapshot, moved=source.moved).items()):
        place = f"{source.place}/{path}"
        bad = path_fault(target) or _encoding_fault(target)
        if bad:
            fix = "Rename it."
            assembled.faults.append(Fault(ascii_path(place), 0, f"The path {ascii_path(target)!r} {bad}.", fix))
        elif target in taken:
            message = f"This would be installed as {target}, and so would {taken[target]}."
            assembled.faults.append(Fault(place, 0, message, "Move or rename one of the two."))
        else:
            taken[target] = place
            data = read_source(repository, place, snapshot[path])
            if isinstance(data, Fault):
                assembled.faults.append(data)
            else:
                assembled.contents[target] = (data, file_mode(data))


def _encoding_fault(path: str) -> str | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    return None


def ascii_path(path: str) -> str:
    """Give a path so that it can be printed, whatever bytes the disk has in its name."""
    return path.encode(errors="backslashreplace").decode()


def read_source(repository: Path, place: str, identity: str) -> bytes | Fault:
    """Read one source file, or say why it cannot ship.

    Args:
        repository: The repository's folder.
        place: The file, relative to it.
        identity: What the snapshot says of it.
    """
    if identity.startswith(LINK) or identity == SPECIAL:
        return _not_a_file(place, identity)
    try:
        data = (repository / place).read_bytes()
    except OSError as error:
        return Fault(place, 0, f"This file cannot be read ({error.strerror}).", "Give yourself the right to read it.")
    if identity == UNREADABLE or hashlib.sha256(data).hexdigest() != identity:
        return Fault(place, 0, "This file changed while it was built.", "Build again when nothing writes to it.")
    if len(data) > MAX_FILE_BYTES:
        message = f"This file has {len(data)} bytes, and {MAX_FILE_BYTES} is the most that ships."
        return Fault(place, 0, message, "Make it smaller, or load it from elsewhere when it is needed.")
    return data


def _not_a_file(place: str, identity: str) -> Fault:
    if identity == SPECIAL:
        return Fault(place, 0, "This is a pipe, a socket or a device.", "Take it out of the plugin's folder.")
    message = f"This is a link (to {identity[len(LINK) :]!r}), and a release holds files only."
    return Fault(place, 0, message, "Put the file itself here.")


def _mend_plugin_json(assembled: Assembled, source: Source) -> None:
    place = f"{source.place}/{PLUGIN_FILE}"
    if PLUGIN_FILE not in assembled.contents:
        if not any(fault.path == place for fault in assembled.faults):
            assembled.faults.append(Fault(place, 0, "The plugin has no plugin.json.", "Add one with name and version."))
        return
    if not source.skills_in_root:
        return
    data, mode = assembled.contents[PLUGIN_FILE]
    try:
        assembled.contents[PLUGIN_FILE] = (installed_plugin_json(data), mode)
    except ValueError as error:
        assembled.faults.append(Fault(place, 0, f"{error}.", "Keep the skills in folders beside .claude-plugin only."))
    if "SKILL.md" in assembled.contents:
        message = "A skill of a team lies in a folder of its own; this one lies directly in the plugin's folder."
        assembled.faults.append(
            Fault(f"{source.place}/SKILL.md", 0, message, "Move it into a folder with the skill's name.")
        )


def _add_hooks(assembled: Assembled, source: Source, hooks: HookFolder) -> None:
    for path in sorted(assembled.wired):
        target = f"{HOOKS}/{path}"
        if target in assembled.contents:
            message = f"The build copies {target} of the repository to this place."
            assembled.faults.append(Fault(f"{source.place}/{target}", 0, message, "Delete this copy, or rename it."))
        else:
            data = hooks.files[path]
            assembled.contents[target] = (data, file_mode(data))


def _own_file_faults(contents: Mapping[str, object], wiring: Wiring) -> Iterator[Fault]:
    for path, command in wiring.own_files.items():
        if ".." in path.split("/"):
            message = f"The hook command names {path!r}, which leaves the plugin."
            yield Fault(command.path, command.line, message, "Move the file into the plugin.")
        elif (
            path != f"{HOOKS}/{LAUNCHER}"
            and path not in contents
            and not any(name.startswith(f"{path.rstrip('/')}/") for name in contents)
        ):
            message = f"The hook command names {path!r}, which is not in the built plugin."
            yield Fault(command.path, command.line, message, "Add the file, or mend the path in the command.")


def _collision_faults(paths: Iterable[str], place: str) -> Iterator[Fault]:
    for one, other in colliding_paths(list(paths)):
        message = f"{one!r} and {other!r} are one file where case is ignored, as on macOS and Windows."
        yield Fault(place, 0, message, "Rename one of them.")
