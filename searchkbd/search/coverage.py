"""How much of a query the words of sentences cover, forgiving endings, prefixes and palochkas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from searchkbd.text.forms import PALOCHKA, loosen, words

_FORGIVEN = 0.95  # the same word but for a palochka or an accent
_CONTAINED = 0.9  # a query word inside a longer word, or the other way round
_SIMILAR = 0.8  # times the share of trigrams in common
_LEAST_SIMILAR = 0.4  # share of trigrams below which two words are different words
_FORGIVING = 24  # query words, those worth most, that are compared letter by letter
_LENGTH_WEIGHT = 0.15  # how much of the score goes to hits that say nothing else

_loosen = lru_cache(maxsize=16_384)(loosen)  # a few MB; the words of sentences recur

Likeness = dict[int, float]
"""How like a word those words of the query are, by their place, that are like it at all."""


class Coverage:
    """Compares sentences with the words of one query.

    *exact* are its words as search keys have them, each once, *loose* the same as loose keys have
    them, *weights* what finding each is worth. The words of all sentences are compared together,
    each once, and letter by letter only where they share trigrams with the query.
    """

    def __init__(
        self, exact: Sequence[str], loose: Sequence[str], weights: Sequence[float]
    ) -> None:
        self._exact = {word: at for at, word in enumerate(exact)}
        self._loose = loose
        self._same: dict[str, list[int]] = {}
        for at, word in enumerate(loose):
            self._same.setdefault(word, []).append(at)
        self._weights = weights
        self._total = sum(weights)
        dearest = sorted(range(len(loose)), key=lambda at: -weights[at])[:_FORGIVING]
        self._grams = _Trigrams({at: loose[at] for at in dearest})

    def of(self, keys: Sequence[str]) -> list[float]:
        """Return how much of the query the words of each of these search keys cover, 0 to 1."""
        sentences = [set(words(key)) for key in keys]
        met = set().union(*sentences)
        loosened = _loosened(met)
        likeness = self._likeness(met, loosened)
        alike, changed = set(likeness), set(loosened)
        covered: dict[frozenset[str], float] = {frozenset(): 0.0}
        scores = []
        for sentence in sentences:
            found = frozenset(sentence & alike)
            if found not in covered:
                covered[found] = self._covered([likeness[word] for word in found])
            different = len(sentence)
            if found and not changed.isdisjoint(sentence):
                different = len({loosened.get(word, word) for word in sentence} - {""})
            brevity = min(1.0, len(self._loose) / max(1, different))
            scores.append(covered[found] * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * brevity))
        return scores

    def _covered(self, found: Iterable[Likeness]) -> float:
        """Return how much of the query, by weight, these words of a sentence cover."""
        best: Likeness = {}
        for likeness in found:
            for at, value in likeness.items():
                if value > best.get(at, 0.0):
                    best[at] = value
        # In the order of the query: the last bit of a sum depends on it.
        return sum(self._weights[at] * best[at] for at in sorted(best)) / self._total

    def _likeness(self, met: set[str], loosened: dict[str, str]) -> dict[str, Likeness]:
        """Return how like the query's words those of *met* are that are like any."""
        ordered = list(met)
        loose = [loosened.get(word, word) for word in ordered] if loosened else ordered
        alike: dict[str, Likeness] = {}
        sizes: dict[int, int] = {}
        for (number, at), shared in self._grams.shared(loose).items():
            word = loose[number]
            size = sizes.get(number)
            if size is None:
                size = sizes[number] = len(set(trigrams(word)))
            like = self._similarity(word, self._loose[at], shared, size, self._grams.sizes[at])
            if like:
                alike.setdefault(ordered[number], {})[at] = like
        same = [(word, word) for word in met & self._same.keys() if word not in loosened]
        for word, form in (*same, *loosened.items()):
            for at in self._same.get(form, ()):
                alike.setdefault(word, {})[at] = _FORGIVEN
        for word in met & self._exact.keys():
            alike.setdefault(word, {})[self._exact[word]] = 1.0
        return alike

    @staticmethod
    def _similarity(word: str, other: str, shared: int, grams: int, other_grams: int) -> float:
        # A word inside another shares all its trigrams: most pairs need no look for it.
        if shared == min(grams, other_grams):
            shorter, longer = sorted((word, other), key=len)
            if len(shorter) > 3 and shorter in longer:
                return _CONTAINED * math.sqrt(len(shorter) / len(longer))
        share = 2 * shared / (grams + other_grams)
        return _SIMILAR * share if share >= _LEAST_SIMILAR else 0.0


class _Trigrams:
    """The trigrams of some words of a query, by the place of each word."""

    def __init__(self, query: dict[int, str]) -> None:
        having: dict[str, list[int]] = {}
        self.sizes: dict[int, int] = {}
        """How many different trigrams each word has."""
        for at, word in query.items():
            grams = set(trigrams(word))
            self.sizes[at] = len(grams)
            for gram in grams:
                having.setdefault(gram, []).append(at)
        codes = _codes(_code_points("".join(having)))[::3]
        order = np.argsort(codes)
        self._codes = codes[order]
        places = list(having.values())
        self._places = [places[at] for at in order.tolist()]

    def shared(self, others: Sequence[str]) -> dict[tuple[int, int], int]:
        """Return how many different trigrams each of *others*, by number, and each word share.

        Pairs that share none are left out.
        """
        counts: dict[tuple[int, int], int] = {}
        if not self._places:
            return counts
        points = _code_points("\n".join(others))
        codes = _codes(points)
        nearest = np.searchsorted(self._codes[1:], codes, side="right")
        here = np.flatnonzero(self._codes[nearest] == codes)
        number = np.cumsum(points == ord("\n"))[here]
        for gram, other in set(zip(nearest[here].tolist(), number.tolist(), strict=True)):
            for at in self._places[gram]:
                counts[other, at] = counts.get((other, at), 0) + 1
        return counts


def trigrams(word: str) -> list[str]:
    """Return the letter trigrams of *word*, none for shorter words."""
    return [word[at : at + 3] for at in range(len(word) - 2)]


def _loosened(met: Iterable[str]) -> dict[str, str]:
    """Return the loose keys of those words that have another one."""
    ordered = list(met)
    points = _code_points("\n".join(ordered))
    # All that loosen() can leave out or change; an e, say, it keeps.
    forgiven = (points == ord(PALOCHKA)) | (points == ord("ё"))
    forgiven |= (points >= 0xC0) & (points < 0x250)
    number = np.cumsum(points == ord("\n"))[forgiven]
    return {ordered[at]: _loosen(ordered[at]) for at in np.unique(number).tolist()}


def _code_points(text: str) -> NDArray[np.int64]:
    encoded = text.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, dtype="<u4").astype(np.int64)


def _codes(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number for every three code points in a row; a code point has 21 bits."""
    return points[:-2] << 42 | points[1:-1] << 21 | points[2:]
