import errno
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from skillway_sync.disk import Disk, disk_errors, temporary_path
from skillway_sync.errors import DiskError
from skillway_sync.look import start_look
from skillway_sync.parallel import map_side_by_side, meanwhile


@pytest.fixture
def disk():
    return Disk()


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_new_file_is_never_written_through_a_link(disk, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")

    with pytest.raises(FileExistsError):
        disk.write_file(tmp_path / "link", b"theirs", 0o644)

    assert (tmp_path / "mine").read_text() == "mine"


def test_replace_puts_a_file_in_the_place_of_a_link(disk, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")

    disk.replace(tmp_path / "link", b"ours", 0o644)

    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "link").is_symlink()


def test_replace_survives_what_an_interrupted_one_left(disk, tmp_path):
    path = tmp_path / "file"
    Path(temporary_path(path)).write_text("half")

    disk.replace(path, b"whole", 0o640)

    assert path.read_bytes() == b"whole"
    assert mode_of(path) == 0o640
    assert not os.path.lexists(temporary_path(path))


def test_sweep_removes_only_what_replace_left(disk, tmp_path):
    for name in (".file.skillway-new", ".mine", "file.skillway-new"):
        (tmp_path / name).write_text("x")

    disk.sweep([tmp_path, tmp_path / "absent"])

    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [".mine", "file.skillway-new"]


def test_tree_is_removed_without_following_links(disk, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    tree = tmp_path / "tree"
    (tree / "closed").mkdir(parents=True)
    (tree / "closed" / "file").write_text("x")
    (tree / "closed").chmod(0o000)
    (tree / "link").symlink_to(outside)
    os.mkfifo(tree / "pipe")

    disk.remove_tree(tree)

    assert not tree.exists()
    assert (outside / "mine").read_text() == "mine"


def test_removing_a_link_to_a_tree_leaves_the_tree(disk, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "tree")

    disk.remove_tree(tmp_path / "link")

    assert (tmp_path / "tree").is_dir()


def test_folder_is_never_renamed_over_another(disk, tmp_path):
    for name in ("source", "target"):
        (tmp_path / name).mkdir()

    with pytest.raises(FileExistsError):
        disk.rename_dir(tmp_path / "source", tmp_path / "target")


def test_mode_of_a_links_target_is_not_changed(disk, tmp_path):
    (tmp_path / "mine").write_text("x")
    (tmp_path / "mine").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "mine")

    with pytest.raises(OSError, match="link"):
        disk.chmod(tmp_path / "link", 0o777)

    assert mode_of(tmp_path / "mine") == 0o600


def test_file_in_pieces_is_one_operation(disk, tmp_path):
    disk.write_file(tmp_path / "file", iter([b"one ", b"two"]), 0o600)

    assert (tmp_path / "file").read_bytes() == b"one two"
    assert disk.operations == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EROFS, "The disk is read-only"),
        (errno.EACCES, "Writing is not permitted"),
        (errno.EIO, "The disk failed"),
    ],
)
def test_error_of_the_disk_says_what_and_where(tmp_path, code, words):
    with pytest.raises(DiskError, match=words) as caught, disk_errors(tmp_path):
        raise OSError(code, os.strerror(code), "/some/file")

    assert "/some/file" in caught.value.message
    assert caught.value.fix


def test_sync_that_the_kernel_fails_ends_the_run(real_site, second_release):
    """The real program with a real `syncfs` that fails, as a dying drive makes it."""
    if sys.platform != "linux" or not shutil.which("strace"):
        pytest.skip("not run: no strace here")
    command = [
        sys.executable,
        "-m",
        "skillway_sync",
        "run",
        "--root",
        real_site.prefix,
        "--home",
        real_site.prefix / "home",
    ]
    subprocess.run(command, check=True, capture_output=True)
    second_release(real_site.publisher)
    before = real_site.installed()
    inject = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=syncfs", "-e", "inject=syncfs:error=EIO"]

    done = subprocess.run([*inject, *command], capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr.lower():
        pytest.skip("not run: no process may be traced here")

    assert done.returncode == 40, done.stderr
    assert "The disk failed" in done.stderr
    assert real_site.installed() == before
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert real_site.catalogue() == real_site.digests(2)


@pytest.mark.parametrize("workers", [1, 4])
def test_results_keep_the_order_of_the_items(workers):
    assert map_side_by_side(lambda number: number * 2, [3, 1, 2], workers) == [6, 2, 4]


@pytest.mark.parametrize("workers", [1, 4])
def test_failure_beside_others_is_raised(workers):
    def fail_on_two(number):
        if number == 2:
            raise DiskError("made up", fix="nothing")
        return number

    with pytest.raises(DiskError, match="made up"):
        map_side_by_side(fail_on_two, [1, 2, 3], workers)


@pytest.mark.parametrize("workers", [1, 4])
def test_failure_of_what_runs_meanwhile_is_raised(workers):
    def fail():
        raise DiskError("made up", fix="nothing")

    with pytest.raises(DiskError, match="made up"), meanwhile(fail, workers):
        pass


def test_what_runs_meanwhile_has_ended_after_the_block():
    gate = threading.Event()
    seen = []

    with meanwhile(lambda: (gate.wait(5), seen.append("done")), 2):
        gate.set()

    assert seen == ["done"]


def test_several_workers_install_the_same_as_one(site, publisher, fast_parts, make, tmp_path):
    from skillway_sync.engine import run

    other = make.site(tmp_path / "other", publisher, fast_parts, site.now)
    other.configure()
    run(site.laptop())
    laptop = other.laptop()
    laptop.workers = 4

    run(laptop)

    here, there = ({k: v for k, v in s.installed().items() if "50-skillway" not in k} for s in (site, other))
    assert here == there
    assert not run(laptop).changed


def test_look_counts_only_for_the_index_that_it_looked_by(site):
    from skillway_sync.engine import run

    run(site.laptop())
    root = str(site.layout.root)
    assert start_look(root).finds_no_change()

    late = start_look(root)
    index = site.layout.state / "index"
    index.write_bytes(index.read_bytes())
    assert not late.finds_no_change()

    (site.folder("tools") / "added").write_text("x")
    assert not start_look(root).finds_no_change()
