"""What does `docker run` start, and which of this machine's folders does it reach?

A container's own files are nobody's loss; folders of this machine that are mounted into it, and volumes, are. An image
whose entry point is a known CLI is that CLI. Imported only for `run` of Docker and its like.
"""

from guard_expansion import Argument
from guard_options import read_options
from guard_paths import absolute, is_inside
from guard_simple import UNKNOWN_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

_SHORTS = "euwvpmlhac"
_VALUES = frozenset([
    "env", "user", "workdir", "env-file", "volume", "mount", "name", "network", "publish", "entrypoint", "memory", "cpus", "platform", "label", "hostname",
    "add-host", "gpus", "shm-size", "tmpfs", "ulimit", "restart", "log-driver", "log-opt", "pull", "device", "cap-add", "cap-drop", "security-opt", "ipc", "pid", "userns",
    "volumes-from", "link", "expose", "dns", "net", "stop-signal", "cidfile", "runtime", "file", "project-name", "network-alias", "cgroupns", "memory-swap", "cpu-shares",
    "health-cmd", "mac-address", "ip", "isolation", "storage-opt", "sysctl", "uts", "volume-driver", "attach", "detach-keys", "label-file", "oom-score-adj", "pids-limit", "annotation", "profile",
])  # fmt: skip
_VOLUMES = "/var/lib/docker/volumes/"
_INSIDE = "/tmp/" + UNKNOWN_TEXT + "/container"  # noqa: S108 - a place where nothing is lost
_ENTRY_POINTS = {
    "aws-cli": "aws", "opentofu": "tofu", "kubectl": "kubectl", "terraform": "terraform", "terragrunt": "terragrunt", "git": "git", "curl": "curl", "alpine-curl": "curl",
    "helm": "helm", "vault": "vault", "rclone": "rclone", "mc": "mc", "crane": "crane", "skopeo": "skopeo", "flyctl": "flyctl", "doctl": "doctl", "pulumi": "pulumi",
    "consul": "consul", "nomad": "nomad", "k9s": "kubectl", "goreleaser": "goreleaser", "ko": "ko", "oras": "oras", "eksctl": "eksctl", "argocd": "argocd", "velero": "velero",
    "flyway": "flyway", "liquibase": "liquibase", "migrate": "migrate", "dbmate": "dbmate", "redis-cli": "redis-cli", "mongosh": "mongosh", "gh": "gh", "glab": "glab", "hcloud": "hcloud",
    "s3cmd": "s3cmd", "s5cmd": "s5cmd", "packer": "packer", "helmfile": "helmfile", "flux": "flux", "flux-cli": "flux", "atlas": "atlas", "heroku": "heroku", "aws-nuke": "aws-nuke",
    "psql": "psql", "trivy": "trivy", "ansible-playbook": "ansible-playbook", "ssh": "ssh", "netcat": "nc", "socat": "socat", "node-migrate": "migrate", "ngrok": "ngrok", "az": "az",
}  # fmt: skip
"""Images, by the last part of their name, whose arguments are those of a program."""


def runs(command: "Command") -> "list[Command]":
    """Give what a run command starts, once as the container's own words and once as its entry point's."""
    arguments = command.arguments
    rest = arguments[arguments.index("run") + 1 :] if "run" in arguments else []
    place = _operands_start(rest)
    options = read_options(rest[:place], _SHORTS, _VALUES)[0]
    if "compose" in arguments[:3]:
        options = []
    if place >= len(rest):
        return []
    image, words = rest[place], rest[place + 1 :]
    entry = dict(options).get("--entrypoint", "")
    program = entry or _ENTRY_POINTS.get(image.partition("@")[0].rpartition("/")[2].partition(":")[0], "")
    started = []
    if words and not entry:
        started.append(_inside(command, list(words), options))
    if program:
        inner = _inside(command, [Argument(program), *words], options)
        if not entry:
            inner.is_ephemeral = False  # a cluster's CLI reaches the cluster from wherever it runs
        started.append(inner)
    return started


def _operands_start(arguments: "Sequence[str]") -> int:
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "-":
        argument = arguments[at]
        at += 1
        if argument == "--":
            break
        if argument.startswith("--"):
            at += argument[2:] in _VALUES
        else:
            at += any(letter in _SHORTS and place == len(argument) for place, letter in enumerate(argument[1:], 2))
    return at


def _inside(command: "Command", words: "list[Argument]", options: "list[tuple[str, str]]") -> "Command":
    inner = command.wrapped(words)
    inner.redirects = []
    inner.is_remote = True
    inner.is_ephemeral = True
    inner.mounts = [mount for mount in [_mount(*option, command.cwd) for option in options] if mount[0]]
    folder = dict(options).get("-w", dict(options).get("--workdir", ""))
    if folder and inner.mounts:
        inner.cwd = folder
    map_mounts(inner)
    return inner


def _mount(name: str, value: str, cwd: "str | None") -> "tuple[str, str]":
    """Read one -v or --mount: the container's folder and this machine's; two "" for another option."""
    if name in ("-v", "--volume"):
        source, colon, rest = value.partition(":")
        target = rest.partition(":")[0]
        if not colon:
            return "", ""
    elif name == "--mount":
        fields = dict([field.partition("=")[::2] for field in value.split(",")])
        source = fields.get("source", fields.get("src", ""))
        target = fields.get("target", fields.get("dst", fields.get("destination", "")))
    else:
        return "", ""
    if not source or not target.startswith("/"):
        return "", ""
    if source.startswith(("/", ".", "~", UNKNOWN_TEXT)):
        return target.rstrip("/") or "/", absolute(source, cwd) or UNKNOWN_TEXT
    return target.rstrip("/") or "/", _VOLUMES + source


def map_mounts(command: "Command") -> None:
    """Write this machine's folders for the container's in a command's words; what is in no mount is nobody's loss."""
    command.is_mapped = True
    if not command.mounts or command.name in ("sh", "bash", "zsh", "ash", "dash"):
        return
    if command.name == "chroot" and any(_host_path(word, command) == "/" for word in command.arguments[:1]):
        command.is_ephemeral = command.is_remote = False
        command.mounts = ()
        return
    words = [_mapped(word, command) for word in command.arguments]
    redirects = [(operator, _mapped(target, command)) for operator, target in command.redirects]
    cwd = _host_path(command.cwd, command) if command.cwd else None
    if all(new is old for new, old in zip([*words, *[t for _, t in redirects]], [*command.arguments, *[t for _, t in command.redirects]])) and not cwd:  # noqa: B905 - strict came with 3.10  # fmt: skip
        return
    command.arguments, command.redirects = words, redirects
    command.is_ephemeral = command.is_remote = False
    command.cwd = cwd or _INSIDE


def _mapped(word: Argument, command: "Command") -> Argument:
    if word.startswith("-") or "://" in word:
        return word
    head, sign, path = word.rpartition("=") if word.startswith(("of=", "if=")) else ("", "", word)
    if not path.startswith("/") or " " in path:
        return word
    host = _host_path(path, command)
    return Argument(head + sign + (host or _INSIDE + path))


def _host_path(path: str, command: "Command") -> "str | None":
    full = absolute(path, "/")
    if full is None:
        return None
    for target, source in sorted(command.mounts, reverse=True):
        if is_inside(full, target):
            below = full[len(target) :] if target != "/" else full
            return (source.rstrip("/") + below) or "/"
    return None
