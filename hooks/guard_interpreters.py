"""Which shell commands does a one-line program in Python, JavaScript, Perl, Ruby, PHP or awk start?

The program is not parsed. When it has a word that starts processes or deletes trees, its string literals are read as
shell text; without such a word it says nothing, so that printing a command is not running it.
"""

from guard_wrappers import option_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

_CODE_OPTIONS = {
    "python": ("c", "command"),
    "node": ("e", "eval"),
    "nodejs": ("e", "eval"),
    "bun": ("e", "eval"),
    "perl": ("e", "eval"),
    "ruby": ("e", "eval"),
    "php": ("r", "run"),
    "osascript": ("e", "eval"),
}
_STARTERS = (
    "system", "popen", "subprocess", "spawn", "exec", "check_call", "check_output", "shell script", "passthru", "Open3", "`",
)  # fmt: skip
_DELETERS = ("rmtree", "rmSync", "rmdirSync", "rm_rf", "rm_r", "remove_tree", "fs.rm(", "rimraf")
_MAX_LITERALS = 64
_QUOTES = frozenset("'\"`")


def _language(name: str) -> str:
    return name.rstrip("0123456789.")


def reads_code(command: "Command") -> bool:
    """Tell whether an interpreter reads its program from stdin: it has no operand, no code option and no module."""
    language = _language(command.name)
    if language in ("awk", "gawk", "mawk", "osascript"):
        return False
    arguments = command.arguments
    return (
        not arguments
        or arguments[0] == "-"
        or all(argument in ("-u", "-I", "-S", "-E", "-s", "-B") for argument in arguments)
    )


def programs(command: "Command") -> "Sequence[str]":
    """Give the program texts of a command: its code option's value, awk's first operand, or stdin."""
    language = _language(command.name)
    if language in ("awk", "gawk", "mawk"):
        return [argument for argument in command.arguments if "{" in argument][:1]
    if language == "deno":
        return command.arguments[1:] if command.arguments[:1] == ["eval"] else []
    short, long = _CODE_OPTIONS[language]
    text = option_value(command.arguments, short, long)
    if text:
        return [text]
    return [command.stdin()] if command.reads_code else []


def shell_texts(program: str) -> "list[str]":
    """Give what a program would have a shell run, as far as its literals say it."""
    starts = any(word in program for word in _STARTERS)
    deletes = any(word in program for word in _DELETERS)
    if not starts and not deletes:
        return []
    found = _literals(program)
    texts = []
    if starts:
        texts.extend([literal for literal, _ in found])
        texts.extend(_lists(found))
    if deletes:
        texts.extend(["rm -rf " + literal for literal, _ in found if literal[:1] in ("/", "~", ".", "*")])
    return texts


def _literals(program: str) -> "list[tuple[str, bool]]":
    """Give string literals in order, each with whether only a comma stands between it and the one before."""
    found: "list[tuple[str, bool]]" = []
    after = at = 0
    while at < len(program) and len(found) < _MAX_LITERALS:
        quote = program[at]
        if quote not in _QUOTES:
            at += 1
            continue
        stop = at + 1
        while stop < len(program) and program[stop] != quote:
            stop += 2 if program[stop] == "\\" else 1
        found.append((program[at + 1 : stop].replace("\\" + quote, quote), program[after:at].strip() in (",", ",[")))
        after = at = stop + 1
    return found


def _lists(found: "list[tuple[str, bool]]") -> "list[str]":
    """Join literals that are elements of one list, as in ["rm", "-rf", "/"]."""
    joined: "list[str]" = []
    run: "list[str]" = []
    for literal, continues in [*found, ("", False)]:
        if not continues:
            if len(run) > 1:
                joined.append(" ".join(run))
            run = []
        run.append(literal)
    return joined
