"""Which errors of `skillway check` stop a build, and when the content need not be checked again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from skillway.build.faults import Fault
from skillway.build.state import State
from skillway.catalog import Catalog

if TYPE_CHECKING:
    from skillway.checks import Finding


def blocking_faults(
    catalog: Catalog, state: State, clean: frozenset[str], *, only: Collection[str] | None
) -> tuple[list[Fault], frozenset[str]]:
    """Check the plugins that are not known to be clean, and what concerns the repository as a whole where it was loaded.

    What a plugin was found clean with is its own files and what every plugin depends on, so rules about one plugin
    need not run again while neither changes. Two plugins of one name are found by `sources`, in every build.

    Args:
        catalog: The repository, or the part of it that was loaded.
        state: Its sources as they were hashed.
        clean: Fingerprints of states that were found clean before.
        only: Names of the plugins that are wanted, or None for all.

    Returns:
        The errors, and the fingerprints that are clean now.
    """
    from skillway.checks import check_catalog  # noqa: PLC0415 - a build of unchanged sources never needs the rules

    inputs = {
        plugin.folder: state.inputs(plugin.folder.relative_to(catalog.root).as_posix()) for plugin in catalog.plugins
    }
    wanted = [plugin for plugin in catalog.plugins if only is None or plugin.name in only]
    unknown = tuple(plugin for plugin in wanted if inputs[plugin.folder] not in clean)
    if not unknown and not catalog.problems:
        checked: list[Finding] = []
    else:
        checked = check_catalog(replace(catalog, plugins=unknown or catalog.plugins))
    errors = [_fault(finding) for finding in checked if finding.severity == "error"]
    if errors:
        return errors, clean
    current = {state.inputs(place) for place in state.folders}
    known = clean.intersection(current) | {inputs[plugin.folder] for plugin in wanted}
    return [], known | {state.frame}


def _fault(finding: Finding) -> Fault:
    return Fault(finding.file, finding.line or 0, f"{finding.message.rstrip('.')}.", finding.fix)
