#!/usr/bin/env python3
"""Is there a skill for this? Answers from the catalogue that is synced to this laptop; looks only, and needs no network.

Names skills that are here and how to start them, and plugins of other teams that are not here and whom to ask. What it does
not find it does not name.
"""

from __future__ import annotations

import sys

# The program runs from an immutable store folder whose content is verified: byte code there would be drift.
sys.dont_write_bytecode = True

import argparse  # noqa: E402 - the line above must come first
import json  # noqa: E402
import os  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, Dict, List, Sequence  # noqa: E402

from laptop import Found, NoCatalogueError, own_root, read_laptop  # noqa: E402
from ranking import Text, best  # noqa: E402

OK, FAILED, NOT_FOUND = 0, 1, 7
LONGEST = 300  # characters of a description that are shown
_EXAMPLE = """examples:
  find_skill.py "escalate a customer ticket" --json
  find_skill.py --list

Exit codes: 0 answered (also with "none"), 1 failure, 2 usage, 7 no synced catalogue."""


def main(arguments: Sequence[str]) -> int:
    """Answer one question; return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    question = " ".join(chosen.question).strip()
    if not question and not chosen.list:
        parser.error("give a question, or --list")
    root = Path(chosen.root) if chosen.root else own_root(Path(os.path.abspath(__file__)))  # noqa: PTH100 - resolve() would follow links
    if root is None:
        message = "This script is not in a synced store, so there is no catalogue to look in."
        return _fail(message, wants_json=chosen.json)
    try:
        found = read_laptop(root)
    except NoCatalogueError as error:
        return _fail(str(error), wants_json=chosen.json)
    data = _everything(found) if chosen.list else _answer(found, question, chosen.limit)
    try:
        _print(data, found, question, wants_json=chosen.json)
    except BrokenPipeError:
        # Python flushes stdout once more at its end; the reader is gone, so that would be a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="find_skill.py", description="Is there a skill for this?", epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("question", nargs="*", help="what is to be done, in a few words")
    parser.add_argument("--list", action="store_true", help="name every skill of this laptop")
    parser.add_argument("--limit", type=_positive, default=3, metavar="N", help="answers at most (default 3)")
    parser.add_argument("--root", metavar="DIR", help="the laptop root, when it is not where this script is")
    parser.add_argument("--json", action="store_true", help="print one JSON envelope")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _answer(found: Found, question: str, limit: int) -> Dict[str, Any]:
    here = {skill.invocation: skill for skill in found.skills}
    texts = [Text(key, skill.name, skill.description, skill.plugin) for key, skill in here.items()]
    skills = []
    for match in best(texts, question, limit=limit):
        skill = here[match.key]
        skills.append({**_shown(skill), "score": round(match.score, 2), "words": list(match.words)})
    others = {plugin.plugin: plugin for plugin in found.elsewhere}
    plugins = [Text(name, name, plugin.description, plugin.team) for name, plugin in others.items()]
    elsewhere = [_other(others[match.key], found) for match in best(plugins, question, limit=limit)]
    return {"question": question, "skills": skills, "elsewhere": elsewhere, "looked_at": len(found.skills)}


def _everything(found: Found) -> Dict[str, Any]:
    skills = [_shown(skill) for skill in sorted(found.skills, key=lambda skill: skill.invocation)]
    elsewhere = [_other(plugin, found) for plugin in found.elsewhere]
    return {"question": None, "skills": skills, "elsewhere": elsewhere, "looked_at": len(found.skills)}


def _shown(skill: Any) -> Dict[str, Any]:  # noqa: ANN401 - laptop.Skill
    return {
        "skill": f"{skill.plugin}:{skill.name}",
        "invocation": skill.invocation,
        "description": _cut(skill.description),
        "typed_only": skill.is_typed_only,
    }


def _other(plugin: Any, found: Found) -> Dict[str, Any]:  # noqa: ANN401 - laptop.Elsewhere
    organisation = f" of {found.organisation}" if found.organisation else ""
    ask = (
        f"The team {plugin.team}{organisation} looks after it. IT decides which teams' plugins this laptop gets."
        if plugin.team
        else "It is for engineers. IT decides whether this laptop gets it."
    )
    return {"plugin": plugin.plugin, "team": plugin.team or None, "description": _cut(plugin.description), "ask": ask}


def _cut(text: str) -> str:
    """Shorten a description, and leave out what could steer a terminal."""
    plain = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1].rstrip() + "\u2026"


def _print(data: Dict[str, Any], found: Found, question: str, *, wants_json: bool) -> None:
    if wants_json:
        envelope = {
            "ok": True,
            "schema_version": 1,
            "data": data,
            "warnings": found.warnings,
            "error": None,
            "next_actions": [],
        }
        print(json.dumps(envelope, ensure_ascii=True))
        return
    encoding = sys.stdout.encoding or "utf-8"
    print("\n".join(_lines(data, question)).encode(encoding, "replace").decode(encoding))
    for warning in found.warnings:
        print(f"warning: {_cut(warning)}", file=sys.stderr)


def _lines(data: Dict[str, Any], question: str) -> List[str]:
    lines = []
    if not data["skills"]:
        lines.append(f"No skill on this laptop fits {_cut(question)!r}; {data['looked_at']} were looked at.")
    for skill in data["skills"]:
        lines += [
            f"{skill['invocation']}{'  (only when typed)' if skill['typed_only'] else ''}",
            f"    {skill['description']}",
        ]
    if data["elsewhere"]:
        lines += ["", "Not on this laptop, by what the plugin says of itself:"]
    for plugin in data["elsewhere"]:
        lines += [f"plugin {plugin['plugin']}", f"    {plugin['description']}", f"    {plugin['ask']}"]
    return lines


def _fail(message: str, *, wants_json: bool) -> int:
    fix = "Run `skillway-sync status` to see whether this laptop is synced, or name the laptop root with --root."
    if wants_json:
        error = {"code": "no_catalogue", "message": message, "fix": fix}
        envelope = {"ok": False, "schema_version": 1, "data": None, "warnings": [], "error": error, "next_actions": []}
        print(json.dumps(envelope, ensure_ascii=True))
    else:
        print(f"no_catalogue: {message}\n  fix: {fix}", file=sys.stderr)
    return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
