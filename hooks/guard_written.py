"""Which files does a command write, replace, move or delete, by the grammar of every program that can?

Wider than `guard_writes.py`, which judges ordinary files: this is asked only where the guard's own files are named.
"""

from guard_options import read_options
from guard_wrappers import find_roots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

_ALL_OPERANDS = frozenset([
    "rm", "mv", "unlink", "rmdir", "truncate", "tee", "chmod", "chown", "chgrp", "shred", "chattr", "chflags", "sponge", "ed", "setfacl", "xattr", "gzip", "bzip2", "xz", "zstd", "gunzip",
    "bunzip2", "rimraf", "del-cli", "trash", "trash-put", "patch", "umount", "srm", "wipe", "rename", "mmv", "crudini", "dos2unix", "remove-item", "touch", "fallocate", "install",
    "prettier", "jsonlint", "sd", "setfattr", "restorecon", "chcon", "del", "move-item", "set-content", "out-file", "clear-content",
])  # fmt: skip
_LAST_OPERAND = frozenset(["cp", "ln", "rsync", "ditto", "scp", "gcp", "mount", "bindfs", "overlay", "copy-item"])
_IN_PLACE: "dict[str, tuple[str, ...]]" = {
    "sed": ("-i", "--in-place"), "gsed": ("-i", "--in-place"), "perl": ("-i", "-pi", "-ni"), "ruby": ("-i", "-pi", "-ni"), "awk": ("-i",), "gawk": ("-i",), "yq": ("-i", "--inplace", "--in-place"),
    "dasel": ("put", "delete"), "jj": ("-o",), "plutil": ("-remove", "-replace", "-insert", "-convert", "-create"), "plistbuddy": ("-c",), "json": ("-I",), "xmlstarlet": ("ed",), "clang-format": ("-i",),
    "sqlite3": ("",), "prettier": ("--write",), "tomlq": ("-i",),
}  # fmt: skip
"""Programs that change the files that they name, when one of these options is there."""
_FOLDER_OPTIONS: "dict[str, tuple[str, ...]]" = {
    "tar": ("-C", "--directory", "--cd"), "bsdtar": ("-C", "--directory", "--cd"), "gtar": ("-C", "--directory"), "unzip": ("-d",), "7z": ("-o",), "7za": ("-o",), "cpio": ("-D", "--directory"),
    "wget": ("-P", "-O", "--directory-prefix", "--output-document"), "curl": ("-o", "--output", "--output-dir"), "cp": ("-t", "--target-directory"), "mv": ("-t", "--target-directory"),
    "ln": ("-t", "--target-directory"), "install": ("-t", "--target-directory"), "patch": ("-d", "-o"), "aria2c": ("-d", "-o"), "bsdcpio": ("-D",), "gpg": ("-o", "--output"), "sort": ("-o", "--output"),
    "openssl": ("-out",), "jq": ("-o",), "npm": ("--prefix",), "pip": ("-t", "--target"), "unrar": ("x",),
}  # fmt: skip
_GIT_READS = frozenset([
    "status", "log", "diff", "show", "rev-parse", "branch", "remote", "ls-files", "fetch", "describe", "blame", "grep", "cat-file", "shortlog", "tag", "rev-list", "config", "ls-remote", "name-rev",
    "for-each-ref", "check-ignore", "merge-base", "reflog", "ls-tree", "", "help", "version", "whatchanged", "count-objects", "var", "add", "commit", "push",
])  # fmt: skip
_GIT_WRITES_FILES = frozenset(["rm", "mv", "checkout", "restore", "clean", "stash", "update-index"])


def written(command: "Command") -> "list[str]":
    """Give the paths that a command writes to or takes away, as they are written; folders, too."""
    name = command.name
    operands = [argument for argument in command.arguments if not argument.startswith("-")]
    targets = [target for operator, target in command.redirects if operator[0] != "<" or operator == "<>"]
    targets.extend(_option_folders(command.arguments, _FOLDER_OPTIONS.get(name, ())) if _extracts(command) else [])
    if name == "git":
        return targets + _written_by_git(command.arguments, command.cwd)
    if name in ("find", "fd", "gfind", "bfs"):
        return targets + (find_roots(command.arguments) if "-delete" in command.arguments else [])
    if name == "dd":
        return targets + [argument[3:] for argument in command.arguments if argument.startswith("of=")]
    if name in _ALL_OPERANDS:
        targets.extend(operands)
    if name in _IN_PLACE and any(argument.startswith(_IN_PLACE[name]) for argument in command.arguments):
        targets.extend(operands[:1] if name == "sqlite3" else operands)
    if name in _LAST_OPERAND or name in ("mv", "install"):
        targets.extend(operands[-1:])
        if len(operands) > 1:
            targets.extend(
                [operands[-1].rstrip("/") + "/" + source.rstrip("/").rpartition("/")[2] for source in operands[:-1]]
            )
        folders = _option_folders(command.arguments, _FOLDER_OPTIONS.get(name, ()))
        targets.extend(
            [folder.rstrip("/") + "/" + source.rpartition("/")[2] for folder in folders for source in operands]
        )
    return targets


def _extracts(command: "Command") -> bool:
    """Tell whether an archiver writes: making an archive only reads."""
    if command.name not in ("tar", "bsdtar", "gtar"):
        return True
    first = command.arguments[0].lstrip("-") if command.arguments else ""
    letters = first + "".join(
        [argument[1:] for argument in command.arguments[1:] if argument[:1] == "-" and argument[1:2] != "-"]
    )
    return (
        "x" in letters or bool({"--extract", "--get"} & set(command.arguments)) or "--remove-files" in command.arguments
    )


def _option_folders(arguments: "Sequence[str]", options: "tuple[str, ...]") -> "list[str]":
    """Give the values of options that name where to write, written in any of the four ways, or last in a cluster."""
    found = []
    for place, argument in enumerate(arguments):
        following = list(arguments[place + 1 : place + 2])
        for option in options:
            if argument == option:
                found.extend(following)
            elif option.startswith("--"):
                found.extend([argument[len(option) + 1 :]] if argument.startswith(option + "=") else [])
            elif argument.startswith(option):
                found.append(argument[len(option) :])
            elif (
                argument[:1] == "-"
                and argument[1:2] != "-"
                and argument.endswith(option[1:])
                and len(option) == len("-x")
            ):
                found.extend(following)
    return found


def _written_by_git(arguments: "Sequence[str]", cwd: "str | None") -> "list[str]":
    """Give the working tree that a git command changes, or the folder that it makes."""
    options, words = read_options(arguments, "Cc", frozenset(["git-dir", "work-tree", "namespace", "source"]))
    verb = words[0] if words else ""
    folders = [value for name, value in options if name in ("-C", "--git-dir", "--work-tree")]
    if verb in ("clone", "worktree", "init", "submodule"):
        return words[1:] + folders
    if verb in _GIT_READS:
        return []
    files = words[1:] if verb in _GIT_WRITES_FILES else []
    return [*folders, *files, *([cwd] if cwd and not folders else [])]
