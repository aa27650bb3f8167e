"""Near duplicates among millions of pairs: MinHash proposes, edits decide.

A pair's letter trigrams, of both text keys, are a set; of such a set 96 minima of different hash
functions are kept, and two sets agree in each of them with a chance of their Jaccard similarity
(Broder 1997, "On the resemblance and containment of documents"). Pairs that agree in 4 minima, of
any of 24 bands, are compared in full (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets",
section 3.4). So nothing is found wrongly, but something may be missed: of pairs with 5 edits in
100 characters, spread as badly as can be, one in 5,000; with 10, one in 8.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from searchkbd.mining.checks import numbers
from searchkbd.mining.spool import scratch_errors
from searchkbd.pairs.table import PairTable

_GRAM = 3
_BANDS = 24
_MINIMA = 4  # of each band
_BLOCK = 2048
_WINDOW = 64  # of pairs that agree in a band, so many neighbours are compared with each
_KEPT = 1 << 14
_EPSILON = 1e-9


def near_duplicates(
    table: PairTable,
    rows: NDArray[np.integer],
    least: float,
    progress: Callable[[int, int], None] | None = None,
) -> list[int]:
    """Return those of *rows* that are near duplicates of one before them that is not.

    Near are pairs in the same languages whose text keys are alike on either side (1 − edits /
    length of the longer is at least *least*), with the same numbers in digits and both with a
    question mark or without. *progress* gets (pairs and bands done, in all).
    """
    before: dict[int, list[int]] = {}
    order = {row: at for at, row in enumerate(rows.tolist())}
    for one, other in _near(table, rows, least, progress):
        first, second = sorted((one, other), key=order.__getitem__)
        before.setdefault(second, []).append(first)
    dropped: set[int] = set()
    for row in sorted(before, key=order.__getitem__):
        if not dropped.issuperset(before[row]):
            dropped.add(row)
    return sorted(dropped)


def _near(
    table: PairTable,
    rows: NDArray[np.integer],
    least: float,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[int, int]]:
    """Yield rows that are near each other."""
    lengths = [table.column(name)[rows].astype(np.int64) for name in ("length_a", "length_b")]
    strata = table.column("stratum")[rows]
    if not len(rows):
        return
    with scratch_errors(), tempfile.TemporaryFile(prefix="searchkbd-bands-") as file:
        for top in range(0, len(rows), _BLOCK):
            block = rows[top : top + _BLOCK].tolist()
            file.write(_bands(["\n".join(table.rows[row]["keys"]) for row in block]).tobytes())
            if progress:
                progress(top, 2 * len(rows))
        file.flush()
        bands = np.memmap(file, np.uint32, "r", shape=(len(rows), _BANDS))
        near = _Compared(table, least)
        for number in range(_BANDS):
            for one, other in _agreeing(bands[:, number]):
                possible = strata[one] == strata[other]
                # Those that agree in a band before this one were compared there.
                possible &= ~(bands[one, :number] == bands[other, :number]).any(axis=1)
                for length in lengths:
                    apart = np.abs(length[one] - length[other])
                    longer = np.maximum(length[one], length[other])
                    possible &= apart <= (1 - least) * longer + _EPSILON
                for a, b in zip(
                    rows[one[possible]].tolist(), rows[other[possible]].tolist(), strict=True
                ):
                    if near(a, b):
                        yield a, b
            if progress:
                progress(len(rows) + (number + 1) * len(rows) // _BANDS, 2 * len(rows))


def _agreeing(band: NDArray[np.uint32]) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield places that have the same number, one with another."""
    order = np.argsort(band, kind="stable")
    ordered = band[order]
    for shift in range(1, _WINDOW):
        same = np.flatnonzero(ordered[:-shift] == ordered[shift:])
        if not len(same):
            return
        yield order[same], order[same + shift]


class _Compared:
    """Compares rows of a table; those looked at last are kept."""

    def __init__(self, table: PairTable, least: float) -> None:
        self._rows = table.rows
        self._least = least
        self._of = lru_cache(_KEPT)(self._of)

    def __call__(self, row: int, other: int) -> bool:
        (keys, mark), (other_keys, other_mark) = self._of(row), self._of(other)
        return mark == other_mark and all(
            Levenshtein.normalized_similarity(a, b, score_cutoff=self._least - _EPSILON)
            for a, b in zip(keys, other_keys, strict=True)
        )

    def _of(self, row: int) -> tuple[list[str], tuple]:
        said = self._rows[row]
        keys = said["keys"]
        return keys, (*map(numbers, keys), *("?" in said[side] for side in "ab"))


def _bands(texts: list[str]) -> NDArray[np.uint32]:
    """Return uint32 ``[n, bands]``: for each band a hash of its minima."""
    padded = [f"\0\0{text}\0\0" for text in texts]
    points = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.uint64)
    sizes = np.array([len(text) for text in padded])
    grams = points[:-2] << np.uint64(42) | points[1:-1] << np.uint64(21) | points[2:]
    starts = np.cumsum(sizes) - sizes
    # The two grams at the end of a text that reach into the next one are those of no text.
    ends = (starts + sizes)[:-1, None] - np.array([2, 1])
    inside = np.ones(len(grams), dtype=bool)
    inside[ends.reshape(-1)] = False
    firsts = starts - (_GRAM - 1) * np.arange(len(texts))
    hashed = _mixed(grams[inside])
    out = np.zeros((len(texts), _BANDS), dtype=np.uint64)
    for at, factor in enumerate(_FACTORS):
        least = np.minimum.reduceat((hashed * factor) >> np.uint64(32), firsts)
        band = at // _MINIMA
        out[:, band] = _mixed(out[:, band] ^ least)
    return (out >> np.uint64(32)).astype(np.uint32)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a mix of all bits: the finaliser of MurmurHash3 (Appleby, public domain)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


# Multiplicative hashing by odd numbers (Dietzfelbinger et al. 1997), always the same ones.
_FACTORS = np.random.default_rng(1).integers(0, 2**64, _BANDS * _MINIMA, np.uint64) | np.uint64(1)
