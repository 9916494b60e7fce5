"""Does a command delete, overwrite or open up more than the work at hand: a home, the system, a disk, the history?"""

from guard_decision import ASK, DENY, Stop
from guard_expansion import UNKNOWN_TEXT
from guard_options import is_unique_prefix, names, read_options
from guard_paths import GIT, HOME, OUTSIDE, PROJECT, ROOT, SYSTEM, TEMPORARY, UNKNOWN, is_disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_DELETED = {
    ROOT: ("delete-root", "it deletes everything on this machine."),
    HOME: ("delete-home", "it deletes a whole home folder."),
    SYSTEM: ("delete-system", "it deletes folders that the system needs."),
    GIT: ("delete-history", "it deletes the repository's history, also what was never pushed."),
    OUTSIDE: ("delete-outside", "it deletes a folder that is not part of this project, and there is no undo."),
}
_OPENED = {
    ROOT: "it changes the rights of everything on this machine.",
    HOME: "it changes the rights of a whole home folder.",
    SYSTEM: "it changes the rights of folders that the system needs; logins and sudo stop working.",
}
_INSTALLED = (
    "/usr/local/",
    "/opt/",
    "/etc/apt/",
    "/etc/nginx/sites-enabled/",
    "/etc/yum.repos.d/",
    "/var/log/",
    "/var/www/",
    "/srv/",
    "/var/run/",
    "/root/",
)
"""Places whose single files installing and removing programs brings and takes."""
_OPEN_TO_ALL = frozenset(
    ["777", "0777", "a+w", "o+w", "a+rwx", "000", "0000", "o+rwx", "666", "0666", "+w", "a=rwx", "ugo+rwx", "a-rwx"]
)
_DATA_ROOTS = frozenset(
    ["data", "mnt", "media", "backup", "backups", "storage", "export", "exports", "volumes", "nfs", "pgdata", "mysql"]
)
_MOUNTS = frozenset(["mnt", "media", "run"])
"""Folders of the root that hold what is kept; below the latter are disks."""
_REHEARSING = frozenset(["mke2fs", "mkfs.ext2", "mkfs.ext3", "mkfs.ext4", "mkfs.xfs"])
"""Programs that make no file system, and only say what they would do, with -n or -N."""
_MADE_AGAIN = frozenset([
    "tmp", "temp", "cache", "caches", "node_modules", "__pycache__", "dist", "build", "builds", "target", "out", "next", "nuxt", "venv", "coverage", "logs", "scratch", "output", "obj", "bin",
    "pytest_cache", "mypy_cache", "ruff_cache", "turbo", "parcel-cache", "gradle", "public_html_cache", "lost+found", "artifacts",
])  # fmt: skip
"""Names of folders, without their dot, that a build or a program makes again."""
_WORKPLACES = frozenset(
    ["app", "workspace", "workspaces", "code", "src", "repo", "project", "builds", "work", "github"]
)
"""Folders of the root that containers have the project in."""
_DISKUTIL = ("erase", "partitiondisk", "reformat", "secureerase", "zerodisk", "randomdisk", "apfs")
_DISKUTIL_APFS = ("delete", "erase")


def judge_delete(command: "Command", places: "Places") -> "Stop | None":
    """Judge rm and its like by what they would delete."""
    options, operands = read_options(command.arguments, "", frozenset())
    found = names(options)
    if found & {"--help", "--version"} or command.is_ephemeral:
        return None
    is_recursive = (
        command.is_bulk
        or command.name not in ("rm", "unlink")
        or found & {"-r", "-R", "-Recurse"}
        or any(is_unique_prefix(option, "recursive", 1) for option in found)
    )
    for operand in operands:
        if _is_state(operand) and not command.is_remote:
            return state_stop()
        if is_recursive and getattr(operand, "is_bare_root", False):
            return _delete_stop(
                "delete-root", "where the variable is not set, it deletes everything on this machine.", ASK
            )
        stop = _judge_target(operand, command, places) if is_recursive else _judge_file(operand, command, places)
        if stop:
            return stop
    return None


def _is_state(operand: str) -> bool:
    """Tell whether a file says what infrastructure there is; without it nothing can be changed or taken down."""
    return operand.rstrip("*").endswith(".tfstate") and "/.terraform/" not in operand


def state_stop() -> Stop:
    """Make the stop for a state file that goes."""
    return Stop(
        DENY,
        "infrastructure-destroy",
        "it takes away the record of the infrastructure that runs; nothing else knows what belongs to it.",
        "look at the state, and keep it",
        "terraform state list",
    )


def judge_archiver(command: "Command", places: "Places") -> "Stop | None":
    """Judge the archivers that delete what they have read."""
    arguments = command.arguments
    removes = {"--remove-files", "--remove-source-files", "-sdel", "--move"} & set(arguments) or (
        command.name == "zip" and any(a[:1] == "-" and a[1:2] != "-" and "m" in a for a in arguments)
    )
    if not removes:
        return None
    options, operands = read_options(
        arguments, "CfX" if "tar" in command.name else "", frozenset(["directory", "file"])
    )
    cwd = dict(options).get("-C", dict(options).get("--directory", "")) or command.cwd
    for operand in operands:
        zone = places.zone(operand, cwd)
        if zone in _DELETED:
            return _delete_stop(*_DELETED[zone])
    return None


def judge_attributes(command: "Command", places: "Places") -> "Stop | None":
    """Judge setfacl -R and chattr -R, which change rights as chmod does."""
    options, operands = read_options(
        command.arguments, "mxMX" if command.name == "setfacl" else "", frozenset(["modify", "remove"])
    )
    if not names(options) & {"-R", "--recursive"} or command.is_ephemeral:
        return None
    zones = [places.zone(operand, command.cwd) for operand in operands]
    return _rights_stop(next(zone for zone in zones if zone in _OPENED)) if _OPENED.keys() & set(zones) else None


def _rights_stop(zone: str) -> Stop:
    return Stop(
        DENY,
        "permissions-everywhere",
        _OPENED[zone],
        "change only the files of this project that need it",
        "chmod --help",
    )


def _judge_file(operand: str, command: "Command", places: "Places") -> "Stop | None":
    """Judge a target that is no folder: one file, or with a `*` the files of a folder."""
    if command.is_remote or operand.startswith("/dev/"):
        return None
    zone = places.zone(operand, command.cwd)
    if zone in (ROOT, HOME) and "*" not in operand:
        return None  # rm refuses a folder
    if zone == SYSTEM and operand.startswith(_INSTALLED):
        return None
    if zone == OUTSIDE:
        return _delete_stop(
            "delete-outside", "it deletes a file that is not part of this project, and there is no undo."
        )
    return _delete_stop(*_DELETED[zone]) if zone in (ROOT, HOME, SYSTEM) else None


def _judge_target(operand: str, command: "Command", places: "Places") -> "Stop | None":
    zone = places.zone(operand, command.cwd, is_bulk=command.is_bulk)
    if zone == PROJECT and _is_whole_project(operand, command, places):
        return _delete_stop("delete-project", "it deletes the whole project, also what was never committed.")
    if zone == UNKNOWN and _is_data_root(operand):
        return _delete_stop(*_DELETED[OUTSIDE])
    if zone in (UNKNOWN, OUTSIDE, GIT) and (zone == UNKNOWN or command.is_remote):
        return _judge_elsewhere(operand, command, places)
    return _delete_stop(*_DELETED[zone]) if zone in _DELETED else None


def _judge_elsewhere(operand: str, command: "Command", places: "Places") -> "Stop | None":
    """Ask about a folder with a known absolute path of which nothing is known, or that is another machine's.

    Over there is no project to stay in; so only what a build or a program makes again goes without a question.
    """
    from guard_paths import absolute

    full = absolute(operand, command.cwd)
    parts = full[1:].split("/") if full else [""]
    if full is None or UNKNOWN_TEXT in parts[0] or (not command.is_remote and not operand.startswith("/")):
        return None
    if command.is_remote and not operand.startswith("/") and full.startswith(places.project + "/"):
        return None  # below wherever the other shell starts
    is_made_again = any(part.strip(".*").lower() in _MADE_AGAIN for part in parts)
    if is_made_again or (parts[0] in _WORKPLACES and len([part for part in parts if part.strip("*")]) > 1):
        return None
    return _delete_stop(*_DELETED[OUTSIDE], ASK)


def _is_data_root(operand: str) -> bool:
    parts = operand.rstrip("/*").strip("/").split("/")
    return operand.startswith("/") and parts[0] in _DATA_ROOTS and len(parts) <= 1 + (parts[0] in _MOUNTS)


def _is_whole_project(operand: str, command: "Command", places: "Places") -> bool:
    from guard_paths import absolute

    full = absolute(operand, command.cwd)
    head, _, last = (full or "").rpartition("/")
    return (head if last and not last.strip("*.?") else full) == places.project and (
        not command.is_bulk or operand.endswith("/*")
    )


def _delete_stop(rule: str, why: str, decision: str = DENY) -> Stop:
    return Stop(
        decision,
        rule,
        why,
        "name the exact files inside the project, or list first what is there",
        "git status --short --ignored",
    )


def judge_find(command: "Command", places: "Places") -> "Stop | None":
    """Judge find's own -delete; what it starts is judged for itself."""
    if "-delete" not in command.arguments or command.is_ephemeral:
        return None
    from guard_feeding import narrows
    from guard_wrappers import find_roots

    for root in find_roots(command.arguments):
        zone = places.zone(root, command.cwd)
        if zone in (UNKNOWN, OUTSIDE, GIT) and (zone == UNKNOWN or command.is_remote):
            stop = None if narrows(command.arguments) else _judge_elsewhere(root, command, places)
            if stop:
                return stop
        elif zone in _DELETED:
            return _delete_stop(*_DELETED[zone])
        if zone == PROJECT and not narrows(command.arguments) and _is_whole_project(root, command, places):
            return _delete_stop("delete-project", "it deletes the whole project, also what was never committed.")
    return None


def judge_shred(command: "Command", places: "Places") -> "Stop | None":
    """Judge shred: what it overwrites no backup tool of the disk brings back."""
    for operand in read_options(command.arguments, "ns", frozenset(["iterations", "size", "random-source"]))[1]:
        if is_disk(operand):
            return disk_stop()
        if places.zone(operand, command.cwd) not in (PROJECT, TEMPORARY, UNKNOWN):
            return _delete_stop("delete-outside", _DELETED[OUTSIDE][1])
    return None


def judge_rights(command: "Command", places: "Places") -> "Stop | None":
    """Judge chmod, chown and chgrp with -R."""
    options, operands = read_options(command.arguments, "", frozenset(["reference", "from"]))
    found = names(options)
    if command.is_ephemeral:
        return None
    if (
        not command.is_bulk
        and not found & {"-R"}
        and not any(is_unique_prefix(option, "recursive", 4) for option in found)
    ):
        return _judge_single_rights(operands, command, places)
    for operand in operands[1:]:
        zone = places.zone(operand, command.cwd, is_bulk=command.is_bulk)
        if zone in _OPENED and (command.is_bulk or UNKNOWN_TEXT not in operand):
            return Stop(
                DENY,
                "permissions-everywhere",
                _OPENED[zone],
                "change only the files of this project that need it",
                f"{command.name} --help",
            )
    return None


def _judge_single_rights(operands: "list[str]", command: "Command", places: "Places") -> "Stop | None":
    """Judge rights of one system file or of the person's keys that everybody, or nobody, would have."""
    if command.name != "chmod" or not operands:
        return None
    mode = operands[0]
    is_setuid = mode.endswith("+s") or (len(mode) == 4 and mode[0] in "4267" and mode.isdigit())  # noqa: PLR2004
    for operand in operands[1:]:
        zone = places.zone(operand, command.cwd)
        is_key = operand.startswith(places.home + "/.ssh")
        is_system = zone in _OPENED and not operand.startswith(_INSTALLED)
        if (mode in _OPEN_TO_ALL and (is_system or is_key)) or (is_setuid and is_system):
            return Stop(
                DENY,
                "permissions-everywhere",
                _OPENED[SYSTEM],
                "change only the files of this project that need it",
                "chmod --help",
            )
    return None


def judge_disk(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the programs that write a disk as a whole."""
    name, arguments = command.name, command.arguments
    if {"--help", "--version", "-V"} & set(arguments):
        return None
    if ("-N" if name == "mkfs.xfs" else "-n") in arguments and name in _REHEARSING:
        return None
    if name in ("qemu-img", "clonezilla", "ntfsclone", "partclone.restore"):
        return disk_stop() if any(is_disk(word) for word in arguments[-1:]) else None
    if name == "dd":
        targets = [argument[3:] for argument in arguments if argument.startswith("of=")]
        return disk_stop() if any(is_disk(target) for target in targets) else None
    if name == "wipefs":
        found = names(read_options(arguments, "top", frozenset(["offset", "types"]))[0])
        return disk_stop() if found & {"-a", "--all", "-o", "--offset"} and "-n" not in found else None
    if name == "diskutil":
        verb = arguments[0].lower() if arguments else ""
        below = arguments[1].lower() if len(arguments) > 1 else ""
        harmless = not verb.startswith(_DISKUTIL) or (verb == "apfs" and not below.startswith(_DISKUTIL_APFS))
        return None if harmless else disk_stop()
    # A file system in a file, such as an image for tests, is no disk.
    return disk_stop() if any(argument.startswith(("/dev/", UNKNOWN_TEXT)) for argument in arguments) else None


def disk_stop() -> Stop:
    """Make the stop for a disk that would be overwritten."""
    return Stop(
        DENY,
        "disk-overwrite",
        "it overwrites a disk with everything on it.",
        "write into a file, or look at the disks first",
        "df -h",
    )
