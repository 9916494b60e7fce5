"""What does the receiver answer to an HTTP request? OTLP/HTTP 1.11.0 on `/v1/logs`, `/v1/metrics` and `/v1/traces`.

200 is sent after the rows are committed, and never before. What the sender did wrong is 4xx with one sentence in the
encoding of its request; what it may send again later is 503. Nothing a client does ends the receiver.

`http.server` is the base: a request carries hundreds of records, so that its cost per request does not show
(docs/adr/0018-one-writer-and-one-file.md).
"""

from __future__ import annotations

import hmac
import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from skillway.collector.body import decompress, read_body
from skillway.collector.decode import SIGNALS, Decoded, Encoding, decode
from skillway.collector.errors import RequestError, StoreError
from skillway.collector.otlp_json import JSON
from skillway.collector.otlp_protobuf import PROTOBUF
from skillway.collector.writer import Writer

MAX_CONNECTIONS = 200
IDLE_SECONDS = 30.0
"""A client that sends nothing for so long is let go; a slow one takes a thread, and no more than that."""

_ENCODINGS = {encoding.content_type: encoding for encoding in (JSON, PROTOBUF)}
_RETRY_SECONDS = 10
_BIG_BODY = 4 << 20
_DRAIN_BYTES = 8 << 20
_DRAIN_SECONDS = 2.0
_INVALID_ARGUMENT = 3  # google.rpc.Code
_RESPONSES: dict[str, tuple[Any, str, str]] = {
    "logs": (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
    "traces": (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
}


class Receiver(ThreadingHTTPServer):
    """An OTLP/HTTP receiver.

    Args:
        address: Host and port to listen on; port 0 takes a free one.
        writer: Where rows go.
        token: What senders must show as `Authorization: Bearer`, or None when everybody on the machine may send.

    Raises:
        OSError: The address cannot be listened on.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], writer: Writer, *, token: str | None = None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.writer = writer
        self.token = token
        self.requests = 0
        self.rejected = 0
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        # several bodies of 64 MiB unpacked at once would need gigabytes
        self.big_body = threading.Lock()
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        """Where senders send to, without `/v1/…`."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Serve one connection in a thread, or turn it away when there are too many."""
        if not self._free.acquire(blocking=False):
            request.settimeout(1)
            _send_and_close(
                request, b"HTTP/1.1 503 Busy\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Say nothing of a connection that broke: its sender knows, and sends again."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    server_version = "skillway-collector"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.server.requests += 1
        encoding = _ENCODINGS.get(self.headers.get_content_type())
        try:
            signal = self._signal()
            self._check_sender()
            encoding = self._encoding()
            found = self._receive(signal, encoding)
            self.server.writer.write(found.rows)
        except RequestError as error:
            self._refuse(error.status, error.message, encoding)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # nobody is there to be answered
        except StoreError as error:
            self._refuse(503, f"not stored: {error.message}", encoding)
        except Exception as error:  # noqa: BLE001 - this request's content did it; 503 would bring it back for ever
            self._refuse(400, f"the body cannot be stored: {error!r}", encoding)
        else:
            self.server.rejected += found.rejected
            self._answer(200, encoding.content_type, _response(signal, found, encoding))

    def do_GET(self) -> None:
        if self.path == "/healthz":
            counts = self.server.writer.counts
            told = {"service": self.server_version, "stored": counts.stored, "is_storing": counts.error is None}
            self._answer(200 if counts.error is None else 503, JSON.content_type, json.dumps(told).encode())
            return
        self._refuse(
            405 if self._is_ours() else 404, f"{self.path} takes POST only" if self._is_ours() else _places(), None
        )

    do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Keep quiet; counts are shown instead."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself refuses: broken request lines, too many or too long headers."""
        self.request_version = self.protocol_version  # of a broken line it is HTTP/0.9, which has no status
        self._refuse(int(code), message or explain or HTTPStatus(code).phrase, None)

    def _is_ours(self) -> bool:
        return self.path.partition("?")[0] in {f"/v1/{signal}" for signal in SIGNALS}

    def _signal(self) -> str:
        if not self._is_ours():
            raise RequestError(404, _places())
        return self.path.partition("?")[0].removeprefix("/v1/")

    def _encoding(self) -> Encoding:
        content_type = self.headers.get_content_type()
        if content_type not in _ENCODINGS:
            raise RequestError(415, f"the content type is {content_type!r}; send {' or '.join(_ENCODINGS)}")
        return _ENCODINGS[content_type]

    def _check_sender(self) -> None:
        token = self.server.token
        if token is None:
            return
        shown = self.headers.get("Authorization", "")
        if not hmac.compare_digest(shown.encode("utf-8", "replace"), f"Bearer {token}".encode()):
            raise RequestError(401, "the header Authorization does not carry this receiver's token")

    def _receive(self, signal: str, encoding: Encoding) -> Decoded:
        headers = self.headers
        data = read_body(
            self.rfile, length=headers.get("Content-Length"), transfer=headers.get("Transfer-Encoding", "")
        )
        compression = headers.get("Content-Encoding", "")
        if len(data) < _BIG_BODY and not compression:
            return decode(signal, data, encoding)
        unpacked = decompress(data, compression)
        if len(unpacked) < _BIG_BODY:
            return decode(signal, unpacked, encoding)
        with self.server.big_body:
            return decode(signal, unpacked, encoding)

    def _refuse(self, status: int, message: str, encoding: Encoding | None) -> None:
        self.close_connection = True  # what is left of its body would be read as the next request
        content_type = encoding.content_type if encoding else JSON.content_type
        if encoding is PROTOBUF:
            body = Status(code=_INVALID_ARGUMENT, message=message).SerializeToString()
        else:
            body = json.dumps({"code": _INVALID_ARGUMENT, "message": message}).encode()
        self._answer(status, content_type, body)
        _drain(self.connection)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", str(_RETRY_SECONDS))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "POST")
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _response(signal: str, found: Decoded, encoding: Encoding) -> bytes:
    kind, field, name = _RESPONSES[signal]
    if encoding is JSON:
        told = {"partialSuccess": {name: str(found.rejected), "errorMessage": found.reason}} if found.rejected else {}
        return json.dumps(told).encode()
    response = kind()
    if found.rejected:
        setattr(response.partial_success, field, found.rejected)
        response.partial_success.error_message = found.reason
    return bytes(response.SerializeToString())


def _places() -> str:
    return "this receiver knows " + ", ".join(f"/v1/{signal}" for signal in SIGNALS)


def _send_and_close(connection: socket.socket, answer: bytes) -> None:
    try:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    connection.close()


def _drain(connection: socket.socket) -> None:
    """Read some of what is still coming: a connection closed with bytes unread takes the answer with it (RST)."""
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_DRAIN_SECONDS)
        left = _DRAIN_BYTES
        while left > 0:
            part = connection.recv(1 << 16)
            if not part:
                return
            left -= len(part)
    except OSError:
        return
