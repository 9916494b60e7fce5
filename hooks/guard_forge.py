"""Does a command create a pull request past the create-pr skill, or delete a repository?

The skill's own program starts the forge's CLI as a child process, which hooks do not see; so every direct form can
be refused without remembering anything.
"""

from guard_decision import ASK, DENY, Stop
from guard_expansion import UNKNOWN_TEXT
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

PULL_REQUEST = "pull-request"

_GH_SHORTS = "tbFBHalmprRT"
_GH_LONGS = frozenset([
    "repo", "title", "body", "body-file", "base", "head", "assignee", "label", "milestone", "project", "reviewer",
    "template", "recover", "hostname", "jq", "method", "field", "raw-field", "header", "input", "preview", "cache",
])  # fmt: skip
_API_SHORTS = "XfFHqtp"
_GLAB_SHORTS = "tdbsalmRXfFH"
_GLAB_LONGS = frozenset([
    "repo", "title", "description", "source-branch", "target-branch", "assignee", "label", "milestone", "reviewer",
    "hostname", "method", "field", "raw-field", "header", "input", "related-issue", "head",
])  # fmt: skip
_FIELDS = frozenset(["-f", "-F", "--field", "--raw-field", "--input"])
_CURL_SHORTS = "AbcCdDeEFhHIKmoPQrtTuUwxXyYz"
_CURL_LONGS = frozenset([
    "data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json", "form", "request", "header", "user",
    "output", "url", "proxy", "cert", "key", "cacert", "max-time", "connect-timeout", "retry", "user-agent", "cookie",
    "upload-file", "unix-socket", "abstract-unix-socket", "write-out", "post-data", "post-file", "body-data", "body-file", "method",
])  # fmt: skip
_CURL_BODIES = frozenset([
    "-d", "-F", "-T", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "--form",
    "--post-data", "--post-file", "--body-data", "--body-file",
])  # fmt: skip
_MUTATION = "createpullrequest"
_COLLECTIONS = ("pulls", "merge_requests", "pullrequests", "pull-requests")
_CREATE_WORDS = {
    "hub": (("pull-request",),),
    "tea": (("pulls", "create"), ("pull", "create"), ("pr", "create"), ("pulls", "c"), ("pr", "c")),
    "az": (("repos", "pr", "create"),),
}


def pull_request_stop() -> Stop:
    """Make the stop for a pull request that is created directly."""
    return Stop(
        DENY,
        PULL_REQUEST,
        "pull requests are created with the create-pr skill, whose description quotes why the change was asked for and is"
        " checked before it is sent.",
        "use the create-pr skill, whose program is",
        "create-pull-request create --help",
    )


def _unknown_verb_stop() -> Stop:
    return Stop(
        DENY,
        PULL_REQUEST,
        "what it does with a pull request is only known when it runs, and creating one is done with the create-pr skill.",
        "write the verb out; to create one, use the create-pr skill, whose program is",
        "create-pull-request create --help",
    )


def judge_gh(command: "Command", _places: "Places") -> "Stop | None":
    """Judge GitHub's CLI."""
    options, words = read_options(command.arguments, _GH_SHORTS, _GH_LONGS)
    if words[:1] == ["api"]:
        return _judge_api(command, _API_SHORTS, _GH_LONGS)
    found = names(options)
    if found & {"--help", "-h"}:
        return None
    if words[:2] in (["pr", "create"], ["pr", "new"]):
        # `--dry-run` belongs to `create`; read as an option it is no other option's value.
        return None if "--dry-run" in found else pull_request_stop()
    if words[:1] == ["pr"] and words[1:2] == [UNKNOWN_TEXT]:
        return _unknown_verb_stop()
    if words[:2] == ["stack", "submit"]:
        return pull_request_stop()
    if words[:2] == ["pr", "merge"] and "--admin" in found:
        from guard_review import bypass_stop

        return bypass_stop()
    if words[:2] == ["repo", "delete"]:
        return _repository_stop()
    if tuple(words[:2]) in _DELETIONS:
        return forge_deletion()
    if words[:2] == ["repo", "edit"] and (("--visibility", "public") in options or "public" in words[2:]):
        return forge_deletion("it makes a repository public, with all its history.")
    if words[:2] == ["alias", "set"]:
        return _judge_alias(words[3:])
    return None


_DELETIONS = frozenset([
    ("secret", "delete"), ("secret", "remove"), ("variable", "delete"), ("issue", "delete"), ("gist", "delete"), ("ssh-key", "delete"),
    ("gpg-key", "delete"), ("codespace", "delete"), ("repo", "archive"), ("repo", "rename"), ("workflow", "disable"), ("label", "delete"), ("project", "delete"), ("run", "delete"),
])  # fmt: skip


def forge_deletion(why: str = "it deletes or closes something on the server, for everybody.") -> Stop:
    """Make the question about something that a forge would lose."""
    return Stop(ASK, "forge-delete", why, "look at it first", "gh repo view")


def _judge_alias(words: "list[str]") -> "Stop | None":
    """Judge what an alias stands for: words of gh, or after `!` a shell command."""
    expansion = " ".join(words).lstrip("!").split()
    words = expansion[1:] if expansion[:1] == ["gh"] else expansion
    return pull_request_stop() if words[:2] in (["pr", "create"], ["pr", "new"]) else None


def judge_glab(command: "Command", _places: "Places") -> "Stop | None":
    """Judge GitLab's CLI."""
    options, words = read_options(command.arguments, _GLAB_SHORTS, _GLAB_LONGS)
    if words[:1] == ["api"]:
        return _judge_api(command, _API_SHORTS, _GLAB_LONGS)
    if names(options) & {"--help", "-h"}:
        return None
    if words[:2] in (["repo", "delete"], ["project", "delete"]):
        return _repository_stop()
    if tuple(words[:2]) in _DELETIONS:
        return forge_deletion()
    is_creation = words[:1] == ["mr"] and words[1:2] in (["create"], ["new"], ["for"])
    return pull_request_stop() if is_creation else None


def judge_az(command: "Command", places: "Places") -> "Stop | None":
    """Judge Azure's CLI: pull requests of its DevOps, and what it deletes."""
    stop = judge_by_words(command, places)
    if stop:
        return stop
    from guard_cloud import judge_cloud

    return judge_cloud(command, places)


def judge_hub(command: "Command", places: "Places") -> "Stop | None":
    """Judge hub, which is git with more subcommands."""
    stop = judge_by_words(command, places)
    if stop:
        return stop
    from guard_git import judge_git

    return judge_git(command, places)


def judge_by_words(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the CLIs whose creation is known by its first words alone."""
    options, words = read_options(command.arguments, "R", frozenset(["repo", "login"]))
    # hub's -h is --head; its help is --help alone.
    if names(options) & ({"--help"} if command.name == "hub" else {"--help", "-h"}):
        return None
    return pull_request_stop() if any(tuple(words[: len(c)]) == c for c in _CREATE_WORDS[command.name]) else None


def _judge_api(command: "Command", shorts: str, longs: "frozenset[str]") -> "Stop | None":
    options, words = read_options(command.arguments, shorts, longs)
    endpoint = words[1] if len(words) > 1 else ""
    method = [value.upper() for name, value in options if name in ("-X", "--method")]
    sends = bool(names(options) & _FIELDS)
    if endpoint == "graphql":
        return pull_request_stop() if _has_mutation(command) else _judge_mutation(command)
    verb = method[-1] if method else ("POST" if sends else "GET")
    if verb == "POST" and is_collection(endpoint):
        return pull_request_stop()
    stop = _judge_published(verb, [endpoint]) or _judge_changed(verb, [endpoint], command)
    if stop:
        return stop
    if verb == "DELETE":
        return _repository_stop() if _is_repository(endpoint) else forge_deletion()
    return None


def judge_http(command: "Command", _places: "Places") -> "Stop | None":
    """Judge curl, wget and httpie: a POST to a forge's list of pull requests."""
    options, words = read_options(command.arguments, _CURL_SHORTS, _CURL_LONGS)
    urls = words + [value for name, value in options if name == "--url"]
    if any("graphql" in url for url in urls):
        stop = pull_request_stop() if _has_mutation(command) else _judge_mutation(command)
        if stop:
            return stop
    methods = [value.upper() for name, value in options if name in ("-X", "--request", "--method")]
    sends = bool(names(options) & _CURL_BODIES) and not names(options) & {"-G", "--get"}
    if command.name in ("http", "https", "xh"):
        methods = [word.upper() for word in words[:1] if word.upper() in ("POST", "GET", "PUT", "DELETE", "PATCH")]
        sends = any("=" in word and not is_collection(word) and "==" not in word for word in words)
    if any(name == "--unix-socket" for name, _ in options):
        return _judge_socket(methods, urls)
    verb = methods[-1] if methods else "POST" if sends else "GET"
    stop = _judge_published(verb, urls) or _judge_changed(verb, urls, command) or _judge_search(command, verb, urls)
    if stop:
        return stop
    if "DELETE" in methods:
        return _judge_remote_deletion(urls)
    if not any(is_collection(url) for url in urls):
        return None
    return pull_request_stop() if "POST" in methods or (sends and not methods) else None


_REGISTRIES = ("registry.", "upload.pypi.org", "test.pypi.org", "rubygems.org", "crates.io", "nexus.", "artifactory", "jfrog.io", "npm.pkg.github.com", "maven.pkg.github.com", "nuget.org", "hub.docker.com", "packagecloud.io", "central.sonatype", "oss.sonatype", "clojars.org", "hex.pm", "pub.dev")  # fmt: skip


def _judge_published(verb: str, urls: "list[str]") -> "Stop | None":
    """Judge a request that publishes, a release or a package, or that changes what protects a branch."""
    if verb == "GET":
        return None
    from guard_review import judge_gate

    stop = judge_gate(verb, urls)
    if stop or verb not in ("POST", "PUT"):
        return stop
    for url in urls:
        host, _, path = url.rpartition("://")[2].partition("/")
        is_release = url.partition("?")[0].rstrip("/").endswith("/releases") and any(
            mark in "/" + url for mark in ("/repos/", "/projects/")
        )
        if is_release or any(mark in host or (mark == "artifactory" and mark in path) for mark in _REGISTRIES):
            from guard_publish import publication_stop

            return publication_stop()
    return None


def _judge_search(command: "Command", verb: str, urls: "list[str]") -> "Stop | None":
    """Judge what a search engine or database is told over HTTP to delete."""
    if verb != "POST" or not urls:
        return None
    text = " ".join(command.arguments) + " " + command.stdin()
    everything = "match_all" in text or '"query"' not in text
    is_swept = any("_delete_by_query" in url for url in urls) and everything
    is_solr = any("/update" in url for url in urls) and "<delete>" in text.lower() and "*:*" in text
    if is_swept or is_solr:
        return _index_stop()
    if any(":8123" in url or "clickhouse" in url for url in urls):
        from guard_data import judge_sql

        return next((stop for word in command.arguments for stop in [judge_sql(word)] if stop), None)
    return None


def _index_stop() -> Stop:
    return Stop(
        DENY,
        "database-drop",
        "it deletes a search index with all that is in it.",
        "look at the index first",
        "curl -s localhost:9200/_cat/indices",
    )


def _judge_socket(methods: "list[str]", urls: "list[str]") -> "Stop | None":
    """Judge what a container engine is told through its socket."""
    prunes = any(url.partition("?")[0].endswith("/prune") for url in urls)
    if "DELETE" not in methods and not prunes:
        return None
    from guard_clusters import volume_stop

    return volume_stop()


def _judge_remote_deletion(urls: "list[str]") -> "Stop | None":
    """Judge DELETE of a URL: a repository, or something of a server that is not this machine's own."""
    for url in urls:
        host, _, path = url.rpartition("://")[2].partition("/")
        if host.startswith("api.github.com") and _is_repository(path):
            return _repository_stop()
        if path.startswith(("api/v1/", "apis/")) and "/namespaces" in "/" + path:
            from guard_clusters import cluster_stop

            return cluster_stop()
        name = host.rpartition("@")[2].partition(":")[0]
        if ":9200" in host or "elastic" in name or "opensearch" in name:
            return _index_stop()
        is_own = (
            name in ("localhost", "127.0.0.1", "0.0.0.0", "[", "")  # noqa: S104 - a name to compare with
            or name.endswith((".local", ".test", ".localhost"))
            or "." not in name
        )
        if not is_own:
            return Stop(
                ASK,
                "remote-delete",
                "it deletes something on a server, and nothing here can bring it back.",
                "look at it first",
                "curl -s https://api.example.com/v1/items/7",
            )
    return None


def _judge_changed(verb: str, urls: "list[str]", command: "Command") -> "Stop | None":
    if verb in ("GET", "HEAD", "DELETE"):
        return None
    from guard_review import judge_change

    return judge_change(verb, urls, command)


def _judge_mutation(command: "Command") -> "Stop | None":
    from guard_review import judge_mutation

    return judge_mutation(command)


def _has_mutation(command: "Command") -> bool:
    text = " ".join(command.arguments) + " " + command.stdin()
    return _MUTATION in text.lower()


def is_collection(url: str) -> bool:
    """Tell whether a URL or API path names a repository's list of pull or merge requests."""
    path = url.partition("?")[0].partition("#")[0].rstrip("/")
    head, _, last = path.rpartition("/")
    if last not in _COLLECTIONS:
        return False
    return any(mark in "/" + head for mark in ("/repos/", "/projects/", "/repositories/"))


def _is_repository(endpoint: str) -> bool:
    parts = endpoint.partition("?")[0].strip("/").split("/")
    return len(parts) == 3 and parts[0] == "repos"  # noqa: PLR2004 - repos/<owner>/<name>


def _repository_stop() -> Stop:
    return Stop(
        DENY,
        "repository-delete",
        "it deletes a whole repository with its issues and pull requests, and nothing brings them back.",
        "archive it, which a person can undo, or look at it first",
        "gh repo view",
    )


def judge_mcp(tool: str) -> "Stop | None":
    """Judge a forge's MCP tool by its name, such as mcp__github__create_pull_request."""
    name = tool.rpartition("__")[2].lower().replace("_", "").replace("-", "")
    if name.endswith(("createpr", "createmr", "openpr", "openmr")):
        return pull_request_stop()
    for mark in ("createpullrequest", "createmergerequest", "openpullrequest", "openmergerequest"):
        _, found, rest = name.partition(mark)
        if found and not rest.startswith(_BESIDE):
            return pull_request_stop()
    return None


_BESIDE = (
    "review",
    "comment",
    "note",
    "thread",
    "discussion",
    "reply",
    "label",
    "reaction",
    "suggestion",
    "reviewer",
    "template",
    "webhook",
)
"""What may be created about a pull request that is there already."""
