"""Nearest neighbours by inner product over the partitions of an index, and without hubs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from searchkbd.index.reader import IndexReader
from searchkbd.search.ranking import Ranked

HUBNESS_WEIGHT = 0.5
"""Share of its hubness that a sentence loses. CSLS takes 2 cos - r(query) - r(target), so half of
r(target) for one cosine; docs/benchmarks.md has what it gains."""

CANDIDATES = 100
"""Nearest rows, at the least, among which the order is settled."""

_SAME = 0.999
"""Cosine from which a row is the query itself, and loses nothing."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row, its cosine to the query, and the score that it is ranked by."""

    row: int
    similarity: float
    score: float


def without_hubs(
    reader: IndexReader, queries: np.ndarray, k: int, langs: Collection[str] | None = None
) -> list[list[Neighbour]]:
    """Return for each query *k* rows, best first, ranked by cosine less half their hubness.

    They are the best among the nearest 100 rows, or 2 *k* if that is more. Scores are 0 to 1; a
    row that is the query itself stays ahead. Other arguments as of ``nearest``.
    """
    found = nearest(reader, queries, max(CANDIDATES, 2 * k), langs)
    hubness = reader.hubness({r.row for ranked in found for r in ranked})
    lists = []
    for ranked in found:
        neighbours = [Neighbour(r.row, r.score, _score(r.score, hubness[r.row])) for r in ranked]
        # The cosine decides among those that have nothing left.
        neighbours.sort(key=lambda n: (-n.score, -n.similarity, n.row))
        lists.append(neighbours[:k])
    return lists


def _score(similarity: float, hubness: float) -> float:
    if similarity >= _SAME:
        return min(similarity, 1.0)
    return max(0.0, similarity - HUBNESS_WEIGHT * max(hubness, 0.0))


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
