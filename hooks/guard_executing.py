"""Which command does an ordinary program start by an option or by its own language?

`tar --to-command`, `ssh -o ProxyCommand`, `gdb -ex 'shell …'`, `vim -c '!…'`, a crontab's lines. Imported only when one of
these programs is given something that may be one of those.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_walk import Command

EXECUTING = {
    "tar": (
        "--checkpoint-action=exec=",
        "--to-command=",
        "--use-compress-program=",
        "--info-script=",
        "--new-volume-script=",
    ),
    "bsdtar": ("--use-compress-program=",),
    "rsync": ("--rsh=", "--rsync-path="),
    "zip": ("-TT", "--unzip-command="),
    "sort": ("--compress-program=",),
    "split": ("--filter=",),
    "man": ("-P", "--pager=", "-H", "--html="),
    "gdb": ("-ex=shell ", "-ex=!", "--eval-command=shell "),
    "ssh": ("-oProxyCommand=", "-oLocalCommand=", "-oKnownHostsCommand=", "-oPermitLocalCommand="),
    "scp": ("-oProxyCommand=", "-S"),
    "sftp": ("-oProxyCommand=", "-S"),
    "psql": ("-c=\\! ",),
    "sqlite3": (".shell ", ".system "),
    "nmap": ("--script=os.execute",),
    "expect": ("-c=spawn ", "-c=exec ", "-c=system "),
    "wget": ("--use-askpass=",),
    "xterm": ("-e=",),
    "tcpdump": ("-z=", "--postrotate-command="),
    "fzf": ("--preview=",),
    "rg": ("--pre=",),
    "emacs": ("--eval=(shell-command ", "-eval=(shell-command "),
}
"""Programs with options that start a command: how the option's value begins, written as one word."""


def executed_texts(name: str, arguments: "Sequence[str]") -> "list[str]":
    """Give what a program's options start, as a shell would read it."""
    marks = EXECUTING.get(name, ())
    words = list(arguments)
    # `-o ProxyCommand=…`, `-ex 'shell …'` and `--to-command CMD` are written as two words, too.
    words.extend([
        word + ("" if word == "-o" else "=") + arguments[place + 1] for place, word in enumerate(arguments[:-1]) if word[:1] == "-"
    ])  # fmt: skip
    found = []
    for word in words:
        found.extend(
            [word[len(mark) :].lstrip("=").strip("\"')(") for mark in marks if word.startswith(mark) and word != mark]
        )
    return found


_TIME_FIELDS = 5


def job_commands(text: str) -> "list[str]":
    """Give the commands of a crontab's lines: what follows the five fields of a time, or a word such as @daily."""
    found = []
    for line in text.split("\n"):
        words = line.strip().split(None, 1 if line.lstrip().startswith("@") else _TIME_FIELDS)
        if words and not words[0].startswith("#") and "=" not in words[0] and len(words) > 1:
            found.append(words[-1])
    return found


def recipe_text(makefile: str) -> str:
    """Give a makefile's recipes as a shell reads them, after what its variables are set to."""
    lines = []
    for line in makefile.split("\n"):
        name, sign, value = line.partition("=")
        if line.startswith("\t"):
            lines.append(line.lstrip("\t @-+"))
        elif sign and name.strip(" :?+").isidentifier():
            lines.append(name.strip(" :?+") + "='" + value.strip().replace("'", "") + "'")
        elif ":" in line and ";" in line.partition(":")[2]:
            lines.append(line.partition(":")[2].partition(";")[2].lstrip(" @-+"))
    return _shell_variables("\n".join(lines))


def _shell_variables(recipe: str) -> str:
    """Write make's `$(NAME)`, `$(shell command)` and `$$` as a shell writes them."""
    pieces = recipe.split("$(")
    kept = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition(")")
        kept.append("${" + name + "}" + rest if closed and name.isidentifier() else "$(" + piece.removeprefix("shell "))
    return "".join(kept).replace("$$", "$")


def sed_texts(command: "Command") -> "list[str]":
    """Give the shell commands in sed's script: what follows its command `e`, and what `s///e` puts in place."""
    from guard_wrappers import code_values

    arguments = command.arguments
    scripts: "list[str]" = list(code_values(arguments, "e", ("expression",), "fl"))
    if command.reads_code:
        scripts.append(command.stdin())
    elif not scripts:
        scripts.extend([argument for argument in arguments if not argument.startswith("-")][:1])
    found = []
    for script in scripts:
        for line in script.split("\n"):
            found.extend(_sed_line(line, command))
    return found


def _sed_line(line: str, command: "Command") -> "list[str]":
    rest = _without_address(line)
    while rest and rest[0] in "{;}":
        rest = _without_address(rest[1:])
    if rest[:1] == "e":
        return [rest[1:].strip()] if rest[1:2] in (" ", "\t") else [command.stdin()] if rest in ("e", "e}") else []
    if rest[:1] != "s" or len(rest) < len("s/a//e"):
        return []
    pieces = rest[2:].replace("\\" + rest[1], "\0").split(rest[1])
    flags = pieces[2] if len(pieces) > 2 else ""  # noqa: PLR2004 - pattern, replacement, flags
    if "e" not in flags.partition(";")[0].partition("}")[0].partition(" ")[0]:
        return [text for piece in line.split(";")[1:] for text in _sed_line(piece, command)] if ";" in line else []
    return [text for text in (pieces[1].replace("\0", rest[1]), command.stdin()) if text]


def _without_address(line: str) -> str:
    """Take off the lines that a command of sed is for: numbers, `$`, `/pattern/`."""
    line = line.lstrip()
    while line and (line[0].isdigit() or line[0] in "$,!~+/ "):
        line = line[1:].partition("/")[2] if line[0] == "/" else line[1:]
    return line


def editor_texts(command: "Command") -> "list[str]":
    """Give the shell commands that an editor's own commands start, and the file that they write to."""
    name, arguments = command.name, command.arguments
    if name == "emacs":
        return executed_texts(name, arguments) + _lisp_texts(" ".join(arguments)) + _written_files(arguments)
    texts: "list[str]" = [arguments[place + 1] for place, word in enumerate(arguments[:-1]) if word in ("-c", "--cmd")]
    texts.extend([argument[1:] for argument in arguments if argument.startswith("+") and len(argument) > 1])
    texts.extend(command.stdin().split("\n"))
    found = []
    for text in texts:
        found.extend(_shell_escapes(text))
    is_batch = bool(texts) or {"-es", "-e", "-s", "-S"} & set(arguments)
    return found + (_written_files(arguments) if is_batch and name != "view" else [])


def client_texts(text: str) -> "list[str]":
    r"""Give the shell commands among a database client's commands: `\\! cmd`, `.shell cmd`, `system cmd`."""
    found = []
    for line in [line.strip() for line in text.split("\n")]:
        marks = [mark for mark in ("\\!", ".shell ", ".system ", "system ") if line.startswith(mark)]
        found.extend([line[len(mark) :].strip() for mark in marks])
    return found


def _shell_escapes(text: str) -> "list[str]":
    text = text.strip().lstrip(":")
    for prefix in ("silent! ", "silent ", "sil ", "execute ", "exe "):
        text = text.removeprefix(prefix).strip("'\"")
    for prefix in ("!", "w !", "w!", "r !", "r!", "%!", "1,$!", ".!", "terminal ", "term "):
        if text.startswith(prefix) and len(text) > len(prefix):
            return [text[len(prefix) :].strip()]
    found = []
    for call, verb in (
        ("system(", ""),
        ("systemlist(", ""),
        ("job_start(", ""),
        ("jobstart(", ""),
        ("delete(", "rm -rf "),
        ("os.execute(", ""),
        ("io.popen(", ""),
        ("os.remove(", "rm "),
    ):
        at = text.find(call)
        if at >= 0:
            found.append(verb + text[at + len(call) :].partition(")")[0].partition(",")[0].strip("'\" "))
    return found


def _lisp_texts(text: str) -> "list[str]":
    """Give what Emacs's own functions delete, as a shell would."""
    found = []
    for call in ("(delete-directory ", "(delete-file ", "(move-file-to-trash "):
        _, sign, rest = text.partition(call)
        if sign:
            found.append("rm -rf " + rest.strip().strip('\\"').partition('"')[0].rstrip("\\ )"))
    return found


def _written_files(arguments: "Sequence[str]") -> "list[str]":
    """Give the editing of the files that are named, as a writing that is not seen."""
    previous = ""
    found = []
    for argument in arguments:
        if previous not in ("-c", "--cmd", "-S", "-u", "--eval", "-l", "-f", "-T") and not argument.startswith(
            ("-", "+")
        ):
            found.append("sponge " + "'" + argument.replace("'", "") + "'")
        previous = argument
    return found
