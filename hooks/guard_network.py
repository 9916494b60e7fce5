"""Does a command run code straight from the network, or code that is hidden, which nobody has read?"""

from guard_decision import ASK, DENY, Stop
from guard_paths import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_walk import Command

_DOWNLOADERS = frozenset(["curl", "wget", "http", "https", "xh", "aria2c", "fetch", "nc", "ncat", "netcat", "socat", "lynx", "curlie", "w3m", "ftp", "tftp", "invoke-webrequest", "iwr", "irm", "invoke-restmethod"])  # fmt: skip
_RUNNERS = frozenset(
    ["sh", "bash", "zsh", "dash", "ksh", "fish", "source", ".", "node", "perl", "ruby", "php", "deno", "bun"]
)


def judge_code_source(command: "Command") -> "Stop | None":
    """Judge a shell or interpreter whose code comes out of a download or a decoder."""
    if not command.reads_code and not command.code:
        return None
    sources = command.sources()
    if any(_downloads(source) for source in sources):
        return Stop(
            DENY,
            "network-code",
            "it runs whatever the server sends at this moment, and nobody has read it.",
            "download it to a file, read it, and let the person decide",
            "curl -fsSLo downloaded.sh https://example.com/install.sh",
        )
    if any(_decodes(source) for source in sources):
        return Stop(
            DENY,
            "hidden-code",
            "it runs code that is encoded, so that nobody can read what it does.",
            "decode it and read it first, then run the commands as they are",
            "base64 -d code.txt",
        )
    return None


def _downloads(source: "Command") -> bool:
    if source.name in _DOWNLOADERS:
        return True
    # `sudo curl` and `env curl` are one word further on.
    return any(word.rpartition("/")[2] in _DOWNLOADERS for word in source.arguments[:1])


def _decodes(source: "Command") -> bool:
    name, arguments = source.name, source.arguments
    if name in ("base64", "base32", "basenc", "gbase64"):
        return any(argument.startswith("--d") or (argument[:1] == "-" and argument[1:2] != "-" and ("d" in argument or "D" in argument)) for argument in arguments)  # fmt: skip
    if name == "openssl":
        return "-d" in arguments
    if name == "xxd":
        return any(argument.startswith("-") and "r" in argument for argument in arguments)
    return name in ("rev", "uudecode", "tr") or (name in ("python", "python3", "perl") and "b64" in " ".join(arguments))


def downloads(command: "Command") -> "list[str]":
    """Give the files that a command downloads to."""
    if command.name not in ("curl", "wget", "aria2c"):
        return []
    found: "list[str]" = [target for _, target in command.redirects]
    urls, previous = [], ""
    for argument in command.arguments:
        if previous in ("-o", "--output", "-O", "--output-document") or (previous.startswith("-") and not previous.startswith("--") and previous.endswith(("o", "O")) and command.name == "wget") or (previous.startswith("-") and not previous.startswith("--") and previous.endswith("o")):  # fmt: skip
            found.append(argument)
        elif argument.startswith(("--output=", "--output-document=")):
            found.append(argument.partition("=")[2])
        if "://" in argument:
            urls.append(argument.partition("?")[0])
        previous = argument
    if command.name != "curl" or any(
        a == "--remote-name" or (a[:1] == "-" and a[1:2] != "-" and "O" in a) for a in command.arguments
    ):
        found.extend([url.rpartition("/")[2] for url in urls])
    return [
        full for full in [absolute(path, command.cwd) for path in found if path and not path.startswith("-")] if full
    ]


def judge_downloaded(command: "Command", downloaded: "set[str]") -> "Stop | None":
    """Judge a command that runs a file which this line has downloaded.

    Args:
        command: The command.
        downloaded: Absolute paths.
    """
    if not downloaded:
        return None
    scripts: "list[str]" = [command.program] if "/" in command.program else []
    if command.name in _RUNNERS or command.name.startswith("python"):
        scripts += [argument for argument in command.arguments if not argument.startswith("-")][:1]
    if not any(absolute(script, command.cwd) in downloaded for script in scripts):
        return None
    return Stop(
        ASK,
        "downloaded-code",
        "it runs what was downloaded a moment ago, and nobody has read it.",
        "read the file first, in a step of its own",
        "head -50 downloaded.sh",
    )
