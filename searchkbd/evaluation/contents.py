"""Whether two indexes hold the same sentences."""

from __future__ import annotations

from dataclasses import dataclass

from searchkbd.index.reader import IndexReader
from searchkbd.mining.units import language_order

SAMPLE = 100_000
"""Sentences of an index that are compared, about: all of a small one."""

_HASHES = 1 << 64


@dataclass(frozen=True, slots=True)
class Contents:
    """How many sentences two indexes have of each language, and which *share* of the different
    sentences (by language and search key) is in both; *exact* unless it is of a sample."""

    languages: dict[str, tuple[int, int]]
    share: float
    exact: bool

    @property
    def alike(self) -> bool:
        """Whether the indexes hold the same, as far as was looked."""
        return self.share == 1 and all(a == b for a, b in self.languages.values())


def compare_contents(a: IndexReader, b: IndexReader, sample: int = SAMPLE) -> Contents:
    """Compare what two indexes hold: all of it, or the sentences of the lowest hashes.

    A sentence has the same hash in every index, so that both samples are of the same sentences.
    """
    counts = a.sentences_per_language, b.sentences_per_language
    largest = max(sum(of.values()) for of in counts)
    below = None if largest <= sample else -(_HASHES // 2) + _HASHES * sample // largest
    left, right = _sentences(a, below), _sentences(b, below)
    every = len(left | right)
    langs = sorted({*counts[0], *counts[1]}, key=language_order)
    return Contents(
        {lang: (counts[0].get(lang, 0), counts[1].get(lang, 0)) for lang in langs},
        len(left & right) / every if every else 1.0,
        below is None,
    )


def _sentences(reader: IndexReader, below: int | None) -> set[tuple[str, int]]:
    where, parameters = ("", ()) if below is None else (" WHERE key_hash < ?", (below,))
    query = f"SELECT lang, key_hash FROM sentences{where}"
    with reader.damage_reported():
        return set(reader.connection.execute(query, parameters))
