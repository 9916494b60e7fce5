"""A publisher whose store can be good or hostile, and laptops below tmp_path, for the tests of the engine."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from skillway_sync import policy
from skillway_sync.archive import write_archive
from skillway_sync.disk import Disk
from skillway_sync.effect import GuardProof
from skillway_sync.laptop import Laptop, Parts, default_parts
from skillway_sync.layout import system_layout
from skillway_sync.manifest import PLUGIN_FILE, make_manifest
from skillway_sync.record import note_created
from skillway_sync.release_document import (
    Release,
    ReleasedPlugin,
    RingPointer,
    archive_target,
    manifest_target,
    release_target,
    ring_target,
)

_SIGNERS: dict[str, CryptoSigner] = {}


def signer(name: str) -> CryptoSigner:
    """One key per name and test run; making a key costs more than signing with it."""
    if name not in _SIGNERS:
        _SIGNERS[name] = CryptoSigner.generate_ed25519()
    return _SIGNERS[name]


def plugin_files(name: str, text: str = "one", **more: str) -> dict[str, bytes]:
    """The files of a small plugin; `more` maps a path, with `__` for `/`, to text."""
    files = {
        PLUGIN_FILE: json.dumps({"name": name, "version": "1.0.0"}).encode(),
        f"skills/{name}-skill/SKILL.md": f"---\nname: {name}-skill\n---\n{text}\n".encode(),
        f"skills/{name}-skill/scripts/tool.sh": b"#!/bin/sh\necho tool\n",
    }
    return files | {path.replace("__", "/"): content.encode() for path, content in more.items()}


def base_files(text: str = "one", *, guard: str | None = None) -> dict[str, bytes]:
    """The files of a base plugin with a launcher, a guard of a few lines and a settings fragment."""
    hook = 'f="${SKILLWAY_ROOT}/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" guard'
    fragment = {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": hook}]}]}}
    return plugin_files("base", text) | {
        "hooks/run": LAUNCHER.encode(),
        "hooks/guard.py": (guard or GUARD).encode(),
        "settings/managed-settings.d/10-guard.json": json.dumps(fragment).encode(),
    }


LAUNCHER = """#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
read -r py < "$here/interpreter" || exit 0
read -r current < "$here/../guard/current" || exit 0
script="$here/../store/$current/hooks/$1.py"
[ -r "$script" ] || exit 0
exec "$py" -I -S "$script"
"""

GUARD = """import json, sys
payload = json.load(sys.stdin)
if "gh pr create" in payload["tool_input"]["command"]:
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "use create-pr"}
    print(json.dumps({"hookSpecificOutput": answer}))
    sys.exit(2)
"""


@dataclass
class Publisher:
    """A TUF store in a folder, written file by file so that a test can spoil any of them."""

    folder: Path
    prefix: str = ""
    rings: tuple[str, ...] = ("broad", "canary")
    version: int = 0
    root_version: int = 1
    expires: dict[str, dt.timedelta] = field(default_factory=dict)
    targets: dict[str, TargetFile] = field(default_factory=dict)
    pointers: dict[str, RingPointer] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def key(self, role: str) -> CryptoSigner:
        return signer(self.prefix + role)

    def release(
        self, seq: int, plugins: dict[str, dict[str, bytes]], *, rings=("broad",), teams=None, **facts
    ) -> Release:
        """Publish a release; plugins are files by name, `base` is the base layer, names in `teams` a team's."""
        entries = {}
        for name, files in plugins.items():
            digest = self.add_plugin(name, files)
            layer = "base" if name == "base" else "team" if teams and name in teams else "developer-tools"
            team = teams[name] if layer == "team" else None
            entries[name] = ReleasedPlugin(digest, "1.0.0", layer, team, f"{name} for tests")
        release = Release(seq, "Acme", "acme", "2026-11-20T00:00:00Z", entries, **facts)
        self.releases[seq] = release
        self.add_target(release_target(seq), release.to_bytes())
        for ring in rings:
            self.pointers[ring] = RingPointer(ring, seq)
        self.sign()
        return release

    def add_plugin(self, name: str, files: dict[str, bytes]) -> str:
        contents = {path: (data, "0755" if data.startswith(b"#!") else "0644") for path, data in files.items()}
        manifest, stamped = make_manifest(name, "1.0.0", contents)
        self.add_target(manifest_target(name, manifest.digest), manifest.to_bytes())
        read = {**{path: data for path, (data, _) in contents.items()}, PLUGIN_FILE: stamped}
        self.add_target(archive_target(name, manifest.digest), write_archive(manifest, read.__getitem__))
        return manifest.digest

    def add_target(self, name: str, data: bytes) -> None:
        self.bodies[name] = data
        self.targets[name] = TargetFile.from_data(name, data, ["sha256"])

    def place(self, name: str) -> Path:
        """Where the bytes of a target lie."""
        head, _, tail = name.rpartition("/")
        return self.folder / "targets" / head / f"{hashlib.sha256(self.bodies[name]).hexdigest()}.{tail}"

    def point(self, ring: str, seq: int, *, halt: bool = False) -> None:
        self.pointers[ring] = RingPointer(ring, seq, halt=halt)
        self.sign()

    def sign(self) -> None:
        """Write all metadata anew, one version higher."""
        self.version += 1
        (self.folder / "metadata").mkdir(parents=True, exist_ok=True)
        for ring, pointer in self.pointers.items():
            self.bodies[ring_target(ring)] = pointer.to_bytes()
        for name, data in self.bodies.items():
            self.place(name).parent.mkdir(parents=True, exist_ok=True)
            self.place(name).write_bytes(data)
        roles = {"release": Targets(self.version, None, self._until("release"), dict(self.targets))}
        for ring in self.rings:
            name = ring_target(ring)
            files = {name: TargetFile.from_data(name, self.bodies[name], ["sha256"])} if name in self.bodies else {}
            roles[f"ring-{ring}"] = Targets(self.version, None, self._until(f"ring-{ring}"), files)
        roles["targets"] = Targets(self.version, None, self._until("targets"), {}, self._delegations())
        meta = {f"{role}.json": MetaFile(self.version) for role in roles}
        roles["snapshot"] = Snapshot(self.version, None, self._until("snapshot"), meta)
        for role, signed in roles.items():
            self._write(f"{self.version}.{role}.json", signed, role)
        if not (self.folder / "metadata" / f"{self.root_version}.root.json").exists():
            self.write_root()
        timestamp = Timestamp(self.version, None, self._until("timestamp"), MetaFile(self.version))
        self._write("timestamp.json", timestamp, "timestamp")

    def _delegations(self) -> Delegations:
        keys = {}
        roles = {}
        paths = {
            "release": ["plugins/*/*", "releases/*"],
            **{f"ring-{ring}": [ring_target(ring)] for ring in self.rings},
        }
        for role, patterns in paths.items():
            public = self.key(role).public_key
            keys[public.keyid] = public
            roles[role] = DelegatedRole(role, [public.keyid], 1, terminating=True, paths=patterns)
        return Delegations(keys, roles)

    def write_root(self, *, also_signed_by: str | None = None) -> Path:
        root = Root(self.root_version, None, self._until("root"), consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            root.add_key(self.key(role).public_key, role)
        path = self._write(f"{self.root_version}.root.json", root, "root")
        if also_signed_by:
            metadata = Metadata.from_bytes(path.read_bytes())
            metadata.sign(signer(also_signed_by), append=True)
            path.write_bytes(metadata.to_bytes())
        return path

    def _until(self, role: str) -> dt.datetime:
        now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
        return now + self.expires.get(role, dt.timedelta(days=30))

    def _write(self, name: str, signed, role: str) -> Path:
        metadata = Metadata(signed)
        metadata.sign(self.key(role))
        path = self.folder / "metadata" / name
        path.write_bytes(metadata.to_bytes())
        return path

    def root_json(self) -> bytes:
        """The initial root that laptops get."""
        return (self.folder / "metadata" / "1.root.json").read_bytes()


TEAMS = {"support": "support"}


@pytest.fixture
def publisher(tmp_path):
    """A publisher with release 1: base, tools and a plugin of team support."""
    made = Publisher(tmp_path / "store")
    made.release(
        1, {"base": base_files(), "tools": plugin_files("tools"), "support": plugin_files("support")}, teams=TEAMS
    )
    return made


def tree_of(folder: Path) -> dict[str, tuple[str, str]]:
    """Path to (mode, content or kind) of everything below a folder; what two equal trees have in common."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        mode = f"{status.st_mode & 0o7777:04o}"
        if path.is_symlink():
            found[str(path.relative_to(folder))] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[str(path.relative_to(folder))] = (mode, "folder")
        else:
            found[str(path.relative_to(folder))] = (mode, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


@dataclass
class Site:
    """One laptop below a folder, with its configuration."""

    prefix: Path
    publisher: Publisher
    parts: Parts
    now: float

    @property
    def layout(self):
        return system_layout(prefix=self.prefix, homes=(self.prefix / "home",))

    def configure(self, **values) -> Path:
        layout = self.layout
        (self.prefix / "home").mkdir(parents=True, exist_ok=True)
        layout.config_file.parent.mkdir(parents=True, exist_ok=True)
        (layout.config_file.parent / "root.json").write_bytes(self.publisher.root_json())
        content = {"store": self.publisher.url, "teams": ["support"], **values}
        layout.config_file.write_text(json.dumps(content))
        return layout.config_file

    def laptop(self, disk: Disk | None = None, **parts) -> Laptop:
        chosen = Parts(**{**vars(self.parts), **parts})
        return Laptop(self.layout, disk or Disk(), self.now, chosen)

    def folder(self, plugin: str, seq: int = 1) -> Path:
        """The store folder of a plugin of a release."""
        return self.layout.store / plugin / self.publisher.releases[seq].plugins[plugin].digest

    def catalogue(self) -> dict[str, str]:
        """From plugin to digest, as a new session would read it."""
        content = json.loads(self.layout.catalogue_file.read_text())
        return {entry["name"]: entry["source"].rpartition("/")[2] for entry in content["plugins"]}

    def digests(self, seq: int) -> dict[str, str]:
        """From plugin to digest, as a release says."""
        return {name: plugin.digest for name, plugin in self.publisher.releases[seq].plugins.items()}

    def status(self) -> dict:
        return json.loads((self.layout.state / "status.json").read_text())

    def installed(self) -> dict[str, tuple[str, str]]:
        """What Claude Code and its hooks read: everything but our own memory."""
        layout = self.layout
        return {
            f"{place.name}/{path}": entry
            for place in (layout.root, layout.policy_dir)
            if place.exists()
            for path, entry in tree_of(place).items()
            if path.split("/")[0] not in ("state", "staging")
        }


@pytest.fixture
def fast_parts():
    """The real parts, but for those that start processes: compiling and the proof of the guard are stand-ins."""

    def compile_hooks(interpreter, sources, folder):
        return {
            f"hooks/__pycache__/{Path(path).stem}.cpython-311.pyc": hashlib.sha256(data).digest()
            for path, data in sources.items()
        }

    return Parts(
        find_interpreter=lambda _, configured: configured or sys.executable,
        compile_hooks=compile_hooks,
        load_fragments=policy.load_fragments,
        render_policy=policy.render_policy,
        check_personal=lambda *_: None,
        apply_personal=lambda *_: [],
        note_created=note_created,
        personal_files=lambda _: [],
        prove_guard=lambda *_: GuardProof(denies=True, silent=True, detail=""),
    )


def _now() -> float:
    return dt.datetime.now(dt.timezone.utc).timestamp()


@pytest.fixture
def site(tmp_path, publisher, fast_parts):
    """A configured laptop with quick stand-ins for what starts processes."""
    made = Site(tmp_path / "laptop", publisher, fast_parts, now=_now())
    made.configure()
    return made


@pytest.fixture
def real_site(tmp_path, publisher):
    """A configured laptop with nothing replaced."""
    made = Site(tmp_path / "laptop", publisher, default_parts(), now=_now())
    made.configure()
    return made


@pytest.fixture
def second_release():
    """Publishes release 2: base and support change, tools stays."""

    def publish(publisher, seq=2, text="two", **facts):
        plugins = {"base": base_files(text), "tools": plugin_files("tools"), "support": plugin_files("support", text)}
        return publisher.release(seq, plugins, teams=TEAMS, **facts)

    return publish


@pytest.fixture
def make():
    """The functions that make plugin files, and the look at a tree; conftest cannot be imported."""

    class Makers:
        base = staticmethod(base_files)
        plugin = staticmethod(plugin_files)
        tree = staticmethod(tree_of)
        publisher = staticmethod(Publisher)
        signer = staticmethod(signer)
        site = staticmethod(Site)

    return Makers
