"""Which commands would a text really run, also by way of others?

Looks through wrappers, shells and interpreters to what they start, up to a depth and a number of characters. Leaves
the commands of one text to `guard_walk.py`, and judging to the rules.
"""

from guard_expansion import Argument, Values, printed_text
from guard_lexer import Lexer
from guard_paths import absolute
from guard_simple import UNKNOWN_TEXT
from guard_walk import Command, Walk
from guard_wrappers import (
    ARGV,
    CODE_OPTIONS,
    HOST,
    SHELLS,
    WRAPPERS,
    code_values,
    is_fed_shell,
    payload_start,
    shell_code,
)

MAX_DEPTH = 6
"""Wrappers and shells inside each other that are looked through."""

MAX_CHARACTERS = 1 << 20
"""Characters of the command that are read. A longer one cannot be started: Linux takes 128 KiB for `sh -c`, macOS 1 MiB."""

MAX_NESTED_CHARACTERS = 1 << 18
"""Characters in all that shells, eval and interpreters inside the command are read for."""

_GIT_SETTINGS = frozenset([
    "-c", "config", "--config", "-x", "--exec", "--extcmd", "bisect", "submodule", "--upload-pack", "--receive-pack", "-u", "filter-branch", "-O", "send-email",
])  # fmt: skip
"""Without one of these words, or a long option with its value, git starts nothing that is told on its line."""
_ARGUMENT_VARIABLES = {
    "terraform": "TF_CLI_ARGS",
    "tofu": "TF_CLI_ARGS",
    "terragrunt": "TF_CLI_ARGS",
    "make": "MAKEFLAGS",
    "mvn": "MAVEN_ARGS",
}
"""Programs that take more arguments from a variable of the environment, and that variable's name."""
_STDIN_FILES = (["/dev/stdin"], ["/dev/fd/0"], ["/proc/self/fd/0"], ["-"])
_MAX_SCRIPTS = 64
_MAX_SOURCES_DEPTH = 2
_MAX_SOURCES = 200
"""How often wrappers in pipes are looked through as sources of data; each may look through those before it again."""
_MAX_READINGS = 8
"""How often one text that stands inside others is read; a script that runs itself three times would be 3^MAX_DEPTH times."""
_RUNNERS = (
    "npx", "bunx", "uvx", "pipx", "npm", "pnpm", "yarn", "bun", "uv", "poetry", "pipenv", "hatch", "pdm", "rye", "pixi", "conda", "mamba", "bundle",
    "composer", "mise", "asdf", "rbenv", "pyenv", "nvm", "direnv", "op", "doppler", "infisical", "aws-vault", "chamber", "dotenv", "dotenvx", "docker",
    "docker-compose", "podman", "nerdctl", "podman-compose", "kubectl", "oc", "gcloud", "vagrant", "wsl", "nix", "nix-shell", "tmux", "screen", "concurrently",
    "hyperfine", "nodemon", "entr", "ansible", "pwsh", "powershell", "powershell.exe", "pwsh.exe", "at", "batch", "multipass",
    "cargo", "crictl", "ctr", "minikube", "distrobox", "toolbox", "devcontainer", "aws", "az", "railway", "doctl", "salt", "machinectl", "tsh",
    "teller", "berglas", "sops", "envconsul", "consul-template", "flox", "guix", "devbox", "onchange", "reflex", "wait-on", "wait-for-it.sh", "wait-for", "dockerize", "lerna", "nx",
    "gnome-terminal", "konsole", "alacritty", "wezterm", "kitty", "foot", "rush", "fnm", "bwrap", "oc", "k", "perf", "lxc", "limactl", "heroku", "fly", "flyctl", "atmos",
)  # fmt: skip
"""Programs that `guard_runners.py` looks through; it is imported only for them."""
_VERBS = {
    "npm": frozenset(["exec", "x"]),
    "pnpm": frozenset(["exec", "dlx"]),
    "yarn": frozenset(["exec", "dlx", "run"]),
    "bun": frozenset(["x"]),
    "docker": frozenset(["exec", "run"]),
    **dict.fromkeys(["kubectl", "oc", "k"], frozenset(["exec", "run", "debug", "rsh"])),
    **dict.fromkeys(["podman", "nerdctl", "docker-compose", "podman-compose"], frozenset(["exec", "run"])),
    "aws": frozenset(["execute-command", "send-command"]),
    "az": frozenset(["run-command"]),
    "minikube": frozenset(["ssh"]),
    "cargo": frozenset(["watch"]),
    "doctl": frozenset(["ssh"]),
    "sops": frozenset(["exec-env", "exec-file"]),
    "uv": frozenset(["run"]),
    "poetry": frozenset(["run"]),
    "gcloud": frozenset(["ssh"]),
}
"""Without one of these words such a program starts nothing else."""
_INTERPRETERS = frozenset([
    "python", "pypy", "ipython", "node", "nodejs", "perl", "ruby", "php", "deno", "bun", "awk", "gawk", "mawk", "nawk", "osascript", "lua", "luajit", "ts-node",
    "tsx", "julia", "r", "rscript", "elixir", "groovy", "guile", "racket", "sbcl", "raku", "irb", "pry", "tclsh", "swift", "scala", "kotlin", "jshell", "octave", "erl", "clojure", "clj", "bb",
])  # fmt: skip


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Analysis:
    """Finds the commands of a text.

    Attributes:
        is_reading: The command's own text is being read; nothing of it has been yielded yet.
        is_cut: Reading was interrupted; what had been read by then is what counts.

    Args:
        home: The user's home folder.
        environment: A function that gives a variable of the environment, or "".
    """

    def __init__(self, home: str, environment: "Callable[[str], str]") -> None:
        self.values = Values(home, environment)
        self.budget = MAX_NESTED_CHARACTERS
        self.is_reading = False
        self.is_cut = False
        self._sources_depth = self._sources = 0
        self._scripts: "dict[str, str]" = {}
        self._aliases: "dict[str, str]" = {}
        self._readings: "dict[str, int]" = {}

    def commands(self, text: str, cwd: str) -> "Iterator[Command]":
        """Yield the commands of what the user's shell would run, as they are found.

        Args:
            text: The tool call's command.
            cwd: The working directory, absolute.
        """
        return self._read(text[:MAX_CHARACTERS].replace("\0", ""), cwd, None, 0)

    def _nested(self, text: str, outer: Command, depth: int, words: "Sequence[Argument]" = ()) -> "Iterator[Command]":
        """Yield the commands of a text that a command has a shell read, with the parameters `$0`, `$1`, … it is given."""
        if not text or len(text) > self.budget or depth >= MAX_DEPTH:
            return
        if depth:
            readings = self._readings[text] = self._readings.get(text, 0) + 1
            if readings > _MAX_READINGS:
                return
        self.budget -= len(text)
        for command in self._read(text, outer.cwd, outer, depth + 1, words):
            command.is_remote = command.is_remote or outer.is_remote
            if outer.is_ephemeral and not command.is_ephemeral and not command.is_mapped:
                _contain(command, outer)
            yield command

    def _read(
        self, text: str, cwd: "str | None", outer: "Command | None", depth: int, words: "Sequence[Argument]" = ()
    ) -> "Iterator[Command]":
        lexer = Lexer(text)
        if depth:
            self._read_inner(lexer)
        else:
            self._read_own(lexer)
        is_nested = outer is not None
        walk = Walk(
            lexer, self.values.copy() if is_nested else self.values, cwd, self._seen_through, is_nested=is_nested
        )
        if words:
            walk.place(words)
        for place in range(len(lexer.commands)):
            for command in walk.commands(place):
                if command is None:
                    continue
                if outer is not None and command.feed is None:
                    command.feed = outer.feed
                if command.redirects or command.name == "tee":
                    self._note_script(command)
                if command.name in _ARGUMENT_VARIABLES:
                    yield from self._with_variable(command)
                yield from self._through(command, depth)
            if walk.settings:
                yield from self._settings(walk, depth)

    def _settings(self, walk: Walk, depth: int) -> "Iterator[Command]":
        """Yield what the variables that were just set have other programs run."""
        settings, walk.settings = walk.settings, []
        from guard_settings import environment_command

        for name, value, cwd in settings:
            setter = Command([Argument("export")], name + "=" + value, cwd)
            yield from self._nested(environment_command(name, value), setter, max(depth, 1))

    def _with_variable(self, command: Command) -> "Iterator[Command]":
        """Yield a program once more, with the arguments that a variable of the environment gives it."""
        prefix = _ARGUMENT_VARIABLES[command.name]
        given = dict([word.partition("=")[::2] for word in command.assignments])
        for name in (prefix, prefix + "_apply", prefix + "_destroy", prefix + "_plan", prefix + "_init"):
            values = [given[name]] if name in given else (command.walk and command.walk.values.get(name, None)) or []
            subcommand = name[len(prefix) + 1 :]
            if values and (not subcommand or subcommand in command.arguments):
                more = [Argument(word) for word in values[0].split()]
                yield command.wrapped([Argument(command.name), *command.arguments, *more])

    def _seen_through(self, command: Command) -> "list[Command]":
        """Give what a source of data starts, when it is a wrapper of any kind; else nothing."""
        kind = self.KINDS.get(command.name)
        if kind is None or self._sources_depth >= _MAX_SOURCES_DEPTH or self._sources >= _MAX_SOURCES:
            return []
        self._sources += 1
        self._sources_depth += 1
        try:
            return [inner for inner in kind(self, command, 1) if inner is not command]
        finally:
            self._sources_depth -= 1

    def _read_own(self, lexer: Lexer) -> None:
        """Read the command's own text; after an interruption go on with what was read, so that padding hides nothing."""
        self.is_reading = True
        try:
            lexer.read_all()
        except Exception:
            self.is_cut = True
        self.is_reading = False

    def _read_inner(self, lexer: Lexer) -> None:
        """Read a text inside the command's own; one too deep for the interpreter must not silence what follows it."""
        try:
            lexer.read_all()
        except RecursionError:
            self.is_cut = True

    def _through(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield a command, and what it starts."""
        name = command.name
        if self._aliases and command.program in self._aliases and depth < MAX_DEPTH:
            words = " ".join(["'" + word.replace("'", "'\\''") + "'" for word in command.arguments])
            yield from self._nested(self._aliases[str(command.program)] + " " + words, command, max(depth, 1))
        kind = self.KINDS.get(name)
        if kind is None:
            # The name is not known: whatever follows may be the command, as in `$SUDO rm -rf /`.
            if UNKNOWN_TEXT in name and depth < MAX_DEPTH:
                if isinstance(command.program, Argument) and command.program.outputs:
                    command.code = [command.program]
                    yield command
                if command.arguments:
                    yield from self._through(command.wrapped(command.arguments), depth + 1)
                return
            if name.rstrip("0123456789.") in _INTERPRETERS:
                kind = Analysis.interpreter
        if kind is None:
            yield command
            if self._scripts and "/" in command.program and depth < MAX_DEPTH:
                for text in self._script(command, command.program):
                    yield from self._nested(text, command, depth)
        elif depth < MAX_DEPTH:
            yield from kind(self, command, depth)

    def _wrapper(self, command: Command, depth: int) -> "Iterator[Command]":
        follows, shorts, longs, operands, takes_assignments = WRAPPERS[command.name]
        arguments = command.arguments
        if command.name == "command" and arguments[:1] and arguments[0] in ("-v", "-V"):
            return
        start = payload_start(
            arguments, shorts, longs, operands, takes_assignments=takes_assignments, permutes=follows == HOST
        )
        payload = arguments[start:]
        if takes_assignments:
            _take_assignments(command, arguments[:start])
        if command.name in CODE_OPTIONS:
            yield from self._code_option(command, depth)
        if follows == HOST and command.name in ("ssh", "scp"):
            yield from self._executing(command, depth, is_own=False)
        if command.name == "cmd":
            yield from self._nested(windows_text(arguments), command, depth)
        elif not payload:
            command.is_remote = command.is_remote or follows == HOST
            yield from self._without_payload(command, depth)
        elif payload[0] == ":::":
            for text in payload[1:]:
                yield from self._nested(text, command, depth)
        elif follows == ARGV:
            for inner in _started(command, payload):
                yield from self._through(inner, depth + 1)
        else:
            command.code = payload
            command.is_remote = command.is_remote or follows == HOST
            yield command
            yield from self._nested(" ".join(payload), command, depth)

    def _without_payload(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield a wrapper that is given no command: it may open a shell, or take its commands from stdin."""
        if is_fed_shell(command.name, command.arguments):
            yield from self._fed_shell(command, depth)
        else:
            command.reads_code = command.name == "parallel" and command.feed is not None
            yield command

    def _fed_shell(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield a program that opens a shell, and what that shell is told on stdin."""
        command.reads_code = command.feed is not None and command.fed is None
        yield command
        if command.reads_code:
            text, command.feed = command.stdin(), None
            yield from self._nested(text, command, depth)

    def _code_option(self, command: Command, depth: int) -> "Iterator[Command]":
        short, long, valued = CODE_OPTIONS[command.name]
        for text in code_values(command.arguments, short, (long,), valued):
            command.code = [*command.code, text]
            yield from self._nested(text, command, depth)

    def _executing(self, command: Command, depth: int, *, is_own: bool = True) -> "Iterator[Command]":
        if is_own:
            yield command
        if any(argument.startswith(("-", ".", "!")) for argument in command.arguments):
            from guard_executing import executed_texts

            for text in executed_texts(command.name, command.arguments):
                yield from self._nested(text, command, depth)

    def _with_code_option(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        yield from self._code_option(command, depth)
        if not command.code and is_fed_shell(command.name, command.arguments):
            yield from self._fed_shell(command, depth)

    def _shell(self, command: Command, depth: int) -> "Iterator[Command]":
        code, script, command.reads_code = shell_code(command.arguments)
        command.code = [text for text in (code, script) if text is not None]
        command.reads_code = command.reads_code or [script] in _STDIN_FILES
        if command.fed is not None and (code is None or UNKNOWN_TEXT in code):
            command.reads_code, command.feed = True, command.fed  # `xargs sh -c`, `xargs -I{} sh -c {}`
        yield command
        if code:
            words = command.arguments[command.arguments.index(code) + 1 :]
            yield from self._nested(code, command, depth, words)
        elif command.reads_code:
            text, command.feed = command.stdin() if command.fed is None else "", None
            yield from self._nested(text, command, depth)
        elif script:
            for text in self._script(command, script):
                yield from self._nested(text, command, depth)

    def _source(self, command: Command, depth: int) -> "Iterator[Command]":
        command.code = command.arguments[:1]
        command.reads_code = command.arguments[:1] in _STDIN_FILES
        yield command
        for text in self._script(command, command.arguments[0] if command.arguments else ""):
            yield from self._nested(text, command, depth)

    def _trap(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        if command.arguments:
            yield from self._nested(command.arguments[0], command, depth)

    def _find(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        if not any(argument.startswith(("-exec", "-ok", "-x", "-X", "--exec")) for argument in command.arguments):
            return
        from guard_feeding import started_by_find

        for inner in started_by_find(command):
            yield from self._through(inner, depth + 1)

    def _git(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        if _GIT_SETTINGS.isdisjoint(command.arguments) and not any(
            argument.startswith("--") and "=" in argument for argument in command.arguments
        ):
            return
        from guard_settings import git_commands

        for text in git_commands(command.arguments):
            yield from self._nested(text, command, depth)

    def _runner(self, command: Command, depth: int) -> "Iterator[Command]":
        verbs = _VERBS.get(command.name)
        if command.name == "bun" and "x" not in command.arguments:
            yield from self.interpreter(command, depth)
            return
        yield command
        if (
            verbs
            and verbs.isdisjoint(command.arguments)
            and not any(a.startswith(("-c", "--call")) for a in command.arguments)
        ):
            return
        from guard_runners import ARGV, EPHEMERAL, opens_shell, started

        if command.name in ("at", "batch"):
            command.reads_code = True
            yield command
        if command.name in ("docker", "podman", "nerdctl") and "run" in command.arguments:
            from guard_containers import runs

            for inner in runs(command):
                yield from self._through(inner, depth + 1)
            return
        kind, words, texts = started(command)
        if words:
            inner = command.wrapped(words)
            inner.is_remote = command.is_remote or kind != ARGV
            inner.is_ephemeral = command.is_ephemeral or kind == EPHEMERAL
            yield from self._through(inner, depth + 1)
        for text in texts:
            if kind != ARGV and kind not in ("joined", "each"):
                command.is_remote = True
            yield from self._nested(text, command, depth)
        if not words and not texts and command.feed is not None and opens_shell(command):
            command.is_remote = True
            yield from self._fed_shell(command, depth)

    def _schedule(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield crontab, and what the jobs run that it is given on stdin."""
        command.reads_code = command.feed is not None and command.arguments[-1:] in ([], ["-"])
        yield command
        if command.reads_code:
            from guard_executing import job_commands

            for text in job_commands(command.stdin()):
                yield from self._nested(text, command, depth)

    def _editor(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield an editor, and what its own commands start."""
        yield command
        if command.feed is None and not any(argument.startswith(("-", "+")) for argument in command.arguments):
            return
        from guard_executing import editor_texts

        for text in editor_texts(command):
            yield from self._nested(text, command, depth)

    def _database(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield a database's client, and what its own commands have a shell run."""
        yield command
        text = "\n".join([*command.arguments, command.stdin()])
        if "\\!" in text or ".sh" in text or "system " in text:
            from guard_executing import client_texts

            for escaped in client_texts(text):
                yield from self._nested(escaped, command, depth)

    def _code_file(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield a program that reads its code from the file after -f, or from stdin after `-f -`."""
        files = code_values(command.arguments, "f", ("file", "makefile", "justfile"), "CIjlNoOW")
        command.code = [*command.code, *files]
        command.reads_code = command.reads_code or any([file] in _STDIN_FILES for file in files)
        yield command
        is_evaluated = any(argument.startswith("--eval") for argument in command.arguments)
        if command.name == "just" or not (files or is_evaluated):
            return
        from guard_executing import recipe_text

        texts = [command.stdin()] if command.reads_code else []
        texts.extend([text for file in files for text in self._script(command, file)])
        texts.extend(code_values(command.arguments, "", ("eval",), "CIjlNoOWf"))
        command.feed = None
        for text in texts:
            yield from self._nested(recipe_text(text), command, depth)

    def _sed(self, command: Command, depth: int) -> "Iterator[Command]":
        """Yield sed, and what its `e` runs."""
        arguments = command.arguments
        files = code_values(arguments, "f", ("file",), "el") if "-f" in arguments or "--file" in arguments else []
        command.reads_code = any([file] in _STDIN_FILES for file in files)
        yield command
        if not command.reads_code and not any("e" in word and word != "-e" for word in arguments):
            return
        from guard_executing import sed_texts

        for text in sed_texts(command):
            yield from self._nested(text, command, depth)

    def _alias(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        for argument in command.arguments:
            name, _, text = argument.partition("=")
            yield from self._nested(text, command, depth)
            if text and text.split(None, 1)[:1] != [name]:
                self._aliases[name] = text

    def interpreter(self, command: Command, depth: int) -> "Iterator[Command]":
        """Look through an interpreter's program, if it has one on its command line or on stdin."""
        from guard_interpreters import code_words, first_operand, module_arguments, programs, reads_code, shell_texts

        command.reads_code = reads_code(command)
        # A program that has a downloaded value in it is not a downloaded program.
        whole = [word for word in code_words(command) if word.files or word.strip() == UNKNOWN_TEXT]
        command.code = [*command.code, *whole, *[word for word in [first_operand(command)] if word.files]]
        yield command
        module = module_arguments(command)
        if module:
            yield from self._through(command.wrapped(module), depth + 1)
        for program in [*programs(command), *self._script(command, first_operand(command))]:
            for text in shell_texts(program, command.name.rstrip("0123456789."), command.arguments):
                yield from self._nested(text, command, depth)

    def _script(self, command: Command, path: str) -> "list[str]":
        """Give the text of a script that this line has written before, as a list of one or none."""
        if not path or not self._scripts:
            return []
        text = self._scripts.get(absolute(path, command.cwd) or "")
        return [text] if text else []

    def _note_script(self, command: Command) -> None:
        """Keep what a line writes into files, for when it runs one of them."""
        targets = [target for _, target in command.redirects] if command.name in ("cat", "echo", "printf") else []
        if command.name == "tee":
            targets = [argument for argument in command.arguments if not argument.startswith("-")]
        if not targets or len(self._scripts) > _MAX_SCRIPTS:
            return
        text = command.stdin() if command.name in ("cat", "tee") else printed_text(command.name, command.arguments)
        for target in targets:
            full = absolute(target, command.cwd)
            if full is not None and text:
                # Appending is not followed line by line: that would cost the square of the lines.
                self._scripts[full] = text

    # What looks through a program; plain functions, so that they are called with the analysis.
    KINDS = {  # noqa: RUF012 - constant; ClassVar would import typing on every tool call
        **dict.fromkeys(CODE_OPTIONS, _with_code_option),
        **dict.fromkeys(_RUNNERS, _runner),
        **dict.fromkeys(WRAPPERS, _wrapper),
        **dict.fromkeys(SHELLS, _shell),
        ".": _source,
        "source": _source,
        "trap": _trap,
        "alias": _alias,
        **dict.fromkeys(["find", "gfind", "bfs", "fd", "fdfind"], _find),
        **dict.fromkeys(["crontab", "incrontab"], _schedule),
        **dict.fromkeys(["vim", "vi", "nvim", "ex", "ed", "view", "gvim", "emacs"], _editor),
        **dict.fromkeys(
            [
                "tar",
                "bsdtar",
                "rsync",
                "zip",
                "sort",
                "split",
                "man",
                "gdb",
                "scp",
                "sftp",
                "expect",
                "tcpdump",
                "fzf",
                "rg",
                "xterm",
                "wget",
            ],
            _executing,
        ),
        **dict.fromkeys(["make", "gmake", "just"], _code_file),
        **dict.fromkeys(["psql", "mysql", "mariadb", "sqlite3", "pgcli", "mycli", "duckdb", "usql"], _database),
        **dict.fromkeys(["sed", "gsed"], _sed),
        "git": _git,
    }


def _started(command: Command, payload: "Sequence[Argument]") -> "list[Command]":
    """Give what a wrapper starts, with the words that it is fed; once for each of them where it puts them in a place."""
    inner = command.wrapped(payload)
    if command.name in ("xargs", "parallel", "sem"):
        from guard_feeding import hand_on

        return hand_on(inner, command)
    if command.name in ("nsenter", "chroot") and inner.is_ephemeral and _leaves_container(command):
        inner.is_ephemeral, inner.mounts = False, ()
    return [inner]


def _take_assignments(command: Command, words: "Sequence[Argument]") -> None:
    """Note the NAME=value among a wrapper's own words, which what it starts finds in its environment."""
    for word in words:
        if "=" in word and not word.startswith("-"):
            command.assignments = [*command.assignments, word]
            if command.walk is not None:
                command.walk.note_setting(*word.partition("=")[::2], command.cwd)


def windows_text(arguments: "Sequence[str]") -> str:
    """Give what Windows' cmd is told, as a shell would read it."""
    from guard_powershell import cmd_text

    return cmd_text(arguments)


def _leaves_container(command: Command) -> bool:
    """Tell whether nsenter or chroot goes to the machine that the container runs on."""
    if command.name == "chroot":
        return any(argument == "/" for argument in command.arguments)
    return any(argument in ("-t1", "1", "--target=1", "-a") for argument in command.arguments)


def _contain(command: Command, outer: Command) -> None:
    """Put a command into a container, in which some folders may be those of this machine."""
    command.is_ephemeral = True
    if outer.mounts:
        from guard_containers import map_mounts

        command.mounts = outer.mounts
        map_mounts(command)
