"""What on this laptop is not as it should be, and how is each thing mended?

Reads only. Every difference is one line with its mend; the last word has the effect: a deny blocks. Repair is
the next run's work.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from skillway_sync.archives import LocalArchives
from skillway_sync.catalogue import catalogue_digests
from skillway_sync.config import PACKAGED
from skillway_sync.diagnosis import PROBLEM, Diagnosis, Facts, from_error, gather_facts, ok, problem, warning
from skillway_sync.doctor_policy import check_other_policies, check_policy, check_stronger_sources
from skillway_sync.doctor_telemetry import check_telemetry
from skillway_sync.doctor_users import check_homes
from skillway_sync.drift import find_differences
from skillway_sync.effect import prove_guard
from skillway_sync.errors import SyncError
from skillway_sync.interpreter import interpreter_fault, probe_interpreter
from skillway_sync.layout import SYSTEM, Layout
from skillway_sync.packaged import copy_differences, copy_of, find_package, is_packaged, read_package
from skillway_sync.privilege import closed_to_others
from skillway_sync.repair import expected_files
from skillway_sync.status import age_text, load_status, parse_time, present_state
from skillway_sync.trust import TRUST_FOLDER

__all__ = ["Diagnosis", "has_problems", "run_doctor"]

LOW_BYTES = 256 * 1024 * 1024
"""Free space below which the next update may fail."""
ROOT_SOON = 30 * 86_400.0
"""Seconds before the trusted root expires in which somebody should sign a new one."""
MAX_NAMED = 5
_POINTER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[0-9a-f]{64}\n?\Z")

Check = Callable[[Facts], Iterator[Diagnosis]]


def run_doctor(layout: Layout, *, client: Path | None = None, now: float | None = None) -> list[Diagnosis]:
    """Look at everything that skillway needs on this laptop.

    Args:
        layout: The laptop's places.
        client: A Claude Code client to start once against a scripted API; None leaves this proof out.
        now: Seconds, UTC; by default the clock's.
    """
    facts = gather_facts(layout, now=time.time() if now is None else now)
    checks: list[Check] = [_check_config, _check_release, _check_status, _check_expiry, _check_disk, _check_catalogue]
    checks += [_check_guard, _check_interpreter, _check_byte_code]
    if layout.scope == SYSTEM:
        checks += [check_policy, check_other_policies, check_stronger_sources]
    checks += [check_homes, check_telemetry, _check_drift, _check_effect]
    found: list[Diagnosis] = []
    for check in checks:
        found += _guarded(check, facts)
    if client is not None:
        found += _check_client(client, layout)
    return found


def has_problems(findings: list[Diagnosis]) -> bool:
    """Tell whether anything does not work; warnings alone do not count."""
    return any(finding.level == PROBLEM for finding in findings)


def _guarded(check: Check, facts: Facts) -> list[Diagnosis]:
    """Run one check; what it cannot read is a finding, and the others still run."""
    found: list[Diagnosis] = []
    try:
        found.extend(check(facts))
    except SyncError as error:
        found.append(from_error(error))
    except OSError as error:
        fix = "Run the doctor as root." if isinstance(error, PermissionError) else f"Look at {error.filename}."
        found.append(problem(f"{error.filename} cannot be looked at ({error.strerror}).", fix))
    return found


# --- what IT and the last run say -----------------------------------------------------------------------------------


def _check_config(facts: Facts) -> Iterator[Diagnosis]:
    path = facts.layout.config_file
    if facts.config is None:
        if facts.config_error is not None:
            yield from_error(facts.config_error)
        return
    for key in facts.config.unknown_keys:
        yield warning(f"The configuration {path} has the unknown key {key!r}.", "Remove it or correct its spelling.")
    if not facts.config.root_json.is_file():
        yield problem(
            f"The trusted root {facts.config.root_json} is missing, so nothing can be verified.",
            "Put the publisher's root.json there.",
        )
    yield ok(f"The configuration {path} is readable: ring {facts.config.ring}, store {facts.config.store}.")


def _check_release(facts: Facts) -> Iterator[Diagnosis]:
    if facts.applied is None:
        yield problem(f"No release is applied at {facts.layout.root}.", facts.run)
        return
    held = "" if facts.applied.held is None else f", held back from {facts.applied.held} by a rollback"
    yield ok(f"Release {facts.applied.seq} is applied, with {len(facts.applied.plugins)} plugins{held}.")


def _check_status(facts: Facts) -> Iterator[Diagnosis]:
    status = load_status(facts.layout.state)
    state = present_state(status, now=facts.now)
    if status.error is not None:
        yield problem(f"The last run failed: {status.error.get('message')}", str(status.error.get("fix", facts.run)))
    if status.last_check is None:
        yield warning("The store was never reached from here.", facts.run)
        return
    line = f"The last check of the store was {age_text(facts.now - status.last_check)} ago."
    if state == "alarm":
        yield problem(line, "Check the network and that skillway-sync is scheduled.")
    elif state == "stale":
        yield warning(line, "Check the network and that skillway-sync is scheduled.")
    else:
        yield ok(line)


def _check_expiry(facts: Facts) -> Iterator[Diagnosis]:
    trust = facts.layout.state / TRUST_FOLDER
    roots = sorted(trust.glob("root_history/*.root.json"), key=_number_of)[-1:]
    for path in [*roots, *sorted(path for path in trust.glob("*.json") if path.name != "root.json")]:
        expires = _expiry(path)
        name = path.name.removesuffix(".json")
        if expires is None:
            yield warning(f"{path} is damaged.", facts.run)
        elif expires < facts.now:
            yield warning(
                f"The signature of {name} expired {age_text(facts.now - expires)} ago; what is installed stays in force.",
                "Let the publisher sign again, then run skillway-sync.",
            )
        elif path in roots and expires - facts.now < ROOT_SOON:
            yield warning(
                f"The trusted root expires in {age_text(expires - facts.now)}.",
                "Let the publisher sign a new root now.",
            )


def _number_of(path: Path) -> int:
    number = path.name.partition(".")[0]
    return int(number) if number.isdigit() else 0


def _expiry(path: Path) -> float | None:
    try:
        return parse_time(json.loads(path.read_bytes())["signed"]["expires"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None


def _check_disk(facts: Facts) -> Iterator[Diagnosis]:
    root = facts.layout.root
    if not root.is_dir():
        return
    free = shutil.disk_usage(root).free
    if hasattr(os, "statvfs") and os.statvfs(root).f_flag & os.ST_RDONLY:
        yield problem(f"The volume of {root} is read-only.", "Mount it writable.")
    elif free < LOW_BYTES:
        yield warning(f"The volume of {root} has {free // 2**20} MB free.", "Free some space before the next update.")


# --- what is installed ----------------------------------------------------------------------------------------------


def _check_catalogue(facts: Facts) -> Iterator[Diagnosis]:
    path = facts.layout.catalogue_file
    try:
        digests = catalogue_digests(path.read_bytes())
    except FileNotFoundError:
        yield problem(f"The catalogue {path} is missing, so no plugin loads.", facts.run)
        return
    except ValueError as error:
        yield problem(f"The catalogue {path} cannot be used ({error}), so no plugin loads.", facts.run)
        return
    faults = [
        problem(f"The catalogue names {folder}, which is not there.", facts.run)
        for folder in (facts.layout.store / name / digest for name, digest in sorted(digests.items()))
        if not (folder / ".claude-plugin" / "plugin.json").is_file()
    ]
    if facts.applied is not None and digests != facts.applied.plugins:
        faults.append(problem(f"The catalogue {path} is not what release {facts.applied.seq} says.", facts.run))
    closed = closed_to_others(path, below=facts.layout.prefix) if facts.is_for_all else None
    if closed is not None:
        faults.append(problem(f"Users cannot read the catalogue {path}, because {closed} is closed.", facts.run))
    yield from faults or [ok(f"The catalogue {path} names {len(digests)} plugins, and all are there.")]


def _check_guard(facts: Facts) -> Iterator[Diagnosis]:
    path = facts.layout.guard_pointer
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        yield problem(f"The guard's pointer {path} cannot be read ({error}), so no guard runs.", facts.run)
        return
    if not _POINTER.match(text):
        yield problem(
            f"The guard's pointer {path} says {text[:80]!r}, not <plugin>/<digest>; no guard runs.", facts.run
        )
        return
    folder = facts.layout.store / text.strip()
    if not folder.is_dir():
        yield problem(f"The guard's pointer {path} names {folder}, which is not there; no guard runs.", facts.run)
    elif facts.base_folder is not None and folder != facts.base_folder:
        yield problem(f"The guard's pointer {path} names {text.strip()}, not the applied release's.", facts.run)
    try:
        if facts.layout.launcher.read_bytes() != (folder / "hooks" / "run").read_bytes():
            yield problem(f"The launcher {facts.layout.launcher} is not the applied release's.", facts.run)
    except OSError as error:
        yield problem(f"The launcher cannot be read ({error.filename}: {error.strerror}); no guard runs.", facts.run)


def _check_interpreter(facts: Facts) -> Iterator[Diagnosis]:
    path = facts.layout.interpreter_file
    try:
        recorded = path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:
        yield problem(f"The recorded interpreter {path} cannot be read ({error}).", facts.run)
        return
    for_all = facts.is_for_all and facts.layout.prefix is None
    fault = interpreter_fault(Path(recorded), for_all=for_all)
    if fault is not None:
        yield problem(f"The interpreter for hooks, {recorded}, {fault}.", f"Install one, then: {facts.run}")
    else:
        yield ok(f"Hooks run with {recorded}.")
    if is_packaged(facts.layout, recorded):
        yield from _check_package(facts, recorded)
    wish = facts.config.interpreter if facts.config else None
    if wish == PACKAGED:
        if not is_packaged(facts.layout, recorded):
            yield warning(
                f"The configuration wants the packaged interpreter, and hooks run with {recorded}.",
                f"Put the folder python beside {facts.layout.config_file}, then: {facts.run}",
            )
    elif wish is not None and wish != recorded:
        reason = interpreter_fault(Path(wish), for_all=for_all)
        why = f", because it {reason}" if reason else ""
        yield warning(f"The configured interpreter {wish} is not used{why}.", f"Correct config.json, then: {facts.run}")


def _check_package(facts: Facts, recorded: str) -> Iterator[Diagnosis]:
    """Compare the copy that hooks run with, and see whether it could be made again."""
    copy = copy_of(facts.layout, recorded)
    differences = copy_differences(copy)
    for each in differences[:MAX_NAMED]:
        yield problem(f"{each.describe(str(copy))}.", facts.run)
    if len(differences) > MAX_NAMED:
        yield problem(f"{len(differences) - MAX_NAMED} more files of the packaged interpreter differ.", facts.run)
    source = find_package(facts.layout)
    if source is None:
        yield warning(
            "The packaged interpreter's folder of IT is gone, so a damaged copy cannot be mended.",
            f"Put it beside {facts.layout.config_file} again.",
        )
    elif read_package(source).digest != copy.name:
        yield warning(f"IT has put another packaged interpreter at {source}.", f"Take it into use: {facts.run}")


def _check_byte_code(facts: Facts) -> Iterator[Diagnosis]:
    """Hooks without fitting byte code work, 10 to 20 ms slower on every tool call."""
    try:
        recorded = Path(facts.layout.interpreter_file.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return
    found = probe_interpreter(recorded) if recorded.is_absolute() else ""
    if isinstance(found, str) or facts.applied is None:
        return
    folders = [
        facts.layout.store / plugin / digest / "hooks" for plugin, digest in sorted(facts.applied.plugins.items())
    ]
    unfit = [
        script
        for hooks in folders
        for script in sorted(hooks.glob("*.py"))
        if not _starts_with(hooks / "__pycache__" / f"{script.stem}.{found.tag}.pyc", found.magic)
    ]
    if unfit:
        yield warning(f"{len(unfit)} hook scripts have no byte code for {recorded}, so hooks start slower.", facts.run)


def _starts_with(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False


def _check_drift(facts: Facts) -> Iterator[Diagnosis]:
    if facts.applied is None:
        return
    archives = LocalArchives(facts.layout.state)
    differences: list[str] = []
    for plugin, digest in sorted(facts.applied.plugins.items()):
        files = expected_files(archives, plugin, digest)
        if files is None:
            yield warning(f"What {plugin}/{digest[:12]} should hold is not known here any more.", facts.run)
            continue
        found = find_differences(facts.layout.store / plugin / digest, files)
        differences += [each.describe(f"store/{plugin}/{digest[:12]}") for each in found]
    for line in differences[:MAX_NAMED]:
        yield problem(f"{line}.", facts.run)
    if len(differences) > MAX_NAMED:
        yield problem(f"{len(differences) - MAX_NAMED} more files differ.", facts.run)
    if not differences:
        yield ok("Every installed file is what was signed.")


# --- by effect ------------------------------------------------------------------------------------------------------


def _check_effect(facts: Facts) -> Iterator[Diagnosis]:
    proof = prove_guard(facts.layout)
    if proof.holds:
        yield ok(f"By effect: {proof.detail}.")
    else:
        yield problem(f"By effect: {proof.detail}.", facts.run)


def _check_client(client: Path, layout: Layout) -> list[Diagnosis]:
    from skillway_sync.client_proof import prove_with_client

    try:
        proof = prove_with_client(client, layout)
    except SyncError as error:
        return [from_error(error)]
    if proof.ok:
        return [
            ok(
                f"Claude Code {proof.version} ({proof.delivery}) loads {len(proof.plugins)} plugins and is refused by the guard."
            )
        ]
    return [
        problem(f"Claude Code {proof.version} ({proof.delivery}): {line}", "See the lines above.")
        for line in proof.detail
    ]
