"""The margin of a pair: how much nearer its texts are than their neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN_NEIGHBOURS = 4

RATIO = "ratio"
DISTANCE = "distance"
ABSOLUTE = "absolute"
SCORINGS = (RATIO, DISTANCE, ABSOLUTE)

_SMALLEST = np.float32(1e-6)


def margin(cosines: NDArray, means: NDArray, scoring: str = RATIO) -> NDArray:
    """Return the margins of pairs, in the shape and precision of *cosines*.

    Artetxe and Schwenk (2019, "Margin-based Parallel Corpus Mining with Multilingual Sentence
    Embeddings", section 3.2, arXiv 1811.01136) set the cosine *a* of x and y against the mean
    cosine *b* of either to its k nearest neighbours NN_k on the other side (*means*)::

        b = sum(cos(x, z) for z in NN_k(x)) / 2k + sum(cos(y, z) for z in NN_k(y)) / 2k

        ratio     a / b
        distance  a - b
        absolute  a

    A *b* below 1e-6, where no neighbour is near, is taken as 1e-6 by the ratio, which means nothing
    there. Raises ValueError for another *scoring*.
    """
    if scoring == RATIO:
        return cosines / np.maximum(means, _SMALLEST)
    if scoring == DISTANCE:
        return cosines - means
    if scoring == ABSOLUTE:
        return cosines
    raise ValueError(f"scorings are {', '.join(SCORINGS)}, not {scoring}")
