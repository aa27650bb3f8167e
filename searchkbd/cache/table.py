"""Where each key is, in memory: 16 bytes a row, however many files there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from searchkbd.cache.keys import Keys

_ROW_BITS = 32


class KeyTable:
    """The first words of the keys of numbered chunks, in order, and the place of each.

    A place is ``chunk << 32 | row``. Two keys may share their first word, so whoever finds a
    place compares the second word too.
    """

    def __init__(self) -> None:
        self._words = np.empty(0, dtype=np.uint64)
        self._places = np.empty(0, dtype=np.int64)

    def add(self, chunks: Sequence[Keys], first: int) -> None:
        """Add the keys of *chunks*, which are numbered from *first* on."""
        if not chunks:
            return
        words = np.concatenate([keys[:, 0] for keys in chunks])
        places = np.concatenate([
            (number << _ROW_BITS) + np.arange(len(keys), dtype=np.int64)
            for number, keys in enumerate(chunks, first)
        ])  # fmt: skip
        order = np.argsort(words)
        words, places = words[order], places[order]
        at = np.searchsorted(self._words, words)
        self._words = np.insert(self._words, at, words)
        self._places = np.insert(self._places, at, places)

    def drop(self, number: int) -> None:
        """Forget the chunk with this number."""
        kept = self._places >> _ROW_BITS != number
        self._words, self._places = self._words[kept], self._places[kept]

    def find(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the number of the chunk (-1: in none) and the row of each key, int64 [n] both."""
        if not len(self._words):
            nowhere = np.full(len(keys), -1, dtype=np.int64)
            return nowhere, nowhere
        words = keys[:, 0]
        at = np.searchsorted(self._words, words)
        at[at == len(self._words)] = 0
        places = np.where(self._words[at] == words, self._places[at], -1)
        return places >> _ROW_BITS, places & ((1 << _ROW_BITS) - 1)
