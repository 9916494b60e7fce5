"""How a repository becomes a build: what is reused, what is made, what is checked, and in which order it is written.

A plugin is made again when any file of its folder, any file of `hooks/`, the organisation or skillway itself has
changed since it was made; else its archive is taken over. Nothing of the former build is touched until the new
`build.json` has replaced its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from skillway.build.assembly import Source, assemble, read_source
from skillway.build.faults import Fault, stop_build
from skillway.build.folder import locked, prune, refuse_sources_as_output
from skillway.build.memory import Memory, Remembered, load_memory, save_memory
from skillway.build.packing import Draft, draft_plugin, write_plugin
from skillway.build.product import (
    ARCHIVE,
    MANIFEST,
    RECORD,
    Build,
    BuiltPlugin,
    compare_builds,
    load_build,
    replace_file,
)
from skillway.build.sources import read_sources
from skillway.build.state import State, read_state
from skillway.build.verdict import blocking_faults
from skillway.build.wiring import HookFolder
from skillway.catalog import load_catalog
from skillway.errors import SkillwayError
from skillway.organisation import Organisation

T = TypeVar("T")


class Progress(Protocol):
    """Shows how far a loop is, as `Output.progress` does."""

    def __call__(
        self, items: Iterable[T], *, label: str, length: int | None = None
    ) -> AbstractContextManager[Iterable[T]]:
        """Give the items again, each shown as done when the next is asked for."""
        ...


def silent(items: Iterable[T], *, label: str, length: int | None = None) -> AbstractContextManager[Iterable[T]]:  # noqa: ARG001 - the form of Progress
    """Show nothing."""
    return nullcontext(items)


@dataclass(slots=True)
class Plan:
    """What a build will be, before anything is written.

    Attributes:
        state: The sources.
        memory: What is known of former builds.
        kept: Plugins that are taken over, by the folder that they were built from.
        drafts: Plugins to be packed, with the hook files that each got.
        clean: Fingerprints of what was checked and found clean.
    """

    state: State
    memory: Memory
    kept: dict[str, BuiltPlugin] = field(default_factory=dict)
    drafts: list[tuple[Draft, frozenset[str]]] = field(default_factory=list)
    clean: frozenset[str] = frozenset()

    def plugins(self, out: Path) -> dict[str, BuiltPlugin]:
        """Give every plugin of the build to be, by name."""
        plugins = [*self.kept.values(), *(draft.built(out) for draft, _ in self.drafts)]
        return {plugin.name: plugin for plugin in sorted(plugins, key=lambda plugin: plugin.name)}


def build_repository(
    repository: Path,
    organisation: Organisation,
    out: Path,
    *,
    check: bool = True,
    only: Collection[str] | None = None,
    progress: Progress = silent,
) -> Build:
    """Build the repository's plugins.

    Args:
        repository: The folder with organisation.yaml.
        organisation: What that file says.
        out: Where the build goes; a former build there is replaced, and its archives reused.
        check: Whether errors of `skillway check` stop the build.
        only: Names of the plugins to build, or None for all; the others are neither checked nor built.
        progress: Shows how far the packing is.

    Returns:
        The build, with what changed against the former one.

    Raises:
        FindingsError: The content has faults; it lists all of them. The former build stays.
        OutputError: The disk does not take the build. The former build stays.
        ConflictError: Another build is writing to the same folder.
    """
    refuse_sources_as_output(repository, out)
    with locked(out):
        former = _former_plugins(out)
        plan = _make_plan(repository, organisation, out, check=check, only=only)
        remembered = dict(plan.memory.plugins)
        with progress(plan.drafts, label="Packing", length=len(plan.drafts)) as drafts:
            for draft, wired in drafts:
                _, packed = write_plugin(draft, out)
                remembered[draft.source.place] = _remember(plan.state, draft, wired, packed, out)
        plugins = plan.plugins(out)
        build = Build(plugins, compare_builds(former, plugins.values()), frozenset(p.name for p in plan.kept.values()))
        _commit(build, out)
        places = {place: entry for place, entry in remembered.items() if place in plan.state.folders}
        whole = plan.state.whole if only is None else ""
        save_memory(Memory(plan.state.tool, places, plan.clean, whole), out)
        prune(out, {entry.name: {entry.digest} for entry in places.values()})
        return build


def plan_build(repository: Path, organisation: Organisation, out: Path) -> Build:
    """Say what `build_repository` would build and change, and write nothing.

    Raises:
        FindingsError: The content has faults.
    """
    refuse_sources_as_output(repository, out)
    plan = _make_plan(repository, organisation, out, check=True, only=None)
    plugins = plan.plugins(out)
    changes = compare_builds(_former_plugins(out), plugins.values())
    return Build(plugins, changes, frozenset(plugin.name for plugin in plan.kept.values()))


def _former_plugins(out: Path) -> list[BuiltPlugin]:
    try:
        return list(load_build(out).plugins.values())
    except SkillwayError:
        return []  # none, or damaged: then everything counts as added


def _commit(build: Build, out: Path) -> None:
    record = out / RECORD
    data = build.to_bytes()
    if not record.is_file() or record.read_bytes() != data:
        replace_file(record, data)


def _make_plan(
    repository: Path, organisation: Organisation, out: Path, *, check: bool, only: Collection[str] | None
) -> Plan:
    state = read_state(repository, organisation)
    memory = load_memory(out, tool=state.tool)
    plan = Plan(state, memory, clean=memory.clean)
    is_known = memory.whole == state.whole and (not check or state.whole in memory.clean)
    if only is None and is_known and _keep_everything(plan, out):
        return plan
    catalog = load_catalog(repository, organisation)
    sources, faults = read_sources(catalog, only=only)
    if check:
        found, plan.clean = blocking_faults(catalog, state, memory.clean, only=only)
        if found:
            raise stop_build(found)
    faults += _draft_all(plan, repository, out, sources, judge_unwired=only is None)
    if faults:
        raise stop_build(faults)
    return plan


def _keep_everything(plan: Plan, out: Path) -> bool:
    """Take over the whole former build when nothing changed at all; then not even the catalog is loaded."""
    kept = {}
    for place, entry in plan.memory.plugins.items():
        plugin = entry.revive(out) if entry.inputs == plan.state.inputs(place) else None
        if plugin is None:
            return False
        kept[place] = plugin
    plan.kept = kept
    return bool(kept)


def _draft_all(plan: Plan, repository: Path, out: Path, sources: list[Source], *, judge_unwired: bool) -> list[Fault]:
    faults: list[Fault] = []
    wired: set[str] = set()
    hooks: HookFolder | None = None
    for source in sources:
        entry = plan.memory.plugins.get(source.place)
        plugin = entry.revive(out) if entry and entry.inputs == plan.state.inputs(source.place) else None
        if entry and plugin:
            plan.kept[source.place] = plugin
            wired |= set(entry.wired)
            continue
        if hooks is None:
            hooks, unreadable = _read_hooks(repository, plan.state)
            faults += unreadable
        assembled = assemble(repository, source, plan.state.folders.get(source.place, {}), hooks)
        faults += assembled.faults
        wired |= assembled.wired
        draft = None if assembled.faults else draft_plugin(source, assembled.contents)
        if isinstance(draft, Fault):
            faults.append(draft)
        elif draft:
            plan.drafts.append((draft, assembled.wired))
    if hooks and judge_unwired:
        faults += hooks.unwired(wired)
    return faults


def _read_hooks(repository: Path, state: State) -> tuple[HookFolder, list[Fault]]:
    files: dict[str, bytes] = {}
    faults: list[Fault] = []
    for path, identity in sorted(state.hooks.items()):
        if any(part.startswith(".") for part in path.split("/")):
            continue
        data = read_source(repository, f"hooks/{path}", identity)
        if isinstance(data, Fault):
            faults.append(data)
        else:
            files[path] = data
    return HookFolder(files), faults


def _remember(state: State, draft: Draft, wired: frozenset[str], packed: dict[str, bytes], out: Path) -> Remembered:
    plugin = draft.built(out)
    return Remembered(
        inputs=state.inputs(draft.source.place),
        name=plugin.name,
        digest=plugin.digest,
        version=plugin.version,
        layer=plugin.layer,
        team=plugin.team,
        description=plugin.description,
        wired=tuple(sorted(wired)),
        manifest=hashlib.sha256(packed[MANIFEST]).hexdigest(),
        archive=hashlib.sha256(packed[ARCHIVE]).hexdigest(),
    )
