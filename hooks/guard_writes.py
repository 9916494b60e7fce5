"""Does a command or tool overwrite, move away or change what is outside of the project?

Deleting is judged in `guard_files.py`; this is about writing: redirections, tee, cp, mv, sed -i, rsync --delete, and the
tools that write files.
"""

from guard_decision import ASK, DENY, Stop
from guard_options import names, read_options
from guard_paths import HOME, OUTSIDE, ROOT, SYSTEM, absolute, is_disk, is_inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_INSTALLED = (
    "/usr/local", "/opt", "/etc/apt/sources.list.d", "/etc/apt/keyrings", "/usr/share/keyrings", "/etc/yum.repos.d", "/srv", "/Applications",
    "/etc/apt/trusted.gpg.d", "/etc/apt/preferences.d", "/Volumes", "/var/www", "/proc/self", "/dev/fd", "/dev/pts", "/var/lib/docker", "/root",
)  # fmt: skip
"""Where installing puts new files; the system's own are elsewhere."""
_TERMINALS = (
    "/dev/null",
    "/dev/std",
    "/dev/tty",
    "/dev/fd",
    "/dev/tcp",
    "/dev/udp",
    "/dev/pts",
    "/dev/full",
    "/proc/self/fd",
    "/dev/zero",
    "/dev/console",
)
_LOGINS = (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/group",
    "/etc/pam.d",
    "/etc/ssh",
    "/etc/crontab",
    "/etc/cron",
    "/etc/fstab",
    "/etc/ld.so",
    "/boot",
    "/proc/sys",
    "/sys/",
)
_STARTUP = (
    ".ssh/",
    ".config/autostart/",
    ".config/systemd/user/",
    "Library/LaunchAgents/",
    ".config/fish/",
    ".gnupg/",
    ".aws/",
    ".kube/",
    ".docker/",
)
_OPEN_DOTS = (
    ".claude",
    ".cache",
    ".local/share",
    ".local/state",
    ".npm/",
    ".vscode/",
    ".cursor/",
    ".codex/",
    ".gemini/",
    ".agents/",
    ".config/skillway",
)
_MAX_MOVED = 32
"""Places that moved things are followed to; each is compared with every path after it."""
_COPIERS = frozenset(["cp", "install", "ditto", "ln", "gcp"])


def judge_redirects(command: "Command", places: "Places") -> "Stop | None":
    """Judge where a command's output goes."""
    for operator, target in command.redirects:
        if is_disk(target):
            from guard_files import disk_stop

            return disk_stop()
        if command.is_remote or operator in ("<>", "<&") or target.isdigit():
            continue
        stop = _judge_target(target, command, places, appends=operator.endswith(">>"))
        if stop:
            return stop
    return None


def judge_writer(command: "Command", places: "Places") -> "Stop | None":
    """Judge the programs that write the files named in their operands."""
    options, operands = read_options(command.arguments, _VALUED.get(command.name, ""), frozenset(["suffix", "target-directory", "mode", "owner", "group", "size", "expression", "exclude", "include", "reference", "rsh", "exclude-from", "filter"]))  # fmt: skip
    found = names(options)
    if command.is_remote or (found & {"--help", "--version", "-n", "--dry-run"} and command.name == "rsync"):
        return None
    name = command.name
    if name == "mv":
        return _judge_move(operands, command, places)
    if name == "rsync":
        return _judge_mirror(found, operands, command, places)
    if name in ("truncate", "tee"):
        targets, appends = operands, bool(found & {"-a", "--append"})
    elif name in ("sed", "gsed", "perl"):
        if not any(argument.startswith(("-i", "--in-place", "-pi", "-ni")) for argument in command.arguments):
            return None
        targets, appends = (operands if found & {"-e", "--expression", "-f"} else operands[1:]), False
    elif name == "dd":
        targets, appends = [argument[3:] for argument in command.arguments if argument.startswith("of=")], False
    else:
        return _judge_copy(operands, options, command, places)
    for target in targets:
        if is_disk(target):
            from guard_files import disk_stop

            return disk_stop()
        stop = _judge_target(target, command, places, appends=appends)
        if stop:
            return stop
    return None


_VALUED = {
    "cp": "tS",
    "mv": "tS",
    "install": "gmotS",
    "truncate": "sro",
    "sed": "ef",
    "gsed": "ef",
    "perl": "eE",
    "rsync": "ef",
    "ln": "tS",
    "tee": "",
}


def _judge_copy(
    operands: "list[str]", options: "list[tuple[str, str]]", command: "Command", places: "Places"
) -> "Stop | None":
    """Judge a copy: a new file beside others is no loss, but an empty source or a file of the system is."""
    target = dict(options).get("-t", dict(options).get("--target-directory", operands[-1] if len(operands) > 1 else ""))
    if is_disk(target):
        from guard_files import disk_stop

        return disk_stop()
    full = absolute(target, command.cwd) if target else None
    if full is None:
        return None
    empties = operands[:1] == ["/dev/null"]
    zone = places.zone(full, command.cwd)
    if zone == SYSTEM and not _is_open(full):
        return _system_stop(DENY if full.startswith(_LOGINS) else ASK)
    if _is_key_list(full, places.home):
        return login_stop()
    if zone == OUTSIDE and empties:
        return _outside_stop()
    return _dotfile_stop() if zone == OUTSIDE and _is_dotfile(full, places.home) else None


def _judge_move(operands: "list[str]", command: "Command", places: "Places") -> "Stop | None":
    for source in operands[:-1]:
        zone = places.zone(source, command.cwd)
        full = absolute(source, command.cwd) or ""
        if zone in (ROOT, HOME) or (zone == SYSTEM and not _is_open(full)):
            return _system_stop()
        if operands[-1] == "/dev/null":
            return _outside_stop()
        target = absolute(operands[-1], command.cwd)
        if zone in (OUTSIDE, SYSTEM) and target is not None and len(places.moved) < _MAX_MOVED:
            last = source.rstrip("/").rpartition("/")[2]
            places.moved.extend([target + "/" + last] if operands[-1].endswith("/") else [target, target + "/" + last])
        if source.endswith(".tfstate"):
            from guard_files import state_stop

            return state_stop()
    return _judge_copy(operands, [], command, places)


def _judge_mirror(
    found: "frozenset[str]", operands: "list[str]", command: "Command", places: "Places"
) -> "Stop | None":
    """Judge rsync with --delete: it deletes what the source does not have."""
    deletes = any(option.startswith(("--delete", "--del")) for option in found)
    if "--remove-source-files" in found:
        zones = [places.zone(operand, command.cwd) for operand in operands[:-1]]
        return _outside_stop() if {ROOT, HOME, SYSTEM, OUTSIDE} & set(zones) else None
    target = operands[-1] if operands else ""
    if not deletes or not target:
        return None
    if ":" in target.partition("/")[0]:
        return Stop(
            ASK,
            "outside-write",
            "it deletes on the other machine what is not here.",
            "see first what it would do",
            "rsync -an --delete --itemize-changes build/ dev@host.example.com:site/",
        )
    return _outside_stop() if places.zone(target, command.cwd) in (ROOT, HOME, SYSTEM, OUTSIDE) else None


def _judge_target(target: str, command: "Command", places: "Places", *, appends: bool) -> "Stop | None":
    full = absolute(target, command.cwd)
    if full is None or full.startswith(_TERMINALS):
        return None
    zone = places.zone(full, command.cwd)
    if _is_key_list(full, places.home):
        return login_stop()
    if zone == SYSTEM:
        if _is_open(full):
            return None
        return _system_stop(ASK if appends and not full.startswith(_LOGINS) else DENY)
    if zone != OUTSIDE or _is_claudes(full, places.home):
        return None
    if appends:
        return _dotfile_stop() if _is_dotfile(full, places.home) else None
    return _outside_stop()


def judge_file(path: str, places: "Places", cwd: str) -> "Stop | None":
    """Judge a file that a tool writes."""
    full = absolute(path.replace("~", places.home, 1) if path.startswith("~/") else path, cwd)
    if full is None:
        return None
    if _is_key_list(full, places.home):
        return login_stop()
    zone = places.zone(full, cwd)
    if zone == SYSTEM and not full.startswith(("/dev/", "/root")):
        return _system_stop()
    if zone != OUTSIDE or _is_claudes(full, places.home):
        return None
    return _dotfile_stop() if _is_dotfile(full, places.home) else _outside_stop(ASK)


def _is_open(full: str) -> bool:
    return any(is_inside(full, folder) for folder in _INSTALLED) or full.startswith("/dev/")


def _is_key_list(full: str, home: str) -> bool:
    return full.endswith("/.ssh/authorized_keys") or full in (home + "/.ssh/authorized_keys2", "/etc/sudoers")


def _is_claudes(full: str, home: str) -> bool:
    return any(full.startswith(home + "/" + place) for place in _OPEN_DOTS)


def _is_dotfile(full: str, home: str) -> bool:
    """Tell whether a file decides what starts by itself: shells' own files, and programs' settings in the home."""
    if not full.startswith(home + "/") or _is_claudes(full, home):
        return False
    inner = full[len(home) + 1 :]
    return (inner.startswith(".") and "/" not in inner) or inner.startswith(_STARTUP)


def _outside_stop(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "outside-write",
        "it overwrites something that is not part of this project, and there is no undo.",
        "write the file in the project or in a temporary folder, and let the person move it",
        "mktemp -d",
    )


def _system_stop(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "system-write",
        "it changes files that this machine or all of the person's work depends on.",
        "write a copy in the project, and let the person put it in place",
        "cp /etc/hosts ./hosts.new",
    )


def login_stop() -> Stop:
    """Make the stop for what decides who may log in."""
    return Stop(
        DENY,
        "login-write",
        "it decides who may log in to this machine.",
        "show the person the line, and let them add it",
        "ls -l ~/.ssh",
    )


def _dotfile_stop() -> Stop:
    return Stop(
        ASK,
        "dotfile-write",
        "programs of the person read this file at every start.",
        "set it for this project only",
        "export NAME=value",
    )
