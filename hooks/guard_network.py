"""Does a command run code straight from the network, or code that is hidden, which nobody has read?

A product of two tables: what brings something from another machine, and what runs what it is given. Leaves what the
code does to those who read it.
"""

from guard_decision import ASK, DENY, Stop
from guard_prefilter import CONNECTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

_DOWNLOADERS = frozenset([
    "curl", "wget", "http", "https", "xh", "aria2c", "fetch", "nc", "ncat", "netcat", "socat", "lynx", "curlie", "w3m", "ftp", "lftp", "tftp", "telnet", "invoke-webrequest", "iwr", "irm",
    "invoke-restmethod", "dig", "nslookup", "drill", "host", "ssh", "dbclient", "websocat", "links", "elinks", "wget2", "axel", "httpie", "httpx", "grpcurl", "sftp", "ncftpget", "kcat", "hurl",
    "mosquitto_sub", "ipfs", "rsh", "plink", "got",
])  # fmt: skip
_FETCHING: "dict[str, tuple[tuple[str, ...], ...]]" = {
    # program: words one of which, all together, make it print something from elsewhere
    "aws": (
        ("s3", "cp", "-"),
        ("get-object",),
        ("ssm", "get-parameter"),
        ("s3", "cp", "/dev/stdout"),
        ("codecommit", "get-file"),
        ("receive-message",),
    ),
    "openssl": (("s_client",),),
    "gsutil": (("cat",), ("cp", "-")),
    "gcloud": (("storage", "cat"), ("storage", "cp", "-"), ("compute", "ssh")),
    "az": (("storage", "blob", "download"), ("repos",)),
    "gh": (("gist", "view"), ("api",), ("release", "download")),
    "glab": (("api",), ("snippet", "view")),
    "rclone": (("cat",),),
    "mc": (("cat",),),
    "s3cmd": (("get", "-"),),
    "s5cmd": (("cat",),),
    "b2": (("cat",), ("file", "cat")),
    "svn": (("cat",),),
    "hg": (("cat",),),
    "oras": (("pull",), ("blob", "fetch")),
    "crane": (("blob",), ("export",)),
    "redis-cli": (("get",), ("rpop",), ("lpop",), ("blpop",)),
    "consul": (("kv", "get"),),
    "etcdctl": (("get",),),
}
_CODE_WORDS = (
    "urlopen",
    "requests.get",
    "urllib",
    "fetch(",
    "http.get",
    "https.get",
    "httpx.get",
    "Net::HTTP",
    "URI.open",
    "LWP",
    "file_get_contents('http",
    "socket",
)
_INTERPRETERS = ("python", "node", "ruby", "perl", "php", "deno", "bun", "lua")
_SOCKETS = ("/dev/tcp/", "/dev/udp/")
_SHELL_NAMES = frozenset(
    [
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "ash",
        "fish",
        "busybox",
        "cmd",
        "cmd.exe",
        "powershell",
        "pwsh",
        "rbash",
        "mksh",
    ]
)
_NETWORK_ADDRESSES = ("tcp", "openssl", "ssl", "udp", "sctp", "socks", "proxy", "wss", "ws")
_EARLIER = 16
"""Commands before one with a copied file descriptor that may have opened it."""


def judge_code_source(command: "Command") -> "Stop | None":
    """Judge a shell or interpreter whose code comes out of a download or a decoder."""
    if not command.reads_code and not command.code:
        return None
    sources = command.sources()
    if command.reads_code and any(path.startswith(_SOCKETS) for path in command.files_in()):
        return _network_stop()
    if any(_downloads(source) for source in sources) or (command.reads_code and _reads_opened(command)):
        return _network_stop()
    if any(_decodes(source) for source in sources):
        return Stop(
            DENY,
            "hidden-code",
            "it runs code that is encoded, so that nobody can read what it does.",
            "decode it and read it first, then run the commands as they are",
            "base64 -d code.txt",
        )
    return None


def _network_stop() -> Stop:
    return Stop(
        DENY,
        "network-code",
        "it runs whatever the server sends at this moment, and nobody has read it.",
        "download it to a file, read it, and let the person decide",
        "curl -fsSLo downloaded.sh https://example.com/install.sh",
    )


def _reads_opened(command: "Command") -> bool:
    """Tell whether a command reads from a file descriptor that a command before it opened to the network."""
    if command.walk is None or not any(operator == "<&" for operator, _ in command.redirects):
        return False
    simples = command.walk.simples
    before = command.walk.plain(max(0, len(simples) - _EARLIER), len(simples), command.cwd, -1)
    return any(_brings(source) or _opens_socket(source) for source in before)


def _opens_socket(command: "Command") -> bool:
    return any(target.startswith(_SOCKETS) for _, target in command.redirects)


def _downloads(source: "Command") -> bool:
    return _brings(source) or _reads_opened(source)


def _brings(source: "Command") -> bool:
    """Tell whether a command by itself prints what another machine sends."""
    name, arguments = source.name, source.arguments
    if name in _DOWNLOADERS:
        return True
    if name in _FETCHING:
        words = [argument for argument in arguments if argument == "-" or not argument.startswith("-")]
        return any(all(word in words for word in needed) for needed in _FETCHING[name])
    if any(path.startswith(_SOCKETS) for path in source.files_in()) or _opens_socket(source):
        return True
    if name.rstrip("0123456789.") in _INTERPRETERS:
        return any(word in argument for argument in arguments for word in _CODE_WORDS)
    # `sudo curl` and `env curl` are one word further on.
    return any(word.rpartition("/")[2] in _DOWNLOADERS for word in arguments[:1])


def _decodes(source: "Command") -> bool:
    name, arguments = source.name, source.arguments
    if name in ("base64", "base32", "basenc", "gbase64"):
        return any(argument.startswith("--d") or (argument[:1] == "-" and argument[1:2] != "-" and ("d" in argument or "D" in argument)) for argument in arguments)  # fmt: skip
    if name == "openssl":
        return "-d" in arguments
    if name == "xxd":
        return any(argument.startswith("-") and "r" in argument for argument in arguments)
    return name in ("rev", "uudecode", "tr") or (name in ("python", "python3", "perl") and "b64" in " ".join(arguments))


def judge_connection(command: "Command") -> "Stop | None":
    """Judge a shell that another machine would hold in its hand: nc -e, socat EXEC, `bash >& /dev/tcp/…`."""
    name, arguments = command.name, command.arguments
    if name in _SHELL_NAMES or name == "exec":
        is_given = name != "exec" and _opens_socket(command)
        return _shell_stop() if is_given else None
    if name not in CONNECTIONS:
        return None
    if name == "socat":
        return _shell_stop() if _joins_shell(arguments) else None
    executes = name in ("nc", "ncat", "netcat", "gs-netcat") and any(
        argument in ("-e", "-c", "--exec", "--sh-exec", "--lua-exec")
        or argument.startswith(("--exec=", "--sh-exec="))
        or (argument[:1] == "-" and argument[1:2] != "-" and argument.endswith(("e", "c")) and len(argument) > 2)  # noqa: PLR2004 - a cluster
        for argument in arguments
    )
    if executes and any(argument.partition(" ")[0].rpartition("/")[2] in _SHELL_NAMES for argument in arguments):
        return _shell_stop()
    is_fed_by_shell = any(
        source.name in _SHELL_NAMES and not [word for word in source.arguments if not word.startswith("-")]
        for source in command.upstream()
    )
    return _shell_stop() if is_fed_by_shell else None


def _joins_shell(addresses: "Sequence[str]") -> bool:
    heads = [address.lower().partition(":") for address in addresses]
    runs = any(
        head == "system"
        or (
            head in ("exec", "shell")
            and rest.strip("'\"").partition(" ")[0].partition(",")[0].rpartition("/")[2] in _SHELL_NAMES
        )
        for head, _, rest in heads
    )
    return runs and any(head.startswith(_NETWORK_ADDRESSES) for head, _, _ in heads)


def _shell_stop() -> Stop:
    return Stop(
        DENY,
        "network-code",
        "it gives another machine a shell on this one.",
        "let the person open the connection, or only test that the port is open",
        "nc -zv localhost 8080",
    )


def judge_package_source(command: "Command") -> "Stop | None":
    """Judge a package runner that fetches and runs what is in no registry: a URL, a git repository."""
    words = [argument for argument in command.arguments if not argument.startswith("-")]
    name = command.name
    if name in ("pip", "pip3") or (name == "uv" and words[:1] == ["pip"]):
        urls = [word for word in words if word.startswith(("http://", "https://")) and "install" in words]
        options = command.arguments
        urls = [url for url in urls if not (options.index(url) and options[options.index(url) - 1] in _INDEX_OPTIONS)]
        is_open = any(word.startswith("http://") and "install" in words and not _is_local(word) for word in words)
        return package_stop() if is_open or any(not _is_known_host(url) for url in urls) else None
    starts = {
        "deno": ("run",), "nix": ("run",), "go": ("run",), "pnpm": ("dlx",), "yarn": ("dlx",), "bun": ("x",), "npm": ("exec", "x"), "pipx": ("run",), "uv": ("run", "x"), "cargo": ("\0",),
    }  # fmt: skip
    if (
        name in starts
        and not (words and words[0] in starts[name])
        and not (name == "uv" and words[:2] == ["tool", "run"])
    ):
        return None
    if name == "go":
        return package_stop() if any("@" in word and "." in word.partition("/")[0] for word in words[1:2]) else None
    place = 0 if name in ("npx", "bunx", "uvx") else 1
    own: "list[str]" = list(words[place : place + 1])
    for argument, following in zip([*command.arguments, ""], [*command.arguments[1:], ""]):  # noqa: B905 - strict came with 3.10
        option, _, value = argument.partition("=")
        if option in ("--from", "--spec", "--package", "-p"):
            own.append(value or following)
    return (
        package_stop() if any(word.startswith(_FOREIGN) or (name == "deno" and "://" in word) for word in own) else None
    )


_FOREIGN = ("http://", "https://", "git+", "git://", "github:", "gitlab:", "bitbucket:", "gist:", "git@", "ssh://")
_INDEX_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--proxy", "--trusted-host")


def _is_local(url: str) -> bool:
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    return host in ("localhost", "127.0.0.1") or "." not in host


def _is_known_host(url: str) -> bool:
    host = url.partition("://")[2].partition("/")[0].lower()
    return host in (
        "files.pythonhosted.org",
        "download.pytorch.org",
        "github.com",
        "codeload.github.com",
        "storage.googleapis.com",
    ) or host.endswith((".github.com", ".pytorch.org"))


def package_stop() -> Stop:
    """Make the question about code that is fetched and run at once."""
    return Stop(
        ASK,
        "downloaded-code",
        "it fetches code that is in no registry, and runs it at once.",
        "look at what it is first",
        "npm view prettier",
    )
