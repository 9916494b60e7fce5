"""What the content tests share: running a script, a git repository with a remote, a session, a forge's program."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SESSION = "660ad89b-572c-4169-9479-68766a3254f1"
FAKE_FORGE = """#!{python}
import json, os, sys
folder = {folder!r}
with open(os.path.join(folder, "calls.jsonl"), "a") as stream:
    given = sys.stdin.read() if "--body-file=-" in sys.argv else ""
    stream.write(json.dumps({{"argv": sys.argv[1:], "stdin": given}}) + "\\n")
with open(os.path.join(folder, "answers.json")) as stream:
    answers = json.load(stream)
kind = " ".join(sys.argv[1:3])
answer = answers.get(kind, {{}})
if answer.get("then"):
    answers.update(answer["then"])
    with open(os.path.join(folder, "answers.json"), "w") as stream:
        json.dump(answers, stream)
said = answer.get("stdout", "")
for word, text in answer.get("when", {{}}).items():
    said = text if word in sys.argv else said
sys.stdout.write(said)
sys.stderr.write(answer.get("stderr", ""))
sys.exit(answer.get("exit", 0))
"""


class Ran:
    """How a script ended, with its envelope when it printed one."""

    def __init__(self, finished):
        self.code = finished.returncode
        self.stdout = finished.stdout
        self.stderr = finished.stderr
        assert "Traceback" not in finished.stderr, finished.stderr

    @property
    def answer(self):
        return json.loads(self.stdout)


class Forge:
    """A program on PATH that notes how it was called and answers as it was told."""

    def __init__(self, folder, name):
        self.folder = folder
        folder.mkdir()
        program = folder / name
        program.write_text(FAKE_FORGE.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        self.answers({})

    def answers(self, answers):
        (self.folder / "answers.json").write_text(json.dumps(answers))

    @property
    def calls(self):
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def calls_of(self, kind):
        return [call for call in self.calls if " ".join(call["argv"][:2]) == kind]


GIT_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


@pytest.fixture(autouse=True)
def git_settings(monkeypatch):
    """Git as on a machine that nobody has touched."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "GH_", "GITLAB_", "GLAB_")):
            monkeypatch.delenv(name)
    for name, value in GIT_SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def run_script(repository):
    """Run a script of the repository as a process; the interpreter is the one of the tests unless given."""

    def run(script, *arguments, cwd=None, stdin="", python=sys.executable, **environment):
        finished = subprocess.run(
            [python, "-E", "-s", str(repository / script), *map(str, arguments)],
            cwd=cwd or repository,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **environment},
            check=False,
        )
        return Ran(finished)

    return run


def run_git(folder, *arguments):
    """Run git in a folder; fail when git does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    finished = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**environment, **GIT_SETTINGS},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@pytest.fixture
def git():
    """Run git in a folder; fail when git does."""
    return run_git


@pytest.fixture(scope="session")
def pushed_project(tmp_path_factory):
    """The pattern that `checkout` copies; a dozen git commands, once for all tests."""
    place = tmp_path_factory.mktemp("pushed")
    folder, store = place / "project", place / "store.git"
    run_git(place, "init", "-q", "--bare", "-b", "main", str(store))
    run_git(place, "init", "-q", "-b", "main", str(folder))
    run_git(folder, "remote", "add", "origin", str(store))
    (folder / "session.py").write_text("def load_session():\n    return None\n")
    run_git(folder, "add", ".")
    run_git(folder, "commit", "-qm", "Start")
    run_git(folder, "push", "-q", "-u", "origin", "main")
    run_git(folder, "remote", "set-head", "origin", "main")
    run_git(folder, "switch", "-qc", "feature")
    (folder / "session.py").write_text("def load_session(store):\n    return store.read_session()\n")
    run_git(folder, "commit", "-qam", "Keep sessions in the store")
    run_git(folder, "push", "-q", "-u", "origin", "feature")
    # Everything is pushed; from here on the remote is only a name that tells the forge.
    run_git(folder, "remote", "set-url", "origin", "git@github.com:acme/shop.git")
    return folder


@pytest.fixture
def checkout(tmp_path, pushed_project):
    """A clone of a GitHub project with a branch `feature` that is one commit ahead of main and pushed."""
    return Path(shutil.copytree(pushed_project, tmp_path / "work tree"))


@pytest.fixture
def session(home, monkeypatch):
    """Write the session's transcript from records or typed texts."""
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", SESSION)

    def write(*entries, session=SESSION):
        folder = home / ".claude" / "projects" / "-work-shop"
        folder.mkdir(parents=True, exist_ok=True)
        records = [typed(number, entry) if isinstance(entry, str) else entry for number, entry in enumerate(entries)]
        path = folder / f"{session}.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write


def typed(number, text):
    return {
        "type": "user",
        "isSidechain": False,
        "promptSource": "typed",
        "uuid": f"uuid-{number}",
        "message": {"role": "user", "content": text},
    }


@pytest.fixture
def forge_program(tmp_path, monkeypatch):
    """Put a fake `gh` or `glab` on PATH, first."""

    def make(name="gh"):
        forge = Forge(tmp_path / f"fake-{name}", name)
        monkeypatch.setenv("PATH", f"{forge.folder}{os.pathsep}{os.environ['PATH']}")
        return forge

    return make


@pytest.fixture
def path_without_forges(tmp_path, monkeypatch):
    """A PATH with git and a shell's usual programs, and neither gh nor glab."""
    folder = tmp_path / "plain-bin"
    folder.mkdir()
    for name in ("git", "sh", "dirname", "python3"):
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(Path(found).resolve() if name != "python3" else sys.executable)
    monkeypatch.setenv("PATH", str(folder))
    return folder
