"""How does a script become messages of the Messages API, and which request does a turn belong to?

Pure: values in, values out. The forms are the API's (https://docs.claude.com/en/api/messages-streaming); what tells
a conversation from the calls beside it was observed on real clients. The server is `scripted_api`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

AFTER_THE_SCRIPT = "The script has ended."
"""The text that every main request gets once the script has been played."""


MAIN, SUBAGENT, SUMMARY, SIDE = "main", "subagent", "summary", "side"
"""The kinds of request: see `request_kind`."""

SUMMARY_TEXT = "<analysis>Scripted.</analysis>\n<summary>A scripted conversation.</summary>"
_USAGE = {"input_tokens": 100, "output_tokens": 20, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


@dataclass(frozen=True, slots=True)
class Say:
    """The model says a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls a tool, for example `Call("Bash", {"command": "true"})`."""

    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fail:
    """The API answers with an HTTP error; `retry` is what its `x-should-retry` header tells the client."""

    status: int
    message: str = "The script says so."
    retry: bool = False


Turn = Say | Call | Fail | tuple[Say | Call, ...]
"""One answer of the model: a text, a tool call, several of them together, or an error."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model was told about one tool call."""

    tool_use_id: str
    text: str
    is_error: bool


def request_kind(body: dict[str, Any]) -> str:
    """Tell the main conversation from what the client asks beside it.

    Observed on 2.1.197 and 2.1.329, in `-p` and in a terminal: titles offer no tools; a subagent says so in the
    first system block; compaction sends the main conversation with an order to write a summary at its end.
    """
    if not body.get("tools"):
        return SIDE
    if "cc_is_subagent=true" in _text(body.get("system")):
        return SUBAGENT
    typed = [_text(message.get("content")) for message in _messages(body) if message.get("role") == "user"]
    if typed and "<analysis>" in typed[-1] and "<summary>" in typed[-1]:
        return SUMMARY
    return MAIN


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    return [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []


def _blocks(content: object) -> list[dict[str, Any]]:
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _text(content: object) -> str:
    """Join the text of a content that is either a string or a list of blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(str(block["text"]) for block in _blocks(content) if "text" in block)


def tool_results(body: dict[str, Any]) -> list[ToolResult]:
    """List what a request tells the model about its tool calls, in order."""
    blocks = [block for message in _messages(body) for block in _blocks(message.get("content"))]
    return [_tool_result(block) for block in blocks if block.get("type") == "tool_result"]


def _tool_result(block: dict[str, Any]) -> ToolResult:
    return ToolResult(str(block.get("tool_use_id")), _text(block.get("content")), block.get("is_error") is True)


def make_message(turn: Say | Call | tuple[Say | Call, ...], *, model: str, number: int) -> dict[str, Any]:
    """Make the message that a turn stands for.

    Args:
        turn: The turn.
        model: The model that was asked for; the message says that it is this one.
        number: Tells the message and its tool calls from all others of the script.
    """
    parts = turn if isinstance(turn, tuple) else (turn,)
    return {
        "id": f"msg_{number:04}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [_block(part, f"toolu_{number:04}_{index}") for index, part in enumerate(parts)],
        "stop_reason": "tool_use" if any(isinstance(part, Call) for part in parts) else "end_turn",
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _block(part: Say | Call, tool_use_id: str) -> dict[str, Any]:
    if isinstance(part, Say):
        return {"type": "text", "text": part.text}
    return {"type": "tool_use", "id": tool_use_id, "name": part.name, "input": part.input}


def encode_stream(message: dict[str, Any]) -> bytes:
    """Encode a message as server-sent events, each content block in one delta."""
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), json.dumps(event).encode())
        for event in _events(message)
    )


def _events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the stream's events for a message, each content block in one delta."""
    start = {**message, "content": [], "stop_reason": None, "usage": {**_USAGE, "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty, delta = (
                {**block, "input": {}},
                {"type": "input_json_delta", "partial_json": json.dumps(block["input"])},
            )
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": _USAGE["output_tokens"]}}
    yield {"type": "message_stop"}
