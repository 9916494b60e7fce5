"""Can a run end at once, because nothing can have changed? The answer costs two `lstat` per kept file and no import.

The last full run left what it knew: stamps of every file and folder of the store, of the pointers and of the
configuration, and the verified bytes of timestamp.json. While all of them are as they were, the store still gives
the same bytes and has no newer root, nothing has expired and no daily check is due, the full run would find
nothing either. Any doubt, any option that is not known here and any error leads to the full run.
"""

# This module is imported before anything else, and alone on most runs: os, sys, marshal and time are there already
# when Python has started; pathlib, json, argparse or typing would each double the time of a run.
# ruff: noqa: PTH116, PTH118, PTH120, PTH123, PTH100

from __future__ import annotations

import binascii
import marshal
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # the name alone tells type checkers; typing itself is not imported
    from typing import Any

NOOP_FILE = "noop"
INDEX_FILE = "index"
FORMAT = 2
ROOTS = {"linux": "/opt/skillway", "darwin": "/Library/Application Support/skillway"}
"""As in `layout`, which is not imported here; a test compares them."""
HTTP_SECONDS = 3.0
_SEAL = b"skillway\n"
_MOST_BYTES = 64 * 1024
_VALUE_OPTIONS = frozenset({"--root", "--config", "--home"})
_FLAGS = frozenset({"--system", "--user", "--json", "--image", "--quiet"})


def answer_without_change(argv: list[str]) -> str | None:
    """Say what a run without changes says, when it can be known that this run would make none.

    Args:
        argv: The arguments after the program's name.

    Returns:
        The text for stdout, or None when the full run has to find out.
    """
    try:
        options = read_plain_run(argv)
        if options is None:
            return None
        root = _root(options)
        state = _load(os.path.join(root, "state", NOOP_FILE)) if root else None
        if root is None or state is None or not _is_for(state, options) or not _is_unchanged(root, state):
            return None
        if options["--json"]:
            return str(state["json"])
        return "" if options["--quiet"] else str(state["text"])
    except Exception:  # noqa: BLE001 - whatever it is, the full run meets it again and reports it
        return None


def read_plain_run(argv: list[str]) -> dict[str, Any] | None:
    """Read a `run` that has no options but the usual ones: from option to value; None for any other command line."""
    if not argv or argv[0] != "run":
        return None
    options: dict[str, Any] = dict.fromkeys(_VALUE_OPTIONS)
    options.update(dict.fromkeys(_FLAGS, False))
    options["--home"] = []
    rest = iter(argv[1:])
    for word in rest:
        if word in _VALUE_OPTIONS:
            value = next(rest, None)
            if value is None:
                return None
            if word == "--home":
                options[word].append(value)
            else:
                options[word] = value
        elif word in _FLAGS:
            options[word] = True
        else:
            return None
    return options


def _root(options: dict[str, Any]) -> str | None:
    if options["--user"]:
        return None if options["--system"] or options["--root"] else _user_root(options)
    place = ROOTS.get(sys.platform)
    if place is None or options["--root"] is None:
        return place
    return os.path.join(os.path.abspath(options["--root"]), place.lstrip("/"))


def _user_root(options: dict[str, Any]) -> str | None:
    homes = options["--home"]
    home = homes[0] if homes else os.environ.get("HOME")
    if not home or len(homes) > 1:
        return None
    if sys.platform == "darwin":
        return os.path.join(home, "Library/Application Support/skillway")
    return os.path.join(os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local/share"), "skillway")


def _load(path: str) -> dict[str, Any] | None:
    with open(path, "rb", buffering=0) as stream:
        # Written by this program, in a folder that only its own user may write to.
        if sys.platform != "win32" and os.fstat(stream.fileno()).st_uid not in (0, os.geteuid()):
            return None
        content = unseal(stream.read())
    return content if content["format"] == FORMAT else None


def seal(content: Any) -> bytes:  # noqa: ANN401 - whatever marshal takes
    """Encode what only this program reads, so that `unseal` knows it again."""
    data = marshal.dumps(content)
    return _SEAL + binascii.crc32(data).to_bytes(4, "big") + data


def unseal(data: bytes) -> Any:  # noqa: ANN401 - whatever was sealed
    """Decode what `seal` made.

    Raises:
        ValueError: It is damaged. `marshal` alone takes any bytes for what they say, such as a list of a billion
            items, and asks for the room before it looks for the items.
    """
    head, body = data[: len(_SEAL) + 4], data[len(_SEAL) + 4 :]
    if head != _SEAL + binascii.crc32(body).to_bytes(4, "big"):
        raise ValueError("damaged")
    return marshal.loads(body)  # noqa: S302 - whole, and written by this program


def signature(options: dict[str, Any], program: list[Any]) -> list[Any]:
    """Name what a run was asked to do, and by which program: another question needs another answer."""
    homes = [os.path.abspath(home) for home in options["--home"]]
    config = os.path.abspath(options["--config"]) if options["--config"] else ""
    return [bool(options["--user"]), bool(options["--image"]), homes, config, program, sys.version]


def _is_for(state: dict[str, Any], options: dict[str, Any]) -> bool:
    return bool(state["signature"] == signature(options, program_stamp()))


def program_stamp() -> list[Any]:
    """Give a stamp of this program's folder, so that an updated one looks at everything itself."""
    folder = os.path.dirname(os.path.abspath(__file__))
    seen = os.stat(folder)
    return [folder, seen.st_mtime_ns]


def _is_unchanged(root: str, state: dict[str, Any]) -> bool:
    now = time.time()
    if not state["checked_at"] - 60 <= now < min(state["check_before"], state["expires"]):
        return False
    if state["boot"] != _boot_id():
        return False
    return _places_unchanged(state["places"]) and _store_says_the_same(state) and store_unchanged(root)


def _boot_id() -> str:
    if sys.platform != "linux":
        return ""
    with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as stream:
        return stream.read().strip().decode()


def _places_unchanged(places: list[tuple[str, Any]]) -> bool:
    return all(place_stamp(path) == stamp for path, stamp in places)


def place_stamp(path: str) -> tuple[int, int, int, int, int] | None:
    """Give what is remembered of one file outside the store, links followed; None when it is not there."""
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino)


def store_unchanged(root: str) -> bool:
    """Tell whether every file and folder of the store has the stamp that the index knows."""
    content = _load(os.path.join(root, "state", INDEX_FILE))
    if content is None:
        return False
    os.chdir(os.path.join(root, "store"))
    lstat = os.lstat
    for _, known in content["folders"].values():
        paths, stamps = marshal.loads(known)  # noqa: S302 - as _load
        for path, stamp in zip(paths, stamps):  # noqa: B905 - made together, of one length
            seen = lstat(path)
            if (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_mode, seen.st_ino) != stamp:
                return False
    return True


def _store_says_the_same(state: dict[str, Any]) -> bool:
    store = state["store"]
    names = ("metadata/timestamp.json", "metadata/%d.root.json" % (state["root_version"] + 1))  # noqa: UP031 - no format machinery
    if store.startswith("file:///") and "%" not in store:
        folder = store[len("file://") :]
        with open(os.path.join(folder, names[0]), "rb", buffering=0) as stream:
            same = stream.read() == state["timestamp"]
        return same and not os.path.lexists(os.path.join(folder, names[1]))
    if store.startswith(("http://", "https://")) and not _has_proxy():
        return _server_says_the_same(store, names, state["timestamp"])
    return False


def _has_proxy() -> bool:
    return any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ)


def _server_says_the_same(store: str, names: tuple[str, str], timestamp: bytes) -> bool:
    import http.client

    scheme, _, rest = store.partition("://")
    host, _, path = rest.partition("/")
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, timeout=HTTP_SECONDS)
    with _Alarm():
        for name, wanted in ((names[0], 200), (names[1], 404)):
            connection.request(
                "GET", "/" + (path + "/" if path else "") + name, headers={"User-Agent": "skillway-sync"}
            )
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
            if response.status != wanted or (wanted == 200 and body != timestamp):  # noqa: PLR2004 - HTTP statuses
                return False
        connection.close()
    return True


class _Alarm:
    """Ends a wait for a server that drips its answer; the full run has better limits, and names the fault."""

    def __enter__(self) -> None:
        import signal

        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, 2 * HTTP_SECONDS)

    def __exit__(self, *_: object) -> None:
        import signal

        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @staticmethod
    def _ring(*_: object) -> None:
        raise TimeoutError
