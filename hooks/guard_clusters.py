"""Does a command take down what runs: a cluster's workloads, infrastructure made by code, containers' data?"""

from guard_decision import ASK, DENY, Stop
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_KUBECTL_VALUES = frozenset([
    "namespace", "context", "cluster", "user", "kubeconfig", "server", "token", "as", "as-group", "request-timeout",
    "selector", "field-selector", "filename", "output", "replicas", "patch", "type", "container", "grace-period",
    "certificate-authority", "client-key", "client-certificate", "cache-dir", "tls-server-name", "v", "timeout", "kustomize",
])  # fmt: skip
_DOCKER_VALUES = frozenset([
    "host", "context", "config", "log-level", "file", "project-name", "profile", "env-file", "project-directory", "timeout",
    "filter", "connection", "url", "namespace", "tlscacert", "tlscert", "tlskey",
])  # fmt: skip
_HELP = frozenset(["--help", "-h", "-help"])
_YES = frozenset(["--yes", "-y", "--skip-preview", "-f"])


def _first_words(command: "Command", shorts: str, longs: "frozenset[str]") -> "tuple[dict[str, str], list[str]]":
    options, words = read_options(command.arguments, shorts, longs)
    return dict(options), words


def judge_kubectl(command: "Command", _places: "Places") -> "Stop | None":
    """Judge kubectl and oc."""
    options, words = _first_words(command, "nslfoc", _KUBECTL_VALUES)
    if words[:1] == ["kubectl"]:
        words = words[1:]
    verb, kinds = (words[0] if words else ""), words[1:]
    if options.keys() & _HELP or options.get("--dry-run", "none") in ("client", "server", ""):
        return None
    if verb == "delete":
        is_pod = bool(kinds) and kinds[0].partition("/")[0] in ("pod", "pods", "po") and "--all" not in options
        return cluster_stop(ASK if is_pod and not options.keys() & {"-A", "--all-namespaces"} else DENY)
    if verb == "drain" or (verb == "scale" and options.get("--replicas") == "0"):
        return cluster_stop(ASK)
    if (verb == "replace" and "--force" in options) or (verb == "apply" and "--prune" in options):
        return cluster_stop(ASK)
    if verb == "patch" and "finalizers" in " ".join(command.arguments):
        return cluster_stop(ASK)
    is_binding = verb == "create" and kinds[:1] and kinds[0].endswith("rolebinding")
    if is_binding and "admin" in " ".join(command.arguments):
        return cluster_stop(ASK, "it gives far-reaching rights in the cluster.")
    return None


def judge_uninstaller(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the scripts that take a cluster off a machine."""
    return None if _HELP & set(command.arguments) else cluster_stop()


def judge_helm(command: "Command", _places: "Places") -> "Stop | None":
    """Judge helm and the tools that install into a cluster."""
    options, words = _first_words(command, "nf", _KUBECTL_VALUES | {"kube-context", "environment", "name", "region"})
    if options.keys() & (_HELP | {"--dry-run"}):
        return None
    verbs = _UNINSTALLS[command.name]
    return cluster_stop() if any(word in verbs for word in words[:2]) else None


_GONE = frozenset(["uninstall", "delete", "destroy"])
_UNINSTALLS = {
    "helm": frozenset(["uninstall", "delete", "del", "un"]),
    "helmfile": frozenset(["destroy", "delete"]),
    "argocd": frozenset(["delete", "rm"]),
    "flux": _GONE,
    "eksctl": frozenset(["delete"]),
    "kops": frozenset(["delete"]),
    "kubeadm": frozenset(["reset"]),
    "istioctl": frozenset(["uninstall"]),
    "velero": _GONE,
    "skaffold": frozenset(["delete"]),
    "kubectx": frozenset(),
    "rancher": frozenset(["delete", "rm"]),
    "k0s": frozenset(["reset"]),
    "talosctl": frozenset(["reset"]),
}


def cluster_stop(decision: str = DENY, why: str = "it takes down what runs in a cluster, or deletes its data.") -> Stop:
    """Make the stop for what a cluster would lose."""
    return Stop(
        decision,
        "cluster-delete",
        why,
        "look at what is there; to try the command without effect, kubectl has --dry-run=client",
        "kubectl get all",
    )


def judge_terraform(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Terraform, OpenTofu and Terragrunt, whose options have one dash."""
    words = [argument for argument in command.arguments if not argument.startswith("-")]
    flags = ["-" + argument.lstrip("-") for argument in command.arguments if argument.startswith("-")]
    if {"-help", "-h"} & set(flags) or not words:
        return None
    if words[0] in ("run-all", "run", "stack") and words[1:]:
        words = words[1:]
    verb, below = words[0], words[1] if len(words) > 1 else ""
    is_unasked = any(flag in ("-auto-approve", "-auto-approve=true", "-terragrunt-non-interactive") for flag in flags)
    if verb in ("destroy", "destroy-all") or (verb in ("apply", "apply-all") and "-destroy" in flags):
        return _infrastructure_stop()
    if (verb, below) in (("state", "rm"), ("state", "push"), ("workspace", "delete")):
        return _infrastructure_stop()
    if verb in ("force-unlock", "taint"):
        return _infrastructure_stop(ASK)
    answered = "yes" in command.stdin() or any(other.name == "yes" for other in command.upstream())
    return _infrastructure_stop(ASK) if verb in ("apply", "apply-all") and (is_unasked or below or answered) else None


def judge_pulumi(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Pulumi, the CDKs, Serverless and SAM."""
    options, words = _first_words(
        command, "sCce", frozenset(["stack", "cwd", "config", "profile", "app", "context", "stage", "region"])
    )
    found = frozenset(options)
    if found & (_HELP | {"--preview-only", "--noop", "--help"}) or not words:
        return None
    if tuple(words[:1]) in _DESTROYS[command.name] or tuple(words[:2]) in _DESTROYS[command.name]:
        return _infrastructure_stop()
    if command.name == "pulumi" and words[0] in ("up", "update", "import") and found & _YES:
        return _infrastructure_stop(ASK)
    if command.name in ("cdk", "cdktf") and words[0] == "deploy":
        unasked = options.get("--require-approval", "") == "never" or "never" in words or "--auto-approve" in found
        return _infrastructure_stop(ASK) if unasked else None
    return None


_REMOVE = (("remove",), ("delete",))
_DESTROYS = {
    "pulumi": (("destroy",), ("down",), ("stack", "rm"), ("state", "delete")),
    "cdk": (("destroy",),),
    "cdktf": (("destroy",),),
    "serverless": _REMOVE,
    "sls": _REMOVE,
    "sam": (("delete",),),
    "sst": _REMOVE,
    "vagrant": (("destroy",),),
    "multipass": (("purge",), ("delete",)),
    "lxc": (("delete",),),
    "incus": (("delete",),),
    "juju": (("destroy-model",), ("destroy-controller",), ("remove-application",), ("kill-controller",)),
    "virsh": (("destroy",), ("undefine",), ("vol-delete",), ("pool-delete",)),
    "colima": (("delete",),),
    "limactl": (("delete",),),
    "docker-machine": (("rm",),),
    "azd": (("down",),),
    "bosh": (("delete-deployment",), ("delete-env",)),
    "sky": (("down",),),
}


def judge_ansible(command: "Command", _places: "Places") -> "Stop | None":
    """Judge a playbook by its name, and Ansible's file module by what it makes absent."""
    options, words = _first_words(command, "imaeltubMf", frozenset(["inventory", "extra-vars", "limit", "tags", "args", "module-name", "user", "become-user", "forks"]))  # fmt: skip
    if options.keys() & {"--check", "-C", "--syntax-check", "--list-hosts", "--list-tasks", "--help", "-h"}:
        return None
    arguments = options.get("-a", options.get("--args", ""))
    if "state=absent" in arguments and "path=" in arguments:
        return _infrastructure_stop(ASK)
    marks = ("destroy", "teardown", "tear-down", "tear_down", "wipe", "decommission", "nuke")
    is_end = any(mark in word.lower() for word in words for mark in marks)
    return _infrastructure_stop(ASK) if is_end and command.name == "ansible-playbook" else None


def _infrastructure_stop(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "infrastructure-destroy",
        "it deletes or changes running infrastructure without anybody reading the plan.",
        "make the plan and show it to the person",
        "terraform plan -out=tf.plan",
    )


def judge_docker(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Docker, Podman and nerdctl; publishing is judged as such."""
    _, words = _first_words(command, "Hclfp", _DOCKER_VALUES)
    if words[:1] and words[0] in ("push", "image", "buildx", "build", "manifest", "compose"):
        from guard_publish import judge_publication

        stop = judge_publication(command, _places)
        if stop:
            return stop
    if words[:1] == ["compose"]:
        return _judge_compose(command, words[1:])
    if command.name == "docker-compose":
        return _judge_compose(command, words)
    # What follows `run` and `exec` belongs to the container.
    flags = names(read_options(command.arguments, "Hcl", _DOCKER_VALUES)[0])
    if flags & {"--help"} or words[:1] in (["run"], ["exec"]):
        return None
    pair = tuple(words[:2])
    if pair == ("system", "prune"):
        return volume_stop(DENY if "--volumes" in flags else ASK) if flags & {"--volumes", "-a", "--all"} else None
    if pair in _DATA_LOSSES:
        return volume_stop()
    is_removal = words[:1] in (["rm"], ["rmi"]) or pair in (("container", "rm"), ("image", "rm"))
    takes_all = is_removal and _takes_all(command)
    return volume_stop(ASK) if takes_all or (words[:1] == ["rm"] and flags & {"-v", "--volumes"}) else None


def _takes_all(command: "Command") -> bool:
    """Tell whether a removal takes what `docker ps -aq` or `docker images -q` prints, without a filter."""
    if command.walk is None:
        return False
    spans = [span for argument in command.arguments for span in argument.outputs]
    sources = [source for first, last in spans for source in command.walk.plain(first, last, command.cwd, -1)]
    is_picky = any(
        argument.startswith(("--filter", "-f")) or source.name == "grep"
        for source in sources
        for argument in source.arguments
    )
    return bool(sources) and not is_picky


_DATA_LOSSES = frozenset([
    ("volume", "prune"), ("volume", "rm"), ("volume", "remove"), ("stack", "rm"), ("stack", "down"), ("service", "rm"),
    ("swarm", "leave"), ("secret", "rm"), ("node", "rm"), ("system", "reset"), ("machine", "rm"), ("machine", "reset"),
    ("stack", "remove"), ("service", "remove"),
])  # fmt: skip


def _judge_compose(command: "Command", words: "list[str]") -> "Stop | None":
    arguments: "list[str]" = list(command.arguments)
    verb = words[0] if words else ""
    if verb not in ("down", "rm") or verb not in arguments:
        return None
    options, _ = read_options(arguments[arguments.index(verb) + 1 :], "t", frozenset(["timeout", "rmi"]))
    return volume_stop(ASK) if names(options) & {"-v", "--volumes"} else None


def volume_stop(decision: str = DENY) -> Stop:
    """Make the stop for data of containers."""
    return Stop(
        decision,
        "container-data",
        "it deletes containers' data, which no image brings back.",
        "see what is there, or stop the containers and keep their data",
        "docker volume ls",
    )
