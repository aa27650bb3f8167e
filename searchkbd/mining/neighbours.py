"""Nearest neighbours, exact, by FAISS in blocks: vectors may lie in a file on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import Vectors
from searchkbd.mining.margin import MARGIN_NEIGHBOURS

_QUERIES = 8192
_BASE = 65_536

Progress = Callable[[int], None]


class Rows(Protocol):
    """Unit vectors ``[n, dim]``: an array, float32 or float16, or what gives one slice by slice."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray: ...


def nearest(
    queries: Rows, base: Rows, k: int, progress: Progress | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return cosines float32 and rows of *base* int64, both ``[len(queries), min(k, len(base))]``,
    the nearest first, at equal cosines the lower row.

    Block by block: besides what is returned, memory holds 8,192 queries and 65,536 vectors of the
    base as float32 (151 MB at 512 dimensions). *progress* gets the number of queries done. Raises
    ValueError when *base* is empty or *k* is less than 1.
    """
    import faiss

    if k < 1 or not len(base):
        raise ValueError("nearest neighbours need a base and a k of 1 or more")
    k = min(k, len(base))
    cosines = np.empty((len(queries), k), dtype=np.float32)
    found = np.empty((len(queries), k), dtype=np.int64)
    for top in range(0, len(queries), _QUERIES):
        block = dense(queries, top, _QUERIES)
        best = np.empty((len(block), 0), dtype=np.float32)
        rows = np.empty((len(block), 0), dtype=np.int64)
        for left in range(0, len(base), _BASE):
            part = dense(base, left, _BASE)
            near, at = faiss.knn(
                block, part, min(k, len(part)), metric=faiss.METRIC_INNER_PRODUCT
            )
            best = np.concatenate([best, near], axis=1)
            rows = np.concatenate([rows, at + left], axis=1)
            order = np.lexsort((rows, -best))[:, :k]
            best = np.take_along_axis(best, order, axis=1)
            rows = np.take_along_axis(rows, order, axis=1)
        cosines[top : top + len(block)] = best
        found[top : top + len(block)] = rows
        if progress:
            progress(top + len(block))
    return cosines, found


def neighbour_means(
    queries: Rows,
    pool: Rows,
    k: int = MARGIN_NEIGHBOURS,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return float32 ``[len(queries)]``: the mean cosine of each to its *k* nearest of *pool*.

    With fewer than *k* in the pool, all of them. The pool must not be empty.
    """
    return mean_cosines(nearest(queries, pool, k, progress)[0])


def mean_cosines(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 ``[n]``, the means of the rows of *cosines* ``[n, k]``."""
    return cosines.mean(axis=1, dtype=np.float64).astype(np.float32)


def dense(rows: Rows, start: int, count: int) -> Vectors:
    """Return *count* of *rows* from *start*, fewer at the end, as float32 that FAISS can read."""
    return np.ascontiguousarray(rows[start : start + count], dtype=np.float32)
