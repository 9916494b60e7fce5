"""How does the CLI send this user's spool? The hooks' own flusher, with another encoder and another transport.

A program that `spool_sender` starts. It puts the hooks' folder first on the path, as the hooks have it, and replaces in
the flusher what writes a request (protobuf for JSON) and what carries it (httpx for http.client). Which files are claimed,
what the journal says, what an answer means and how long to wait stays the hooks' one implementation. Standing apart keeps
the hooks' flat module names out of skillway's own process.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import ssl
import sys
import time
import zlib
from typing import Any

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from skillway.telemetry import encoding

MAX_KNOWN = 10_000
MAX_BODY = 64 << 10
GZIP_LEVEL = 1
"""Half the time of the laptops' level 4 for a fifth more bytes; few machines send this way."""
REQUEST_S = 10.0
"""Longest time for one request, in seconds."""
_ONCE = "tool_use_id"
"""The text that no two events share; remembering it would only push others out."""


def make_reader(records: Any) -> type:  # noqa: ANN401 - a module of the hooks
    """Make a reader that gives records in protobuf.

    Args:
        records: The hooks' `flush_records`; its own reader still decides what of a record may leave, and how a value
            is written. What it wrote once is encoded once: most texts come again and again.
    """

    class ProtobufReader(records.Reader):  # type: ignore[misc]
        """Reads as its base does; `text` of its records is protobuf."""

        def __init__(self, lists: dict[str, Any]) -> None:
            super().__init__(lists)
            self._known: dict[tuple[str, type], dict[tuple[str, object], bytes]] = {}
            written = {"key": "skillway.schema.version", "value": {"intValue": str(lists["schema"])}}
            self._version = encoding.attribute_field(json.dumps(written))

        def _record(self, name: str, uid: str, ts: int, attributes: object, rules: dict[str, Any], size: int) -> Any:  # noqa: ANN401 - as above
            values = attributes if isinstance(attributes, dict) else {}
            # By type too: as keys of a mapping 1, 1.0 and True would be the same.
            texts, flags = self._known.setdefault((name, str), {}), self._known.setdefault((name, bool), {})
            fields = [encoding.uid_field(uid), self._version]
            for item in values.items():
                kind = type(item[1])
                known = texts if kind is str else flags if kind is bool else None
                field = None if known is None else known.get(item)
                fields.append(self._encode(known, item, rules) if field is None else field)
            unknown = fields.count(b"")
            if "skillway.sample.weight" in values:
                fields.append(self._field("sampleRate", values["skillway.sample.weight"], records._SAMPLE_RATE))  # noqa: SLF001 - the hooks' one rule for it
            head = encoding.record_head(name, records._severity(values))  # noqa: SLF001 - as above
            return records.Record(name, ts, encoding.log_record(ts, head, fields), size, unknown)

        def _encode(
            self, known: dict[tuple[str, object], bytes] | None, item: tuple[str, object], rules: dict[str, Any]
        ) -> bytes:
            key, value = item
            field = self._field(key, value, rules)
            if known is not None and key != _ONCE:
                if len(known) >= MAX_KNOWN:
                    known.clear()
                known[item] = field
            return field

        def _field(self, key: str, value: object, rules: dict[str, Any]) -> bytes:
            written = self._part(key, value, rules)
            return encoding.attribute_field(written) if written else b""

    return ProtobufReader


class HttpxSender:
    """Posts batches to one URL, as the flusher's own sender does.

    Args:
        config: The flusher's configuration: URL, headers and certificates.
        deadline: When the run must be over, on the monotonic clock.
    """

    def __init__(self, config: Any, deadline: float) -> None:  # noqa: ANN401 - a class of the hooks
        self._http = importlib.import_module("flush_http")
        self._answer = importlib.import_module("flush_answer").Answer
        self._deadline = deadline
        self._url = config.url
        self._headers = {
            **config.headers,
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "User-Agent": "skillway",
        }
        self._client = httpx.Client(verify=_trust(config), follow_redirects=False)

    def seconds_left(self) -> float:
        """Give the seconds until the run must be over."""
        return self._deadline - time.monotonic()

    def post(self, body: bytes) -> Any:  # noqa: ANN401 - a class of the hooks
        """Send one body, compressed; whatever goes wrong is in the answer."""
        limit = max(0.1, min(REQUEST_S, self.seconds_left()))
        try:
            with self._http._Alarm(limit):  # noqa: SLF001 - httpx has no limit for a request as a whole
                return self._exchange(compress(body), limit)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            fault = "tls" if _is_about_trust(error) else "connection"
            return self._answer(0, {}, fault=fault, detail=type(error).__name__)

    def _exchange(self, data: bytes, limit: float) -> Any:  # noqa: ANN401 - a class of the hooks
        with self._client.stream("POST", self._url, content=data, headers=self._headers, timeout=limit) as response:
            body = b""
            for chunk in response.iter_raw(MAX_BODY):
                body += chunk
                if len(body) >= MAX_BODY:
                    break
            headers = {name.lower(): value for name, value in response.headers.items()}
            return self._answer(response.status_code, headers, _as_json(headers, body[:MAX_BODY]))

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()


def compress(body: bytes) -> bytes:
    """Compress as gzip without a time in it, so that equal batches are equal bytes."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _trust(config: Any) -> ssl.SSLContext | bool:  # noqa: ANN401 - a class of the hooks
    """Trust what the system trusts, SSL_CERT_FILE and the configuration's authorities; made only where it is used."""
    if not config.url.startswith("https:"):
        return False
    context = ssl.create_default_context()
    if config.ca_file:
        context.load_verify_locations(cafile=config.ca_file)
    return context


def _is_about_trust(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _as_json(headers: dict[str, str], body: bytes) -> bytes:
    """Write an answer in protobuf as the JSON that the flusher's rules read."""
    if not body or not headers.get("content-type", "").startswith("application/x-protobuf"):
        return body
    try:
        partial = ExportLogsServiceResponse.FromString(body).partial_success
    except DecodeError:
        return body
    return json.dumps({"partialSuccess": {"rejectedLogRecords": str(partial.rejected_log_records)}}).encode()


def run(hooks: str, document: dict[str, Any], version: str | None) -> None:
    """Run the flusher once with our encoder and transport; ends the process.

    Args:
        hooks: The folder with the flusher's modules.
        document: What telemetry.json would say.
        version: The base plugin's, for the resource; None when it is not known.
    """
    gc.disable()  # one pass over records that refer to nothing: collecting costs a twentieth and frees nothing
    sys.path.insert(0, hooks)
    config: Any = importlib.import_module("flush_config")
    wanted = config.Config(document)
    config.load_config = lambda: wanted
    describe = config.resource_attributes
    config.resource_attributes = lambda each: {**describe(each), "service.version": version}
    state: Any = importlib.import_module("flush_state")
    # A person asked for it, or a command that knows: no back-off.
    state.State.is_waiting = lambda *_: False
    if os.environ.get("SKILLWAY_TELEMETRY_DEBUG") != "1":  # what is printed is for people, so it stays JSON
        _swap()
    importlib.import_module("flush_run").main()


def _swap() -> None:
    records: Any = importlib.import_module("flush_records")

    def request_body(batch: list[Any], resource: str, now_ns: int) -> bytes:
        texts = [record.text for record in sorted(batch, key=lambda record: record.ts)]
        return encoding.logs_request(texts, resource, records.SCOPE, now_ns)

    records.Reader, records.request_body = make_reader(records), request_body
    transport: Any = importlib.import_module("flush_http")
    transport.Sender = HttpxSender


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    run(asked["hooks"], asked["telemetry"], asked["version"])
