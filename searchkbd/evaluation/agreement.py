"""How much two rankings agree, and whether one of two systems is right more often by chance."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

PERSISTENCE = 0.9
"""The p of rank-biased overlap: the first ten ranks have 86 % of the weight."""


def overlap(a: Sequence[Hashable], b: Sequence[Hashable], depth: int) -> float:
    """Return the share of the first *depth* of *a* and *b* that is common, of the longer one.

    Two empty rankings agree: 1.
    """
    left, right = set(a[:depth]), set(b[:depth])
    longer = max(len(left), len(right))
    return len(left & right) / longer if longer else 1.0


def rank_biased_overlap(
    a: Sequence[Hashable], b: Sequence[Hashable], p: float = PERSISTENCE
) -> float:
    """Return the extrapolated rank-biased overlap of two rankings without repetitions, 0 to 1.

    Equation 32 of Webber, Moffat and Zobel (2010, "A similarity measure for indefinite rankings",
    ACM TOIS 28(4)), with X_d the number of common items of the first d, l and s the longer and
    the shorter length::

        (1-p)/p * (sum_{d=1..l} X_d/d p^d + sum_{d=s+1..l} X_s (d-s)/(s d) p^d)
          + ((X_l - X_s)/l + X_s/s) p^l

    Two empty rankings agree (1); an empty one and another do not (0).
    """
    shorter, longer = sorted((a, b), key=len)
    if not shorter:
        return 0.0 if longer else 1.0
    s, count = len(shorter), len(longer)
    seen: set[Hashable] = set()
    common = common_at_s = 0
    total = 0.0
    for depth in range(1, count + 1):
        for item in (longer[depth - 1], *(shorter[depth - 1 : depth])):
            common += item in seen
            seen.add(item)
        if depth == s:
            common_at_s = common
        agreement = common / depth
        if depth > s:
            agreement += common_at_s * (depth - s) / (s * depth)
        total += agreement * p**depth
    tail = ((common - common_at_s) / count + common_at_s / s) * p**count
    return min(1.0, (1 - p) / p * total + tail)


def sign_test(won: int, lost: int) -> float:
    """Return the two-sided p-value of the exact sign test: how often a fair coin thrown
    ``won + lost`` times is at least as far from half (Conover 1999, section 3.4)."""
    if won == lost:
        return 1.0
    thrown, fewer = won + lost, min(won, lost)
    # The largest term by logarithms, which do not overflow; the others by their ratios.
    log_term = math.lgamma(thrown + 1) - math.lgamma(fewer + 1) - math.lgamma(thrown - fewer + 1)
    term = math.exp(log_term - thrown * math.log(2))
    tail = 0.0
    for heads in range(fewer, -1, -1):
        if term <= tail * 1e-17:
            break
        tail += term
        term *= heads / (thrown - heads + 1)
    return min(1.0, 2 * tail)
