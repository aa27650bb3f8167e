"""The full-text posting lists of an index, read in bounded time.

A list can be as long as the index. A short one is read when it is asked about; of a long one the
length is estimated from samples of it, since even counting a million entries takes too long.
Queries share words and trigrams, so each reader keeps the lists that it read last.
"""

from __future__ import annotations

import math
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from searchkbd.index.reader import IndexReader

WORDS = "fts_words"
TRIGRAMS = "fts_trigrams"
NO_ROWS: NDArray[np.int64] = np.empty(0, dtype=np.int64)

_HEAD = 256  # entries read of every list that is asked about
_COUNTED = 20_000  # a list that seems shorter is counted: a fifth of a millisecond
_STRETCHES = 8  # parts of the index that a longer one is sampled in
_SAMPLE = 32  # entries read in each part
_INTERSECTED = 400_000  # entries of lists that are intersected: some five milliseconds
_KEPT = 3_000_000  # entries of lists that a reader keeps, of four bytes each
_KEPT_LISTS = 10_000  # some of which are empty


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that rows share with a query: a word, a trigram or several trigrams together."""

    table: str
    terms: tuple[str, ...]
    documents: int
    """How many rows have all the terms, about; where ``rows`` were limited, how many these are."""
    weight: float
    """What finding it is worth."""
    rows: NDArray[np.int64] | None = field(default=None, compare=False)
    """These rows, where they have been read."""


class _RecentLists:
    """The lists that a reader read last; its snapshot never changes, so neither do they."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple, tuple[NDArray, int]] = OrderedDict()
        self._entries = 0

    def get(self, key: tuple, limit: int) -> NDArray[np.int64] | None:
        """Return the first *limit* rows of a list, None when not so many are known."""
        if key not in self._lists:
            return None
        rows, asked = self._lists[key]
        if len(rows) == asked < limit:
            return None
        self._lists.move_to_end(key)
        return rows[:limit].astype(np.int64)

    def keep(self, key: tuple, rows: NDArray[np.int64], limit: int) -> None:
        """Keep a list of which the first *limit* rows were asked for; *rows* is ascending."""
        if key in self._lists:
            self._entries -= len(self._lists.pop(key)[0])
        small = len(rows) == 0 or rows[-1] < 2**31
        self._lists[key] = rows.astype(np.int32) if small else rows, limit
        self._entries += len(rows)
        while self._entries > _KEPT or len(self._lists) > _KEPT_LISTS:
            self._entries -= len(self._lists.popitem(last=False)[1][0])


_recent: WeakKeyDictionary[IndexReader, _RecentLists] = WeakKeyDictionary()


class PostingLists:
    """The posting lists of *reader*."""

    def __init__(self, reader: IndexReader) -> None:
        self._connection = reader.connection
        self._recent = _recent.setdefault(reader, _RecentLists())
        self.sentences = sum(reader.sentences_per_language.values())
        last = self._connection.execute("SELECT max(row) FROM sentences").fetchone()[0]
        self._last_row: int = last or 0

    def word(self, word: str, *, guess: bool = False) -> Feature:
        """Return *word*, worth its rarity; if it is common, that may be a *guess*."""
        rows = self._matches(WORDS, [word], _HEAD + 1)
        if len(rows) <= _HEAD:
            return self._read(WORDS, [word], rows, 1.0)
        documents = self._guess(rows)
        if not guess:
            documents = self._count(word) if documents <= _COUNTED else self._estimate(word)
        return Feature(WORDS, (word,), documents, self._rarity(documents))

    def trigram(self, gram: str, worth: float) -> Feature:
        """Return *gram*, worth its rarity times *worth*; if it is common, that is a guess."""
        rows = self._matches(TRIGRAMS, [gram], _HEAD + 1)
        if len(rows) <= _HEAD:
            return self._read(TRIGRAMS, [gram], rows, worth)
        documents = self._guess(rows)
        return Feature(TRIGRAMS, (gram,), documents, worth * self._rarity(documents))

    def part(self, grams: Sequence[str], worth: float, limit: int) -> Feature:
        """Return *grams* together, worth their rarity times *worth*; *limit* rows are read.

        These are the rows that have a part of a word, but for a few in which the trigrams meet by
        chance.
        """
        return self._read(TRIGRAMS, grams, self._matches(TRIGRAMS, grams, limit), worth)

    def rows(self, feature: Feature, limit: int) -> NDArray[np.int64]:
        """Return up to *limit* rows that have *feature*."""
        if feature.rows is not None:
            return feature.rows[:limit]
        return self._matches(feature.table, feature.terms, limit)

    def together(self, words: Sequence[Feature], limit: int) -> NDArray[np.int64]:
        """Return up to *limit* rows that have all *words*, from all parts of the index.

        Not all of it is looked at where the words are very common.
        """
        terms = [term for word in words for term in word.terms]
        share = min(1.0, _INTERSECTED / max(1, sum(word.documents for word in words)))
        each = -(-limit // _STRETCHES)
        width = self._last_row / _STRETCHES
        found = [
            self._matches(WORDS, terms, each, int(at * width) + 1, int((at + share) * width))
            for at in range(_STRETCHES)
        ]
        return np.concatenate(found)[:limit]

    def _read(
        self, table: str, terms: Sequence[str], rows: NDArray[np.int64], worth: float
    ) -> Feature:
        return Feature(table, tuple(terms), len(rows), worth * self._rarity(len(rows)), rows)

    def _rarity(self, documents: int) -> float:
        """Return the inverse document frequency of BM25 (Robertson and Zaragoza 2009), positive."""
        total = max(self.sentences, documents)
        return math.log(1 + (total - documents + 0.5) / (documents + 0.5))

    def _guess(self, head: NDArray[np.int64]) -> int:
        """Return how long a list is if all that follows is as dense as its *head*."""
        first, last = int(head[0]), int(head[-1])
        return len(head) * (self._last_row - first + 1) // (last - first + 1)

    def _count(self, word: str) -> int:
        found = self._connection.execute(
            f"SELECT doc FROM {WORDS}_terms WHERE term = ?", (word,)
        ).fetchone()
        return found[0] if found else 0

    def _estimate(self, word: str) -> int:
        """Return how many rows have *word*, from how dense it is where each part begins."""
        width = self._last_row / _STRETCHES
        documents = 0.0
        for at in range(_STRETCHES):
            first, last = int(at * width) + 1, int((at + 1) * width)
            rows = self._matches(WORDS, [word], _SAMPLE, first, last)
            full = len(rows) == _SAMPLE
            documents += width * _SAMPLE / (int(rows[-1]) - first + 1) if full else len(rows)
        return max(round(documents), _HEAD + 1)

    def _matches(
        self, table: str, terms: Sequence[str], limit: int, first: int = 1, last: int = 2**62
    ) -> NDArray[np.int64]:
        """Return up to *limit* rows from *first* to *last* that have all *terms*, ascending."""
        key = (table, tuple(terms), first, last)
        rows = self._recent.get(key, limit)
        if rows is None:
            rows = self._select(table, terms, limit, first, last)
            self._recent.keep(key, rows, limit)
        return rows

    def _select(
        self, table: str, terms: Sequence[str], limit: int, first: int, last: int
    ) -> NDArray[np.int64]:
        expression = " AND ".join('"' + term.replace('"', '""') + '"' for term in terms)
        try:
            # One string is read three times as fast as a tuple for each row.
            (listed,) = self._connection.execute(
                f"SELECT group_concat(rowid) FROM (SELECT rowid FROM {table}"
                f" WHERE {table} MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?)",
                (expression, first, last, limit),
            ).fetchone()
        except sqlite3.OperationalError as error:
            if "phrase" not in str(error):
                raise
            # The tokenizer reads a term as several: no posting list has it.
            return NO_ROWS
        return np.fromstring(listed, dtype=np.int64, sep=",") if listed else NO_ROWS
