"""What did Claude Code send? Reads stdin, JSON and the environment without the imports that cost milliseconds.

Leaves the meaning of a payload to the hook. `json` costs 6 ms at import on every tool call; its C scanner alone
costs 0.5 ms. The import of `json` stays as the way out where an interpreter has no C scanner.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import posix
    from typing import Any
else:
    try:
        import posix
    except ImportError:  # Windows has the same functions under another name, and fewer flags
        import nt as posix

MAX_BYTES = 64 << 20
"""More than this on stdin is no hook payload; it is not read to its end."""

SAFE_FLAGS = 0
"""Not inherited, never waiting for a FIFO's other end, no change of line ends: as far as the system knows them."""
for _flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOINHERIT", "O_BINARY"):
    SAFE_FLAGS |= getattr(posix, _flag, 0)

_CHUNK = 1 << 20
_HEX = "0123456789abcdef"
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FIRST_PRINTABLE = 0x20
_LAST_PRINTABLE = 0x7E
_FIRST_ASTRAL = 0x10000


class _Scanning:
    """The attributes that the C scanner asks its context for; the plain ones of `json.JSONDecoder`."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def parse_json(text: str) -> object:
    """Read one JSON value.

    Raises:
        Exception: The text is not JSON; which class depends on the interpreter.
    """
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text)
    text = text.strip()
    value, end = make_scanner(_Scanning)(text, 0)  # type: ignore[arg-type]
    if end != len(text):
        raise ValueError("something follows the JSON value")
    return value


def parse_member(text: str, name: str) -> object:
    """Read the value of one member of a JSON text, wherever in it the member is, and nothing else.

    Args:
        text: JSON, in which the name occurs as a member's once.
        name: In plain characters, as it stands between its quotes.

    Raises:
        Exception: There is no such member, or its value is not JSON.
    """
    key = '"' + name + '":'
    place = text.index(key) + len(key)
    while text[place] in " \t\r\n":
        place += 1
    try:
        from _json import make_scanner
    except ImportError:
        from json import JSONDecoder

        return JSONDecoder().raw_decode(text, place)[0]
    return make_scanner(_Scanning)(text, place)[0]  # type: ignore[arg-type]


def read_object(data: bytes) -> "dict[str, object]":
    """Read a JSON object; anything else, broken or of another kind, is an empty one."""
    try:
        value = parse_json(data.decode("utf-8", "replace"))
    except Exception:
        return {}
    return value if isinstance(value, dict) else {}


def read_file(path: str, limit: int = 1 << 20) -> bytes:
    """Read a small file; empty when it cannot be read or has more than `limit` bytes."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | SAFE_FLAGS)
    except (OSError, ValueError):  # ValueError: the path has a NUL in it
        return b""
    try:
        # As many bytes as there are: a buffer for a whole megabyte costs 20 us of page faults. 0 is no size but a device.
        size = posix.fstat(descriptor).st_size
        data = posix.read(descriptor, min(size or limit, limit) + 1)
    except OSError:
        data = b""
    posix.close(descriptor)
    return data if len(data) <= limit else b""


def read_stdin() -> bytes:
    """Read all of stdin; empty when there is none."""
    chunks = []
    size = 0
    try:
        while size <= MAX_BYTES:
            chunk = posix.read(0, _CHUNK)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
    except OSError:
        return b""
    return b"".join(chunks)


def write_all(descriptor: int, text: str) -> None:
    """Write text whole; a reader that has gone is none of a hook's business."""
    data = text.encode("utf-8", "replace")
    try:
        while data:
            data = data[posix.write(descriptor, data) :]
    except OSError:
        pass


def environment(name: str) -> str:
    """Give a variable of the environment; empty when it is not set."""
    variables: "dict[Any, Any]" = posix.environ
    value: "bytes | str" = variables.get(name.encode(), b"") or variables.get(name, b"")  # text on Windows
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def folder_of(file: str) -> str:
    """Give the folder that a module's file is in, with `/` on every system."""
    return (file.replace("\\", "/") if sys.platform == "win32" else file).rpartition("/")[0]


def string(payload: "dict[str, object]", key: str) -> str:
    """Give a payload's string; empty when the key is missing or of another type."""
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def quote_json(text: str) -> str:
    """Write a JSON string in ASCII, the same bytes as `json.dumps` makes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return '"' + text + '"'
    return '"' + "".join([_quote_character(character) for character in text]) + '"'


def _quote_character(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _FIRST_PRINTABLE <= code <= _LAST_PRINTABLE:
        return character
    if code == ord("\b"):
        return "\\b"
    if code == ord("\f"):
        return "\\f"
    if code < _FIRST_ASTRAL:
        return _quote_unit(code)
    code -= _FIRST_ASTRAL
    return _quote_unit(0xD800 + (code >> 10)) + _quote_unit(0xDC00 + (code & 0x3FF))


def _quote_unit(code: int) -> str:
    return "\\u" + _HEX[code >> 12] + _HEX[code >> 8 & 15] + _HEX[code >> 4 & 15] + _HEX[code & 15]
