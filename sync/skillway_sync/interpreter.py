"""Which Python runs the hooks on this laptop, and what is its byte code for them?

A hook never calls a bare `python3`: what that finds differs by user and moment, Apple's /usr/bin/python3 opens a
dialog when the developer tools are missing, and a pyenv shim costs 30 ms and the user's own choice. So one
absolute path is found here and recorded. Writing it down and placing the byte code belongs to the engine.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from skillway_sync.errors import SelfTestError
from skillway_sync.layout import SYSTEM, Layout
from skillway_sync.privilege import closed_to_others, run_unprivileged

OLDEST = (3, 9)
_PROBE_SECONDS = 10.0
_COMPILE_SECONDS = 60.0
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}
_FIX = (
    "Put the packaged interpreter beside config.json (docs/guides/it.md), install a Python, 3.9 or newer, that every "
    'user may run, or set "interpreter" in config.json to the absolute path of one.'
)

_LINUX = ("/usr/bin/python3", "/usr/local/bin/python3")
_NUMBERED = tuple(
    f"{folder}/python3.{minor}" for folder in ("/usr/bin", "/usr/local/bin") for minor in range(14, 8, -1)
)
# Those that belong to root come first: Homebrew's belongs to whoever installed it.
_MACOS = (
    "/Library/Frameworks/Python.framework/Versions/Current/bin/python3",
    "/Library/ManagedFrameworks/Python/Python3.framework/Versions/Current/bin/python3",
    "/Library/Developer/CommandLineTools/usr/bin/python3",
    "/Applications/Xcode.app/Contents/Developer/usr/bin/python3",
    "/opt/homebrew/bin/python3",
    "/usr/local/bin/python3",
)
_WINDOWS = tuple(f"C:/Program Files/Python3{minor}/python.exe" for minor in range(14, 8, -1))

# No f-string and nothing newer than 3.6 in it, so that an old interpreter can still say how old it is.
_PROBE = """\
import importlib.util, json, sys
json.dump({"version": list(sys.version_info[:3]), "executable": sys.executable, "tag": sys.implementation.cache_tag,
    "magic": list(importlib.util.MAGIC_NUMBER)}, sys.stdout)
"""

_COMPILE = """\
import base64, importlib.util, json, marshal, os, sys
answer = []
for name, filename, text in json.load(sys.stdin):
    source = base64.b64decode(text)
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        answer.append([name, None, "line %s: %s" % (error.lineno, error.msg)])
        continue
    except Exception as error:
        answer.append([name, None, repr(error)])
        continue
    cached = os.path.basename(importlib.util.cache_from_source(filename))
    # PEP 552, flags 0b01: named by the hash of its source, and never compared with it (store files do not change).
    data = importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0" + importlib.util.source_hash(source) + marshal.dumps(code)
    answer.append([name, cached, base64.b64encode(data).decode()])
json.dump(answer, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that answered: `tag` names its byte code's files (cpython-311), `magic` starts them."""

    path: str
    version: tuple[int, ...]
    tag: str
    magic: bytes


def find_interpreter(layout: Layout, configured: str | None) -> str:
    """Find the Python that hooks run with.

    Args:
        layout: In system scope every user must be able to run it. Below a laptop root that is only tried out,
            one that is open to this user alone is taken when there is no other.
        configured: The path that IT wishes, tried first; a wrong one does not stop the search, because safety
            on the laptop is worth more than the wish (`doctor` reports it).

    Returns:
        Its absolute path, as stable as the operating system offers it (`/usr/bin/python3`, not what it links to).

    Raises:
        SelfTestError: None fits; the message lists each one tried with the reason.
    """
    candidates = _candidates(configured)
    for_all = layout.scope == SYSTEM
    tried: list[str] = []
    for path in candidates:
        fault = interpreter_fault(path, for_all=for_all)
        if fault is None:
            return str(path)
        tried.append(f"{path} {fault}")
    if for_all and layout.prefix is not None and not layout.image:
        for path in candidates:
            if interpreter_fault(path, for_all=False) is None:
                return str(path)
    raise SelfTestError(f"No interpreter for hooks was found: {'; '.join(tried)}.", fix=_FIX)


def _candidates(configured: str | None) -> list[Path]:
    listed = {"darwin": _MACOS, "win32": _WINDOWS}.get(sys.platform, _LINUX + _NUMBERED)
    paths = [Path(configured)] if configured else []
    paths.extend(Path(path) for path in listed if Path(path).exists())
    if not getattr(sys, "frozen", False) and not _is_packaged():
        paths.append(Path(getattr(sys, "_base_executable", None) or sys.executable))
    # A virtualenv goes with its project; what it was made from stays.
    return list(dict.fromkeys(_base_of_virtualenv(path) or path for path in paths))


def _is_packaged() -> bool:
    """Tell whether this program runs from IT's packaged interpreter: hooks get a copy of it, which is looked after."""
    from skillway_sync.packaged import MANIFEST_FILE

    return (Path(sys.base_prefix) / MANIFEST_FILE).is_file()


def _base_of_virtualenv(path: Path) -> Path | None:
    for folder in (path.parent, path.parent.parent):
        try:
            lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, home = line.partition("=")
            if key.strip() == "home" and home.strip():
                named = Path(home.strip()) / path.name
                return named if named.exists() else Path(home.strip()) / "python3"
    return None


def interpreter_fault(path: Path, *, for_all: bool) -> str | None:
    """Say why a Python cannot run the hooks, or None when it can.

    Args:
        path: The absolute path to be recorded.
        for_all: Whether every user of the laptop must be able to run it.
    """
    fault = _fault_by_look(path, for_all=for_all)
    if fault:
        return fault
    found = probe_interpreter(path)
    if isinstance(found, str):
        return found
    if found.version[:2] < OLDEST:
        return f"is Python {'.'.join(map(str, found.version))}, and 3.9 is the oldest that works"
    return None


def _fault_by_look(path: Path, *, for_all: bool) -> str | None:
    if not path.is_absolute() or "\n" in str(path):
        return "is not an absolute path"
    if sys.platform == "darwin" and path.parent == Path("/usr/bin"):
        return "is Apple's stub, which opens a dialog when the developer tools are missing"
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if start == b"#!":
        return "is a script (a shim that chooses a Python by user and folder), not an interpreter"
    if not os.access(path, os.X_OK):
        return "is not executable"
    closed = closed_to_others(path) if for_all else None
    return None if closed is None else f"cannot be run by every user, because {closed} is closed to others"


def probe_interpreter(path: Path) -> Interpreter | str:
    """Run an interpreter as hooks do (`-I -S`) and ask what it is; the answer is a text when it does not work."""
    try:
        done = run_unprivileged(
            [str(path), "-I", "-S", "-c", _PROBE],
            program=path,
            seconds=_PROBE_SECONDS,
            stdin=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
        )
        said = json.loads(done.stdout)
        reported = Path(said["executable"])
        found = Interpreter(str(path), tuple(map(int, said["version"])), str(said["tag"]), bytes(said["magic"]))
    except subprocess.TimeoutExpired:
        return f"did not answer within {_PROBE_SECONDS:.0f} s"
    except (OSError, subprocess.SubprocessError) as error:
        return f"cannot be started ({error})"
    except (ValueError, KeyError, TypeError):
        said_first = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        return f"does not run `-I -S` (exit {done.returncode}, it said {said_first[0][:120]!r})"
    if reported.resolve() != path.resolve():
        return f"is a shim that starts {reported}"
    return found


def compile_hooks(interpreter: str, sources: dict[str, bytes], folder: str) -> dict[str, bytes]:
    """Compile hook scripts with the interpreter that will run them; nothing is read from or written to disk.

    The byte code is of the unchecked-hash kind (PEP 552): users cannot write to the store, so the interpreter
    need not look at the source's time on every tool call.

    Args:
        interpreter: What `find_interpreter` gave.
        sources: From path below the plugin's folder (`hooks/guard.py`) to the script's bytes.
        folder: The plugin's folder as tracebacks shall name it.

    Returns:
        From path below the plugin's folder (`hooks/__pycache__/guard.cpython-311.pyc`) to bytes.

    Raises:
        SelfTestError: A script does not compile with this interpreter, or the interpreter fails.
    """
    if not sources:
        return {}
    request = [
        [name, f"{folder}/{name}", base64.b64encode(source).decode()] for name, source in sorted(sources.items())
    ]
    compiled: dict[str, bytes] = {}
    faults: list[str] = []
    for name, cached, text in _ask_to_compile(interpreter, request):
        if cached is None:
            faults.append(f"{folder}/{name} {text}")
        else:
            compiled[f"{name.rpartition('/')[0]}/__pycache__/{cached}".lstrip("/")] = base64.b64decode(text)
    if faults:
        raise SelfTestError(
            f"Hook scripts do not compile with {interpreter}: {'; '.join(faults)}.",
            fix="Mend them for Python 3.9 or newer, build and publish the release again.",
        )
    return compiled


def _ask_to_compile(interpreter: str, request: list[list[str]]) -> list[tuple[str, str | None, str]]:
    try:
        done = run_unprivileged(
            [interpreter, "-I", "-S", "-W", "ignore", "-c", _COMPILE],
            program=Path(interpreter),
            seconds=_COMPILE_SECONDS,
            input=json.dumps(request).encode(),
            env=_ENVIRONMENT,
            cwd="/",
        )
        answer = [(str(name), cached, str(text)) for name, cached, text in json.loads(done.stdout)]
    except (OSError, subprocess.SubprocessError) as error:
        raise SelfTestError(f"The interpreter {interpreter} cannot compile hooks: {error}.", fix=_FIX) from error
    except (ValueError, TypeError):
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        raise SelfTestError(
            f"The interpreter {interpreter} failed to compile hooks (exit {done.returncode}, it said {said[0][:200]!r}).",
            fix=_FIX,
        ) from None
    if [name for name, _, _ in answer] != [name for name, _, _ in request]:
        raise SelfTestError(f"The interpreter {interpreter} gave another answer than asked for.", fix=_FIX)
    return answer
