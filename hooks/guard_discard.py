"""Does a git command throw away work that no commit holds, or commits that nothing else holds?

Decides by git's own option grammar: clusters of short options and unique beginnings of long ones count. Leaves push
to `guard_git.py`.
"""

from guard_decision import ASK, DENY, Stop
from guard_options import is_unique_prefix, names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from guard_walk import Command

_NONE: "frozenset[str]" = frozenset()
_WHOLE_TREE = frozenset([".", "./", "*", ":/", ":", "..", "/"])
_NEW_BRANCH = frozenset(["-b", "-B", "--orphan", "-t", "--track", "--detach", "-d", "--no-track"])
_MERGING = frozenset(["--ours", "--theirs", "-2", "-3", "-p", "--patch", "-m", "--merge"])
"""Resolving a conflict, or a choice made piece by piece."""
_LONGEST_EXTENSION = 5


def judge_discard(
    subcommand: str, arguments: "Sequence[str]", settings: "Sequence[str]", command: "Command"
) -> "Stop | None":
    """Judge every subcommand but push.

    Args:
        subcommand: The subcommand, such as "reset".
        arguments: What follows it.
        settings: The values of git's own -c.
        command: The whole command, for what is on its stdin.
    """
    judge = _JUDGES.get(subcommand)
    if judge is None or "--help" in arguments or arguments[:1] == ["-h"]:
        return None
    if subcommand == "update-ref" and "--stdin" in arguments and "delete " in command.stdin():
        return _history_stop()
    if command.is_bulk:
        arguments = [*arguments, "./"]  # xargs adds names
    if subcommand == "clean" and any(setting.lower() == "clean.requireforce=false" for setting in settings):
        arguments = [*arguments, "-f"]
    return judge(arguments)


def _has(found: "frozenset[str]", short: str, long: str, shortest: int) -> bool:
    return short in found or any(is_unique_prefix(option, long, shortest) for option in found)


def _before_dashes(arguments: "Sequence[str]") -> "Sequence[str]":
    return arguments[: list(arguments).index("--")] if "--" in arguments else arguments


def _reset(arguments: "Sequence[str]") -> "Stop | None":
    found = names(read_options(_before_dashes(arguments), "", _NONE)[0])
    if _has(found, "", "hard", 2) or _has(found, "", "merge", 2):
        return _work_stop("it throws away every change that is not committed.")
    return None


def _checkout(arguments: "Sequence[str]") -> "Stop | None":
    options, operands = read_options(
        _before_dashes(arguments), "bB", frozenset(["orphan", "conflict", "pathspec-from-file"])
    )
    found = names(options)
    if _has(found, "-f", "force", 2):
        return _work_stop("it throws away every change that is not committed.")
    if found & _MERGING:
        return None
    has_paths = "--" in arguments and arguments[-1] != "--"
    if has_paths or "--pathspec-from-file" in found:
        return _work_stop("it replaces files and throws away the changes in them.")
    if found & _NEW_BRANCH:
        return None
    is_path = any(operand in _WHOLE_TREE or _looks_like_file(operand) for operand in operands)
    if is_path or len(operands) > 1:
        return _work_stop("it replaces files and throws away the changes in them.")
    return None


def _looks_like_file(operand: str) -> bool:
    """Tell whether a word is a path rather than a branch: it has a file's extension, or ends as a folder does."""
    if operand.startswith(("./", "../")) or operand.endswith("/") or "*" in operand:
        return True
    last = operand.rpartition("/")[2]
    stem, dot, extension = last.rpartition(".")
    return bool(dot and stem and extension.isalpha() and extension.islower() and len(extension) <= _LONGEST_EXTENSION)


def _switch(arguments: "Sequence[str]") -> "Stop | None":
    found = names(read_options(arguments, "cC", frozenset(["create", "force-create", "orphan"]))[0])
    if _has(found, "-f", "force", 5) and "--force-create" not in found:
        return _work_stop("it throws away every change that is not committed.")
    if _has(found, "", "discard-changes", 2):
        return _work_stop("it throws away every change that is not committed.")
    return None


def _restore(arguments: "Sequence[str]") -> "Stop | None":
    found = names(read_options(arguments, "s", frozenset(["source", "pathspec-from-file"]))[0])
    only_staged = _has(found, "-S", "staged", 2) and not _has(found, "-W", "worktree", 1)
    if only_staged or found & _MERGING:
        return None
    return _work_stop("it replaces files and throws away the changes in them.")


def _clean(arguments: "Sequence[str]") -> "Stop | None":
    found = names(read_options(arguments, "e", frozenset(["exclude"]))[0])
    if _has(found, "-n", "dry-run", 1) or not _has(found, "-f", "force", 1):
        return None
    return Stop(
        DENY,
        "git-discard",
        "it deletes files that git has never seen; nothing brings them back.",
        "see what it would delete, then name the files",
        "git clean -nd",
    )


def _stash(arguments: "Sequence[str]") -> "Stop | None":
    if list(arguments[:1]) not in (["drop"], ["clear"]):
        return None
    return Stop(
        DENY,
        "git-discard",
        "it deletes work that was put aside.",
        "look at it, and keep it until the person says otherwise",
        "git stash list",
    )


def _branch(arguments: "Sequence[str]") -> "Stop | None":
    options, operands = read_options(
        arguments, "u", frozenset(["set-upstream-to", "sort", "format", "contains", "merged"])
    )
    found = names(options)
    is_forced = _has(found, "-f", "force", 5)
    is_deletion = "-D" in found or (is_forced and _has(found, "-d", "delete", 2))
    if not is_deletion and not (is_forced and operands and not found & {"-m", "-M", "-c", "-C"}):
        return None
    return Stop(
        ASK,
        "branch-delete-local",
        "commits that only this branch holds are lost.",
        "delete it so that git refuses when something would be lost",
        "git branch -d BRANCH",
    )


def _worktree(arguments: "Sequence[str]") -> "Stop | None":
    found = names(read_options(arguments, "", _NONE)[0])
    if arguments[:1] and arguments[0] == "remove" and _has(found, "-f", "force", 1):
        return Stop(
            DENY,
            "git-discard",
            "it deletes a working tree with changes that are not committed.",
            "remove it so that git refuses when something would be lost, or look first",
            "git worktree list",
        )
    return None


def _update_ref(arguments: "Sequence[str]") -> "Stop | None":
    return _history_stop() if "-d" in arguments else None


def _symbolic_ref(arguments: "Sequence[str]") -> "Stop | None":
    return _history_stop() if {"-d", "--delete"} & set(arguments) else None


def _reflog(arguments: "Sequence[str]") -> "Stop | None":
    if {"-n", "--dry-run"} & set(arguments) or list(arguments[:1]) not in (["expire"], ["delete"]):
        return None
    return _history_stop()


def _gc(arguments: "Sequence[str]") -> "Stop | None":
    is_now = any(argument in ("--prune=now", "--prune=all") for argument in arguments)
    return _history_stop(ASK) if is_now else None


def _prune(arguments: "Sequence[str]") -> "Stop | None":
    return None if {"-n", "--dry-run"} & set(arguments) else _history_stop(ASK)


def _rewrite(arguments: "Sequence[str]") -> "Stop | None":
    return None if {"--analyze", "--dry-run"} & set(arguments) else _history_stop()


def _rm(arguments: "Sequence[str]") -> "Stop | None":
    options, operands = read_options(arguments, "", _NONE)
    found = names(options)
    if "--cached" in found or _has(found, "-n", "dry-run", 1) or not _has(found, "-f", "force", 1):
        return None
    return _work_stop("it deletes files with changes that are not committed.") if _WHOLE_TREE & set(operands) else None


def _submodule(arguments: "Sequence[str]") -> "Stop | None":
    if arguments[:1] and arguments[0] == "deinit" and {"-f", "--force"} & set(arguments):
        return _work_stop("it throws away changes in a submodule that are not committed.")
    return None


def _checkout_index(arguments: "Sequence[str]") -> "Stop | None":
    found = names(read_options(arguments, "", _NONE)[0])
    return _work_stop("it replaces files and throws away the changes in them.") if found & {"-f", "--force"} else None


def _read_tree(arguments: "Sequence[str]") -> "Stop | None":
    is_reset = "--reset" in arguments and "-u" in arguments
    return _work_stop("it throws away every change that is not committed.") if is_reset else None


def _work_stop(why: str) -> Stop:
    return Stop(
        DENY, "git-discard", why, "put the changes aside first, so that they can come back", "git stash push -u"
    )


def _history_stop(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "git-history-loss",
        "it deletes commits, or git's own way back to them.",
        "keep a branch on what is there before anything else, or look at it",
        "git branch backup-before-cleanup",
    )


def judge_other(command: "Command", _places: object) -> "Stop | None":
    """Judge Mercurial's and Subversion's ways to throw changes away."""
    found = names(read_options(command.arguments, "r", frozenset(["rev"]))[0])
    verb = command.arguments[0] if command.arguments else ""
    discards = (
        (verb in ("revert", "rev") and found & {"-a", "--all", "-R", "--recursive"})
        or (verb in ("update", "up", "checkout", "co") and found & {"-C", "--clean"})
        or verb in ("purge", "strip")
    )
    if not discards or found & {"-n", "--dry-run", "--help"}:
        return None
    return Stop(
        DENY, "git-discard", "it throws away changes that are not committed.", "look first", f"{command.name} status"
    )


_JUDGES: "dict[str, Callable[[Sequence[str]], Stop | None]]" = {
    "reset": _reset,
    "checkout": _checkout,
    "co": _checkout,
    "switch": _switch,
    "restore": _restore,
    "clean": _clean,
    "stash": _stash,
    "branch": _branch,
    "worktree": _worktree,
    "update-ref": _update_ref,
    "symbolic-ref": _symbolic_ref,
    "reflog": _reflog,
    "gc": _gc,
    "prune": _prune,
    "filter-branch": _rewrite,
    "filter-repo": _rewrite,
    "rm": _rm,
    "submodule": _submodule,
    "checkout-index": _checkout_index,
    "read-tree": _read_tree,
}
