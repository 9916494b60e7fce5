"""Rules about the frontmatter of skills, agents and commands: keys, types, values, names and descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from skillway.catalog import Agent, Definition, Problem, Skill
from skillway.checks.frontmatter_keys import (
    AGENT_KEYS,
    BOOLEAN,
    COLORS,
    LIST,
    MAP,
    MODEL_ALIASES,
    SCALAR,
    SKILL_KEYS,
    VALUES,
)
from skillway.checks.nearness import nearest
from skillway.checks.rules import (
    DEFINITION_CHECKS,
    ERROR,
    PORTABLE,
    SKILL_CHECKS,
    WARNING,
    Context,
    define,
    on,
)
from skillway_sync.release_document import is_name

SUBJECT = "Skills, agents and commands"
LISTING_CUT_CHARS = 1536
PORTABLE_DESCRIPTION_CHARS = 1024
PORTABLE_NAME_CHARS = 64

_SOFT_BOOLEANS = frozenset({"yes", "no", "on", "off", "1", "0"})
_SPEC_KEYS = frozenset({"name", "description", "license", "compatibility", "metadata", "allowed-tools"})

DESCRIPTION_MISSING = define(
    "description-missing",
    ERROR,
    "A skill says when to use it",
    subject=SUBJECT,
    why="Without a description Claude Code hides the skill from the model; it can then only be typed (observed with "
    "2.1.197).",
    bad="---\nname: triage\n---\nSort the tickets.",
    good="---\nname: triage\ndescription: Use when new support tickets wait to be sorted by urgency.\n---\nSort the tickets.",
)
AGENT_UNDESCRIBED = define(
    "agent-undescribed",
    WARNING,
    "An agent says its name and when to use it",
    subject=SUBJECT,
    why="Claude Code loads the agent under its file's name (observed with 2.1.197 and 2.1.329), and the model has "
    "nothing to choose it by.",
    bad="---\nmodel: haiku\n---\nReview it.",
    good="---\nname: reviewer\ndescription: Use to review a change before it is merged.\n---\nReview it.",
)
DESCRIPTION_CUT = define(
    "description-cut",
    WARNING,
    f"description and when_to_use together stay under {LISTING_CUT_CHARS} characters",
    subject=SUBJECT,
    why=f"Claude Code cuts what the model is shown at {LISTING_CUT_CHARS} characters (`skillListingMaxDescChars`), so "
    "the end is never read.",
    bad=f"description: Use when … (2,000 characters; what stands after {LISTING_CUT_CHARS} is cut)",
    good="description: Use when new support tickets wait to be sorted by urgency.",
)
DESCRIPTION_LONG = define(
    "description-long",
    ERROR,
    f"A description has at most {PORTABLE_DESCRIPTION_CHARS} characters",
    subject=SUBJECT,
    why="The Agent Skills specification and uploads to claude.ai refuse a longer one (agentskills.io/specification).",
    bad="description: Use when … (1,100 characters)",
    good="description: Use when new support tickets wait to be sorted by urgency.",
    profile=PORTABLE,
)
SKILL_FOLDER = define(
    "skill-folder-name",
    ERROR,
    "A skill's folder has a kebab-case name",
    subject=SUBJECT,
    why="The folder's name is what people type and what the model calls; Claude Code turns `My Skill` into "
    "`plugin:My-Skill` (observed), which no document then names.",
    bad="skills/support/Ticket Triage/SKILL.md",
    good="skills/support/ticket-triage/SKILL.md",
    outside=WARNING,
)
SKILL_NAME = define(
    "skill-name-folder",
    WARNING,
    "A skill's name is its folder's",
    subject=SUBJECT,
    why="Claude Code calls a plugin's skill by its folder and ignores `name` (observed); other agents refuse the skill.",
    bad="ticket-triage/SKILL.md: name: triage-tickets",
    good="ticket-triage/SKILL.md: name: ticket-triage",
)
SKILL_NAME_PORTABLE = define(
    "skill-name-portable",
    ERROR,
    "A skill has a name that every agent takes",
    subject=SUBJECT,
    why="The Agent Skills specification asks for a name of 1-64 characters a-z, 0-9 and single hyphens, equal to the "
    "folder, and uploads refuse the words `anthropic` and `claude` in it.",
    bad="name: Claude Helper",
    good="name: ticket-triage",
    profile=PORTABLE,
)
KEY_UNKNOWN = define(
    "frontmatter-key-unknown",
    WARNING,
    "Every key of a frontmatter is one that Claude Code knows",
    subject=SUBJECT,
    why="An unknown key is ignored in silence: `allowed_tools` allows nothing.",
    bad="allowed_tools: Read",
    good="allowed-tools: Read",
)
KEY_PORTABLE = define(
    "frontmatter-key-portable",
    ERROR,
    "A skill uses the six keys of the specification only",
    subject=SUBJECT,
    why="Uploads to claude.ai and the Skills API refuse every other key.",
    bad="argument-hint: '[ticket]'",
    good="metadata:\n  argument-hint: '[ticket]'",
    profile=PORTABLE,
)
TYPE = define(
    "frontmatter-type",
    ERROR,
    "Every value of a frontmatter has the type that Claude Code takes",
    subject=SUBJECT,
    why="Claude Code drops a value of a wrong type, and with a description that is a list the skill is hidden.",
    bad="description:\n  - sorts tickets",
    good="description: Use when tickets wait to be sorted.",
)
BOOLEAN_WORD = define(
    "frontmatter-boolean",
    WARNING,
    "A boolean is written true or false",
    subject=SUBJECT,
    why="Claude Code 2.1.197 takes everything but `true` as false, without a word; newer ones also read yes and on.",
    bad="disable-model-invocation: yes",
    good="disable-model-invocation: true",
)
VALUE = define(
    "frontmatter-value",
    ERROR,
    "A value is one of those that the key takes",
    subject=SUBJECT,
    why="Claude Code ignores any other value, so the skill runs in another way than it says.",
    bad="context: forked",
    good="context: fork",
)
COLOR = define(
    "agent-color",
    WARNING,
    "An agent's color is one that Claude Code has",
    subject=SUBJECT,
    why="Any other one is ignored, and the agent is shown as if it had none.",
    bad="color: magenta",
    good="color: purple",
)
MODEL = define(
    "model-unknown",
    WARNING,
    "A model is an alias, a full identifier or `inherit`",
    subject=SUBJECT,
    why="With a model that does not exist the skill or agent fails when it is used, and only then.",
    bad="model: sonet",
    good="model: sonnet",
)


@on(DEFINITION_CHECKS)
def find_bad_keys(definition: Definition, _context: Context) -> Iterator[Problem]:
    """Look at each key: known, of the right type, of a known value."""
    if not definition.readable:
        return
    known = AGENT_KEYS if isinstance(definition, Agent) else SKILL_KEYS
    for key, value in definition.frontmatter.items():
        line = definition.lines.get(key)
        if key not in known:
            near = "allowed-tools" if key == "tools" else nearest(key, known)
            fix = f"Write {near}." if near else "Remove it, or move it under `metadata:`."
            message = f"Claude Code does not know the key {key!r} and ignores it"
            yield KEY_UNKNOWN.at(definition.file, message, fix, line=line, seen=key, expected=near)
        elif value is not None:
            yield from _value_problems(definition, key, value, known[key])
        if isinstance(definition, Skill) and key not in _SPEC_KEYS:
            message = f"The key {key!r} is not one of the six of the Agent Skills specification"
            yield KEY_PORTABLE.at(definition.file, message, "Move it under `metadata:`.", line=line, seen=key)


def _value_problems(definition: Definition, key: str, value: Any, kind: str) -> Iterator[Problem]:  # noqa: ANN401 - any YAML value
    file, line = definition.file, definition.lines.get(key)
    raw = definition.raw.get(key, "")
    if kind == BOOLEAN and raw.lower() in _SOFT_BOOLEANS:
        better = "true" if raw.lower() in ("yes", "on", "1") else "false"
        message = f"{key} is {raw!r}, which older Claude Code versions take as false"
        yield BOOLEAN_WORD.at(file, message, f"Write {better}.", line=line, seen=raw, expected=better)
    elif not _has_type(value, raw, kind):
        message = f"The value of {key} is not {kind}"
        yield TYPE.at(file, message, f"Give {kind}.", line=line, seen=repr(value), expected=kind)
    elif key in VALUES and not _is_one_of(raw, key):
        choices = ", ".join(VALUES[key])
        message = f"{key} is {raw!r}, which Claude Code does not know"
        near = nearest(raw, VALUES[key], cutoff=0.6)
        fix = f"Write {near}." if near else f"Write one of {choices}."
        yield VALUE.at(file, message, fix, line=line, seen=raw, expected=choices)
    elif key == "color" and raw not in COLORS:
        choices = ", ".join(COLORS)
        yield COLOR.at(
            file, f"There is no color {raw!r}", f"Write one of {choices}.", line=line, seen=raw, expected=choices
        )
    elif key == "model" and not is_model(raw):
        near = nearest(raw, MODEL_ALIASES, cutoff=0.6)
        message = f"{raw!r} is no model alias and looks like no model's identifier"
        fix = f"Write {near}." if near else "Write an alias such as sonnet, a full identifier, or inherit."
        yield MODEL.at(file, message, fix, line=line, seen=raw, expected=near or "inherit")


def _has_type(value: Any, raw: str, kind: str) -> bool:  # noqa: ANN401 - any YAML value
    if kind == SCALAR:
        return isinstance(value, str | int | float)
    if kind == BOOLEAN:
        return isinstance(value, bool) or raw in ("true", "false")
    if kind == LIST:
        texts = isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value)
        return texts or isinstance(value, str | int | float)
    return isinstance(value, dict) if kind == MAP else True


def _is_one_of(raw: str, key: str) -> bool:
    return raw.strip() in VALUES[key] or (key == "effort" and raw.strip().isdigit())


def is_model(name: str) -> bool:
    """Tell whether a text can name a model: an alias, or an identifier of Anthropic, Bedrock, Vertex or a gateway."""
    text = name.strip()
    return text in MODEL_ALIASES or bool(re.fullmatch(r"\S*(claude|anthropic)\S*|arn:\S+|\S+/\S+", text))


@on(DEFINITION_CHECKS)
def find_missing_description(definition: Definition, _context: Context) -> Iterator[Problem]:
    """Look for skills that the model cannot see, and agents that it cannot choose."""
    if isinstance(definition, Agent) and (definition.readable or not definition.has_frontmatter):
        for key in ("name", "description"):
            if not str(definition.frontmatter.get(key) or "").strip():
                message = f"The agent {definition.name} has no {key}"
                line = definition.lines.get(key, 1)
                yield AGENT_UNDESCRIBED.at(definition.file, message, f"Add {key}.", line=line, expected=key)
        return
    if not definition.readable:
        return
    if not isinstance(definition, Skill) or not definition.is_model_invocable:
        return
    shown = (str(definition.frontmatter.get(key) or "").strip() for key in ("description", "when_to_use"))
    if not any(shown):
        message = f"The skill {definition.name} has no description, so the model never sees it"
        fix = "Add `description: Use when …`, in the words that a user would type."
        yield DESCRIPTION_MISSING.at(definition.file, message, fix, line=definition.lines.get("description", 1))


@on(SKILL_CHECKS)
def find_long_description(skill: Skill, _context: Context) -> Iterator[Problem]:
    """Look for descriptions that are cut or refused."""
    line = skill.lines.get("description")
    shown = len(skill.description) + len(skill.when_to_use)
    if shown > LISTING_CUT_CHARS:
        message = f"description and when_to_use have {shown} characters, and the model is shown {LISTING_CUT_CHARS}"
        fix = "Say when to use the skill in a sentence or two; the rest belongs in the body."
        yield DESCRIPTION_CUT.at(
            skill.file, message, fix, line=line, seen=shown, expected=f"at most {LISTING_CUT_CHARS}"
        )
    if len(skill.description) > PORTABLE_DESCRIPTION_CHARS:
        message = f"The description has {len(skill.description)} characters"
        expected = f"at most {PORTABLE_DESCRIPTION_CHARS}"
        yield DESCRIPTION_LONG.at(
            skill.file, message, "Shorten it.", line=line, seen=len(skill.description), expected=expected
        )


@on(SKILL_CHECKS)
def find_bad_skill_name(skill: Skill, _context: Context) -> Iterator[Problem]:
    """Look at the folder's name and whether `name` says the same."""
    name = str(skill.frontmatter.get("name") or "")
    line = skill.lines.get("name")
    if not is_name(skill.name) or len(skill.name) > PORTABLE_NAME_CHARS:
        message = (
            f"The skill's folder {skill.name!r} is not a kebab-case name of at most {PORTABLE_NAME_CHARS} characters"
        )
        yield SKILL_FOLDER.at(
            skill.file, message, "Rename the folder.", seen=skill.name, expected="as in ticket-triage"
        )
    if name and name != skill.name:
        message = f"The skill says that its name is {name!r}, and Claude Code calls it {skill.name!r} after its folder"
        fix = f"Write name: {skill.name}, or rename the folder."
        yield SKILL_NAME.at(skill.file, message, fix, line=line, seen=name, expected=skill.name)
    if skill.readable and not _is_portable(name, skill.name):
        message = f"The name {name!r} is not one that every agent takes"
        yield SKILL_NAME_PORTABLE.at(
            skill.file, message, f"Write name: {skill.name}.", line=line, seen=name, expected=skill.name
        )


def _is_portable(name: str, folder: str) -> bool:
    reserved = any(word in name for word in ("anthropic", "claude"))
    return is_name(name) and len(name) <= PORTABLE_NAME_CHARS and name == folder and not reserved
