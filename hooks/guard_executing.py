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
