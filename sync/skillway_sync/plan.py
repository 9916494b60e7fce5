"""What would a run do? Asked with `--dry-run`: reads the laptop and the store, and writes nothing on the laptop."""

from __future__ import annotations

import tempfile
from pathlib import Path

from skillway_sync.applied import Applied, load_applied
from skillway_sync.config import load_config
from skillway_sync.drift import find_differences
from skillway_sync.fetcher import StoreFetcher
from skillway_sync.laptop import Laptop, Outcome
from skillway_sync.release_document import Release, select_plugins
from skillway_sync.repair import expected_files, key_text
from skillway_sync.target import choose_target
from skillway_sync.trust import TrustedStore, initial_root_digest, open_store
from skillway_sync.work import MakeFetcher


def plan_run(laptop: Laptop, *, release_hold: bool = False, make_fetcher: MakeFetcher | None = None) -> Outcome:
    """Say which release a run would apply, what it would fetch and what it would repair.

    Raises:
        SyncError: As `engine.run`.
    """
    config = load_config(laptop.layout.config_file)
    applied = load_applied(laptop.layout.state)
    fetcher = (make_fetcher or (lambda each: StoreFetcher(each.store)))(config)
    repairs = [] if applied is None else _repairs(laptop, applied)
    with tempfile.TemporaryDirectory(prefix="skillway-plan-") as folder:
        store = open_store(config, laptop.layout.state, Path(folder) / "trust", laptop.disk, fetcher=fetcher)
        pointer, _ = store.ring()
        trust_root = initial_root_digest(config.root_json)
        target = choose_target(pointer, applied, trust_root=trust_root, release_hold=release_hold)
        fetches: dict[str, int] = {}
        if target.seq is not None and target.from_store:
            release, _ = store.release(target.seq)
            fetches = _fetches(laptop, store, release, config.teams, developer_tools=config.developer_tools)
    present = None if applied is None else applied.seq
    data = {"release": present, "would_apply": target.seq, "would_fetch": fetches, "would_repair": repairs}
    notes = [target.note] if target.note else []
    return Outcome("run", target.state, _text(present, target.seq, fetches, repairs), data=data, warnings=notes)


def _repairs(laptop: Laptop, applied: Applied) -> list[str]:
    lines = []
    for plugin, digest in sorted(applied.folders()):
        files = expected_files(laptop.archives, plugin, digest)
        where = key_text(plugin, digest)
        differences = [] if files is None else find_differences(laptop.folder(plugin, digest), files)
        lines += [f"{where}: no manifest"] if files is None else [each.describe(where) for each in differences]
    return lines


def _fetches(
    laptop: Laptop, store: TrustedStore, release: Release, teams: tuple[str, ...], *, developer_tools: bool
) -> dict[str, int]:
    selected = select_plugins(release, teams=teams, developer_tools=developer_tools)
    pairs = [(name, plugin.digest) for name, plugin in selected.items()]
    return {
        f"{name}/{digest}": store.archive_length(name, digest)
        for name, digest in pairs
        if not laptop.folder(name, digest).is_dir() and not laptop.archives.archive_file(name, digest).exists()
    }


def _text(present: int | None, target: int | None, fetches: dict[str, int], repairs: list[str]) -> str:
    if target is None or target == present:
        lines = [f"Would stay on release {present}." if present else "Would install nothing."]
    else:
        lines = [f"Would apply release {target} in place of {present or 'none'}."]
    lines += [f"  fetch {name} ({length} bytes)" for name, length in fetches.items()]
    lines += [f"  repair {line}" for line in repairs]
    return "\n".join(lines)
