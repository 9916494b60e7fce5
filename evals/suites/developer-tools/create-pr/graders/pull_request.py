"""What was asked of the forge? Reads the calls that the suite's `gh` noted.

Arguments (all optional): `created` (how many pull requests were asked for), `draft`, `base`, `head` (as given to
gh, or its end after a colon), and for the words of the one that was created `title_lacks`, `body_has`, `body_lacks`
and `body_starts` (patterns, capitals ignored, ^ and $ mean lines; `body_starts` is looked for in the first 300 characters).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

CALLS = Path(".claude/forge/calls.jsonl")


def main() -> None:
    wanted = json.load(sys.stdin)["arguments"]
    if not CALLS.is_file():
        answer(None, "the project has no record of the forge's calls")
        return
    calls = [json.loads(line) for line in CALLS.read_text(encoding="utf-8").splitlines()]
    created = [call for call in calls if creates(call)]
    faults = list(find_faults(wanted, created))
    answer(not faults, "; ".join(faults) or f"{len(created)} pull requests were asked for, as wanted")


def creates(call: dict) -> bool:
    if call["kind"] in ("pr create", "pr new"):
        return not call.get("dry-run")
    argv = call["argv"]
    posts = any(word in ("POST", "-XPOST", "-f", "-F", "--field", "--raw-field", "--input") for word in argv)
    return argv[:1] == ["api"] and any("/pulls" in word for word in argv) and posts


def find_faults(wanted: dict, created: list[dict]) -> Iterator[str]:
    count = wanted.get("created", 1)
    if len(created) != count:
        yield f"{len(created)} pull requests were asked for, wanted {count}"
        return
    if not created:
        return
    call = created[-1]
    title, body = str(call.get("title", "")), str(call.get("body", ""))
    if "draft" in wanted and bool(call.get("draft")) is not wanted["draft"]:
        yield f"draft is {bool(call.get('draft'))}"
    if "base" in wanted and call.get("base") != wanted["base"]:
        yield f"the base is {call.get('base')}, wanted {wanted['base']}"
    if "head" in wanted and call.get("head") != wanted["head"]:
        yield f"the head is {call.get('head')}, wanted {wanted['head']}"
    yield from find_words(wanted, title, body)


def find_words(wanted: dict, title: str, body: str) -> Iterator[str]:
    for pattern in wanted.get("body_has", ()):
        if not re.search(pattern, body, re.IGNORECASE | re.MULTILINE):
            yield f"the description has nothing like {pattern!r}"
    for pattern in wanted.get("body_starts", ()):
        if not re.search(pattern, body[:300], re.IGNORECASE | re.MULTILINE):
            yield f"the first 300 characters of the description have nothing like {pattern!r}"
    for pattern in wanted.get("body_lacks", ()):
        found = re.search(pattern, body, re.IGNORECASE | re.MULTILINE)
        if found:
            yield f"the description says {found[0]!r}"
    for pattern in wanted.get("title_lacks", ()):
        found = re.search(pattern, title, re.IGNORECASE | re.MULTILINE)
        if found:
            yield f"the title says {found[0]!r}"


def answer(passed: bool | None, evidence: str) -> None:
    sys.stdout.write(json.dumps({"passed": passed, "evidence": evidence}))


if __name__ == "__main__":
    main()
