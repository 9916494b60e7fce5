"""A packaged interpreter built from this Python, and a laptop whose root has a shell and the C library, and no Python."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
BUILD = REPOSITORY / "sync" / "deploy" / "entry" / "build.py"
APPLETS = ("sh", "cat", "ls", "mkdir", "rm")

# $1 is the laptop's root, $2 the command line. Mounts end with the process.
_INSIDE = """
mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" && exec chroot "$1" /bin/sh -c "$2"
"""


def build(*arguments):
    """Run the build script as a person does."""
    argv = [sys.executable, str(BUILD), *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def run_build():
    return build


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """A package with the laptop program in it, built once."""
    if not sys.platform.startswith("linux"):
        pytest.skip("not run: the interpreter of these tests is relocatable on Linux only")
    folder = tmp_path_factory.mktemp("built") / "python"
    done = build(folder, "--with-sync", REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _system_libraries(program):
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    words = [word for line in said.splitlines() for word in line.split() if word.startswith("/")]
    return {Path(word) for word in words}


def _c_library():
    """The C library's own parts, which every Linux has; a Python may load any of them."""
    (libc,) = [path for path in _system_libraries("/bin/sh") if path.name == "libc.so.6"]
    names = ("libc", "libm", "libdl", "libpthread", "librt", "libutil", "libresolv")
    return {path for name in names for path in libc.parent.glob(f"{name}.so.*")}


@dataclass(frozen=True)
class BareLaptop:
    """A root folder; `run` starts a command line in it, with nothing of the machine around it."""

    root: Path

    def run(self, command, *, stdin=b"", check=True):
        namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
        done = subprocess.run(
            [*namespace, "/bin/sh", "-c", _INSIDE, "bare", str(self.root), command],
            input=stdin,
            capture_output=True,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/home/dev"},
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done

    def sync(self, command="run", *, check=True):
        return self.run(f"/etc/skillway/python/bin/skillway-sync {command}", check=check)

    def hook(self, name, payload):
        command = f'f="/opt/skillway/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" {name}'
        return self.run(
            command, stdin=payload if isinstance(payload, bytes) else json.dumps(payload).encode(), check=False
        )

    def path(self, inside):
        return self.root / inside.lstrip("/")


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store with one release of this repository's own content."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("base-plugin", "developer-tools", "skills", "hooks"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "organisation.yaml", folder)
    for command in (["build"], ["release", "keys"], ["release", "publish"]):
        done = subprocess.run(
            [sys.executable, "-m", "skillway", *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".skillway"


@pytest.fixture(scope="session")
def bare(tmp_path_factory, package, store):
    """A laptop without any Python, on which IT's package has been put and sync has run."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("not run: busybox is not installed here")
    root = tmp_path_factory.mktemp("bare") / "root"
    for name in ("bin", "dev", "proc", "tmp", "etc/skillway", "home/dev/work/shop/.git", "root"):
        (root / name).mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)
    (root / "tmp").chmod(0o1777)
    shutil.copy(busybox, root / "bin" / "busybox")
    for name in APPLETS:
        (root / "bin" / name).symlink_to("busybox")
    for library in _c_library() | _system_libraries(busybox):
        place = root / str(library).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)
    (root / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\ndev:x:1000:1000::/home/dev:/bin/sh\n")
    shutil.copytree(package, root / "etc" / "skillway" / "python")
    shutil.copytree(store / "store", root / "store")
    shutil.copy(store / "keys" / "root.json", root / "etc" / "skillway")
    config = {"store": "file:///store", "teams": ["*"]}
    (root / "etc" / "skillway" / "config.json").write_text(json.dumps(config))
    laptop = BareLaptop(root)
    trial = laptop.run("ls /", check=False)
    if trial.returncode != 0:
        pytest.skip(f"not run: no namespace of one's own here ({trial.stderr.decode().strip()[:120]})")
    laptop.sync()
    return laptop
