"""A fault at every single disk operation of every command that writes: the laptop stays valid, and the next run converges.

`kill` ends the process, `ENOSPC` and `EIO` fail the operation, and `power` ends it and takes back every write that
was not synced, in two ways: none of them arrived, or the names arrived and the contents did not.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from skillway_sync import disk
from skillway_sync.disk import TEMPORARY_SUFFIX, Disk
from skillway_sync.drift import find_differences
from skillway_sync.engine import run
from skillway_sync.errors import DiskError
from skillway_sync.manifest import parse_manifest
from skillway_sync.release_document import manifest_target
from skillway_sync.rollback import roll_back

KILLED = 77


class CountingDisk(Disk):
    """Remembers the operations, for a first run that shows how many there are."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def step(self, name, path):
        super().step(name, path)
        self.seen.append((name, str(path)))


class KillingDisk(Disk):
    """Ends the process just before operation n."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def step(self, name, path):
        super().step(name, path)
        if self.operations == self.at:
            os._exit(KILLED)


class FailingDisk(Disk):
    """Fails operation n, and with ENOSPC all later ones that need room: a full disk stays full."""

    def __init__(self, at, code):
        super().__init__()
        self.at = at
        self.code = code

    def step(self, name, path):
        super().step(name, path)
        stays = self.code == errno.ENOSPC and self.operations > self.at and name in ("write_file", "mkdir")
        if self.operations == self.at or stays:
            raise OSError(self.code, os.strerror(self.code), str(path))


@dataclass
class _Undo:
    """One operation that may not have arrived: how to take it back, and which paths a sync has to cover."""

    name: str
    path: str
    former: bytes | None = None
    source: str | None = None
    mode: int = 0o644


@dataclass
class PowerDisk(Disk):
    """Ends the process just before operation n, and takes back what was not synced by then.

    `contents_only`: names had arrived, file contents had not, which is what filesystems do that write the journal
    before the data.
    """

    at: int
    contents_only: bool
    log: list[_Undo] = field(default_factory=list)

    def __post_init__(self):
        self.operations = 0

    def step(self, name, path):
        super().step(name, path)
        if self.operations == self.at:
            self._lose_unsynced()
            os._exit(KILLED)

    def mkdir(self, path, mode=0o755):
        super().mkdir(path, mode)
        self.log.append(_Undo("mkdir", str(path)))

    def write_file(self, path, data, mode):
        super().write_file(path, data, mode)
        self.log.append(_Undo("content", str(path)))
        self.log.append(_Undo("create", str(path)))

    def rename(self, source, target):
        try:
            former, mode = Path(target).read_bytes(), Path(target).stat().st_mode & 0o7777
        except OSError:
            former, mode = None, 0
        super().rename(source, target)
        self._move_log(str(source), str(target))
        self.log.append(_Undo("rename", str(target), former, str(source), mode))

    def rename_dir(self, source, target):
        super().rename_dir(source, target)
        self._move_log(str(source), str(target))
        self.log.append(_Undo("rename_dir", str(target), None, str(source)))

    def remove(self, path):
        try:
            former, mode = Path(path).read_bytes(), Path(path).lstat().st_mode & 0o7777
        except OSError:
            former, mode = None, 0
        super().remove(path)
        self.log = [each for each in self.log if each.path != str(path)]
        if former is not None and "staging" not in str(path):
            self.log.append(_Undo("remove", str(path), former, mode=mode))

    def rmdir(self, path):
        super().rmdir(path)
        self.log = [each for each in self.log if each.path != str(path)]

    def sync_file(self, path):
        super().sync_file(path)
        self.log = [each for each in self.log if not (each.name == "content" and each.path == str(path))]

    def sync_folders(self, paths):
        folders = {str(path) for path in paths}
        super().sync_folders(folders)
        self.log = [each for each in self.log if each.name == "content" or str(Path(each.path).parent) not in folders]

    def sync_tree(self, *paths):
        super().sync_tree(*paths)
        self.log = []  # syncfs takes the whole volume

    def _move_log(self, source, target):
        for each in self.log:
            if each.path == source or each.path.startswith(source + "/"):
                each.path = target + each.path[len(source) :]

    def _lose_unsynced(self):
        for each in reversed(self.log):
            path = Path(each.path)
            if self.contents_only:
                if each.name == "content" and path.is_file():
                    os.truncate(path, 0)
                continue
            if each.name in ("create", "content") and path.is_file():
                path.unlink()
            elif each.name == "mkdir":
                shutil.rmtree(path, ignore_errors=True)
            elif each.name in ("rename", "rename_dir") and path.exists():
                self._move_log(str(path), each.source)
                if Path(each.source).parent.is_dir():
                    path.rename(each.source)
                elif path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                if each.former is not None:
                    path.write_bytes(each.former)
                    path.chmod(each.mode)
            elif each.name == "remove" and path.parent.is_dir():
                path.write_bytes(each.former)
                path.chmod(each.mode)


def in_child(action) -> int:
    """Run in a process of its own; what it prints when it fails otherwise than expected is seen by pytest."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            action()
        except DiskError:
            code = 40
        except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
            traceback.print_exc()
            code = 99
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def assert_valid(site, allowed) -> None:
    """What a session that starts now reads is one release, whole, or nothing yet."""
    layout = site.layout
    if layout.catalogue_file.exists():
        digests = site.catalogue()
        assert digests in allowed, "the catalogue mixes releases"
        for name, digest in digests.items():
            assert_complete(site, name, digest)
    if layout.guard_pointer.exists():
        base, _, digest = layout.guard_pointer.read_text().strip().partition("/")
        assert_complete(site, base, digest)
        assert layout.launcher.stat().st_mode & 0o777 == 0o755
        assert layout.launcher.read_bytes().startswith(b"#!/bin/sh\n")
        assert Path(layout.interpreter_file.read_text().strip()).is_file()
    if layout.policy_file.exists():
        assert "enabledPlugins" in json.loads(layout.policy_file.read_text())
        assert layout.policy_file.stat().st_mode & 0o777 == 0o644
    strays = [path for path in layout.policy_dir.glob("*.json") if path != layout.policy_file]
    assert not strays


def assert_complete(site, name, digest) -> None:
    manifest = parse_manifest(site.publisher.bodies[manifest_target(name, digest)], where=name)
    files = {entry.path: entry for entry in manifest.installed_files}
    differences = find_differences(site.layout.store / name / digest, files)
    wrong = [each for each in differences if "__pycache__" not in each.path]
    assert not wrong, f"{name}: {wrong}"


def assert_clean(site) -> None:
    left = list(site.prefix.rglob(f"*{TEMPORARY_SUFFIX}"))
    assert not left
    assert not site.layout.staging.exists()


@pytest.fixture(autouse=True)
def quick_syncs(monkeypatch):
    """What a sync promises is modelled by PowerDisk; the real ones would cost minutes here."""
    monkeypatch.setattr(disk, "_sync_path", os.stat)
    monkeypatch.setattr(disk, "_sync_filesystem", os.stat)


@pytest.fixture
def fork_from(tmp_path):
    """Gives the laptop's tree a copy to start from, again and again."""

    def prepare(site):
        kept = tmp_path / "start"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(site.prefix, kept, symlinks=True)

        def restart():
            shutil.rmtree(site.prefix)
            # Renamed, not copied again where it can be avoided: the index knows inodes.
            shutil.copytree(kept, site.prefix, symlinks=True)

        return restart

    return prepare


def small_plugins(make, text):
    """Few files, so that there are few operations: each kind of file once."""
    base = {path: data for path, data in make.base(text).items() if not path.startswith("skills/")}
    support = {path: data for path, data in make.plugin("support", text).items() if not path.endswith("tool.sh")}
    tools = {path: data for path, data in make.plugin("tools").items() if not path.endswith("SKILL.md")}
    return {"base": base | {"hooks/spool.py": text.encode()}, "support": support, "tools": tools}


@pytest.fixture
def tmp_path(tmp_path):
    """In memory where that can be: ext4 takes a hundred times as long to make files where others were just deleted."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="skillway-faults-") as folder:
        yield Path(folder)


@pytest.fixture
def site(tmp_path, make, fast_parts):
    publisher = make.publisher(tmp_path / "store")
    publisher.release(1, small_plugins(make, "one"), teams={"support": "support"})
    made = make.site(tmp_path / "laptop", publisher, fast_parts, time.time())
    made.configure()
    return made


@pytest.fixture
def second_release(make):
    def publish(publisher, seq=2, text="two"):
        publisher.release(seq, small_plugins(make, text), teams={"support": "support"})

    return publish


def scenario_first_install(site, second_release):
    return run, [site.digests(1)], site.digests(1)


def scenario_update(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    return run, [site.digests(1), site.digests(2)], site.digests(2)


def scenario_fewer_plugins(site, second_release):
    run(site.laptop())
    site.configure(teams=[])
    less = {name: digest for name, digest in site.digests(1).items() if name != "support"}
    return run, [site.digests(1), less], less


def scenario_repair(site, second_release):
    run(site.laptop())
    skill = site.folder("tools") / "skills" / "tools-skill"
    (skill / "scripts" / "tool.sh").write_text("edited here")
    (skill / "added.txt").write_text("added here")
    (site.folder("base") / "hooks" / "guard.py").unlink()
    shutil.rmtree(site.folder("support"))
    site.layout.guard_pointer.write_text("nonsense")
    # Broken before the fault, so only the end of the next run is looked at.
    return run, None, site.digests(1)


def scenario_garbage(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    run(site.laptop())
    second_release(site.publisher, seq=3, text="three")
    run(site.laptop())
    site.now += 20 * 86_400
    return run, [site.digests(3)], site.digests(3)


def scenario_rollback(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    run(site.laptop())
    return roll_back, [site.digests(1), site.digests(2)], None


SCENARIOS = {
    "first install": scenario_first_install,
    "update": scenario_update,
    "fewer plugins": scenario_fewer_plugins,
    "repair": scenario_repair,
    "garbage": scenario_garbage,
    "rollback": scenario_rollback,
}
ERRORS = (lambda at: FailingDisk(at, errno.ENOSPC), lambda at: FailingDisk(at, errno.EIO))
POWER = (lambda at: PowerDisk(at, contents_only=True), lambda at: PowerDisk(at, contents_only=False))
FAULTS = {"kill": (KillingDisk,), "failed operation": ERRORS, "power": POWER, "failure or power": (*ERRORS, *POWER)}
"""Where there are several, they take turns from one operation to the next; all at every operation take minutes."""
CASES = [
    *(("update", fault) for fault in ("kill", "failed operation", "power")),
    *((scenario, fault) for scenario in SCENARIOS if scenario != "update" for fault in ("kill", "failure or power")),
]


@pytest.mark.parametrize(("scenario", "fault"), CASES)
def test_fault_at_every_operation_leaves_a_valid_laptop_that_the_next_run_completes(
    site, second_release, fork_from, scenario, fault
):
    command, allowed, final = SCENARIOS[scenario](site, second_release)
    restart = fork_from(site)
    counting = CountingDisk()
    command(site.laptop(counting))
    wanted = site.installed()
    assert counting.operations > 5

    for at in range(1, counting.operations + 1):
        restart()
        where = f"operation {at}, {counting.seen[at - 1]}"
        disk = FAULTS[fault][at % len(FAULTS[fault])](at)
        code = in_child(lambda disk=disk: command(site.laptop(disk)))
        assert code in (KILLED, 40, 0), where
        if allowed is not None:
            assert_valid(site, allowed)
        run(site.laptop())
        assert_clean(site)
        if final is not None:
            assert_same(site.installed(), wanted, where)
        assert_valid(site, allowed or [final])
    assert not run(site.laptop()).changed


def assert_same(found, wanted, where) -> None:
    different = {path for path in {*found, *wanted} if found.get(path) != wanted.get(path)}
    assert not different, where
