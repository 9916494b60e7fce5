"""Which commands would a text really run, also by way of others?

Looks through wrappers, shells and interpreters to what they start, up to a depth and a number of characters. Leaves
the commands of one text to `guard_walk.py`, and judging to the rules.
"""

from guard_expansion import UNKNOWN_TEXT, Argument, Values, printed_text
from guard_lexer import Lexer
from guard_paths import absolute
from guard_walk import Command, Walk
from guard_wrappers import (
    ARGV,
    CODE_OPTIONS,
    HOST,
    SHELLS,
    WRAPPERS,
    find_commands,
    find_roots,
    git_commands,
    option_value,
    payload_start,
    shell_code,
)

MAX_DEPTH = 6
"""Wrappers and shells inside each other that are looked through."""

MAX_CHARACTERS = 1 << 20
"""Characters of the command that are read. A longer one cannot be started: Linux takes 128 KiB for `sh -c`, macOS 1 MiB."""

MAX_NESTED_CHARACTERS = 1 << 18
"""Characters in all that shells, eval and interpreters inside the command are read for."""

_MAX_SCRIPTS = 64
_MAX_READINGS = 8
"""How often one text that stands inside others is read; a script that runs itself three times would be 3^MAX_DEPTH times."""
_RUNNERS = (
    "npx", "bunx", "uvx", "pipx", "npm", "pnpm", "yarn", "bun", "uv", "poetry", "pipenv", "hatch", "pdm", "rye", "pixi", "conda", "mamba", "bundle",
    "composer", "mise", "asdf", "rbenv", "pyenv", "nvm", "direnv", "op", "doppler", "infisical", "aws-vault", "chamber", "dotenv", "dotenvx", "docker",
    "docker-compose", "podman", "nerdctl", "podman-compose", "kubectl", "oc", "gcloud", "vagrant", "wsl", "nix", "nix-shell", "tmux", "screen", "concurrently",
    "hyperfine", "nodemon", "entr", "fd", "fdfind", "ansible", "pwsh", "powershell", "at", "batch", "multipass", "lxc", "limactl", "heroku", "fly", "flyctl", "atmos",
)  # fmt: skip
"""Programs that `guard_runners.py` looks through; it is imported only for them."""
_VERBS = {
    "npm": frozenset(["exec", "x"]),
    "pnpm": frozenset(["exec", "dlx"]),
    "yarn": frozenset(["exec", "dlx", "run"]),
    "bun": frozenset(["x"]),
    "docker": frozenset(["exec", "run"]),
    "kubectl": frozenset(["exec", "run"]),
    "uv": frozenset(["run"]),
    "poetry": frozenset(["run"]),
    "gcloud": frozenset(["ssh"]),
}
"""Without one of these words such a program starts nothing else."""
_INTERPRETERS = frozenset(
    ["python", "node", "nodejs", "perl", "ruby", "php", "deno", "bun", "awk", "gawk", "mawk", "osascript"]
)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
        self._scripts: "dict[str, str]" = {}
        self._readings: "dict[str, int]" = {}

    def commands(self, text: str, cwd: str) -> "Iterator[Command]":
        """Yield the commands of what the user's shell would run, as they are found.

        Args:
            text: The tool call's command.
            cwd: The working directory, absolute.
        """
        return self._read(text[:MAX_CHARACTERS].replace("\0", ""), cwd, None, 0)

    def _nested(self, text: str, outer: Command, depth: int) -> "Iterator[Command]":
        """Yield the commands of a text that a command has a shell read."""
        if not text or len(text) > self.budget or depth >= MAX_DEPTH:
            return
        if depth:
            readings = self._readings[text] = self._readings.get(text, 0) + 1
            if readings > _MAX_READINGS:
                return
        self.budget -= len(text)
        for command in self._read(text, outer.cwd, outer, depth + 1):
            command.is_remote = command.is_remote or outer.is_remote
            command.is_ephemeral = command.is_ephemeral or outer.is_ephemeral
            yield command

    def _read(self, text: str, cwd: "str | None", outer: "Command | None", depth: int) -> "Iterator[Command]":
        lexer = Lexer(text)
        if depth:
            self._read_inner(lexer)
        else:
            self._read_own(lexer)
        is_nested = outer is not None
        walk = Walk(lexer, self.values.copy() if is_nested else self.values, cwd, is_nested=is_nested)
        for place in range(len(lexer.commands)):
            command = walk.command(place)
            if command is None:
                continue
            if outer is not None and command.feed is None:
                command.feed = outer.feed
            if command.redirects or command.name == "tee":
                self._note_script(command)
            yield from self._through(command, depth)

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
        kind = self.KINDS.get(name)
        if kind is None:
            # The name is not known: whatever follows may be the command, as in `$SUDO rm -rf /`.
            if UNKNOWN_TEXT in name and depth < MAX_DEPTH and command.arguments:
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
        if command.name == "env":
            split = option_value(arguments, "S", "split-string")
            if split:
                yield from self._nested(split, command, depth)
        start = payload_start(arguments, shorts, longs, operands, takes_assignments=takes_assignments)
        payload = arguments[start:]
        if command.name in CODE_OPTIONS:
            yield from self._code_option(command, depth)
        if not payload:
            yield command
        elif follows == ARGV:
            inner = command.wrapped(payload)
            if command.name in ("xargs", "parallel"):
                _hand_on(inner, command)
                inner.is_bulk = True
                inner.feed = None
            yield from self._through(inner, depth + 1)
        else:
            command.code = payload
            command.is_remote = command.is_remote or follows == HOST
            yield command
            yield from self._nested(" ".join(payload), command, depth)

    def _code_option(self, command: Command, depth: int) -> "Iterator[Command]":
        short, long = CODE_OPTIONS[command.name]
        text = option_value(command.arguments, short, long)
        if text:
            yield from self._nested(text, command, depth)

    def _with_code_option(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        yield from self._code_option(command, depth)

    def _shell(self, command: Command, depth: int) -> "Iterator[Command]":
        code, script, command.reads_code = shell_code(command.arguments)
        command.code = [text for text in (code, script) if text is not None]
        yield command
        if code:
            yield from self._nested(code, command, depth)
        elif command.reads_code:
            text, command.feed = command.stdin(), None
            yield from self._nested(text, command, depth)
        elif script:
            for text in self._script(command, script):
                yield from self._nested(text, command, depth)

    def _source(self, command: Command, depth: int) -> "Iterator[Command]":
        command.code = command.arguments[:1]
        yield command
        for text in self._script(command, command.arguments[0] if command.arguments else ""):
            yield from self._nested(text, command, depth)

    def _trap(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        if command.arguments:
            yield from self._nested(command.arguments[0], command, depth)

    def _find(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        roots = find_roots(command.arguments)
        for words in find_commands(command.arguments):
            if not words:
                continue
            found = [Argument(root.rstrip("/") + "/" + UNKNOWN_TEXT) for root in roots]
            argv: "list[Argument]" = []
            for word in words:
                argv.extend(found if word == "{}" else [Argument(word.replace("{}", found[0]))])
            inner = command.wrapped(argv)
            inner.is_bulk = True
            yield from self._through(inner, depth + 1)

    def _git(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        for text in git_commands(command.arguments):
            yield from self._nested(text, command, depth)

    def _runner(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        verbs = _VERBS.get(command.name)
        if (
            verbs
            and verbs.isdisjoint(command.arguments)
            and not any(a.startswith(("-c", "--call")) for a in command.arguments)
        ):
            return
        from guard_runners import ARGV, EPHEMERAL, started

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

    def _alias(self, command: Command, depth: int) -> "Iterator[Command]":
        yield command
        for argument in command.arguments:
            yield from self._nested(argument.partition("=")[2], command, depth)

    def interpreter(self, command: Command, depth: int) -> "Iterator[Command]":
        """Look through an interpreter's program, if it has one on its command line or on stdin."""
        from guard_interpreters import first_operand, module_arguments, programs, reads_code, shell_texts

        command.reads_code = reads_code(command)
        yield command
        module = module_arguments(command)
        if module:
            yield from self._through(command.wrapped(module), depth + 1)
        for program in [*programs(command), *self._script(command, first_operand(command))]:
            for text in shell_texts(program, command.name.rstrip("0123456789.")):
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
        "find": _find,
        "git": _git,
    }


def _hand_on(inner: Command, command: Command) -> None:
    """Give the started command what xargs reads: in place of its mark, else at the end."""
    operands = command.handed_on()
    mark = option_value(command.arguments, "I", "replace") or "{}"
    if any(mark in argument for argument in inner.arguments):
        first = operands[0] if operands else UNKNOWN_TEXT
        kept = []
        for argument in inner.arguments:
            kept.extend((operands or [argument]) if argument == mark else [Argument(argument.replace(mark, first))])
        inner.arguments = kept
    else:
        inner.arguments = inner.arguments + operands
