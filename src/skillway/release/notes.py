"""What changed in each plugin since the release before, in lines for people; read from the two manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from skillway.errors import NotFoundError
from skillway_sync.manifest import PLUGIN_FILE, Manifest
from skillway_sync.release_document import PluginNote, ReleasedPlugin

ADDED, CHANGED, REMOVED, UNCHANGED = "added", "changed", "removed", "unchanged"
_FILE_KINDS = {"hooks": "hook", "agents": "agent", "commands": "command", "bin": "program"}

ReadManifest = Callable[[str, ReleasedPlugin], Manifest]


def compare_plugins(
    former: Mapping[str, ReleasedPlugin], current: Mapping[str, ReleasedPlugin], read: ReadManifest
) -> dict[str, PluginNote]:
    """Say for every plugin of two releases what changed.

    Args:
        former: The plugins of the release before, by name.
        current: The plugins of the new release, by name.
        read: Gives the manifest of a plugin of either.
    """
    notes = {}
    for name in sorted(former.keys() | current.keys()):
        before, after = former.get(name), current.get(name)
        if after is None:
            notes[name] = PluginNote(REMOVED)
        elif before is None:
            notes[name] = PluginNote(ADDED, _added_lines(read(name, after)))
        elif before == after:
            notes[name] = PluginNote(UNCHANGED)
        else:
            lines = _changed_lines(read(name, before), read(name, after))
            notes[name] = PluginNote(CHANGED, (*_audience_lines(before, after), *lines))
    return notes


def add_lines(notes: Mapping[str, PluginNote], texts: Iterable[str]) -> dict[str, PluginNote]:
    """Add an operator's own lines.

    Args:
        notes: The notes of a release.
        texts: `PLUGIN: TEXT` goes to that plugin, any other text to every plugin that changed.

    Raises:
        NotFoundError: No plugin of the release changed, so the text has nowhere to stand.
    """
    result = dict(notes)
    for text in texts:
        head, colon, rest = text.partition(":")
        if colon and head.strip() in notes:
            names, line = [head.strip()], rest.strip()
        else:
            names, line = [name for name, note in notes.items() if note.change != UNCHANGED], text.strip()
        if not names:
            raise NotFoundError(
                f"The note {text!r} names no plugin, and no plugin changed.", fix="Write it as --note 'PLUGIN: TEXT'."
            )
        for name in names:
            result[name] = PluginNote(result[name].change, (*result[name].lines, line))
    return result


def _added_lines(after: Manifest) -> tuple[str, ...]:
    skills = sorted({name for kind, name in _parts(after) if kind == "skill"})
    return (f"version {_plain(after)}", *(f"skill {name} added" for name in skills))


def _audience_lines(before: ReleasedPlugin, after: ReleasedPlugin) -> list[str]:
    lines = []
    if before.layer != after.layer:
        lines.append(f"layer {before.layer} → {after.layer}")
    if before.team != after.team and before.team and after.team:
        lines.append(f"team {before.team} → {after.team}")
    if before.description != after.description:
        lines.append("description changed")
    return lines


def _changed_lines(before: Manifest, after: Manifest) -> list[str]:
    lines = [f"version {_plain(before)} → {_plain(after)}"] if _plain(before) != _plain(after) else []
    old, new = _parts(before), _parts(after)
    for kind, name in sorted(old.keys() | new.keys()):
        subject = f"{kind} {name}".strip()
        if (kind, name) not in old:
            lines.append(f"{subject} added")
        elif (kind, name) not in new:
            lines.append(f"{subject} removed")
        elif old[kind, name] != new[kind, name]:
            lines.append(f"{subject} changed")
    return lines


def _parts(manifest: Manifest) -> dict[tuple[str, str], frozenset[tuple[str, str, str]]]:
    """Group a plugin's files into what people call things: a skill with all its files, a hook, the settings."""
    groups: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    for entry in manifest.files:
        if entry.path != PLUGIN_FILE:
            groups.setdefault(_part_of(entry.path), set()).add((entry.path, entry.sha256, entry.mode))
    return {part: frozenset(files) for part, files in groups.items()}


def _part_of(path: str) -> tuple[str, str]:
    head, slash, rest = path.partition("/")
    if head == "skills" and "/" in rest:
        return "skill", rest.partition("/")[0]
    if head == "settings" and slash:
        return "settings", ""
    if head in _FILE_KINDS and slash:
        return _FILE_KINDS[head], rest
    return "file", path


def _plain(manifest: Manifest) -> str:
    return manifest.version.partition("+")[0]
