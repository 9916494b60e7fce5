"""What the user typed in this session, read from Claude Code's transcript.

Only typed prompts count as the user's words: no tool results, no texts that the client or a hook put in, nothing
from subagents, and no suggestion of the client that the user merely accepted. What the words mean is decided in
`intent`. The records are those of Claude Code 2.1.197 to 2.1.328.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

from envelope import NEEDS_INPUT, USAGE, Failure

LINE_LIMIT = 8 * 1024 * 1024  # bytes; a longer record is a tool result or an attached file
TURN_LIMIT = 100_000  # characters kept of one prompt
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,127}")
_NOT_TYPED_SOURCES = ("system", "suggestion_accepted")
_HUMAN = ("human",)
# Texts in the user's role that the client wrote: output of commands, notices, the mark of an interruption.
_CLIENT_TEXT = re.compile(
    r"^\s*(?:<(?:local-command-(?:stdout|stderr|caveat)|bash-(?:input|stdout|stderr)|task-notification)>"
    r"|\[Request interrupted by user|Caveat: The messages below were generated)"
)
_INJECTED = re.compile(
    r"<(system-reminder|ide_opened_file|ide_selection|user-prompt-submit-hook|command-message)>.*?</\1>", re.DOTALL
)
_TYPED_COMMAND = re.compile(r"<command-name>\s*(.*?)\s*</command-name>", re.DOTALL)
_COMMAND_WORDS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)
_ASKS_ABOUT_PR = re.compile(r"\b(?:pull request|merge request|pr|mr)s?\b[^?]{0,200}\?", re.IGNORECASE)


@dataclass(frozen=True)
class Turn:
    """One prompt that the user typed.

    Attributes:
        id: `u1` for the first prompt of the session, and so on; stable, because transcripts only grow.
        text: What was typed; of a typed command its name and arguments.
        answers_pr_question: Whether the assistant's last words before it asked something about a pull request.
    """

    id: str
    text: str
    answers_pr_question: bool = False


@dataclass
class Transcript:
    """The typed part of one session.

    Attributes:
        paths: Files that it was read from.
        turns: Typed prompts in their order.
        unreadable_records: Lines that are no JSON or longer than 8 MiB.
    """

    paths: list[str]
    turns: list[Turn] = field(default_factory=list)
    unreadable_records: int = 0


def session_id(given: str | None) -> str:
    """Return the session to read: `given`, or the one that the Bash tool's environment names.

    Raises:
        Failure: there is none (exit 3), or it is no session id (exit 2).
    """
    session = given or os.environ.get("CLAUDE_CODE_SESSION_ID", "")
    if not session:
        raise Failure(
            "no_session",
            "CLAUDE_CODE_SESSION_ID is not set, so this is not running inside a Claude Code session.",
            fix="Run it from Claude Code's Bash tool, or name the session with --session.",
            exit_code=NEEDS_INPUT,
        )
    if not _SESSION.fullmatch(session):
        raise Failure(
            "bad_session_id",
            f"{session[:80]!r} is no session id.",
            fix="Give letters, digits and dashes.",
            exit_code=USAGE,
        )
    return session


def read_transcript(session: str, *, wait: float = 0.0) -> Transcript:
    """Return what the user typed in `session`; look again for up to `wait` seconds while nothing is there.

    The client writes transcripts in the background: at the first tool call of a session the file does not exist yet.

    Raises:
        Failure: no transcript with a typed prompt was found (exit 3).
    """
    deadline = time.monotonic() + wait
    while True:
        transcript = Transcript(_find(session))
        for path in transcript.paths:
            _read_into(transcript, path)
        if transcript.turns:
            return transcript
        if time.monotonic() >= deadline:
            raise _nothing_typed(session, transcript)
        time.sleep(0.1)


def _find(session: str) -> list[str]:
    told = os.environ.get("CLAUDE_CONFIG_DIR")
    projects = (Path(told) if told else Path.home() / ".claude") / "projects"
    return [str(path) for path in sorted(projects.glob(f"*/{session}.jsonl"), key=lambda path: path.stat().st_mtime)]


def _nothing_typed(session: str, transcript: Transcript) -> Failure:
    where = transcript.paths[-1] if transcript.paths else f"no transcript file of session {session}"
    return Failure(
        "no_transcript",
        f"No prompt that the user typed was found ({where}).",
        fix="Ask the user why the change is needed, and run this again after their answer.",
        exit_code=NEEDS_INPUT,
    )


def _read_into(transcript: Transcript, path: str) -> None:
    seen: set[str] = set()
    last_words = ""
    for line in _lines(path):
        record = _parse(line)
        if record is None:
            transcript.unreadable_records += 1
            continue
        if record.get("type") == "assistant" and not record.get("isSidechain"):
            last_words = _assistant_words(record) or last_words
            continue
        text = typed_text(record)
        identity = str(record.get("uuid") or len(seen))
        if text and identity not in seen:
            seen.add(identity)
            asked = bool(_ASKS_ABOUT_PR.search(last_words[-600:]))
            transcript.turns.append(Turn(f"u{len(transcript.turns) + 1}", text[:TURN_LIMIT], asked))
            last_words = ""


def _lines(path: str) -> Iterator[bytes]:
    """Yield the records of a transcript; an overlong one as an empty line, so that it is counted and not kept."""
    with Path(path).open("rb") as stream:
        while True:
            line = stream.readline(LINE_LIMIT)
            if not line:
                return
            if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = stream.readline(LINE_LIMIT)
                yield b""
            elif line.strip():
                yield line


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def typed_text(record: dict[str, Any]) -> str:
    """Return what the user typed in a transcript record, or an empty string when nobody typed it."""
    if record.get("isSidechain") or record.get("isMeta") or record.get("isCompactSummary"):
        return ""
    if record.get("type") == "attachment":
        return _queued_text(record.get("attachment"))
    if record.get("type") != "user" or "toolUseResult" in record or record.get("sourceToolUseID"):
        return ""
    if record.get("promptSource") in _NOT_TYPED_SOURCES or not _is_human(record.get("origin")):
        return ""
    message = record.get("message")
    return _clean(_content_text(message.get("content"))) if isinstance(message, dict) else ""


def _queued_text(attachment: object) -> str:
    """A prompt typed while the assistant was at work reaches it as an attachment, not as a user record."""
    if not isinstance(attachment, dict) or attachment.get("type") != "queued_command" or attachment.get("isMeta"):
        return ""
    if attachment.get("commandMode", "prompt") != "prompt" or not _is_human(attachment.get("origin")):
        return ""
    return _clean(_content_text(attachment.get("prompt")))


def _is_human(origin: object) -> bool:
    return origin is None or (isinstance(origin, dict) and origin.get("kind") in _HUMAN)


def _content_text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    if any(block.get("type") == "tool_result" for block in blocks):
        return ""
    return "\n".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")


def _clean(text: str) -> str:
    if _CLIENT_TEXT.match(text):
        return ""
    command = _TYPED_COMMAND.search(text)
    if command:
        words = _COMMAND_WORDS.search(text)
        name = command.group(1)
        return f"{name if name.startswith('/') else '/' + name} {words.group(1).strip() if words else ''}".strip()
    return _INJECTED.sub("", text).strip()


def _assistant_words(record: dict[str, Any]) -> str:
    message = record.get("message")
    return _content_text(message.get("content")) if isinstance(message, dict) else ""
