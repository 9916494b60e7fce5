"""Which values can a word of a command have?

Follows what is written in the command itself: literal assignments, loops over literals, `~`, `$HOME`, `$PWD`, `$IFS`,
braces, and the output of a few commands that only print. Everything else stays unknown; it is never guessed. The
number of values is bounded. Leaves reading to `guard_lexer.py` and meaning to the rules.
"""

from guard_paths import absolute, project_folder
from guard_simple import TEXT, UNKNOWN_TEXT
from guard_words import FILE, LITERAL, OUTPUT, VARIABLE, bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from guard_simple import Simple
    from guard_words import Part, Word

MAX_VALUES = 32
"""Values of one word that are followed; a longer list of braces or of a loop is cut."""

MAX_ROUNDS = 16
"""Rounds of loops that a command is looked at in."""

MAX_ALL_ROUNDS = 512
"""Rounds that all loops of a tool call are looked at in; what comes after them is looked at with all values at once."""

_MAX_ROUND_CHARACTERS = 2000
"""Longer values are too costly to be tried one by one."""

MAX_VALUE_CHARACTERS = 4096
"""A longer value of a variable is not followed: `a=$a$a` doubles each time that it is read."""

_MAX_BRACE_CHARACTERS = 2000
_MAX_EXPANDED_CHARACTERS = 1 << 16
_SEPARATOR = "\x1f"
_BLANKS = " \t\n"
_GLOBS = frozenset("*?[")
_MEANINGFUL = frozenset("*?[{~" + _SEPARATOR)
"""A word without any of these is most words, and stays as it is."""
_DEFAULTS = frozenset("-=+")
_PARTIAL = ((":",), ("+",))
"""`${x:0:4}` and `${x:+word}` show no value."""
_PLUGIN_FOLDERS = frozenset(["CLAUDE_PLUGIN_ROOT", "CLAUDE_PLUGIN_DATA"])
"""Set only where a plugin's own hooks run; whoever writes them in a command means the plugin's folder."""
_LOCATORS = frozenset(["which", "command", "type", "whence"])
_PATH_PRINTERS = frozenset(["realpath", "readlink", "grealpath", "greadlink", "dirname", "basename", "git"])
_PRINTERS = _LOCATORS | _PATH_PRINTERS | frozenset(["cat", "pwd", "printf", "echo", "mktemp"])
"""Programs whose output is plain to see from their arguments."""


class Argument(str):  # noqa: SLOT000 - most have no attribute of their own; class attributes cost nothing
    """One word after expansion.

    Attributes:
        has_glob: An unquoted `*`, `?` or `[` is in it.
        is_bare_root: It is `$X/` or `$X/*` of a variable that nothing sets: where that is empty, it is the root.
        outputs: Ranges of the commands whose output is part of it.
        files: Ranges of the commands behind a `<(…)` in it.
    """

    has_glob = False
    is_bare_root = False
    outputs: "tuple[tuple[int, int], ...]" = ()
    files: "tuple[tuple[int, int], ...]" = ()

    @property
    def is_known(self) -> bool:
        """Whether all of its text is known."""
        return UNKNOWN_TEXT not in self


class Values:
    """Values of variables at one point of a command; assignments change it."""

    def __init__(self, home: str, environment: "Callable[[str], str]") -> None:
        """Start with the environment's variables.

        Args:
            home: The user's home folder.
            environment: A function that gives a variable of the environment, or "".
        """
        self.home = home
        self._environment = environment
        self._assigned = {"IFS": [" \t\n"]}
        self.rounds_left = [MAX_ALL_ROUNDS]
        self.choices: "set[str]" = set()
        """Variables that a loop gives one value after the other; the others with several values are lists."""
        self.picked: "dict[str, list[str]]" = {}
        """What the loops' variables hold in the round that is looked at; outside of a round they hold all."""

    def copy(self) -> "Values":
        """Give an independent copy, for a text that runs in a shell of its own."""
        other = Values(self.home, self._environment)
        other._assigned = {**self._assigned, **self.picked}
        other.rounds_left = self.rounds_left  # one bound for the texts inside, too
        other.choices = self.choices.difference(self.picked)
        return other

    def assign(self, name: str, values: "list[str]") -> None:
        """Set a variable to one value, or to the several that a loop gives it."""
        kept = [value if len(value) <= MAX_VALUE_CHARACTERS else UNKNOWN_TEXT for value in values[:MAX_VALUES]]
        self._assigned[name] = kept or [""]
        self.choices.discard(name)

    def assign_choices(self, name: str, values: "list[str]") -> None:
        """Set a variable to the values that it has one after the other."""
        self.assign(name, values)
        if len(self._assigned[name]) > 1:
            self.choices.add(name)

    def rounds(self, names: "Sequence[str]") -> "list[dict[str, list[str]]]":
        """Give the rounds of the loops whose variables are named; what is beyond MAX_ROUNDS is one round together."""
        rounds: "list[dict[str, list[str]]]" = [{}]
        if (
            self.rounds_left[0] <= 0
            or sum(len(value) for name in names for value in self._assigned[name]) > _MAX_ROUND_CHARACTERS
        ):
            return rounds
        for name in names:
            values = self._assigned[name]
            if len(rounds) * len(values) > MAX_ROUNDS:
                kept = max(MAX_ROUNDS // len(rounds) - 1, 0)
                pieces = [[value] for value in values[:kept]] + [values[kept:]]
            else:
                pieces = [[value] for value in values]
            rounds = [{**before, name: piece} for before in rounds for piece in pieces]
        self.rounds_left[0] -= len(rounds)
        return rounds

    def is_assigned(self, name: str) -> bool:
        """Tell whether the text itself sets a variable."""
        return name in self._assigned

    def get(self, name: str, cwd: "str | None") -> "list[str] | None":
        """Give a variable's possible values, or None when it is not known to be set."""
        if name in self.picked:
            return self.picked[name]
        if name in self._assigned:
            return self._assigned[name]
        if name.endswith("[0]"):
            found = self.get(name[:-3], cwd)
            return found[:1] if found else found
        if name == "HOME":
            return [self.home]
        if name == "PWD":
            return [cwd or UNKNOWN_TEXT]
        if name == "TMPDIR":
            return [self._environment(name) or "/tmp"]  # noqa: S108 - names the place, writes nothing there
        value = self._environment(name)
        if not value and name == "CLAUDE_CONFIG_DIR":
            return [self.home + "/.claude"]
        if not value and name in _PLUGIN_FOLDERS:
            return [self.home + "/.claude/plugins/" + UNKNOWN_TEXT]
        return [value] if value else None

    def place(self, words: "Sequence[str]") -> None:
        """Set the positional parameters: `$1`, `$2`, …, and `$@`."""
        for number, word in enumerate(words[:MAX_VALUES], 1):
            self.assign(str(number), [word])
        self.assign("@", [*words] or [""])
        self.assign("*", [*words] or [""])


class Expander:
    """Expands the words of one text's commands.

    Args:
        commands: The lexer's flat list, to see what stands in a substitution.
        values: Variables.

    Attributes:
        origins: From a variable to the ranges of the commands whose output it holds.
    """

    def __init__(self, commands: "list[Simple]", values: Values) -> None:
        self.commands = commands
        self.values = values
        self.origins: "dict[str, tuple[tuple[int, int], ...]]" = {}
        self._depth = 0
        self._changes = 0

    def arguments(self, words: "Sequence[Word]", cwd: "str | None") -> "list[Argument]":
        """Give the arguments that words become."""
        found: "list[Argument]" = []
        for word in words:
            if len(word) == 1:
                kind, text, is_quoted = word[0]
                if kind == LITERAL and (is_quoted or (text and _MEANINGFUL.isdisjoint(text))):
                    found.append(Argument(text))
                    continue
            found.extend(self.expand(word, cwd))
        return found

    def expand(self, word: "Word", cwd: "str | None") -> "list[Argument]":
        """Give the arguments that a word becomes; usually one."""
        if len(word) == 1 and word[0][0] == LITERAL:
            _, text, is_quoted = word[0]
            if is_quoted or (text and _MEANINGFUL.isdisjoint(text)):
                return [Argument(text)]
            return self._finish(_braces(text) if "{" in text else [text], word, is_quoted=False)
        texts = [""]
        # What has one value only is joined late: adding it to the text piece by piece costs the square of its length.
        waiting: "list[str]" = []
        length = 0
        is_quoted = False
        for part in word:
            pieces = self._pieces(part, cwd)
            if part[0] != LITERAL and length + len(pieces[0]) > _MAX_EXPANDED_CHARACTERS:
                pieces = [UNKNOWN_TEXT]
            elif len(pieces) > 1 and length + max(map(len, pieces)) > _MAX_BRACE_CHARACTERS:
                pieces = pieces[:1]  # each further choice would copy everything before it again
            length += len(pieces[0])
            is_quoted = is_quoted or part[2]
            if len(pieces) == 1:
                waiting.append(pieces[0])
                continue
            before = "".join(waiting)
            waiting = []
            kept = texts[: -(-MAX_VALUES // len(pieces))]
            texts = [text + before + piece for text in kept for piece in pieces][:MAX_VALUES]
        after = "".join(waiting)
        return self._finish([text + after for text in texts], word, is_quoted=is_quoted)

    def text(self, word: "Word", cwd: "str | None") -> Argument:
        """Give the one text that a word stands for where the shell does not split: redirections, assignments."""
        arguments = self.expand(word, cwd)
        if len(arguments) == 1:
            return arguments[0]
        joined = Argument(" ".join(arguments))
        joined.outputs = _ranges(word, OUTPUT)
        joined.files = _ranges(word, FILE)
        return joined

    def _finish(self, texts: "list[str]", word: "Word", *, is_quoted: bool) -> "list[Argument]":
        arguments = []
        outputs, files = _ranges(word, OUTPUT), _ranges(word, FILE)
        if self.origins:
            for kind, value, _ in word:
                if kind == VARIABLE and value[2:] not in _PARTIAL:
                    outputs += self.origins.get(value[0], ())
        has_glob = any(kind == LITERAL and not quoted and not _GLOBS.isdisjoint(text) for kind, text, quoted in word)
        has_tilde = word[:1] and word[0][0] == LITERAL and not word[0][2] and word[0][1].startswith("~")
        is_bare_root = texts[0][:2] == UNKNOWN_TEXT + "/" and self._is_bare_root(texts, word)
        for text in texts:
            for field in text.split(_SEPARATOR) if _SEPARATOR in text else [text]:
                if not field and not is_quoted:
                    continue
                argument = Argument(self._tilde(field) if has_tilde else field)
                argument.has_glob, argument.outputs, argument.files = has_glob, outputs, files
                if is_bare_root:
                    argument.is_bare_root = True
                arguments.append(argument)
        return arguments

    def _is_bare_root(self, texts: "list[str]", word: "Word") -> bool:
        """Tell whether a word is a variable that nothing sets, and then only `/` or `/*`."""
        first = next(part for part in word if part[0] != LITERAL or part[1])
        if first[0] != VARIABLE or len(first[1]) > 2 or texts != [UNKNOWN_TEXT + texts[0][1:]]:  # noqa: PLR2004 - `${X:?}` has an operator
            return False
        name = first[1][0]
        return not texts[0][1:].strip("/*.") and len(name) > 1 and self.values.get(name, None) is None

    def _tilde(self, text: str) -> str:
        name, slash, rest = text[1:].partition("/")
        if text[:1] != "~":
            return text
        if not name:
            return self.values.home + slash + rest
        if name in ("+", "-"):
            return UNKNOWN_TEXT + slash + rest
        return ("/root" if name == "root" else self.values.home.rpartition("/")[0] + "/" + name) + slash + rest

    def _pieces(self, part: "Part", cwd: "str | None") -> "list[str]":
        kind, value, is_quoted = part
        if kind == LITERAL:
            return [value] if is_quoted or "{" not in value else _braces(value)
        if kind == VARIABLE:
            pieces = self._variable(value, cwd)
        elif kind == OUTPUT:
            pieces = [self._output(value, cwd)]
        else:
            return [UNKNOWN_TEXT]
        if is_quoted:
            return pieces
        separators = (self.values.get("IFS", cwd) or [""])[0]
        return [_split(piece, separators) for piece in pieces]

    def _variable(self, value: "tuple[Any, ...]", cwd: "str | None") -> "list[str]":
        name, default = value[0], value[1]
        pieces = self.values.get(name, cwd)
        if default is None:
            return [UNKNOWN_TEXT] if pieces is None else pieces
        operator = value[2]
        if operator not in _DEFAULTS:
            return [UNKNOWN_TEXT] if pieces is None else self._changed(pieces, operator, self.text(default, cwd))
        if pieces is not None and operator != "+":
            return pieces
        words = [str(argument) for argument in self.expand(default, cwd)] or [""]
        if operator == "=":
            self.values.assign(name, words)
        return words

    def _changed(self, pieces: "list[str]", operator: str, word: str) -> "list[str]":
        self._changes += 1
        if self._changes > MAX_VALUES:
            return [UNKNOWN_TEXT]
        from guard_parameters import changed

        return [changed(piece, operator, word) for piece in pieces]

    def _output(self, span: "tuple[int, int]", cwd: "str | None") -> str:
        """Give what a substitution prints, when that is plain to see."""
        self._depth += 1
        try:
            return self.printed(span, cwd).rstrip("\n") if self._depth <= MAX_VALUES else UNKNOWN_TEXT
        finally:
            self._depth -= 1

    def printed(self, span: "tuple[int, int]", cwd: "str | None") -> str:
        """Give what the last command of a range prints: echo, printf, pwd, mktemp, which; else unknown."""
        first, last = span
        if last <= first:
            return UNKNOWN_TEXT
        simple = self.commands[last - 1]
        program = bare(simple.words[0]) if simple.words else ""
        if program and _MEANINGFUL.isdisjoint(program) and program.rpartition("/")[2] not in _PRINTERS:
            return UNKNOWN_TEXT
        arguments = self.arguments(simple.words, cwd)
        if not arguments:
            return UNKNOWN_TEXT
        name = arguments[0].rpartition("/")[2]
        if name == "cat" and len(arguments) == 1 and simple.stdin and simple.stdin[0] == TEXT:
            return self.text(simple.stdin[1], cwd)
        if name == "pwd":
            return self._folder_after(first, last - 1, cwd)
        if name in _PATH_PRINTERS:
            return self._path_printed(name, arguments[1:], cwd)
        return printed_text(name, arguments[1:])

    def _folder_after(self, first: int, last: int, cwd: "str | None") -> str:
        """Give the folder that the `cd` in a range of commands leads to."""
        folder = cwd
        for simple in self.commands[first:last]:
            if simple.words and bare(simple.words[0]) == "cd":
                words = [word for word in self.arguments(simple.words[1:], folder) if word != "--"]
                folder = absolute(words[0], folder) if words and words[0] not in ("", "-") else self.values.home
        return folder or UNKNOWN_TEXT

    def _path_printed(self, name: str, arguments: "list[Argument]", cwd: "str | None") -> str:
        """Give the path that a program prints that works on paths alone, without links."""
        words = [word for word in arguments if not word.startswith("-")]
        if name == "git":
            is_top = "--show-toplevel" in arguments and "-C" not in arguments
            return project_folder(cwd) if is_top and cwd else UNKNOWN_TEXT
        if not words:
            return UNKNOWN_TEXT
        if name == "dirname":
            return words[-1].rstrip("/").rpartition("/")[0] or ("/" if words[-1][:1] == "/" else ".")
        if name == "basename":
            return words[0].rstrip("/").rpartition("/")[2]
        return absolute(words[-1], cwd) or UNKNOWN_TEXT


def printed_text(name: str, arguments: "Sequence[str]") -> str:
    """Give what echo, printf and a few others print; else UNKNOWN_TEXT."""
    if name == "printf" and arguments:
        return _formatted(_unescaped(arguments[0]), arguments[1:])
    if name == "echo":
        first = 0
        while first < len(arguments) and arguments[first] in ("-n", "-e", "-E", "-ne", "-en"):
            first += 1
        text = " ".join(arguments[first:])
        return _unescaped(text) if "\\" in text and any("e" in option for option in arguments[:first]) else text
    if name == "mktemp":
        return "/tmp/" + UNKNOWN_TEXT  # noqa: S108 - names the place, writes nothing there
    return arguments[-1] if name in _LOCATORS and arguments else UNKNOWN_TEXT


def _unescaped(text: str) -> str:
    """Read backslashes as printf and `echo -e` do: the same as `$'…'`, but for octal, which they write with a 0."""
    if "\\" not in text:
        return text
    from guard_words import WordReader

    parts: "Word" = []
    WordReader("$'" + text.replace("\\0", "\\").replace("'", "\\'") + "'", 0).read_ansi(parts)
    return "".join([str(value) for _, value, _ in parts])


def _formatted(template: str, arguments: "Sequence[str]") -> str:
    """Fill the `%s` and `%b` of a template, again and again until the arguments are used up."""
    if "%" not in template:
        return template
    plain = template.replace("%b", "%s").replace("%q", "%s").replace("%d", "%s")
    pieces = plain.split("%s")
    if any("%" in piece for piece in pieces):
        return UNKNOWN_TEXT
    count = len(pieces) - 1
    if count == 1 and pieces[1] == "":
        return pieces[0] + (" " + pieces[0]).join(arguments)
    text = ""
    for start in range(0, max(len(arguments), 1), count):
        words = [*arguments[start : start + count], *[""] * count][:count]
        text += pieces[0] + "".join([word + piece for word, piece in zip(words, pieces[1:])])  # noqa: B905 - strict came with 3.10
    return text


def _split(text: str, separators: str = "") -> str:
    """Mark where the shell would split an unquoted value into words; at blanks always, whatever IFS says."""
    for blank in _BLANKS if separators == _BLANKS else frozenset(_BLANKS + separators):
        text = text.replace(blank, _SEPARATOR)
    return text


def _ranges(word: "Word", kind: int) -> "tuple[tuple[int, int], ...]":
    return tuple([value for part_kind, value, _ in word if part_kind == kind])


def _braces(text: str) -> "list[str]":
    """Expand `a{b,c}d`, inner braces too, up to MAX_VALUES results."""
    results = [text]
    if len(text) > _MAX_BRACE_CHARACTERS:
        return results
    for _ in range(MAX_VALUES):
        expanded = []
        for result in results:
            expanded.extend(_first_brace(result))
        if len(expanded) == len(results) or len(expanded) > MAX_VALUES:
            return expanded[:MAX_VALUES]
        results = expanded
    return results


def _first_brace(text: str) -> "list[str]":
    """Expand the first pair of braces that has no other inside and a comma."""
    stop = text.find("}")
    while stop >= 0:
        start = text.rfind("{", 0, stop)
        if start >= 0 and "," in text[start:stop]:
            return [text[:start] + item + text[stop + 1 :] for item in text[start + 1 : stop].split(",")]
        stop = text.find("}", stop + 1)
    return [text]
