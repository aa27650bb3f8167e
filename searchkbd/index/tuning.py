"""How wide codes have to be searched, measured on the index's own sentences.

For each of a sample of vectors the ten hits of an exact search, hubs held back, are found by a
scan; the place that each of them has among the candidates of the codes says how many candidates it
takes. So one search by codes measures every number of candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.index import hubs
from searchkbd.index.codes import TARGETS, Codes, Effort, Recall
from searchkbd.index.partition import Partition

NEIGHBOURS = 10
SAMPLE = 256
"""Vectors that a new set of codes is measured with."""

MAX_CANDIDATES = 4096
_CANDIDATES = (
    50, 100, 150, 200, 300, 400, 500, 600, 700, 800, 1000, 1200, 1600, 2400, 3200, MAX_CANDIDATES,
)  # fmt: skip
_LISTS = (8, 16, 32, 64, 128, 256, 512, 1024)
_CANDIDATE_READS = 300
"""Codes that are read in the time that it takes to compare one candidate (docs/benchmarks.md)."""

_BATCH = 64  # vectors searched at a time: bounds the memory

@dataclass(frozen=True, slots=True)
class Measured:
    """The share of the true hits that are among the first candidates, for one ``lists``.

    ``read`` is how many codes are read for it, in the mean.
    """

    lists: int
    read: float
    recalls: Mapping[int, float]


def measure(partition: Partition, sample: NDArray[np.float32]) -> list[Measured]:
    """Return what the codes of *partition* find of the true hits for *sample*, float32 [n, dim].

    One entry for each number of inverted lists, ascending; without them, one. Hits are
    counted among the sentences that have codes. Raises ValueError for a partition without codes.
    """
    codes = partition.codes
    if codes is None:
        raise ValueError(f"{partition.lang} has no codes")
    true = _true_hits(partition, sample)
    ladder = [n for n in _LISTS if n < codes.lists] + [codes.lists]
    return [_measure(codes, sample, true, lists) for lists in ladder]


def choose(measured: Sequence[Measured], targets: Mapping[Recall, float]) -> dict[Recall, Effort]:
    """Return for each target the least effort that reaches it; where none does, the greatest."""
    return {level: _choose(measured, target) for level, target in targets.items()}


def tuned(
    partition: Partition,
    sample: NDArray[np.float32],
    targets: Mapping[Recall, float] = TARGETS,
) -> dict[Recall, Effort]:
    """Measure *partition* and choose."""
    return choose(measure(partition, sample), targets)


def untuned() -> dict[Recall, Effort]:
    """Return the effort of codes that nothing is known of: the greatest."""
    return {level: Effort(MAX_CANDIDATES, _LISTS[-1], 0.0) for level in TARGETS}


def _choose(measured: Sequence[Measured], target: float) -> Effort:
    efforts = [
        (each.read + _CANDIDATE_READS * candidates, Effort(candidates, each.lists, recall))
        for each in measured
        for candidates, recall in each.recalls.items()
    ]
    enough = [(cost, effort) for cost, effort in efforts if effort.recall >= target]
    if enough:
        return min(enough, key=lambda each: each[0])[1]
    return max(efforts, key=lambda each: (each[1].recall, -each[0]))[1]


def _true_hits(
    partition: Partition, sample: NDArray[np.float32]
) -> list[NDArray[np.int64]]:
    """Return for each of *sample* the positions of an exact search's hits, itself left out."""
    # A few more than needed, for the repetitions that do not count.
    count = hubs.DEPTH + NEIGHBOURS
    scores = np.full((len(sample), 0), -np.inf, dtype=np.float32)
    measures = np.zeros((len(sample), 0), dtype=np.float32)
    positions = np.zeros((len(sample), 0), dtype=np.int64)
    for segment, start in zip(partition.coded, partition.starts.tolist(), strict=False):
        found, places = segment.read_vectors().search(sample, count, segment.live)
        scores = np.concatenate([scores, np.where(places < 0, -np.inf, found)], axis=1)
        positions = np.concatenate([positions, places + start], axis=1)
        here = segment.row_file.hubness[np.maximum(places, 0)].astype(np.float32)
        measures = np.concatenate([measures, here], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        scores = np.take_along_axis(scores, best, axis=1)
        positions = np.take_along_axis(positions, best, axis=1)
        measures = np.take_along_axis(measures, best, axis=1)
    hits = []
    for near, measured, places in zip(scores, measures, positions, strict=True):
        others = np.flatnonzero((near < hubs.SAME) & np.isfinite(near))[: hubs.DEPTH]
        ranked = hubs.held_back(near[others], measured[others])
        hits.append(places[others[np.argsort(-ranked, kind="stable")[:NEIGHBOURS]]])
    return hits


def _measure(
    codes: Codes,
    sample: NDArray[np.float32],
    true: Sequence[NDArray[np.int64]],
    lists: int,
) -> Measured:
    places: list[NDArray[np.int64]] = []
    for start in range(0, len(sample), _BATCH):
        _, positions = codes.search(
            sample[start : start + _BATCH], MAX_CANDIDATES, lists, less_hubs=True
        )
        for ranked, wanted in zip(positions, true[start : start + _BATCH], strict=True):
            same = ranked == wanted[:, None]
            places.append(np.where(same.any(axis=1), same.argmax(axis=1), MAX_CANDIDATES))
    every = np.concatenate(places)
    read = len(codes) * (lists / codes.lists if codes.lists else 1)
    if not len(every):
        return Measured(lists, read, dict.fromkeys(_CANDIDATES, 1.0))
    recalls = {n: round(float((every < n).mean()), 4) for n in _CANDIDATES}
    return Measured(lists, read, recalls)
