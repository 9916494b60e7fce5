"""Which words do find, fd, xargs and parallel give to the commands that they start?

What is fed is followed by where it comes from: the folders that a list of files was made of stay the same however many
filters stand behind the list. Imported only when one of these programs is met.
"""

from guard_expansion import MAX_ROUNDS, Argument
from guard_options import read_options
from guard_prefilter import READERS
from guard_simple import UNKNOWN_TEXT
from guard_wrappers import find_commands, find_roots, option_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

_NAME_TESTS = frozenset(
    ["-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-lname"]
)
_PICKY_TESTS = _NAME_TESTS | frozenset([
    "-mtime", "-mmin", "-newer", "-empty", "-size", "-ctime", "-atime", "-amin", "-cmin", "-user", "-perm", "-xtype", "-newermt", "-cnewer", "-anewer",
    "-inum", "-samefile", "-nouser", "-nogroup", "-group", "-links", "-mnewer", "-Btime", "-newerct",
])  # fmt: skip
_FD_VALUES = frozenset([
    "extension", "exclude", "max-depth", "min-depth", "exact-depth", "type", "size", "changed-within", "changed-before", "owner", "color", "threads", "base-directory",
    "search-path", "path-separator", "max-results", "format", "batch-size", "ignore-file", "newer", "older", "change-newer-than", "change-older-than",
])  # fmt: skip
_FD_ACTIONS = frozenset(["-x", "-X", "--exec", "--exec-batch"])
_SEPARATORS = frozenset([":::", "::::", ":::+", "::::+"])
_LISTERS = frozenset(
    [
        "ls",
        "exa",
        "eza",
        "lsd",
        "du",
        "stat",
        "tree",
        "realpath",
        "readlink",
        "file",
        "dir",
        "gls",
        "gdu",
        "wc",
        "gfind",
        "bfs",
        "locate",
        "mdfind",
    ]
)
_SEARCHERS = frozenset(["grep", "egrep", "fgrep", "rg", "ag", "ack"])


def narrows(arguments: "Sequence[str]") -> bool:
    """Tell whether find's tests pick some files: a test that is turned around by `!` or -not leaves nearly all."""
    for place, argument in enumerate(arguments):
        if argument in _PICKY_TESTS or argument.startswith("-newer"):
            if place and arguments[place - 1] in ("!", "-not"):
                continue
            if argument in _NAME_TESTS and arguments[place + 1 : place + 2] in (["*"], ["**"], ["./*"]):
                continue
            return True
    return False


def found(command: "Command", *, by_name: bool = False) -> "list[Argument]":
    """Give what a find or fd hands on: something below its folders, or all of them when nothing narrows it.

    Args:
        command: The find or fd.
        by_name: Give the names that it looks for, too, as readers want to know them.
    """
    if command.name in ("fd", "fdfind"):
        roots, is_picky, _ = _read_fd(command.arguments)
        names = _extensions(command.arguments)
    else:
        roots, is_picky = find_roots(command.arguments), narrows(command.arguments)
        names = _selected(command.arguments)
    if by_name and names:
        return [_below(root, UNKNOWN_TEXT + "/" + name) for root in roots for name in names]
    listed = [_below(root, UNKNOWN_TEXT if is_picky else "*") for root in roots]
    return listed + [_below(root, ".git") for root in roots if _wants_history(names)]


def _wants_history(names: "list[str]") -> bool:
    return any(name.strip("^$").replace("\\", "") == ".git" for name in names)


def _below(root: str, last: str) -> Argument:
    return Argument(root.rstrip("/") + "/" + last)


def _selected(arguments: "Sequence[str]") -> "list[str]":
    """Give the name patterns that find's tests want, without those that it does not."""
    selected = []
    for place, argument in enumerate(arguments[:-1]):
        if argument in ("-name", "-iname") and (not place or arguments[place - 1] not in ("!", "-not")):
            selected.append(arguments[place + 1])
    return selected


def started_by_find(command: "Command") -> "list[Command]":
    """Give what find -exec and fd -x start, with what they were given to find."""
    if command.name in ("fd", "fdfind"):
        roots, is_picky, words = _read_fd(command.arguments)
        names = _extensions(command.arguments)
        started = [words] if words else []
    else:
        roots, is_picky = find_roots(command.arguments), narrows(command.arguments)
        names = _selected(command.arguments)
        started = find_commands(command.arguments)
    return [_started(command, words, roots, names, is_picky=is_picky) for words in started if words]


def _started(
    command: "Command", words: "Sequence[Argument]", roots: "list[str]", names: "list[str]", *, is_picky: bool
) -> "Command":
    program = words[0].rpartition("/")[2]
    if names and program in READERS and program != "mv":
        operands = [_below(root, UNKNOWN_TEXT + "/" + name) for root in roots for name in names]
    else:
        operands = [_below(root, UNKNOWN_TEXT if is_picky else "*") for root in roots]
        operands += [_below(root, ".git") for root in roots if _wants_history(names)]
    argv: "list[Argument]" = []
    has_mark = False
    for word in words:
        if word in ("{}", "{/}", "{//}", "{.}", "{/.}"):
            argv.extend(operands)
            has_mark = True
        else:
            has_mark = has_mark or "{}" in word
            argv.append(Argument(word.replace("{}", operands[0])) if "{}" in word else word)
    if not has_mark and command.name in ("fd", "fdfind"):
        argv.extend(operands)
    inner = command.wrapped(argv)
    inner.is_bulk = True
    return inner


def _read_fd(arguments: "Sequence[Argument]") -> "tuple[list[str], bool, Sequence[Argument]]":
    """Give the folders that fd looks in, whether it picks among their files, and what it starts."""
    place = next((at for at, argument in enumerate(arguments) if argument in _FD_ACTIONS), len(arguments))
    options, words = read_options(arguments[:place], "eEdtScobjC", _FD_VALUES)
    picking = {"-e", "--extension", "-S", "--size", "--changed-within", "--changed-before", "--newer", "--older"}
    is_picky = bool(words and words[0] not in (".", "", ".*", "^")) or any(name in picking for name, _ in options)
    roots = words[1:] + [value for name, value in options if name in ("--search-path", "--base-directory")]
    return roots or ["."], is_picky, arguments[place + 1 :]


def _extensions(arguments: "Sequence[str]") -> "list[str]":
    options, words = read_options(arguments, "eEdtScobjC", _FD_VALUES)
    return ["*." + value for name, value in options if name in ("-e", "--extension")] or [
        word for word in words[:1] if word not in (".", "")
    ]


def handed_on(command: "Command", *, by_name: bool = False) -> "list[Argument]":
    """Give what a pipe hands on as names: printed words, or something below the folders that a list was made of."""
    upstream = command.upstream()
    if not upstream:
        return [Argument(word) for word in command.stdin().split()]
    last = upstream[-1]
    if last.name in ("echo", "printf"):
        return [Argument(word) for argument in last.arguments for word in argument.split()]
    return listed_by(upstream, by_name=by_name)


def listed_by(upstream: "Sequence[Command]", *, by_name: bool = False) -> "list[Argument]":
    """Give what a pipeline lists, by its first program that lists files."""
    for place, source in enumerate(upstream):
        listed = _listed(source, by_name=by_name)
        if listed and any(_picks(later) for later in upstream[place + 1 :]):
            return [Argument(word[:-1] + UNKNOWN_TEXT) if word.endswith("/*") else word for word in listed]
        if listed:
            return listed
    return []


def _picks(source: "Command") -> bool:
    """Tell whether a filter lets only some lines through."""
    if source.name in ("awk", "gawk", "mawk", "sed"):
        return any(mark in argument for argument in source.arguments for mark in ("/", "==", "~", " > ", "$1 <"))
    return source.name in (
        "grep",
        "egrep",
        "fgrep",
        "rg",
        "head",
        "tail",
        "fzf",
        "comm",
        "uniq",
        "shuf",
        "jq",
        "sk",
        "gum",
    )


def _listed(source: "Command", *, by_name: bool) -> "list[Argument]":
    if source.name in ("find", "fd", "fdfind", "gfind", "bfs"):
        return found(source, by_name=by_name)
    places = [argument for argument in source.arguments if not argument.startswith("-")]
    if source.name in ("echo", "printf"):
        return [Argument(word) for argument in places for word in argument.split() if "/" in word or word[:1] == "~"]
    if source.name in _SEARCHERS:
        lists = any(
            argument in ("--files", "--files-with-matches", "--files-without-match")
            or (argument[:1] == "-" and argument[1:2] != "-" and not {"l", "L"}.isdisjoint(argument))
            for argument in source.arguments
        )
        return [_below(place, UNKNOWN_TEXT) for place in places[1:]] if lists else []
    if source.name not in _LISTERS:
        return []
    is_named = source.name not in ("ls", "exa", "eza", "lsd", "tree", "dir") or any(
        argument.startswith("-") and "d" in argument for argument in source.arguments
    )
    return [place if is_named or place.has_glob else _below(place, UNKNOWN_TEXT) for place in places]


def hand_on(inner: "Command", command: "Command") -> "list[Command]":
    """Give what xargs or parallel starts: with what it reads in place of its mark, one after the other, else at the end."""
    operands = handed_on(command, by_name=inner.name in READERS and inner.name != "mv")
    if command.name == "parallel":
        _take_listed(inner, operands)
    inner.is_bulk = True
    inner.fed, inner.feed = command.feed, None
    marks = [option_value(command.arguments, "I", "replace") or "{}"]
    mark = next((mark for mark in marks if any(mark in argument for argument in inner.arguments)), "")
    if not mark:
        inner.arguments = inner.arguments + operands
        return [inner]
    if len(operands) > MAX_ROUNDS:
        # What is beyond the rounds is handed on together, so that nothing of it is lost.
        every = operands[MAX_ROUNDS - 1 :]
        operands = operands[: MAX_ROUNDS - 1]
    else:
        every = []
    rounds = [[operand] for operand in operands or [Argument(UNKNOWN_TEXT)]] + ([every] if every else [])
    return [_marked(inner, mark, listed) for listed in rounds]


def _marked(inner: "Command", mark: str, operands: "list[Argument]") -> "Command":
    """Give a command with what it is handed in place of the mark."""
    kept: "list[Argument]" = []
    for argument in inner.arguments:
        kept.extend(operands if argument == mark else [Argument(argument.replace(mark, operands[0]))])
    started = inner.wrapped([Argument(inner.program), *kept])
    started.outer, started.fed, started.feed, started.is_bulk = inner.outer, inner.fed, None, True
    return started


def _take_listed(inner: "Command", operands: "list[Argument]") -> None:
    """Move what stands after parallel's `:::` from the command's words to what it is fed."""
    for place, argument in enumerate(inner.arguments):
        if argument in _SEPARATORS:
            operands.extend([word for word in inner.arguments[place + 1 :] if word not in _SEPARATORS])
            inner.arguments = inner.arguments[:place]
            return
