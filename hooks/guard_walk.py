"""Where does each simple command of a text run, and what do its words become there?

Goes through the lexer's list in order, keeps the working directory and the variables, and gives each command as a
value that the rules can judge. Leaves what a command starts for others to `guard_commands.py`.
"""

from guard_expansion import MAX_VALUES, Argument, Expander, Values, printed_text
from guard_paths import absolute, is_missing
from guard_simple import PATH, PIPE, TEXT, UNKNOWN_TEXT
from guard_words import OUTPUT, VARIABLE, bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from guard_lexer import Lexer
    from guard_simple import Simple, Source
    from guard_words import Word

_SETTERS = frozenset(["cd", "pushd", "set", "shift", "printf", "mapfile", "readarray"])
_DECLARATIONS = frozenset(["export", "declare", "typeset", "local", "readonly"])
_COMMAND_NAMES = (
    "COMMAND", "EDITOR", "PAGER", "ASKPASS", "_DIFF", "_SSH", "_RSH", "VISUAL", "FCEDIT", "BROWSER", "LESSOPEN", "LESSCLOSE", "PS4", "_SHELL", "_WRAPPER", "_PROG", "_HELPER",
)  # fmt: skip
"""Ends of the names of variables that hold a command for another program."""
_MAX_FOLDER_CHARACTERS = 1024
_MAX_UPSTREAM = 16
"""Commands of a pipeline, counted back from its end, that are asked where data comes from."""


class Feed:
    """What a command reads on stdin; looked up only when a rule asks, which is seldom."""

    __slots__ = ("_cwd", "_place", "_source", "_walk")

    def __init__(self, walk: "Walk", source: "Source", cwd: "str | None", place: int) -> None:
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

    def ranges(self) -> "tuple[tuple[int, int], ...]":
        """Give the ranges of those commands."""
        kind = self._source[0]
        if kind == PIPE:
            return ((self._source[1], self._source[2]),)
        text = self._walk.expander.text(self._source[1], self._cwd)
        return text.outputs if kind == TEXT else text.files

    def files(self) -> "list[str]":
        """Give the files that are read, from `< file`."""
        if self._source[0] != PATH:
            return []
        return [self._walk.expander.text(self._source[1], self._cwd)]

    def text(self) -> str:
        """Give the text, with UNKNOWN_TEXT for what is not known; "" when nothing of it is."""
        kind = self._source[0]
        if kind == TEXT:
            return self._walk.expander.text(self._source[1], self._cwd)
        if kind == PIPE:
            printed = self._walk.expander.printed((self._source[1], self._source[2]), self._cwd)
            return printed if printed != UNKNOWN_TEXT else ""
        files = self._walk.expander.text(self._source[1], self._cwd).files
        printed = self._walk.expander.printed(files[0], self._cwd) if files else UNKNOWN_TEXT
        return printed if printed != UNKNOWN_TEXT else ""


class Command:
    """One command that would run.

    Attributes:
        program: The program, as it is written.
        name: The program, without its folder and `.exe`, in lower case: macOS's disk does not mind case.
        arguments: What follows the name.
        assignments: NAME=value, as they stand before the command.
        redirects: Pairs of operator and target.
        cwd: The absolute working directory, or None when it is not known.
        source: How it is written, for the message.
        feed: What is on its stdin, or None.
        fed: What xargs or find makes words of for it, or None.
        mounts: Pairs of a container's folder and this machine's folder that is there.
        is_mapped: Its words were changed to this machine's folders already.
        walk: Where the ranges in its arguments belong to.
        code: Arguments that a shell reads as commands, or reads them from.
        reads_code: It runs what comes on stdin.
        is_captured: Its output goes to another command.
        is_bulk: Its last operand stands for many files (`xargs`, `find -exec`).
        is_ephemeral: It runs in a container that is made for it.
        is_remote: It runs on another machine.
        function: The function it is in.
        outer: The wrapper that starts it and is no command of its own, such as `sudo`; or None.
    """

    __slots__ = (
        "arguments", "assignments", "code", "cwd", "fed", "feed", "function", "is_bulk", "is_captured", "is_ephemeral", "is_mapped", "is_remote", "mounts", "name", "outer",
        "program", "reads_code", "redirects", "source", "walk",
    )  # fmt: skip

    def __init__(self, argv: "Sequence[Argument]", source: str, cwd: "str | None") -> None:
        """Start from the words."""
        self.assignments: "Sequence[str]" = ()
        self.program: "Argument | str" = argv[0] if argv else ""
        name = argv[0].rpartition("/")[2].lower() if argv else ""
        self.name = name.removesuffix(".exe")
        self.arguments: "list[Argument]" = list(argv[1:])
        self.source = source
        self.cwd = cwd
        self.redirects: "list[tuple[str, Argument]]" = []
        self.feed: "Feed | None" = None
        self.fed: "Feed | None" = None
        self.mounts: "Sequence[tuple[str, str]]" = ()
        self.is_mapped = False
        self.walk: "Walk | None" = None
        self.code: "list[Argument]" = []
        self.reads_code = False
        self.is_bulk = False
        self.is_captured = False
        self.is_ephemeral = False
        self.is_remote = False
        self.function = ""
        self.outer: "Command | None" = None

    def wrapped(self, argv: "Sequence[Argument]") -> "Command":
        """Give the command that this one starts; it has the same place and the same stdin."""
        inner = Command(argv, self.source, self.cwd)
        inner.outer = self
        inner.feed, inner.walk = self.feed, self.walk
        inner.is_ephemeral, inner.assignments = self.is_ephemeral, self.assignments
        inner.fed, inner.mounts, inner.is_mapped = self.fed, self.mounts, self.is_mapped
        inner.is_remote, inner.is_bulk, inner.is_captured = self.is_remote, self.is_bulk, self.is_captured
        # The shell opens the files before the wrapper starts: `sudo cat x > /dev/sda` writes all the same.
        inner.redirects = self.redirects
        return inner

    def upstream(self) -> "list[Command]":
        """Give the commands whose output is its stdin."""
        return self.feed.commands() if self.feed else []

    def files_in(self) -> "list[str]":
        """Give the files on its stdin."""
        return self.feed.files() if self.feed else []

    def stdin(self) -> str:
        """Give what is known of the text on its stdin."""
        return self.feed.text() if self.feed else ""

    def handed_on(self) -> "list[Argument]":
        """Give what a pipe hands on as names: printed words, or something below the folders that find or ls looks at."""
        from guard_feeding import handed_on

        return handed_on(self)

    def sources(self) -> "list[Command]":
        """Give the commands whose output it runs as code."""
        found = self.upstream() if self.reads_code else []
        printed = [word for source in found if source.name in ("echo", "printf") for word in source.arguments]
        if self.walk is not None:
            for argument in [*self.code, *printed]:
                for first, last in (*argument.outputs, *argument.files):
                    found.extend(self.walk.plain(first, last, self.cwd, -1))
        return found


class Walk:
    """Goes through one lexer's commands in order and keeps where they run and what variables hold."""

    def __init__(
        self,
        lexer: "Lexer",
        values: Values,
        cwd: "str | None",
        see_through: "Callable[[Command], list[Command]] | None" = None,
        *,
        is_nested: bool = False,
    ) -> None:
        self._see_through = see_through
        # A text inside another may run on a machine with other files.
        self._is_nested = is_nested
        self.simples = lexer.commands
        self.parents = lexer.parents
        self.values = values
        self.expander = Expander(lexer.commands, values)
        self.folders: "dict[int, str | None]" = {0: cwd}
        self.settings: "list[tuple[str, str, str | None]]" = []
        """Variables that were set and that may hold a command for another program, with where that was."""
        self._function = ""
        self._calls = self._find_calls()

    def _find_calls(self) -> "dict[str, Simple]":
        """Find for each function the first command that calls it."""
        functions = {simple.function for simple in self.simples if simple.function}
        calls: "dict[str, Simple]" = {}
        if functions:
            for simple in self.simples:
                name = bare(simple.words[0]) if simple.words else ""
                if name in functions and name != simple.function:
                    calls.setdefault(name, simple)
        return calls

    def _enter(self, simple: "Simple", cwd: "str | None") -> None:
        """Give a function's body the arguments that it is called with."""
        self._function = simple.function
        call = self._calls.get(simple.function)
        if call is not None and len(call.words) <= MAX_VALUES:
            every: "list[str]" = []
            for place, word in enumerate(call.words[1:], 1):
                values = [str(argument) for argument in self.expander.expand(word, cwd)]
                self.values.assign(str(place), values)
                every.extend(values)
            self.values.assign("@", every)

    def commands(self, place: int) -> "Iterator[Command | None]":
        """Give the command at a place, once for each round of the loops whose variables it names.

        All values at once would be several words, and everything behind them would stand in another position.
        """
        names = self._looped(self.simples[place]) if self.values.choices else ()
        if not names:
            yield self.command(place)
            return
        for picked in self.values.rounds(names):
            self.values.picked = picked
            yield self.command(place)
        self.values.picked = {}

    def _looped(self, simple: "Simple") -> "Sequence[str]":
        """Give the loops' variables that a command's words have in them."""
        if simple.kind or not simple.words or bare(simple.words[0]) in _SETTERS | _DECLARATIONS:
            return ()
        return self._choices_in([*simple.words, *[word for _, word in simple.redirects], *_fed_words(simple)])

    def _choices_in(self, words: "Sequence[Word]", *, is_inner: bool = False) -> "list[str]":
        found: "list[str]" = []
        for word in words:
            for kind, value, _ in word:
                if kind == VARIABLE and value[0] in self.values.choices:
                    found.append(value[0])
                elif kind == OUTPUT and not is_inner:
                    for simple in self.simples[max(value[0], value[1] - _MAX_UPSTREAM) : value[1]]:
                        found.extend(self._choices_in([*simple.words, *_fed_words(simple)], is_inner=True))
        return [name for place, name in enumerate(found) if name not in found[:place]]

    def command(self, place: int) -> "Command | None":
        """Give the command at a place of the list, or None when it only sets something."""
        simple = self.simples[place]
        cwd = self.folders[simple.scope] if simple.scope in self.folders else self._folder(simple.scope)
        if simple.function != self._function:
            self._enter(simple, cwd)
        if simple.kind == "for":
            self._loop(simple, cwd)
            return None
        argv = self.expander.arguments(simple.words, cwd)
        if not argv and simple.stdin is not None and simple.stdin[0] == PATH and not simple.assignments:
            argv = [Argument("cat")]  # `$(< file)`
        if not argv or argv[0] in _DECLARATIONS:
            self._assign(simple, argv, cwd)
            if not simple.redirects and len(argv) != 1:
                return None
        command = Command(argv, simple.written(), cwd)
        command.function = simple.function
        if simple.redirects:
            command.redirects = [
                (operator, self.expander.text(word, cwd)) for operator, word in self._opened(simple, cwd)
            ]
        command.walk = self
        command.is_captured = simple.is_captured
        if simple.assignments:
            command.assignments = [
                name + "=" + self.expander.text(word, cwd) for name, word in simple.assignments if word
            ]
            for assigned in command.assignments:
                self.note_setting(*assigned.partition("=")[::2], cwd)
        if simple.stdin is not None:
            command.feed = Feed(self, simple.stdin, cwd, place)
        if argv and argv[0] == "read" and command.feed is not None:
            self._read(command)
        if argv and argv[0] in _SETTERS:
            self._set_by(command, simple, cwd)
        return command

    def _set_by(self, command: Command, simple: "Simple", cwd: "str | None") -> None:
        """Follow what a command of the shell itself sets: the folder, positional parameters, variables."""
        name, arguments = command.program, command.arguments
        if name in ("cd", "pushd"):
            self.folders[simple.scope] = self._changed(cwd, arguments)
        elif name == "set":
            if "--" in arguments:
                self.values.place(arguments[arguments.index("--") + 1 :])
            elif arguments and not arguments[0].startswith(("-", "+")):
                self.values.place(arguments)
        elif name == "shift":
            self.values.place((self.values.get("@", cwd) or [])[1:])
        elif name == "printf" and arguments[:1] == ["-v"] and len(arguments) > 2:  # noqa: PLR2004 - name and format
            self.values.assign(arguments[1], [printed_text("printf", arguments[2:])])
        elif name in ("mapfile", "readarray") and command.feed is not None and arguments:
            self.expander.origins[arguments[-1]] = command.feed.ranges()

    def _opened(self, simple: "Simple", cwd: "str | None") -> "list[tuple[str, Word]]":
        """Give the redirections up to a placeholder that is no file: there the shell stops."""
        if simple.placeholder is None or self._is_nested or not is_missing(simple.placeholder[0], cwd):
            return simple.redirects
        return simple.redirects[: simple.placeholder[1]]

    def _folder(self, scope: int) -> "str | None":
        path = []
        while scope not in self.folders:
            path.append(scope)
            scope = self.parents[scope]
        for inner in path:
            self.folders[inner] = self.folders[scope]
        return self.folders[scope]

    def _changed(self, cwd: "str | None", arguments: "Sequence[str]") -> "str | None":
        operands = [argument for argument in arguments if argument in ("-", "") or not argument.startswith("-")]
        target = operands[0] if operands else self.values.home
        changed = None if target == "-" else absolute(target, cwd)
        # A folder that deep cannot be changed to by its path; following it would cost the square of the command's length.
        return cwd if changed is not None and len(changed) > _MAX_FOLDER_CHARACTERS else changed

    def _loop(self, simple: "Simple", cwd: "str | None") -> None:
        argv = self.expander.arguments(simple.words, cwd)
        if len(argv) > 1 and argv[1] == "in":
            self.values.assign_choices(argv[0], [*argv[2:]] or [UNKNOWN_TEXT])
            outputs = [span for argument in argv[2:] for span in argument.outputs]
            if outputs:
                self.expander.origins[argv[0]] = tuple(outputs)
                self._loop_over_list(argv[0], outputs, cwd)
        elif argv:
            self.values.assign_choices(argv[0], self.values.get("@", cwd) or [UNKNOWN_TEXT])

    def _loop_over_list(self, name: str, outputs: "list[tuple[int, int]]", cwd: "str | None") -> None:
        """Give a loop's variable what is known of the files that find or ls lists for it."""
        from guard_feeding import listed_by

        words = [word for first, last in outputs for word in listed_by(self.plain(first, last, cwd, -1))]
        if words:
            self.values.assign_choices(name, [str(word) for word in words])

    def _assign(self, simple: "Simple", argv: "Sequence[Argument]", cwd: "str | None") -> None:
        for name, word in simple.assignments:
            looped = self._choices_in([word]) if self.values.choices else []
            if looped and not any(kind == VARIABLE and value[0] == name for kind, value, _ in word):
                self._assign_rounds(name, word, looped, cwd)
                continue
            text = self.expander.text(word, cwd) if word else Argument("")
            self._set(name, text, text)
        for name, words, is_appended in simple.arrays:
            before = (self.values.get(name, cwd) or []) if is_appended else []
            self.values.assign(name, [*before, *self.expander.arguments(words, cwd)])
        for argument in argv[1:]:
            name, is_set, value = argument.partition("=")
            if is_set:
                self._set(name, value, argument)

    def _assign_rounds(self, name: str, word: "Word", looped: "Sequence[str]", cwd: "str | None") -> None:
        """Set a variable to what a word becomes in each round of the loops whose variables are in it."""
        texts = []
        for picked in self.values.rounds(looped):
            self.values.picked = picked
            texts.append(self.expander.text(word, cwd))
        self.values.picked = {}
        self._set(name, texts[0], texts[0])
        self.values.assign_choices(name, [str(text) for text in texts])

    def _read(self, command: Command) -> None:
        """Give the variables of `read` what is known of its input, one value for each line."""
        lines = [line for line in command.stdin().split("\n") if line] or [str(word) for word in command.handed_on()]
        names = [argument for argument in command.arguments if not argument.startswith("-")]
        if lines and len(names) == 1:
            self.values.assign_choices(names[0], lines)
        elif lines:
            for name, word in zip(names, lines[0].split()):  # noqa: B905 - strict came with 3.10
                self.values.assign(name, [word])
        ranges = command.feed.ranges() if command.feed is not None else ()
        if ranges:
            for name in names or ["REPLY"]:
                self.expander.origins[name] = ranges

    def note_setting(self, name: str, value: str, cwd: "str | None") -> None:
        """Note a variable that another program may run; those names end in one of a few words."""
        if name.endswith(_COMMAND_NAMES) and value:
            self.settings.append((name, value, cwd))

    def _set(self, name: str, value: str, whole: "Argument") -> None:
        self.values.assign(name, [value])
        self.note_setting(name, value, None)
        if whole.outputs:
            self.expander.origins[name] = whole.outputs
        else:
            self.expander.origins.pop(name, None)

    def plain(self, first: int, last: int, cwd: "str | None", place: int) -> "list[Command]":
        """Give the commands of a range as data sources: names and arguments only."""
        found = []
        for other in range(max(first, last - _MAX_UPSTREAM), last):
            if other != place:
                found.extend(self._source(self.simples[other], cwd, other))
        if self._see_through is not None and found:
            found.extend([inner for command in found for inner in self._see_through(command)])
        return found

    def place(self, words: "Sequence[Argument]") -> None:
        """Set `$0`, `$1`, … of a text that is given to a shell with these words after it."""
        self.values.assign("0", [words[0]])
        self.values.place(words[1:])

    def _source(self, simple: "Simple", cwd: "str | None", place: int) -> "list[Command]":
        is_file = simple.stdin is not None and simple.stdin[0] == PATH
        argv = self.expander.arguments(simple.words, cwd) or ([Argument("cat")] if is_file else [])
        if not argv:
            return []
        command = Command(argv, simple.written(), cwd)
        if simple.stdin is not None:
            command.feed = Feed(self, simple.stdin, cwd, place)
        if simple.redirects:
            command.redirects = [(operator, self.expander.text(word, cwd)) for operator, word in simple.redirects]
        command.walk = self
        return [command]


def _fed_words(simple: "Simple") -> "list[Word]":
    """Give the word on a command's stdin, of a here-document or a file."""
    return [] if simple.stdin is None or simple.stdin[0] == PIPE else [simple.stdin[1]]
