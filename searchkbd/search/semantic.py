"""Nearest neighbours by inner product over the partitions of an index."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from searchkbd.index.reader import IndexReader
from searchkbd.search.ranking import Ranked


def nearest(
    reader: IndexReader, queries: np.ndarray, k: int, langs: Collection[str] | None = None
) -> list[list[Ranked]]:
    """Return for each query its *k* nearest rows, best first, scores are cosines.

    *queries* is float32 [q, dim], unit length. With *langs*, only partitions of these languages
    are searched, so that a filter never shortens the list. Equal scores order by row.
    """
    found: list[list[Ranked]] = [[] for _ in queries]
    for partition in reader.partitions:
        if langs and partition.lang not in langs:
            continue
        scores, rows = partition.search(queries, k)
        for ranked, query_scores, query_rows in zip(found, scores, rows, strict=True):
            ranked += map(Ranked, query_rows.tolist(), query_scores.tolist())
    return [sorted(ranked, key=lambda r: (-r.score, r.row))[:k] for ranked in found]
