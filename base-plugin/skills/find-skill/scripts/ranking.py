"""Which skills fit what somebody asks for? BM25 over name, description and when_to_use, with a floor below which nothing fits.

Pure: texts in, scores out. Where the texts come from is `laptop`'s part; the command line ranks a repository's catalogue
with this module too, so that both give the same answer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Dict, Iterable, List, Sequence, Tuple

NAME, DESCRIPTION, PLUGIN = 2.5, 1.0, 0.5
"""How much a word counts by where it stands. A name is short and chosen with care."""

SATURATION, LENGTH = 1.2, 0.5
"""BM25's k1 and b. b is below the usual 0.75: a long description has more of the user's words, not more noise."""

COVERED = 0.35
"""The least part of a question's weight that a skill must have words for; below it the honest answer is "none"."""

CORRECTED = 0.7
"""What a word counts that is one letter off."""

UNKNOWN = 0.5
"""What a word counts against every answer when no skill has it: people tell a story around what they ask."""

_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_NOT_FOR = re.compile(
    r"(?i)(?:not (?:for|when|to|if|meant)\b|never for\b|(?:do not|don't) use\b|skip (?:it )?(?:when|if|for)\b)"
)
_CLOSING = re.compile(r"['\u2019](?:s|re|ve|ll|d|m|t)\b")
_EMPTY_WORDS = (
    "a about all also am an and any anybody anyone are as ask asked asks at be been but by can claude could did do does"
    " doing done for from get gets give go got had has have having he help her here his how i if in into is it its just"
    " let like look make me my need needs no not of off on one or other our out over own please s she should skill skills"
    " so some somebody someone something that the their them then there these they thing things this those to up us use"
    " used user users using via want wants was we were what when where which who whom whose why will with would you your"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_SAME = {
    "auth": "authentication", "ci": "pipeline", "cfg": "config", "configuration": "config", "db": "database",
    "docs": "documentation", "env": "environment", "k8s": "kubernetes", "mr": "pr", "msg": "message", "perf": "performance",
    "postgres": "postgresql", "repo": "repository", "summarise": "summarize", "tf": "terraform",
}  # fmt: skip
"""Words that engineers use for each other; both sides become the same word."""

_PHRASES = (
    ("pull request", "pr"),
    ("merge request", "pr"),
    ("roll back", "rollback"),
    ("log into", "login"),
    ("log in", "login"),
)


@dataclass(frozen=True)
class Text:
    """What is known of one skill, or of one plugin: `key` is what the answer names it by."""

    key: str
    name: str
    description: str
    plugin: str = ""


@dataclass(frozen=True)
class Match:
    """One answer: the higher the score the better; `words` are those of the question that were found."""

    key: str
    score: float
    words: Tuple[str, ...]


def words_of(text: str) -> List[str]:
    """Split a text into the words that are compared: lower case, stems, without those that say nothing."""
    lowered = _CLOSING.sub("", text.lower())
    for phrase, word in _PHRASES:
        lowered = lowered.replace(phrase, word)
    return [_stem(_SAME.get(word, word)) for word in _WORD.findall(lowered) if word not in _EMPTY]


class Index:
    """Texts made ready for questions.

    Args:
        texts: All that may be an answer.
    """

    def __init__(self, texts: Iterable[Text]) -> None:
        self._keys: List[str] = []
        self._lengths: List[float] = []
        self._where: Dict[str, List[Tuple[int, float]]] = {}
        for number, text in enumerate(texts):
            weights = _weights(text)
            self._keys.append(text.key)
            self._lengths.append(sum(weights.values()))
            for word, weight in weights.items():
                self._where.setdefault(word, []).append((number, weight))
        self._mean = (sum(self._lengths) / len(self._lengths) if self._lengths else 0.0) or 1.0

    def __len__(self) -> int:
        return len(self._keys)

    def search(self, question: str, *, limit: int = 5) -> List[Match]:
        """Give the best answers, the best first; of equal ones by key. None when nothing fits."""
        asked = list(dict.fromkeys(words_of(question)))
        scores: Dict[int, float] = {}
        covered: Dict[int, float] = {}
        found: Dict[int, List[str]] = {}
        for word in asked:
            for number, score, rarity in self._scores(word):
                scores[number] = scores.get(number, 0.0) + score
                covered[number] = covered.get(number, 0.0) + rarity
                found.setdefault(number, []).append(word)
        total = sum(self._rarity(known) if known else self._rarity("") * UNKNOWN for known in map(self._known, asked))
        fitting = [number for number in scores if covered[number] >= COVERED * total]
        fitting.sort(key=lambda number: (-scores[number] * covered[number] / total, self._keys[number]))
        return [
            Match(self._keys[number], scores[number] * covered[number] / total, tuple(found[number]))
            for number in fitting[:limit]
        ]

    def _known(self, word: str) -> str:
        """Give the word itself, or one that is a letter off when no text has it; empty when there is none."""
        return word if word in self._where else _nearest(word, self._where)

    def _scores(self, word: str) -> List[Tuple[int, float, float]]:
        """Give (text, score, rarity) for every text that has the word."""
        known = self._known(word)
        rarity = self._rarity(known) * (1.0 if known == word else CORRECTED)
        places = self._where.get(known, [])
        return [(number, rarity * self._gain(number, weight), rarity) for number, weight in places]

    def _gain(self, number: int, weight: float) -> float:
        length = 1 - LENGTH + LENGTH * self._lengths[number] / self._mean
        return weight * (SATURATION + 1) / (weight + SATURATION * length)

    def _rarity(self, word: str) -> float:
        """Give the inverse document frequency; a word that nobody has is as rare as can be."""
        holders = len(self._where.get(word, ()))
        return math.log(1 + (len(self._keys) - holders + 0.5) / (holders + 0.5))


def without_exclusions(description: str) -> str:
    """Leave out the sentences that say what a skill is not for: their words would lead to the wrong skill."""
    return " ".join(part for part in _SENTENCE.split(description) if not _NOT_FOR.match(part.lstrip("'\"([ ")))


def _weights(text: Text) -> Counter[str]:
    weights: Counter[str] = Counter()
    parts = ((text.name, NAME), (without_exclusions(text.description), DESCRIPTION), (text.plugin, PLUGIN))
    for part, weight in parts:
        for word in words_of(part):
            weights[word] += weight  # type: ignore[assignment] # typeshed knows counts of whole numbers only
    return weights


def _stem(word: str) -> str:
    """Cut the commonest English endings; not a dictionary, only enough that `deploys` finds `deploying`."""
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004 - below that the rest is no stem
        return word[:-3] + "y"
    for ending, least in (
        ("ations", 9),
        ("ation", 8),
        ("ings", 7),
        ("ing", 6),
        ("ments", 9),
        ("ment", 8),
        ("ers", 7),
        ("er", 6),
        ("ed", 5),
        ("es", 5),
        ("s", 4),
        ("e", 4),
    ):
        if len(word) >= least and word.endswith(ending) and not word.endswith("ss"):
            return _single(word[: -len(ending)])
    return word


def _single(stem: str) -> str:
    """`debugg` and `debug`, `writ` and `write` meet in one form."""
    doubled = len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz"  # noqa: PLR2004 - a stem's least length
    return stem[:-1] if doubled or (len(stem) > 3 and stem[-1] == "e") else stem  # noqa: PLR2004 - as above


def _nearest(word: str, known: Iterable[str]) -> str:
    """Find a known word that is one letter off, when the word is long enough for that to be a slip."""
    if len(word) < 5:  # noqa: PLR2004 - in shorter words one letter makes another word
        return ""
    near = [
        other
        for other in known
        if abs(len(other) - len(word)) <= 1 and other[0] == word[0] and _is_one_off(word, other)
    ]
    return min(near, default="")


def _is_one_off(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    start = next((index for index in range(len(short)) if short[index] != long[index]), len(short))
    if len(short) == len(long):
        swapped = long[:start] + long[start + 1 : start + 2] + long[start : start + 1] + long[start + 2 :]
        return short[start + 1 :] == long[start + 1 :] or short == swapped
    return short[start:] == long[start + 1 :]


def best(texts: Sequence[Text], question: str, *, limit: int = 5) -> List[Match]:
    """Answer one question over texts that are asked once."""
    return Index(texts).search(question, limit=limit)
