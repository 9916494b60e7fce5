"""Writes the documentation that is made from code: commands from their own help, formats from their schemas.

Run it with `make docs`; a test fails when a page and its source differ. What is made from the list of telemetry events is
in `generate_events.py`. `docs/guides/check.md` has its own
generator in `skillway.checks`.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import click
import generate_events

from skillway.cli.run import skillway
from skillway_sync.options import _make_parser

DOCS = Path(__file__).parent
HEAD = """# Commands

Made from the commands' own help by `make docs`; change the help, not this file.
"""


def commands_page() -> str:
    """Give the text of `docs/commands.md`."""
    os.environ["COLUMNS"] = "110"  # argparse wraps by it; the page must not depend on a terminal
    sections = [HEAD]
    sections += [f"## `{path}`\n\n```text\n{text}\n```\n" for path, text in click_helps(skillway, "skillway")]
    sections += [
        f"## `{path}`\n\n```text\n{text}\n```\n" for path, text in argparse_helps(_make_parser(), "skillway-sync")
    ]
    return "\n".join(sections)


FORMATS_HEAD = """# Formats

Made from the JSON Schema files in `src/skillway/schemas/` by `make docs`; change a schema, not this page. Each is draft 2020-12.
"""


def formats_page() -> str:
    """Give the text of `docs/formats.md`: every format that skillway owns or reads."""
    schemas = sorted((DOCS.parent / "src" / "skillway" / "schemas").glob("*.json"))
    return "\n".join([FORMATS_HEAD, *(format_section(path) for path in schemas)])


def format_section(path: Path) -> str:
    """Describe one schema: what it is for, and a row for each property."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    lines = [f"## {schema['title']}", "", schema["description"], "", f"Schema: `src/skillway/schemas/{path.name}`.", ""]
    rows = list(property_rows(schema, ""))
    if rows:
        lines += ["| key | type | meaning |", "|---|---|---|", *rows]
    return "\n".join(lines).rstrip() + "\n"


def property_rows(schema: dict[str, Any], prefix: str) -> list[str]:
    """Give a table row for each property, with those of nested objects and of list items below their own."""
    required = set(schema.get("required", ()))
    rows: list[str] = []
    for name, inner in schema.get("properties", {}).items():
        if not isinstance(inner, dict):
            continue
        note = [str(inner["description"])] if "description" in inner else []
        note += ["Required."] if name in required else []
        rows.append(f"| `{prefix}{name}` | {type_text(inner)} | {' '.join(note)} |")
        rows += property_rows(inner, f"{prefix}{name}.")
        for key, mark in (("items", "[]"), ("additionalProperties", ".<name>")):
            if isinstance(inner.get(key), dict):
                rows += property_rows(inner[key], f"{prefix}{name}{mark}.")
    return rows


def type_text(schema: dict[str, Any]) -> str:
    """Say in words which values a schema takes."""
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in schema["enum"])
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(type_text(each) for each in schema[key]))
    kind = schema.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if kind == "array" and isinstance(schema.get("items"), dict) and schema["items"]:
        text = f"list of {type_text(schema['items'])}"
    if "pattern" in schema:
        text += f", `{schema['pattern'].replace('|', chr(92) + '|')}`"
    return text


def click_helps(command: click.Command, path: str, parent: click.Context | None = None) -> list[tuple[str, str]]:
    """List every command below one with its help, itself first."""
    context = click.Context(command, info_name=path.rsplit(" ", 1)[-1], parent=parent, **command.context_settings)
    context.terminal_width = 110
    helps = [(path, command.get_help(context).rstrip())]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                helps += click_helps(child, f"{path} {name}", context)
    return helps


def argparse_helps(parser: argparse.ArgumentParser, path: str) -> list[tuple[str, str]]:
    """List every command below a parser with its help, itself first."""
    helps = [(path, parser.format_help().rstrip())]
    for action in parser._subparsers._group_actions if parser._subparsers else []:  # noqa: SLF001 - argparse offers no other way
        for name, child in (action.choices or {}).items():
            helps += argparse_helps(child, f"{path} {name}")
    return helps


def main() -> int:
    """Write the pages, or with `--check` say whether they are up to date."""
    pages = {
        DOCS / "commands.md": commands_page(),
        DOCS / "formats.md": formats_page(),
        **generate_events.generated_files(),
    }
    if "--check" in sys.argv:
        stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        return 1 if stale or generate_events.stale_files() else 0
    for path in generate_events.stale_files():
        path.unlink()
    for path, text in pages.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
