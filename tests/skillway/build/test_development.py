"""A build laid out on this machine works as a laptop root does."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillway.build import OutputError, lay_out
from skillway.build.development import KEEP_SECONDS
from skillway_sync.catalogue import catalogue_digests
from skillway_sync.errors import RefusedError

LEVELS = "skills/support/triage/references/levels.md"


@pytest.fixture
def root(sources):
    return sources.path / ".skillway" / "dev"


def test_everything_is_where_hooks_and_client_look(sources, root):
    build = sources.build()
    laid_out = lay_out(build, root, sources.organisation)
    for name, plugin in build.plugins.items():
        folder = root / "store" / name / plugin.digest
        assert laid_out.folders[name] == folder
        assert json.loads((folder / ".claude-plugin/plugin.json").read_bytes())["version"] == plugin.version
    base = build.plugins["base-plugin"]
    assert (root / "guard/current").read_text() == f"base-plugin/{base.digest}\n"
    assert (root / "bin/run").read_bytes() == (sources.path / "hooks/run").read_bytes()
    interpreter = Path((root / "bin/interpreter").read_text().strip())
    assert interpreter.is_absolute()
    assert subprocess.run([interpreter, "-I", "-S", "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"
    assert catalogue_digests((root / ".claude-plugin/marketplace.json").read_bytes()) == {
        name: plugin.digest for name, plugin in build.plugins.items()
    }
    assert json.loads((root / ".claude-plugin/marketplace.json").read_bytes())["name"] == "acme"


def test_modes_are_the_manifest_s_whatever_the_umask(sources, root):
    build = sources.build()
    umask = os.umask(0o077)
    try:
        laid_out = lay_out(build, root, sources.organisation)
    finally:
        os.umask(umask)
    for name, plugin in build.plugins.items():
        for entry in plugin.read_manifest().installed_files:
            assert (laid_out.folders[name] / entry.path).stat().st_mode & 0o777 == int(entry.mode, 8)


def test_interpreter_is_not_of_a_virtual_environment(sources, root):
    lay_out(sources.build(), root, sources.organisation)
    assert not (root / "bin/interpreter").read_text().startswith(f"{sys.prefix}/") or sys.prefix == sys.base_prefix


def test_folders_that_are_right_are_left_alone(sources, root):
    build = sources.build()
    laid_out = lay_out(build, root, sources.organisation)
    before = {path: path.stat().st_ino for folder in laid_out.folders.values() for path in folder.rglob("*")}
    lay_out(build, root, sources.organisation)
    assert {path: path.stat().st_ino for folder in laid_out.folders.values() for path in folder.rglob("*")} == before


@pytest.mark.parametrize("damage", ["change", "remove", "add", "mode", "link"])
def test_damaged_folder_is_mended(sources, root, damage):
    build = sources.build()
    skill = lay_out(build, root, sources.organisation).folders["support"] / "skills/triage/SKILL.md"
    whole = skill.read_bytes()
    if damage == "change":
        skill.write_bytes(whole[:-1] + b"x")
    elif damage == "remove":
        skill.unlink()
    elif damage == "add":
        (skill.parent / "more.md").write_text("more")
    elif damage == "mode":
        skill.chmod(0o755)
    else:
        skill.unlink()
        skill.symlink_to("/etc/hostname")
    lay_out(build, root, sources.organisation)
    assert not skill.is_symlink()
    assert skill.read_bytes() == whole
    assert skill.stat().st_mode & 0o777 == 0o644
    assert not (skill.parent / "more.md").exists()


def test_folder_of_a_running_session_stays_a_day(sources, root):
    former = lay_out(sources.build(), root, sources.organisation).folders["support"]
    sources.write(LEVELS, "new")
    current = lay_out(sources.build(), root, sources.organisation).folders["support"]
    assert former.is_dir()
    assert current.is_dir()
    long_ago = time.time() - KEEP_SECONDS - 60
    os.utime(former, (long_ago, long_ago))
    os.utime(current, (long_ago, long_ago))
    lay_out(sources.build(), root, sources.organisation)
    assert not former.exists()
    assert (current / "skills/triage/SKILL.md").is_file()


def test_what_is_not_of_a_build_stays(sources, root):
    mine = root / "store" / "support" / "my-notes" / "a.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    os.utime(mine.parent, (1, 1))
    lay_out(sources.build(), root, sources.organisation)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("place", ["store", "bin", "store/support", "guard"])
def test_file_in_the_way_is_one_sentence(sources, root, place):
    build = sources.build()
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_text("in the way")
    with pytest.raises(OutputError, match="Cannot write"):
        lay_out(build, root, sources.organisation)
    assert (root / place).read_text() == "in the way"


def test_damaged_archive_is_refused_and_nothing_of_it_is_left(sources, root):
    build = sources.build()
    archive = build.plugins["support"].archive_file
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(RefusedError, match="cannot be unpacked"):
        lay_out(build, root, sources.organisation)
    assert list((root / "store").glob("support/*")) == []


def test_launcher_and_guard_of_this_repository_run_from_the_root(sources, root, repository):
    """The real launcher, started as a settings fragment starts it, finds the interpreter and the guard's script."""
    sources.write("hooks/run", (repository / "hooks" / "run").read_bytes())
    sources.write(
        "hooks/guard.py",
        "import sys\nsys.path.insert(0, __file__.rpartition('/')[0])\nimport lexer\nprint('guard', len(lexer.words('a b')), sys.flags.isolated)\n",
    )
    lay_out(sources.build(), root, sources.organisation)
    done = subprocess.run(["/bin/sh", root / "bin/run", "guard"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "guard 2 1\n"), done.stderr
