"""How a repository becomes a build: what is reused, what is made, what is checked, and in which order it is written.

A plugin is made again when any file of its folder, any file of `hooks/`, the organisation or skillway itself has
changed since it was made; else its archive is taken over. Nothing of the former build is touched until the new
`build.json` has replaced its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from skillway import telemetry
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
from skillway.build.sources import load_part, read_sources
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
        with telemetry.span("skillway.build.plan"):
            plan = _make_plan(repository, organisation, out, check=check, only=only)
        remembered = dict(plan.memory.plugins)
        facts = {"skillway.plugins.packed": len(plan.drafts), "skillway.plugins.reused": len(plan.kept)}
        with (
            telemetry.span("skillway.build.pack", facts),
            progress(plan.drafts, label="Packing", length=len(plan.drafts)) as drafts,
        ):
            for draft, wired in drafts:
                _, packed = write_plugin(draft, out)
                remembered[draft.source.place] = _remember(plan.state, draft, wired, packed, out)
        plugins = plan.plugins(out)
        build = Build(plugins, compare_builds(former, plugins.values()), frozenset(p.name for p in plan.kept.values()))
        _commit(build, out)
        places = {place: entry for place, entry in remembered.items() if place in plan.state.folders}
        # A partial build has not looked at the repository as a whole, for example for hooks that nothing wires.
        clean = plan.clean if only is None else plan.clean - {plan.state.frame}
        save_memory(Memory(plan.state.tool, places, clean), out)
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
    with suppress(OSError):
        if record.read_bytes() == data:
            return
    replace_file(record, data)


def _make_plan(
    repository: Path, organisation: Organisation, out: Path, *, check: bool, only: Collection[str] | None
) -> Plan:
    state = read_state(repository, organisation)
    plan = Plan(state, load_memory(out, tool=state.tool))
    plan.clean = plan.memory.clean
    reusable = _reusable(plan, out)
    if only is None and _is_framed(plan):
        unsettled = _unsettled(plan, reusable, check=check)
        plan.kept = {place: plugin for place, plugin in reusable.items() if place not in unsettled}
        if not unsettled:
            return plan
        catalog = load_part(repository, organisation, unsettled)
    else:
        catalog = load_catalog(repository, organisation)
    sources, faults = read_sources(catalog, only=only, known={p.name: place for place, p in plan.kept.items()})
    if check:
        found, plan.clean = blocking_faults(catalog, state, plan.clean, only=only)
        if found:
            raise stop_build(found)
    faults += _draft_all(plan, repository, sources, reusable, judge_unwired=only is None)
    if faults:
        raise stop_build(faults)
    return plan


def _is_framed(plan: Plan) -> bool:
    """Tell whether the repository has the same plugins and the same shared parts as when it was last built in full.

    Then only the plugins that changed have to be loaded: nothing that was said of the repository as a whole is new.
    """
    return plan.state.frame in plan.clean and set(plan.memory.plugins) == set(plan.state.folders)


def _unsettled(plan: Plan, reusable: Mapping[str, BuiltPlugin], *, check: bool) -> dict[str, tuple[str, str | None]]:
    """List the plugins that must be made again or checked, from folder to layer and team."""
    return {
        place: (entry.layer, entry.team)
        for place, entry in plan.memory.plugins.items()
        if place not in reusable or (check and plan.state.inputs(place) not in plan.clean)
    }


def _reusable(plan: Plan, out: Path) -> dict[str, BuiltPlugin]:
    """Find what former builds left that is made from the very inputs of now, by the folder that it was built from."""
    reusable = {}
    for place, entry in plan.memory.plugins.items():
        plugin = entry.revive(out) if entry.inputs == plan.state.inputs(place) else None
        if plugin:
            reusable[place] = plugin
    return reusable


def _draft_all(
    plan: Plan, repository: Path, sources: list[Source], reusable: Mapping[str, BuiltPlugin], *, judge_unwired: bool
) -> list[Fault]:
    plan.kept |= {source.place: reusable[source.place] for source in sources if source.place in reusable}
    wired = {path for place in plan.kept for path in plan.memory.plugins[place].wired}
    wanted = [source for source in sources if source.place not in reusable]
    hooks, faults = _read_hooks(repository, plan.state)
    for source in wanted:
        assembled = assemble(repository, source, plan.state.folders.get(source.place, {}), hooks)
        faults += assembled.faults
        wired |= assembled.wired
        draft = None if assembled.faults else draft_plugin(source, assembled.contents)
        if isinstance(draft, Fault):
            faults.append(draft)
        elif draft:
            plan.drafts.append((draft, assembled.wired))
    if judge_unwired:
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
