"""The build script makes a package that runs anywhere, or says in two lines why not and leaves nothing behind."""

import json
import subprocess
import sys

import pytest

from skillway_sync.packaged import read_package


def test_manifest_lists_every_file_of_the_interpreter(package):
    listed = set(read_package(package).files)
    there = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert listed == {path for path in there if not path.startswith(("lib/sync/", "bin/skillway-sync", "manifest"))}


def test_package_starts_without_reading_source(package):
    """Byte code only: compiling the standard library on each start would cost what the package shall save."""
    assert list((package / "lib").glob("python3*/**/*.py")) == []
    command = [str(package / "bin" / "python3"), "-I", "-S", "-c", "import json, argparse; print(json.__file__)"]
    assert subprocess.run(command, capture_output=True, text=True, env={}, check=True).stdout.endswith(".pyc\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--python", "/bin/ls"], "is no Python|ended with"),
        (["--python", "/nowhere/python3"], "cannot be started"),
        (["--no-such-option"], "unrecognized arguments"),
    ],
)
def test_wrong_input_is_one_sentence_with_its_mend(run_build, tmp_path, arguments, said):
    done = run_build(tmp_path / "python", *arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert any(each in done.stderr for each in said.split("|"))
    assert not (tmp_path / "python").exists()


def test_folder_that_exists_is_not_touched(run_build, tmp_path):
    (tmp_path / "mine").write_text("mine")
    done = run_build(tmp_path)
    assert done.returncode != 0
    assert f"{tmp_path} exists." in done.stderr
    assert not (tmp_path / "bin").exists()
    assert (tmp_path / "mine").read_text() == "mine"


def test_failed_build_leaves_nothing_behind(run_build, tmp_path):
    done = run_build(tmp_path / "python", "--with-sync", "no-such-folder/here")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "python").exists()


def test_manifest_is_readable_by_people(package):
    manifest = json.loads((package / "manifest.json").read_text())
    assert manifest["python"] == ".".join(map(str, sys.version_info[:3]))
    assert set(manifest) == {"schema", "python", "platform", "files"}
