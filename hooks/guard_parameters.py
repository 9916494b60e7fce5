"""What does `${name%pattern}`, `${name/a/b}` and their like make of a known value?

Imported only where one of these stands. What is not plain to see stays unknown.
"""

from guard_simple import UNKNOWN_TEXT

_MAX_CHARACTERS = 128
"""A longer value stays unknown: taking a pattern off tries every place of it."""


def changed(value: str, operator: str, word: str) -> str:
    """Apply one of the shell's operators on parameters.

    Args:
        value: The parameter's value.
        operator: `%`, `%%`, `#`, `##`, `/`, `//`, `^`, `^^`, `,`, `,,`, `:` or `@`.
        word: What follows the operator.
    """
    if UNKNOWN_TEXT in word or len(value) > _MAX_CHARACTERS:
        return UNKNOWN_TEXT
    if operator[0] == "%":
        return _without_end(value, word, is_longest=operator == "%%")
    if operator[0] == "#":
        return _without_start(value, word, is_longest=operator == "##")
    if operator[0] == "/":
        return _replaced(value, word, is_everywhere=operator == "//")
    if operator[0] in "^,":
        change = str.upper if operator[0] == "^" else str.lower
        return change(value) if len(operator) > 1 else change(value[:1]) + value[1:]
    if operator == ":":
        return _part(value, word)
    return value


def _without_end(value: str, pattern: str, *, is_longest: bool) -> str:
    places = range(len(value) + 1)
    for place in places if is_longest else reversed(places):
        if matches(value[place:], pattern):
            return value[:place]
    return value


def _without_start(value: str, pattern: str, *, is_longest: bool) -> str:
    places = range(len(value) + 1)
    for place in reversed(places) if is_longest else places:
        if matches(value[:place], pattern):
            return value[place:]
    return value


def _replaced(value: str, word: str, *, is_everywhere: bool) -> str:
    pattern, _, text = word.partition("/")
    if not pattern or not set("*?[").isdisjoint(pattern):
        return UNKNOWN_TEXT
    return value.replace(pattern, text) if is_everywhere else value.replace(pattern, text, 1)


def _part(value: str, word: str) -> str:
    start, _, length = word.strip().partition(":")
    if not start.isdigit() or (length and not length.isdigit()):
        return UNKNOWN_TEXT
    return value[int(start) :][: int(length)] if length else value[int(start) :]


def matches(text: str, pattern: str) -> bool:
    """Tell whether a text matches a pattern of `*`, `?` and literal characters; linear but for the stars."""
    at = place = 0
    star, mark = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, mark = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            place += 1
            at += 1
        elif star >= 0:
            mark += 1
            place, at = star + 1, mark
        else:
            return False
    return not pattern[place:].strip("*")
