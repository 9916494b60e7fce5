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


_DELETING = ("deleteref", "deleteissue", "deletebranchprotectionrule", "deletediscussion", "archiverepository", "deletepackageversion", "deleteproject", "deleteenvironment", "deletedeployment",
             "deleterepositoryruleset", "updaterepositoryvisibility", "destroysnippet", "issuedelete", "projectdelete", "branchdelete", "transferissue", "removeenterpriseadmin", "deleterelease", "deletelabel",
             "updatebranchprotectionrule", "updaterepositoryruleset", "deleteteamdiscussion", "closeissuesinbulk", "deletelinkedbranch", "deleteproject")  # fmt: skip
_MERGING = (
    "mergepullrequest",
    "enablepullrequestautomerge",
    "mergebranch",
    "mergerequestaccept",
    "dismisspullrequestreview",
    "enqueuepullrequest",
)
_OPENING = ("createpullrequest", "mergerequestcreate", "revertpullrequest")


def judge_mutation(command: "Command") -> "Stop | None":
    """Judge what a forge is told to change in GraphQL."""
    text = (" ".join(command.arguments) + " " + command.stdin()).lower()
    if "mutation" not in text:
        return None
    from guard_forge import forge_deletion, pull_request_stop

    called = text.replace(" ", "").replace("\n", "").replace("\\n", "")
    if any(name + "(" in called for name in _OPENING):
        return pull_request_stop()
    if "updateref(" in called and "force:true" in called:
        from guard_git import force_stop

        return force_stop()
    if any(name + "(" in called for name in _DELETING):
        return forge_deletion()
    return bypass_stop() if any(name + "(" in called for name in _MERGING) else None


def judge_change(verb: str, urls: "list[str]", command: "Command") -> "Stop | None":
    """Judge a request that changes a repository as a whole, moves a branch by force, or merges."""
    paths = [_api_path(url) for url in urls]
    paths = [path for path in paths if path]
    if not paths:
        return None
    text = (" ".join(command.arguments) + " " + command.stdin()).lower()
    body = "".join([character for character in text if character not in "\"' \n\\"]).replace(":", "=")
    from guard_forge import forge_deletion

    for path in paths:
        parts = path.split("/")
        if parts[-1] == "merge" and parts[-3:-2] in (["pulls"], ["merge_requests"]) and verb in ("PUT", "POST"):
            return bypass_stop()
        if "/git/refs/" in path and verb in ("PATCH", "POST") and "force=true" in body:
            from guard_git import force_stop

            return force_stop()
        is_whole = len(parts) == (3 if parts[0] == "repos" else 2)
        if not is_whole and parts[-1] in ("transfer", "archive") and len(parts) <= 4:  # noqa: PLR2004 - repos/o/r/transfer
            return forge_deletion("it gives a repository away, or closes it for changes.")
        if is_whole and verb in ("PATCH", "PUT"):
            if any(mark in body for mark in ("private=false", "visibility=public")):
                return forge_deletion("it makes a repository public, with all its history.")
            if "archived=true" in body:
                return forge_deletion("it closes a repository for changes.")
    return None


def _api_path(url: str) -> str:
    """Give the path that begins with repos/ or projects/ of a forge's URL, or ""."""
    path = "/" + url.partition("?")[0].rpartition("://")[2].strip("/")
    for mark in ("/repos/", "/projects/"):
        _, found, rest = path.partition(mark)
        if found:
            return mark.strip("/") + "/" + rest
    return ""
