"""What bytes did the sender mean? Undoes chunks and compression, and never takes more than it can hold.

A body can claim less than it holds, in length or after decompression; both are counted while they are read.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from skillway.collector.errors import RequestError

MAX_BODY_BYTES = 64 << 20
"""Most bytes of one request, before and after decompression; the limit that the OTLP specification recommends."""

_PIECE = 1 << 20
_MAX_CHUNK_LINE = 1024
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_GZIP = 16 + zlib.MAX_WBITS
_TOO_BIG = f"the body has more than {MAX_BODY_BYTES >> 20} MiB; send smaller batches"


class Stream(Protocol):
    """What is read from: a connection's file."""

    def read(self, size: int, /) -> bytes:
        """Give so many bytes, or fewer at the end."""

    def readline(self, size: int, /) -> bytes:
        """Give bytes to the end of the line, but no more than `size`."""


def read_body(stream: Stream, *, length: str | None, transfer: str) -> bytes:
    """Read a request's body from its connection.

    Args:
        stream: The connection, after the headers.
        length: The header Content-Length.
        transfer: The header Transfer-Encoding, or ''.

    Raises:
        RequestError: 400 when it is cut or its frame is broken, 411 without a length, 413 when it is too big,
            501 for another transfer encoding than chunked.
    """
    if transfer:
        if transfer.strip().lower() != "chunked":
            raise RequestError(
                501, f"the transfer encoding {transfer!r} is not known; send chunked or a Content-Length"
            )
        if length is not None:
            raise RequestError(400, "the request has both a Content-Length and chunks; send one of them")
        return _read_chunks(stream)
    if length is None:
        raise RequestError(411, "the request has no Content-Length and is not chunked")
    if not (length.isascii() and length.isdigit()):
        raise RequestError(400, f"the Content-Length {length!r} is no number")
    if int(length) > MAX_BODY_BYTES:
        raise RequestError(413, _TOO_BIG)
    return _read_exactly(stream, int(length))


def decompress(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Encoding.

    Raises:
        RequestError: 400 when the data is damaged or cut, 413 when it unpacks to too much, 415 for an encoding other
            than gzip, deflate and identity.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return data
    if name not in ("gzip", "deflate"):
        raise RequestError(415, f"the content encoding {encoding!r} is not known; send gzip or none")
    try:
        return _unpack(data, _GZIP if name == "gzip" else zlib.MAX_WBITS)
    except zlib.error as error:
        raise RequestError(400, f"the body is not {name}: {error}") from error


def _read_exactly(stream: Stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise RequestError(400, f"the body ended after {len(data)} of {count} bytes")
    return data


def _read_chunks(stream: Stream) -> bytes:
    parts = []
    taken = 0
    while size := _chunk_size(stream):
        taken += size
        if taken > MAX_BODY_BYTES:
            raise RequestError(413, _TOO_BIG)
        parts.append(_read_exactly(stream, size))
        if _read_exactly(stream, 2) != b"\r\n":
            raise RequestError(400, "a chunk is longer than it says")
    while stream.readline(_MAX_CHUNK_LINE) not in (b"\r\n", b"\n", b""):
        pass  # trailers
    return b"".join(parts)


def _chunk_size(stream: Stream) -> int:
    line = stream.readline(_MAX_CHUNK_LINE)
    size = line.split(b";")[0].strip()
    if not line.endswith(b"\n") or not size or size.strip(_HEX_DIGITS):
        raise RequestError(400, f"a chunk has the size {line[:20]!r}, which is no hexadecimal number")
    return int(size, 16)


def _unpack(data: bytes, window: int) -> bytes:
    parts = []
    taken = 0
    while data:  # gzip may be several members one after the other
        member = zlib.decompressobj(window)
        while not member.eof:
            part = member.decompress(data, _PIECE)
            data = member.unconsumed_tail
            taken += len(part)
            if taken > MAX_BODY_BYTES:
                raise RequestError(413, _TOO_BIG)
            if not part and not data and not member.eof:
                raise RequestError(400, "the compressed body is cut")
            parts.append(part)
        data = member.unused_data
    return b"".join(parts)
