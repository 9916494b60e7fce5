"""Does a command go around the review of a change: a less common client's pull request, a merge as administrator, protection off?"""

from guard_decision import ASK, Stop
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_CLIENTS: "dict[str, tuple[tuple[str, ...], ...]]" = {
    # program: the words, in their order, by which it opens a pull or merge request; () when it always does
    "gt": (
        ("submit",),
        ("s",),
        ("ss",),
        ("stack", "submit"),
        ("downstack", "submit"),
        ("upstack", "submit"),
        ("branch", "submit"),
        ("ds",),
        ("us",),
        ("bs",),
    ),
    "lab": (("mr", "create"), ("mr", "new"), ("merge-request", "create"), ("mr", "c")),
    "spr": (("diff",), ("update",)),
    "ghstack": (("submit",), ()),
    "arc": (("diff",), ("land",)),
    "fj": (("pr", "create"),),
    "berg": (("pulls", "create"), ("pull", "create"), ("pr", "create"), ("pulls", "c")),
    "av": (("pr", "create"), ("pr",), ("stack", "submit")),
    "bkt": (("pr", "create"),),
    "jf": (("git", "create-pull-request"),),
    "git-pull-request": ((),),
    "git-pr": ((),),
    "pull-request": ((),),
    "git-spr": (("update",), ("up",)),
    "stax": (("submit",), ("ss",)),
    "aviator": (("pr", "create"),),
    "gerrit": (("create",),),
    "cr": (("create",),),
    "gitea": (("pr", "create"),),
    "codeberg-cli": (("pulls", "create"),),
    "bb": (("pr", "create"),),
}
GIT_SUBCOMMANDS: "dict[str, tuple[str, ...]]" = {
    "pull-request": (), "pr": ("create", "new", "open"), "town": ("propose", "new-pull-request"), "spr": ("update", "up"), "machete": ("github", "gitlab"), "stack": ("submit",), "mr": ("create", "open"),
    "review": (), "codereview": ("mail",), "cl": ("upload",), "branchless": ("submit",), "submit": (), "ps": ("pub", "rr"), "open-pull-request": (), "create-pull-request": (), "propose": (),
}  # fmt: skip
"""Subcommands that other programs add to git: by which following words they open a pull request, () for any."""
_GATES = (
    "/protection",
    "/rulesets",
    "/protected_branches",
    "/approval_rules",
    "/approvals",
    "/push_rule",
    "/branch-restrictions",
    "/protected_environments",
    "/environments/production",
)
_CHANGES = frozenset(["POST", "PUT", "PATCH", "DELETE"])


def judge_client(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the clients of forges that open pull requests under words of their own."""
    options, words = read_options(
        command.arguments, "mtbRC", frozenset(["title", "message", "body", "repo", "base", "head"])
    )
    if names(options) & {"--help", "-h", "--dry-run", "--version"}:
        return None
    for wanted in _CLIENTS.get(command.name, ()):
        if tuple(words[: len(wanted)]) == wanted and (wanted or not words):
            from guard_forge import pull_request_stop

            return pull_request_stop()
    return None


def opens_by_extension(subcommand: str, arguments: "list[str]") -> bool:
    """Tell whether a subcommand that git itself does not have opens a pull request."""
    wanted = GIT_SUBCOMMANDS[subcommand]
    words = [argument for argument in arguments if not argument.startswith("-")]
    if {"--help", "-h", "--dry-run", "-n", "--list", "-l"} & set(arguments):
        return False
    if subcommand == "machete":
        return words[1:2] in (["create-pr"], ["create-mr"])
    return not wanted or (words[:1] != [] and words[0] in wanted)


def is_gate(url: str) -> bool:
    """Tell whether a URL or API path is that of a branch's protection, or of the rules for approvals."""
    path = "/" + url.partition("?")[0].lstrip("/")
    return any(gate in path for gate in _GATES) and any(
        mark in path for mark in ("/repos/", "/projects/", "/repositories/", "/orgs/", "/groups/")
    )


def judge_gate(verb: str, urls: "list[str]") -> "Stop | None":
    """Judge a request that changes who must agree before something is merged."""
    return bypass_stop() if verb in _CHANGES and any(is_gate(url) for url in urls) else None


def bypass_stop() -> Stop:
    """Make the stop for a review that is gone around."""
    return Stop(
        ASK,
        "review-bypass",
        "it lets a change through that nobody has looked at, or switches off that somebody must.",
        "ask for a review, and see which checks are missing",
        "gh pr checks",
    )
