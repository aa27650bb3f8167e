"""Sums of the rows of a table, many at a time: what a bag of features is made of.

Lists of equal length are summed together, so that a batch takes a few dozen calls of numpy, in
pieces small enough to stay in the cache of a core.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_PIECE = 512
"""Rows summed at once: 1 MB of 512 float32 numbers each."""

BIAS = 8
"""Added to a 4-bit number where it is stored."""


def sum_rows(
    table: NDArray[np.float32], ids: NDArray[np.integer], offsets: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return float32 [n, dim]: row *i* is the sum of ``table[ids[offsets[i]:offsets[i + 1]]]``."""
    out = np.zeros((len(offsets) - 1, table.shape[1]), dtype=np.float32)
    for items, places in _pieces(offsets):
        out[items] += np.take(table, ids[places], axis=0).sum(axis=1)
    return out


def sum_packed(
    rows: NDArray[np.uint8],
    scales: NDArray[np.floating],
    ids: NDArray[np.integer],
    offsets: NDArray[np.integer],
) -> NDArray[np.float32]:
    """Return float32 [n, dim]: row *i* is the sum of rows, unpacked, each times its scale.

    *rows* uint8 [rows, dim / 2] holds two 4-bit numbers a byte. *ids* are places in it, those of
    sum *i* ``ids[offsets[i]:offsets[i + 1]]``; *scales* belong to *ids*. The sums have the low
    halves of all bytes before the high ones: ``interleave`` puts them in order.
    """
    half = rows.shape[1]
    out = np.zeros((len(offsets) - 1, 2 * half), dtype=np.float32)
    scales = scales.astype(np.float32)
    size = min(_PIECE, len(ids))
    # Room for one piece, used again for each: new memory costs as much as the work.
    raw, low = np.empty((2, size, half), dtype=np.uint8)
    unpacked = np.empty((size, 2 * half), dtype=np.float32)
    for items, places in _pieces(offsets):
        high = np.take(rows, ids[places.ravel()], axis=0, out=raw[: places.size], mode="clip")
        part = unpacked[: places.size]
        np.bitwise_and(high, 15, out=low[: places.size])
        np.right_shift(high, 4, out=high)
        # The bias is taken off the bytes: of these steps, the one to float32 is the slow one.
        for first, numbers in ((0, low[: places.size]), (half, high)):
            numbers -= np.uint8(BIAS)
            part[:, first : first + half] = numbers.view(np.int8)
        out[items] += np.einsum("mf,mfd->md", scales[places], part.reshape(*places.shape, -1))
    return out


def interleave(halves: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return [n, dim]: the first and the second half of each row, by turns."""
    out = np.empty_like(halves)
    half = halves.shape[1] // 2
    out[:, 0::2] = halves[:, :half]
    out[:, 1::2] = halves[:, half:]
    return out


def _pieces(offsets: NDArray[np.integer]) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield equally long lists: which, [m], and the places of their members, [m, f].

    A list longer than a piece comes in several pieces, an empty one in none.
    """
    counts = np.diff(offsets)
    order = np.argsort(counts, kind="stable")
    first = int(np.searchsorted(counts[order], 1))
    while first < len(order):
        count = int(counts[order[first]])
        last = int(np.searchsorted(counts[order], count, side="right"))
        step = max(1, _PIECE // count)
        for start in range(first, last, step):
            items = order[start : min(last, start + step)]
            for part in range(0, count, _PIECE):
                members = np.arange(part, min(count, part + _PIECE))
                yield items, offsets[items][:, None] + members
        first = last
