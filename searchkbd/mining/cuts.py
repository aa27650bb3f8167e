"""Which of the scored pairs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.mining.checks import FLAGS


@dataclass(frozen=True, slots=True)
class Cuts:
    """What a pair must satisfy, tried in this order, each on what the one before has left.

    * ``drop``: none of these flags;
    * ``percentile``: a similarity of at least this percentile (0–100, linear interpolation between
      neighbours) of the pairs in the same two languages;
    * ``min_similarity``, ``min_margin``: at least these;
    * ``best_per_source``: the highest similarity among the pairs of the same source text (by search
      key) and languages, the first of equals.

    Raises ValueError for an unknown flag or a percentile outside 0–100.
    """

    drop: frozenset[str] = frozenset()
    percentile: float | None = None
    min_similarity: float | None = None
    min_margin: float | None = None
    best_per_source: bool = False

    def __post_init__(self) -> None:
        unknown = self.drop - set(FLAGS)
        if unknown:
            raise ValueError(f"no flag is called {sorted(unknown)[0]!r}: {', '.join(FLAGS)}")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise ValueError(f"a percentile is 0 to 100, not {self.percentile}")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What is known of n pairs, arrays ``[n]``: number of the two languages and of the source text,
    flags as bits, similarity and margin (None when it was not computed)."""

    sets: NDArray[np.integer]
    sources: NDArray[np.integer]
    flags: NDArray[np.integer]
    similarity: NDArray[np.floating]
    margin: NDArray[np.floating] | None


def apply(cuts: Cuts, pairs: Scored, bits: Sequence[int]) -> tuple[NDArray[np.bool_], list]:
    """Return which pairs are kept, bool ``[n]``, and the percentile's value in each set.

    *bits* are those of ``cuts.drop``. A set of which nothing was left has the value None.
    """
    keep = np.ones(len(pairs.sets), dtype=bool)
    for one in bits:
        keep &= (pairs.flags & one) == 0
    thresholds: list[float | None] = []
    if cuts.percentile is not None:
        for number in range(int(pairs.sets.max(initial=-1)) + 1):
            own = keep & (pairs.sets == number)
            if not own.any():
                thresholds.append(None)
                continue
            least = float(np.percentile(pairs.similarity[own], cuts.percentile))
            thresholds.append(least)
            keep &= (pairs.sets != number) | (pairs.similarity >= least)
    if cuts.min_similarity is not None:
        keep &= pairs.similarity >= cuts.min_similarity
    if cuts.min_margin is not None:
        if pairs.margin is None:
            raise ValueError("a least margin needs margins, which given similarities do not have")
        keep &= pairs.margin >= cuts.min_margin
    if cuts.best_per_source:
        rows = np.flatnonzero(keep)
        order = rows[np.lexsort((rows, -pairs.similarity[rows], pairs.sources[rows]))]
        first = np.append(True, pairs.sources[order][1:] != pairs.sources[order][:-1])
        keep[:] = False
        keep[order[first[: len(order)]]] = True
    return keep, thresholds
