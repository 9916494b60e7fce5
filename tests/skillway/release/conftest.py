"""An operator's desk for tests: a repository, builds made with the real formats, and the real command line."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tuf.ngclient import Updater

from skillway.cli.run import run_command
from skillway.organisation import load_organisation
from skillway.release.key_making import make_keys
from skillway.release.publish import Request, publish
from skillway.release.readback import FileFetcher
from skillway.release.roles import now_utc
from skillway.release.store import Store
from skillway_sync.archive import write_archive
from skillway_sync.manifest import PLUGIN_FILE, make_manifest
from skillway_sync.release_document import (
    archive_target,
    manifest_target,
    parse_release,
    parse_ring,
    release_target,
    ring_target,
)

BASE = {"skills/help/SKILL.md": "# help\n", "hooks/guard.py": "pass\n", "settings/guard-policy.json": "{}\n"}
TOOLS = {"skills/create-pr/SKILL.md": "# create-pr\n", "bin/skillway-pr": "#!/bin/sh\n"}


@dataclass
class Desk:
    """A repository folder with its keys and store; `content` is what the next build holds."""

    folder: Path
    capsys: object
    content: dict = field(default_factory=lambda: {"base-plugin": dict(BASE), "developer-tools": dict(TOOLS)})
    versions: dict = field(default_factory=dict)

    @property
    def store(self):
        return self.folder / ".skillway" / "store"

    @property
    def keys(self):
        return self.folder / ".skillway" / "keys"

    @property
    def build_folder(self):
        return self.folder / ".skillway" / "build"

    @property
    def organisation(self):
        return load_organisation(self.folder)

    def configure(self, *, name="acme", rings=("canary", "broad")):
        text = f"name: {name}\ntitle: Acme Inc.\nteams: [support]\nrings: [{', '.join(rings)}]\n"
        (self.folder / "organisation.yaml").write_text(text)

    def build(self, **changed):
        """Build `content` after changing plugins; a value of None removes the plugin."""
        for name, files in changed.items():
            plugin = name.replace("_", "-")
            if files is None:
                del self.content[plugin]
            else:
                self.content.setdefault(plugin, {}).update(files)
                self.content[plugin] = {path: text for path, text in self.content[plugin].items() if text is not None}
        record = {name: self._build_plugin(name, files) for name, files in self.content.items()}
        self.build_folder.mkdir(parents=True, exist_ok=True)
        (self.build_folder / "build.json").write_text(json.dumps({"schema": 1, "plugins": record}))

    def _build_plugin(self, name, files):
        version = self.versions.get(name, "0.1.0")
        contents = {PLUGIN_FILE: (json.dumps({"name": name, "version": version}).encode(), "0644")}
        for path, text in files.items():
            contents[path] = (text.encode(), "0755" if text.startswith("#!") else "0644")
        manifest, stamped = make_manifest(name, version, contents)
        installed = {path: data for path, (data, _mode) in contents.items()} | {PLUGIN_FILE: stamped}
        folder = self.build_folder / "plugins" / name / manifest.digest
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_bytes(manifest.to_bytes())
        (folder / "archive.tgz").write_bytes(write_archive(manifest, installed.__getitem__))
        layer = {"base-plugin": "base", "developer-tools": "developer-tools"}.get(name, "team")
        return {
            "digest": manifest.digest,
            "version": manifest.stamped_version,
            "layer": layer,
            "team": name if layer == "team" else None,
            "description": f"What {name} is for.",
        }

    def cli(self, *arguments):
        """Run `skillway release …` in this process; gives exit code and envelope."""
        self.capsys.readouterr()
        code = run_command(["release", *arguments, "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    def told(self, *arguments):
        """Run it without --json; gives exit code, stdout and stderr."""
        self.capsys.readouterr()
        code = run_command(["release", *arguments])
        return code, *self.capsys.readouterr()

    def publish(self, *, before=lambda _what, _path: None, now=None, **request):
        """Publish through the Python interface, with a clock and a step hook."""
        asked = Request(self.build_folder, **request)
        return publish(Store(self.store, before=before), self.keys, self.organisation, asked, now=now or now_utc())

    def make_keys(self, now=None):
        make_keys(self.keys, self.organisation.rings, now=now or now_utc())

    def reader(self, cache, base=None, fetcher=None, root=None):
        """Make python-tuf's client on the store, with what a laptop is given."""
        cache.mkdir(parents=True, exist_ok=True)
        url = base or self.store.resolve().as_uri()
        root = root or (self.keys / "root.json").read_bytes()
        fetcher = fetcher or (None if base else FileFetcher())
        return Updater(str(cache), f"{url}/metadata/", str(cache), f"{url}/targets/", fetcher, bootstrap=root)

    def seen(self, cache, ring="canary", **kwargs):
        """Read what a laptop of a ring sees: the release, after fetching every target of it."""
        updater = self.reader(cache, **kwargs)
        updater.refresh()

        def fetch(target):
            entry = updater.get_targetinfo(target)
            assert entry is not None, f"{target} is not signed"
            return Path(updater.download_target(entry, str(cache / "target"))).read_bytes()

        pointer = parse_ring(fetch(ring_target(ring)), where="ring")
        release = parse_release(fetch(release_target(pointer.release)), where="release")
        for name, plugin in release.plugins.items():
            fetch(manifest_target(name, plugin.digest))
            fetch(archive_target(name, plugin.digest))
        return release

    def files(self):
        """Give every file of the store with its bytes, but for the lock."""
        return {
            path.relative_to(self.store).as_posix(): path.read_bytes()
            for path in sorted(self.store.rglob("*"))
            if path.is_file() and path.name != ".skillway-lock"
        }


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """A repository without keys, build or store; the working directory is in it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    desk = Desk(folder, capsys)
    desk.configure()
    monkeypatch.chdir(folder)
    return desk


@pytest.fixture
def published(desk):
    """A desk with keys and release 1 on every ring."""
    desk.make_keys()
    desk.build()
    desk.publish()
    return desk


@pytest.fixture
def command():
    """Run the installed program in a process of its own."""

    def run(*arguments, **kwargs):
        program = Path(sys.executable).parent / "skillway"
        return subprocess.run(
            [program, "release", *arguments], capture_output=True, text=True, check=False, timeout=60, **kwargs
        )

    return run
