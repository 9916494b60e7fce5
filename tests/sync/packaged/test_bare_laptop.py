"""On a laptop without any Python the same hooks run, with the interpreter that IT packaged."""

import json
from pathlib import Path

from skillway_sync.packaged import read_package

CORPUS = Path(__file__).resolve().parents[2] / "hooks" / "corpus"
SHOP = "/home/dev/work/shop"
# One start of the namespace for all payloads: /in/N.json through the hook, /out/N gets its exit code and what it said.
ALL = """
for f in /in/*.json; do
    n=${f##*/}
    /bin/sh -c 'f="/opt/skillway/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" guard' <"$f" >/out/$n 2>/out/$n.err
    echo $? >/out/$n.code
done
"""


def call(tool, tool_input, cwd=SHOP):
    return {
        "hook_event_name": "PreToolUse",
        "session_id": "s-1",
        "cwd": cwd,
        "tool_name": tool,
        "tool_input": tool_input,
        "tool_use_id": "toolu_1",
    }


def test_laptop_has_no_python_of_its_own(bare):
    programs = {path.relative_to(bare.root).parts[0:2] for path in bare.root.rglob("bin/python*") if path.is_file()}
    assert programs == {("etc", "skillway"), ("opt", "skillway")}
    assert bare.run("for p in python python3 /usr/bin/python3 /usr/local/bin/python3; do $p -V && exit 1; done; true")


def test_sync_records_its_copy_and_not_its_own_interpreter(bare):
    digest = read_package(bare.path("/etc/skillway/python")).digest
    recorded = bare.path("/opt/skillway/bin/interpreter").read_text()
    assert recorded == f"/opt/skillway/bin/python/{digest}/bin/python3\n"


def test_guard_denies_as_everywhere_else(bare):
    done = bare.hook("guard", call("Bash", {"command": "rm -rf /"}))
    answer = json.loads(done.stdout)["hookSpecificOutput"]
    assert (done.returncode, answer["permissionDecision"]) == (2, "deny")
    assert "(rule delete-root)" in answer["permissionDecisionReason"]
    assert bare.hook("guard", call("Bash", {"command": "ls"})).returncode == 0


def test_usage_records_a_skill(bare):
    payload = {
        "hook_event_name": "PostToolUse",
        "session_id": "s-1",
        "tool_name": "Skill",
        "tool_input": {"skill": "developer-tools:write-skill"},
        "tool_response": {"success": True},
    }
    assert bare.hook("usage", payload).returncode == 0
    spool = bare.path("/home/dev/.local/state/skillway/spool/events.jsonl").read_text()
    records = [json.loads(line) for line in spool.splitlines() if line]
    assert records[-1]["name"] == "skillway.skill.used"
    assert records[-1]["attributes"]["skill.name"] == "developer-tools:write-skill"


def test_public_lists_pass_through_the_whole_hook(bare):
    cases = [json.loads(line) for name in ("public.jsonl", "public_tools.jsonl") for line in (CORPUS / name).open()]
    for name in ("in", "out"):
        bare.path(name).mkdir(exist_ok=True)
    for number, case in enumerate(cases):
        tool_input = case.get("tool_input") or {"command": case["command"]}
        payload = call(case.get("tool", "Bash"), tool_input, case.get("cwd", SHOP))
        bare.path(f"in/{number:04}.json").write_text(json.dumps(payload))
    bare.run(ALL)
    wrong = []
    for number, case in enumerate(cases):
        said = bare.path(f"out/{number:04}.json").read_text()
        code = int(bare.path(f"out/{number:04}.json.code").read_text())
        decision = json.loads(said)["hookSpecificOutput"]["permissionDecision"] if said else "allow"
        if (decision == "allow") != (case["expect"] == "allow") or code != (2 if decision == "deny" else 0):
            wrong.append((case, decision, code))
    assert len(cases) > 250
    assert wrong == []


def test_hooks_use_byte_code_of_the_packaged_interpreter(bare):
    doctor = json.loads(bare.sync("doctor --json", check=False).stdout)
    lines = [finding["what"] for finding in doctor["data"]["findings"]]
    assert any(line.startswith("Hooks run with /opt/skillway/bin/python/") for line in lines)
    assert [finding for finding in doctor["data"]["findings"] if finding["level"] != "ok"] == []


def test_second_run_finds_nothing_to_do(bare):
    assert json.loads(bare.sync("run --json").stdout)["data"]["changed"] is False


def test_script_of_a_skill_runs_with_it_too(bare):
    script = bare.path("/tmp/tool.py")
    script.write_text("import argparse, sqlite3, ssl, sys; print(sys.executable, sys.argv[1:])\n")
    said = bare.run("/bin/sh /opt/skillway/bin/run script /tmp/tool.py one").stdout.decode()
    assert said.startswith("/opt/skillway/bin/python/")
    assert said.endswith("['one']\n")
