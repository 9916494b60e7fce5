"""A build that is killed, or that the disk does not take, leaves the former build usable and the next one whole."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from skillway.build import OutputError, build_repository, load_build
from skillway.build.folder import locked
from skillway.errors import ConflictError

LEVELS = "skills/support/triage/references/levels.md"
KILLED = """
import os, signal, sys
from pathlib import Path
counter, stop_at = 0, int(sys.argv[2])
def audit(event, arguments):
    global counter
    if not armed or event not in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
        return
    if event == "open" and not (isinstance(arguments[1], str) and "w" in arguments[1]):
        return
    counter += 1
    if counter == stop_at:
        os.kill(os.getpid(), signal.SIGKILL)
armed = False
from skillway.build import build_repository
from skillway.organisation import load_organisation
root = Path(sys.argv[1])
organisation = load_organisation(root)
sys.addaudithook(audit)
armed = True
build_repository(root, organisation, root / ".skillway" / "build", check=False)
armed = False
print(counter)
"""


def _whole(build):
    """Prove that every archive of a build is what its manifest says."""
    from skillway_sync.archive import read_archive

    for plugin in build.plugins.values():
        with plugin.archive_file.open("rb") as source:
            assert list(read_archive(source, plugin.read_manifest(), where="test"))
    return {name: plugin.digest for name, plugin in build.plugins.items()}


def test_build_killed_at_any_write_leaves_a_whole_build(sources):
    former = _whole(sources.build())
    seen = set()
    for stop_at in range(1, 60):
        sources.write(LEVELS, f"text {stop_at}")
        sources.write("developer-tools/skills/tidy/notes.md", f"notes {stop_at}")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, sources.path, str(stop_at)], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        left = _whole(load_build(sources.out))
        current = _whole(sources.build())
        assert left in (former, current), "a killed build left a mixture"
        seen.add("former" if left == former else "current")
        stray = [path.name for path in sources.out.rglob("*") if "unfinished" in path.name]
        assert not stray
        former = current
    assert done.returncode == 0
    assert stop_at > 10, "the test met too few writes to prove anything"
    assert seen == {"former", "current"}


def test_build_that_is_killed_by_a_signal_mid_way_is_followed_by_a_good_one(sources):
    for number in range(200):
        sources.write(f"developer-tools/skills/tidy/assets/{number}.bin", os.urandom(60_000))
    program = KILLED.replace("counter == stop_at", "False")
    process = subprocess.Popen([sys.executable, "-c", program, sources.path, "0"], stdout=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (sources.out / "lock").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    process.stdout.close()
    assert set(_whole(sources.build())) == {"base-plugin", "developer-tools", "support"}


def test_full_disk_is_one_sentence_and_the_former_build_stays(sources, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("not run: needs root to mount a small tmpfs")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", small], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"not run: no tmpfs can be mounted here ({mounted.stderr.strip()})")
    try:
        former = _whole(build_repository(sources.path, sources.organisation, small / "build", check=False))
        sources.write("skills/support/triage/assets/noise.bin", os.urandom(400_000))
        with pytest.raises(OutputError, match=r"Cannot write .*archive\.tgz: No space left on device\.") as caught:
            build_repository(sources.path, sources.organisation, small / "build", check=False)
        assert "former build is still there" in caught.value.fix
        assert _whole(load_build(small / "build")) == former
        assert not [path for path in small.rglob("*") if "unfinished" in path.name]
        (sources.path / "skills/support/triage/assets/noise.bin").unlink()
        assert _whole(build_repository(sources.path, sources.organisation, small / "build", check=False)) == former
    finally:
        subprocess.run(["umount", small], check=True)


def test_file_that_cannot_be_written_to_its_end_leaves_the_former_one(tmp_path):
    """The write stops in its middle, as on a disk that becomes full or under a quota."""
    path = tmp_path / "build.json"
    path.write_text("former")
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from skillway.build import OutputError\n"
        "from skillway.build.product import replace_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        "    replace_file(Path(sys.argv[1]), b'x' * 10_000)\n"
        "except OutputError as error:\n"
        "    print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert done.stdout == f"Cannot write {path}: File too large.\n", done.stderr
    assert path.read_text() == "former"
    assert list(tmp_path.glob(".unfinished*")) == []


@pytest.mark.parametrize("place", ["build", "build/plugins"])
def test_file_where_a_folder_must_be_is_one_sentence(sources, tmp_path, place):
    out = tmp_path / "out"
    (out / place).parent.mkdir(parents=True, exist_ok=True)
    (out / place).write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        build_repository(sources.path, sources.organisation, out / "build", check=False)
    assert (out / place).read_text() == "in the way"


@contextmanager
def _held(folder):
    """Hold a build folder's lock in another thread, as another build would."""
    started, release = threading.Event(), threading.Event()

    def hold():
        with locked(folder):
            started.set()
            release.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    started.wait(60)
    try:
        yield
    finally:
        release.set()
        holder.join()


def test_second_build_does_nothing_until_the_first_has_ended(sources):
    done = threading.Event()
    second = threading.Thread(target=lambda: (sources.build(), done.set()))
    with _held(sources.out):
        second.start()
        assert not done.wait(0.5)
        assert not (sources.out / "build.json").exists()
    second.join(60)
    assert set(_whole(load_build(sources.out))) == {"base-plugin", "developer-tools", "support"}


def test_build_that_waited_too_long_says_so(sources):
    stopped = pytest.raises(ConflictError, match="Another build has been writing")
    with _held(sources.out), stopped, locked(sources.out, wait_seconds=0.1):
        pass


def test_builds_at_the_same_time_both_end_well(sources):
    program = KILLED.replace("counter == stop_at", "False")
    processes = [
        subprocess.Popen([sys.executable, "-c", program, sources.path, "0"], stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert set(_whole(load_build(sources.out))) == {"base-plugin", "developer-tools", "support"}
