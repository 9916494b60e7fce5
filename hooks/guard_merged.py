"""Is a git command about to add to a branch whose pull request is merged already?

Reads what the create-pr skill's programs left in the user's state folder, and git's own small files; starts nothing and
asks no forge. The branch must still be where it was when the merge was seen: everything unknown, stale, moved or
unreadable is silence.
"""

import spool
from guard_decision import DENY, Stop
from guard_options import is_unique_prefix, names, read_options
from guard_paths import absolute
from payload import posix, read_file, read_object, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

RULE = "merged-branch"
STATE_FILE = "/pull-requests.json"
STALE_S = 30 * 86400
"""A merge that was seen longer ago, in seconds, is not held against a branch any more."""

_ADDING = frozenset(["push", "commit", "rebase"])
_STATE_LIMIT = 64 << 10
_REFS_LIMIT = 8 << 20
_GOING_ON = frozenset(["--abort", "--continue", "--skip", "--quit", "--edit-todo", "--show-current-patch"])
_ASKING = frozenset(["--help", "-h", "--dry-run"])
_PLAIN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/._-"
_FOLDER_KIND, _KIND = 0o040000, 0o170000


class Branches:
    """The branches that one tool call works on; once the line has changed branches, nothing is known any more."""

    def __init__(self) -> None:
        """Start where the session is."""
        self._is_known = True

    def judge(self, command: "Command") -> "Stop | None":
        """Judge one command that may add to a branch or change to another one."""
        if not self._is_known or command.is_remote or command.is_ephemeral:
            return None
        folder, verb, arguments = _split(command) if command.name == "git" else (None, "", ())
        if verb not in _ADDING:
            self._is_known = False
            return None
        if folder is None or _ASKING & set(arguments):
            return None
        merged = _merged_branches()
        if not merged:
            return None
        repository = _repository(folder)
        if repository is None:
            return None
        return _judge(verb, arguments, merged, *repository)


def _split(command: "Command") -> "tuple[str | None, str, Sequence[str]]":
    """Give the folder that git would work in, or None when it is another repository's; the verb; what follows it."""
    folder = command.cwd
    arguments = command.arguments
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        if arguments[at] == "-C" and at + 1 < len(arguments):
            folder = absolute(arguments[at + 1], folder)
        elif arguments[at].startswith(("--git-dir", "--work-tree")):
            return None, "push", ()
        at += 2 if arguments[at] in ("-C", "-c") else 1
    if any(assignment.startswith(("GIT_DIR=", "GIT_WORK_TREE=")) for assignment in command.assignments):
        folder = None
    return folder, arguments[at] if at < len(arguments) else "", arguments[at + 1 :]


def _merged_branches() -> "list[dict[str, object]]":
    """Give what is known of merged branches and is not stale."""
    from time import time

    state = spool.state_folder()
    listed = read_object(read_file(state + STATE_FILE, _STATE_LIMIT)).get("branches") if state else None
    now = time()
    found = []
    for one in listed if isinstance(listed, list) else ():
        checked = one.get("checked") if isinstance(one, dict) else None
        is_fresh = isinstance(checked, int) and now - STALE_S < checked < now + 86400
        if is_fresh and one.get("state") == "merged":
            found.append(one)
    return found


def _repository(folder: str) -> "tuple[str, str] | None":
    """Give the current branch, and the git folder that all working trees share; None without either."""
    while folder and not _is_there(folder + "/.git"):
        folder = folder.rpartition("/")[0]
    own = folder + "/.git"
    try:
        is_folder = posix.stat(own).st_mode & _KIND == _FOLDER_KIND
    except (OSError, ValueError):
        return None
    if not is_folder:  # a worktree: a file that names its folder, in which another one names the shared folder
        text = _text(own)
        own = absolute(text[len("gitdir: ") :], folder) or "" if text.startswith("gitdir: ") else ""
    shared = _text(own + "/commondir") if own else ""
    head = _text(own + "/HEAD") if own else ""
    if not head.startswith("ref: refs/heads/"):
        return None
    return head[len("ref: refs/heads/") :], (absolute(shared, own) or own) if shared else own


def _is_there(path: str) -> bool:
    try:
        posix.stat(path)
    except (OSError, ValueError):
        return False
    return True


def _text(path: str) -> str:
    return read_file(path, 4096).decode("utf-8", "replace").strip()


def _judge(
    verb: str, arguments: "Sequence[str]", merged: "list[dict[str, object]]", branch: str, shared: str
) -> "Stop | None":
    concerned = _pushed(arguments, branch) if verb == "push" else _written(verb, arguments, branch)
    for one in merged:
        name, head = string(one, "branch"), string(one, "head")
        if name in concerned and head and _is_same(string(one, "git"), shared) and _commit(shared, name) == head:
            return _stop(one)
    return None


def _written(verb: str, arguments: "Sequence[str]", branch: str) -> "list[str]":
    """Give the branch that a commit or a rebase writes to."""
    if verb == "commit":
        return [branch]
    if _GOING_ON & set(arguments):
        return []
    operands = read_options(arguments, "sXxC", frozenset(["onto", "strategy", "strategy-option", "exec"]))[1]
    return operands[1:2] or [branch]


def _pushed(arguments: "Sequence[str]", branch: str) -> "list[str]":
    """Give the branches that a push would add to under their own names."""
    options, operands = read_options(arguments, "o", frozenset(["push-option", "repo", "receive-pack", "exec"]))
    found = names(options)
    if found & {"-n", "-d", "--tags"} or any(is_unique_prefix(option, "delete", 1) for option in found):
        return []
    specs = operands[1:]
    if not specs:
        return [branch]
    pushed = []
    for spec in specs:
        source, has_target, target = spec.lstrip("+").partition(":")
        source = branch if source in ("HEAD", "@") else _name(source)
        if source and (not has_target or _name(target) == source):
            pushed.append(source)
    return pushed


def _name(reference: str) -> str:
    return reference.removeprefix("refs/heads/")


def _is_same(one: str, other: str) -> bool:
    """Tell whether two names are one folder, also by way of links."""
    try:
        first, second = posix.stat(one), posix.stat(other)
    except (OSError, ValueError):
        return False
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def _commit(shared: str, branch: str) -> str:
    """Give the commit that a branch is at, from its own file or the packed ones; empty when neither says."""
    own = _text(f"{shared}/refs/heads/{branch}")
    if own:
        return own
    packed = read_file(shared + "/packed-refs", _REFS_LIMIT).decode("utf-8", "replace")
    end = packed.find(f" refs/heads/{branch}\n")
    return packed[packed.rfind("\n", 0, end) + 1 : end] if end >= 0 else ""


def _stop(one: "dict[str, object]") -> Stop:
    # Both come from a file that others' texts went into: only plain ones are shown.
    base = string(one, "base")
    base = base if base and not base.strip(_PLAIN) and not base.startswith("-") else "origin/main"
    address = string(one, "address")
    where = f" ({address})" if address.startswith("https://") and not address.strip(_PLAIN + ":") else ""
    return Stop(
        DENY,
        RULE,
        f"the pull request of this branch is merged already{where}; what is added to the branch now reaches nobody.",
        "go on with a new branch from the base; changes that are not committed come along",
        f"git switch -c new-branch {base}",
    )
