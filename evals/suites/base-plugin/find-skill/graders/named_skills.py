"""Which skills does the answer name, and are they there? Reads the answer; needs no project folder.

Arguments: `known` (every invocation of the laptop; another one is invented), `wanted` (all have to be named),
`unwanted` (none may be), `most` (how many different ones may be named).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator

_INVOCATION = re.compile(r"(?<![\w/.])/([a-z0-9]+(?:-[a-z0-9]+)*:[a-z0-9]+(?:-[a-z0-9]+)*)")


def main() -> None:
    question = json.load(sys.stdin)
    named = list(dict.fromkeys("/" + name for name in _INVOCATION.findall(question["answer"])))
    faults = list(find_faults(named, question["arguments"]))
    evidence = "; ".join(faults) or f"names {', '.join(named) or 'none'}"
    sys.stdout.write(json.dumps({"passed": not faults, "evidence": evidence}))


def find_faults(named: list[str], wanted: dict) -> Iterator[str]:
    for name in named:
        if "known" in wanted and name not in wanted["known"]:
            yield f"{name} does not exist on this laptop"
        if name in wanted.get("unwanted", ()):
            yield f"{name} is named, and it does something else"
    for name in wanted.get("wanted", ()):
        if name not in named:
            yield f"{name} is not named"
    if len(named) > wanted.get("most", len(named)):
        yield f"{len(named)} skills are named, {wanted['most']} at most"


if __name__ == "__main__":
    main()
