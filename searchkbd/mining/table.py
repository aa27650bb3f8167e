"""The pairs of files: their rows on disk, what is known of each in arrays."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from searchkbd.corpus.cut import COLUMNS, NO_SIMILARITY
from searchkbd.corpus.sentence import Sentence
from searchkbd.mining import checks
from searchkbd.mining.checks import FLAGS
from searchkbd.mining.rows import PAIR_COLUMNS, Columns, pair_record
from searchkbd.mining.spool import Spool
from searchkbd.mining.texts import TextSet, digest_of
from searchkbd.mining.units import Pair, language_order
from searchkbd.text.forms import search_key

SIMILARITY = "similarity"
MARGIN = "margin"
FLAGGED = "flags"
SCORES = (SIMILARITY, MARGIN, FLAGGED)
"""The columns that scoring adds."""

Langs = tuple[str, str]


class NoSimilarityError(ValueError):
    """Why a pair has no given similarity."""


class PairTable:
    """Pairs as they are added, one row each; memory holds some 300 bytes a pair.

    Pairs of the same two languages, either way round, are a *set*; the first of the two is the
    one that ``language_order`` puts first. *given*: take the similarity that each row gives.
    """

    def __init__(self, texts: TextSet, *, given: bool = False) -> None:
        self.rows = Spool()
        self.langs: list[Langs] = []
        """The sets' languages."""
        self._columns = Columns(PAIR_COLUMNS)
        self._texts = texts
        self._given = given
        self._sets: dict[Langs, int] = {}
        self._numbers = {name: array(code) for name, code in _ARRAYS.items()}
        self._seen: set[bytes] = set()
        self._sources: dict[bytes, int] = {}

    def __enter__(self) -> PairTable:
        return self

    def __exit__(self, *error: object) -> None:
        self.rows.__exit__(*error)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, pair: Pair) -> None:
        """Add *pair*; raises NoSimilarityError, with nothing added, where it should have one."""
        a, b = pair
        similarity = given_similarity(a) if self._given else math.nan
        reserved = (MARGIN, FLAGGED) if self._given else SCORES
        record = pair_record(pair, reserved)
        self._columns.add(record)
        keys = {a.lang: search_key(a.text), b.lang: search_key(b.text)}
        first, second = sorted(pair, key=lambda s: language_order(s.lang))
        langs = first.lang, second.lang
        left, right = keys[first.lang], keys[second.lang]
        flags = 0
        if checks.is_copied(left, right):
            flags |= bit(checks.COPIED)
        if checks.numbers(left) != checks.numbers(right):
            flags |= bit(checks.NUMBERS)
        both = digest_of(*langs, left, right)
        if both in self._seen:
            flags |= bit(checks.DUPLICATE)
        self._seen.add(both)
        if langs not in self._sets:
            self._sets[langs] = len(self.langs)
            self.langs.append(langs)
        source = digest_of(a.lang, b.lang, keys[a.lang])
        values = {
            "set": self._sets[langs],
            "first": self._texts.add(first.lang, first.text),
            "second": self._texts.add(second.lang, second.text),
            "flags": flags,
            "log": math.log(len(left) / len(right)),
            "shorter": min(len(left), len(right)),
            "source": self._sources.setdefault(source, len(self._sources)),
            "given": similarity,
        }
        for name, value in values.items():
            self._numbers[name].append(value)
        self.rows.append(record)

    def column(self, name: str) -> NDArray:
        """Return what is known of each pair: see _ARRAYS."""
        return np.array(self._numbers[name])

    def header(self, extra: Iterable[str] = ()) -> list[str]:
        """Return the columns of all rows, those of *extra* last."""
        extra = tuple(extra)
        return [name for name in self._columns.names() if name not in extra] + list(extra)


# Number of the set, of the first and the second text; flags as bits; log of the ratio of lengths,
# first over second, and the length of the shorter; number of the source; similarity in the file.
_ARRAYS = {
    "set": "i", "first": "i", "second": "i", "flags": "B", "log": "f", "shorter": "i",
    "source": "i", "given": "d",
}  # fmt: skip


def bit(flag: str) -> int:
    """Return the bit that stands for *flag*."""
    return 1 << FLAGS.index(flag)


def flag_names(bits: int) -> list[str]:
    """Return the flags that are set in *bits*."""
    return [flag for flag in FLAGS if bits & bit(flag)]


def given_similarity(sentence: Sentence) -> float:
    """Return the similarity that the row of *sentence* gives; raises NoSimilarityError."""
    said = {**(sentence.unit or {}), **(sentence.meta or {})}
    meta = {name.strip().casefold(): value for name, value in said.items()}
    name = next((name for name in COLUMNS if name in meta), None)
    if name is None:
        raise NoSimilarityError(f"{NO_SIMILARITY}: the row has no {' or '.join(COLUMNS)}")
    try:
        value = float(meta[name])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise NoSimilarityError(f"{NO_SIMILARITY}: {str(meta[name])[:40]!r} is not a number")
    return value
