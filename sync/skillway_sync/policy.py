"""What does IT's policy file for Claude Code say on this laptop?

The base plugin ships fragments in Claude Code's own settings format; here they become one managed-settings
fragment that registers the catalogue, enables its plugins and wires the guard. Merging follows what Claude Code
does with its own drop-ins: objects merge, a later scalar wins, lists are joined. Users' own files are for `personal`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skillway_sync.errors import ConfigError, SelfTestError
from skillway_sync.layout import Layout
from skillway_sync.release_document import Release, ReleasedPlugin

ROOT_VARIABLE = "${SKILLWAY_ROOT}"
FRAGMENTS = "settings/managed-settings.d"
"""Where the base plugin keeps its fragments, below its folder."""

_UNSAFE = frozenset('"$`\\')


def render_policy(
    layout: Layout, release: Release, selected: dict[str, ReleasedPlugin], fragments: list[dict[str, Any]]
) -> bytes:
    """Make the policy file's bytes; the same release and layout always make the same bytes.

    Args:
        layout: Where the laptop's root is, as the file must name it.
        release: The release; its catalogue's name is the marketplace's.
        selected: From plugin name to its entry: those that are enabled here.
        fragments: The base plugin's settings fragments, in the order of their file names.

    Raises:
        ConfigError: The root's path cannot stand in a shell command.
        SelfTestError: A fragment is not a JSON object.
    """
    return encode_settings(wanted_settings(layout, release.catalogue, selected, fragments))


def wanted_settings(
    layout: Layout, catalogue: str, plugins: Iterable[str], fragments: list[dict[str, Any]]
) -> dict[str, Any]:
    """Give the settings as a value: the fragments with the root's path in them, the catalogue and its plugins.

    Raises:
        ConfigError: The root's path cannot stand in a shell command.
        SelfTestError: A fragment is not a JSON object.
    """
    root = settings_root(layout)
    ours: dict[str, Any] = {
        "extraKnownMarketplaces": {catalogue: {"source": directory_source(root)}},
        "enabledPlugins": {f"{name}@{catalogue}": True for name in sorted(plugins)},
    }
    merged = merge_fragments([*fragments, ours])
    # Merging joins; what names our own catalogue is ours to the last key.
    merged["extraKnownMarketplaces"][catalogue] = ours["extraKnownMarketplaces"][catalogue]
    replaced = _replace_root(merged, root)
    assert isinstance(replaced, dict)
    return replaced


def directory_source(root: str) -> dict[str, str]:
    """Give the marketplace source that Claude Code loads in place."""
    return {"source": "directory", "path": root}


def encode_settings(settings: dict[str, Any]) -> bytes:
    """Encode settings of our own file: sorted keys, for people to read."""
    return (json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def settings_root(layout: Layout) -> str:
    """Give the root's path as settings name it, once it is known to be safe between double quotes in sh.

    Raises:
        ConfigError: It has a character that a shell would read.
    """
    root = layout.written(layout.root)
    if sys.platform == "win32":
        root = root.replace("\\", "/")
    bad = sorted({character for character in root if character in _UNSAFE or not character.isprintable()})
    if bad:
        raise ConfigError(
            f"The laptop root {root!r} has {', '.join(map(repr, bad))} in its path, which a shell would read as code.",
            fix="Choose a folder whose path has no quote, dollar, backtick, backslash or control character.",
        )
    return root


def load_fragments(plugin_folder: Path) -> list[dict[str, Any]]:
    """Read the settings fragments that an installed base plugin brings, in the order of their file names.

    Raises:
        SelfTestError: One cannot be read or is not a JSON object.
    """
    fragments = []
    for path in sorted((plugin_folder / FRAGMENTS).glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise _bad_fragment(f"{path} cannot be read as JSON ({error})") from error
        if not isinstance(content, dict):
            raise _bad_fragment(f"{path} is not a JSON object")
        fragments.append(content)
    return fragments


def merge_fragments(fragments: list[dict[str, Any]]) -> dict[str, Any]:
    """Merge settings as Claude Code merges its drop-ins; the arguments are left as they are.

    Raises:
        SelfTestError: One is not a JSON object.
    """
    merged: dict[str, Any] = {}
    for fragment in fragments:
        if not isinstance(fragment, dict):
            raise _bad_fragment(f"A settings fragment is {str(fragment)[:60]!r}, not a JSON object")
        merged = _merge(merged, fragment)
    return merged


def _merge(former: Any, later: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(former, dict) and isinstance(later, dict):
        merged = dict(former)
        for key, value in later.items():
            merged[key] = _merge(former[key], value) if key in former else value
        return merged
    if isinstance(former, list) and isinstance(later, list):
        return former + [item for item in later if item not in former]
    return later


def _replace_root(value: Any, root: str) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return value.replace(ROOT_VARIABLE, root)
    if isinstance(value, list):
        return [_replace_root(item, root) for item in value]
    if isinstance(value, dict):
        return {key: _replace_root(item, root) for key, item in value.items()}
    return value


def _bad_fragment(what: str) -> SelfTestError:
    return SelfTestError(f"{what}.", fix="Mend the base plugin's settings, build and publish the release again.")
