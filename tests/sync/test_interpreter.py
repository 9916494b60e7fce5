"""The interpreter for hooks is one that runs, for every user, and its byte code is really used."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from skillway_sync import interpreter
from skillway_sync.errors import SelfTestError
from skillway_sync.interpreter import compile_hooks, find_interpreter, interpreter_fault, probe_interpreter
from skillway_sync.layout import system_layout, user_layout

BASE = str(Path(getattr(sys, "_base_executable", sys.executable)))


@pytest.fixture
def laptop(tmp_path):
    return system_layout(prefix=tmp_path)


@pytest.fixture
def no_others(monkeypatch):
    """No interpreter but the configured one, and this process's own, which is made unfit."""
    monkeypatch.setattr(interpreter, "_LINUX", ())
    monkeypatch.setattr(interpreter, "_NUMBERED", ())
    monkeypatch.setattr(interpreter, "_MACOS", ())
    monkeypatch.setattr(sys, "_base_executable", "/nowhere/python3", raising=False)


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_found_interpreter_is_absolute_and_runs_isolated(laptop):
    found = find_interpreter(laptop, None)
    assert Path(found).is_absolute()
    assert (
        subprocess.run(
            [found, "-I", "-S", "-c", "import sys; assert sys.version_info >= (3, 9)"], check=False
        ).returncode
        == 0
    )


def test_configured_interpreter_comes_first(home):
    assert find_interpreter(user_layout(home=home), BASE) == BASE


def test_wrong_wish_does_not_leave_the_laptop_without_a_guard(laptop):
    assert find_interpreter(laptop, "/nowhere/python3") != "/nowhere/python3"


def test_virtualenv_is_replaced_by_what_it_was_made_from(tmp_path, home):
    subprocess.run([BASE, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    found = find_interpreter(user_layout(home=home), str(tmp_path / "venv" / "bin" / "python3"))
    assert not Path(found).is_relative_to(tmp_path)
    assert Path(found).resolve() == Path(BASE).resolve()


def test_copied_virtualenv_is_replaced_too(tmp_path, home):
    subprocess.run([BASE, "-m", "venv", "--copies", "--without-pip", str(tmp_path / "venv")], check=True)
    found = find_interpreter(user_layout(home=home), str(tmp_path / "venv" / "bin" / "python3"))
    assert not Path(found).is_relative_to(tmp_path)


def test_nothing_fits_names_each_one_tried_and_the_setting(laptop, tmp_path, no_others):
    shim = program(tmp_path / "shims" / "python3", f'#!/bin/sh\nexec {BASE} "$@"\n')
    with pytest.raises(SelfTestError, match="shim") as seen:
        find_interpreter(laptop, str(shim))
    assert "/nowhere/python3" in seen.value.message
    assert '"interpreter"' in seen.value.fix


def compiled_program(path, text):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("not run: no C compiler to build the stand-in")
    path.with_suffix(".c").write_text(text)
    subprocess.run([compiler, "-o", str(path), str(path.with_suffix(".c"))], check=True)
    return path


def test_shim_that_is_a_program_is_refused(tmp_path):
    """A dispatcher of a version switcher starts another Python than the one that was asked for."""
    main = f'int main(int n, char **v) {{ v[0] = "{BASE}"; return execv(v[0], v); }}'
    shim = compiled_program(tmp_path / "python3", f"#include <unistd.h>\n{main}\n")
    assert interpreter_fault(shim, for_all=False) == f"is a shim that starts {BASE}"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("not a program"), "not executable"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda _: None, "cannot be read"),
        (lambda path: (path.write_bytes(b"\x7fELF garbage"), path.chmod(0o755)), "cannot be started"),
        (lambda path: (path.write_bytes(b""), path.chmod(0o755)), "cannot be started"),
    ],
)
def test_what_is_no_interpreter_is_refused_with_the_reason(tmp_path, make, reason):
    path = tmp_path / "python3"
    make(path)
    assert reason in interpreter_fault(path, for_all=False)


def test_relative_path_is_refused():
    assert "absolute" in interpreter_fault(Path("python3"), for_all=False)


@pytest.mark.skipif(sys.platform == "win32", reason="not run: Windows has no mode bits")
def test_interpreter_in_a_private_folder_is_not_for_all(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "python3").symlink_to(BASE)
    fault = interpreter_fault(private / "python3", for_all=True)
    assert "closed to others" in fault


@pytest.mark.skipif(sys.platform == "win32", reason="not run: Windows has no mode bits")
def test_private_interpreter_serves_a_tried_laptop_root_but_no_image(tmp_path, no_others):
    """On a machine whose only Python is the user's own, trying skillway still works."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wish = private / "python3"
    wish.symlink_to(BASE)
    assert find_interpreter(system_layout(prefix=tmp_path), str(wish)) == str(wish)
    with pytest.raises(SelfTestError, match="closed to others"):
        find_interpreter(system_layout(prefix=tmp_path, image=True), str(wish))


def test_old_interpreter_is_refused_with_its_version():
    beside = sorted(Path(BASE).resolve().parents[2].glob("3.[678].*/bin/python3"))
    path = next(iter([*beside, *sorted(Path("/usr/bin").glob("python3.[678]"))]), None)
    if path is None:
        pytest.skip("not run: no Python older than 3.9 is installed")
    assert "3.9 is the oldest" in interpreter_fault(path, for_all=False)


def test_apples_stub_is_never_started(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(interpreter, "probe_interpreter", lambda _: pytest.fail("the stub was started"))
    assert "Apple's stub" in interpreter_fault(Path("/usr/bin/python3"), for_all=False)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="not run: changing uid needs root")
def test_root_does_not_start_a_users_interpreter_as_root(tmp_path):
    """An interpreter that a user could replace must not get root's rights from being looked at."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    main = 'int main() { fprintf(stderr, "uid=%d", getuid()); return 1; }'
    compiled_program(tmp_path / "python3", f"#include <stdio.h>\n#include <unistd.h>\n{main}\n")
    os.chown(tmp_path / "python3", 12345, 12345)
    said = probe_interpreter(tmp_path / "python3")
    assert "uid=65534" in said


def folder_of_hooks(tmp_path, scripts, compiler):
    folder = tmp_path / "plugin"
    sources = {f"hooks/{name}": text.encode() for name, text in scripts.items()}
    compiled = compile_hooks(compiler, sources, str(folder))
    for name, data in {**sources, **compiled}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder, compiled


GUARD = 'import sys\nsys.path.insert(0, __file__.rpartition("/")[0])\nimport rules\nprint(rules.SAYS)\n'


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_byte_code_is_what_the_interpreter_uses(tmp_path, version):
    """The source is altered after compiling; an unchecked-hash .pyc that is used still says the old."""
    candidates = [
        *sorted(Path(BASE).resolve().parents[2].glob(f"{version}.*/bin/python3")),
        Path(f"/usr/bin/python{version}"),
    ]
    path = next((path for path in candidates if path.exists()), None)
    if path is None:
        pytest.skip(f"not run: no Python {version} is installed")
    folder, _ = folder_of_hooks(tmp_path, {"guard.py": GUARD, "rules.py": "SAYS = 'compiled'\n"}, str(path))
    (folder / "hooks" / "rules.py").write_text("SAYS = 'from source'\n")
    done = subprocess.run([path, "-I", "-S", folder / "hooks" / "guard.py"], capture_output=True, text=True, check=True)
    assert done.stdout == "compiled\n"


def test_byte_code_is_named_for_its_interpreter_and_of_the_unchecked_kind(tmp_path):
    _, compiled = folder_of_hooks(tmp_path, {"rules.py": "A = 1\n"}, BASE)
    found = probe_interpreter(Path(BASE))
    ((name, data),) = compiled.items()
    assert name == f"hooks/__pycache__/rules.{found.tag}.pyc"
    assert data[:8] == found.magic + b"\1\0\0\0"


def test_traceback_names_the_installed_file(tmp_path):
    folder, _ = folder_of_hooks(tmp_path, {"guard.py": GUARD, "rules.py": "raise ValueError\n"}, BASE)
    done = subprocess.run(
        [BASE, "-I", "-S", folder / "hooks" / "guard.py"], capture_output=True, text=True, check=False
    )
    assert f'File "{folder}/hooks/rules.py", line 1' in done.stderr


@pytest.mark.parametrize("text", ["def x(:\n", "a = 1\n\tb = 2\n", "\0", "x = '\udcff'", "return 1\n"])
def test_script_that_does_not_compile_is_named(text):
    sources = {"hooks/good.py": b"A = 1\n", "hooks/bad.py": text.encode("utf-8", "surrogateescape")}
    with pytest.raises(SelfTestError, match=r"/store/p/d/hooks/bad\.py") as seen:
        compile_hooks(BASE, sources, "/store/p/d")
    assert "good.py" not in seen.value.message


def test_line_of_a_syntax_error_is_given():
    with pytest.raises(SelfTestError, match=r"bad\.py line 3"):
        compile_hooks(BASE, {"hooks/bad.py": b"a = 1\nb = 2\nc = = 3\n"}, "/f")


def test_interpreter_that_fails_is_one_sentence():
    with pytest.raises(SelfTestError, match="exit 1"):
        compile_hooks(shutil.which("false"), {"hooks/a.py": b""}, "/f")
    with pytest.raises(SelfTestError, match="cannot compile"):
        compile_hooks("/nowhere/python3", {"hooks/a.py": b""}, "/f")


def test_no_sources_start_no_process():
    assert compile_hooks("/nowhere/python3", {}, "/f") == {}


def test_compiling_reads_and_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    compile_hooks(BASE, {"hooks/a.py": b"A = 1\n"}, str(tmp_path / "plugin"))
    assert sorted(tmp_path.rglob("*")) == before
