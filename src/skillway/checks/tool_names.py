"""Rules about tools: those that a skill, command or agent lists, and those that its text asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillway.catalog import Agent, Definition, Problem
from skillway.checks.frontmatter_keys import TOOLS
from skillway.checks.markdown import blank_code
from skillway.checks.nearness import nearest
from skillway.checks.rules import DEFINITION_CHECKS, ERROR, WARNING, Context, define, on

SUBJECT = "Skills, agents and commands"
LISTS = ("allowed-tools", "disallowed-tools", "tools", "disallowedTools")
_MCP = re.compile(r"mcp__[\w.*-]+")
_NAME = re.compile(r"[A-Za-z][\w.:-]*\*?")
_ASKED = re.compile(
    r"\b(?:[Uu]se|[Uu]sing|[Cc]all|[Ii]nvoke|[Rr]un|[Ww]ith|[Vv]ia)\s+(?:the\s+)?[`*]*(mcp__\w+|[A-Z]\w+)[`*]*\s+tools?\b"
)
_MCP_ASKED = re.compile(r"\b(?:[Uu]se|[Cc]all|[Ii]nvoke|[Rr]un)\s+(?:the\s+)?`(mcp__\w+)`")
_DYNAMIC = re.compile(r"(?:^|[\s(])!`[^`\n]+`", re.MULTILINE)
_OWN_SCRIPT = re.compile(r"^[^\n]*\$\{CLAUDE_SKILL_DIR\}\"?/[^\n]*$", re.MULTILINE)
_SHELL_BLOCK = re.compile(r"^[ \t]*```(?:sh|bash|shell|zsh|console)[ \t]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_ONE_TOOL = {"Task": "Agent", "KillBash": "KillShell", "SlashCommand": "Skill"}
"""Tools that changed their name; both names count."""

UNKNOWN = define(
    "tool-unknown",
    WARNING,
    "A tool is spelt as Claude Code spells it",
    subject=SUBJECT,
    why="A tool's name counts to the letter; a misspelt one allows nothing, and Claude Code does not say so.",
    bad="allowed-tools: read, WebFech",
    good="allowed-tools: Read, WebFetch",
)
GRAMMAR = define(
    "tool-pattern",
    ERROR,
    "A pattern of a tool is closed and says something",
    subject=SUBJECT,
    why="`Bash(git log:*` or `Bash()` matches no command, so the skill asks for every one, or does what it should not.",
    bad="allowed-tools: Bash(git log:*",
    good="allowed-tools: Bash(git log:*)",
    outside=WARNING,
)
ASKED = define(
    "tool-not-allowed",
    WARNING,
    "A text asks for no tool that its own frontmatter leaves out",
    subject=SUBJECT,
    why="A tool outside `allowed-tools` stops to ask the user, one outside an agent's `tools` or inside "
    "`disallowed-tools` cannot be used at all.",
    bad="allowed-tools: Read\n…\nUse the WebFetch tool to read the status page.",
    good="allowed-tools: Read, WebFetch\n…\nUse the WebFetch tool to read the status page.",
)


@on(DEFINITION_CHECKS)
def find_bad_tools(definition: Definition, _context: Context) -> Iterator[Problem]:
    """Look at the name and the pattern of each tool that is listed."""
    for key in LISTS:
        for tool in definition.tools(key):
            line = definition.lines.get(key)
            fault = pattern_fault(tool)
            if fault:
                message = f"The tool pattern {tool!r} {fault}"
                fix = "Write it as in Bash(git log:*)."
                yield GRAMMAR.at(definition.file, message, fix, line=line, seen=tool, expected="Tool(pattern)")
                continue
            name = tool.partition("(")[0].strip()
            if not is_tool(name):
                near = nearest(name, TOOLS, cutoff=0.7)
                fix = (
                    f"Write {near}."
                    if near
                    else "Name a tool of Claude Code, or one of an MCP server: mcp__server__tool."
                )
                yield UNKNOWN.at(
                    definition.file, f"There is no tool {name!r}", fix, line=line, seen=name, expected=near
                )


def is_tool(name: str) -> bool:
    """Tell whether a name can be a tool's: one of Claude Code's, one of an MCP server, or `*`."""
    return name in TOOLS or name in ("*", "") or bool(_MCP.fullmatch(name))


def pattern_fault(tool: str) -> str | None:
    """Say what is wrong with the brackets of a tool, or None."""
    name, bracket, rest = tool.partition("(")
    if tool.count("(") > tool.count(")"):
        return "has a bracket that is not closed"
    if tool.count(")") > tool.count("("):
        return "closes a bracket that is not open"
    if bracket and not rest.rpartition(")")[0].strip():
        return "has empty brackets"
    if bracket and rest.rpartition(")")[2].strip():
        return "goes on after its brackets"
    return None if _NAME.fullmatch(name.strip()) or name.strip() == "*" else "starts with no tool's name"


@on(DEFINITION_CHECKS)
def find_tools_asked_for(definition: Definition, _context: Context) -> Iterator[Problem]:
    """Look for sentences and commands that need a tool which the frontmatter leaves out."""
    allowed = definition.tools("tools" if isinstance(definition, Agent) else "allowed-tools")
    refused = {name for key in LISTS[1::2] for name in _plain(definition.tools(key))} - {"Bash"}
    if not definition.readable or not (allowed or refused):
        return
    names = _plain(allowed)
    for tool, start in _asked(definition.body, names):
        is_open = not names or "*" in names or tool in names or _is_covered(tool, names)
        if tool in refused or not is_open:
            line = definition.body_line + definition.body.count("\n", 0, start)
            message = (
                f"The text asks for {tool}, which the frontmatter {'forbids' if tool in refused else 'leaves out'}"
            )
            fix = f"Add {tool} to the list, or do without it."
            yield ASKED.at(definition.file, message, fix, line=line, seen=tool, expected=", ".join(allowed) or None)


def _plain(tools: tuple[str, ...]) -> set[str]:
    names = {tool.partition("(")[0].strip() for tool in tools}
    return {_ONE_TOOL.get(name, name) for name in names}


def _is_covered(tool: str, names: set[str]) -> bool:
    return any(name.startswith("mcp__") and tool.startswith(name.rstrip("*")) for name in names)


def _asked(body: str, names: set[str]) -> Iterator[tuple[str, int]]:
    """Give each tool that a body asks for, once, and where."""
    seen: set[str] = set()
    plain = blank_code(body, only=frozenset({"markdown", "md", "json", "yaml", "text", "python", ""}))
    for pattern in (_ASKED, _MCP_ASKED):
        for match in pattern.finditer(plain):
            tool = _ONE_TOOL.get(match[1], match[1])
            negated = re.search(
                r"(?:n't|\bnot|\bnever|\bwithout|\brather than|\binstead of)\s+(?:\w+\s+)?$", plain[: match.start()]
            )
            if (tool in TOOLS or _MCP.fullmatch(tool)) and tool not in seen and not negated:
                seen.add(tool)
                yield tool, match.start(1)
    if "Bash" in seen or any(name.startswith("Bash") or name == "PowerShell" for name in names):
        return
    command = _DYNAMIC.search(body) or _own_command(body)
    if command:
        yield "Bash", command.start()


def _own_command(body: str) -> re.Match[str] | None:
    return next((block for block in _SHELL_BLOCK.finditer(body) if _OWN_SCRIPT.search(block[1])), None)
