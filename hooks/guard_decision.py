"""What is decided about a tool call, and how is it said?

deny over ask over silence; never allow, because a hook's allow would skip the user's own confirmation.
"""

from payload import quote_json

DENY, ASK = "deny", "ask"

CATASTROPHIC = frozenset([
    "delete-root", "delete-home", "delete-system", "disk-overwrite", "permissions-everywhere", "fork-bomb", "guard-tampering",
])  # fmt: skip
"""Rules that no policy can switch off or soften."""

_SHOWN_CHARACTERS = 160


class Stop:
    """One reason to stop a tool call.

    Attributes:
        decision: DENY or ASK.
        rule: The rule's id, lower case with hyphens.
        what: The exact part that is stopped.
        why: A sentence in plain words.
        instead: A command, skill or way that is not stopped.
        command: The shell command in `instead`, or "".
    """

    __slots__ = ("command", "decision", "instead", "rule", "what", "why")

    def __init__(self, decision: str, rule: str, why: str, instead: str, command: str = "") -> None:
        """Say why; `what` is added by whoever knows the text."""
        self.decision = decision
        self.rule = rule
        self.what = ""
        self.why = why
        self.instead = instead
        self.command = command

    def message(self, contact: str = "") -> str:
        """Write what the agent, and the person beside it, should read.

        Args:
            contact: Where the organisation's policy wants a wrong stop to be reported; "" for the usual place.
        """
        owners = contact or "the owners of the base-plugin"
        verb = "stopped" if self.decision == DENY else "wants a person to confirm"
        instead = f"{self.instead}: `{self.command}`" if self.command else self.instead
        way = "If it must be exactly this, the person runs it in their own terminal."
        if self.decision == ASK:
            way = "Yes runs exactly this, No leaves everything as it is; where nobody is asked, it is refused."
        return "\n".join([
            f"The guard {verb} `{_shown(self.what)}` (rule {self.rule}).",
            f"Why: {self.why}",
            f"Instead: {instead}.",
            f"Do not try another spelling. {way}",
            f"A wrong stop? The person tells {owners}: rule {self.rule}, and the command.",
        ])  # fmt: skip

    def document(self, message: str) -> str:
        """Write the decision as Claude Code reads it from a PreToolUse hook's stdout."""
        return (
            '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"'
            + self.decision
            + '","permissionDecisionReason":'
            + quote_json(message)
            + "}}\n"
        )


def _shown(text: str) -> str:
    """Make one short line of it, without what a terminal would obey instead of show."""
    text = " ".join(text[: 2 * _SHOWN_CHARACTERS].replace("`", "'").split())
    text = "".join([character if character.isprintable() else "?" for character in text])
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def weightier(first: "Stop | None", second: "Stop | None") -> "Stop | None":
    """Give the stop that counts; the earlier one of two equals."""
    if first is None or (second is not None and first.decision == ASK and second.decision == DENY):
        return second
    return first
