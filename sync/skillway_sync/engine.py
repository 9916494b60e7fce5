"""What does one run do? Lock, look, repair, ask the store, apply, clean up, report: the order of everything.

Each step is in a module of its own; here is only what follows what, and what a failure of each means for the rest.
Whatever fails, the laptop keeps what it had.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from skillway_sync import __version__
from skillway_sync.applied import Applied, load_applied, save_applied, succeed
from skillway_sync.apply import Candidate, apply_users, commit_candidate, fetch_plugins, missing_plugins, stage_release
from skillway_sync.archives import ARCHIVES_FOLDER
from skillway_sync.config import load_config
from skillway_sync.disk import disk_errors
from skillway_sync.ending import end_with_store, end_without_store
from skillway_sync.errors import (
    ExpiredError,
    OfflineError,
    RefusedError,
    SyncError,
)
from skillway_sync.fetcher import StoreFetcher
from skillway_sync.finish import Report, record_failure
from skillway_sync.index import load_index
from skillway_sync.laptop import Laptop, Outcome, Selected
from skillway_sync.local import LocalRelease, choose_interpreter, load_local_release, rebuild_folders, renew_byte_code
from skillway_sync.lock import BusyError, exclusive_lock
from skillway_sync.pointers import base_of, commit_pointers, make_durable_folders, render_pointers
from skillway_sync.quarantine import QUARANTINE_FOLDER, Quarantine
from skillway_sync.release_document import Release, select_plugins
from skillway_sync.repair import inspect_store, is_full_check_due, key_text
from skillway_sync.status import load_status
from skillway_sync.strays import remove_strays
from skillway_sync.target import Target, choose_target
from skillway_sync.trust import RING_FILE, TrustedStore, initial_root_digest, open_store
from skillway_sync.work import MakeFetcher, RunOptions, Work


def run(laptop: Laptop, options: RunOptions | None = None, *, make_fetcher: MakeFetcher | None = None) -> Outcome:
    """Bring this laptop to the release that its ring is on.

    Args:
        laptop: The laptop.
        options: What it was asked to do beside the usual.
        make_fetcher: Makes what reads the store.

    Returns:
        How it ended. Being offline and recently in order, or busy, is no failure.

    Raises:
        SyncError: What kept it from working; the status file says it too, where it can be written.
    """
    state = laptop.layout.state
    with disk_errors(laptop.layout.root):
        make_durable_folders(laptop.disk, state)
        try:
            with exclusive_lock(state):
                return _run_locked(
                    laptop, options or RunOptions(), make_fetcher or (lambda config: StoreFetcher(config.store))
                )
        except BusyError:
            return Outcome("run", "busy", "Another skillway-sync is at work on this laptop; nothing was done.")


def _run_locked(laptop: Laptop, options: RunOptions, make_fetcher: MakeFetcher) -> Outcome:
    quarantine = Quarantine(laptop.layout.state, laptop.layout.root, laptop.disk, laptop.now)
    report = Report(former=load_status(laptop.layout.state))
    work = Work(laptop, options, make_fetcher, quarantine, report)
    try:
        with disk_errors(laptop.layout.root):
            clean_up(laptop)
            laptop.config = report.config = load_config(laptop.layout.config_file)
            outcome = _work(work)
            clean_up(laptop)
    except SyncError as error:
        with contextlib.suppress(OSError):
            clean_up(laptop)  # first of all: on a full disk it makes room for the status
        record_failure(laptop, report, error)
        raise
    return outcome


def clean_up(laptop: Laptop) -> None:
    """Remove unfinished work, of this run or of one that was interrupted."""
    layout = laptop.layout
    laptop.disk.remove_tree(layout.staging)
    own = [layout.root, *(layout.root / name for name in ("bin", "guard", ".claude-plugin"))]
    inner = [layout.state, *(layout.state / name for name in ("trust", "trust/root_history", "releases"))]
    folders = [
        path
        for name in (ARCHIVES_FOLDER, QUARANTINE_FOLDER)
        for path in (layout.state / name).glob("*")
        if path.is_dir()
    ]
    laptop.disk.sweep([*own, *inner, *folders, layout.policy_dir])


def _work(work: Work) -> Outcome:
    work.applied = work.report.applied = load_applied(work.laptop.layout.state)
    work.interpreter, mended = choose_interpreter(work.laptop, work.config.interpreter, work.quarantine)
    work.report.interpreter = work.interpreter
    work.report.drift += mended
    work.index = load_index(work.laptop.layout.state)
    _restore(work)
    try:
        _follow_store(work)
    except (OfflineError, ExpiredError) as error:
        return end_without_store(work, error)
    return end_with_store(work)


# --- from this disk alone -------------------------------------------------------------------------------------------


def _restore(work: Work) -> None:
    """Make the laptop what is on record, without a network; it also finishes what an interrupted run began."""
    laptop, applied, report = work.laptop, work.applied, work.report
    if applied is None:
        return
    full = work.options.full_check or is_full_check_due(work.index, laptop.now)
    strays = remove_strays(laptop, work.quarantine)
    unchanged = not full and work.options.look is not None and work.options.look.finds_no_change()
    found = inspect_store(
        laptop, applied.folders(), work.index.folders, work.quarantine, work.interpreter, full=full, unchanged=unchanged
    )
    made = rebuild_folders(laptop, sorted(found.broken), work.interpreter) if found.broken else []
    renewed = renew_byte_code(laptop, applied.plugins, work.interpreter)
    work.broken = found.broken - set(made)
    report.is_full = full
    report.drift += strays + found.drift + [f"{key_text(*pair)}: missing" for pair in made]
    report.index = {key: value for key, value in found.index.items() if key not in {f"{a}/{b}" for a, b in renewed}}
    work.local = (
        None if work.broken & set(applied.plugins.items()) else load_local_release(laptop, applied.seq, applied.plugins)
    )
    if work.local is not None:
        _restore_pointers(work, work.local)


def _restore_pointers(work: Work, local: LocalRelease) -> None:
    laptop = work.laptop
    base, plugin = base_of(local.selected)
    pointers = render_pointers(
        laptop,
        local.release,
        local.selected,
        local.fragments,
        base_folder=laptop.folder(base, plugin.digest),
        interpreter=work.interpreter,
    )
    work.report.drift += commit_pointers(laptop, pointers, work.quarantine.keep)
    work.report.notes += apply_users(laptop, local.release, local.selected, local.fragments)


# --- with the store -------------------------------------------------------------------------------------------------


def _follow_store(work: Work) -> None:
    laptop = work.laptop
    laptop.disk.make_folders(laptop.layout.staging)
    scratch = laptop.layout.staging / "trust"
    state = laptop.layout.state
    store = open_store(work.config, state, scratch, laptop.disk, fetcher=work.make_fetcher(work.config))
    pointer, data = store.ring()
    store.remember(laptop.disk)
    if not _has(state / RING_FILE, data):
        laptop.disk.replace(state / RING_FILE, data, 0o644, durable=False)
    trust_root = initial_root_digest(work.config.root_json)
    target = choose_target(pointer, work.applied, trust_root=trust_root, release_hold=work.options.release_hold)
    work.report.state = target.state
    work.report.notes = [*([target.note] if target.note else []), *work.report.notes]
    if target.seq is not None:
        _reach(work, store, target, trust_root)
    work.report.freshness = store.freshness()
    work.report.requests = store.requests


def _has(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _reach(work: Work, store: TrustedStore, target: Target, trust_root: str) -> None:
    assert target.seq is not None
    if target.from_store or work.local is None:
        release, document = store.release(target.seq)
        store.remember(work.laptop.disk)
    else:
        release, document = work.local.release, work.local.document
    _require_program(release)
    selected = select_plugins(release, teams=work.config.teams, developer_tools=work.config.developer_tools)
    successor = _successor(work, release, selected, target, trust_root)
    if successor != work.applied or work.broken or work.local is None:
        _apply(work, store, release, document, selected, successor)


def _require_program(release: Release) -> None:
    if version_key(release.minimum_sync_version) > version_key(__version__):
        raise RefusedError(
            f"Release {release.seq} needs skillway-sync {release.minimum_sync_version}, and this laptop has {__version__}.",
            fix="Update skillway-sync on this laptop; it keeps its present release until then.",
        )


def version_key(version: str) -> tuple[int, ...]:
    """Give what versions are compared by: their leading numbers."""
    numbers = []
    for part in version.split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _successor(work: Work, release: Release, selected: Selected, target: Target, trust_root: str) -> Applied:
    former = work.applied
    plugins = {name: plugin.digest for name, plugin in selected.items()}
    is_same_store = former is not None and former.trust_root == trust_root
    is_same = former is not None and (former.seq, former.plugins) == (release.seq, plugins)
    fresh = Applied(
        seq=release.seq,
        plugins=plugins,
        base=base_of(selected)[0],
        ring=work.config.ring if target.from_store or former is None else former.ring,
        applied_at=former.applied_at if former is not None and is_same else work.laptop.now,
        highest=max(release.seq, former.highest) if former is not None and is_same_store else release.seq,
        trust_root=trust_root if target.from_store or former is None else former.trust_root,
        held=None if target.from_store or former is None else former.held,
    )
    return succeed(former, fresh)


def _apply(
    work: Work, store: TrustedStore, release: Release, document: bytes, selected: Selected, successor: Applied
) -> None:
    laptop = work.laptop
    former = work.applied
    known = set() if former is None else former.folders() - work.broken
    pairs = missing_plugins(laptop, selected, known)
    fetch_plugins(laptop, pairs, store)
    candidate = Candidate(release, document, selected)
    stage_release(laptop, candidate, pairs, work.interpreter, successor)
    notes = commit_candidate(laptop, candidate, work.quarantine.keep)
    work.report.index |= candidate.index
    work.report.notes = list(dict.fromkeys([*work.report.notes, *notes]))
    work.report.drift += [f"{key_text(*pair)}: damaged, made again" for pair in pairs if pair in work.broken]
    work.report.changed = former is None or (former.seq, former.plugins) != (successor.seq, successor.plugins)
    work.broken -= set(pairs)
    work.applied = work.report.applied = _mend_former(work, store, successor)


def _mend_former(work: Work, store: TrustedStore, applied: Applied) -> Applied:
    """Bring back damaged folders of former releases; a release that cannot be brought back leaves the record."""
    for pair in sorted(work.broken & applied.folders()):
        try:
            fetch_plugins(work.laptop, [pair], store)
            work.broken -= set(rebuild_folders(work.laptop, [pair], work.interpreter))
        except RefusedError as error:
            work.report.notes.append(f"A former release is given up: {error.message}")
    lost = work.broken
    kept = replace(applied, former=tuple(each for each in applied.former if not lost & set(each.plugins.items())))
    if kept != applied:
        save_applied(work.laptop.layout.state, kept, work.laptop.disk)
    work.broken = set()
    return kept
