"""What is asked of a model, and what may come back?

The one protocol that the harness speaks, so that the SDK's versions, batches, replays and fakes are somebody
else's question. `decode_message` reads the Messages API's own JSON, because a reply that cannot be read must become
a fault of the infrastructure and never a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from skillway_evals.outcome import Provenance, Usage


class Fault(str, Enum):
    """Why there is no reply."""

    RATE_LIMITED = "rate limited"
    OVERLOADED = "overloaded"
    BROKEN = "broken reply"
    DISCONNECTED = "disconnected"
    TIMEOUT = "timeout"
    REFUSED = "refused by the model"
    TRUNCATED = "cut off at the token limit"
    REJECTED = "rejected by the API"
    NO_KEY = "no valid API key"
    NOT_RECORDED = "not recorded"


PASSING = frozenset({Fault.RATE_LIMITED, Fault.OVERLOADED, Fault.BROKEN, Fault.DISCONNECTED, Fault.TIMEOUT})
"""Faults that may be gone at the next try."""


class ModelError(Exception):
    """There is no usable reply; the slot is invalid, not failed.

    Attributes:
        fault: Why.
        retry_after_s: Seconds that the server asked to wait, or None.
        usage: What it took all the same, as with a refusal; zero when nothing is known.
        billed: Whether the call may have been paid for.
    """

    def __init__(
        self,
        fault: Fault,
        message: str,
        *,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(f"{fault.value}: {message}")
        self.fault = fault
        self.retry_after_s = retry_after_s
        self.usage = usage or Usage()
        self.billed = billed


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request.

    Attributes:
        key: Content hash of the slot; a batch finds its replies again by it.
        model: The model's name.
        system: The system prompt.
        prompt: The one user turn.
        max_tokens: Most output tokens.
        schema: JSON Schema that the reply has to fit, or None for free text. The model has no tools in any case.
    """

    key: str
    model: str
    system: str
    prompt: str
    max_tokens: int = 1024
    schema: Mapping[str, Any] | None = None

    def parameters(self) -> dict[str, Any]:
        """Give the parameters of the Messages API. There is no temperature: current models refuse it."""
        parameters: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "messages": [{"role": "user", "content": self.prompt}],
        }
        if self.system:
            parameters["system"] = self.system
        if self.schema is not None:
            parameters["output_config"] = {"format": {"type": "json_schema", "schema": dict(self.schema)}}
        return parameters

    def worst_input_tokens(self) -> int:
        """Bound the input from above: no text has more tokens than bytes; English has about a quarter."""
        return (len(self.system.encode()) + len(self.prompt.encode())) // 2 + 400


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One reply: its text, what it took, and the model that says it answered."""

    text: str
    usage: Usage
    model: str
    stop_reason: str = "end_turn"


class ModelClient(Protocol):
    """Something that answers requests, many at a time."""

    provenance: Provenance

    async def ask(self, request: ModelRequest, on_waste: Callable[[], None] = ...) -> ModelReply:
        """Answer one request.

        Args:
            request: What to ask.
            on_waste: Called before a try is repeated that may have been paid for; what it raises ends the tries.

        Raises:
            ModelError: There is no usable reply, after all the tries that make sense.
        """

    async def close(self) -> None:
        """Give connections back."""


def no_waste() -> None:
    """Ignore that a try may have been paid for in vain."""


def decode_message(content: object) -> ModelReply:
    """Read a message of the Messages API.

    Raises:
        ModelError: It is none, the model refused, or the text was cut off.
    """
    if (
        not isinstance(content, dict)
        or content.get("type") != "message"
        or not isinstance(content.get("content"), list)
    ):
        raise ModelError(Fault.BROKEN, "the reply is no message of the Messages API", billed=True)
    usage = decode_usage(content.get("usage"))
    blocks = [block for block in content["content"] if isinstance(block, dict)]
    text = "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
    stop = str(content.get("stop_reason"))
    if stop == "refusal":
        raise ModelError(Fault.REFUSED, "the model declined to answer", usage=usage, billed=True)
    if stop == "max_tokens":
        raise ModelError(Fault.TRUNCATED, f"after {usage.output_tokens} output tokens", usage=usage, billed=True)
    return ModelReply(text, usage, str(content.get("model", "")), stop)


def decode_usage(content: object) -> Usage:
    """Read a `usage` of the API; what is missing or no number counts as 0."""
    values = content if isinstance(content, dict) else {}

    def number(name: str) -> int:
        value = values.get(name)
        return value if isinstance(value, int) and value > 0 else 0

    return Usage(
        input_tokens=number("input_tokens"),
        output_tokens=number("output_tokens"),
        cache_read_tokens=number("cache_read_input_tokens"),
        cache_write_tokens=number("cache_creation_input_tokens"),
    )
