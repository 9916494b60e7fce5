"""Does a command switch off this machine, its protection, its users or its services, or end all that runs?"""

from guard_decision import ASK, DENY, Stop
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_HELP = frozenset(["--help", "--version", "-?"])
_ESSENTIAL = ("libc6", "libc-bin", "systemd", "sudo", "bash", "coreutils", "dpkg", "apt", "python3", "python3-minimal", "openssh-server", "linux-image", "glibc", "init", "util-linux", "network-manager", "ubuntu-desktop", "login", "passwd", "openssl", "musl", "busybox", "filesystem", "libgcc", "zlib", "pam", "kernel", "linux", "base-files", "python3.11", "python3.12", "gnupg")  # fmt: skip
_CRITICAL_UNITS = (
    "ssh",
    "network",
    "firewalld",
    "ufw",
    "nftables",
    "iptables",
    "dbus",
    "systemd-",
    "apparmor",
    "auditd",
    "gdm",
    "lightdm",
    "falcon",
    "clamav",
    "osquery",
    "fail2ban",
)
_WIPERS = {
    "fdisk": (), "sfdisk": (), "cfdisk": (), "gdisk": (), "parted": (),
    "sgdisk": ("-Z", "-z", "-o", "--zap-all", "--zap", "--clear", "-d"),
    "hdparm": ("--security-erase", "--security-erase-enhanced", "--trim-sector-ranges"),
    "badblocks": ("-w",),
    "mdadm": ("--zero-superblock", "--stop"),
}  # fmt: skip
_WIPING_VERBS = {
    "nvme": ("format", "sanitize"),
    "cryptsetup": ("luksformat", "lukserase", "erase", "reencrypt"),
    "zpool": ("destroy", "labelclear"),
    "zfs": ("destroy", "rollback"),
    "lvm": ("lvremove", "vgremove", "pvremove"),
    "asr": ("restore",),
    "btrfs": ("delete",),
    "tmutil": ("delete", "deletelocalsnapshots", "disable", "deleteinprogress"),
}


def judge_wiper(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the programs that partition, format or erase storage."""
    from guard_files import disk_stop

    name, arguments = command.name, command.arguments
    if _HELP & set(arguments) or not arguments:
        return None
    if name in ("lvremove", "vgremove", "pvremove", "mkntfs", "mkdosfs"):
        return disk_stop()
    if name in _WIPING_VERBS:
        return disk_stop() if any(word.lower() in _WIPING_VERBS[name] for word in arguments[:3]) else None
    marks = _WIPERS[name]
    if marks:
        return disk_stop() if set(marks) & set(arguments) else None
    lists = {"-l", "--list", "-d", "--dump", "-s", "print"} & set(arguments) and not {"mklabel", "rm", "mkpart"} & set(
        arguments
    )
    return None if lists or not any(argument.startswith("/dev/") for argument in arguments) else disk_stop()


def judge_power(command: "Command", _places: "Places") -> "Stop | None":
    """Judge shutdown, reboot and their like."""
    arguments = command.arguments
    if (_HELP | {"-c", "-k", "--show"}) & set(arguments):
        return None
    if command.name in ("init", "telinit") and not {"0", "6", "1"} & set(arguments):
        return None
    return _stop("power-off", "it switches this machine off, with everything that runs and is not saved.", "uptime")


def judge_systemctl(command: "Command", places: "Places") -> "Stop | None":
    """Judge systemctl, service and launchctl."""
    _, words = read_options(command.arguments, "HMtnp", frozenset(["host", "machine", "type", "property"]))
    verb = words[0] if words else ""
    if verb in ("poweroff", "reboot", "halt", "kexec", "rescue", "emergency", "suspend", "hibernate"):
        return judge_power(command, places)
    if command.name == "service":
        verb, words = (words[1] if len(words) > 1 else ""), words[1:] + words[:1]
    if verb in ("stop", "disable", "mask") and any(word.startswith(_CRITICAL_UNITS) for word in words[1:]):
        return _protection_stop()
    if verb in ("mask", "isolate"):
        return _protection_stop(ASK)
    is_system = any(word.startswith(("system/", "/System", "/Library/LaunchDaemons")) for word in words[1:])
    return (
        _protection_stop()
        if command.name == "launchctl" and verb in ("bootout", "unload", "disable", "remove") and is_system
        else None
    )


def judge_protection(command: "Command", _places: "Places") -> "Stop | None":
    """Judge firewalls and the system's own protection."""
    name, words = command.name, [argument.lower() for argument in command.arguments]
    raw = command.arguments
    off = (
        (
            name.startswith(("iptables", "ip6tables"))
            and ({"-F", "--flush", "-X"} & set(raw) or ("-P" in raw and "ACCEPT" in raw))
        )
        or (name == "nft" and words[:2] == ["flush", "ruleset"])
        or (name == "ufw" and {"disable", "reset"} & set(words))
        or (name == "pfctl" and any(word in ("-d", "-F") for word in raw))
        or (name == "setenforce" and words[:1] in (["0"], ["permissive"]))
        or (name == "csrutil" and {"disable", "clear"} & set(words))
        or (name == "spctl" and {"--master-disable", "--global-disable"} & set(words))
        or (name == "nvram" and {"-c", "-d"} & set(raw))
        or (name == "fdesetup" and "disable" in words)
        or (name == "profiles" and words[:1] in (["remove"], ["-r"], ["-d"]))
        or (name == "auditctl" and {"-D", "-e0"} & set(raw))
        or (name == "aa-teardown")
        or (name == "firewall-cmd" and "--panic-on" in words)
        or (name == "socketfilterfw" and "off" in words)
        or (name == "umount" and {"-a", "--all"} & set(raw))
    )
    return _protection_stop() if off else None


def judge_users(command: "Command", _places: "Places") -> "Stop | None":
    """Judge what deletes users or changes how they log in."""
    name, words = command.name, command.arguments
    if _HELP & set(words) or not words:
        return None if name != "passwd" else _users_stop(ASK)
    if name == "dscl":
        return _users_stop() if any(word in ("-delete", "delete") for word in words) else None
    if name == "sysadminctl":
        return _users_stop() if "-deleteUser" in words else None
    if name == "usermod":
        return _users_stop(ASK) if {"-L", "--lock", "-u", "-p", "-e"} & set(words) else None
    if name == "passwd":
        return (
            _users_stop(DENY if {"-d", "-l", "root", "--delete", "--lock"} & set(words) else ASK)
            if not {"-S", "--status"} & set(words)
            else None
        )
    return _users_stop()


def judge_packages(command: "Command", _places: "Places") -> "Stop | None":
    """Judge package programs that take away what the system needs."""
    options, words = read_options(command.arguments, "otc", frozenset(["option", "target-release"]))
    found = names(options)
    rehearses = found & {"--simulate", "--dry-run", "--help", "--just-print", "--assumeno", "--print"}
    if rehearses or ("-s" in found and command.name in ("apt", "apt-get", "aptitude", "apk")):
        return None
    removes = bool({"remove", "purge", "erase", "autopurge", "-e", "del", "autoremove", "rm"} & set(words[:1])) or bool(
        found & {"-P", "-r", "--purge", "--remove", "-e", "-R", "-Rdd"}
    )
    if removes and (
        {"--nodeps", "--force-all", "--force-depends", "--allow-remove-essential"} & found
        or any(_is_essential(word) for word in words)
    ):
        return _stop("system-packages", "it removes what this system needs to start or to log in.", "df -h")
    return None


def _is_essential(word: str) -> bool:
    """Tell whether a package, or a pattern of packages, is one that the system needs."""
    stem = word.strip("^$").rstrip("*").rstrip(".").rstrip("+")
    if stem == word:
        return word in _ESSENTIAL or word.startswith(("linux-image", "kernel-core"))
    return any(name.startswith(stem) for name in _ESSENTIAL)


def judge_visudo(command: "Command", _places: "Places") -> "Stop | None":
    """Judge visudo that something other than the person's editor answers."""
    if {"-c", "--check", "-V", "-h"} & set(command.arguments):
        return None
    given = [
        *command.assignments,
        *(word for outer in [command.outer] if outer for word in [*outer.arguments, *outer.assignments]),
    ]
    is_answered = command.feed is not None or any(
        word.startswith(("EDITOR=", "VISUAL=", "SUDO_EDITOR=")) for word in given
    )
    if not is_answered:
        return None
    from guard_writes import login_stop

    return login_stop()


def judge_mass_kill(command: "Command", _places: "Places") -> "Stop | None":
    """Judge pkill and killall by how many they would end."""
    options, words = read_options(
        command.arguments, "uUgGPstF", frozenset(["euid", "uid", "signal", "user", "parent", "group"])
    )
    found = dict(options)
    if command.name == "killall5":
        return _kill_stop()
    by_user = {"-u", "-U", "--user", "--euid", "--uid"} & found.keys()
    is_any = any(word in (".", ".*", "", "^", "*") for word in words)
    if is_any or (by_user and not words):
        return _kill_stop()
    return None


def judge_kill_list(command: "Command") -> "Stop | None":
    """Judge kill with a list of all processes."""
    if command.walk is None:
        return None
    lists = [command.walk.plain(*span, command.cwd, -1) for argument in command.arguments for span in argument.outputs]
    for sources in [*lists, command.fed.commands() if command.fed is not None else []]:
        if sources:
            if sources[0].name == "ps" and not any(
                s.name in ("grep", "rg", "awk", "pgrep") and _selects(s) for s in sources
            ):
                return _kill_stop()
            if any(s.name == "pgrep" and _selects_all(s) for s in sources):
                return _kill_stop()
    return None


def _selects_all(pgrep: "Command") -> bool:
    """Tell whether pgrep finds every process, or every one of a user."""
    _, patterns = read_options(pgrep.arguments, "uUGgPstF", frozenset(["euid", "uid", "group", "pgroup", "parent"]))
    return all(pattern in (".", ".*", "") for pattern in patterns) and "-P" not in pgrep.arguments


def _selects(source: "Command") -> bool:
    return source.name != "awk" or any(
        "/" in argument or "==" in argument or "~" in argument for argument in source.arguments
    )


def _kill_stop() -> Stop:
    return Stop(
        DENY,
        "kill-everything",
        "it ends every process that this user has, this session too.",
        "name the one process",
        "ps -f",
    )


def _users_stop(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "user-accounts",
        "it changes who can use this machine, and can lock the person out.",
        "look at the account",
        "id",
    )


def _protection_stop(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "protection-off",
        "it switches off what protects or runs this machine.",
        "look at its state",
        "systemctl status",
    )


def _stop(rule: str, why: str, command: str) -> Stop:
    return Stop(DENY, rule, why, "look at the machine first, and leave this to the person", command)
