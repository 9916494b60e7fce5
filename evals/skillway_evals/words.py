"""Which words does a text have, and how near are two texts by words alone?

Plain lexical measures for the lints. They say nothing about what a model would do.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]{2,}")
_COMMON_WORDS = (
    "about all also an and any are as at be been but by can could do does done each for from get give given had has have "
    "here how if in into is it its just like make may me more most must my need no not now of on one only or other our "
    "out over please should so some such than that the their them then there these they this those to up us use used user "
    "using want was we were what when where which who why will with would you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_K1 = 1.5
_B = 0.75


def words(text: str) -> list[str]:
    """Give the words of a text that carry meaning, lower case, in order; plural s and -ing are cut off."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _COMMON]


def similarity(one: str, other: str) -> float:
    """Give the Jaccard similarity of the words of two texts, from 0 to 1."""
    first, second = set(words(one)), set(words(other))
    return len(first & second) / len(first | second) if first and second else 0.0


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """Give every run of `length` plain words of a text, lower case, common words included."""
    plain = re.findall(r"[^\W_]+", text.lower())
    return {tuple(plain[start : start + length]) for start in range(len(plain) - length + 1)}


class Bm25:
    """Ranks documents for a query by Okapi BM25 (k1 1.5, b 0.75)."""

    def __init__(self, documents: Sequence[str]) -> None:
        self._documents = [Counter(words(document)) for document in documents]
        self._lengths = [sum(counts.values()) or 1 for counts in self._documents]
        self._mean = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0
        self._frequency = Counter(word for counts in self._documents for word in counts)

    def scores(self, query: str) -> list[float]:
        """Give one score per document, in the documents' order; 0 where no word is shared."""
        asked = words(query)
        return [self._score(asked, index) for index in range(len(self._documents))]

    def _score(self, asked: Sequence[str], index: int) -> float:
        counts, total = self._documents[index], len(self._documents)
        norm = _K1 * (1 - _B + _B * self._lengths[index] / self._mean)
        return sum(
            math.log(1 + (total - self._frequency[word] + 0.5) / (self._frequency[word] + 0.5))
            * (counts[word] * (_K1 + 1))
            / (counts[word] + norm)
            for word in asked
            if counts[word]
        )


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 - shorter stems mean nothing
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word
