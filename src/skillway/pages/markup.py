"""How does data get into HTML without being taken for HTML?

Every text that comes from data goes through Jinja's autoescape here, and data for scripts through `json_block`. What
scripts may run is limited a second time by the page's content security policy (`frame`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def asset(name: str) -> str:
    """Read one of our own files beside this module, such as `style.css`."""
    return files("skillway.pages").joinpath("assets", name).read_text(encoding="utf-8")


def fill(template: str, **values: Any) -> Markup:  # noqa: ANN401 - any value that a template shows
    """Fill a template of ours; every value that is no `Markup` is escaped.

    Args:
        template: The name of a file in `assets`, ending in `.html`, or a template's text.
        values: What the template names; a missing one is an error.
    """
    text = asset(template) if template.endswith(".html") else template
    return Markup(_ENVIRONMENT.from_string(text).render(**values))  # noqa: S704 - rendered with autoescape


def json_block(identifier: str, value: Any) -> Markup:  # noqa: ANN401 - any JSON value
    """Make a block of data for a script; no text in it can end the block or start a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup('<script type="application/json" id="{}">{}</script>').format(identifier, Markup(text))  # noqa: S704 - as above


def script_hash(script: str) -> str:
    """Give the source expression by which a content security policy allows exactly this script."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"
