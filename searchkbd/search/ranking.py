"""Ranked lists of rows, and the way several become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RRF_K = 60
"""The constant of reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row of ``sentences`` and its score in one ranking."""

    row: int
    score: float


def fuse(rankings: Iterable[tuple[float, Sequence[int]]]) -> list[Ranked]:
    """Return the rows of several rankings in one, by weighted reciprocal rank.

    Each ranking is a weight and rows, best first. A row scores the sum over the rankings of
    ``weight / (RRF_K + rank)``, scaled so that first place in all that are not empty scores 1.
    Ties keep the order of the first ranking that has the row.
    """
    scores: dict[int, float] = {}
    best = 0.0
    for weight, rows in rankings:
        best += weight / (RRF_K + 1) if rows else 0.0
        for rank, row in enumerate(rows, start=1):
            scores[row] = scores.get(row, 0.0) + weight / (RRF_K + rank)
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return [Ranked(row, score / best) for row, score in ordered]
