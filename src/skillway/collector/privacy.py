"""Which attributes are never kept, whoever sends them?

Claude Code's own records carry the account of the person, and with some switches also prompts and commands. Beside
a `session.id` they would undo the pseudonym of every other record. There is no switch at the sender that removes
the account (anthropics/claude-code#39650), so the store is the place that does.
"""

from __future__ import annotations

PRIVATE = frozenset(
    {
        # who it was
        "user.email",
        "user.id",
        "user.account_uuid",
        "user.account_id",
        "user.name",
        "organization.id",
        "enduser.id",
        "host.name",
        "host.id",
        # what was said and done
        "prompt",
        "response",
        "tool_input",
        "tool_parameters",
        "tool_result",
        "tool_output",
        "full_command",
        "bash_command",
        "command_args",
        "file_path",
        "error",
        "error_message",
        "exception.message",
        "exception.stacktrace",
        "process.command_line",
        "process.command_args",
        "process.executable.path",
        "process.owner",
    }
)
"""The names, as monitoring-usage of Claude Code's documentation and the OpenTelemetry conventions have them."""


def is_private(name: str) -> bool:
    """Tell whether the attribute of that name is left out."""
    return name in PRIVATE
