"""Nearest neighbours by inner product over the partitions of an index, and without hubs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from searchkbd.index import hubs, partition
from searchkbd.index.codes import Recall
from searchkbd.index.partition import Nearest
from searchkbd.index.reader import IndexReader
from searchkbd.search.ranking import Ranked


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

    Scores are 0 to 1 (searchkbd.index.hubs); a row that is the query itself stays ahead. Other
    arguments as of ``nearest``.
    """
    found = _found(reader, queries, k, langs, recall, less_hubs=True)
    return [
        list(
            map(
                Neighbour,
                each.rows.tolist(),
                each.scores.tolist(),
                hubs.held_back(each.scores, each.hubness).tolist(),
            )
        )
        for each in found
    ]


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
        for found in _found(reader, queries, k, langs, recall, less_hubs=False)
    ]


def _found(
    reader: IndexReader,
    queries: np.ndarray,
    k: int,
    langs: Collection[str] | None,
    recall: Recall,
    *,
    less_hubs: bool,
) -> list[Nearest]:
    partitions = [p for p in reader.partitions if not langs or p.lang in langs]
    return partition.nearest(partitions, queries, k, recall, less_hubs=less_hubs)
