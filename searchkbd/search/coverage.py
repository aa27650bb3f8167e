"""How much of a query the words of a sentence cover, forgiving endings, prefixes and palochkas."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from searchkbd.text.forms import loosen, words

_FORGIVEN = 0.95  # the same word but for a palochka or an accent
_CONTAINED = 0.9  # a query word inside a longer word, or the other way round
_SIMILAR = 0.8  # times the share of trigrams in common
_LEAST_SIMILAR = 0.4  # share of trigrams below which two words are different words
_FORGIVING = 24  # query words, those worth most, that are compared letter by letter
_LENGTH_WEIGHT = 0.15  # how much of the score goes to hits that say nothing else


class Coverage:
    """Compares sentences with the words of one query.

    *exact* are its words as search keys have them, each once, *loose* the same as loose keys have
    them, *weights* what finding each is worth. A word of a sentence is compared with the query's
    when it is first met; the next sentences that have it take the outcome over.
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
        self._sizes = [len(set(trigrams(word))) for word in loose]
        self._having: dict[str, list[int]] = {}
        for at in sorted(range(len(loose)), key=lambda at: -weights[at])[:_FORGIVING]:
            for gram in set(trigrams(loose[at])):
                self._having.setdefault(gram, []).append(at)
        self._met: dict[str, tuple[str, dict[int, float]]] = {}

    def of(self, key: str) -> float:
        """Return how much of the query the words of the search key *key* cover, 0 to 1."""
        best: dict[int, float] = {}
        present = set()
        for word in set(words(key)):
            found = self._met.get(word)
            if found is None:
                found = self._met[word] = self._compare(word)
            loose, likeness = found
            if loose:
                present.add(loose)
            for at, value in likeness.items():
                if value > best.get(at, 0.0):
                    best[at] = value
        if not best:
            return 0.0
        covered = sum(self._weights[at] * value for at, value in best.items()) / self._total
        brevity = min(1.0, len(self._loose) / len(present))
        return covered * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * brevity)

    def _compare(self, word: str) -> tuple[str, dict[int, float]]:
        """Return the loose key of *word*, and how like it the query's words are, by their place.

        Words that are not alike at all are left out.
        """
        loose = loosen(word)
        alike: dict[int, float] = {}
        grams = trigrams(loose)
        if not self._having.keys().isdisjoint(grams):
            distinct = set(grams)
            shared = Counter(at for gram in distinct for at in self._having.get(gram, ()))
            for at, count in shared.items():
                sizes = len(distinct), self._sizes[at]
                like = self._similarity(loose, self._loose[at], count, *sizes)
                if like:
                    alike[at] = like
        for at in self._same.get(loose, ()):
            alike[at] = _FORGIVEN
        if word in self._exact:
            alike[self._exact[word]] = 1.0
        return loose, alike

    @staticmethod
    def _similarity(word: str, other: str, shared: int, grams: int, other_grams: int) -> float:
        # A word inside another shares all its trigrams: most pairs need no look for it.
        if shared == min(grams, other_grams):
            shorter, longer = sorted((word, other), key=len)
            if len(shorter) > 3 and shorter in longer:
                return _CONTAINED * math.sqrt(len(shorter) / len(longer))
        share = 2 * shared / (grams + other_grams)
        return _SIMILAR * share if share >= _LEAST_SIMILAR else 0.0


def trigrams(word: str) -> list[str]:
    """Return the letter trigrams of *word*, none for shorter words."""
    return [word[at : at + 3] for at in range(len(word) - 2)]
