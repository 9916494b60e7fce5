"""What a built plugin contains."""

import io
import json
import subprocess
import tarfile

import pytest

from skillway.build.shipping import file_mode, shipped_paths
from skillway_sync.archive import read_archive
from skillway_sync.manifest import parse_manifest


def _files(plugin):
    manifest = plugin.read_manifest()
    with plugin.archive_file.open("rb") as source:
        return {entry.path: (data, entry.mode) for entry, data in read_archive(source, manifest, where="test")}


def test_team_skills_lie_where_claude_code_looks_by_itself(sources):
    plugin = sources.build().plugins["support"]
    files = _files(plugin)
    assert set(files) == {
        ".claude-plugin/plugin.json",
        "skills/triage/SKILL.md",
        "skills/triage/references/levels.md",
        "skills/triage/scripts/sort_tickets.py",
    }
    plugin_json = json.loads(files[".claude-plugin/plugin.json"][0])
    assert "skills" not in plugin_json
    assert plugin_json["version"] == f"0.1.0+{plugin.digest[:12]}" == plugin.version


def test_what_is_no_skill_stays_in_the_root_of_a_team_plugin(sources):
    sources.write("skills/support/bin/triage", "#!/bin/sh\n")
    sources.write("skills/support/agents/sorter.md", "---\ndescription: Sorts.\n---\nSort.\n")
    files = _files(sources.build().plugins["support"])
    assert files["bin/triage"] == (b"#!/bin/sh\n", "0755")
    assert "agents/sorter.md" in files


def test_what_skills_of_a_team_share_moves_with_them(sources):
    """`../_shared/x.md` in a skill must lead to the same file before and after the build."""
    sources.write("skills/support/_shared/words.md", "# Words\n")
    sources.write("skills/support/lists/eu.md", "# EU\n")
    sources.write("skills/support/my-agents/sorter.md", "---\nname: s\ndescription: Sorts.\n---\nSort.\n")
    content = sources.read_json("skills/support/.claude-plugin/plugin.json")
    sources.write("skills/support/.claude-plugin/plugin.json", content | {"agents": ["./my-agents/sorter.md"]})
    files = _files(sources.build().plugins["support"])
    assert {"skills/_shared/words.md", "skills/lists/eu.md", "my-agents/sorter.md"} <= set(files)


def test_files_for_authors_do_not_ship(sources):
    for place in (
        "SPEC.md",
        "EVAL.md",
        "evals/suite.yaml",
        "tests/test_it.py",
        ".env",
        "__pycache__/x.pyc",
        ".notes/a.md",
    ):
        sources.write(f"developer-tools/skills/tidy/{place}", "not for laptops")
    for place in ("SPEC.md", "evals/case.yaml", "tests/test_it.py", ".gitignore", ".cache/x"):
        sources.write(f"developer-tools/{place}", "not for laptops")
    sources.write("developer-tools/.mcp.json", "{}")
    sources.write("developer-tools/skills/tidy/assets/SPEC.md", "a template")
    assert set(_files(sources.build().plugins["developer-tools"])) == {
        ".claude-plugin/plugin.json",
        ".mcp.json",
        "skills/tidy/SKILL.md",
        "skills/tidy/assets/SPEC.md",
    }


def test_plugin_gets_the_hooks_that_its_commands_lead_to(sources):
    files = _files(sources.build().plugins["base-plugin"])
    assert {path for path in files if path.startswith("hooks/")} == {
        "hooks/hooks.json",
        "hooks/run",
        "hooks/usage.py",
        "hooks/spool.py",
        "hooks/events.json",
        "hooks/guard.py",
        "hooks/lexer.py",
    }
    assert files["hooks/run"] == (b"#!/bin/sh\nexit 0\n", "0755")
    assert not any(path.startswith("hooks/") for path in _files(sources.build().plugins["developer-tools"]))


@pytest.mark.parametrize(
    ("data", "mode"), [(b"#!/bin/sh\n", "0755"), (b" #!/bin/sh\n", "0644"), (b"", "0644"), (b"#", "0644")]
)
def test_mode_comes_from_the_first_two_bytes(data, mode):
    assert file_mode(data) == mode


def test_executable_bit_of_the_checkout_plays_no_part(sources):
    before = sources.build().plugins["support"].digest
    (sources.path / "skills/support/triage/scripts/sort_tickets.py").chmod(0o755)
    (sources.path / "skills/support/triage/SKILL.md").chmod(0o777)
    (sources.out / "cache").unlink()
    assert sources.build().plugins["support"].digest == before


def test_only_the_named_folders_move():
    paths = [".claude-plugin/plugin.json", "skills/one/SKILL.md", "two/SKILL.md", "bin/tool"]
    assert shipped_paths(paths, moved={"two"}) == {
        ".claude-plugin/plugin.json": ".claude-plugin/plugin.json",
        "skills/one/SKILL.md": "skills/one/SKILL.md",
        "two/SKILL.md": "skills/two/SKILL.md",
        "bin/tool": "bin/tool",
    }


def test_any_tar_program_can_list_and_unpack_the_archive(sources, tmp_path):
    plugin = sources.build().plugins["support"]
    with tarfile.open(plugin.archive_file) as archive:
        members = archive.getmembers()
        names = [member.name for member in members]
    assert [entry.path for entry in plugin.read_manifest().installed_files] == names
    assert {(member.mtime, member.uid, member.gid) for member in members} == {(0, 0, 0)}
    listed = subprocess.run(["tar", "-tzf", plugin.archive_file], capture_output=True, text=True, check=True)
    assert listed.stdout.split() == names
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xzf", plugin.archive_file, "-C", tmp_path / "unpacked"], check=True)
    script = tmp_path / "unpacked/skills/triage/scripts/sort_tickets.py"
    assert script.read_bytes() == (sources.path / "skills/support/triage/scripts/sort_tickets.py").read_bytes()
    assert script.stat().st_mode & 0o111


def test_manifest_is_what_the_laptop_reads(sources):
    plugin = sources.build().plugins["support"]
    manifest = parse_manifest(plugin.manifest_file.read_bytes(), where="test")
    assert (manifest.plugin, manifest.version, manifest.digest) == ("support", "0.1.0", plugin.digest)
    assert list(read_archive(io.BytesIO(plugin.archive_file.read_bytes()), manifest, where="test"))


def test_build_json_holds_what_a_release_needs(sources):
    build = sources.build()
    content = sources.read_json(".skillway/build/build.json")
    assert content == {
        "schema": 1,
        "plugins": {
            "base-plugin": {
                "digest": build.plugins["base-plugin"].digest,
                "version": build.plugins["base-plugin"].version,
                "layer": "base",
                "team": None,
                "description": "What every laptop gets.",
            },
            "developer-tools": {
                "digest": build.plugins["developer-tools"].digest,
                "version": build.plugins["developer-tools"].version,
                "layer": "developer-tools",
                "team": None,
                "description": "For engineers.",
            },
            "support": {
                "digest": build.plugins["support"].digest,
                "version": build.plugins["support"].version,
                "layer": "team",
                "team": "support",
                "description": "For the support team.",
            },
        },
    }
