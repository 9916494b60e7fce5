"""What does a stream-json transcript say?

Reads the events that `claude -p --output-format stream-json --verbose` prints: what the session had, which tools
were called with which result, how it ended and what it took. It judges nothing. Observed on clients 2.1.197 and
2.1.329: the subagent tool is listed as `Task` and called as `Agent`, a session with a background agent has several
`init` and `result` events, and a message's blocks come in several events of one message id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillway_evals.outcome import Usage

STOPPED = "stopped"
"""Subtype of the event that the harness itself adds when it ended a session because it had seen enough."""
HARNESS = "skillway"
_MOST_TEXT = 20_000
"""Characters of one tool result or prompt that are kept."""
_KEPT_INIT = (
    "tools",
    "skills",
    "slash_commands",
    "plugins",
    "agents",
    "model",
    "claude_code_version",
    "permissionMode",
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        id: The call's id, unique in the session.
        name: The tool's name as called.
        input: What it was given.
        parent: The id of the subagent's call that it belongs to, or None in the main conversation.
        result: What the model was told, or None when no result came.
        is_error: Whether the result is an error.
        details: The client's own account of the result, or an empty mapping.
    """

    id: str
    name: str
    input: Mapping[str, Any]
    parent: str | None = None
    result: str | None = None
    is_error: bool = False
    details: Mapping[str, Any] | None = None


class Transcript:
    """The events of one session, in order; what is no object is left out."""

    def __init__(self, events: Iterable[object]) -> None:
        self.events: tuple[dict[str, Any], ...] = tuple(event for event in events if isinstance(event, dict))

    @classmethod
    def decode(cls, text: str) -> Transcript:
        """Read the lines of a recording; a line that is no JSON is a notice for people."""
        return cls(_decoded(text))

    @property
    def init(self) -> Mapping[str, Any]:
        """The first `init` event, or an empty mapping."""
        return next((event for event in self.events if _is(event, "system", "init")), {})

    @property
    def version(self) -> str:
        """The client's own version, or an empty text."""
        return str(self.init.get("claude_code_version", ""))

    @property
    def offered(self) -> tuple[str, ...]:
        """The skills that the session had, of all its `init` events."""
        inits = [event for event in self.events if _is(event, "system", "init")]
        return tuple(dict.fromkeys(str(skill) for event in inits for skill in _list(event.get("skills"))))

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that the session had."""
        return tuple(str(tool) for tool in _list(self.init.get("tools")))

    @property
    def result(self) -> Mapping[str, Any]:
        """The last `result` event, or an empty mapping when the session did not come to one."""
        return next((event for event in reversed(self.events) if event.get("type") == "result"), {})

    @property
    def stopped(self) -> bool:
        """Whether the harness ended the session because it had seen what it waited for."""
        return any(_is(event, HARNESS, STOPPED) for event in self.events)

    @property
    def answer(self) -> str:
        """What the user was told at the end: the result, else the last text of the main conversation."""
        result = self.result.get("result")
        if isinstance(result, str) and result:
            return result
        texts = [
            _block_text(block) for event, block in self._blocks("assistant") if event.get("parent_tool_use_id") is None
        ]
        return next((text for text in reversed(texts) if text), "")

    @property
    def fault(self) -> str:
        """Why the session is no vote, a sentence, or an empty text. Reaching the turn limit is an outcome, no fault."""
        if not self.init:
            return "the client reported no session"
        result = self.result
        if not result:
            return "" if self.stopped else "the session did not come to its end"
        if result.get("subtype") == "error_max_turns":
            return ""
        if result.get("is_error") is True or str(result.get("subtype", "")).startswith("error"):
            said = str(result.get("result") or result.get("errors") or result.get("subtype"))
            return f"the session ended in an error: {said[:200]}"
        return ""

    @property
    def reached_turn_limit(self) -> bool:
        """Whether the session ended because it had used its turns."""
        return self.result.get("subtype") == "error_max_turns"

    @property
    def usage(self) -> Usage:
        """What the session took, by its own account; every model that it used is in the tokens."""
        models = [value for value in _mapping(self.result.get("modelUsage")).values() if isinstance(value, dict)]
        cost = self.result.get("total_cost_usd")
        return Usage(
            input_tokens=sum(_number(value.get("inputTokens")) for value in models),
            output_tokens=sum(_number(value.get("outputTokens")) for value in models),
            cache_read_tokens=sum(_number(value.get("cacheReadInputTokens")) for value in models),
            cache_write_tokens=sum(_number(value.get("cacheCreationInputTokens")) for value in models),
            cost_usd=float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else None,
        )

    @property
    def message_usage(self) -> Usage:
        """What the messages that arrived took; for a session that was ended before it gave its own account."""
        messages = {
            str(_mapping(event.get("message")).get("id")): _mapping(_mapping(event.get("message")).get("usage"))
            for event in self.events
            if event.get("type") == "assistant"
        }
        return Usage(
            input_tokens=sum(_number(usage.get("input_tokens")) for usage in messages.values()),
            output_tokens=sum(_number(usage.get("output_tokens")) for usage in messages.values()),
            cache_read_tokens=sum(_number(usage.get("cache_read_input_tokens")) for usage in messages.values()),
            cache_write_tokens=sum(_number(usage.get("cache_creation_input_tokens")) for usage in messages.values()),
        )

    def calls(self) -> tuple[ToolCall, ...]:
        """List the tool calls of the main conversation and of subagents, each once, in order."""
        results = self._results()
        calls: dict[str, ToolCall] = {}
        for event, block in self._blocks("assistant"):
            if block.get("type") != "tool_use" or str(block.get("id")) in calls:
                continue
            call_id, parent = str(block.get("id")), event.get("parent_tool_use_id")
            text, is_error, details = results.get(call_id, (None, False, None))
            calls[call_id] = ToolCall(
                call_id,
                str(block.get("name")),
                _mapping(block.get("input")),
                parent if isinstance(parent, str) else None,
                text,
                is_error,
                details,
            )
        return tuple(calls.values())

    def kept(self) -> list[dict[str, Any]]:
        """Give what is worth keeping of the events as JSON values: no hook events, long texts cut."""
        return [_shortened(event) for event in self.events if event.get("type") in ("assistant", "user", "result", HARNESS)
                or _is(event, "system", "init")]  # fmt: skip

    def _results(self) -> dict[str, tuple[str, bool, Mapping[str, Any] | None]]:
        results: dict[str, tuple[str, bool, Mapping[str, Any] | None]] = {}
        for event, block in self._blocks("user"):
            if block.get("type") == "tool_result":
                details = event.get("tool_use_result")
                text = _block_text(block)
                is_error = block.get("is_error") is True or "<tool_use_error>" in text
                results[str(block.get("tool_use_id"))] = (
                    text,
                    is_error,
                    details if isinstance(details, dict) else None,
                )
        return results

    def _blocks(self, kind: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        for event in self.events:
            if event.get("type") == kind:
                for block in _list(_mapping(event.get("message")).get("content")):
                    if isinstance(block, dict):
                        yield event, block


def _decoded(text: str) -> Iterator[object]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _shortened(event: Mapping[str, Any]) -> dict[str, Any]:
    if _is(event, "system", "init"):
        return {"type": "system", "subtype": "init", **{name: event[name] for name in _KEPT_INIT if name in event}}
    kept = {name: value for name, value in event.items() if name not in ("uuid", "request_id", "timestamp")}
    shortened = _cut(kept)
    assert isinstance(shortened, dict)
    return shortened


def _cut(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _MOST_TEXT else f"{value[:_MOST_TEXT]}[… {len(value) - _MOST_TEXT} characters]"
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return {name: _cut(item) for name, item in value.items()} if isinstance(value, dict) else value


def _is(event: Mapping[str, Any], kind: str, subtype: str) -> bool:
    return event.get("type") == kind and event.get("subtype") == subtype


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _block_text(block: Mapping[str, Any]) -> str:
    """Give the text of a text block, or of a tool result, which holds a text or a list of blocks."""
    if block.get("type") == "text":
        return str(block.get("text", ""))
    content = block.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in _list(content) if isinstance(part, dict))
