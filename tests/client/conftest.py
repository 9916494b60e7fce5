"""The real clients that npm installed here, and laptops for them to work on.

A laptop is put together as everywhere else: build, publish and sync, each as its own process. Two releases are
published, which differ in one skill.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillway_sync.client import ClientRun, ClientStart, find_client, run_client
from skillway_sync.client_proof import spool_records
from skillway_sync.layout import Layout, system_layout, user_layout
from skillway_sync.policy_overlay import can_overlay
from skillway_sync.scripted_api import ScriptedApi

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
INSTALL = "npm install --prefix tests/client --no-package-lock --no-audit --no-fund --ignore-scripts"
PACKAGES = {"pinned": "@anthropic-ai/claude-code", "newest": "claude-code-newest"}
SKILL = "developer-tools:write-skill"


@dataclass(frozen=True)
class Client:
    """One installed client; `version` is what npm says that it is."""

    program: Path
    version: str


@pytest.fixture(scope="session", params=list(PACKAGES))
def client(request):
    """Each installed client in turn."""
    package = PACKAGES[request.param]
    program = find_client(HERE, package=package)
    if program is None:
        pytest.skip(f"not run: no npm client in tests/client (run: {INSTALL})")
    manifest = json.loads((HERE / "node_modules" / package / "package.json").read_text())
    return Client(program, manifest["version"])


def _process(module, *arguments, cwd):
    """Run one of our programs as its own process; a failure shows all that it said."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{module} {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A repository with two published releases: the ring broad is on the first, canary on the second."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("base-plugin", "developer-tools", "skills", "hooks"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "organisation.yaml", folder)
    skill = folder / "developer-tools" / "skills" / "write-skill" / "SKILL.md"
    text = skill.read_text()
    skill.write_text(text + "\nThis is the first release.\n")
    _process("skillway", "build", cwd=folder)
    _process("skillway", "release", "keys", cwd=folder)
    _process("skillway", "release", "publish", cwd=folder)
    skill.write_text(text + "\nThis is the second release.\n")
    _process("skillway", "build", cwd=folder)
    _process("skillway", "release", "publish", "--ring", "canary", cwd=folder)
    return folder


@dataclass(frozen=True)
class Laptop:
    """A laptop in either scope."""

    folder: Path
    layout: Layout
    source: Path
    homes: Path

    @property
    def policy_dir(self):
        """What a client shall see as /etc/claude-code; None in user scope."""
        return self.layout.policy_dir.parent if self.layout.scope == "system" else None

    def sync(self, *, ring="broad"):
        """Put the ring's release on the laptop, with its per-user part in each of the layout's homes."""
        config = self.layout.config_file
        config.parent.mkdir(parents=True, exist_ok=True)
        work = self.source / ".skillway"
        shutil.copy(work / "keys" / "root.json", config.parent)
        config.write_text(json.dumps({"store": (work / "store").as_uri(), "ring": ring, "teams": ["*"]}))
        place = ["--user"] if self.layout.scope == "user" else ["--root", self.layout.prefix]
        homes = [argument for home in self.layout.homes for argument in ("--home", home)]
        _process("skillway_sync", "run", *place, *homes, "--config", config, cwd=self.folder)

    def new_home(self):
        """Give a HOME as it is when sync has done its per-user part and nobody has started a client yet."""
        if self.layout.scope == "user":
            return self.layout.homes[0]
        home = Path(tempfile.mkdtemp(dir=self.homes))
        shutil.copytree(self.layout.homes[0], home, dirs_exist_ok=True)
        return home


def _system_laptop(folder, source):
    reason = can_overlay()
    if reason:
        pytest.skip(f"not run: {reason}")
    first_home, homes = folder / "first-home", folder / "homes"
    first_home.mkdir()
    homes.mkdir()
    laptop = Laptop(folder, system_layout(prefix=folder / "root", homes=(first_home,)), source, homes)
    laptop.sync()
    return laptop


@pytest.fixture(scope="session")
def laptop(tmp_path_factory, source):
    """A laptop in system scope on the first release; whoever changes it puts it back."""
    return _system_laptop(tmp_path_factory.mktemp("laptop"), source)


@pytest.fixture
def own_laptop(tmp_path, source):
    """As `laptop`, for one test alone."""
    return _system_laptop(tmp_path, source)


@pytest.fixture
def open_laptop(source):
    """As `own_laptop`, in a folder that other users can reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="skillway-open-") as folder:
        Path(folder).chmod(0o755)
        yield _system_laptop(Path(folder), source)


@pytest.fixture
def user_laptop(tmp_path, source):
    """A laptop in user scope on the first release; its only home is in its layout."""
    home = tmp_path / "user-home"
    home.mkdir()
    layout = user_layout(home=home, config_file=tmp_path / "config" / "config.json", environment={})
    laptop = Laptop(tmp_path, layout, source, tmp_path)
    laptop.sync()
    return laptop


@dataclass(frozen=True)
class Seen:
    """What one run showed: the client's report, what the model was told, and the HOME with its spool."""

    run: ClientRun
    told: list
    home: Path
    api: ScriptedApi

    def uses(self, skill=SKILL):
        """Give the triggers of the recorded uses of the skill, one per record."""
        attributes = [r["attributes"] for r in spool_records(self.home) if r["name"] == "skillway.skill.used"]
        return [values["invocation_trigger"] for values in attributes if values["skill.name"] == skill]


@pytest.fixture
def drive(client, tmp_path):
    """Run one prompt in the real client on a laptop, and check that it is the client that was meant."""

    def run(
        laptop,
        turns,
        *,
        subagent_turns=(),
        prompt="go",
        home=None,
        mode="bypassPermissions",
        more=(),
        whole_script=True,
        **start,
    ):
        home = home or laptop.new_home()
        cwd = tmp_path / "project"
        cwd.mkdir(exist_ok=True)
        with ScriptedApi(turns, subagent_turns=subagent_turns) as api:
            arguments = ("--permission-mode", mode, *more)
            begin = ClientStart(
                client.program, home, cwd, api.url, arguments=arguments, policy_dir=laptop.policy_dir, **start
            )
            seen = Seen(run_client(begin, prompt), api.tool_results(), home, api)
        assert seen.run.version == client.version
        assert seen.run.returncode == 0, seen.run.stderr
        assert not whole_script or (api.unplayed, api.overrun) == (0, 0)
        return seen

    return run
