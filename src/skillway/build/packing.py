"""How a plugin's content becomes its manifest and archive, refused here if a laptop would refuse it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skillway.build.assembly import Source
from skillway.build.faults import Fault
from skillway.build.product import ARCHIVE, MANIFEST, BuiltPlugin, plugin_folder, replace_file
from skillway_sync.archive import member_header, write_archive
from skillway_sync.errors import RefusedError
from skillway_sync.manifest import PLUGIN_FILE, Manifest, make_manifest, parse_manifest

Contents = Mapping[str, tuple[bytes, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A plugin whose digest is known and whose archive is not made yet; `stamped` are plugin.json's bytes."""

    source: Source
    manifest: Manifest
    contents: Contents
    stamped: bytes

    def built(self, out: Path) -> BuiltPlugin:
        """Say what the plugin is, and where it lies once it is written."""
        return BuiltPlugin(
            name=self.source.name,
            digest=self.manifest.digest,
            version=self.manifest.stamped_version,
            layer=self.source.layer,
            team=self.source.team,
            description=self.source.description,
            folder=plugin_folder(out, self.source.name, self.manifest.digest),
        )

    def pack(self) -> dict[str, bytes]:
        """Make the bytes of the plugin's two files, by file name."""
        data = {path: content for path, (content, _) in self.contents.items()} | {PLUGIN_FILE: self.stamped}
        return {MANIFEST: self.manifest.to_bytes(), ARCHIVE: write_archive(self.manifest, data.__getitem__)}


def draft_plugin(source: Source, contents: Contents) -> Draft | Fault:
    """Make a plugin's manifest, with the digest that names it.

    Args:
        source: The plugin.
        contents: From installed path to (bytes, mode), plugin.json among them.

    Returns:
        The draft, or why a laptop would refuse it, by the reader's own rules.
    """
    try:
        manifest, stamped = make_manifest(source.name, source.version, dict(contents))
        parse_manifest(manifest.to_bytes(), where="that the build made")
        for entry in manifest.installed_files:
            member_header(entry)
    except RefusedError as error:
        return Fault(source.place, 0, error.message, "Mend what it names; a laptop would refuse the plugin.")
    except ValueError as error:
        return Fault(source.place, 0, f"The plugin cannot be packed: {error}.", "Mend what is named.")
    return Draft(source, manifest, contents, stamped)


def write_plugin(draft: Draft, out: Path) -> tuple[BuiltPlugin, dict[str, bytes]]:
    """Write a plugin's manifest and archive into the build's folder.

    Returns:
        The plugin, and the bytes that were written, by file name.

    Raises:
        OutputError: The disk does not take them.
    """
    plugin = draft.built(out)
    packed = draft.pack()
    for name, data in packed.items():
        replace_file(plugin.folder / name, data)
    return plugin, packed
