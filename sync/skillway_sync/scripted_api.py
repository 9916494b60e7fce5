"""What does a Messages API answer that costs nothing, needs no network and says what a script says?

The real Claude Code client is proven against it: by the tests, by `skillway-sync doctor --client` and by
`make try`. A script is a list of turns; each request of the main conversation takes the next one. Everything
else that a client asks (titles, summaries, subagents, token counts) gets an answer of its own and takes none,
so that a script means the same for every client version. It judges nothing: what came in is kept as `requests`.
How the client is started is `skillway_sync.client`'s question.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skillway_sync.scripted_turns import (
    AFTER_THE_SCRIPT,
    MAIN,
    SIDE,
    SUBAGENT,
    SUMMARY,
    SUMMARY_TEXT,
    Call,
    Fail,
    Say,
    ToolResult,
    Turn,
    encode_stream,
    make_message,
    request_kind,
    tool_results,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase
    from typing import Self

__all__ = [
    "AFTER_THE_SCRIPT",
    "MAIN",
    "SUBAGENT",
    "Call",
    "Fail",
    "Request",
    "Say",
    "ScriptedApi",
    "ToolResult",
    "Turn",
]

MAX_BODY_BYTES = 64 * 2**20
MAX_LINE_BYTES = 8192
"""Longest chunk header or trailer line that is read."""
IDLE_SECONDS = 60
"""A connection that is silent for so long is closed."""
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived. `body` is the decoded JSON, or `{}` when there was none; `kind` is `request_kind`'s."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    kind: str


@dataclass(slots=True)
class _Script:
    """The state that the server's threads share; every access holds `lock`."""

    turns: dict[str, list[Turn]]
    max_requests: int
    requests: list[Request] = field(default_factory=list)
    overrun: int = 0
    refused: int = 0
    messages: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class ScriptedApi:
    """A Messages API on 127.0.0.1 that plays a script; use it as a context manager.

    Example:
        with ScriptedApi([Call("Bash", {"command": "true"}), Say("done")]) as api:
            run_client(ClientStart(client, home, cwd, api.url), "go")
        assert not api.tool_results()[0].is_error

    Args:
        turns: The script. Main requests beyond it are answered with `AFTER_THE_SCRIPT` and counted in `overrun`.
        subagent_turns: The script of all subagents together; newer clients run them beside the main conversation.
        max_requests: How many POSTs are answered at all; each further one gets 400 and `x-should-retry: false`,
            so that a client that loops comes to an end.
    """

    def __init__(
        self, turns: Sequence[Turn] = (), *, subagent_turns: Sequence[Turn] = (), max_requests: int = 200
    ) -> None:
        self._script = _Script({MAIN: list(turns), SUBAGENT: list(subagent_turns)}, max_requests)
        self._server = _Server(self._script)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Request]:
        """Everything that was asked so far, in the order of arrival."""
        with self._script.lock:
            return list(self._script.requests)

    @property
    def main_requests(self) -> list[Request]:
        """The requests of the main conversation, in the order of arrival."""
        return [request for request in self.requests if request.kind == MAIN]

    @property
    def unplayed(self) -> int:
        """How many turns of the script, the subagents' included, nobody has asked for yet."""
        with self._script.lock:
            return sum(len(turns) for turns in self._script.turns.values())

    @property
    def overrun(self) -> int:
        """How many main requests came after the last turn."""
        with self._script.lock:
            return self._script.overrun

    @property
    def refused(self) -> int:
        """How many requests came after `max_requests`."""
        with self._script.lock:
            return self._script.refused

    def tool_results(self, kind: str = MAIN) -> list[ToolResult]:
        """List what a conversation was told about its tool calls, each once, in the order of the calls.

        Args:
            kind: `MAIN`, or `SUBAGENT` for all subagents together.
        """
        results: dict[str, ToolResult] = {}
        for request in self.requests:
            for result in tool_results(request.body) if request.kind == kind else ():
                results.setdefault(result.tool_use_id, result)
        return list(results.values())


class _Server(socketserver.ThreadingTCPServer):
    """Not `http.server`'s own class: its bind asks for the host's full name, which can take seconds offline."""

    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, script: _Script) -> None:
        self.script = script
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class
        """Note the connection before its thread starts, so that closing misses none."""
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the base class
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake the threads that wait on a kept-alive connection, so that closing can join them."""
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class
        """Say nothing of a client that hangs up in the middle; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _BodyError(ValueError):
    """A request body that cannot be read; `status` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep stderr for the program that uses the API."""

    def do_HEAD(self) -> None:
        self._record({}, SIDE)
        self._answer(200, "text/plain", b"")

    def do_GET(self) -> None:
        self._record({}, SIDE)
        if urlsplit(self.path).path == "/":
            self._answer(200, "text/plain", b"A scripted Messages API.\n")
        else:
            self._fail(Fail(404, "Only POST /v1/messages is served here."))

    def do_POST(self) -> None:
        try:
            body = _decoded(
                _read_body(self.rfile, self.headers.get("Transfer-Encoding"), self.headers.get("Content-Length"))
            )
        except _BodyError as error:
            self.close_connection = True
            self._record({}, SIDE)
            self._fail(Fail(error.status, str(error)))
            return
        path = urlsplit(self.path).path
        kind = request_kind(body) if path == "/v1/messages" else SIDE
        if not self._record(body, kind):
            self._fail(Fail(400, "The scripted API has answered as many requests as it may."))
        elif path == "/v1/messages":
            self._message(body, self._next_turn(kind))
        elif path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": 100})
        else:
            self._fail(Fail(404, "Only POST /v1/messages is served here."))

    def _record(self, body: dict[str, Any], kind: str) -> bool:
        """Keep the request; tell whether it is still within the limit."""
        script = self.server.script
        headers = {name.lower(): value for name, value in self.headers.items()}
        with script.lock:
            if len(script.requests) >= script.max_requests:
                script.refused += 1
                return False
            script.requests.append(Request(self.command, self.path, headers, body, kind))
            return True

    def _next_turn(self, kind: str) -> Turn:
        if kind not in (MAIN, SUBAGENT):
            return Say(SUMMARY_TEXT if kind == SUMMARY else "Scripted")
        script = self.server.script
        with script.lock:
            if script.turns[kind]:
                return script.turns[kind].pop(0)
            script.overrun += kind == MAIN
            return Say(AFTER_THE_SCRIPT)

    def _message(self, body: dict[str, Any], turn: Turn) -> None:
        if isinstance(turn, Fail):
            self._fail(turn)
            return
        with self.server.script.lock:
            self.server.script.messages += 1
            number = self.server.script.messages
        message = make_message(turn, model=str(body.get("model") or "claude-scripted"), number=number)
        if body.get("stream") is True:
            self._answer(200, "text/event-stream", encode_stream(message))
        else:
            self._json(200, message)

    def _fail(self, failure: Fail) -> None:
        kind = _ERROR_TYPES.get(failure.status, "api_error")
        content = {"type": "error", "error": {"type": kind, "message": failure.message}}
        self._json(failure.status, content, retry=failure.retry)

    def _json(self, status: int, content: dict[str, Any], *, retry: bool = False) -> None:
        self._answer(status, "application/json", json.dumps(content).encode(), retry=retry)

    def _answer(self, status: int, content_type: str, body: bytes, *, retry: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("request-id", "req_scripted")
        self.send_header("x-should-retry", "true" if retry else "false")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _read_body(source: BufferedIOBase, transfer_encoding: str | None, content_length: str | None) -> bytes:
    """Read a body of either framing.

    Raises:
        _BodyError: The framing is broken, or the body is larger than `MAX_BODY_BYTES`.
    """
    if (transfer_encoding or "").strip().lower() == "chunked":
        return b"".join(_chunks(source))
    text = (content_length or "0").strip()
    if not (text.isascii() and text.isdigit()):
        raise _BodyError(400, f"Content-Length is {text[:40]!r}, not a number.")
    if int(text) > MAX_BODY_BYTES:
        raise _BodyError(413, f"The body has {text[:40]} bytes, and {MAX_BODY_BYTES} is the most.")
    return _exactly(source, int(text))


def _chunks(source: BufferedIOBase) -> Iterator[bytes]:
    total = 0
    while True:
        size = _chunk_size(source.readline(MAX_LINE_BYTES))
        total += size
        if total > MAX_BODY_BYTES:
            raise _BodyError(413, f"The body has more than {MAX_BODY_BYTES} bytes.")
        if size == 0:
            break
        yield _exactly(source, size)
        _exactly(source, 2)  # the line end after each chunk
    while source.readline(MAX_LINE_BYTES).strip():  # trailers, up to an empty line
        continue


def _chunk_size(line: bytes) -> int:
    text = line.split(b";")[0].strip()
    if not text or any(digit not in b"0123456789abcdefABCDEF" for digit in text):
        raise _BodyError(400, f"A chunk begins with {line[:40]!r}, not with its size.")
    return int(text, 16)


def _exactly(source: BufferedIOBase, size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        raise _BodyError(400, f"The body ended after {len(data)} of {size} bytes.")
    return data


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data or b"{}")
    except ValueError as error:  # also bytes that are no text
        raise _BodyError(400, f"The body is not JSON ({error}).") from error
    if not isinstance(content, dict):
        raise _BodyError(400, "The body is not a JSON object.")
    return content
