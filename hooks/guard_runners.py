"""Which command do package runners, containers and session programs start: npx, poetry run, docker exec, tmux?

Their own subcommand stands before the started command. Imported only when one of them is met.
"""

from guard_options import read_options
from guard_wrappers import option_value, payload_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_expansion import Argument
    from guard_walk import Command

ARGV, JOINED, REMOTE, EPHEMERAL = "argv", "joined", "remote", "ephemeral"
"""Words of a command; one text for a shell; words that run elsewhere; words that run in a container made for them."""


def _one(
    words: "tuple[str, ...]", shorts: str = "", longs: "tuple[str, ...]" = (), operands: int = 0, kind: str = ARGV
) -> "tuple[tuple[str, ...], str, tuple[str, ...], int, str]":
    return words, shorts, longs, operands, kind


_UV = (
    "with",
    "python",
    "from",
    "extra",
    "group",
    "project",
    "directory",
    "index",
    "env-file",
    "with-requirements",
    "package",
)
_DOCKER_EXEC = ("env", "user", "workdir", "env-file", "detach-keys", "index", "file", "project-name")
_DOCKER_RUN = (
    "env", "user", "workdir", "env-file", "volume", "mount", "name", "network", "publish", "entrypoint", "memory", "cpus", "platform", "label", "hostname",
    "add-host", "gpus", "shm-size", "tmpfs", "ulimit", "restart", "log-driver", "pull", "device", "cap-add", "cap-drop", "security-opt", "ipc", "pid", "userns",
    "volumes-from", "link", "expose", "dns", "net", "stop-signal", "cidfile", "runtime", "file", "project-name", "network-alias",
)  # fmt: skip
_FORMS = {
    "npx": (_one((), "pc", ("package", "call", "registry")),),
    "bunx": (_one(()),),
    "uvx": (_one((), "p", _UV),),
    "pipx": (_one(("run",), "", ("spec", "python")),),
    "npm": (_one(("exec",), "pc", ("package", "call")), _one(("x",), "pc", ("package", "call"))),
    "pnpm": (_one(("exec",), "C"), _one(("dlx",), "", ("package",))),
    "yarn": (_one(("exec",)), _one(("dlx",), "p", ("package",)), _one(("run",))),
    "bun": (_one(("x",)),),
    "uv": (_one(("run",), "p", _UV), _one(("tool", "run"), "p", _UV)),
    "poetry": (_one(("run",), "C"),),
    "pipenv": (_one(("run",)),),
    "hatch": (_one(("run",)),),
    "pdm": (_one(("run",)),),
    "rye": (_one(("run",)),),
    "pixi": (_one(("run",)),),
    "conda": (_one(("run",), "np", ("name", "prefix")),),
    "mamba": (_one(("run",), "np", ("name", "prefix")),),
    "bundle": (_one(("exec",)),),
    "composer": (_one(("exec",)),),
    "mise": (_one(("exec",), "C"), _one(("x",), "C")),
    "asdf": (_one(("exec",)),),
    "rbenv": (_one(("exec",)),),
    "pyenv": (_one(("exec",)),),
    "nvm": (_one(("exec",), "", (), 1),),
    "direnv": (_one(("exec",), "", (), 1),),
    "op": (_one(("run",), "", ("env-file",)),),
    "doppler": (_one(("run",), "pc", ("project", "config", "command")),),
    "infisical": (_one(("run",), "", ("env", "path")),),
    "aws-vault": (_one(("exec",), "dn", ("duration",), 1),),
    "chamber": (_one(("exec",), "", (), 0),),
    "dotenv": (_one(("run",), "fe"), _one((), "fe")),
    "dotenvx": (_one(("run",), "f"),),
    "docker": (
        _one(("exec",), "euw", _DOCKER_EXEC, 1, REMOTE),
        _one(("container", "exec"), "euw", _DOCKER_EXEC, 1, REMOTE),
        _one(("compose", "exec"), "euwfp", _DOCKER_EXEC, 1, REMOTE),
        _one(("compose", "run"), "euwvpl", _DOCKER_RUN, 1, EPHEMERAL),
        _one(("run",), "euwvpmlhac", _DOCKER_RUN, 1, EPHEMERAL),
        _one(("container", "run"), "euwvpmlhac", _DOCKER_RUN, 1, EPHEMERAL),
    ),
    "docker-compose": (
        _one(("exec",), "euwfp", _DOCKER_EXEC, 1, REMOTE),
        _one(("run",), "euwvpl", _DOCKER_RUN, 1, EPHEMERAL),
    ),
    "kubectl": (
        _one(("rsh",), "cnf", ("container", "namespace"), 1, REMOTE),
        _one(("debug",), "cnf", ("container", "namespace", "image", "target"), 1, REMOTE),
        _one(("exec",), "cnf", ("container", "namespace", "filename", "context", "kubeconfig"), 1, REMOTE),
        _one(("run",), "n", ("image", "namespace", "overrides", "env", "restart", "labels"), 1, EPHEMERAL),
    ),
    "gcloud": (_one(("compute", "ssh"), "", ("zone", "project", "command"), 1, REMOTE),),
    "vagrant": (_one(("ssh",), "c", ("command",), 1, REMOTE),),
    "wsl": (_one((), "du", ("distribution", "user", "cd")),),
    "nix": (_one(("develop",), "c", ("command",), 0), _one(("shell",), "c", ("command",), 0)),
    "nix-shell": (_one((), "pI", ("run", "command")),),
    "tmux": (
        _one(("new-session",), "sncxyFt", (), 0, JOINED),
        _one(("new",), "sncxyFt", (), 0, JOINED),
        _one(("new-window",), "nct", (), 0, JOINED),
        _one(("neww",), "nct", (), 0, JOINED),
        _one(("split-window",), "lct", (), 0, JOINED),
        _one(("run-shell",), "dt", (), 0, JOINED),
        _one(("send-keys",), "tN", (), 0, JOINED),
        _one(("send",), "tN", (), 0, JOINED),
    ),
    "screen": (_one((), "SctTpsehx"),),
    "concurrently": (_one((), "nck", ("names", "prefix"), 0, "each"),),
    "hyperfine": (_one((), "wrmMpn", ("warmup", "runs", "prepare", "cleanup", "setup"), 0, "each"),),
    "nodemon": (_one((), "xewi", ("exec", "watch", "ext", "ignore")),),
    "entr": (_one(()),),
    "ansible": (),
    "multipass": (_one(("exec",), "", (), 1, REMOTE),),
    "lxc": (_one(("exec",), "", (), 1, REMOTE),),
    "limactl": (_one(("shell",), "", (), 1, REMOTE),),
    "heroku": (_one(("run",), "a", ("app",), 0, REMOTE), _one(("run:detached",), "a", ("app",), 0, REMOTE)),
    "fly": (_one(("ssh", "console"), "aC", ("app", "command"), 0, REMOTE),),
    "flyctl": (_one(("ssh", "console"), "aC", ("app", "command"), 0, REMOTE),),
    "atmos": (_one(()),),
    "crictl": (_one(("exec",), "", ("timeout",), 1, REMOTE),),
    "ctr": (
        _one(("task", "exec"), "", ("exec-id", "cwd", "user"), 1, REMOTE),
        _one(("tasks", "exec"), "", ("exec-id",), 1, REMOTE),
    ),
    "minikube": (_one(("ssh",), "n", ("node",), 0, "host"),),
    "cargo": (),
    "distrobox": (_one(("enter",), "n", ("name",), 1),),
    "toolbox": (_one(("run",), "cd", ("container", "distro")),),
    "devcontainer": (_one(("exec",), "", ("workspace-folder", "container-id", "config", "remote-env"), 0, REMOTE),),
    "railway": (_one(("run",), "se"), _one(("ssh",), "se", ("service", "environment", "project"), 0, REMOTE)),
    "salt": (_one((), "GLENCIStb", ("timeout", "out"), 2, REMOTE),),
    "machinectl": (_one(("shell",), "E", ("uid", "setenv"), 1, REMOTE),),
    "tsh": (_one(("ssh",), "lpi", ("login", "proxy", "cluster"), 1, "host"),),
    "sops": (_one(("exec-env",), "", (), 1, JOINED), _one(("exec-file",), "", (), 1, JOINED)),
    "fnm": (_one(("exec",), "", ("using",)),),
    "devbox": (_one(("run",), "ce"),),
    "rush": (_one(()),),
    "kitty": (_one((), "do", ("directory",)),),
    "foot": (_one((), "aTDcW"),),
    "perf": (
        _one(("record",), "eFocpg", ("event", "output")),
        _one(("stat",), "eropI", ("event", "repeat", "output")),
        _one(("trace",)),
    ),
    "envconsul": (_one((), "", ("prefix", "config", "secret")),),
}
_AFTER_DASHES: "dict[str, tuple[str, ...]]" = {
    **dict.fromkeys(
        [
            "teller",
            "berglas",
            "flox",
            "guix",
            "reflex",
            "wait-on",
            "wait-for-it.sh",
            "wait-for",
            "dockerize",
            "gnome-terminal",
            "lerna",
            "nx",
            "bwrap",
        ],
        (),
    ),
    **dict.fromkeys(["konsole", "alacritty", "wezterm"], ("-e",)),
    "onchange": (),
}
"""Programs that start what stands after `--`, or after one of these options."""
_TEXTS = {
    "aws": ("--command", "--parameters"),
    "az": ("--scripts",),
    "doctl": ("--ssh-command",),
    "consul-template": ("-exec",),
}
"""Programs with an option whose value runs on another machine."""
_TEXT_OPTIONS = {
    "cargo": ("s", "shell"), "npx": ("c", "call"), "npm": ("c", "call"), "gcloud": ("\0", "command"), "vagrant": ("c", "command"), "nix": ("c", "command"), "nix-shell": ("\0", "run"),
    "nodemon": ("x", "exec"), "fly": ("C", "command"), "flyctl": ("C", "command"), "doppler": ("\0", "command"), "ansible": ("a", "args"), "hyperfine": ("p", "prepare"),
}  # fmt: skip
_PACKAGE_RUNNERS = frozenset(["npx", "bunx", "uvx", "pipx", "npm", "pnpm", "yarn", "bun", "uv"])
_GLOBALS = {
    "docker": (
        "Hcl",
        frozenset(["host", "context", "config", "log-level", "file", "project-name", "env-file", "profile"]),
    ),
    "kubectl": ("ns", frozenset(["namespace", "context", "kubeconfig", "cluster", "user"])),
    "npm": ("", frozenset(["prefix", "workspace"])),
    "pnpm": ("CF", frozenset(["filter", "dir"])),
    "yarn": ("", frozenset(["cwd"])),
    "tmux": ("fLSc", frozenset()),
    "uv": ("", frozenset(["project", "directory", "config-file"])),
}
_SAME_AS = {
    "podman": "docker",
    "nerdctl": "docker",
    "oc": "kubectl",
    "podman-compose": "docker-compose",
    "k": "kubectl",
    "pwsh.exe": "pwsh",
    "powershell.exe": "powershell",
}


def started(command: "Command") -> "tuple[str, list[Argument], list[str]]":
    """Find what a runner starts.

    Returns:
        How it runs, its words, and texts that a shell reads.
    """
    name = _SAME_AS.get(command.name, command.name)
    arguments = command.arguments
    special = _SPECIAL.get(name)
    if special is not None:
        return ARGV, [], special(command)
    if name in _AFTER_DASHES:
        return ARGV, _after(arguments, ("--", *_AFTER_DASHES[name])), []
    if name in _TEXTS:
        return REMOTE, [], _option_texts(arguments, _TEXTS[name])
    texts = []
    if name in _TEXT_OPTIONS:
        short, long = _TEXT_OPTIONS[name]
        text = option_value(arguments, short, long)
        texts = [text] if text else []
    for words, shorts, longs, operands, kind in _FORMS.get(name, ()):
        place = _subcommand_end(arguments, words, name)
        if place < 0:
            continue
        rest = arguments[place:]
        if name == "kubectl" and "--" in rest:
            return kind, list(rest[rest.index("--") + 1 :]), texts
        payload = rest[
            payload_start(
                rest,
                shorts,
                longs,
                operands,
                takes_assignments=False,
                permutes=kind == REMOTE and name in ("kubectl", "gcloud"),
            ) :
        ]
        if payload[:1] and payload[0] == "--":
            payload = payload[1:]
        if kind == "host":
            return REMOTE, [], [*texts, " ".join(payload)]
        if kind == JOINED:
            return kind, [], [*texts, " ".join([word for word in payload if word not in ("Enter", "C-m", "enter")])]
        if kind == "each":
            return kind, [], [*texts, *payload]
        if name in _PACKAGE_RUNNERS and payload:
            payload = [_without_version(payload[0]), *payload[1:]]
        return kind, list(payload), texts
    return REMOTE if name in ("ansible", "gcloud", "vagrant", "fly") else ARGV, [], texts


_SHELL_OPENERS: "dict[str, tuple[tuple[str, ...], ...]]" = {
    "gcloud": (("compute", "ssh"), ("alpha", "cloud-shell", "ssh"), ("cloud-shell", "ssh")),
    "vagrant": (("ssh",),),
    **dict.fromkeys(["fly", "flyctl"], (("ssh", "console"),)),
    "minikube": (("ssh",),),
    "doctl": (("compute", "ssh"),),
    "railway": (("ssh",), ("shell",)),
    "limactl": (("shell",),),
    "multipass": (("shell",),),
    "lxc": (("shell",),),
    "machinectl": (("shell",), ("login",)),
    "tsh": (("ssh",),),
    "wsl": ((),),
    "toolbox": (("enter",),),
    "distrobox": (("enter",),),
    "nix-shell": ((),),
    "nix": (("develop",), ("shell",)),
    "poetry": (("shell",),),
    "pipenv": (("shell",),),
    "kubectl": (("rsh",), ("debug",)),
    "oc": (("rsh",), ("debug",)),
    "devbox": (("shell",),),
    "colima": (("ssh",),),
    "az": (("ssh", "vm"),),
}
"""Programs that open a shell when nothing is named that they should start in it."""


def opens_shell(command: "Command") -> bool:
    """Tell whether a runner that starts nothing opens a shell, which reads its stdin."""
    words = [argument for argument in command.arguments if not argument.startswith("-")]
    return any(tuple(words[: len(head)]) == head for head in _SHELL_OPENERS.get(command.name, ()))


def _powershell_texts(command: "Command") -> "list[str]":
    """Give what PowerShell is told: after -Command, as its first word that is no option, or on stdin."""
    from guard_powershell import texts

    arguments = command.arguments
    lower = [argument.lower() for argument in arguments]
    if any(
        option.startswith(("-e", "/e")) and "-encodedcommand".startswith(option.replace("/", "-")) and option != "-ex"
        for option in lower
    ):
        return ["base64 -d code.txt | sh"]
    at = next(
        (
            place
            for place, option in enumerate(lower)
            if option in ("-command", "-c", "/c", "/command", "-commandwithargs", "-cwa")
        ),
        -1,
    )
    if at >= 0:
        return texts(" ".join(arguments[at + 1 :]) if arguments[at + 1 :] != ["-"] else command.stdin())
    words = [argument for argument in arguments if not argument.startswith("-")]
    is_script = "-file" in lower or "-f" in lower or any(word.endswith(".ps1") for word in words)
    return [] if is_script else texts(" ".join(words) or command.stdin())


_SPECIAL = {
    "pwsh": _powershell_texts,
    "powershell": _powershell_texts,
    "at": lambda command: [command.stdin()],
    "batch": lambda command: [command.stdin()],
}


def _option_texts(arguments: "Sequence[Argument]", options: "tuple[str, ...]") -> "list[str]":
    """Give the values of options as shell texts; of JSON and `commands=[…]` the strings in it."""
    found = []
    for place, argument in enumerate(arguments):
        name, has_value, value = argument.partition("=")
        if name not in options:
            continue
        text = value if has_value else " ".join(arguments[place + 1 : place + 2])
        _, is_list, listed = text.partition("commands=")
        text = listed if is_list else text
        if text.startswith(("[", "{")):
            found.extend([piece for piece in text.split('"')[1::2] if piece != "commands"] or [text.strip("[]")])
        else:
            found.append(text)
    return found


def _without_version(word: "Argument") -> "Argument":
    """Take the version off a package, as in `tool@1.2`, `@scope/tool@latest` and `tool==1.2`."""
    name, _, _ = word.partition("==")
    head, at, _ = name.rpartition("@")
    return word.__class__(head if at and head else name)


def _subcommand_end(arguments: "Sequence[str]", words: "tuple[str, ...]", name: str) -> int:
    """Give the place after the subcommand's words, past the program's own options; -1 when it is another one."""
    shorts, longs = _GLOBALS.get(name, ("", frozenset()))
    at = 0
    for word in words:
        while at < len(arguments) and arguments[at].startswith("-"):
            options, _ = read_options(arguments[at : at + 1], shorts, longs)
            last = options[-1][0] if options else ""
            takes_next = "=" not in arguments[at] and (
                last[2:] in longs if last.startswith("--") else last[1:] in shorts and len(arguments[at]) == len("-x")
            )
            at += 2 if takes_next and last[1:] else 1
        if at >= len(arguments) or arguments[at] != word:
            return -1
        at += 1
    return at


def _after(arguments: "Sequence[Argument]", options: "tuple[str, ...]") -> "list[Argument]":
    for place, argument in enumerate(arguments):
        if argument in options:
            return list(arguments[place + 1 :])
    return []
