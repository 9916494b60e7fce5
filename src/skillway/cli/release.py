"""`skillway release`: make keys, publish releases, move rings, and see what a store publishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skillway.cli.output import Output, json_option
from skillway.errors import EXIT_FINDINGS, RepositoryError, SkillwayError
from skillway.organisation import Organisation, find_repository, load_organisation

if TYPE_CHECKING:
    from skillway.release.publish import Outcome
    from skillway.release.status import StoreStatus

F = TypeVar("F", bound=Callable[..., Any])
_HOME = ".skillway"


@dataclass(frozen=True)
class _Place:
    """The repository around the working directory, if there is one."""

    repository: Path | None

    def folder(self, given: Path | None, name: str) -> Path:
        """Give the folder that was named, else the repository's own `.skillway/<name>`."""
        return given or (self.repository or Path()) / _HOME / name

    def organisation(self) -> Organisation:
        return load_organisation(self.repository or find_repository(Path.cwd()))

    def rings(self) -> tuple[str, ...] | None:
        return load_organisation(self.repository).rings if self.repository else None


def _place() -> _Place:
    try:
        return _Place(find_repository(Path.cwd()))
    except RepositoryError:
        return _Place(None)


def _store_option(function: F) -> F:
    shown = "Folder of the store; $SKILLWAY_STORE. [default: .skillway/store]"
    return click.option("--store", type=click.Path(path_type=Path), envvar="SKILLWAY_STORE", help=shown)(function)


def _keys_option(function: F) -> F:
    shown = "Folder of the keys; $SKILLWAY_KEYS. [default: .skillway/keys]"
    return click.option("--keys", type=click.Path(path_type=Path), envvar="SKILLWAY_KEYS", help=shown)(function)


def _dry_run_option(function: F) -> F:
    return click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")(function)


@click.group()
def command() -> None:
    """Sign and publish releases, and see what laptops are offered.

    \b
    Example:
      skillway release keys
      skillway release publish --ring canary
      skillway release publish --ring broad --release 7
      skillway release status
    """  # noqa: D301 - click's mark for "do not re-wrap"


@command.command()
@_keys_option
@click.option("--renew-root", is_flag=True, help="Sign the next root, good for a year; needs two root keys.")
@_dry_run_option
@json_option
@click.pass_obj
def keys(out: Output, keys: Path | None, renew_root: bool, dry_run: bool) -> None:
    """Make the signing keys that are not there yet; a key that is there is never touched.

    \b
    Example:
      skillway release keys
      skillway release keys --keys /media/usb/skillway-keys
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.release import key_making, text
    from skillway.release.keys import open_to_others
    from skillway.release.roles import now_utc

    place = _place()
    folder = place.folder(keys, "keys")
    if renew_root:
        report = key_making.renew_root(folder, now=now_utc(), dry_run=dry_run)
    else:
        report = key_making.make_keys(folder, place.organisation().rings, now=now_utc(), dry_run=dry_run)
    if folder.is_dir():
        _warn_of_open_files(out, open_to_others(folder))
    data = {
        "folder": str(folder),
        "root": str(folder / "root.json"),
        "root_version": report.root_version,
        "root_expires": _iso(report.root_expires),
        "created": report.created,
        "kept": report.kept,
        "elsewhere": report.elsewhere,
        "dry_run": dry_run,
    }
    told = text.keys_text(report, renewed=renew_root, dry_run=dry_run)
    out.finish(data, told, next_actions=["skillway release publish"])


@command.command()
@click.option("--build", type=click.Path(path_type=Path), help="Folder of the build. [default: .skillway/build]")
@_store_option
@_keys_option
@click.option("--ring", "rings", multiple=True, metavar="RING", help="Ring to move; again for more. [default: all]")
@click.option("--note", "notes", multiple=True, metavar="TEXT", help="Line for the release notes, or 'PLUGIN: TEXT'.")
@click.option(
    "--release", type=click.IntRange(1), metavar="N", help="Move the rings to release N instead of building on."
)
@click.option(
    "--revert-to", type=click.IntRange(1), metavar="N", help="Publish the content of release N as a new release."
)
@_dry_run_option
@json_option
@click.pass_obj
def publish(
    out: Output,
    build: Path | None,
    store: Path | None,
    keys: Path | None,
    rings: tuple[str, ...],
    notes: tuple[str, ...],
    release: int | None,
    revert_to: int | None,
    dry_run: bool,
) -> None:
    """Publish the build, move rings to a release, or return to an earlier one.

    Running it again with the same plugins publishes nothing new; it signs again what is past half of its life.

    \b
    Example:
      skillway release publish --note "create-pr: asks for the ticket first"
      skillway release publish --ring broad --release 7
      skillway release publish --revert-to 5
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.release import publish as publishing
    from skillway.release import text
    from skillway.release.keys import open_to_others
    from skillway.release.roles import now_utc
    from skillway.release.store import Store

    if release is not None and (revert_to is not None or notes):
        raise click.UsageError(
            "--release moves rings to what is published, so it goes with neither --revert-to nor --note."
        )
    place = _place()
    folder, key_folder = place.folder(store, "store"), place.folder(keys, "keys")
    request = publishing.Request(place.folder(build, "build"), rings, notes, release, revert_to)
    if key_folder.is_dir():
        _warn_of_open_files(out, open_to_others(key_folder))
    outcome = publishing.publish(
        Store(folder), key_folder, place.organisation(), request, now=now_utc(), dry_run=dry_run
    )
    _warn_of_keys_elsewhere(out, outcome)
    if notes and not outcome.plan.is_new:
        out.warn("the notes were not recorded, because no new release was made")
    data = {**_outcome_data(outcome, folder), "dry_run": dry_run}
    actions = [] if dry_run else ["skillway release status", "skillway-sync run"]
    if not dry_run:
        data["marker"] = _post_marker(out, place.organisation(), outcome)
    out.finish(data, text.publish_text(outcome, folder, dry_run=dry_run), next_actions=actions)


@command.command()
@_store_option
@_keys_option
@_dry_run_option
@json_option
@click.pass_obj
def resign(out: Output, store: Path | None, keys: Path | None, dry_run: bool) -> None:
    """Sign the timestamp again, and what else is past half of its life; run it daily from cron.

    \b
    Example:
      skillway release resign --store /srv/skillway --keys /etc/skillway-keys
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.release import publish as publishing
    from skillway.release.roles import now_utc
    from skillway.release.store import Store

    place = _place()
    folder = place.folder(store, "store")
    outcome = publishing.resign(Store(folder), place.folder(keys, "keys"), now=now_utc(), dry_run=dry_run)
    _warn_of_keys_elsewhere(out, outcome)
    data = {"store": str(folder), "signed": outcome.signed, "elsewhere": outcome.elsewhere, "dry_run": dry_run}
    verb = "Would sign" if dry_run else "Signed"
    out.finish(data, f"{verb} again: {', '.join(outcome.signed)}.", next_actions=["skillway release status"])


@command.command()
@_store_option
@json_option
@click.pass_context
def status(ctx: click.Context, store: Path | None) -> None:
    """Show the newest release, each ring's release, and which signatures run out.

    Exit code 5 when a signature has expired or a file is missing or damaged.

    \b
    Example:
      skillway release status --store /srv/skillway
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.release import text
    from skillway.release.chain import load_chain
    from skillway.release.roles import now_utc
    from skillway.release.status import inspect_store
    from skillway.release.store import Store

    out: Output = ctx.obj
    place = _place()
    folder = place.folder(store, "store")
    found = inspect_store(load_chain(Store(folder)), now=now_utc(), rings=place.rings())
    for warning in found.warnings:
        out.warn(warning)
    data = {"store": str(folder), **asdict(found), "is_sound": found.is_sound}
    data["roles"] = [{**asdict(role), "expires": _iso(role.expires)} for role in found.roles]
    out.finish(data, text.status_text(found, folder), next_actions=_status_actions(found), ok=found.is_sound)
    if not found.is_sound:
        ctx.exit(EXIT_FINDINGS)


@command.command()
@_store_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many releases at most.")
@json_option
@click.pass_obj
def history(out: Output, store: Path | None, limit: int) -> None:
    """List releases, the newest first, with what changed in each plugin.

    \b
    Example:
      skillway release history --limit 5
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.release import text
    from skillway.release.chain import load_chain
    from skillway.release.history import list_releases
    from skillway.release.store import Store

    folder = _place().folder(store, "store")
    releases = list_releases(load_chain(Store(folder)), limit=limit)
    data = {"store": str(folder), "releases": [asdict(entry) for entry in releases]}
    out.finish(data, text.history_text(releases, folder))


def _post_marker(out: Output, organisation: Organisation, outcome: Outcome) -> str | None:
    """Mark the release on Honeycomb's graphs, where that is configured; gives the marker's id.

    What is published is published: whatever fails here is a warning.
    """
    release, rings = outcome.plan.release, sorted(outcome.plan.moves)
    if organisation.honeycomb_api is None or release is None or not rings:
        return None
    from skillway.telemetry.honeycomb import Honeycomb, api_key

    try:
        with Honeycomb(organisation.honeycomb_api, api_key(), patience=1) as honeycomb:
            return honeycomb.post_marker(f"{organisation.name} release {release.seq} in {', '.join(rings)}")
    except Exception as error:  # noqa: BLE001 - see above
        reason = error.message if isinstance(error, SkillwayError) else f"{type(error).__name__}"
        out.warn(f"no marker was posted for the release: {reason}")
        return None


def _warn_of_open_files(out: Output, paths: list[Path]) -> None:
    if paths:
        shown = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        folder = paths[0] if paths[0].is_dir() else paths[0].parent
        out.warn(f"other users of this machine can get at {shown}; close it with: chmod -R go= {folder}")


def _warn_of_keys_elsewhere(out: Output, outcome: Outcome) -> None:
    for role in outcome.elsewhere:
        out.warn(f"{role} is past half of its life, and its key is not here; sign it where the key is")


def _iso(when: Any) -> str:  # noqa: ANN401 - a datetime; its import would be for the name alone
    return str(when.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _outcome_data(outcome: Outcome, folder: Path) -> dict[str, Any]:
    plan = outcome.plan
    notes = plan.release.notes if plan.release and plan.is_new else {}
    return {
        "store": str(folder),
        "release": plan.release.seq if plan.release else None,
        "is_new": plan.is_new,
        "rings": {ring: pointer.release for ring, pointer in plan.moves.items()},
        "notes": {name: asdict(note) for name, note in notes.items()},
        "signed": outcome.signed,
        "files": outcome.files,
        "reason": plan.reason,
    }


def _status_actions(found: StoreStatus) -> list[str]:
    actions = [role.fix for role in found.roles if role.fix]
    if found.damaged or found.newest is None:
        actions.append("skillway release publish")
    return list(dict.fromkeys(actions))
