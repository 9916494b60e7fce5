"""Which command does a command run for somebody: sudo, xargs, bash -c, find -exec and the like?

The wrappers are data, so that a new one is one line. Leaves the walk over commands to `guard_commands.py`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_expansion import Argument

ARGV, JOINED, HOST = "argv", "joined", "host"
"""What follows the options: a command's words; words that a shell reads as one text; a host and then such words."""

WRAPPERS: "dict[str, tuple[str, str, tuple[str, ...], int, bool]]" = {
    # name: (what follows, short options with a value, long options with a value, operands to skip, takes NAME=value)
    "sudo": (ARGV, "CDghpRrTtUu", ("user", "group", "host", "prompt", "chroot", "chdir", "role", "type"), 0, True),
    "doas": (ARGV, "Cu", (), 0, False),
    "env": (ARGV, "uCP", ("unset", "chdir"), 0, True),
    "command": (ARGV, "", (), 0, False),
    "builtin": (ARGV, "", (), 0, False),
    "exec": (ARGV, "a", (), 0, False),
    "nohup": (ARGV, "", (), 0, False),
    "time": (ARGV, "fo", ("format", "output"), 0, False),
    "timeout": (ARGV, "ks", ("kill-after", "signal"), 1, False),
    "gtimeout": (ARGV, "ks", ("kill-after", "signal"), 1, False),
    "nice": (ARGV, "n", ("adjustment",), 0, False),
    "ionice": (ARGV, "cn", ("class", "classdata"), 0, False),
    "chrt": (ARGV, "TPD", (), 1, False),
    "taskset": (ARGV, "", (), 1, False),
    "setsid": (ARGV, "", (), 0, False),
    "stdbuf": (ARGV, "ioe", ("input", "output", "error"), 0, False),
    "caffeinate": (ARGV, "tw", (), 0, False),
    "unbuffer": (ARGV, "", (), 0, False),
    "busybox": (ARGV, "", (), 0, False),
    "toybox": (ARGV, "", (), 0, False),
    "chroot": (ARGV, "", ("userspec", "groups"), 1, False),
    "noglob": (ARGV, "", (), 0, False),
    "nocorrect": (ARGV, "", (), 0, False),
    "pkexec": (ARGV, "", ("user",), 0, False),
    "gosu": (ARGV, "", (), 1, False),
    "su-exec": (ARGV, "", (), 1, False),
    "setpriv": (ARGV, "", ("reuid", "regid"), 0, False),
    "systemd-run": (ARGV, "puEM", ("unit", "property", "uid", "gid", "slice", "setenv", "working-directory"), 0, False),
    "systemd-inhibit": (ARGV, "", ("what", "who", "why", "mode"), 0, False),
    "unshare": (ARGV, "", (), 0, False),
    "nsenter": (ARGV, "tSG", ("target",), 0, False),
    "firejail": (ARGV, "", (), 0, False),
    "rlwrap": (ARGV, "", (), 0, False),
    "chronic": (ARGV, "", (), 0, False),
    "faketime": (ARGV, "", (), 1, False),
    "proot": (ARGV, "rbwq", (), 0, False),
    "prlimit": (ARGV, "", (), 0, False),
    "ltrace": (ARGV, "eop", (), 0, False),
    "perf": (ARGV, "", (), 1, False),
    "dbus-run-session": (ARGV, "", (), 0, False),
    "xvfb-run": (ARGV, "snef", ("server-args",), 0, False),
    "cross-env": (ARGV, "", (), 0, True),
    "sshpass": (ARGV, "pfdeP", (), 0, False),
    "arch": (ARGV, "", (), 0, False),
    "retry": (ARGV, "tdc", ("times", "delay"), 0, False),
    "autossh": (HOST, "MBbcDEeFIiJLlmOopQRSWw", (), 1, False),
    "mosh": (HOST, "p", (), 1, False),
    "strace": (ARGV, "aeoEIOpPsSuXb", (), 0, False),
    "flock": (ARGV, "wE", ("timeout", "conflict-exit-code"), 1, False),
    "xargs": (
        ARGV,
        "adEIiJLlnPRs",
        ("arg-file", "delimiter", "eof", "replace", "max-lines", "max-args", "max-procs"),
        0,
        False,
    ),
    "parallel": (
        ARGV,
        "aCdIjLnNPSs",
        ("jobs", "arg-file", "colsep", "delay", "joblog", "sshlogin", "timeout"),
        0,
        False,
    ),
    "run0": (ARGV, "uDg", ("user", "group", "chdir", "setenv", "unit", "property", "slice", "nice"), 0, False),
    "cgexec": (ARGV, "g", (), 0, False),
    "cpulimit": (ARGV, "lpeP", ("limit", "pid", "exe", "path"), 0, False),
    "numactl": (ARGV, "NmCip", ("cpunodebind", "physcpubind", "membind", "interleave", "preferred"), 0, False),
    "proxychains": (ARGV, "f", (), 0, False),
    "proxychains4": (ARGV, "f", (), 0, False),
    "chpst": (ARGV, "ueUbnlLmdofprct", (), 0, False),
    "softlimit": (ARGV, "adofmprlst", (), 0, False),
    "summon": (ARGV, "pDef", ("provider", "environment"), 0, False),
    "runcon": (ARGV, "turl", ("type", "user", "role", "range"), 1, False),
    "setarch": (ARGV, "", (), 1, False),
    "lxc-attach": (ARGV, "nPseaL", ("name", "lxcpath", "arch", "namespaces", "elevated-privileges"), 0, False),
    "dtach": (ARGV, "nAcN", (), 0, False),
    "runuser": (ARGV, "ugG", ("user", "group", "supp-group", "shell"), 0, False),
    "watchexec": (
        ARGV,
        "wefidEoN",
        ("watch", "exts", "filter", "ignore", "debounce", "signal", "env", "workdir"),
        0,
        False,
    ),
    "winpty": (ARGV, "", (), 0, False),
    "lima": (ARGV, "", (), 0, False),
    "orb": (ARGV, "mu", (), 0, False),
    "flatpak-spawn": (ARGV, "", (), 0, False),
    "pdsh": (HOST, "wxlugftR", (), 0, False),
    "clush": (HOST, "wgxlftX", ("hostfile", "worker"), 0, False),
    "pssh": (HOST, "hHlptoexXO", ("hosts", "host", "user", "par", "outdir", "errdir", "timeout", "option"), 0, False),
    "parallel-ssh": (
        HOST,
        "hHlptoexXO",
        ("hosts", "host", "user", "par", "outdir", "errdir", "timeout", "option"),
        0,
        False,
    ),
    "dbclient": (HOST, "plikLRWcmb", (), 1, False),
    "adb": (HOST, "sHPt", (), 1, False),
    "cmd": (HOST, "", (), 0, False),
    "sem": (ARGV, "jSN", ("jobs", "id", "timeout"), 0, False),
    "eval": (JOINED, "", (), 0, False),
    "watch": (JOINED, "n", ("interval",), 0, False),
    "ssh": (HOST, "BbcDEeFIiJLlmOopQRSWw", (), 1, False),
}
WRAPPERS.update(
    dict.fromkeys(
        ["torsocks", "torify", "valgrind", "dumb-init", "tini", "catatonit", "tsp", "nq", "ccache", "distcc", "sccache", "linux64", "linux32",
         "corepack", "pkgx", "with-contenv", "dbus-launch", "catchsegv", "eatmydata", "fakeroot", "daemonize", "nocache"],
        (ARGV, "", (), 0, False),
    )
)  # fmt: skip
WRAPPERS.update(dict.fromkeys(["setuidgid", "envdir", "envuidgid", "envchain"], (ARGV, "", (), 1, False)))
SHELLS = frozenset(
    ["sh", "bash", "zsh", "dash", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh", "yash", "posh", "ksh93", "oksh", "bosh", "nu", "elvish", "xonsh", "osh", "ysh", "rzsh", "hush", "rc"]
)  # fmt: skip
_FED_SHELLS = {
    # programs that without a command open a shell, which reads its stdin: by which of their options, () for always
    **dict.fromkeys(["ssh", "autossh", "dbclient", "su", "chroot", "unshare", "nsenter", "lxc-attach", "sg", "newgrp", "proot", "fakeroot", "et", "lima", "orb", "run0", "setarch", "linux32", "linux64", "adb"], ()),
    "sudo": ("-i", "-s", "--login", "--shell"),
    "doas": ("-s",),
    "systemd-run": ("-S", "--shell"),
    "runuser": ("-l", "-", "--login"),
    "env": ("\0",),
}  # fmt: skip
_NO_SHELL = frozenset(["-N", "-W", "-O", "-V", "-Q", "-G", "--help", "--version", "-l", "-k", "-K", "-v"])
CODE_OPTIONS = {
    "su": ("c", "command", "gGsTw"),
    "script": ("c", "command", "EIOBTmo"),
    "runuser": ("c", "command", "ugGsTw"),
    "flock": ("c", "command", "wE"),
    "sg": ("c", "command", ""),
    "cargo-watch": ("s", "shell", "xwdi"),
    "et": ("c", "command", "pu"),
    "eb": ("c", "command", ""),
    "cf": ("c", "command", "i"),
    "env": ("S", "split-string", "uCP"),
    "chokidar": ("c", "command", "dpti"),
}
"""Programs with an option whose value a shell reads: its short and its long name, and other short options with a value."""
_SHELL_OPTIONS_WITH_VALUE = frozenset(["-o", "+o", "-O", "+O", "--rcfile", "--init-file"])
_FIND_ACTIONS = frozenset(["-exec", "-execdir", "-ok", "-okdir"])


def payload_start(
    arguments: "Sequence[str]",
    shorts: str,
    longs: "tuple[str, ...]",
    operands: int,
    *,
    takes_assignments: bool,
    permutes: bool = False,
) -> int:
    """Find where the wrapped command starts in a wrapper's arguments; `len(arguments)` when there is none.

    Args:
        arguments: What follows the wrapper's name.
        shorts: Letters of short options that take a value.
        longs: Names of long options that take a value as the next word.
        operands: How many words of the wrapper's own stand before the command.
        takes_assignments: Whether NAME=value may stand there.
        permutes: Whether options may stand after the operands, too, as with ssh.
    """
    at = min(_options_end(arguments, 0, shorts, longs, takes_assignments=takes_assignments) + operands, len(arguments))
    if not operands or arguments[at - 1 : at] == ["--"]:
        return at
    if permutes:
        return _options_end(arguments, at, shorts, longs, takes_assignments=False)
    return at + (arguments[at : at + 1] == ["--"])


def _options_end(
    arguments: "Sequence[str]", at: int, shorts: str, longs: "tuple[str, ...]", *, takes_assignments: bool
) -> int:
    """Find where the options end that start at a place, and the assignments among and after them."""
    while at < len(arguments):
        argument = arguments[at]
        if argument == "--":
            return at + 1
        if argument.startswith("--"):
            at += 2 if argument[2:] in longs else 1
        elif argument.startswith("-") and len(argument) > 1:
            at += 2 if _takes_next(argument, shorts) else 1
        elif takes_assignments and "=" in argument and argument[0] != "=":
            at += 1
        else:
            break
    return min(at, len(arguments))


def _takes_next(cluster: str, shorts: str) -> bool:
    """Tell whether the value of a cluster of short options, such as `-uroot` or `-Eu`, is the next word."""
    for place, letter in enumerate(cluster[1:], 2):
        if letter in shorts:
            return place == len(cluster)
    return False


def is_fed_shell(name: str, arguments: "Sequence[str]") -> bool:
    """Tell whether a program that is given no command opens a shell."""
    wanted = _FED_SHELLS.get(name)
    if wanted is None or (name in ("ssh", "sudo") and not _NO_SHELL.isdisjoint(arguments) and "-i" not in arguments):
        return False
    if not wanted:
        return True
    return any(
        argument in wanted
        or (argument[:1] == "-" and argument[1:2] != "-" and any("-" + letter in wanted for letter in argument[1:]))
        for argument in arguments
    )


def option_value(arguments: "Sequence[str]", short: str, long: str) -> "str | None":
    """Give an option's value, written as `-c V`, `-cV`, `--command V` or `--command=V`."""
    for place, argument in enumerate(arguments):
        if argument in ("-" + short, "--" + long):
            return arguments[place + 1] if place + 1 < len(arguments) else None
        if argument.startswith("--" + long + "="):
            return argument[len(long) + 3 :]
        if argument.startswith("-" + short) and len(argument) > len(short) + 1:
            return argument[len(short) + 1 :]
    return None


def code_values(arguments: "Sequence[Argument]", shorts: str, longs: "tuple[str, ...]", valued: str, *, stops: bool = False) -> "list[Argument]":  # fmt: skip
    """Give the values of options that hold code, also written in a cluster such as `-qc CODE` or `-lne CODE`.

    Args:
        arguments: What follows the program's name.
        shorts: Letters of the options that hold code.
        longs: Their long names.
        valued: Letters of other short options with a value: the rest of the cluster, else the next word.
        stops: Whether the options end at the first operand, as with interpreters, whose script's own follow it.
    """
    found: "list[Argument]" = []
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if argument == "--":
            break
        if argument.startswith("--"):
            name, has_value, value = argument[2:].partition("=")
            if name and any(long == name or (len(name) > 2 and long.startswith(name)) for long in longs):  # noqa: PLR2004 - a shorter beginning fits others
                found.extend([argument.__class__(value)] if has_value else arguments[at : at + 1])
                at += not has_value
        elif argument.startswith("-") and len(argument) > 1:
            letter, rest = _first_valued(argument, shorts + valued)
            if rest and letter in shorts and set(rest) <= set(shorts):
                rest = ""  # node -pe CODE
            if letter and not rest:
                if letter in shorts:
                    found.extend(arguments[at : at + 1])
                at += 1
            elif letter and letter in shorts:
                kept = argument.__class__(rest.removeprefix("="))
                kept.outputs, kept.files = argument.outputs, argument.files
                found.append(kept)
        elif stops:
            break
    return found


def _first_valued(cluster: str, valued: str) -> "tuple[str, str]":
    """Give the first letter of a cluster that takes a value, and what follows it; two "" when none does."""
    for place, letter in enumerate(cluster[1:], 2):
        if letter in valued:
            return letter, cluster[place:]
    return "", ""


def shell_code(arguments: "Sequence[Argument]") -> "tuple[Argument | None, Argument | None, bool]":
    """Read a shell's arguments.

    Returns:
        The text after `-c`, the script's path, and whether the shell reads its code from stdin.
    """
    at = 0
    has_code = reads_stdin = False
    while at < len(arguments) and arguments[at][:1] in ("-", "+") and len(arguments[at]) > 1:
        argument = arguments[at]
        at += 1
        if argument == "--":
            break
        if argument in _SHELL_OPTIONS_WITH_VALUE:
            at += 1
        elif argument.startswith("-") and not argument.startswith("--"):
            has_code = has_code or "c" in argument
            reads_stdin = reads_stdin or "s" in argument
            at += argument.endswith(("o", "O"))
    operand = arguments[at] if at < len(arguments) else None
    if has_code:
        return operand, None, False
    if operand is None or operand == "-" or reads_stdin:
        return None, None, True
    return None, operand, False


def find_roots(arguments: "Sequence[str]") -> "list[str]":
    """Give the folders that `find` starts in."""
    roots = []
    at = 0
    while at < len(arguments) and arguments[at] in ("-H", "-L", "-P", "-E", "-X", "-s", "-x"):
        at += 1
    for argument in arguments[at:]:
        if argument.startswith(("-", "(", "!", ")")):
            break
        roots.append(argument)
    return roots or ["."]


def find_commands(arguments: "Sequence[Argument]") -> "list[Sequence[Argument]]":
    """Give the commands after -exec, -execdir, -ok and -okdir."""
    found: "list[Sequence[Argument]]" = []
    at = 0
    while at < len(arguments):
        if arguments[at] in _FIND_ACTIONS:
            stop = at + 1
            while stop < len(arguments) and arguments[stop] != ";" and not _ends_batch(arguments, stop):
                stop += 1
            found.append(arguments[at + 1 : stop])
            at = stop
        at += 1
    return found


def _ends_batch(arguments: "Sequence[str]", at: int) -> bool:
    return arguments[at] == "+" and arguments[at - 1] == "{}"
