"""Records the corpus of the trigger detector anew: real clients against a scripted API, and variations by hand.

    python tests/evals/transcripts/record.py

Each file is one stream-json transcript of a session about the skill `probe:alpha`; `labels.json` says whether it
was loaded. Labels stand here, beside what the model was scripted to do, and are never derived from the detector.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import tempfile
from pathlib import Path

from skillway_sync.client import ClientError, ClientStart, find_client, run_client
from skillway_sync.scripted_api import Call, Fail, Say, ScriptedApi

HERE = Path(__file__).resolve().parent
PREFIX = HERE.parents[1] / "client"
CLIENTS = {"pinned": "@anthropic-ai/claude-code", "newest": "claude-code-newest"}
ALPHA, BETA = Call("Skill", {"skill": "probe:alpha"}), Call("Skill", {"skill": "probe:beta"})
BASH, READ = Call("Bash", {"command": "echo one"}), Call("Read", {"file_path": "notes.txt"})
AGENT = Call("Agent", {"description": "look", "prompt": "Look into it.", "subagent_type": "general-purpose"})
DONE = Say("Done.")

# name: (turns, subagent turns, arguments, label, remark)
SCRIPTS = {
    "skill-first": ([ALPHA, DONE], [], (), True, "the plain case"),
    "bash-first": ([BASH, ALPHA, DONE], [], (), True, "another tool comes first"),
    "read-first": ([READ, ALPHA, DONE], [], (), True, "a file is read first"),
    "many-tools-first": ([BASH, READ, BASH, BASH, READ, ALPHA, DONE], [], (), True, "five tools come first"),
    "other-skill-first": ([BETA, ALPHA, DONE], [], (), True, "a sibling is loaded first"),
    "other-skill-only": ([BETA, DONE], [], (), False, "a sibling is loaded instead"),
    "parallel": ([(BASH, ALPHA), DONE], [], (), True, "in one message with another tool"),
    "parallel-skills": ([(BETA, ALPHA), DONE], [], (), True, "both skills in one message"),
    "bare-name": ([Call("Skill", {"skill": "alpha"}), DONE], [], (), True, "without the plugin's name"),
    "slash-name": ([Call("Skill", {"skill": "/probe:alpha"}), DONE], [], (), True, "as a person types it"),
    "with-arguments": ([Call("Skill", {"skill": "probe:alpha", "args": "x y"}), DONE], [], (), True, "with arguments"),
    "unknown-skill": ([Call("Skill", {"skill": "probe:gamma"}), DONE], [], (), False, "a skill that does not exist"),
    "text-only": ([Say("I would use the skill probe:alpha."), DONE], [], (), False, "named in the answer only"),
    "bash-only": ([BASH, DONE], [], (), False, "no skill at all"),
    "subagent": ([AGENT, DONE], [ALPHA, Say("Looked.")], (), True, "in a subagent"),
    "subagent-without": ([AGENT, DONE], [BASH, Say("Looked.")], (), False, "a subagent that loads none"),
    "turn-limit": ([BASH, BASH, BASH, DONE], [], ("--max-turns", "2"), False, "the turns were used up"),
    "turn-limit-after": ([ALPHA, BASH, BASH, DONE], [], ("--max-turns", "2"), True, "loaded before the limit"),
    "api-error": ([Fail(401, "no")] * 20, [], (), None, "the API refuses the key"),
}


def main() -> None:
    for old in HERE.glob("*.jsonl"):
        old.unlink()
    labels: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for which, package in CLIENTS.items():
            client = find_client(PREFIX, package=package)
            if client is None:
                raise SystemExit(f"not run: there is no {which} client in tests/client")
            for name, (turns, subagent, arguments, label, remark) in SCRIPTS.items():
                events = record(client.resolve(), Path(scratch), turns, subagent, arguments)
                store(labels, f"{name}-{which}", events, label, remark)
    for name, (base, change, label, remark) in VARIATIONS.items():
        events = [json.loads(line) for line in (HERE / f"{base}.jsonl").read_text().splitlines()]
        store(labels, f"by-hand-{name}", change(copy.deepcopy(events)), label, remark)
    (HERE / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")
    sys.stderr.write(f"{len(labels)} transcripts\n")


def record(client: Path, scratch: Path, turns: list, subagent: list, arguments: tuple[str, ...]) -> list[dict]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for name in ("home", "project"):
        (folder / name).mkdir()
    (folder / "project" / "notes.txt").write_text("Notes.\n")
    plugin = make_plugin(folder / "probe")
    options = (
        "--tools",
        "Bash,Read,Skill,Agent",
        "--allowedTools",
        "Bash,Read,Skill,Agent",
        "--model",
        "claude-sonnet-5",
    )
    with ScriptedApi(turns, subagent_turns=subagent) as api:
        start = ClientStart(
            client, folder / "home", folder / "project", api.url, (*options, *arguments), plugin_dirs=(plugin,)
        )
        try:
            events = run_client(start, "Please do it.", timeout=60).events
        except ClientError as error:
            raise SystemExit(error.message) from error
    return [clean(event, str(folder)) for event in events if not str(event.get("subtype", "")).startswith("hook_")]


def make_plugin(folder: Path) -> Path:
    (folder / ".claude-plugin").mkdir(parents=True)
    (folder / ".claude-plugin" / "plugin.json").write_text('{"name": "probe", "version": "0.0.1"}')
    for skill in ("alpha", "beta"):
        (folder / "skills" / skill).mkdir(parents=True)
        text = f"---\nname: {skill}\ndescription: Does {skill}.\n---\nDo {skill}.\n"
        (folder / "skills" / skill / "SKILL.md").write_text(text)
    return folder


DROPPED = {"uuid", "request_id", "timestamp", "slash_commands", "terminal_slash_commands", "memory_paths", "usage"}


def clean(event: dict, folder: str) -> dict:
    """Take out what differs between two recordings, and this machine's paths."""
    text = json.dumps({name: value for name, value in event.items() if name not in DROPPED})
    text = text.replace(folder, "/example")
    text = re.sub(r"[^\"\s]*skillway-client-[^/\"\s]*", "/example/tmp", text)
    return json.loads(re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "session", text))


def store(labels: dict, name: str, events: list, label: bool | None, remark: str) -> None:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    (HERE / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    labels[name] = {"fired": label, "remark": remark}


def without_result(events: list) -> list:
    return [event for event in events if event.get("type") != "result"]


def before_call(events: list) -> list:
    """Cut where a time limit may: before the call that loads the skill."""
    place = next(i for i, event in enumerate(events) if "probe:alpha" in json.dumps(event.get("message", {})))
    return events[:place]


def not_offered(events: list) -> list:
    for event in events:
        if event.get("subtype") == "init":
            event["skills"] = [skill for skill in event["skills"] if skill != "probe:alpha"]
    return events


def doubled_names(events: list) -> list:
    """Offer a second plugin with a skill of the same name; the call says only that name, and was refused."""
    for event in events:
        if event.get("subtype") == "init":
            event["skills"].append("other:alpha")
        for block in event.get("message", {}).get("content", []):
            if block.get("type") == "tool_result":
                block["content"], block["is_error"] = "<tool_use_error>Unknown skill: alpha</tool_use_error>", True
                event.pop("tool_use_result", None)
    return events


def denied(events: list) -> list:
    for event in events:
        for block in event.get("message", {}).get("content", []):
            if block.get("type") == "tool_result":
                block["content"], block["is_error"] = "Permission to use Skill has been denied.", True
                event.pop("tool_use_result", None)
    return events


def resumed(events: list) -> list:
    """Two halves of one conversation, as after a resume: the skill is loaded in the first."""
    second = [event for event in copy.deepcopy(events) if event.get("type") in ("system", "result")]
    return [*events, *second]


def resumed_late(events: list) -> list:
    """As `resumed`, loaded in the second half."""
    first = [event for event in copy.deepcopy(events) if event.get("type") in ("system", "result")]
    return [*first, *events]


def stopped(events: list) -> list:
    place = next(i for i, event in enumerate(events) if "Launching skill" in json.dumps(event))
    return [*events[: place + 1], {"type": "skillway", "subtype": "stopped"}]


def with_noise(events: list) -> list:
    lines: list = ["", "not json", '{"type": "assistant", "message": {"content": "text"}}', "[1, 2]", "null"]
    for event in events:
        lines += [event, '{"type": "stream_event", "event": {"type": "ping"}}']
    return lines


def old_input(events: list) -> list:
    """As clients of 2025 wrote it: the name under `command`."""
    for event in events:
        for block in event.get("message", {}).get("content", []):
            if block.get("name") == "Skill":
                block["input"] = {"command": block["input"]["skill"]}
        event.pop("tool_use_result", None)
    return events


def repeated(events: list) -> list:
    """The same message twice, as when partial messages are included."""
    return [copy.deepcopy(event) for event in events for _ in range(2 if event.get("type") == "assistant" else 1)]


def torn(events: list) -> list:
    lines = [json.dumps(event) for event in events]
    return [*lines[:-1], lines[-1][: len(lines[-1]) // 2]]


def result_error(events: list) -> list:
    for event in events:
        if event.get("type") == "result":
            event.update(is_error=True, subtype="error_during_execution", result="Connection lost")
    return events


def nothing(_events: list) -> list:
    return []


VARIATIONS = {
    "timeout-before": ("skill-first-pinned", before_call, None, "no end: no vote"),
    "timeout-after": ("skill-first-pinned", without_result, None, "no end, though it was loaded: no vote"),
    "timeout-other": ("other-skill-only-newest", without_result, None, "no end: no vote"),
    "not-offered": ("bash-only-pinned", not_offered, None, "the skill was not there to be loaded"),
    "two-of-a-name": ("bare-name-newest", doubled_names, False, "a name that two plugins have was refused"),
    "denied": ("skill-first-newest", denied, False, "the call was refused"),
    "resumed-first-half": ("skill-first-pinned", resumed, True, "loaded before the resume"),
    "resumed-second-half": ("bash-first-newest", resumed_late, True, "loaded after the resume"),
    "resumed-without": ("bash-only-newest", resumed, False, "two halves, and none loads it"),
    "stopped": ("bash-first-pinned", stopped, True, "ended by the harness when it was loaded"),
    "noise": ("parallel-pinned", with_noise, True, "lines that are no events"),
    "old-input": ("skill-first-pinned", old_input, True, "an older client's input"),
    "repeated": ("other-skill-first-pinned", repeated, True, "messages that come twice"),
    "torn": ("skill-first-newest", torn, None, "the last line is torn, so there is no end"),
    "result-error": ("skill-first-newest", result_error, None, "the session broke"),
    "empty": ("skill-first-pinned", nothing, None, "nothing was printed"),
}

if __name__ == "__main__":
    main()
