"""Where do a command's input and output go? Reads redirections and the bodies of here-documents.

A body is found by its delimiter and never looked through for commands: prose in here-documents is what makes careless
guards stop people. Only what the shell itself runs in an unquoted body, its substitutions, is read.
"""

from guard_simple import PATH, TEXT
from guard_words import LITERAL, WordReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_simple import Source
    from guard_words import Word

_OPERATORS = frozenset(["&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", "<", ">>", ">|", ">&", ">"])

_PLACEHOLDER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. ")
_MAX_PLACEHOLDER = 40
_MAX_PLACEHOLDER_TEXT = 4096
"""Characters of a text in which a placeholder is looked for; each looks through all of it."""


class RedirectReader(WordReader):
    """Reads redirections; between the words and the commands."""

    def __init__(self, text: str, depth: int) -> None:
        """Start at the text's beginning, with no here-document waiting for its body."""
        super().__init__(text, depth)
        self.pending: "list[tuple[Word, bool, Word]]" = []

    def read_body(self, body: str, parts: "Word") -> None:
        """Read an unquoted here-document's body into parts; the lexer's part."""
        raise NotImplementedError

    def read_redirect(self) -> "tuple[str, Word]":
        """Read the redirection that starts at `at`: its operator and its target."""
        text = self.text
        operator = text[self.at : self.at + 3]
        while operator not in _OPERATORS:
            operator = operator[:-1]
        self.at += len(operator)
        while self.at < self.end and text[self.at] in " \t":
            self.at += 1
        return operator, self.read_word()

    def placeholder_at(self, at: int) -> str:
        """Give the file that `<name>` of documentation, as in `s3://<your-bucket>/x`, would have the shell read; else "".

        Only when nothing else in a short text names that file, so that nothing in it can have made it.
        """
        text = self.text
        stop = text.find(">", at, at + _MAX_PLACEHOLDER)
        inner = text[at + 1 : stop] if stop > 0 and text[at] == "<" else ""
        if not inner or len(text) > _MAX_PLACEHOLDER_TEXT or not _PLACEHOLDER.issuperset(inner):
            return ""
        name = inner.partition(" ")[0]
        is_whole = (
            name and inner[-1] != " " and not name.isdigit() and text[stop + 1 : stop + 2] not in (">", "&", "|", "(")
        )
        return name if is_whole and name not in text.replace("<" + inner + ">", "") else ""

    def stdin_source(self, operator: str, word: "Word") -> "Source | None":
        """Give what a redirection puts on stdin; None for one of another kind."""
        if operator == "<":
            return PATH, word
        if operator == "<<<":
            return TEXT, word
        if operator in ("<<", "<<-"):
            body: "Word" = []
            self.pending.append((word, operator == "<<-", body))
            return TEXT, body
        return None

    def read_here_documents(self) -> None:
        """Read the bodies that start at this line; one that nothing ends reaches to the text's end."""
        pending, self.pending = self.pending, []
        for word, is_tabbed, parts in pending:
            delimiter = "".join([value for kind, value, _ in word if kind == LITERAL])
            body = self._take_body(delimiter, is_tabbed=is_tabbed)
            if any(is_quoted for _, _, is_quoted in word):
                parts.append((LITERAL, body, True))
            else:
                self.read_body(body, parts)

    def _take_body(self, delimiter: str, *, is_tabbed: bool) -> str:
        text, start = self.text, self.at
        at = start
        while at < self.end:
            stop = text.find("\n", at, self.end)
            stop = self.end if stop < 0 else stop
            line = text[at:stop]
            if (line.lstrip("\t") if is_tabbed else line).rstrip("\r") == delimiter:
                self.at = min(stop + 1, self.end)
                return text[start:at]
            at = stop + 1
        self.at = self.end
        return text[start : self.end]
