"""Which parts of a user's settings are ours, and how are they put in and taken out without touching the rest?

Pure: from a settings value and the record of what was ours before to the new value and the new record. A user's own
hook, rule, order and choice stays; what a user switched off stays off. Files belong to `user_file`, when to
merge to `personal`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from skillway_sync.errors import ConfigError

MARKETPLACES = "extraKnownMarketplaces"
PLUGINS = "enabledPlugins"
_KEYED = (MARKETPLACES, PLUGINS, "env")

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing in a settings file: the value of a key, or one item of a list.

    `keys` lead to the key, or to the list that the item is in (`listed`); `former` holds, as a list of one, the
    user's own value that had to give way.
    """

    keys: Keys
    value: Any
    listed: bool = False
    former: tuple[Any, ...] = ()

    def is_at(self, other: Part) -> bool:
        """Tell whether both stand in the same place; items of one list are told apart by their value."""
        return (
            self.keys == other.keys and self.listed == other.listed and (not self.listed or self.value == other.value)
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """What is ours in one settings file: the parts, and the objects and lists that were made to hold them."""

    parts: tuple[Part, ...] = ()
    containers: tuple[Keys, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the mapping that stands in the record."""
        parts = [
            {"keys": part.keys, "value": part.value, "listed": part.listed, "former": part.former}
            for part in self.parts
        ]
        return {"parts": parts, "containers": self.containers}


def owned_from_json(content: dict[str, Any]) -> Owned:
    """Read what `Owned.to_json` gave.

    Raises:
        KeyError, TypeError: It is something else.
    """
    parts = [
        Part(tuple(part["keys"]), part["value"], listed=bool(part["listed"]), former=tuple(part["former"]))
        for part in content["parts"]
    ]
    return Owned(tuple(parts), tuple(tuple(keys) for keys in content["containers"]))


def parts_of(settings: dict[str, Any]) -> tuple[Part, ...]:
    """List the parts of our settings that a user's own file takes; keys that only IT may set are not among them."""
    return tuple(_parts(settings))


def _parts(settings: dict[str, Any]) -> Iterator[Part]:
    for section in _KEYED:
        for key, value in settings.get(section, {}).items():
            yield Part((section, key), value)
    for kind in ("deny", "ask"):
        for rule in settings.get("permissions", {}).get(kind, []):
            yield Part(("permissions", kind), rule, listed=True)
    for event, groups in settings.get("hooks", {}).items():
        for group in groups:
            yield Part(("hooks", event), group, listed=True)


def recognise_ours(content: dict[str, Any], *, root: str, catalogue: str) -> Owned:
    """Find what must be ours when the record is lost: what names our root, and plugins of our catalogue.

    Args:
        content: The user's settings.
        root: The laptop root as settings name it.
        catalogue: The catalogue's name.
    """
    found = [Part((MARKETPLACES, key), value) for key, value in _mapping(content, MARKETPLACES) if _names(value, root)]
    catalogues = {catalogue, *(part.keys[1] for part in found)}
    for key, value in _mapping(content, PLUGINS):
        if key.rpartition("@")[2] in catalogues and value is True:
            found.append(Part((PLUGINS, key), value))
    for event, groups in _mapping(content, "hooks"):
        if isinstance(groups, list):
            found += [Part(("hooks", event), group, listed=True) for group in groups if _names(group, root)]
    return Owned(tuple(found))


def _mapping(content: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    value = content.get(key)
    return list(value.items()) if isinstance(value, dict) else []


def _names(value: object, root: str) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    quoted = json.dumps(root, ensure_ascii=False)[1:-1]
    return f"{quoted}/" in text or f'"{quoted}"' in text


def merge_parts(
    content: dict[str, Any], wanted: tuple[Part, ...], owned: Owned, *, where: str
) -> tuple[dict[str, Any], Owned, list[str]]:
    """Put the wanted parts in and take out those of ours that are no longer wanted.

    Args:
        content: The user's settings; left as they are.
        wanted: What shall be there; nothing, to take out all that is ours.
        owned: What was ours before.
        where: The file's path, for errors and notes.

    Returns:
        The new settings, what is ours in them, and a note for each choice of the user that stands against ours.

    Raises:
        ConfigError: The file has another type where a wanted part belongs.
    """
    merged = copy.deepcopy(content)
    for part in owned.parts:
        if not any(part.is_at(other) for other in wanted):
            _take_out(merged, part)
    made: list[Keys] = list(owned.containers)
    ours: list[Part] = []
    notes: list[str] = []
    for part in wanted:
        before = next((other for other in owned.parts if other.is_at(part)), None)
        kept = _put_in(merged, part, before, made, where)
        if kept is not None:
            ours.append(kept)
        elif not part.listed:
            notes.append(f"{where} has its own {'.'.join(part.keys)}; the user's choice stays.")
    left = [keys for keys in sorted(set(made), key=len, reverse=True) if not _drop_if_empty(merged, keys)]
    return merged, Owned(tuple(ours), tuple(sorted(left))), notes


def _put_in(content: dict[str, Any], part: Part, before: Part | None, made: list[Keys], where: str) -> Part | None:
    """Make sure of one part; the answer is what is ours of it, or None when the user's own stands there."""
    if part.listed:
        items = _container(content, part.keys, made, where, last=list)
        if part.value in items:
            return before
        items.append(copy.deepcopy(part.value))
        return part
    return _set_key(_container(content, part.keys[:-1], made, where, last=dict), part, before)


def _set_key(holder: dict[str, Any], part: Part, before: Part | None) -> Part | None:
    section, key = part.keys
    if key not in holder:
        holder[key] = copy.deepcopy(part.value)
        return part
    stands = holder[key]
    former = before.former if before else ()
    if stands == part.value:
        # A marketplace or plugin that names our catalogue is ours also where the user wrote it down first.
        return replace(part, former=former) if before or section in (MARKETPLACES, PLUGINS) else None
    was_ours = before is not None and stands == before.value
    if not was_ours and section != MARKETPLACES:
        return None
    holder[key] = copy.deepcopy(part.value)
    return replace(part, former=former if was_ours else (stands,))


def _container(content: dict[str, Any], keys: Keys, made: list[Keys], where: str, *, last: type) -> Any:  # noqa: ANN401 - a dict or a list
    value: Any = content
    for depth, key in enumerate(keys, start=1):
        kind = last if depth == len(keys) else dict
        if key not in value:
            value[key] = kind()
            made.append(keys[:depth])
        value = value[key]
        if not isinstance(value, kind):
            expected = "a list" if kind is list else "an object"
            raise ConfigError(
                f"The settings {where} have {json.dumps(value)[:60]} as {'.'.join(keys[:depth])}, where Claude Code reads {expected}.",
                fix=f"Mend {'.'.join(keys[:depth])} in the file, then run skillway-sync again.",
            )
    return value


def _find(content: dict[str, Any], keys: Keys) -> Any:  # noqa: ANN401 - any JSON value
    value: Any = content
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def _take_out(content: dict[str, Any], part: Part) -> None:
    if part.listed:
        items = _find(content, part.keys)
        if isinstance(items, list) and part.value in items:
            items.remove(part.value)
        return
    holder = _find(content, part.keys[:-1])
    key = part.keys[-1]
    if not isinstance(holder, dict) or key not in holder or holder[key] != part.value:
        return
    if part.former:
        holder[key] = part.former[0]
    else:
        del holder[key]


def _drop_if_empty(content: dict[str, Any], keys: Keys) -> bool:
    """Remove a container that was made for our parts and is empty; also true when it is gone."""
    holder = _find(content, keys[:-1])
    if not isinstance(holder, dict) or keys[-1] not in holder:
        return True
    # Below a section only lists are made (permissions.deny, hooks.<event>); another type there is the user's.
    if holder[keys[-1]] != ({} if len(keys) == 1 else []):
        return False
    del holder[keys[-1]]
    return True
