"""What hubness (searchkbd.index.hubness) takes off in a search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WEIGHT = 0.5
"""Share of its hubness that a sentence loses. CSLS takes 2 cos - r(query) - r(target), so half of
r(target) for one cosine; docs/benchmarks.md has what it gains."""

DEPTH = 300
"""Nearest rows of an exact search, at the least, among which the order is settled."""

SAME = 0.999
"""Cosine from which a row is the query itself, and loses nothing."""


def held_back(
    similarity: NDArray[np.float32], hubness: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the scores that a search ranks by, 0 to 1: cosines less WEIGHT of the hubness."""
    similarity = np.minimum(similarity, np.float32(1))
    less = np.maximum(similarity - WEIGHT * np.maximum(hubness, 0), 0)
    return np.where(similarity >= SAME, similarity, less)
