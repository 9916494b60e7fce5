"""What is never kept, whoever sends it?

Claude Code's own records carry the account of the person, and with some switches also prompts and commands. Beside
a `session.id` they would undo the pseudonym of every other record. There is no switch at the sender that removes
the account (anthropics/claude-code#39650), so the store is the place that does.

Names alone are not enough: version 2.1.329 calls `prompt_text` what 2.1.197 called `prompt`. So an attribute goes by
the last word of its name, and text from Claude Code also by its form: what has a blank in it is no identifier.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NAMES = frozenset(
    {"user.id", "user.name", "user.account_id", "user.account_uuid", "organization.id", "enduser.id", "host.id"}
    | {"host.name", "process.owner"}
)
_LAST_WORDS = frozenset(
    # what was said and done
    {"prompt", "response", "text", "content", "body", "message", "input", "output", "result", "parameters", "query"}
    | {"command", "args", "arguments", "line", "error", "stacktrace", "description", "title", "summary"}
    # where
    | {"path", "file", "filename", "cwd", "dir", "directory", "url", "branch", "repository", "hostname"}
    # who
    | {"email", "account", "username", "login"}
)
_WORDS = re.compile(r"[._\-/]")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:/+\-]{1,128}")
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def is_private(name: str) -> bool:
    """Tell whether the attribute of that name is left out, whatever its value is."""
    return name in _NAMES or _WORDS.split(name.lower())[-1] in _LAST_WORDS


def is_free_text(value: object) -> bool:
    """Tell whether a value is text that a person may have written, and no identifier, number or time."""
    return not isinstance(value, (int, float, type(None))) and not (
        isinstance(value, str) and _IDENTIFIER.fullmatch(value)
    )
