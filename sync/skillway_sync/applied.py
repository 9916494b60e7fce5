"""What this laptop should be: the release that was applied, those before it, and what holds the next one back.

`state/applied.json` is written when the plugin folders of a release are complete and durable, and before the
first pointer moves. So whatever it names can be brought about from this disk alone: a run that was interrupted
later is finished by the next one, also without a network.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from skillway_sync.disk import Disk

APPLIED_FILE = "applied.json"
SCHEMA = 1
DIGEST_CHARS = 64
_HEX = frozenset("0123456789abcdef")
KEEP_DAYS = 14
KEEP_BYTES = 500 * 1024 * 1024
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Former:
    """A release that this laptop had: its plugins, from name to digest, and until when (seconds, UTC)."""

    seq: int
    plugins: dict[str, str]
    replaced_at: float


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied last.

    Attributes:
        seq: The release.
        plugins: From plugin name to digest: what this laptop gets of it.
        base: The plugin of the base layer, whose hooks the launcher runs.
        ring: The ring that it came by.
        applied_at: Seconds, UTC.
        highest: The highest release ever applied here; a ring never takes the laptop below it.
        trust_root: sha256 of the initial root that `highest` belongs to.
        held: The release that a person rolled back from; it and older ones are not applied again by themselves.
        former: Those before it, newest first.
    """

    seq: int
    plugins: dict[str, str]
    base: str
    ring: str
    applied_at: float
    highest: int
    trust_root: str
    held: int | None = None
    former: tuple[Former, ...] = ()

    def folders(self) -> set[tuple[str, str]]:
        """Give every (plugin, digest) that has to stay on disk."""
        return set(self.plugins.items()) | {pair for release in self.former for pair in release.plugins.items()}

    def to_bytes(self) -> bytes:
        """Give the stored form, which `load_applied` reads."""
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, sort_keys=True) + "\n").encode()


def load_applied(state: Path) -> Applied | None:
    """Read what was applied; None when nothing was, or when the file is damaged and the next run has to see afresh."""
    try:
        content = json.loads((state / APPLIED_FILE).read_bytes())
        if content.pop("schema") != SCHEMA:
            return None
        former = tuple(Former(int(f["seq"]), _plugins(f), float(f["replaced_at"])) for f in content.pop("former"))
        applied = Applied(**{**content, "former": former})
        _plugins({"plugins": applied.plugins})
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    return applied if type(applied.seq) is int and type(applied.highest) is int else None


def is_digest(text: str) -> bool:
    """Tell whether a text can be a digest, which is the name of a plugin's folder."""
    return len(text) == DIGEST_CHARS and set(text) <= _HEX


def _plugins(content: dict[str, Any]) -> dict[str, str]:
    from skillway_sync.release_document import is_name

    plugins = content["plugins"]
    if not all(is_name(name) and is_digest(digest) for name, digest in plugins.items()):
        raise ValueError("not a mapping from plugin to digest")
    return dict(plugins)


def save_applied(state: Path, applied: Applied, disk: Disk) -> None:
    """Write it so that it is there after a power loss."""
    disk.replace(state / APPLIED_FILE, applied.to_bytes(), 0o644)


def succeed(applied: Applied | None, successor: Applied) -> Applied:
    """Put a release in the place of the one before, which becomes the first of the former ones."""
    if applied is None:
        return successor
    former = applied.former
    if applied.plugins != successor.plugins or applied.seq != successor.seq:
        former = (Former(applied.seq, applied.plugins, successor.applied_at), *former)
    kept = tuple(each for each in former if (each.seq, each.plugins) != (successor.seq, successor.plugins))
    return replace(successor, former=kept)


def forget_old(applied: Applied, *, now: float, size: dict[tuple[str, str], int]) -> Applied:
    """Leave out former releases that are older than 14 days or do not fit the size cap; the last one always stays.

    Args:
        applied: What is applied.
        now: Seconds, UTC.
        size: Bytes of each (plugin, digest).
    """
    kept: list[Former] = []
    counted = set(applied.plugins.items())
    total = sum(size.get(pair, 0) for pair in counted)
    for position, former in enumerate(applied.former):
        added = set(former.plugins.items()) - counted
        grown = total + sum(size.get(pair, 0) for pair in added)
        if position and (now - former.replaced_at > KEEP_DAYS * DAY or grown > KEEP_BYTES):
            continue
        kept.append(former)
        counted |= added
        total = grown
    return replace(applied, former=tuple(kept))
