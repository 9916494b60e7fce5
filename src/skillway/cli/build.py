"""`skillway build`: the command's options and words. What a build is stands in `skillway.build`."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option
from skillway_sync.manifest import SHORT_DIGEST

if TYPE_CHECKING:
    from skillway.build import Build, BuiltPlugin


@click.command(name="build")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the build  [default: .skillway/build in the repository]",
)
@click.option("--dry-run", is_flag=True, help="Say which plugins would change, and write nothing.")
@json_option
@click.pass_obj
def command(out: Output, folder: Path | None, dry_run: bool) -> None:
    """Build one archive per plugin, named by its content.

    Errors of `skillway check` stop the build. Plugins that did not change are taken over from the build before,
    and the same sources give the same digests on every machine.

    \b
    Example:
      skillway build
      skillway build --dry-run
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.build import DEFAULT_OUT, build_repository, plan_build
    from skillway.organisation import find_repository, load_organisation

    repository = find_repository(Path.cwd())
    organisation = load_organisation(repository)
    target = folder or repository / DEFAULT_OUT
    if dry_run:
        data = _data(plan_build(repository, organisation, target), target, dry_run=True)
        again = ["skillway", "build", *(["--out", str(folder)] if folder else [])]
        out.finish(data, _planned_text(data), next_actions=[shlex.join(again)])
        return
    data = _data(build_repository(repository, organisation, target, progress=out.progress), target, dry_run=False)
    out.finish(data, _built_text(data), next_actions=_next(folder))


def _next(folder: Path | None) -> list[str]:
    return ["skillway release publish"] if folder is None else []


def _data(build: Build, target: Path, *, dry_run: bool) -> dict[str, Any]:
    return {
        "out": str(target),
        "dry_run": dry_run,
        "plugins": [_plugin_data(build, plugin, dry_run=dry_run) for plugin in build.plugins.values()],
        "removed": [name for name, change in build.changes.items() if change == "removed"],
    }


def _plugin_data(build: Build, plugin: BuiltPlugin, *, dry_run: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": plugin.name,
        "version": plugin.version,
        "digest": plugin.digest,
        "layer": plugin.layer,
        "team": plugin.team,
        "change": build.changes[plugin.name],
    }
    if not dry_run:
        manifest = plugin.read_manifest()
        data |= {
            "files": len(manifest.files),
            "bytes": manifest.total_bytes,
            "archive": str(plugin.archive_file),
            "archive_bytes": plugin.archive_file.stat().st_size,
            "reused": plugin.name in build.reused,
        }
    return data


def _built_text(data: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("plugin", "version", "digest", "files", "archive", "")]
    for plugin in data["plugins"]:
        made = "reused" if plugin["reused"] else "built"
        digest = plugin["digest"][:SHORT_DIGEST]
        size = _size(plugin["archive_bytes"])
        rows.append((plugin["name"], plugin["version"], digest, str(plugin["files"]), size, made))
    count = len(data["plugins"])
    reused = sum(plugin["reused"] for plugin in data["plugins"])
    removed = [f"{name} is no longer built." for name in data["removed"]]
    summary = (
        f"{count} {'plugin' if count == 1 else 'plugins'} in {data['out']}: {count - reused} built, {reused} reused."
    )
    return "\n".join([*_table(rows), *removed, summary])


def _planned_text(data: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("plugin", "version", "digest", "")]
    rows += [(p["name"], p["version"], p["digest"][:SHORT_DIGEST], p["change"]) for p in data["plugins"]]
    rows += [(name, "", "", "removed") for name in data["removed"]]
    counts = Counter(row[-1] for row in rows[1:])
    summary = ", ".join(f"{counts[change]} {change}" for change in ("added", "changed", "removed", "unchanged"))
    return "\n".join([*_table(rows), f"Nothing was written. Against the build in {data['out']}: {summary}."])


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _size(size: int) -> str:
    return f"{size / 1024:.1f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"
