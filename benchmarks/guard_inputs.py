"""How does the guard's cost grow with what it is given, and does anything make it fail?

Inputs that are hard to read, each doubled in size; and random ones of the pieces that shells and rules care about. In
one process without the hook's start, by the processor's time. `guard.py` runs both and sets them beside the limits.
"""

import itertools
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skillway.guard import Guard
from skillway.guard_cases import CWD, HOME

GROWTH = 2.3
SLOW_MS = 200.0
SIZES = (1 << 14, 1 << 15, 1 << 16, 1 << 17)
"""Characters. Smaller ones take less than a millisecond, where chance decides the ratio."""

LINE = "cd services/api && npm run build -- --mode production 2>&1 | tee 'build log.txt' | tail -n 20; git status -s\n"
ADVERSARIAL: dict[str, Callable[[int], str]] = {
    "open quotes": lambda size: "'\"" * (size // 2),
    "open heredocs": lambda size: "cat <<A\n" * (size // 8),
    "open substitutions": lambda size: "$(" * (size // 2),
    "backticks": lambda size: "`echo " * (size // 6),
    "braces": lambda size: "{a,b}" * (size // 5),
    "open braces": lambda size: "{" * size,
    "pipes": lambda size: "a|" * (size // 2),
    "subshells": lambda size: "(" * size,
    "assignments": lambda size: "a=$a$a;" * (size // 7),
    "backslashes": lambda size: "\\" * size,
    "parameters": lambda size: "${a:-" * (size // 5),
    "arithmetic": lambda size: "$((1+" * (size // 5),
    "wrappers": lambda size: "env sudo " * (size // 9) + "rm x",
    "one long word": lambda size: "rm -rf " + "a/" * (size // 2),
    "many operands": lambda size: "rm " + "a " * (size // 2),
    "many commands": lambda size: "rm a;" * (size // 5),
    "changes of folder": lambda size: "cd a;" * (size // 5),
    "redirections": lambda size: "x " + ">a " * (size // 3),
    "empty definitions": lambda size: "<f() " * (size // 5),
    "choices between variables": lambda size: "$HOME{a,b}" * (size // 10),
    "nested defaults": lambda size: "${a:-{a,b}xx " * (size // 13),
    "process substitutions": lambda size: "<(" * (size // 2),
    "a shell in many pipes": lambda size: "|sh " * (size // 4),
    "placeholders": lambda size: "x <a-b>c " * (size // 9),
    "ordinary lines": lambda size: LINE * (size // len(LINE)),
}
PIECES = [
    *"'\"`$(){}[]<>|&;\\\n\t !#*?~=@%^,:/-",
    *[
        "rm -rf ",
        "/",
        "~",
        "$HOME",
        "sudo ",
        "bash -c ",
        "<<E\n",
        "\nE\n",
        "<<<",
        "$(",
        "${a:-",
        "$((",
        "&&",
        "||",
        ">|",
    ],
    *[
        "git push ",
        "--force ",
        "gh pr create ",
        "curl x ",
        "| sh",
        "eval ",
        "xargs ",
        "find . -exec ",
        " \\; ",
        "for a in ",
    ],
    *["; do ", "; done ", "case x in ", "esac", "if ", "then ", "fi ", "f() ", "$'\\x41'", "python -c ", "import os\n"],
    *[
        "psql -c 'DROP TABLE x' ",
        "kubectl delete ",
        "aws s3 rm ",
        "\0",
        "\x1f",
        "é",
        "\U0001f600",
        "\ud800",
        "a",
        "b=c ",
        "$b",
    ],
    *[
        "env -i ",
        "ssh host ",
        "docker exec c ",
        "cat .env ",
        "chmod -R 777 ",
        "dd of=/dev/sda ",
        ": ",
        "{a,b}",
        "{1..9}",
    ],
]


def show(what: str, number: int, count: int) -> None:
    """Show progress on a terminal."""
    if sys.stderr.isatty():
        end = "\n" if number + 1 == count else ""
        print(f"\r{what} {number + 1}/{count}", end=end, file=sys.stderr, flush=True)


def growth(tries: int) -> dict[str, float]:
    """Give, for each adversarial input, the greatest ratio of judging it at one size and at half of it."""
    found = {}
    with Guard(home=Path(HOME), environment={"HOME": HOME}) as guard:
        for number, (name, make) in enumerate(ADVERSARIAL.items()):
            show("growth", number, len(ADVERSARIAL))
            times = [SLOW_MS * 100] * len(SIZES)
            for _ in range(tries):
                for place, size in enumerate(SIZES):
                    answer = guard.judge("Bash", {"command": make(size)}, cwd=CWD)
                    # The processor's time and the shortest of some: what the rest of the machine disturbed least.
                    times[place] = min(times[place], float(answer.get("processor_milliseconds", SLOW_MS * 100)))
            found[name] = max(later / max(earlier, 0.5) for earlier, later in itertools.pairwise(times))
    return found


def soak(count: int, seed: int) -> dict[str, Any]:
    """Judge random commands; give how many failed or took too long, and the first of them."""
    chance = random.Random(seed)
    faults, slow, slowest, first = 0, 0, 0.0, ""
    with Guard(home=Path(HOME), environment={"HOME": HOME}) as guard:
        for number in range(count):
            if number % 1000 == 0:
                show("soak", number // 1000, -(-count // 1000))
            length = chance.choice((3, 10, 30, 100, 400))
            command = "".join(chance.choice(PIECES) for _ in range(length)) * chance.choice((1, 1, 1, 1, 50))
            answer = guard.judge("Bash", {"command": command}, cwd=CWD)
            # The processor's time: on a shared machine the clock's says more about the others.
            taken = float(answer.get("processor_milliseconds", 0))
            slowest = max(slowest, taken)
            is_wrong = bool(answer["fault"]) or taken > SLOW_MS
            faults += bool(answer["fault"])
            slow += taken > SLOW_MS
            if is_wrong and not first:
                first = f"{answer['fault']} {taken:.0f} ms: {command[:300]!r}"
    return {
        "inputs": count,
        "seed": seed,
        "exceptions": faults,
        "over_200_ms": slow,
        "slowest_ms": slowest,
        "first": first,
    }
