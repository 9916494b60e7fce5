"""What does the guard's own code say about a tool call? A program, started with `-I -S` as the hook is.

It puts the hooks' folder first on the path, reads one JSON request per line on stdin and answers each with one line on
stdout. Standing apart keeps the hooks' flat module names, and what they import, out of skillway's own process. Leaves
the answers' meaning to `guard.py`. Standard library and the hooks only.
"""

import gc
import importlib
import json
import os
import sys
import time
from typing import Any

FILE_COMMANDS = frozenset(
    ["rm", "rmdir", "unlink", "mv", "cp", "shred", "truncate", "chmod", "chown", "chgrp", "find", "tee", "ln"]
)
MOST_COMMANDS = 500
"""Commands of one text that are shown; a longer one is judged whole all the same."""


def serve(hooks: str, policy_file: str) -> None:
    """Answer requests until stdin ends.

    Args:
        hooks: The folder with the guard's modules.
        policy_file: The organisation's policy; on a laptop it is in a folder beside the hooks, in a repository not.
    """
    sys.path.insert(0, hooks)
    policies: Any = importlib.import_module("guard_policy")
    policies.ORGANISATION_FILE = "/" + os.path.relpath(policy_file, hooks)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"judge": judge, "policy": policy, "check": check}[request["op"]](request, hooks)
        except Exception as error:  # noqa: BLE001 - one wrong request must not end the others
            answer = {"fault": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def judge(request: dict[str, Any], hooks: str) -> dict[str, Any]:
    """Judge one tool call; with `explain`, tell also how it was read."""
    rules = importlib.import_module("guard_rules")
    seen: list[dict[str, Any]] = []

    class Watched(rules.Judge):  # type: ignore[misc,name-defined]
        """Notes every stop, before and after the policies."""

        def _note(self, stop: Any, what: str) -> None:  # noqa: ANN401 - a module that is loaded at run time
            before = stop.decision if stop is not None else ""
            super()._note(stop, what)
            if stop is not None:
                kept = self.policy.apply(stop)
                after = kept.decision if kept is not None else "silent"
                seen.append(
                    {"rule": stop.rule, "decision": before, "after_policy": after, "part": what, "why": stop.why}
                )

    judge_ = Watched(request["cwd"], request["home"], hooks)
    gc.disable()  # as in the hook
    started, worked = time.perf_counter(), time.process_time()
    judge_.judge(request["tool"], request["tool_input"])
    answer: dict[str, Any] = {
        "milliseconds": round((time.perf_counter() - started) * 1000, 3),
        "processor_milliseconds": round((time.process_time() - worked) * 1000, 3),
        "fault": "",
    }
    gc.enable()
    stop = judge_.stop
    answer["decision"] = stop.decision if stop is not None else "silent"
    if stop is not None:
        answer.update({name: getattr(stop, name) for name in ("rule", "what", "why", "instead", "command")})
        answer["message"] = stop.message(judge_.policy.contact)
    if request.get("explain"):
        answer["stops"] = seen
        answer["policy_faults"] = judge_.policy.faults
        answer["project"] = judge_.project
        answer["commands"] = _commands(request, judge_)
    return answer


def _commands(request: dict[str, Any], judge_: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - loaded at run time
    """Tell each command that the guard found in a shell text."""
    if request["tool"] not in ("Bash", "PowerShell"):
        return []
    commands = importlib.import_module("guard_commands")
    paths = importlib.import_module("guard_paths")
    environment = importlib.import_module("payload").environment
    places = paths.Places(request["cwd"], request["home"])
    places.widen(judge_.policy.projects, judge_.policy.caches)
    found: list[dict[str, Any]] = []
    text = request["tool_input"].get("command")
    for command in commands.Analysis(request["home"], environment).commands(text, request["cwd"]):
        if len(found) >= MOST_COMMANDS:
            break
        found.append(_command(command, places))
    return found


def _command(command: Any, places: Any) -> dict[str, Any]:  # noqa: ANN401 - loaded at run time
    words = [*(target for _, target in command.redirects), *command.arguments]
    is_about_files = command.name in FILE_COMMANDS
    zones = {}
    for word in words:
        if "/" in word or (is_about_files and not word.startswith("-")):
            zones[str(word)] = places.zone(word, command.cwd, is_bulk=command.is_bulk)
    return {
        "source": command.source,
        "argv": [command.name, *map(str, command.arguments)],
        "cwd": command.cwd,
        "redirects": [[operator, str(target)] for operator, target in command.redirects],
        "stdin_from": [upstream.source for upstream in command.upstream()],
        "runs_code": bool(command.code or command.reads_code),
        "remote": command.is_remote,
        "zones": zones,
    }


def policy(request: dict[str, Any], hooks: str) -> dict[str, Any]:
    """Tell what both policies come to in a folder."""
    paths = importlib.import_module("guard_paths")
    project = paths.Places(request["cwd"], request["home"]).project
    loaded = importlib.import_module("guard_policy").load_policy(hooks, project)
    return {**_policy(loaded), "project": project}


def check(request: dict[str, Any], hooks: str) -> dict[str, Any]:  # noqa: ARG001 - all requests are answered alike
    """Tell what the hook itself would say about a policy's text."""
    loaded = importlib.import_module("guard_policy").Policy()
    read = loaded.read_project if request["whose"] == "project" else loaded.read_organisation
    read(request["text"].encode("utf-8", "surrogateescape"))
    return _policy(loaded)


def _policy(loaded: Any) -> dict[str, Any]:  # noqa: ANN401 - loaded at run time
    catastrophic = importlib.import_module("guard_decision").CATASTROPHIC
    rules = [(rule.id, name, rule.decision) for name, found in loaded.rules.items() for rule in found]
    return {
        "off": sorted(loaded.off),
        "ask": sorted(loaded.ask),
        "deny": sorted(loaded.deny),
        "projects": loaded.projects,
        "caches": loaded.caches,
        "contact": loaded.contact,
        "rules": [{"id": rule, "executable": name, "decision": decision} for rule, name, decision in rules],
        "faults": loaded.faults,
        "catastrophic": sorted(catastrophic),
        "fault": "",
    }


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
