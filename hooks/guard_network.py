"""Does a command run code straight from the network, which nobody has read?"""

from guard_decision import DENY, Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_walk import Command

_DOWNLOADERS = frozenset(["curl", "wget", "http", "https", "xh", "aria2c", "fetch", "nc", "ncat", "lynx", "curlie"])


def judge_code_source(command: "Command") -> "Stop | None":
    """Judge a shell or interpreter whose code comes out of a download."""
    if not command.reads_code and not command.code:
        return None
    if not any(_downloads(source) for source in command.sources()):
        return None
    return Stop(
        DENY,
        "network-code",
        "it runs whatever the server sends at this moment, and nobody has read it.",
        "download it to a file, read it, and let the person decide",
        "curl -fsSLo downloaded.sh https://example.com/install.sh",
    )


def _downloads(source: "Command") -> bool:
    if source.name in _DOWNLOADERS:
        return True
    # `sudo curl` and `env curl` are one word further on.
    return any(word.rpartition("/")[2] in _DOWNLOADERS for word in source.arguments[:1])
