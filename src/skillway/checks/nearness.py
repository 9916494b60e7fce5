"""Which known word a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.75) -> str | None:
    """Give the known word that is nearest, ignoring case, blanks, `-` and `_`, or None when none is near.

    Args:
        word: The word as written.
        known: The words that it may have been meant to be.
        cutoff: The least similarity, from 0 to 1.
    """
    import difflib  # noqa: PLC0415 - only a misspelt word pays for it

    plain = {_plain(name): name for name in sorted(known)}
    matches = difflib.get_close_matches(_plain(word), list(plain), n=1, cutoff=cutoff)
    return plain[matches[0]] if matches else None


def _plain(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
