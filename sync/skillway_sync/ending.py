"""How does a run end, with and without its store, and what does it say?"""

from __future__ import annotations

from skillway_sync.errors import EXIT_DRIFT, EXIT_OK, EXIT_STALE, DriftError, ExpiredError, OfflineError, SyncError
from skillway_sync.finish import forget_noop, record_result, save_noop, save_stamps
from skillway_sync.laptop import Outcome
from skillway_sync.repair import key_text
from skillway_sync.retention import collect_garbage
from skillway_sync.status import GRACE, age_text
from skillway_sync.work import Work


def end_without_store(work: Work, error: OfflineError | ExpiredError) -> Outcome:
    """End a run that could not follow its store: within the days of grace the laptop is in order.

    Raises:
        OfflineError: Nothing was ever installed; or the same as ExpiredError.
        DriftError: What is installed is damaged, and only the store could mend it.
    """
    laptop, report = work.laptop, work.report
    if work.applied is None:
        raise error
    if work.broken & set(work.applied.plugins.items()):
        names = ", ".join(key_text(*pair) for pair in sorted(work.broken))
        raise DriftError(
            f"Damaged here, and not to be repaired without the store: {names}. {error.message}", fix=error.fix
        )
    report.state = "stale" if isinstance(error, ExpiredError) else "offline"
    forget_noop(laptop)
    save_stamps(laptop, report, work.index, work.broken)
    status = record_result(laptop, report, error)
    age = None if status.last_check is None else laptop.now - status.last_check
    is_recent = age is not None and age <= GRACE
    message = f"{error.message} Release {work.applied.seq} stays installed; the last check was {age_text(age)} ago."
    return _outcome(work, message, EXIT_OK if is_recent else EXIT_STALE, error=error)


def end_with_store(work: Work) -> Outcome:
    """End a run that followed its store: clean up, leave the index, the status and what `noop` needs."""
    laptop, report = work.laptop, work.report
    if work.applied is not None:
        work.applied = report.applied = collect_garbage(laptop, work.applied, report.index)
        work.index = save_stamps(laptop, report, work.index, work.broken)
    status = record_result(laptop, report)
    outcome = _outcome(work, _result_text(work), EXIT_OK)
    own_notes = [note for note in report.notes if not note.startswith(("Release ", "Ring "))]
    if work.options.signature is not None and work.applied is not None and not own_notes:
        calm = _outcome(work, _calm_text(work), EXIT_OK)
        calm.data["drift"] = []
        save_noop(laptop, report, work.options.signature, calm, status, work.index)
    else:
        forget_noop(laptop)
    if report.drift and work.options.strict_exit:
        outcome.exit_code = EXIT_DRIFT
        outcome.error = DriftError(
            f"{len(report.drift)} difference(s) were found and repaired.", fix="Nothing; they are repaired."
        )
    return outcome


def _outcome(work: Work, message: str, exit_code: int, *, error: SyncError | None = None) -> Outcome:
    report, applied = work.report, work.applied
    data = {
        "release": None if applied is None else applied.seq,
        "ring": work.config.ring,
        "plugins": {} if applied is None else dict(sorted(applied.plugins.items())),
        "drift": report.drift,
        "quarantine": [str(path) for path in work.quarantine.kept],
    }
    changed = report.changed or bool(report.drift)
    return Outcome("run", report.state, message, exit_code, changed, data, list(report.notes), error)


def _result_text(work: Work) -> str:
    report, applied = work.report, work.applied
    if applied is None:
        return "Nothing is installed."
    lines = []
    if report.changed:
        lines.append(
            f"Release {applied.seq} is installed from ring {work.config.ring}: {', '.join(sorted(applied.plugins))}."
        )
    if report.drift:
        lines.append(f"Repaired {len(report.drift)} difference(s):")
        lines += [f"  {line}" for line in report.drift]
    if work.quarantine.kept:
        lines.append(f"Edited files were kept in {work.quarantine.kept[0].parent}.")
    return "\n".join(lines) or _calm_text(work)


def _calm_text(work: Work) -> str:
    assert work.applied is not None
    return f"Nothing to do: release {work.applied.seq} is installed (ring {work.config.ring})."
