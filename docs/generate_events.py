"""Writes what is made from `hooks/events.json`: a JSON Schema for each event, and the tables of the data dictionary.

Part of `docs/generate.py`. The text above the mark in `docs/telemetry.md` is written by hand and kept.
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "src" / "skillway" / "schemas" / "events"
PAGE = ROOT / "docs" / "telemetry.md"
MARK = "<!-- Below this line: made from hooks/events.json by `make docs`; change that file. -->\n"
BIGGEST_NUMBER = 1 << 53


def generated_files() -> dict[Path, str]:
    """Give each file's path and text."""
    lists = json.loads((ROOT / "hooks" / "events.json").read_text(encoding="utf-8"))
    files = {
        SCHEMAS / f"{name}.json": json.dumps(event_schema(name, lists), indent=2, ensure_ascii=False) + "\n"
        for name in lists["events"]
    }
    written = PAGE.read_text(encoding="utf-8").partition(MARK)[0] if PAGE.exists() else ""
    files[PAGE] = written + MARK + "\n" + dictionary(lists)
    return files


def stale_files() -> list[Path]:
    """List schemas of events that there are no longer."""
    return sorted(set(SCHEMAS.glob("*.json")) - set(generated_files()))


def event_schema(name: str, lists: dict[str, Any]) -> dict[str, Any]:
    """Make the JSON Schema of one event's record, as it lies in the spool."""
    event = lists["events"][name]
    rules = {**lists["common"], **event["attributes"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:skillway:event:{name}:{lists['schema']}",
        "title": name,
        "description": f"{event['about']}. Emitted by: {event['emitter']}.",
        "type": "object",
        "required": ["v", "id", "ts", "name", "attributes"],
        "additionalProperties": False,
        "properties": {
            "v": {"const": lists["schema"], "description": "Version of the list of events"},
            "id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Random; sent as log.record.uid"},
            "ts": {"type": "integer", "minimum": 0, "description": "Nanoseconds since 1970, UTC"},
            "name": {"const": name},
            "dropped": {"type": "integer", "minimum": 1, "description": "Attributes that the list did not allow"},
            "attributes": {
                "type": "object",
                "additionalProperties": False,
                "properties": {key: value_schema(rule, lists["characters"]) for key, rule in rules.items()},
            },
        },
    }


def value_schema(rule: dict[str, Any], characters: dict[str, str]) -> dict[str, Any]:
    """Turn an attribute's rule into JSON Schema."""
    schema: dict[str, Any] = {"description": rule["about"]}
    kind = rule["type"]
    if kind == "enum":
        return schema | {"enum": rule["values"]}
    if kind == "string":
        return schema | text_schema(rule, characters)
    if kind == "list":
        items = text_schema(rule, characters)
        return schema | {"type": "array", "minItems": 1, "maxItems": rule["max_items"], "items": items}
    if kind in ("number", "integer"):
        return schema | {"type": kind, "minimum": rule.get("min", 0), "maximum": BIGGEST_NUMBER}
    return schema | {"type": "boolean"}


def text_schema(rule: dict[str, Any], characters: dict[str, str]) -> dict[str, Any]:
    """Say of which characters a text is made, and how many."""
    allowed = characters[rule["characters"]].replace("-", "") + ("-" if "-" in characters[rule["characters"]] else "")
    return {"type": "string", "pattern": f"^[{allowed}]{{1,{rule['max']}}}$"}


def dictionary(lists: dict[str, Any]) -> str:
    """Make the tables: every event, then what stands in all of them."""
    sections = [
        f"## Events (schema {lists['schema']})",
        "",
        "| event | when | emitted by |",
        "|---|---|---|",
        *(
            f"| [`{name}`](#{anchor(name)}) | {event['about']} | {event['emitter']} |"
            for name, event in lists["events"].items()
        ),
        "",
    ]
    for name, event in lists["events"].items():
        sections += [
            f"### `{name}`",
            "",
            f"{event['about']}. Emitted by: {event['emitter']}.",
            "",
            *table(event["attributes"]),
        ]
    sections += ["## In every record", "", *table(lists["common"])]
    sections += ["## Added to every record when it is sent", "", *table(lists["sending"])]
    sections += ["## Added to every request (the resource)", "", *table(lists["resource"])]
    return "\n".join(sections).rstrip() + "\n"


def anchor(name: str) -> str:
    """Give the place that a heading of this name has on the forge's pages."""
    return name.replace(".", "").lower()


def table(rules: dict[str, Any]) -> list[str]:
    """Give a row for each attribute."""
    rows = ["| attribute | type | unit | meaning | example |", "|---|---|---|---|---|"]
    for name, rule in rules.items():
        example = json.dumps(rule["example"], ensure_ascii=False) if rule["type"] == "list" else shown(rule["example"])
        unit = f"`{rule['unit']}`" if "unit" in rule else ""
        rows.append(f"| `{name}` | {type_text(rule)} | {unit} | {rule['about']} | `{example}` |")
    return [*rows, ""]


def shown(value: object) -> str:
    """Write an example as a reader would."""
    return value if isinstance(value, str) else json.dumps(value)


def type_text(rule: dict[str, Any]) -> str:
    """Say in words which values a rule takes."""
    if rule["type"] == "enum":
        return ", ".join(f"`{value}`" for value in rule["values"])
    if rule["type"] == "string":
        return f"string, {rule['max']} of `{rule['characters']}`"
    if rule["type"] == "list":
        return f"list of at most {rule['max_items']} strings, {rule['max']} of `{rule['characters']}`"
    return str(rule["type"])
