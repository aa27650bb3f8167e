"""Nearest neighbours by inner product over the partitions of an index, and without hubs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from searchkbd.index import hubness, partition
from searchkbd.index.codes import Recall
from searchkbd.index.partition import Nearest
from searchkbd.index.reader import IndexReader
from searchkbd.search.ranking import Ranked

_SAME = 0.999
"""Cosine from which a row is the query itself, and loses nothing."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A row, its cosine to the query, and the score that it is ranked by."""

    row: int
    similarity: float
    score: float


def without_hubs(
    reader: IndexReader,
    queries: np.ndarray,
    k: int,
    langs: Collection[str] | None = None,
    recall: Recall = Recall.BALANCED,
) -> list[list[Neighbour]]:
    """Return for each query *k* rows, best first, ranked by cosine less half their hubness.

    They are the best among the nearest 100 rows, or 2 *k* if that is more. Scores are 0 to 1; a
    row that is the query itself stays ahead. Other arguments as of ``nearest``.
    """
    lists = []
    for found in _found(reader, queries, max(hubness.DEPTH, 2 * k), langs, recall):
        similarity = np.minimum(found.scores, 1.0)
        score = np.maximum(similarity - hubness.WEIGHT * np.maximum(found.hubness, 0.0), 0.0)
        score = np.where(found.scores >= _SAME, similarity, score)
        # The cosine decides among those that have nothing left.
        order = np.lexsort((found.rows, -found.scores, -score))[:k]
        lists.append(
            list(
                map(
                    Neighbour,
                    found.rows[order].tolist(),
                    found.scores[order].tolist(),
                    score[order].tolist(),
                )
            )
        )
    return lists


def nearest(
    reader: IndexReader,
    queries: np.ndarray,
    k: int,
    langs: Collection[str] | None = None,
    recall: Recall = Recall.BALANCED,
) -> list[list[Ranked]]:
    """Return for each query its *k* nearest rows, best first, scores are cosines.

    *queries* is float32 [q, dim], unit length. With *langs*, only partitions of these languages
    are searched, so that a filter never shortens the list. Equal scores order by row.
    """
    return [
        list(map(Ranked, found.rows.tolist(), found.scores.tolist()))
        for found in _found(reader, queries, k, langs, recall)
    ]


def _found(
    reader: IndexReader,
    queries: np.ndarray,
    k: int,
    langs: Collection[str] | None,
    recall: Recall,
) -> list[Nearest]:
    partitions = [p for p in reader.partitions if not langs or p.lang in langs]
    return partition.nearest(partitions, queries, k, recall)
