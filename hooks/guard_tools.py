"""What does an MCP tool do, as far as its name and input say it?

Servers name their tools freely; so the words of the name are looked at, and only in servers whose things are costly.
"""

from guard_decision import ASK, DENY, Stop
from payload import string

_COMMAND_KEYS = ("command", "cmd", "cli_command", "shell_command", "script", "bash", "commands", "code")
_COMMAND_TOOLS = (
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
    if any(mark in server for mark in _COSTLY) and words & _DELETING:
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
    """Give the shell commands in a tool's input, for a tool that runs such."""
    name = tool.lower().rpartition("__")[2]
    if not any(mark in name for mark in _COMMAND_TOOLS):
        return []
    texts = []
    for key in _COMMAND_KEYS:
        value = tool_input.get(key)
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, list):
            texts.append(" ".join([word for word in value if isinstance(word, str)]))
    arguments = tool_input.get("args")
    if texts and isinstance(arguments, list):
        texts[0] += " " + " ".join([word for word in arguments if isinstance(word, str)])
    return texts


def paths(tool_input: "dict[str, object]") -> "list[str]":
    """Give the local files that a tool's input names."""
    found = [string(tool_input, key) for key in _PATH_KEYS]
    several = tool_input.get("paths")
    if isinstance(several, list):
        found.extend([path for path in several if isinstance(path, str)])
    return [
        path.removeprefix("file://") for path in found if path.removeprefix("file://").startswith(("/", "~/", "../"))
    ]


def is_writing(tool: str) -> bool:
    """Tell whether a tool writes the files that it names."""
    return not frozenset(_words(tool.lower().rpartition("__")[2])).isdisjoint(_WRITING)


def _stop(decision: str, rule: str, why: str) -> Stop:
    return Stop(decision, rule, why, "use the server's tools that only read, and let the person do this")
