"""How does a laptop go back to a release that it had, from its own disk alone?

The release that was left is held: the next run does not apply it again by itself; a newer one ends the hold.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from skillway_sync.applied import Applied, Former, load_applied, save_applied, succeed
from skillway_sync.apply import apply_users
from skillway_sync.config import load_config
from skillway_sync.disk import disk_errors
from skillway_sync.engine import clean_up
from skillway_sync.errors import EXIT_OK, ConfigError, DriftError, RefusedError, SyncError
from skillway_sync.finish import Report, forget_noop, record_result, save_stamps
from skillway_sync.index import load_index
from skillway_sync.laptop import Laptop, Outcome
from skillway_sync.local import LocalRelease, load_local_release, rebuild_folders
from skillway_sync.lock import BusyError, exclusive_lock
from skillway_sync.pointers import base_of, commit_pointers, render_pointers
from skillway_sync.quarantine import Quarantine
from skillway_sync.repair import inspect_store, key_text
from skillway_sync.status import load_status


def roll_back(laptop: Laptop, to: int | None = None) -> Outcome:
    """Apply a former release again.

    Args:
        laptop: The laptop.
        to: Which one; the last before the present when None.

    Raises:
        RefusedError: There is no such release on this disk.
        DriftError: Its files are damaged and cannot be repaired from this disk.
    """
    state = laptop.layout.state
    if load_applied(state) is None:
        raise _nothing_there(None, None)
    with disk_errors(laptop.layout.root):
        try:
            with exclusive_lock(state):
                return _roll_back(laptop, to)
        except BusyError:
            return Outcome("rollback", "busy", "Another skillway-sync is at work on this laptop; nothing was done.")


def _roll_back(laptop: Laptop, to: int | None) -> Outcome:
    clean_up(laptop)
    with contextlib.suppress(ConfigError):  # a rollback must work with a broken configuration too
        laptop.config = load_config(laptop.layout.config_file)
    applied = load_applied(laptop.layout.state)
    former = _choose(applied, to)
    assert applied is not None
    quarantine = Quarantine(laptop.layout.state, laptop.layout.root, laptop.disk, laptop.now)
    report = Report(former=load_status(laptop.layout.state), state="held")
    interpreter = laptop.layout.interpreter_file.read_text().strip()
    local = _bring_back(laptop, former, quarantine, report, interpreter)
    held = applied.highest if former.seq < applied.highest else None
    base, plugin = base_of(local.selected)
    fresh = replace(applied, seq=former.seq, plugins=former.plugins, base=base, applied_at=laptop.now, held=held)
    pointers = render_pointers(
        laptop,
        local.release,
        local.selected,
        local.fragments,
        base_folder=laptop.folder(base, plugin.digest),
        interpreter=interpreter,
    )
    laptop.parts.check_personal(laptop.layout, local.release, local.selected, local.fragments)
    successor = succeed(applied, fresh)
    save_applied(laptop.layout.state, successor, laptop.disk)
    commit_pointers(laptop, pointers, quarantine.keep)
    report.notes += apply_users(laptop, local.release, local.selected, local.fragments)
    clean_up(laptop)
    return _finish(laptop, report, applied, successor)


def _choose(applied: Applied | None, to: int | None) -> Former:
    formers = () if applied is None else applied.former
    if to is not None:
        chosen = next((each for each in formers if each.seq == to), None)
    else:
        chosen = max(
            (each for each in formers if applied and each.seq < applied.seq), key=lambda each: each.seq, default=None
        )
    if chosen is None:
        raise _nothing_there(applied, to)
    return chosen


def _nothing_there(applied: Applied | None, to: int | None) -> SyncError:
    kept = ", ".join(str(each.seq) for each in applied.former) if applied and applied.former else "none"
    wanted = "No earlier release is" if to is None else f"Release {to} is not"
    return RefusedError(
        f"{wanted} on this disk (kept: {kept}).", fix="Publish the old content as a new release instead."
    )


def _bring_back(
    laptop: Laptop, former: Former, quarantine: Quarantine, report: Report, interpreter: str
) -> LocalRelease:
    pairs = set(former.plugins.items())
    known = load_index(laptop.layout.state).folders
    found = inspect_store(laptop, pairs, known, quarantine, interpreter, full=True)
    made = rebuild_folders(laptop, sorted(found.broken), interpreter) if found.broken else []
    report.drift += found.drift + [f"{key_text(*pair)}: missing" for pair in made]
    report.index = {**{key: value for key, value in known.items() if tuple(key.split("/")) not in pairs}, **found.index}
    local = load_local_release(laptop, former.seq, former.plugins)
    lost = sorted(found.broken - set(made))
    if lost or local is None:
        names = ", ".join(key_text(*pair) for pair in lost) or f"state/releases/{former.seq}.json"
        raise DriftError(
            f"Release {former.seq} is damaged on this disk: {names}.",
            fix="Run `skillway-sync run` with the store in reach.",
        )
    return local


def _finish(laptop: Laptop, report: Report, before: Applied, applied: Applied) -> Outcome:
    report.applied = applied
    report.changed = True
    if applied.held is None:
        report.state = "ok"
        message = f"Release {applied.seq} is installed again."
    else:
        note = f"Release {applied.held} was rolled back on this laptop; release {applied.seq} stays until a newer one is published."
        report.notes.append(note)
        message = f"Release {applied.seq} is installed again in place of {before.seq}; {applied.held} is held until a newer one."
    forget_noop(laptop)
    save_stamps(laptop, report, load_index(laptop.layout.state), set())
    record_result(laptop, report)
    data = {
        "release": applied.seq,
        "from": before.seq,
        "held": applied.held,
        "plugins": applied.plugins,
        "drift": report.drift,
    }
    return Outcome("rollback", report.state, message, EXIT_OK, changed=True, data=data, warnings=report.notes)
