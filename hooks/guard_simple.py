"""What is a simple command, as written, before anything in it has a value?"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from guard_words import Word

    Source = tuple[Any, ...]

UNKNOWN_TEXT = "\0"
"""Stands for text that is not known. A command cannot hold NUL itself: shells drop it, and so does the guard."""

PIPE, TEXT, PATH = "pipe", "text", "path"
"""Where a command's stdin comes from: (PIPE, first, last), (TEXT, word) or (PATH, word)."""


class Simple:
    """One simple command.

    Attributes:
        kind: "" for a command; "for" and "case" for the words that begin such a compound command.
        words: The command's words, each a list of parts.
        assignments: Pairs of name and word that stand before the command.
        arrays: Name, words and whether they are appended, of `name=(…)` before the command.
        redirects: Pairs of operator and target word.
        placeholder: A file that `<name>` would read and that nothing in the text can have made, and how many redirects
            stand before it; or None.
        stdin: None for the shell's own; else (PIPE, first, last), (TEXT, word) or (PATH, word).
        scope: Number of the subshell that it runs in.
        function: Name of the function whose body it is part of, or "".
        is_captured: Its output goes to another command, in a pipe or a substitution.
        source: The text that it is part of, from `start` to `end`.
    """

    __slots__ = (
        "arrays", "assignments", "end", "function", "is_captured", "kind", "placeholder", "redirects", "scope", "source", "start", "stdin", "words",
    )  # fmt: skip

    def __init__(self, source: str, start: int, scope: int, function: str) -> None:
        """Start a command without words."""
        self.kind = ""
        self.words: "list[Word]" = []
        self.assignments: "list[tuple[str, Word]]" = []
        self.arrays: "Sequence[tuple[str, list[Word], bool]]" = ()
        self.redirects: "list[tuple[str, Word]]" = []
        self.placeholder: "tuple[str, int] | None" = None
        self.stdin: "Source | None" = None
        self.scope = scope
        self.function = function
        self.is_captured = False
        self.source = source
        self.start = start
        self.end = start

    def written(self) -> str:
        """Give the command's own text."""
        return self.source[self.start : self.end].strip()
