"""How keys, releases and a store's state are told to a person; the same facts as the commands' JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from skillway.release.notes import UNCHANGED
from skillway.release.status import EXPIRED, StoreStatus
from skillway_sync.release_document import PluginNote

if TYPE_CHECKING:  # looking at a store must not wait for what building and signing need
    from skillway.release.history import PastRelease
    from skillway.release.key_making import KeyReport
    from skillway.release.publish import Outcome


def keys_text(report: KeyReport, *, renewed: bool, dry_run: bool) -> str:
    """Tell what became of the keys."""
    if renewed:
        verb = "Would sign" if dry_run else "Signed"
        return f"{verb} root {report.root_version}, good until {report.root_expires:%Y-%m-%d}; the next publish or resign puts it out."
    lines = []
    if report.created:
        lines.append(
            f"{'Would make' if dry_run else 'Made'} {len(report.created)} keys in {report.folder}: {', '.join(report.created)}."
        )
    if report.kept:
        lines.append(f"Kept {len(report.kept)} keys as they were: {', '.join(report.kept)}.")
    if report.elsewhere:
        lines.append(f"Not on this machine, and not made again: {', '.join(report.elsewhere)}.")
    lines.append(
        f"Laptops get {report.folder / 'root.json'} (version {report.root_version}, until {report.root_expires:%Y-%m-%d})."
    )
    if any(name.startswith("root-") for name in (*report.created, *report.kept)):
        lines.append(
            "Take root-1.pem to root-3.pem and targets.pem off this machine; docs/guides/release.md tells how."
        )
    return "\n".join(lines)


def publish_text(outcome: Outcome, folder: Path, *, dry_run: bool) -> str:
    """Tell what was published, moved and signed."""
    plan, lines = outcome.plan, []
    if plan.release is None:
        lines.append(f"Nothing to publish: {plan.reason}")
    else:
        rings = ", ".join(plan.moves)
        verb = "Would publish" if dry_run else "Published"
        told = f"{verb} release {plan.release.seq} to {rings} in {folder}."
        lines.append(told if plan.is_new else f"{plan.reason} {'Would move' if dry_run else 'Moved'} to it: {rings}.")
        lines.extend(_note_lines(plan.release.notes) if plan.is_new else ())
    if outcome.signed:
        lines.append(f"{'Would sign' if dry_run else 'Signed'}: {', '.join(outcome.signed)}.")
    halted = [ring for ring, pointer in plan.moves.items() if pointer.halt]
    lines.extend(f"Ring {ring} is halted, so its laptops do not take the release yet." for ring in halted)
    return "\n".join(lines)


def _note_lines(notes: Mapping[str, PluginNote]) -> list[str]:
    lines = []
    for name, note in notes.items():
        if note.change != UNCHANGED or note.lines:
            lines.append(f"  {name}: {note.change}" + (f" ({'; '.join(note.lines)})" if note.lines else ""))
    return lines


def status_text(found: StoreStatus, folder: Path) -> str:
    """Tell a store's state, a line for each ring, role and damaged file."""
    if found.newest is None:
        lines = [f"{folder}: nothing is published yet."]
    else:
        lines = [f"{folder}: newest release {found.newest}" + (f" of {found.created}" if found.created else "")]
    for ring, seq in found.rings.items():
        halted = " (halted)" if ring in found.halted else ""
        lines.append(f"  ring {ring}: " + (f"release {seq}{halted}" if seq else "no release yet"))
    for role in found.roles:
        left = "EXPIRED" if role.state == EXPIRED else f"{role.days_left:g} days left"
        lines.append(f"  {role.role} {role.version}: until {role.expires:%Y-%m-%d %H:%M} UTC, {left}")
    lines.extend(f"  {fault}: {path}" for path, fault in found.damaged.items())
    return "\n".join(lines)


def history_text(releases: list[PastRelease], folder: Path) -> str:
    """Tell what each release changed."""
    if not releases:
        return f"{folder}: nothing is published yet."
    lines = []
    for entry in releases:
        rings = f"  [{', '.join(entry.rings)}]" if entry.rings else ""
        lines.append(f"release {entry.seq}  {entry.created}  {entry.plugins} plugins{rings}")
        lines.extend(_note_lines(entry.changes) or ["  no plugin changed"])
    return "\n".join(lines)
