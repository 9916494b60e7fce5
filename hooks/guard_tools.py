"""What does an MCP tool do, as far as its name and input say it?

Servers name their tools freely; so the words of the name are looked at, and only in servers whose things are costly.
"""

from guard_decision import ASK, DENY, Stop
from payload import string

_COMMAND_KEYS = (
    "argv",
    "input",
    "line",
    "command_line",
    "command",
    "cmd",
    "cli_command",
    "shell_command",
    "script",
    "bash",
    "commands",
    "code",
)
_COMMAND_TOOLS = (
    "kubectl",
    "helm",
    "terraform",
    "gcloud",
    "command",
    "shell",
    "bash",
    "exec",
    "terminal",
    "call_aws",
    "run",
    "process",
    "cli",
    "powershell",
    "ssh",
)
_PATH_KEYS = ("path", "file_path", "filepath", "filename", "uri", "source", "destination", "target", "file")
_WRITING = (
    "write",
    "edit",
    "create",
    "append",
    "replace",
    "move",
    "delete",
    "patch",
    "save",
    "update",
    "remove",
    "insert",
)
_COSTLY = (
    "kube", "k8s", "aws", "gcp", "gcloud", "google-cloud", "azure", "terraform", "pulumi", "docker", "heroku", "cloudflare", "vercel", "netlify",
    "supabase", "neon", "mongo", "redis", "elastic", "helm", "argocd", "digitalocean", "railway", "firebase", "s3", "openstack", "portainer", "planetscale",
)  # fmt: skip
_PLANNERS = ("terraform", "tofu", "terragrunt", "pulumi")
_FORGES = ("github", "gitlab", "bitbucket", "gitea", "azure-devops")
_DELETING = frozenset(
    [
        "delete",
        "destroy",
        "drop",
        "purge",
        "terminate",
        "remove",
        "uninstall",
        "flushall",
        "flushdb",
        "truncate",
        "wipe",
        "flush",
        "prune",
        "reset",
    ]
)
_READING = frozenset(["get", "list", "describe", "search", "read", "preview", "plan"])


def judge_name(tool: str, tool_input: "dict[str, object]") -> "Stop | None":
    """Judge a tool by its name.

    Args:
        tool: Such as mcp__kubernetes__delete_resource.
        tool_input: What it was called with.
    """
    server, _, name = tool.lower()[len("mcp__") :].partition("__")
    words = frozenset(_words(name))
    if words & _READING:
        return None
    if any(mark in server for mark in _FORGES):
        return _judge_forge(words)
    if server == "git" or server.endswith("git"):
        is_hard = "reset" in words and string(tool_input, "mode") == "hard"
        return _stop(DENY, "git-discard", "it throws away every change that is not committed.") if is_hard else None
    given = frozenset(
        [string(tool_input, key).lower() for key in ("operation", "action", "verb", "method", "subcommand")]
    )
    if any(mark in server for mark in _PLANNERS) and (words | given) & {"apply", "up", "deploy"}:
        return _stop(
            ASK, "infrastructure-destroy", "it changes the infrastructure that runs, without a look at the plan."
        )
    if any(mark in server for mark in _COSTLY) and (words | given) & _DELETING:
        is_file = words & {"comment", "tag", "label", "message", "reaction"}
        return None if is_file else _stop(DENY, "cloud-delete", "it deletes or stops what runs or is kept on a server.")
    return None


def _judge_forge(words: "frozenset[str]") -> "Stop | None":
    if (
        words & {"delete", "remove"}
        and words & {"repository", "repo", "project"}
        and not words & {"file", "label", "member", "collaborator"}
    ):
        return _stop(DENY, "repository-delete", "it deletes a whole repository, and nothing brings it back.")
    if words & {"delete"} and words & {"branch", "tag", "ref"}:
        return _stop(
            ASK, "branch-delete-remote", "it deletes a branch on the server, where others may have built on it."
        )
    if words & {"create", "publish"} and "release" in words:
        return _stop(ASK, "publish", "what is published is public at once.")
    return None


def _words(name: str) -> "list[str]":
    for sign in "-.:/":
        name = name.replace(sign, "_")
    return name.split("_")


def shell_texts(tool: str, tool_input: "dict[str, object]") -> "list[str]":
    """Give the shell commands in a tool's input, for a tool that runs such.

    A command may be a text, a list of words or a list of commands; its words may be beside the program, and the program
    may only be the server's or tool's own name, such as kubectl.
    """
    name = tool.lower().rpartition("__")[2]
    if not any(mark in name for mark in _COMMAND_TOOLS):
        return []
    texts = []
    for key in _COMMAND_KEYS:
        texts.extend(_commands(tool_input.get(key)))
    words = [word for key in _ARGUMENT_KEYS for word in _words_of(tool_input.get(key))]
    program = next((string(tool_input, key) for key in _PROGRAM_KEYS if string(tool_input, key)), "")
    if words and (program or texts):
        texts = [*texts[1:], " ".join([program or texts[0], *words])]
    elif words:
        texts.append(" ".join(words))
    return [text if _own_program(tool, text) == "" else _own_program(tool, text) + " " + text for text in texts]


_ARGUMENT_KEYS = ("args", "arguments", "cli_args", "parameters", "flags")
_PROGRAM_KEYS = ("program", "executable", "binary", "exe", "file", "tool")
_PROGRAMS = {
    "kubectl": "kubectl", "kubernetes": "kubectl", "k8s": "kubectl", "helm": "helm", "terraform": "terraform", "tofu": "tofu", "aws": "aws", "gcloud": "gcloud", "gcp": "gcloud", "azure": "az", "docker": "docker",
    "github": "gh", "gh": "gh", "glab": "glab", "git": "git", "pulumi": "pulumi", "argocd": "argocd", "heroku": "heroku", "flyctl": "flyctl", "npm": "npm", "redis": "redis-cli", "vault": "vault", "podman": "podman",
}  # fmt: skip
_VERBS = frozenset([
    "delete", "destroy", "apply", "uninstall", "push", "reset", "prune", "volume", "system", "compute", "projects", "sql", "s3", "ec2", "rds", "iam", "storage", "container", "group", "vm", "pr", "repo",
    "release", "api", "state", "drain", "scale", "flushall", "flushdb", "down", "apps:destroy", "publish", "unpublish", "clean", "branch", "checkout", "restore", "stash", "lambda", "dynamodb", "eks", "ecs",
])  # fmt: skip


def _own_program(tool: str, text: str) -> str:
    """Give the program that a server is made for, when a command begins with one of its verbs and not with a program."""
    first = text.lstrip("-").split(" ", 1)[0].lower()
    if first not in _VERBS:
        return ""
    lower = tool.lower()
    return next((program for mark, program in _PROGRAMS.items() if mark in lower), "")


def _commands(value: object) -> "list[str]":
    """Give the commands of a text, of a list of words, or of a list of commands."""
    if isinstance(value, str):
        return [value]
    words = _words_of(value)
    if (
        len(words) > 1
        and all(" " in word or word.isalpha() for word in words)
        and " " in "".join(words)
        and words[0] not in _SHELLS
    ):
        return words
    return [" ".join([_as_word(word) for word in words])] if words else []


_SHELLS = frozenset(
    [
        "sh",
        "bash",
        "zsh",
        "dash",
        "python",
        "python3",
        "node",
        "sudo",
        "env",
        "/bin/sh",
        "/bin/bash",
        "ssh",
        "psql",
        "mysql",
        "su",
    ]
)


def _words_of(value: object) -> "list[str]":
    if isinstance(value, str):
        return [value]
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _as_word(word: str) -> str:
    """Write one word of a list so that a shell reads it as one."""
    is_plain = all(character.isalnum() or character in "-_./=:@%+,~" for character in word)
    return word if is_plain and word else "'" + word.replace("'", "'\\''") + "'"


def paths(tool_input: "dict[str, object]") -> "list[str]":
    """Give the local files that a tool's input names; of addresses only those of files."""
    found = [string(tool_input, key) for key in _PATH_KEYS]
    for key in ("paths", "files", "file_paths"):
        found.extend(_words_of(tool_input.get(key)))
    addresses = [string(tool_input, key) for key in ("url", "uri", "href", "location", "source_url", "src")]
    found.extend(
        [address for address in [*addresses, *_words_of(tool_input.get("urls"))] if address.startswith("file:")]
    )
    plain = [path.removeprefix("file://localhost").removeprefix("file://").removeprefix("file:") for path in found]
    return [path for path in plain if path.startswith(("/", "~/", "../"))]


def is_writing(tool: str) -> bool:
    """Tell whether a tool writes the files that it names."""
    return not frozenset(_words(tool.lower().rpartition("__")[2])).isdisjoint(_WRITING)


def _stop(decision: str, rule: str, why: str) -> Stop:
    return Stop(decision, rule, why, "use the server's tools that only read, and let the person do this")
