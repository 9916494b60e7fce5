"""Rules of the portable profile beyond names and keys: what other agents and uploads refuse in a skill's frontmatter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillway.catalog import Problem, Skill
from skillway.checks.rules import ERROR, PORTABLE, SKILL_CHECKS, Context, define, on

SUBJECT = "Skills, agents and commands"
COMPATIBILITY_CHARS = 500
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|[<>]")

TAGS = define(
    "description-tags",
    ERROR,
    "Name and description hold no < and >",
    subject=SUBJECT,
    why="Uploads to claude.ai and the Skills API refuse XML tags there, because the text stands in the system prompt.",
    bad="description: Use when a <ticket> waits.",
    good="description: Use when a ticket waits.",
    profile=PORTABLE,
)
TYPES = define(
    "frontmatter-type-portable",
    ERROR,
    "metadata maps texts to texts, compatibility has 1-500 characters, allowed-tools is one text",
    subject=SUBJECT,
    why="The Agent Skills specification says so (agentskills.io/specification), and its validator refuses anything else.",
    bad="allowed-tools: [Read, Grep]",
    good="allowed-tools: Read Grep",
    profile=PORTABLE,
)


@on(SKILL_CHECKS)
def find_tags(skill: Skill, _context: Context) -> Iterator[Problem]:
    """Look for tags in the two texts that every agent shows to its model."""
    for key in ("name", "description"):
        tag = _TAG.search(skill.text(key))
        if tag:
            line = skill.lines.get(key)
            yield TAGS.at(skill.file, f"The {key} holds {tag[0]!r}", "Write it in words.", line=line, seen=tag[0])


@on(SKILL_CHECKS)
def find_bad_types(skill: Skill, _context: Context) -> Iterator[Problem]:
    """Look at the three keys of the specification that have a form of their own."""
    metadata, compatibility = skill.frontmatter.get("metadata"), skill.frontmatter.get("compatibility")
    if isinstance(metadata, dict) and not all(isinstance(value, str) for value in metadata.values()):
        fix = "Put numbers and booleans in quotes, and write nested values flat."
        yield _bad(skill, "metadata", "holds a value that is no text", fix)
    if compatibility is not None and not (
        isinstance(compatibility, str) and 0 < len(compatibility.strip()) <= COMPATIBILITY_CHARS
    ):
        yield _bad(skill, "compatibility", f"is no text of 1-{COMPATIBILITY_CHARS} characters", "Shorten it.")
    if isinstance(skill.frontmatter.get("allowed-tools"), list):
        yield _bad(skill, "allowed-tools", "is a list", "Write the tools in one line with blanks between them.")


def _bad(skill: Skill, key: str, what: str, fix: str) -> Problem:
    return TYPES.at(skill.file, f"{key} {what}", fix, line=skill.lines.get(key), seen=skill.raw.get(key, key))
