"""What a plugin's JSON files hold: plugin.json, hooks and settings fragments, with lines.

Event names, matchers and commands are kept as they stand; `skillway.checks` judges them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillway.catalog.jsontext import JsonError, KeyPath, parse_json
from skillway.catalog.reading import is_there, read_text
from skillway.catalog.values import HookEntry, Problem, SettingsFragment, SourceFile

HOOKS_FILE = "hooks/hooks.json"
FRAGMENTS_FOLDER = "settings/managed-settings.d/"
SETTINGS_FOLDER = "settings/"
_GROUP_FORM = '{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "…"}]}]}}'


def load_json_object(
    path: Path, rule: str, problems: list[Problem]
) -> tuple[dict[str, Any] | None, dict[KeyPath, int]]:
    """Read a file that must be one JSON object.

    Args:
        path: The file.
        rule: The rule that a broken one breaks.
        problems: Where to add what is wrong.

    Returns:
        The object and the line of each of its values, or None and nothing.
    """
    text, found = read_text(path)
    problems.extend(found)
    if text is None:
        return None, {}
    try:
        parsed = parse_json(text)
    except JsonError as error:
        message = f"{path.name} is not JSON: {error} in line {error.line}"
        problems.append(Problem(rule, path, message, "Mend the JSON at that place.", error.line, error.column))
        return None, {}
    for key, line in parsed.duplicates:
        message = f"The key {key!r} stands twice in one object, and only the last counts"
        problems.append(Problem("json-duplicate-key", path, message, "Remove one of the two.", line, seen=key))
    if not isinstance(parsed.value, dict):
        message = f"{path.name} is not a JSON object"
        seen = type(parsed.value).__name__
        problems.append(Problem(rule, path, message, "Write one object, { … }.", 1, 1, seen, "an object"))
        return None, {}
    return parsed.value, parsed.lines


def load_hooks(
    folder: Path, manifest: dict[str, Any], lines: dict[KeyPath, int], problems: list[Problem]
) -> tuple[HookEntry, ...]:
    """Load the hooks of a plugin: hooks/hooks.json, and what `hooks` in plugin.json names or holds."""
    entries: list[HookEntry] = []
    paths = [HOOKS_FILE] if os.path.lexists(folder / HOOKS_FILE) else []
    named = manifest.get("hooks")
    for value in named if isinstance(named, list) else [named]:
        if isinstance(value, str) and os.path.normpath(value) not in paths:
            paths.append(os.path.normpath(value))
        elif isinstance(value, dict):
            plugin_json = folder / ".claude-plugin" / "plugin.json"
            inner = value.get("hooks", value)
            prefix: KeyPath = ("hooks", "hooks") if "hooks" in value else ("hooks",)
            entries.extend(_entries(inner, plugin_json, lines, prefix, problems))
    for path in paths:
        if is_there(folder / path) or path == HOOKS_FILE:  # a path that names nothing is a rule about plugin.json
            entries.extend(_load_hooks_file(folder / path, problems))
    return tuple(entries)


def _load_hooks_file(path: Path, problems: list[Problem]) -> Iterator[HookEntry]:
    content, lines = load_json_object(path, "hooks-json-broken", problems)
    if content is None:
        return
    if "hooks" not in content:
        problems.append(
            _wrong_form(path, 1, "has no key `hooks` at its top, so Claude Code loads no hook of it", sorted(content))
        )
        return
    yield from _entries(content["hooks"], path, lines, ("hooks",), problems)


def load_fragments(files: list[SourceFile], problems: list[Problem], *, is_base: bool) -> tuple[SettingsFragment, ...]:
    """Load the settings fragments of base-plugin; anywhere else a `settings/` folder is a problem."""
    settings = [file for file in files if file.path.startswith(SETTINGS_FOLDER)]
    if settings and not is_base:
        message = "Settings reach laptops from base-plugin only; sync ignores this folder"
        fix = "Move what every laptop needs to base-plugin/settings, and remove the rest."
        problems.append(Problem("settings-place", settings[0].absolute, message, fix, seen=settings[0].path))
        return ()
    fragments = []
    for file in settings:
        if not file.path.endswith(".json"):
            continue
        content, lines = load_json_object(file.absolute, "settings-broken", problems)
        if content is not None and file.path.startswith(FRAGMENTS_FOLDER):
            hooks = (
                tuple(_entries(content["hooks"], file.absolute, lines, ("hooks",), problems))
                if "hooks" in content
                else ()
            )
            fragments.append(SettingsFragment(file.absolute, content, hooks, lines))
    return tuple(fragments)


def hooks_of_mapping(content: Any, file: Path, line: int, problems: list[Problem]) -> tuple[HookEntry, ...]:  # noqa: ANN401 - any value
    """Read hooks that stand in the frontmatter of a skill or agent; all are told at its one line."""
    return tuple(_entries(content, file, _OneLine(line), (), problems))


class _OneLine(dict[KeyPath, int]):
    """Lines of values of which only the outermost is known."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self._line = line

    def get(self, _key: KeyPath, _default: Any = None) -> Any:  # noqa: ANN401 - as the base class
        return self._line


def _entries(
    hooks: Any,  # noqa: ANN401 - any JSON
    file: Path,
    lines: dict[KeyPath, int],
    prefix: KeyPath,
    problems: list[Problem],
) -> Iterator[HookEntry]:
    if not isinstance(hooks, dict):
        problems.append(_wrong_form(file, lines.get(prefix), "has `hooks` that are no object", hooks))
        return
    for event, groups in hooks.items():
        where = (*prefix, event)
        if not isinstance(groups, list):
            problems.append(_wrong_form(file, lines.get(where), f"has no list under {event}", groups))
            continue
        for index, group in enumerate(groups):
            yield from _group(group, file, lines, (*where, index), problems)


def _group(
    group: Any,  # noqa: ANN401 - any JSON
    file: Path,
    lines: dict[KeyPath, int],
    where: KeyPath,
    problems: list[Problem],
) -> Iterator[HookEntry]:
    event = str(where[-2])
    inner = group.get("hooks") if isinstance(group, dict) else None
    if not isinstance(inner, list):
        problems.append(_wrong_form(file, lines.get(where), f"has a group under {event} without a list `hooks`", group))
        return
    for index, entry in enumerate(inner):
        line = lines.get((*where, "hooks", index))
        if not isinstance(entry, dict):
            problems.append(_wrong_form(file, line, f"has a hook under {event} that is no object", entry))
            continue
        yield HookEntry(
            event=event,
            matcher=group.get("matcher"),
            kind=entry.get("type"),
            command=entry.get("command"),
            args=entry.get("args"),
            timeout=entry.get("timeout"),
            file=file,
            line=line or 1,
            keys=tuple(entry),
        )


def _wrong_form(file: Path, line: int | None, what: str, seen: object) -> Problem:
    rule = "settings-broken" if FRAGMENTS_FOLDER in file.as_posix() else "hooks-json-broken"
    fix = f"Write it in this form: {_GROUP_FORM}"
    return Problem(
        rule, file, f"{file.name} {what}", fix, line, None, repr(seen)[:80], "the form of Claude Code's hooks"
    )
