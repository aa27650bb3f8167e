"""Percentile bootstrap: how far a figure may be due to which sentences happen to be in the set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
SEED = 20190604


def resampled_means(
    values: NDArray[np.float64], resamples: int = RESAMPLES, seed: int = SEED
) -> NDArray[np.float64]:
    """Return float64 ``[resamples, m]``: means of *values* ``[n, m]`` over rows drawn with
    replacement, the same rows for every column (Efron and Tibshirani 1993, chapter 13).

    Columns may so be compared: the interval of a difference is that of the differences of means.
    """
    count = len(values)
    if not count:
        raise ValueError("nothing to resample")
    # Rows with the same values are interchangeable, so that a resample is a draw of how often
    # each kind of row comes: one multinomial, instead of n places.
    kinds, counts = np.unique(values, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, counts / count, size=resamples)
    return drawn @ kinds / count


def interval(means: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resampled *means* ``[resamples]``."""
    tail = 50 * (1 - level)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
