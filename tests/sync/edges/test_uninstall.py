"""Everything that sync wrote leaves, nothing else does, and no moment of it stops anybody's work."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from skillway_sync.disk import Disk
from skillway_sync.effect import hook_command
from skillway_sync.errors import DiskError
from skillway_sync.layout import system_layout, user_layout
from skillway_sync.lock import BusyError, exclusive_lock
from skillway_sync.uninstall import uninstall


class Killed(BaseException):
    """Stands for the end of the process at one operation."""


class KillingDisk(Disk):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def step(self, name, path):
        super().step(name, path)
        if self.operations >= self.at:
            raise Killed


class FullDisk(Disk):
    def step(self, name, path):
        super().step(name, path)
        raise OSError(30, "Read-only file system", str(path))


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


CONFIG = ["etc", "etc/skillway", "etc/skillway/config.json", "etc/skillway/root.json"]


@pytest.mark.skipif(sys.platform != "linux", reason="not run: the places are Linux's")
def test_nothing_of_ours_is_left_but_its_own_configuration(system_laptop):
    left = uninstall(system_laptop.layout, Disk())
    assert tree(system_laptop.layout.prefix) == [*CONFIG, "home", "home/ann", "opt"]
    assert [str(system_laptop.layout.prefix / path) in line for path, line in zip(CONFIG[2:], left, strict=True)] == [
        True,
        True,
    ]


def test_user_scope_leaves_the_home_as_it_was(home, install_plugins):
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{\n  "model": "opus"\n}\n')
    before = contents(home / ".claude")
    layout = user_layout(home=home)
    install_plugins(layout)
    assert contents(home / ".claude") != before
    uninstall(layout, Disk())
    assert contents(home / ".claude") == before
    assert not layout.root.exists()


def test_second_time_and_on_a_laptop_that_never_had_it_is_no_error(system_laptop, tmp_path):
    uninstall(system_laptop.layout, Disk())
    before = contents(system_laptop.layout.prefix)
    uninstall(system_laptop.layout, Disk())
    assert contents(system_laptop.layout.prefix) == before
    (tmp_path / "never").mkdir()
    assert uninstall(system_layout(prefix=tmp_path / "never"), Disk()) == []
    assert tree(tmp_path / "never") == []


def test_policies_of_others_and_their_folder_stay(system_laptop):
    other = system_laptop.layout.policy_dir / "90-other.json"
    other.write_text("{}")
    uninstall(system_laptop.layout, Disk())
    assert sorted(path.name for path in system_laptop.layout.policy_dir.iterdir()) == ["90-other.json"]


def test_policy_folder_that_was_there_before_stays(tmp_path, install_plugins):
    layout = system_layout(prefix=tmp_path / "laptop")
    layout.policy_dir.mkdir(parents=True)
    install_plugins(layout)
    uninstall(layout, Disk())
    assert layout.policy_dir.is_dir()
    assert list(layout.policy_dir.iterdir()) == []


def test_foreign_files_are_kept_where_they_are_and_named(system_laptop):
    layout = system_laptop.layout
    foreign = [
        layout.root / "notes.txt",
        layout.store / "my-own" / "README.md",
        layout.store / "file",
        layout.guard_pointer.parent / "rules.txt",
        layout.launcher.parent / "own-tool",
        system_laptop.base_folder / "skills" / "hello" / "my-notes.md",
        system_laptop.base_folder / "added" / "deep" / "file",
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    left = uninstall(layout, Disk())
    assert sorted(path for path in layout.root.rglob("*") if path.is_file()) == sorted(foreign)
    assert all(path.read_text() == "mine" for path in foreign)
    assert all(any(str(path) in line for line in left) for path in foreign)


@pytest.mark.skipif(sys.platform == "win32", reason="not run: links need rights on Windows")
def test_link_in_our_place_is_removed_and_never_followed(system_laptop, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    layout = system_laptop.layout
    (system_laptop.base_folder / "linked").symlink_to(precious)
    layout.guard_pointer.unlink()
    layout.guard_pointer.symlink_to(precious / "file")
    (layout.state / "archives" / "linked").symlink_to(precious)
    uninstall(layout, Disk())
    assert (precious / "file").read_text() == "mine"
    assert not layout.guard_pointer.is_symlink()


def test_crash_at_every_operation_never_blocks_a_session_and_the_next_attempt_finishes(
    system_laptop, repository, tmp_path
):
    """After each prefix: the guard's command blocks no harmless call, the policy never names what is gone."""
    master = tmp_path / "master"
    shutil.copytree(system_laptop.layout.prefix, master, symlinks=True)
    shutil.rmtree(system_laptop.layout.prefix)
    counted = Disk()
    layout = system_laptop.layout
    shutil.copytree(master, layout.prefix, symlinks=True)
    uninstall(layout, counted)
    expected = tree(layout.prefix)
    command = ["/bin/sh", "-c", hook_command(str(layout.root), "guard")]
    assert counted.operations > 30
    for at in range(1, counted.operations + 1):
        shutil.rmtree(layout.prefix)
        shutil.copytree(master, layout.prefix, symlinks=True)
        with pytest.raises(Killed):
            uninstall(layout, KillingDisk(at))
        if layout.policy_file.exists():
            assert layout.catalogue_file.exists(), at
            assert layout.launcher.exists(), at
        if layout.catalogue_file.exists():
            for entry in json.loads(layout.catalogue_file.read_text())["plugins"]:
                assert (layout.root / entry["source"] / ".claude-plugin" / "plugin.json").exists(), at
        if at % 8 == 0:  # a process each; the states between differ by one file
            done = subprocess.run(command, input=b'{"tool_input": {"command": "ls"}}', capture_output=True, check=False)
            assert done.returncode != 2, at
        uninstall(layout, Disk())
        assert tree(layout.prefix) == expected, at


def test_crash_at_every_operation_in_user_scope_is_finished_by_the_next_attempt(home, install_plugins, tmp_path):
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"model": "opus"}')
    before = contents(home / ".claude")
    layout = user_layout(home=home)
    install_plugins(layout)
    shutil.copytree(home, tmp_path / "master")
    counted = Disk()
    uninstall(layout, counted)
    for at in range(1, counted.operations + 1):
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "master", home)
        with pytest.raises(Killed):
            uninstall(layout, KillingDisk(at))
        settings = json.loads((home / ".claude" / "settings.json").read_text())
        assert settings["model"] == "opus", at
        if "enabledPlugins" in settings:
            assert layout.catalogue_file.exists(), at
        uninstall(layout, Disk())
        assert contents(home / ".claude") == before, at
        assert not layout.root.exists(), at


def test_settings_that_cannot_be_changed_are_named_and_finished_after_their_mend(user_laptop, home):
    path = home / ".claude" / "settings.json"
    good = path.read_text()
    path.write_text("{ broken")
    left = uninstall(user_laptop.layout, Disk())
    assert any(str(path) in line for line in left)
    assert path.read_text() == "{ broken"
    assert not user_laptop.layout.launcher.exists()
    path.write_text(good)
    uninstall(user_laptop.layout, Disk())
    assert not path.exists()
    assert not user_laptop.layout.root.exists()


def test_run_in_progress_is_not_disturbed(system_laptop):
    before = tree(system_laptop.layout.prefix)
    with exclusive_lock(system_laptop.layout.state), pytest.raises(BusyError):
        uninstall(system_laptop.layout, Disk())
    assert tree(system_laptop.layout.prefix) == before


def test_read_only_disk_is_one_sentence(system_laptop):
    before = contents(system_laptop.layout.prefix)
    with pytest.raises(DiskError, match="read-only"):
        uninstall(system_laptop.layout, FullDisk())
    assert contents(system_laptop.layout.prefix) == before


@pytest.mark.parametrize("damage", ["owned.json", "applied.json", "archives", "index"])
def test_damaged_memory_does_not_keep_anything_here(system_laptop, damage):
    path = system_laptop.layout.state / damage
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.write_bytes(b"\0 torn")
    uninstall(system_laptop.layout, Disk())
    assert not system_laptop.layout.root.exists()
    assert not system_laptop.layout.policy_file.exists()
    known = system_laptop.layout.prefix / "home" / "ann" / ".claude" / "plugins" / "known_marketplaces.json"
    assert not known.exists() or json.loads(known.read_text()) == {}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="not run: changing uid needs root")
def test_without_rights_is_one_sentence_and_changes_nothing(system_laptop, tmp_path):
    from skillway_sync.homes import Home, as_owner

    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o011)
    before = contents(system_laptop.layout.prefix)
    with pytest.raises(DiskError, match="not permitted"):
        as_owner(Home(tmp_path, 12345, 12345), lambda: uninstall(system_laptop.layout, Disk()))
    assert contents(system_laptop.layout.prefix) == before
