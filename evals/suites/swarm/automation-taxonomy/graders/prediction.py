"""Does the answer give the right numbers, and say first what has to be said first? Reads the answer alone.

Arguments: `shares` (percentages that have to be there, within `within` points, 0.6 by default), `none_of`
(percentages that must not be given as a result; the same tolerance), `before_numbers` (a pattern that comes before
the first percentage, capitals ignored).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator

_NUMBER = r"\d{1,3}(?:[.,]\d+)?"
_PERCENT = re.compile(
    rf"(?<![\w.,])({_NUMBER})(?=(?:\s*(?:to|and|-|\u2013|bis|und)\s*{_NUMBER})?\s*(?:%|percent|per cent|Prozent))"
)
"""A percentage, also the first of a pair such as 47.8 to 54.2 %."""


def main() -> None:
    question = json.load(sys.stdin)
    faults = list(find_faults(question["answer"], question["arguments"]))
    evidence = "; ".join(faults) or "the numbers are there, in the right place"
    sys.stdout.write(json.dumps({"passed": not faults, "evidence": evidence}))


def find_faults(answer: str, wanted: dict) -> Iterator[str]:
    found = [(float(match[1].replace(",", ".")), match.start()) for match in _PERCENT.finditer(answer)]
    within = wanted.get("within", 0.6)
    for share in wanted.get("shares", ()):
        if not any(abs(value - share) <= within for value, _ in found):
            seen = ", ".join(f"{value:g}" for value, _ in found[:10]) or "none"
            yield f"{share} % is not there; percentages seen: {seen}"
    for share in wanted.get("none_of", ()):
        if any(abs(value - share) <= within for value, _ in found):
            yield f"{share} % is given"
    pattern = wanted.get("before_numbers")
    if pattern:
        said = re.search(pattern, answer, re.IGNORECASE)
        first = found[0][1] if found else len(answer)
        if said is None:
            yield f"nothing like {pattern!r} is said"
        elif said.start() > first:
            yield f"{said[0]!r} comes after the first number"


if __name__ == "__main__":
    main()
