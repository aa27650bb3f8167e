"""Hashes of short strings, many at once: what tables of pieces are searched by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BASE = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def code_points(text: str) -> NDArray[np.uint64]:
    """Return the code points of *text*, lone surrogates too."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return codes.astype(np.uint64)


def hash_all(pieces: Sequence[str], seeds: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
    """Return the hash of each piece: its code points as digits, spread over 64 bits.

    *seeds* holds for each piece the value that its digits are appended to, 0 when not given.
    """
    sizes = np.array([len(piece) for piece in pieces])
    codes = code_points("".join(pieces))
    starts = np.cumsum(sizes) - sizes
    values = np.zeros(len(sizes), dtype=np.uint64) if seeds is None else seeds.copy()
    for n in range(int(sizes.max())):
        longer = sizes > n
        values[longer] = values[longer] * BASE + codes[starts[longer] + n]
    return spread(values)


def spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return *values* mixed, so that those of neighbours are far apart; one to one."""
    values = (values ^ (values >> np.uint64(32))) * _SPREAD
    return values ^ (values >> np.uint64(29))
