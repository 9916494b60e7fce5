"""However far an installation of the copy came, hooks have a whole copy or none, and the next run finishes it."""

import hashlib
import json
import os
import stat

import pytest

from skillway_sync.disk import Disk
from skillway_sync.errors import ConfigError
from skillway_sync.laptop import Laptop, default_parts
from skillway_sync.layout import system_layout
from skillway_sync.packaged import copy_differences, install_package, packages_folder, read_package, watched_packages
from skillway_sync.quarantine import Quarantine

FILES = {"bin/python3": b"#!/bin/sh\n", "lib/python3.11/os.pyc": b"code", "lib/private/libz.so.1": b"library"}


class CrashError(Exception):
    """The process ends here."""


class CrashingDisk(Disk):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def step(self, name, path):
        super().step(name, path)
        if self.operations == self.at:
            raise CrashError


@pytest.fixture
def layout(tmp_path):
    found = system_layout(prefix=tmp_path / "laptop")
    found.state.mkdir(parents=True)
    put(found, FILES)
    return found


def put(layout, files):
    folder = layout.config_file.parent / "python"
    entries = []
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        mode = "0755" if path.startswith("bin/") else "0644"
        entries.append({"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "mode": mode})
    text = json.dumps({"schema": 1, "python": "3.11.2", "platform": "linux-x86_64", "files": entries})
    (folder / "manifest.json").write_text(text)
    return folder


def install(layout, disk=None):
    laptop = Laptop(layout, disk or Disk(), 0.0, default_parts())
    return install_package(laptop, Quarantine(layout.state, layout.root, laptop.disk, 0.0))


def copies(layout):
    folder = packages_folder(layout)
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_every_prefix_of_an_installation_leaves_a_whole_copy_or_none(layout):
    crashes = 0
    while True:
        try:
            install(layout, CrashingDisk(crashes + 1))
            break
        except CrashError:
            crashes += 1
            assert all(copy_differences(copy) == [] for copy in copies(layout))
            for copy in copies(layout):
                Disk().remove_tree(copy)
            Disk().remove_tree(layout.staging)
    assert crashes > len(FILES)
    assert len(copies(layout)) == 1


def test_every_prefix_of_a_repair_is_finished_by_the_next_run(layout):
    program, _ = install(layout)
    (copy,) = copies(layout)
    for at in range(1, 40):
        (copy / "lib/python3.11/os.pyc").write_bytes(b"edited")
        (copy / "bin/python3").chmod(0o644)
        try:
            install(layout, CrashingDisk(at))
        except CrashError:
            Disk().remove_tree(layout.staging)
        assert (copy / "bin/python3").read_bytes() == FILES["bin/python3"]  # never missing: somebody may be starting it
        install(layout)
        assert copy_differences(copy) == []


def test_copy_is_readable_for_all_and_writable_for_its_owner_alone(layout):
    old = os.umask(0o077)
    try:
        install(layout)
    finally:
        os.umask(old)
    (copy,) = copies(layout)
    for path in [copy, *copy.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() or path.name == "python3" else 0o644), path


def test_edited_file_goes_to_quarantine(layout):
    install(layout)
    (copy,) = copies(layout)
    (copy / "lib/python3.11/os.pyc").write_bytes(b"edited")
    _, drift = install(layout)
    assert drift == [f"bin/python/{copy.name[:12]}/lib/python3.11/os.pyc: changed"]
    kept = [path for path in (layout.state / "quarantine").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [b"edited"]


def test_file_in_place_of_the_copy_gives_way(layout):
    folder = packages_folder(layout)
    folder.mkdir(parents=True)
    (folder / read_package(layout.config_file.parent / "python").digest).write_text("no folder")
    install(layout)
    assert [copy_differences(copy) for copy in copies(layout)] == [[]]


def test_without_a_package_there_is_nothing_to_install(layout):
    Disk().remove_tree(layout.config_file.parent / "python")
    assert install(layout) is None


def test_copy_stays_in_use_when_the_package_is_gone(layout):
    program, _ = install(layout)
    Disk().remove_tree(layout.config_file.parent / "python")
    assert install(layout) == (program, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"schema": 2, "python": "3.11", "files": []}',
        '{"schema": 1, "python": "3.11", "files": {}}',
        '{"schema": 1, "python": 3, "files": [{"path": "bin/python3", "sha256": "", "size": 0, "mode": "0755"}]}',
        '{"schema": 1, "python": "3", "files": [{"path": "../x", "sha256": "", "size": 0, "mode": "0755"}]}',
        '{"schema": 1, "python": "3", "files": [{"path": "/x", "sha256": "", "size": 0, "mode": "0755"}]}',
        '{"schema": 1, "python": "3", "files": [{"path": "bin/python3", "sha256": "", "size": "0", "mode": "0755"}]}',
        '{"schema": 1, "python": "3", "files": [{"path": "bin/python3", "sha256": "", "size": -1, "mode": "0755"}]}',
        '{"schema": 1, "python": "3", "files": [{"path": "bin/python3", "sha256": "", "size": 0, "mode": "4755"}]}',
        '{"schema": 1, "python": "3", "files": [{"path": ["a"], "sha256": "", "size": 0, "mode": "0755"}]}',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_damaged_manifest_is_one_sentence(layout, text):
    (layout.config_file.parent / "python" / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=r"manifest\.json cannot be used") as seen:
        install(layout)
    assert "build.py" in seen.value.fix
    assert copies(layout) == []


def test_other_bytes_than_the_manifest_says_are_refused(layout):
    (layout.config_file.parent / "python" / "lib/python3.11/os.pyc").write_bytes(b"CODE")
    with pytest.raises(ConfigError, match="not what its manifest says"):
        install(layout)
    assert copies(layout) == []


def test_link_in_the_package_is_followed_only_to_the_bytes_of_the_manifest(layout, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path = layout.config_file.parent / "python" / "lib/python3.11/os.pyc"
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(ConfigError):
        install(layout)
    assert copies(layout) == []


def test_package_that_comes_or_changes_later_is_noticed(layout):
    manifest = str(layout.config_file.parent / "python" / "manifest.json")
    assert watched_packages(layout, "/usr/bin/python3") == [manifest]
    program, _ = install(layout)
    watched = watched_packages(layout, program)
    assert {manifest, program} < set(watched)
    Disk().remove_tree(layout.config_file.parent / "python")
    assert manifest in watched_packages(layout, "/usr/bin/python3")
