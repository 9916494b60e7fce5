"""What does a run leave for people and for the next run? The status file, the index, and what `noop` needs."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skillway_sync import __version__
from skillway_sync.applied import Applied
from skillway_sync.config import Config
from skillway_sync.errors import SyncError
from skillway_sync.homes import find_homes
from skillway_sync.index import Folders, Index, save_index, scan_folder
from skillway_sync.laptop import Laptop, Outcome
from skillway_sync.noop import FORMAT, NOOP_FILE, place_stamp, seal, unseal
from skillway_sync.packaged import watched_packages
from skillway_sync.repair import FULL_CHECK_EVERY, boot_id
from skillway_sync.status import MAX_DRIFT, RECORD_EVERY, Status, is_worth_writing, save_status
from skillway_sync.telemetry_files import USER_FILE, state_folder
from skillway_sync.trust import Freshness


@dataclass
class Report:
    """What was seen and done during a run.

    Attributes:
        former: The status before the run.
        config: The configuration, once it was read.
        applied: What is applied now.
        state: The state for the status file.
        notes: What a person should know, one sentence each.
        drift: What was put right, one line each.
        index: Stamps of the folders that are known to be right.
        is_full: Whether every file was read.
        changed: Whether a release was applied.
        freshness: What the store last said; None when it was not reached.
        interpreter: What hooks run with.
        requests: How many addresses of the store were asked for.
    """

    former: Status
    config: Config | None = None
    applied: Applied | None = None
    state: str = "ok"
    notes: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    index: Folders = field(default_factory=dict)
    is_full: bool = False
    changed: bool = False
    freshness: Freshness | None = None
    interpreter: str | None = None
    requests: int = 0


def record_result(laptop: Laptop, report: Report, error: SyncError | None = None) -> Status:
    """Write the status file, if it says something new.

    Args:
        laptop: The laptop.
        report: The run.
        error: What kept the run from being complete; None when it was.
    """
    former = report.former
    applied = report.applied
    status = Status(
        state=report.state,
        release=former.release if applied is None else applied.seq,
        ring=former.ring if report.config is None else report.config.ring,
        last_check=laptop.now if report.freshness is not None and error is None else former.last_check,
        last_apply=former.last_apply if applied is None else applied.applied_at,
        last_attempt=laptop.now,
        error=None if error is None else {"code": error.code, "message": error.message, "fix": error.fix},
        notes=tuple(report.notes),
        drift=tuple(report.drift[:MAX_DRIFT]) or former.drift,
        drift_at=laptop.now if report.drift else former.drift_at,
        interpreter=report.interpreter or former.interpreter,
        sync_version=__version__,
        plugins=former.plugins if applied is None else dict(sorted(applied.plugins.items())),
    )
    if is_worth_writing(former, status) or report.changed or report.drift:
        save_status(laptop.layout.state, status, laptop.disk)
        return status
    return former


def record_failure(laptop: Laptop, report: Report, error: SyncError) -> None:
    """Write down why a run ended early, where it can be written; the next run looks at everything again."""
    report.state = error.code
    with contextlib.suppress(OSError):
        forget_noop(laptop)
        record_result(laptop, report, error)


def forget_noop(laptop: Laptop) -> None:
    """Make sure that the next run is a full one."""
    path = laptop.layout.state / NOOP_FILE
    if path.exists():
        laptop.disk.remove(path)


def save_stamps(laptop: Laptop, report: Report, former: Index, broken: set[tuple[str, str]]) -> Index:
    """Write the index, with the folders that are new, if it differs from what is there; gives it.

    Args:
        laptop: The laptop.
        report: The run.
        former: The index as it was read.
        broken: The (plugin, digest) that are not right; they stay out, so that the next run looks at them.
    """
    assert report.applied is not None
    keys = {f"{plugin}/{digest}" for plugin, digest in report.applied.folders() - broken}
    for key in sorted(keys - set(report.index)):
        with contextlib.suppress(OSError):
            report.index[key] = scan_folder(laptop.layout.store, key)
    index = Index({key: value for key, value in report.index.items() if key in keys}, former.checked_at, former.boot)
    if report.is_full or former.checked_at is None:
        index.checked_at, index.boot = laptop.now, boot_id()
    if index != former:
        save_index(laptop.layout.state, index, laptop.disk)
    return index


def save_noop(
    laptop: Laptop, report: Report, signature: list[object], outcome: Outcome, status: Status, index: Index
) -> None:
    """Leave what lets the next run end at once, if nothing changes until then."""
    freshness, config = report.freshness, report.config
    assert freshness is not None
    assert config is not None
    layout = laptop.layout
    paths = [layout.config_file, config.root_json, layout.launcher, layout.interpreter_file, layout.guard_pointer]
    paths += [layout.catalogue_file, layout.store, layout.state / "applied.json", *laptop.parts.personal_files(layout)]
    paths += [layout.telemetry_file, *_people_files(laptop, config)]
    paths += [layout.policy_file] if layout.scope == "system" else []
    names = [
        *map(str, paths),
        report.interpreter or "",
        *watched_packages(layout, report.interpreter or ""),
        *(f"{layout.store}/{plugin}" for plugin in sorted(_plugins(report))),
    ]
    content = {
        "format": FORMAT,
        "signature": signature,
        "places": [(name, place_stamp(name)) for name in names if name],
        "boot": index.boot,
        "checked_at": laptop.now,
        "check_before": min(
            (index.checked_at or 0.0) + FULL_CHECK_EVERY, (status.last_attempt or laptop.now) + RECORD_EVERY
        ),
        "expires": freshness.expires,
        "store": config.store,
        "timestamp": freshness.timestamp,
        "root_version": freshness.root_version,
        "text": f"{outcome.message}\n",
        "json": json.dumps(replace(outcome, changed=False).envelope(), indent=2) + "\n",
    }
    if not _is_known(layout.state / NOOP_FILE, content):
        laptop.disk.replace(layout.state / NOOP_FILE, seal(content), 0o600, durable=False)


def _people_files(laptop: Laptop, config: Config) -> list[Path]:
    if config.user is None and not config.users:
        return []
    return [state_folder(laptop.layout, home) / USER_FILE for home in find_homes(laptop.layout)]


def _is_known(path: Path, content: dict[str, Any]) -> bool:
    try:
        known = unseal(path.read_bytes())
        return bool({**known, "checked_at": 0} == {**content, "checked_at": 0})
    except (OSError, ValueError, EOFError, TypeError):
        return False


def _plugins(report: Report) -> set[str]:
    assert report.applied is not None
    return {plugin for plugin, _ in report.applied.folders()}
