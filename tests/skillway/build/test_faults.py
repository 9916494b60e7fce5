"""What stops a build, each said in one sentence with its place, and the former build stays as it was."""

import os
import subprocess
import sys

import pytest

from skillway.build import Fault, build_repository
from skillway.build.assembly import read_source
from skillway.build.snapshot import take_snapshot
from skillway.errors import ConflictError, FindingsError

HOOKS_JSON = "base-plugin/hooks/hooks.json"


def _tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def _refused(sources, **options):
    """Build the good sources first, break them by what the caller did, and give the message of the second build."""
    before = _tree(sources.out)
    with pytest.raises(FindingsError) as caught:
        sources.build(**options)
    assert _tree(sources.out) == before, "a build that was refused changed the former one"
    assert caught.value.exit_code == 5
    return caught.value.message


def _wire(sources, command):
    content = sources.read_json(HOOKS_JSON)
    content["hooks"]["PreToolUse"][0]["hooks"].append({"type": "command", "command": command, "timeout": 5})
    sources.write(HOOKS_JSON, content)


@pytest.fixture
def built(sources):
    sources.build()
    return sources


def test_hook_that_does_not_exist(built):
    _wire(built, 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" absent')
    message = _refused(built)
    assert "The hook command needs hooks/absent.py, which does not exist. Add hooks/absent.py" in message
    assert f"{HOOKS_JSON}:1" in message


def test_launcher_that_does_not_exist(built):
    (built.path / "hooks/run").unlink()
    message = _refused(built)
    assert "needs hooks/run, which does not exist" in message
    assert message.startswith("1 fault stops"), "three commands need the launcher, and one line says so"


def test_hook_of_a_settings_fragment_that_does_not_exist(built):
    (built.path / "hooks/guard.py").unlink()
    (built.path / "hooks/lexer.py").unlink()
    message = _refused(built)
    assert "base-plugin/settings/managed-settings.d/10-guard.json:" in message
    assert "needs hooks/guard.py" in message


def test_file_of_hooks_that_nothing_wires(built):
    built.write("hooks/orphan.py", "")
    assert "hooks/orphan.py: No hook command leads to this file." in _refused(built)


def test_module_that_a_hook_imports_and_nobody_has(built):
    built.write("hooks/usage.py", "import os\nimport requests\nimport spool\n")
    message = _refused(built)
    assert (
        "hooks/usage.py:2: The hook imports 'requests', which is neither in hooks/ nor in the standard library."
        in message
    )
    assert "'os'" not in message


def test_import_in_a_try_may_be_missing(built):
    built.write("hooks/usage.py", "import spool\ntry:\n    import fastjson\nexcept ImportError:\n    fastjson = None\n")
    assert "base-plugin" in built.build().plugins


@pytest.mark.parametrize("text", [b"def words(:\n", b"\xff\xfe", b"x = 1\0", b"(" * 5000, b"-" * 200_000 + b"1"])
def test_hook_with_broken_syntax(built, text):
    built.write("hooks/lexer.py", text)
    assert "hooks/lexer.py" in (message := _refused(built))
    assert "The file is not Python (" in message


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "$X", "sub/hook"])
def test_hook_name_that_leaves_the_folder(built, name):
    _wire(built, f'f="${{CLAUDE_PLUGIN_ROOT}}/hooks/run"; exec /bin/sh "$f" {name}')
    assert f"{HOOKS_JSON}:" in (message := _refused(built))
    assert f"{name!r}, which is not the name of a hook" in message


def test_launcher_without_a_name(built):
    _wire(built, 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f"')
    assert "starts the launcher without the name of a hook" in _refused(built)


def test_own_file_that_a_hook_command_names_and_that_does_not_ship(built):
    built.write("base-plugin/tests/probe.sh", "#!/bin/sh\n")
    _wire(built, '/bin/sh "${CLAUDE_PLUGIN_ROOT}"/tests/probe.sh')
    assert "names 'tests/probe.sh', which is not in the built plugin" in _refused(built)


def test_own_file_that_leaves_the_plugin(built):
    _wire(built, '/bin/sh "${CLAUDE_PLUGIN_ROOT}/../developer-tools/x.sh"')
    assert "names '../developer-tools/x.sh', which leaves the plugin" in _refused(built)


def test_copy_of_a_hook_beside_the_one_that_the_build_copies(built):
    built.write("base-plugin/hooks/usage.py", "print('old copy')\n")
    assert "base-plugin/hooks/usage.py: The build copies hooks/usage.py of the repository to this place." in _refused(
        built
    )


@pytest.mark.parametrize("target", ["levels.md", "/etc/hostname", "../../../../hooks/run", "nowhere"])
def test_link_in_a_plugin(built, target):
    (built.path / "skills/support/triage/references/link.md").symlink_to(target)
    message = _refused(built)
    assert f"skills/support/triage/references/link.md: This is a link (to '{target}')" in message


def test_link_to_a_folder_in_a_plugin(built):
    (built.path / "skills/support/triage/assets").symlink_to("references")
    assert "skills/support/triage/assets: This is a link" in _refused(built)


def test_link_in_hooks(built):
    (built.path / "hooks/events.json").unlink()
    (built.path / "hooks/events.json").symlink_to("../organisation.yaml")
    assert "hooks/events.json: This is a link" in _refused(built)


def test_link_that_does_not_ship_is_nobodys_business(built):
    (built.path / "skills/support/triage/tests").symlink_to("/nowhere")
    assert built.build().changes["support"] == "unchanged"


def test_plugin_folder_that_is_a_link(built):
    (built.path / "skills/support").rename(built.path / "elsewhere")
    (built.path / "skills/support").symlink_to("../elsewhere")
    assert "skills/support: The plugin's folder is a link." in _refused(built)


def test_pipe_in_a_plugin_is_named_and_not_waited_for(built):
    os.mkfifo(built.path / "skills/support/triage/pipe")
    assert "skills/support/triage/pipe: This is a pipe, a socket or a device." in _refused(built)


def test_names_that_are_one_file_where_case_is_ignored(built):
    built.write("skills/support/triage/references/Levels.md", "again")
    message = _refused(built)
    assert "'skills/triage/references/Levels.md' and 'skills/triage/references/levels.md' are one file" in message


@pytest.mark.parametrize("name", ["con.md", "a:b.md", "end.", "x" * 170 + ".md"])
def test_name_that_does_not_work_everywhere(built, name):
    built.write(f"skills/support/triage/references/{name}", "text")
    assert f"skills/support/triage/references/{name}: The path " in _refused(built)


def test_name_that_is_not_utf8(built):
    (built.path / "skills/support/triage/references" / os.fsdecode(b"caf\xe9.md")).write_text("text")
    message = _refused(built)
    assert "is not UTF-8" in message
    message.encode()


def test_plugin_json_that_names_more_skill_folders(built):
    content = built.read_json("skills/support/.claude-plugin/plugin.json")
    built.write("skills/support/.claude-plugin/plugin.json", content | {"skills": ["./", "./more"]})
    assert 'has "skills": ["./", "./more"]' in _refused(built)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff\xfe", b'{"version": "1.0.0", "name": 7}', b'{"name": "support"}']
)
def test_plugin_json_that_is_broken(built, text):
    built.write("skills/support/.claude-plugin/plugin.json", text)
    assert "skills/support/.claude-plugin/plugin.json" in _refused(built)


def test_text_of_plugin_json_that_no_file_can_hold(built):
    content = built.read_json("skills/support/.claude-plugin/plugin.json")
    built.write("skills/support/.claude-plugin/plugin.json", content | {"description": "half of a pair: \ud800"})
    assert "skills/support" in _refused(built)


def test_file_that_is_too_large(built):
    with (built.path / "skills/support/triage/assets.bin").open("wb") as stream:
        stream.truncate(64 * 1024 * 1024 + 1)
    assert "assets.bin: This file has 67108865 bytes, and 67108864 is the most that ships." in _refused(built)


def test_plugin_json_that_is_missing(built):
    (built.path / "skills/support/.claude-plugin/plugin.json").unlink()
    assert "skills/support/.claude-plugin/plugin.json: The plugin has no plugin.json that can be read." in _refused(
        built
    )


def test_two_plugins_with_one_name(built):
    content = built.read_json("skills/support/.claude-plugin/plugin.json")
    built.write("skills/support/.claude-plugin/plugin.json", content | {"name": "developer-tools"})
    assert "The plugin's name 'developer-tools' is that of developer-tools too." in _refused(built)


def test_every_fault_is_told_at_once(built):
    built.write("hooks/orphan.py", "")
    built.write("skills/support/triage/con.md", "")
    (built.path / "developer-tools/skills/tidy/link").symlink_to("SKILL.md")
    message = _refused(built)
    assert message.startswith("3 faults stop the build:")
    assert message.count("\n") == 3


def test_unreadable_file(built):
    path = built.write("skills/support/triage/references/secret.md", "for nobody")
    path.chmod(0)
    if os.geteuid() != 0:
        assert "skills/support/triage/references/secret.md: This file cannot be read" in _refused(built)
        return
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from skillway.build.assembly import read_source\n"
        "from skillway.build.snapshot import take_snapshot\n"
        "os.chdir(sys.argv[1]); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "name = 'triage/references/secret.md'\n"
        "print(read_source(Path(), 'skills/support/' + name, take_snapshot(Path('skills/support'))[name]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, built.path], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(
        "skills/support/triage/references/secret.md: This file cannot be read (Permission denied)."
    )


def test_file_that_changes_between_hashing_and_packing(sources):
    """What was hashed and what was packed would differ, and the next build would believe the hash."""
    snapshot = take_snapshot(sources.path / "skills/support")
    sources.write("skills/support/triage/SKILL.md", "changed in the meantime")
    fault = read_source(sources.path, "skills/support/triage/SKILL.md", snapshot["triage/SKILL.md"])
    assert isinstance(fault, Fault)
    assert str(fault).startswith("skills/support/triage/SKILL.md: This file changed while it was built.")


def test_output_inside_the_sources(sources):
    with pytest.raises(ConflictError, match="lies in the sources"):
        build_repository(sources.path, sources.organisation, sources.path / "skills" / "build", check=False)
    assert not (sources.path / "skills" / "build").exists()
