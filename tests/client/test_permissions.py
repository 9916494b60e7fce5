"""What do the managed permissions stop in the real client alone, when no hook runs at all?

The programs that they name are stand-ins that only write down how they were called, and the test makes sure of that
before it lets a client call one.
"""

import json
from pathlib import Path

import pytest

from skillway_sync.client import ClientStart, run_client
from skillway_sync.policy_overlay import can_overlay
from skillway_sync.scripted_api import Call, Say, ScriptedApi

pytestmark = pytest.mark.client

FRAGMENT = Path(__file__).parents[2] / "base-plugin" / "settings" / "managed-settings.d" / "30-permissions.json"
STAND_INS = ("rm", "sudo", "mkfs", "mkfs.ext4", "mkfs.btrfs", "diskutil", "wipefs", "dd")

# For each entry the command that it names, and spellings that it covers as well.
NAMED = {
    "Bash(rm -rf /)": ["rm -rf /", "sudo rm -rf /", "FOO=1 rm -rf /", "echo x && rm -rf /", "timeout 5 rm -rf / &"],
    "Bash(rm -fr /)": ["rm -fr /"],
    "Bash(rm -Rf /)": ["rm -Rf /"],
    "Bash(rm -r /)": ["rm -r /", "if true; then rm -r /; fi"],
    "Bash(rm -rf --no-preserve-root /)": ["rm -rf --no-preserve-root /", "sudo rm -rf --no-preserve-root /"],
    "Bash(rm -rf ~)": ["rm -rf ~", "echo x; rm -rf ~"],
    "Bash(rm -fr ~)": ["rm -fr ~"],
    "Bash(rm -rf ~/)": ["rm -rf ~/"],
    "Bash(rm -rf $HOME)": ["rm -rf $HOME"],
    "Bash(rm -rf ${HOME})": ["rm -rf ${HOME}"],
    'Bash(rm -rf "$HOME")': ['rm -rf "$HOME"'],
    "Bash(mkfs*)": ["mkfs /dev/sd-none", "mkfs.ext4 /dev/sd-none", "sudo mkfs.btrfs -f /dev/sd-none"],
    "Bash(dd * of=/dev/sd*)": ["dd if=/dev/zero of=/dev/sd-none", "sudo dd bs=1M if=x of=/dev/sd-none status=none"],
    "Bash(dd * of=/dev/nvme*)": ["dd if=/dev/zero of=/dev/nvme-none"],
    "Bash(dd * of=/dev/disk*)": ["dd if=/dev/zero of=/dev/disk-none"],
    "Bash(dd * of=/dev/rdisk*)": ["dd if=/dev/zero of=/dev/rdisk-none"],
    "Bash(diskutil eraseDisk:*)": ["diskutil eraseDisk JHFS+ x disk-none"],
    "Bash(wipefs -a:*)": ["wipefs -a /dev/sd-none", "sudo wipefs -a /dev/sd-none"],
    "Bash(wipefs --all:*)": ["wipefs --all /dev/sd-none"],
}
# What only the guard stops, because these rules compare texts.
NOT_COVERED = ["sudo rm -rf /*", "wipefs -fa /dev/sd-none", "python3 -c 'import os; os.system(\"rm -rf /\")'"]
HARMLESS = ["rm -rf ./build", "rm -rf ~/x", "rm -r build", "echo 'rm -rf /'", "dd if=a of=b", "wipefs /dev/sd-none"]
REFUSED = "has been denied"


@pytest.fixture
def session(client, tmp_path):
    """Let the model make calls under nothing but given permissions; gives what it was told of each."""
    reason = can_overlay()
    if reason:
        pytest.skip(f"not run: {reason}")
    tools, home, project = (tmp_path / name for name in ("bin", "home-of-client", "project"))
    for folder in (tools, home, project, tmp_path / "policy" / "managed-settings.d"):
        folder.mkdir(parents=True)
    for name in STAND_INS:
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{tmp_path}/called"\n')
        (tools / name).chmod(0o755)

    def run(calls, permissions, mode="bypassPermissions"):
        policy = tmp_path / "policy" / "managed-settings.d" / "30-permissions.json"
        policy.write_text(json.dumps({"permissions": permissions}))
        with ScriptedApi([*calls, Say("done")]) as api:
            start = ClientStart(
                client.program,
                home,
                project,
                api.url,
                policy_dir=tmp_path / "policy",
                arguments=("--permission-mode", mode),
                environment={"PATH": f"{tools}:/usr/bin:/bin"},
            )
            seen = run_client(start, "go")
            assert seen.version == client.version
            assert api.unplayed == 0
            return api.tool_results()

    found = run([bash(f"command -v {name}") for name in STAND_INS], {})
    assert [result.text.strip() for result in found] == [str(tools / name) for name in STAND_INS]
    return run


def bash(command):
    return Call("Bash", {"command": command, "description": "Try it"})


def permissions(root="/opt/skillway"):
    return json.loads(FRAGMENT.read_text().replace("${SKILLWAY_ROOT}", str(root)))["permissions"]


def test_every_entry_is_tried_here():
    """A new entry needs its command in NAMED, or its file below."""
    assert [entry for entry in permissions()["deny"] if entry.startswith("Bash(")] == list(NAMED)


def test_each_entry_stops_the_command_that_it_names(session, tmp_path):
    commands = [command for spellings in NAMED.values() for command in spellings]
    told = session([bash(command) for command in commands], permissions())
    assert [command for command, result in zip(commands, told, strict=True) if REFUSED not in result.text] == []
    assert not (tmp_path / "called").exists()


def test_without_the_entries_none_of_it_is_denied(session):
    """The counterpart: what the client stops by itself says something else."""
    commands = [spellings[0] for spellings in NAMED.values()]
    told = session([bash(command) for command in commands], {"deny": []})
    assert [command for command, result in zip(commands, told, strict=True) if REFUSED in result.text] == []


def test_entries_touch_nothing_else(session):
    told = session([bash(command) for command in HARMLESS], permissions())
    assert [command for command, result in zip(HARMLESS, told, strict=True) if result.is_error] == []


def test_limits_are_as_the_guide_says(session):
    """docs/guides/guard.md names these; one that is stopped by a new client can leave the list there."""
    told = session([bash(command) for command in NOT_COVERED], permissions())
    assert [command for command, result in zip(NOT_COVERED, told, strict=True) if REFUSED in result.text] == []


def test_policy_and_store_cannot_be_edited(session, tmp_path):
    root = tmp_path / "Application Support" / "skillway"
    (root / "store").mkdir(parents=True)
    (root / "store" / "guard.py").write_text("a\n")
    files = [
        root / "store" / "guard.py",
        root / "bin" / "new" / "run",
        Path("/etc/claude-code/managed-settings.d/9.json"),
    ]
    files.append(Path("/Library/Application Support/ClaudeCode/managed-settings.json"))
    calls = [Call("Write", {"file_path": str(path), "content": "b"}) for path in files]
    calls += [Call("Write", {"file_path": f"{root}/bin/../store/guard.py", "content": "b"})]
    calls += [bash(f"echo b > '{root}/store/guard.py'"), bash(f"rm -rf '{root}/store'")]

    told = session(calls, permissions(root))

    assert [result.text for result in told if "denied" not in result.text] == []
    assert (root / "store" / "guard.py").read_text() == "a\n"
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("mode", ["bypassPermissions", "acceptEdits"])
def test_startup_files_are_asked_about_even_when_permissions_are_bypassed(session, tmp_path, mode):
    home = tmp_path / "home-of-client"
    names = [entry.removeprefix("Edit(~/").removesuffix(")") for entry in permissions()["ask"]]
    calls = [Call("Write", {"file_path": str(home / name), "content": "b"}) for name in names]

    told = session([*calls, Call("Write", {"file_path": str(home / "notes.md"), "content": "b"})], permissions(), mode)

    assert [result.is_error for result in told] == [True] * len(names) + [mode == "acceptEdits"]
    assert [name for name in names if (home / name).exists()] == []
