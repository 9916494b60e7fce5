"""Is everything that is installed, byte for byte, what its manifests say? Reads all of it and writes nothing."""

from __future__ import annotations

from skillway_sync.applied import Applied, load_applied
from skillway_sync.drift import find_differences
from skillway_sync.errors import EXIT_DRIFT, EXIT_OK, DriftError, SyncError
from skillway_sync.laptop import Laptop, Outcome
from skillway_sync.local import load_local_release
from skillway_sync.pointers import base_of, pointer_fault, render_pointers
from skillway_sync.repair import expected_files, key_text

_FIX = "Run `skillway-sync run`; it repairs them."


def verify(laptop: Laptop) -> Outcome:
    """Compare the applied release and the kept former ones with their manifests, and the pointers with the record.

    Returns:
        Exit code 0, or 20 with each difference named in `data["differences"]`.

    Raises:
        DriftError: Nothing is installed that could be compared.
    """
    applied = load_applied(laptop.layout.state)
    if applied is None:
        raise DriftError(f"No release is installed at {laptop.layout.root}.", fix="Run `skillway-sync run`.")
    counted, differences = _compare_folders(laptop, applied)
    differences += _compare_pointers(laptop, applied)
    data = {"release": applied.seq, "files": counted, "differences": differences}
    if not differences:
        message = f"Release {applied.seq} is intact: {counted} files have the bytes and modes of their manifests."
        return Outcome("verify", "ok", message, EXIT_OK, data=data)
    error = DriftError(f"{len(differences)} difference(s) from release {applied.seq}.", fix=_FIX)
    lines = [f"{len(differences)} difference(s) from release {applied.seq}:", *(f"  {each}" for each in differences)]
    return Outcome("verify", "drift", "\n".join(lines), EXIT_DRIFT, data=data, error=error)


def _compare_folders(laptop: Laptop, applied: Applied) -> tuple[int, list[str]]:
    counted = 0
    differences = []
    for plugin, digest in sorted(applied.folders()):
        files = expected_files(laptop.archives, plugin, digest)
        where = key_text(plugin, digest)
        if files is None:
            differences.append(f"{where}: its manifest is missing or damaged")
            continue
        counted += len(files)
        differences += [each.describe(where) for each in find_differences(laptop.folder(plugin, digest), files)]
    return counted, differences


def _compare_pointers(laptop: Laptop, applied: Applied) -> list[str]:
    local = load_local_release(laptop, applied.seq, applied.plugins)
    if local is None:
        return [f"state/releases/{applied.seq}.json: missing or damaged"]
    base, plugin = base_of(local.selected)
    try:
        interpreter = laptop.layout.interpreter_file.read_text().strip()
        folder = laptop.folder(base, plugin.digest)
        pointers = render_pointers(
            laptop, local.release, local.selected, local.fragments, base_folder=folder, interpreter=interpreter
        )
    except (OSError, ValueError) as error:
        return [f"{laptop.layout.interpreter_file}: {error}"]
    except SyncError as error:
        return [error.message]
    return [fault for pointer in pointers if (fault := pointer_fault(pointer))]
