"""Nearest neighbours in blocks: the memory taken does not depend on how many texts there are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import Vectors
from searchkbd.evaluation.retrieval import Relevance
from searchkbd.mining.margin import margin as margins
from searchkbd.mining.neighbours import neighbour_means

DEPTH = 10
"""Candidates of each source that are looked at."""

TIE = 1e-6
"""Scores this near are equal: float32 inner products of one pair differ by less."""

_ROWS = 256
_COLUMNS = 8192

Progress = Callable[[int], None]


def ranked(
    sources: Vectors,
    candidates: Vectors,
    relevance: Relevance,
    margin: bool = False,
    progress: Progress | None = None,
) -> NDArray[np.bool_]:
    """Return bool ``[len(sources), 10]``: whether the candidate at each rank is right.

    Candidates are ranked by cosine or, with *margin*, by the ratio margin (see
    ``searchkbd.mining.margin``) over the mean of both texts' four nearest neighbours on the other
    side. Ties count against the encoder: at equal scores a wrong candidate comes first. Ranks
    beyond the last candidate are False. *progress* gets the number of sources done.
    """
    means = None
    if margin:
        means = neighbour_means(sources, candidates), neighbour_means(candidates, sources)
    out = np.zeros((len(sources), DEPTH), dtype=bool)
    for top in range(0, len(sources), _ROWS):
        rows = slice(top, min(top + _ROWS, len(sources)))
        # Of the best so far: scores, and 1 where a candidate is right.
        best = np.empty((rows.stop - top, 0))
        right = np.empty((rows.stop - top, 0), dtype=bool)
        for left in range(0, len(candidates), _COLUMNS):
            columns = slice(left, min(left + _COLUMNS, len(candidates)))
            scores = sources[rows] @ candidates[columns].T
            if means:
                scores = margins(scores, (means[0][rows, None] + means[1][columns]) / 2)
            block = scores.astype(np.float64)
            hits = _hits(relevance, rows, columns)
            block[hits] -= TIE
            best = np.concatenate([best, block], axis=1)
            right = np.concatenate([right, hits], axis=1)
            places = _places_of_largest(best, DEPTH)
            best = np.take_along_axis(best, places, axis=1)
            right = np.take_along_axis(right, places, axis=1)
        order = np.argsort(-best, axis=1, kind="stable")
        out[rows, : best.shape[1]] = np.take_along_axis(right, order, axis=1)
        if progress:
            progress(rows.stop)
    return out


def _hits(relevance: Relevance, rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Return bool [rows, columns]: which candidates of the block are right."""
    own = slice(relevance.start[rows.start], relevance.start[rows.stop])
    at, to = relevance.sources[own], relevance.targets[own]
    inside = (to >= columns.start) & (to < columns.stop)
    hits = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
    hits[at[inside] - rows.start, to[inside] - columns.start] = True
    return hits


def _places_of_largest(scores: NDArray, k: int) -> NDArray[np.intp]:
    if scores.shape[1] <= k:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.argpartition(scores, scores.shape[1] - k, axis=1)[:, -k:]
