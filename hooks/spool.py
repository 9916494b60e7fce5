r"""How is one telemetry record kept on disk until it is sent, whoever else writes at the same time?

The only writer of the spool. What may stand in a record is `events.json`, next to this file; whoever sends the
records checks them against the same list. Leaves sending, claiming and deleting to the flusher, which renames
`events.jsonl` away, takes LOCK_EX on it and then reads. Nothing here raises and nothing here waits.

A record is `\n{json}\n` in one write. The leading newline is not for beauty: a writer that was killed leaves a
torn line, and without it the next record would be glued to that line and lost too.
"""

import sys
from time import time_ns

from payload import (
    SAFE_FLAGS,
    environment,
    folder_of,
    parse_member,
    posix,
    quote_json,
    read_file,
    read_object,
    string,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ALLOW_LIST = "events.json"
SCHEMA = 1
"""Version of `events.json` and of the record's frame."""

MAX_RECORD_BYTES = 4096
"""A longer record is dropped: longer writes tear more often, and nothing allow-listed needs more."""

MAX_SPOOL_BYTES = 10 << 20

_MAX_COUNTER_BYTES = 1 << 20
_ATTEMPTS = 4
_BIGGEST_NUMBER = 1 << 53
_DIRECTORY = 0o040000
_REGULAR = 0o100000
_KIND = 0o170000
_OTHERS = 0o077
_LOCK_SHARED_AT_ONCE = 1 | 4
"""LOCK_SH | LOCK_NB of flock(2), the same numbers on Linux and macOS."""

_segments: "dict[int, str]" = {}
"""From process id to its segment; by id, because a forked child must not write to its parent's."""


def is_off() -> bool:
    """Tell whether nothing may be recorded; asked before any file of the user's is touched."""
    return opted_out() and not _is_always()


def opted_out() -> bool:
    """Tell whether the user or the environment wants no telemetry."""
    return environment("DO_NOT_TRACK") not in ("", "0") or environment("SKILLWAY_TELEMETRY") == "0"


def _is_always() -> bool:
    """Tell whether the organisation's policy overrides that; read only when somebody opted out."""
    root = root_folder()
    return bool(root) and read_object(read_file(root + "/telemetry.json")).get("always") is True


def root_folder() -> str:
    """Find the laptop's root from this file's place in the store; empty outside of a store."""
    parts = folder_of(__file__).rsplit("/", 4)
    return parts[0] if len(parts) == 5 and parts[1] == "store" else ""  # noqa: PLR2004 - <root>/store/<plugin>/<digest>/hooks


def user_hash() -> "str | None":
    """Read the pseudonym that sync wrote for this user: {"schema": 1, "user.hash": hex, ...}; None until it did."""
    state = state_folder()
    data = read_file(state + "/user.json", 4096) if state else b""
    return (string(read_object(data), "user.hash") or None) if data else None


def state_folder() -> str:
    """Give the user's state folder; empty when there is no home to have one in."""
    if sys.platform == "win32":
        local = environment("LOCALAPPDATA").replace("\\", "/")
        return local + "/skillway-state" if local else ""
    home = environment("HOME")
    if not home.startswith("/"):
        return ""
    if sys.platform == "darwin":
        return home + "/Library/Application Support/skillway-state"
    xdg = environment("XDG_STATE_HOME")
    return (xdg if xdg.startswith("/") else home + "/.local/state") + "/skillway"


def append(name: str, attributes: "dict[str, object]") -> bool:
    """Keep one record of the event `name`.

    Args:
        name: An event of `events.json`; another one is dropped.
        attributes: From attribute name to value. None means absent; what the list does not allow is left out.

    Returns:
        Whether the whole record is on disk.
    """
    if is_off():
        return False
    state = state_folder()
    record = render_record(name, attributes)
    if not state or not record:
        return False
    try:
        return _keep(state, record)
    except OSError:
        return False


def render_record(name: str, attributes: "dict[str, object]") -> bytes:
    """Make a record's bytes with its frame; empty when the event is not listed or the record is too long."""
    event, common, characters = _allow_list(name)
    if event is None:
        return b""
    fields = []
    dropped = 0
    for key, value in attributes.items():
        if value is None:
            continue
        rule = event["attributes"].get(key) or common.get(key)
        text = _allowed(value, rule, characters) if rule else ""
        if text:
            fields.append(quote_json(key) + ":" + text)
        else:
            dropped += 1
    head = '{"v":%d,"id":"%s","ts":%d,"name":%s,' % (SCHEMA, _random(16), time_ns(), quote_json(name))
    if dropped:
        head += '"dropped":%d,' % dropped
    record = ("\n" + head + '"attributes":{' + ",".join(fields) + "}}\n").encode()
    return record if len(record) <= MAX_RECORD_BYTES else b""


def _allow_list(name: str) -> "tuple[dict[str, Any] | None, dict[str, Any], dict[str, str]]":
    """Give one event's rules, those of every event, and the sets of characters; None without such an event.

    Only these three values of the list are parsed: all of it takes 43 us, which is a hook's whole allowance, and
    these 8. A quoted name with its colon cannot stand inside of a string, and a test keeps the names apart.
    """
    try:
        text = read_file(folder_of(__file__) + "/" + ALLOW_LIST).decode()
        event = parse_member(text, name)
        common = parse_member(text, "common")
        characters = parse_member(text, "characters")
    except Exception:
        return None, {}, {}
    if isinstance(event, dict) and isinstance(common, dict) and isinstance(characters, dict):
        return event, common, characters
    return None, {}, {}


def _random(count: int) -> str:
    return posix.urandom(count).hex()


def _allowed(value: object, rule: "dict[str, Any]", characters: "dict[str, str]") -> str:
    """Write a value as JSON, or empty when its rule does not allow it."""
    kind = rule["type"]
    if isinstance(value, bool):
        return ("true" if value else "false") if kind == "boolean" else ""
    if isinstance(value, (int, float)):
        is_kind = kind == "number" or (kind == "integer" and isinstance(value, int))
        return repr(value) if is_kind and rule.get("min", 0) <= value <= _BIGGEST_NUMBER else ""
    if isinstance(value, list):
        return _allowed_list(value, rule, characters) if kind == "list" else ""
    if not isinstance(value, str) or not value:
        return ""
    if kind == "enum":
        return quote_json(value) if value in rule["values"] else ""
    # strip() with a set of characters leaves nothing of a string exactly when all of it is in the set.
    is_allowed = kind == "string" and len(value) <= rule["max"] and not value.strip(characters[rule["characters"]])
    return quote_json(value) if is_allowed else ""


def _allowed_list(values: "list[object]", rule: "dict[str, Any]", characters: "dict[str, str]") -> str:
    """Write a list of strings, all or nothing: a list with a gap would be read as whole."""
    text_rule = {"type": "string", "max": rule["max"], "characters": rule["characters"]}
    texts = [_allowed(value, text_rule, characters) if isinstance(value, str) else "" for value in values]
    return "[" + ",".join(texts) + "]" if texts and all(texts) and len(texts) <= rule["max_items"] else ""


def _keep(state: str, record: bytes) -> bool:
    spool = state + "/spool"
    if not own_folder(state) or not own_folder(spool):
        return False
    if environment("SKILLWAY_SPOOL_MODE") == "segment":
        return _append_segment(spool, record)
    try:
        from fcntl import flock
    except ImportError:
        return _append_segment(spool, record)
    return _append_shared(spool, record, flock)


def own_folder(path: str) -> bool:
    """Make sure that a folder is a real one, the user's own, and closed to others."""
    try:
        status = posix.lstat(path)
    except FileNotFoundError:
        _make_folders(path)
        status = posix.lstat(path)
    if status.st_mode & _KIND != _DIRECTORY or not _is_own(status):
        return False
    if status.st_mode & _OTHERS and sys.platform != "win32":
        posix.chmod(path, 0o700)
    return True


def _is_own(status: "posix.stat_result") -> bool:
    """Tell whether a file is the user's own; Windows has no such number, and its profile folder is closed to others."""
    return not hasattr(posix, "geteuid") or status.st_uid == posix.geteuid()


def _make_folders(path: str) -> None:
    parent = path.rpartition("/")[0]
    if parent:
        try:
            posix.stat(parent)
        except FileNotFoundError:
            _make_folders(parent)
    try:
        posix.mkdir(path, 0o700)
    except FileExistsError:
        return


def open_own(path: str, flags: int = 0) -> int:
    """Open a regular file of the user's own for appending; -1 when it is anything else.

    No waiting keeps a FIFO that somebody put there from holding the hook for ever.
    """
    flags |= posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT | SAFE_FLAGS | getattr(posix, "O_NOFOLLOW", 0)
    descriptor = posix.open(path, flags, 0o600)
    status = posix.fstat(descriptor)
    if status.st_mode & _KIND == _REGULAR and _is_own(status) and status.st_nlink <= 1:
        return descriptor
    posix.close(descriptor)
    return -1


def _append_shared(spool: str, record: bytes, flock: "Callable[[int, int], None]") -> bool:
    """Append to the one active file, unless the flusher has taken it away between open and lock."""
    path = spool + "/events.jsonl"
    for _ in range(_ATTEMPTS):
        descriptor = open_own(path)
        if descriptor < 0:
            return False
        try:
            flock(descriptor, _LOCK_SHARED_AT_ONCE)
            opened = posix.fstat(descriptor)
            named = posix.stat(path)
            if (opened.st_ino, opened.st_dev) == (named.st_ino, named.st_dev):
                return _write(spool, descriptor, record, opened.st_size)
        except (BlockingIOError, FileNotFoundError):
            continue
        finally:
            posix.close(descriptor)
    # Somebody keeps the file locked in its place, which the flusher never does.
    return _append_segment(spool, record)


def _append_segment(spool: str, record: bytes) -> bool:
    """Write to a file of this process's own: for systems whose append or locks cannot be trusted (NFS, Windows).

    The flusher takes only segments that nobody has written to for some seconds; there is no lock to tell it more.
    """
    path = _segments.get(posix.getpid())
    if path is None:
        if _folder_bytes(spool) + len(record) > MAX_SPOOL_BYTES:
            _count_drop(spool, "full")
            return False
        path = f"{spool}/{time_ns()}-{posix.getpid()}-{_random(4)}.jsonl"
        _segments[posix.getpid()] = path
    descriptor = open_own(path)
    if descriptor < 0:
        return False
    try:
        return _write(spool, descriptor, record, posix.fstat(descriptor).st_size)
    finally:
        posix.close(descriptor)


def _folder_bytes(folder: str) -> int:
    taken = 0
    for name in posix.listdir(folder):
        try:
            taken += posix.lstat(folder + "/" + name).st_size
        except FileNotFoundError:
            continue
    return taken


def _write(spool: str, descriptor: int, record: bytes, size: int) -> bool:
    if size + len(record) > MAX_SPOOL_BYTES:
        _count_drop(spool, "full")
        return False
    try:
        written = posix.write(descriptor, record)
    except OSError:
        written = 0
    # All but the last newline is whole: the next record's leading one ends the line.
    if written >= len(record) - 1:
        return True
    _count_drop(spool, "short_write")
    return False


def _count_drop(spool: str, reason: str) -> None:
    """Add one byte to the reason's counter file: its size is the count, and appending needs no reading."""
    try:
        descriptor = open_own(spool + "/dropped." + reason)
        if descriptor >= 0:
            if posix.fstat(descriptor).st_size < _MAX_COUNTER_BYTES:
                posix.write(descriptor, b".")
            posix.close(descriptor)
    except OSError:
        pass
