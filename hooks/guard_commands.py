"""Which commands would a text really run, with which arguments, where, and fed by what?

Walks the lexer's list in order with the working directory and the variables, and looks through wrappers, shells and
interpreters to what they start, up to a depth and a number of characters. Yields values; the rules judge them.
"""

from guard_expansion import UNKNOWN_TEXT, Argument, Expander, Values
from guard_lexer import Lexer
from guard_simple import PIPE, TEXT
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

_DECLARATIONS = frozenset(["export", "declare", "typeset", "local", "readonly"])
_INTERPRETERS = frozenset(
    ["python", "node", "nodejs", "perl", "ruby", "php", "deno", "bun", "awk", "gawk", "mawk", "osascript"]
)
_MAX_UPSTREAM = 16
"""Commands of a pipeline, counted back from its end, that are asked where data comes from."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from guard_simple import Simple, Source


class Feed:
    """What a command reads on stdin; looked up only when a rule asks, which is seldom."""

    __slots__ = ("_cwd", "_place", "_source", "_walk")

    def __init__(self, walk: "_Walk", source: "Source", cwd: "str | None", place: int) -> None:
        """Note where to look.

        Args:
            walk: The walk that the command belongs to.
            source: PIPE, TEXT or PATH with its value, as the lexer gives it.
            cwd: The working directory there.
            place: The command's own place in the list.
        """
        self._walk = walk
        self._source = source
        self._cwd = cwd
        self._place = place

    def commands(self) -> "list[Command]":
        """Give the commands whose output it is, in their order."""
        kind = self._source[0]
        if kind == PIPE:
            return self._walk.plain(self._source[1], self._source[2], self._cwd, self._place)
        text = self._walk.expander.text(self._source[1], self._cwd)
        found = []
        for first, last in text.outputs if kind == TEXT else text.files:
            found.extend(self._walk.plain(first, last, self._cwd, self._place))
        return found

    def text(self) -> str:
        """Give the text, with UNKNOWN_TEXT for what is not known; "" when nothing of it is."""
        kind = self._source[0]
        if kind == TEXT:
            return self._walk.expander.text(self._source[1], self._cwd)
        if kind == PIPE:
            printed = self._walk.expander.printed((self._source[1], self._source[2]), self._cwd)
            return printed if printed != UNKNOWN_TEXT else ""
        return ""


class Command:
    """One command that would run.

    Attributes:
        name: The program, without its folder and in lower case: macOS's disk does not mind case.
        arguments: What follows the name.
        redirects: Pairs of operator and target.
        cwd: The absolute working directory, or None when it is not known.
        source: How it is written, for the message.
        feed: What is on its stdin, or None.
        walk: Where the ranges in its arguments belong to.
        code: Arguments that a shell reads as commands, or reads them from.
        reads_code: It runs what comes on stdin.
        is_bulk: Its last operand stands for many files (`xargs`, `find -exec`).
        is_remote: It runs on another machine.
        function: The function it is in.
    """

    __slots__ = (
        "arguments", "code", "cwd", "feed", "function", "is_bulk", "is_remote", "name", "reads_code", "redirects",
        "source", "walk",
    )  # fmt: skip

    def __init__(self, argv: "Sequence[Argument]", source: str, cwd: "str | None") -> None:
        """Start from the words."""
        self.name = argv[0].rpartition("/")[2].lower() if argv else ""
        self.arguments: "list[Argument]" = list(argv[1:])
        self.source = source
        self.cwd = cwd
        self.redirects: "list[tuple[str, Argument]]" = []
        self.feed: "Feed | None" = None
        self.walk: "_Walk | None" = None
        self.code: "list[Argument]" = []
        self.reads_code = False
        self.is_bulk = False
        self.is_remote = False
        self.function = ""

    def wrapped(self, argv: "Sequence[Argument]") -> "Command":
        """Give the command that this one starts; it has the same place and the same stdin."""
        inner = Command(argv, self.source, self.cwd)
        inner.feed, inner.walk = self.feed, self.walk
        inner.is_remote, inner.is_bulk = self.is_remote, self.is_bulk
        return inner

    def upstream(self) -> "list[Command]":
        """Give the commands whose output is its stdin."""
        return self.feed.commands() if self.feed else []

    def stdin(self) -> str:
        """Give what is known of the text on its stdin."""
        return self.feed.text() if self.feed else ""

    def sources(self) -> "list[Command]":
        """Give the commands whose output it runs as code."""
        found = self.upstream() if self.reads_code else []
        if self.walk is not None:
            for argument in self.code:
                for first, last in (*argument.outputs, *argument.files):
                    found.extend(self.walk.plain(first, last, self.cwd, -1))
        return found


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
        self.budget -= len(text)
        for command in self._read(text, outer.cwd, outer, depth + 1):
            command.is_remote = command.is_remote or outer.is_remote
            yield command

    def _read(self, text: str, cwd: "str | None", outer: "Command | None", depth: int) -> "Iterator[Command]":
        lexer = Lexer(text)
        if depth:
            lexer.read_all()
        else:
            self._read_own(lexer)
        walk = _Walk(lexer, self.values if outer is None else self.values.copy(), cwd)
        for place in range(len(lexer.commands)):
            command = walk.command(place)
            if command is None:
                continue
            if outer is not None and command.feed is None:
                command.feed = outer.feed
            yield from self._through(command, depth)

    def _read_own(self, lexer: Lexer) -> None:
        """Read the command's own text; after an interruption go on with what was read, so that padding hides nothing."""
        self.is_reading = True
        try:
            lexer.read_all()
        except Exception:
            self.is_cut = True
        self.is_reading = False

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
                inner.arguments = inner.arguments + _operands_from(command.upstream())
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

    def _source(self, command: Command, _depth: int) -> "Iterator[Command]":
        command.code = command.arguments[:1]
        yield command

    def _trap(self, command: Command, depth: int) -> "Iterator[Command]":
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

    def interpreter(self, command: Command, depth: int) -> "Iterator[Command]":
        """Look through an interpreter's program, if it has one on its command line or on stdin."""
        from guard_interpreters import programs, reads_code, shell_texts

        command.reads_code = reads_code(command)
        yield command
        for program in programs(command):
            for text in shell_texts(program):
                yield from self._nested(text, command, depth)

    # What looks through a program; plain functions, so that they are called with the analysis.
    KINDS = {  # noqa: RUF012 - constant; ClassVar would import typing on every tool call
        **dict.fromkeys(CODE_OPTIONS, _with_code_option),
        **dict.fromkeys(WRAPPERS, _wrapper),
        **dict.fromkeys(SHELLS, _shell),
        ".": _source,
        "source": _source,
        "trap": _trap,
        "find": _find,
        "git": _git,
    }


class _Walk:
    """Goes through one lexer's commands in order and keeps where they run and what variables hold."""

    def __init__(self, lexer: Lexer, values: Values, cwd: "str | None") -> None:
        self.simples = lexer.commands
        self.parents = lexer.parents
        self.values = values
        self.expander = Expander(lexer.commands, values)
        self.folders: "dict[int, str | None]" = {0: cwd}

    def command(self, place: int) -> "Command | None":
        """Give the command at a place of the list, or None when it only sets something."""
        simple = self.simples[place]
        cwd = self._folder(simple.scope)
        if simple.kind == "for":
            self._loop(simple, cwd)
            return None
        argv = self._argv(simple, cwd)
        if not argv or argv[0] in _DECLARATIONS:
            self._assign(simple, argv, cwd)
            if not simple.redirects:
                return None
        command = Command(argv, simple.written(), cwd)
        command.function = simple.function
        command.redirects = [(operator, self.expander.text(word, cwd)) for operator, word in simple.redirects]
        command.walk = self
        if simple.stdin is not None:
            command.feed = Feed(self, simple.stdin, cwd, place)
        if argv and argv[0] in ("cd", "pushd"):
            self.folders[simple.scope] = self._changed(cwd, argv[1:])
        return command

    def _argv(self, simple: "Simple", cwd: "str | None") -> "list[Argument]":
        argv: "list[Argument]" = []
        for word in simple.words:
            argv.extend(self.expander.expand(word, cwd))
        return argv

    def _folder(self, scope: int) -> "str | None":
        path = []
        while scope not in self.folders:
            path.append(scope)
            scope = self.parents[scope]
        for inner in path:
            self.folders[inner] = self.folders[scope]
        return self.folders[scope]

    def _changed(self, cwd: "str | None", arguments: "Sequence[str]") -> "str | None":
        from guard_paths import absolute

        operands = [argument for argument in arguments if argument in ("-", "") or not argument.startswith("-")]
        target = operands[0] if operands else self.values.home
        return None if target == "-" else absolute(target, cwd)

    def _loop(self, simple: "Simple", cwd: "str | None") -> None:
        argv = self._argv(simple, cwd)
        if len(argv) > 1 and argv[1] == "in":
            self.values.assign(argv[0], [*argv[2:]] or [UNKNOWN_TEXT])
        elif argv:
            self.values.assign(argv[0], [UNKNOWN_TEXT])

    def _assign(self, simple: "Simple", argv: "Sequence[str]", cwd: "str | None") -> None:
        for name, word in simple.assignments:
            self.values.assign(name, [self.expander.text(word, cwd) if word else ""])
        for argument in argv[1:]:
            name, is_set, value = argument.partition("=")
            if is_set:
                self.values.assign(name, [value])

    def plain(self, first: int, last: int, cwd: "str | None", place: int) -> "list[Command]":
        """Give the commands of a range as data sources: names and arguments only."""
        found = []
        for other in range(max(first, last - _MAX_UPSTREAM), last):
            if other != place:
                argv = self._argv(self.simples[other], cwd)
                if argv:
                    found.append(Command(argv, self.simples[other].written(), cwd))
        return found


def _operands_from(upstream: "list[Command]") -> "list[Argument]":
    """Give what a pipe would hand to xargs: printed words, or something below the folders that find starts in."""
    if not upstream:
        return []
    last = upstream[-1]
    if last.name in ("echo", "printf"):
        return [Argument(word) for argument in last.arguments for word in argument.split()]
    for command in upstream:
        if command.name == "find":
            return [Argument(root.rstrip("/") + "/" + UNKNOWN_TEXT) for root in find_roots(command.arguments)]
    return []
