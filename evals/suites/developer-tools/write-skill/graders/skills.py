"""Which skills were written, and how? Looks at skills/<team>/<skill>/ in the project folder.

Arguments: `count` (how many SKILL.md there are), `skill` (the folder that the rest is about, by default the only
one), `description_has`, `description_lacks`, `body_has`, `body_lacks`, `spec_has` (patterns, capitals ignored),
`scripts` (`standard` = at least one script, and every import is of the standard library), `called` (a pattern that
a noted call of `skillway` has).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

CALLS = Path(".claude/calls.jsonl")


def main() -> None:
    wanted = json.load(sys.stdin)["arguments"]
    faults = list(find_faults(wanted))
    found = [path.parent.name for path in skill_files()]
    evidence = "; ".join(faults) or f"{len(found)} skills: {', '.join(found) or 'none'}"
    sys.stdout.write(json.dumps({"passed": not faults, "evidence": evidence}))


def skill_files() -> list[Path]:
    return sorted([*Path().glob("skills/*/*/SKILL.md"), *Path().glob("developer-tools/skills/*/SKILL.md")])


def find_faults(wanted: dict) -> Iterator[str]:
    files = skill_files()
    if "count" in wanted and len(files) != wanted["count"]:
        yield f"{len(files)} skills, wanted {wanted['count']}"
        return
    if "called" in wanted:
        calls = [" ".join(json.loads(line)) for line in CALLS.read_text().splitlines()] if CALLS.is_file() else []
        if not any(re.search(wanted["called"], call) for call in calls):
            yield f"skillway was not called like {wanted['called']!r}"
    chosen = [path for path in files if "skill" not in wanted or path.parent.as_posix() == wanted["skill"]]
    if chosen:
        yield from find_text_faults(wanted, chosen[0])
    elif wanted.keys() - {"count", "called"}:
        yield "the skill is not there"


def find_text_faults(wanted: dict, path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    _, _, rest = text.partition("---\n")
    head, mark, body = rest.partition("---\n")
    head, body = (head, body) if mark else ("", text)
    found = re.search(r"^description:(.*(?:\n[ \t]+.*)*)", head, re.MULTILINE)
    spec = path.with_name("SPEC.md")
    texts = {
        "description": found[1] if found else "",
        "body": body,
        "spec": spec.read_text(encoding="utf-8", errors="replace") if spec.is_file() else "",
    }
    for name, content in texts.items():
        for pattern in wanted.get(f"{name}_has", ()):
            if not re.search(pattern, content, re.IGNORECASE | re.MULTILINE):
                yield f"the {name} has nothing like {pattern!r}"
        for pattern in wanted.get(f"{name}_lacks", ()):
            seen = re.search(pattern, content, re.IGNORECASE | re.MULTILINE)
            if seen:
                yield f"the {name} has {seen[0]!r}"
    if wanted.get("scripts") == "standard":
        yield from find_import_faults(path.parent)


def find_import_faults(folder: Path) -> Iterator[str]:
    scripts = sorted(folder.glob("scripts/*.py"))
    if not scripts:
        yield "there is no script"
    own = {path.stem for path in scripts}
    for path in scripts:
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            yield f"{path.name} is not Python: {error.msg}"
            continue
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in own:
                    yield f"{path.name} imports {top}, which laptops do not have"


if __name__ == "__main__":
    main()
