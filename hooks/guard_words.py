"""Which parts does one word of a shell command have?

One left-to-right pass over quotes, escapes, `$'…'`, variables, substitutions and backticks. Nothing is removed from
the text before it is read: a reader that first strips quotes or comments and then looks for patterns disagrees with
the shell somewhere, and that somewhere is the way around it. Leaves commands to `guard_lexer.py` and values to
`guard_expansion.py`.

A part is a tuple (kind, value, is_quoted):

    LITERAL   value is the text
    VARIABLE  value is (name, None), or of `${name-word}` and its like (name, parts of the word, operator)
    OUTPUT    value is (first, last): the commands of `$(…)`, as a range of the lexer's list
    FILE      value is (first, last): the commands of `<(…)` or `>(…)`
    UNKNOWN   value is "": arithmetic, `${!x}` and whatever else is not followed
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Part = tuple[int, Any, bool]
    Word = list[Part]

LITERAL, VARIABLE, OUTPUT, FILE, UNKNOWN = range(5)

MAX_DEPTH = 24
"""Nesting of substitutions that is followed; deeper ones are read as if they stood at this depth."""

_BREAKS = frozenset(" \t\r\n;&|()<>")
SPECIAL = _BREAKS | frozenset("'\"\\$`")
ENDS = (_BREAKS - frozenset("<>")) | frozenset([""])
"""What follows a word for certain; `<` and `>` may begin a part of it, or follow a file descriptor's number."""
_MARKS = bytes([chr(code) in SPECIAL for code in range(256)])
"""Turns a text into one that has a 1 where something special is, to be searched for at the speed of memchr."""
_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME = _NAME_START | frozenset("0123456789")
_ONE_CHARACTER_VARIABLES = frozenset("0123456789@*#?$!-")
_SET_TESTS = frozenset("-=+?")
_DOUBLED = frozenset("%#/^,")
_PARAMETER_OPERATORS = frozenset(["-", "=", "+", "%", "%%", "#", "##", "/", "//", "^", "^^", ",", ",,", ":", "@"])
_ESCAPED_IN_QUOTES = frozenset('$`"\\')
_OCTAL = frozenset("01234567")
_HEX = frozenset("0123456789abcdefABCDEF")
_ANSI = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
    "e": "\x1b", "E": "\x1b", "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_ANSI_CODES = {"x": 2, "u": 4, "U": 8}
_LAST_CODE_POINT = 0x10FFFF


class WordReader:
    """Reads words from `text`, from position `at` up to `end`; the lexer's base."""

    def __init__(self, text: str, depth: int) -> None:
        """Start at the text's beginning.

        Args:
            text: What a shell would read.
            depth: How many substitutions this text is inside of.
        """
        self.text = text
        self.at = 0
        self.end = len(text)
        self.depth = depth
        # What is not ASCII is never special; "replace" keeps every character's place.
        self.marks = text.encode("ascii", "replace").translate(_MARKS)
        # Looking ahead for the end of `$((…` costs what it reads; all of it together stays within this.
        self.look_ahead = 1 << 16

    def read_substitution(self, opening: int, closer: str) -> "tuple[int, int]":
        """Read the commands of a substitution that starts at `at` with `opening` characters; the lexer's part."""
        raise NotImplementedError

    def read_nested(self, text: str) -> "tuple[int, int]":
        """Read the commands of a text that stands inside this one, such as that of backticks; the lexer's part."""
        raise NotImplementedError

    def read_word(self) -> "Word":
        """Read the word that starts at `at`; it ends before a blank or an operator."""
        text = self.text
        parts: "Word" = []
        while self.at < self.end:
            character = text[self.at]
            if character not in SPECIAL:
                self._plain(parts)
            elif character in _BREAKS:
                if character not in "<>" or not text.startswith("(", self.at + 1) or self.depth >= MAX_DEPTH:
                    break
                parts.append((FILE, self.read_substitution(2, ")"), False))
            else:
                self.READERS[character](self, parts)
        return parts

    def _plain(self, parts: "Word") -> None:
        start, self.at = self.at, self.plain_end(self.at)
        parts.append((LITERAL, self.text[start : self.at], False))

    def plain_end(self, at: int) -> int:
        """Find where text ends in which no character means anything."""
        stop = self.marks.find(1, at, self.end)
        return self.end if stop < 0 else stop

    def _single_quoted(self, parts: "Word") -> None:
        start = self.at + 1
        stop = self.text.find("'", start, self.end)
        if stop < 0:
            stop = self.end
        parts.append((LITERAL, self.text[start:stop], True))
        self.at = stop + 1

    def _escaped(self, parts: "Word") -> None:
        character = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if character != "\n":
            parts.append((LITERAL, character, True))

    def _double_quoted(self, parts: "Word") -> None:
        self.at += 1
        parts.append((LITERAL, "", True))
        self.read_quoted(parts, '"')

    def read_quoted(self, parts: "Word", closer: str) -> None:
        """Read text in which only `$`, backticks and some backslashes mean anything, up to and over `closer`.

        Args:
            parts: Where the parts go.
            closer: A double quote; or empty for a here-document's body, which ends where the text does.
        """
        text, end, find = self.text, self.end, self.marks.find
        start = at = self.at
        while at < end:
            at = find(1, at, end)
            if at < 0:
                at = end
                break
            character = text[at]
            if character == closer:
                break
            if character == "\\":
                parts.append((LITERAL, text[start:at] + _unescape(text[at + 1 : at + 2]), True))
                at += 2
                start = at
            elif character in "$`":
                parts.append((LITERAL, text[start:at], True))
                self.at = at
                self._dollar_or_backtick(parts, is_quoted=True)
                start = at = self.at
            else:
                at += 1
        parts.append((LITERAL, text[start:at], True))
        self.at = at + len(closer)

    def _dollar_or_backtick(self, parts: "Word", *, is_quoted: bool) -> None:
        if self.text[self.at] == "`":
            self._read_backticks(parts, is_quoted=is_quoted)
            return
        text, at = self.text, self.at
        following = text[at + 1 : at + 2]
        if following in _NAME_START:
            stop = self._name_end(at + 1)
            parts.append((VARIABLE, (text[at + 1 : stop], None), is_quoted))
            self.at = stop
        elif following in _ONE_CHARACTER_VARIABLES:
            parts.append((VARIABLE, (following, None), is_quoted))
            self.at = at + 2
        elif following in self.DOLLARS and self.depth < MAX_DEPTH:
            self.depth += 1
            self.DOLLARS[following](self, parts, is_quoted)
            self.depth -= 1
        elif following in ("'", '"') and not is_quoted:
            self.at = at + 1
            (self._ansi_quoted if following == "'" else self._double_quoted)(parts)
        else:
            parts.append((LITERAL, "$", True))
            self.at = at + 1

    def _name_end(self, at: int) -> int:
        text, end = self.text, self.end
        while at < end and text[at] in _NAME:
            at += 1
        return at

    def _dollar(self, parts: "Word") -> None:
        self._dollar_or_backtick(parts, is_quoted=False)

    def _read_backticks(self, parts: "Word", *, is_quoted: bool) -> None:
        start = at = self.at + 1
        stop = self.text.find("`", at, self.end)
        while stop > 0 and self._is_escaped(stop, start):
            stop = self.text.find("`", stop + 1, self.end)
        if stop < 0:
            stop = self.end
        body = self.text[start:stop]
        if "\\" in body:
            body = body.replace("\\\\", "\0").replace("\\`", "`").replace("\\$", "$").replace("\0", "\\")
        parts.append((OUTPUT, self.read_nested(body), is_quoted))
        self.at = stop + 1

    def _is_escaped(self, at: int, start: int) -> bool:
        first = at
        while first > start and self.text[first - 1] == "\\":
            first -= 1
        return (at - first) % 2 == 1

    def _parenthesis(self, parts: "Word", is_quoted: bool) -> None:
        if self.text.startswith("((", self.at + 1):
            stop = self.arithmetic_end(self.at + 3)
            if stop:
                self.skip_arithmetic(self.at + 3, stop)
                parts.append((UNKNOWN, "", is_quoted))
                return
        parts.append((OUTPUT, self.read_substitution(2, ")"), is_quoted))

    def arithmetic_end(self, at: int) -> int:
        """Find where an arithmetic `((…))` whose inside starts at `at` ends; 0 when it is none after all."""
        text = self.text
        stop = min(self.end, at + self.look_ahead)
        start, nesting = at, 2
        while at < stop:
            character = text[at]
            if character == ")":
                nesting -= 1
                if nesting == 0:
                    break
                if nesting == 1 and not text.startswith(")", at + 1):
                    break
            elif character == "(":
                nesting += 1
            at += 1
        self.look_ahead -= at - start
        return at + 1 if nesting == 0 else 0

    def skip_arithmetic(self, at: int, stop: int) -> None:
        """Go over arithmetic from `at` to `stop`, reading the substitutions in it, whose commands run."""
        end = self.end
        self.at, self.end = at, stop - 2
        self.read_quoted([], "")
        self.at, self.end = stop, end

    def _brace(self, parts: "Word", is_quoted: bool) -> None:
        """Read `${…}`; or bash 5.3's `${ command; }`."""
        text, at = self.text, self.at
        if text[at + 2 : at + 3] in (" ", "\t", "\n", "|"):
            parts.append((OUTPUT, self.read_substitution(2, "}"), is_quoted))
            return
        name, stop = self._parameter(at + 2)
        operator = text[stop : stop + 1]
        if operator == ":" and text[stop + 1 : stop + 2] in _SET_TESTS:
            stop += 1
            operator = text[stop]
        elif operator in _DOUBLED and text.startswith(operator, stop + 1):
            stop += 1
            operator += operator
        is_plain = operator in ("}", "?")
        self.at = stop + (operator != "}")
        inner: "Word" = []
        self._until_brace(inner, is_quoted=is_quoted)
        if not name or (not is_plain and operator not in _PARAMETER_OPERATORS):
            parts.append((UNKNOWN, "", is_quoted))
        else:
            value = (name, None, "?") if operator == "?" else (name, None) if is_plain else (name, inner, operator)
            parts.append((VARIABLE, value, is_quoted))

    def _parameter(self, at: int) -> "tuple[str, int]":
        """Read a parameter's name in `${…}`, with `[@]` or `[*]` of an array left out; give it and where it ends."""
        text = self.text
        if text[at : at + 1] in ("@", "*") and text[at + 1 : at + 2] in ("}", ":"):
            return "@", at + 1
        stop = self._name_end(at)
        name = text[at:stop]
        if text[stop : stop + 3] in ("[@]", "[*]", "[0]"):
            return name + ("[0]" if text[stop + 1] == "0" else ""), stop + 3
        return name, stop

    def _until_brace(self, parts: "Word", *, is_quoted: bool) -> None:
        text = self.text
        while self.at < self.end:
            character = text[self.at]
            if character == "}":
                self.at += 1
                return
            if character in self.READERS and not (is_quoted and character == "'"):
                self.READERS[character](self, parts)
            else:
                parts.append((LITERAL, character, is_quoted))
                self.at += 1

    def read_ansi(self, parts: "Word") -> None:
        """Read `$'…'` from its `$` on."""
        self.at += 1
        self._ansi_quoted(parts)

    def _ansi_quoted(self, parts: "Word") -> None:
        """Read `$'…'` from its quote on."""
        text, end = self.text, self.end
        at = start = self.at + 1
        pieces = []
        while at < end and text[at] != "'":
            if text[at] == "\\":
                pieces.append(text[start:at])
                piece, at = _ansi_escape(text, at + 1)
                pieces.append(piece)
                start = at
            else:
                at += 1
        pieces.append(text[start:at])
        parts.append((LITERAL, "".join(pieces), True))
        self.at = at + 1

    # What a character begins; plain functions, so that they are called with the reader.
    READERS = {  # noqa: RUF012 - constant; ClassVar would import typing on every tool call
        "'": _single_quoted,
        '"': _double_quoted,
        "\\": _escaped,
        "$": _dollar,
        "`": _dollar,
    }
    DOLLARS = {"(": _parenthesis, "{": _brace}  # noqa: RUF012 - as above


def _unescape(character: str) -> str:
    if character == "\n":
        return ""
    return character if character in _ESCAPED_IN_QUOTES else "\\" + character


def _ansi_escape(text: str, at: int) -> "tuple[str, int]":
    """Read what follows a backslash in `$'…'`; give its text and the position after it."""
    character = text[at : at + 1]
    if character in _ANSI:
        return _ANSI[character], at + 1
    if character in _OCTAL:
        return _ansi_code(text, at, 3, _OCTAL, 8)
    if character in _ANSI_CODES:
        return _ansi_code(text, at + 1, _ANSI_CODES[character], _HEX, 16)
    return "\\" + character, at + 1


def _ansi_code(text: str, at: int, longest: int, digits: "frozenset[str]", base: int) -> "tuple[str, int]":
    stop = at
    while stop < at + longest and text[stop : stop + 1] in digits:
        stop += 1
    code = int(text[at:stop], base) if stop > at else 0
    return chr(code) if 0 < code <= _LAST_CODE_POINT else "", stop


def bare(word: "Word") -> str:
    """Give a word's text when it is all literal and nothing of it is quoted, else ""."""
    if len(word) == 1 and word[0][0] == LITERAL and not word[0][2]:
        return str(word[0][1])
    return ""


def assignment(word: "Word") -> "tuple[str, Word]":
    """Split NAME=value and NAME+=value; the name is "" for any other word."""
    kind, text, is_quoted = word[0]
    if kind != LITERAL or is_quoted or "=" not in text:
        return "", []
    name, _, rest = text.partition("=")
    if name.endswith("]"):
        name = name.partition("[")[0]
    is_appended = name.endswith("+")
    name = name.removesuffix("+")
    if not name or name[0].isdigit() or not _NAME.issuperset(name):
        return "", []
    value = ([(LITERAL, rest, False)] if rest else []) + word[1:]
    return name, [(VARIABLE, (name, [], "-"), True), *value] if is_appended else value
