"""Rules about MCP servers: `.mcp.json`, and what plugin.json says or names under `mcpServers`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from skillway.catalog import Problem
from skillway.catalog.jsontext import JsonError, KeyPath, parse_json
from skillway.checks.nearness import nearest
from skillway.checks.rules import ERROR, TEXT_CHECKS, WARNING, Context, TextFile, define, on

SUBJECT = "MCP servers"
MCP_FILE = ".mcp.json"
MANIFEST = ".claude-plugin/plugin.json"
KINDS = ("stdio", "http", "sse", "ws", "sdk", "sse-ide", "ws-ide", "streamable-http")
KEYS = frozenset(
    [
        *("type", "command", "args", "env", "url", "headers", "headersHelper", "oauth", "timeout", "alwaysLoad", "cwd"),
        *("description", "name", "scope", "title", "note", "tools", "instructions", "startupTimeout", "authServer"),
    ]
)
_OWN_PATH = re.compile(r"\$\{?CLAUDE_PLUGIN_ROOT\}?/([^\s\"';&|)<>]+)")

BROKEN = define(
    "mcp-broken",
    ERROR,
    "A file of MCP servers is JSON of the form that Claude Code reads",
    subject=SUBJECT,
    why="Claude Code starts no server of a file that it cannot read, and 2.1.197's own validator does not look at it.",
    bad='{"mcpServers": {"tickets": {"command": "tickets-mcp",}}}',
    good='{"mcpServers": {"tickets": {"command": "tickets-mcp"}}}',
)
SERVER = define(
    "mcp-server",
    ERROR,
    "An MCP server has a command or a URL, of the right types",
    subject=SUBJECT,
    why="Without one there is nothing to start or to call; Claude Code drops the server.",
    bad='{"mcpServers": {"tickets": {"args": ["--stdio"]}}}',
    good='{"mcpServers": {"tickets": {"command": "tickets-mcp", "args": ["--stdio"]}}}',
)
KEY_UNKNOWN = define(
    "mcp-key-unknown",
    WARNING,
    "Every key of an MCP server is one that Claude Code knows",
    subject=SUBJECT,
    why="An unknown key is ignored in silence: with `enviroment` the server starts without its settings.",
    bad='{"command": "tickets-mcp", "enviroment": {"REGION": "eu"}}',
    good='{"command": "tickets-mcp", "env": {"REGION": "eu"}}',
)
COMMAND_MISSING = define(
    "mcp-command-missing",
    ERROR,
    "The plugin has the file that an MCP server starts",
    subject=SUBJECT,
    why="The server would not start on any laptop, and the skills that need its tools would fail one by one.",
    bad='"command": "${CLAUDE_PLUGIN_ROOT}/servers/tikets"',
    good='"command": "${CLAUDE_PLUGIN_ROOT}/servers/tickets"',
)


@on(TEXT_CHECKS)
def find_bad_servers(text: TextFile, context: Context) -> Iterator[Problem]:
    """Look at every server of a file that holds servers."""
    is_manifest = text.path == MANIFEST
    if text.plugin is None or not (is_manifest or text.path in _server_files(context)):
        return
    try:
        parsed = parse_json(text.text)
    except JsonError as error:
        if not is_manifest:
            message = f"{text.path} is not JSON: {error} in line {error.line}"
            fix = "Mend the JSON at that place."
            yield BROKEN.at(text.file, message, fix, line=error.line, column=error.column)
        return
    found = _servers(parsed.value, is_manifest=is_manifest)
    if found is None:
        fix = 'Write {"mcpServers": {"name": {"command": "…"}}}.'
        line = parsed.lines.get(("mcpServers",), 1)
        yield BROKEN.at(text.file, "This holds no object of MCP servers", fix, line=line, expected="an object")
        return
    servers, prefix = found
    for name, server in servers.items():
        yield from _server_problems(text, name, server, prefix, parsed.lines, context)


def _server_files(context: Context) -> set[str]:
    named = (context.plugin.manifest or {}).get("mcpServers")
    values = named if isinstance(named, list) else [named]
    return {MCP_FILE, *(posixpath.normpath(value) for value in values if isinstance(value, str))}


def _servers(content: Any, *, is_manifest: bool) -> tuple[dict[str, Any], KeyPath] | None:  # noqa: ANN401 - any JSON
    """Find the mapping of servers, below `mcpServers` or, in a file of their own, at the top."""
    if not isinstance(content, dict):
        return None if not is_manifest else ({}, ())
    inner = content.get("mcpServers", {} if is_manifest else content)
    if is_manifest and isinstance(inner, str | list):
        return {}, ()
    prefix: KeyPath = ("mcpServers",) if "mcpServers" in content else ()
    return (
        ({key: value for key, value in inner.items() if key != "$schema"}, prefix) if isinstance(inner, dict) else None
    )


def _server_problems(
    text: TextFile,
    name: str,
    server: Any,  # noqa: ANN401 - any JSON
    prefix: KeyPath,
    lines: dict[KeyPath, int],
    context: Context,
) -> Iterator[Problem]:
    line = lines.get((*prefix, name), 1)
    fault = server_fault(server)
    if fault:
        message = f"The MCP server {name!r} {fault}"
        yield SERVER.at(
            text.file, message, 'Give it "command": "…" or "type": "http" with "url".', line=line, seen=name
        )
        return
    for key in server:
        if key not in KEYS:
            near = nearest(key, KEYS, cutoff=0.6)
            message = f"Claude Code does not know the key {key!r} of an MCP server and ignores it"
            fix = f"Write {near}." if near else "Remove it."
            yield KEY_UNKNOWN.at(
                text.file, message, fix, line=lines.get((*prefix, name, key), line), seen=key, expected=near
            )
    for path in _OWN_PATH.findall(" ".join([server.get("command", ""), *server.get("args", [])])):
        if "$" not in path and path.rstrip("/") not in context.installed:
            message = f"The MCP server {name!r} starts {path}, which the plugin does not have"
            yield COMMAND_MISSING.at(text.file, message, "Add the file or mend the path.", line=line, seen=path)


def server_fault(server: object) -> str | None:
    """Say what is wrong with the form of one server, or None."""
    if not isinstance(server, dict):
        return "is no object"
    kind = server.get("type", "stdio" if "command" in server or "url" not in server else "http")
    if kind not in KINDS:
        return f"has the unknown type {kind!r}"
    needed = "command" if kind == "stdio" else "url"
    value = server.get(needed)
    if kind != "sdk" and not (isinstance(value, str) and value.strip()):
        return f"has no {needed}" if needed not in server else f"has a {needed} that is no text"
    args, env = server.get("args", []), server.get("env", {})
    if not (isinstance(args, list) and all(isinstance(word, str) for word in args)):
        return "has args that are no list of texts"
    if not (isinstance(env, dict) and all(isinstance(entry, str) for entry in env.values())):
        return "has an env that is no mapping of texts"
    return None
