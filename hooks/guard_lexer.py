"""Which simple commands does a shell text hold, in the order in which they would run?

Recursive descent for substitutions, an explicit stack for compound commands, no look-behind: every character is read
a bounded number of times, so time is linear in the text. It is tolerant: what no shell would accept is read as
something, never refused, because a guard that gives up on odd text is switched off by odd text. Bodies of functions
and all branches count as executed. Leaves values of words to `guard_expansion.py` and meaning to `guard_commands.py`.
"""

from guard_redirects import RedirectReader
from guard_simple import PIPE, Simple
from guard_words import ENDS, LITERAL, MAX_DEPTH, VARIABLE, assignment, bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_simple import Source
    from guard_words import Word

MAX_NESTING = 48
"""Compound commands inside each other that are followed; deeper ones are read as if they stood at this depth."""

_MAX_NAME = 64
_PREFIXES = frozenset(["then", "do", "else", "elif", "!", "time", "coproc"])
_OPENERS = {"if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac", "{": "}"}
_CLOSERS = frozenset(["fi", "done", "esac", "}"])
_LISTS = frozenset(["for", "select", "case"])
_RESERVED = _PREFIXES | _CLOSERS | frozenset([*_OPENERS, "function", "[["])
_EXTENDED = frozenset("!@+?*")
"""What begins a pattern such as `!(a|b)` before its parenthesis."""


class _Level:
    """Where the reading of one list of commands stands; a substitution has its own."""

    __slots__ = ("closed", "closer", "current", "element", "frames", "naming", "pipeline")

    def __init__(self, closer: str, first: int) -> None:
        self.closer = closer
        self.frames: "list[_Frame]" = []
        self.current: "Simple | None" = None
        self.closed: "int | None" = None
        self.pipeline = first
        self.element = first
        self.naming = ""


class _Frame:
    """An open compound command, and the pipeline around it."""

    __slots__ = ("closer", "element", "first", "function", "is_pattern", "pipeline", "scope")

    def __init__(self, closer: str, level: _Level, first: int, scope: int, function: str) -> None:
        self.closer = closer
        self.pipeline = level.pipeline
        self.element = level.element
        self.first = first
        self.scope = scope
        self.function = function
        self.is_pattern = False


class Lexer(RedirectReader):
    """Reads a text into `commands`, the flat list of its simple commands.

    Attributes:
        commands: All simple commands; those of a substitution come before the command that has it.
        parents: From scope number to the scope around it; scope 0 is the outermost.
    """

    def __init__(self, text: str, *, outer: "Lexer | None" = None) -> None:
        """Prepare to read a text; one inside another shares its lists with `outer`."""
        super().__init__(text, outer.depth + 1 if outer else 0)
        self.commands: "list[Simple]" = outer.commands if outer else []
        self.parents: "list[int]" = outer.parents if outer else [0]
        self.scope: int = outer.scope if outer else 0
        self.function: str = outer.function if outer else ""

    def read_all(self) -> "list[Simple]":
        """Read the whole text."""
        while self.at < self.end:
            self._read_list("")
        return self.commands

    def read_substitution(self, opening: int, closer: str) -> "tuple[int, int]":
        """Read the commands of `$(…)`, `<(…)` or `${ …; }` that starts at `at`; give their range."""
        first = len(self.commands)
        scope, function = self.scope, self.function
        self.at += opening
        self.scope = self._new_scope()
        self.depth += 1
        self._read_list(closer)
        self.depth -= 1
        self._capture(first)
        self.scope, self.function = scope, function
        return first, len(self.commands)

    def read_nested(self, text: str) -> "tuple[int, int]":
        """Read the commands of a text inside this one; give their range."""
        first = len(self.commands)
        if self.depth < MAX_DEPTH:
            inner = Lexer(text, outer=self)
            inner.scope = self._new_scope()
            inner.read_all()
            self._capture(first)
        return first, len(self.commands)

    def _capture(self, first: int) -> None:
        """Note that the last commands' output goes on; those of an inner substitution have that from it."""
        for place in range(len(self.commands) - 1, first - 1, -1):
            if self.commands[place].is_captured:
                break
            self.commands[place].is_captured = True

    def _new_scope(self) -> int:
        self.parents.append(self.scope)
        return len(self.parents) - 1

    def _read_list(self, closer: str) -> None:
        """Read commands up to and over `closer`, or to the end."""
        level = _Level(closer, len(self.commands))
        text = self.text
        while self.at < self.end:
            character = text[self.at]
            if character in " \t\r":
                self.at += 1
            elif character == "#":
                self._skip_comment()
            elif character in self.OPERATORS:
                if self.OPERATORS[character](self, level):
                    return
            elif character == "\\" and text.startswith("\n", self.at + 1):
                self.at += 2
            elif self._read_plain(level):
                continue
            elif self._read_argument(level):
                return
        self._end_pipeline(level)

    def _skip_comment(self) -> None:
        stop = self.text.find("\n", self.at, self.end)
        self.at = self.end if stop < 0 else stop

    def _read_argument(self, level: _Level) -> bool:
        """Read a word and place it; tell whether it closed the list."""
        start = self.at
        word = self.read_word()
        if self.at == start:
            self.at += 1  # a character that begins nothing here
            return False
        frame = level.frames[-1] if level.frames else None
        if frame and frame.is_pattern:
            if bare(word) == "esac":
                self._close_frame(level)
            return False
        if self.text[self.at : self.at + 1] in ("<", ">") and bare(word).isdigit():
            return False  # a file descriptor's number
        if level.current is None:
            return self._begin_command(level, word, start)
        if self.text.startswith("(", self.at):
            self._read_extended(word)
        self._continue_command(level, level.current, word)
        return False

    def _read_extended(self, word: "Word") -> None:
        """Read `!(…)`, `@(…)` and their like in an argument as the `*` that they may stand for."""
        stop = self.text.find(")", self.at, min(self.end, self.at + _MAX_NAME))
        while word[-1][0] == LITERAL and not word[-1][2] and word[-1][1][-1:] in _EXTENDED and stop > 0:
            word[-1] = (LITERAL, word[-1][1][:-1] + "*", False)
            self.at = stop + 1
            word.extend(self.read_word())
            stop = self.text.find(")", self.at, self.at + _MAX_NAME) if self.text.startswith("(", self.at) else -1

    def _read_plain(self, level: _Level) -> bool:
        """Place words of a command that have nothing special in them, as most have; tell whether there was one."""
        current = level.current
        if level.naming or (level.frames and level.frames[-1].is_pattern) or (current is not None and current.kind):
            return False
        text, end, find = self.text, self.end, self.marks.find
        start = at = self.at
        while at < end and text[at] != "#":
            stop = find(1, at, end)
            if stop < 0:
                stop = end
            word, following = text[at:stop], text[stop : stop + 1]
            if stop == at or following not in ENDS or (following == "(" and word[-1] in _EXTENDED):
                if word.isdigit() and following in ("<", ">"):
                    at = stop  # a file descriptor's number
                break
            if current is None:
                if word in _RESERVED or "=" in word:
                    break
                current = self._start(level, at)
            current.words.append([(LITERAL, word, False)])
            current.end = at = stop
            if following == " ":
                at += 1
        self.at = at
        return at > start

    def _continue_command(self, level: _Level, current: Simple, word: "Word") -> None:
        current.words.append(word)
        current.end = self.at
        if current.kind == "case" and bare(word) == "in":
            level.current = None
            level.frames[-1].is_pattern = True

    def _begin_command(self, level: _Level, word: "Word", start: int) -> bool:
        """Read a word in command position; tell whether it closed the list."""
        name = bare(word)
        if level.naming and name != "{":
            level.naming = ""
        if name not in _RESERVED:
            self._place_first(self._start(level, start), word)
            return False
        if name in _PREFIXES:
            if name == "coproc":
                self._skip_name()
            return False
        if name == "}" and level.closer == "}" and not level.frames:
            self._end_pipeline(level)
            return True
        if name in _CLOSERS:
            self._close_frame(level)
        elif name in _OPENERS:
            self._open_frame(level, _OPENERS[name])
            if name in _LISTS and level.frames:
                self._start(level, start).kind = "case" if name == "case" else "for"
        elif name == "function":
            self._name_function(level)
        else:
            self._read_test(level)
        return False

    def _skip_name(self) -> None:
        """Go over the name of `coproc NAME { …; }`."""
        rest = self.text[self.at : self.at + _MAX_NAME]
        name, _, after = rest.strip().partition(" ")
        if name.isidentifier() and after.lstrip()[:1] in ("{", "("):
            self.at += rest.index(name) + len(name)

    def _start(self, level: _Level, start: int) -> Simple:
        level.closed = None
        current = level.current = Simple(self.text, start, self.scope, self.function)
        return current

    def _place_first(self, current: Simple, word: "Word") -> None:
        """Place the words from the command's first on, until one is its name and no assignment."""
        while True:
            name, value = assignment(word)
            if not name:
                current.words.append(word)
            elif self.text.startswith("(", self.at) and not [part for part in value if part[0] != VARIABLE]:
                current.arrays = [*current.arrays, (name, self._read_array(), bool(value))]
            else:
                current.assignments.append((name, value))
            current.end = self.at
            if current.words:
                return
            while self.text.startswith((" ", "\t"), self.at) and self.at < self.end:
                self.at += 1
            start = self.at
            word = self.read_word()
            if self.at == start:
                return

    def _read_array(self) -> "list[Word]":
        """Read the words of an array's `(…)`."""
        words = []
        self.at += 1
        while self.at < self.end and not self.text.startswith(")", self.at):
            start = self.at
            word = self.read_word()
            if self.at == start:
                self.at += 1
            else:
                words.append(word)
        self.at += 1
        return words

    def _read_test(self, level: _Level) -> None:
        """Go over `[[ … ]]`, whose operators are not the shell's, reading the substitutions in it."""
        level.current = None
        while self.at < self.end and self.text[self.at] != "\n":
            begin = self.at
            word = self.read_word()
            if bare(word) == "]]":
                break
            if self.at == begin:
                self.at += 1
        level.closed = len(self.commands)

    def _name_function(self, level: _Level) -> None:
        while self.at < self.end and self.text[self.at] in " \t":
            self.at += 1
        level.naming = bare(self.read_word())

    def _open_frame(self, level: _Level, closer: str) -> None:
        if len(level.frames) >= MAX_NESTING:
            return
        level.frames.append(_Frame(closer, level, len(self.commands), self.scope, self.function))
        if level.naming:
            self.function = level.naming
            level.naming = ""
        level.pipeline = level.element = len(self.commands)
        level.closed = None

    def _close_frame(self, level: _Level) -> None:
        """Close the innermost frame; which closer it was does not matter to what runs."""
        self._end_pipeline(level)
        if not level.frames:
            return
        frame = level.frames.pop()
        level.pipeline, level.element = frame.pipeline, frame.element
        self.scope, self.function = frame.scope, frame.function
        level.closed = frame.first

    def _end_element(self, level: _Level) -> None:
        """Finish the pipeline's present command, and give it the ones before it as stdin."""
        current = level.current
        if current is not None:
            if current.kind != "case":
                self.commands.append(current)
            level.current = None
        if level.element > level.pipeline:
            self._feed(level.element, (PIPE, level.pipeline, level.element))
        level.closed = None

    def _feed(self, first: int, source: "Source") -> None:
        for command in self.commands[first:]:
            if command.stdin is None:
                command.stdin = source

    def _end_pipeline(self, level: _Level) -> None:
        self._end_element(level)
        level.pipeline = level.element = len(self.commands)

    def _newline(self, level: _Level) -> bool:
        self._end_pipeline(level)
        self.at += 1
        if self.pending:
            self.read_here_documents()
        return False

    def _semicolon(self, level: _Level) -> bool:
        self._end_pipeline(level)
        self.at += 1
        if self.text.startswith((";", "&"), self.at):
            if level.frames and level.frames[-1].closer == "esac":
                level.frames[-1].is_pattern = True
            while self.text.startswith((";", "&"), self.at):
                self.at += 1
        return False

    def _ampersand(self, level: _Level) -> bool:
        if self.text.startswith("&>", self.at):
            return self._redirection(level)
        self._end_pipeline(level)
        self.at += 2 if self.text.startswith("&&", self.at) else 1
        return False

    def _bar(self, level: _Level) -> bool:
        if level.frames and level.frames[-1].is_pattern:
            self.at += 1
        elif self.text.startswith("||", self.at):
            self._end_pipeline(level)
            self.at += 2
        else:
            self._end_element(level)
            self._capture(level.element)
            level.element = len(self.commands)
            self.at += 2 if self.text.startswith("|&", self.at) else 1
        return False

    def _open_parenthesis(self, level: _Level) -> bool:
        """Read a subshell, arithmetic, or the `()` of a function's definition."""
        if level.frames and level.frames[-1].is_pattern:
            self.at += 1
            return False
        current = level.current
        if self.text.startswith("((", self.at) and (current is None or (current.kind and not current.words)):
            stop = self.arithmetic_end(self.at + 2)
            if stop:
                self.skip_arithmetic(self.at + 2, stop)
                return False
        if self._is_definition(level):
            return False
        if current is not None:
            self._end_element(level)
        self.at += 1
        self._open_frame(level, ")")
        self.scope = self._new_scope()
        return False

    def _is_definition(self, level: _Level) -> bool:
        current = level.current
        after = self.at + 1
        while self.text.startswith((" ", "\t"), after):
            after += 1
        if not self.text.startswith(")", after) or after >= self.end:
            return False
        if current is not None and len(current.words) == 1 and not current.assignments:
            level.naming = bare(current.words[0])
            level.current = None
        elif not level.naming:
            return False
        self.at = after + 1
        return True

    def _close_parenthesis(self, level: _Level) -> bool:
        self.at += 1
        if level.frames and level.frames[-1].is_pattern:
            level.frames[-1].is_pattern = False
            return False
        if any(frame.closer == ")" for frame in level.frames):
            while level.frames[-1].closer != ")":
                self._close_frame(level)
            self._close_frame(level)
            return False
        self._end_pipeline(level)
        return level.closer == ")"

    def _redirection(self, level: _Level) -> bool:
        text = self.text
        if text[self.at] in "<>" and text.startswith("(", self.at + 1):
            return self._read_argument(level)
        start = self.at
        placeholder = self.placeholder_at(start)
        operator, word = self.read_redirect()
        source = self.stdin_source(operator, word)
        if (
            operator[0] == ">"
            and start
            and text[start - 1] == "2"
            and text[start - 2 : start - 1] in ("", " ", "\t", "\n")
        ):
            operator = "2" + operator
        current = level.current
        if current is None:
            if level.closed is not None and source:
                self._feed(level.closed, source)
            current = self._start(level, start)
        if placeholder and current.placeholder is None:
            current.placeholder = placeholder, len(current.redirects)
        if source:
            current.stdin = source
        elif operator[0] != "<" or operator in ("<>", "<&"):
            current.redirects.append((operator, word))
        current.end = self.at
        return False

    def read_body(self, body: str, parts: "Word") -> None:
        """Read a here-document's body into parts; the substitutions in it run."""
        if self.depth < MAX_DEPTH:
            Lexer(body, outer=self).read_quoted(parts, "")

    # What an operator does; plain functions, so that they are called with the lexer.
    OPERATORS = {  # noqa: RUF012 - constant; ClassVar would import typing on every tool call
        "\n": _newline,
        ";": _semicolon,
        "&": _ampersand,
        "|": _bar,
        "(": _open_parenthesis,
        ")": _close_parenthesis,
        "<": _redirection,
        ">": _redirection,
    }
