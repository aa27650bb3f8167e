"""Partitions: all sentences of one language, and the nearest of several partitions.

Segments that have codes are searched by them: candidates first, whose vectors are then compared
with the query themselves. All other segments are scanned. So scores are always those of the
vectors, and only which rows are compared depends on the level of recall.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from searchkbd.index import hubs
from searchkbd.index.codes import Codes, Recall
from searchkbd.index.rows import row_sums
from searchkbd.index.segments import Segment
from searchkbd.index.vectors import inner_products, widen

_SPARE = 3
"""Candidates compared for each row that is asked for, at the least."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest rows of one query, best first; equal scores order by row.

    ``rows`` int64 [n], ``scores`` float32 [n]: inner products, so cosines; ``hubness`` float32 [n].
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    hubness: NDArray[np.float32]


class Partition:
    """The segments of one language, those that have codes and the others."""

    def __init__(
        self,
        lang: str,
        dim: int,
        coded: Sequence[Segment],
        others: Sequence[Segment],
        codes: Codes | None,
    ) -> None:
        self.lang = lang
        self.dim = dim
        self.coded = tuple(coded)
        self.others = tuple(others)
        self.codes = codes

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self.coded + self.others

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 [segments with codes + 1]: the position where each begins, and the end."""
        return np.cumsum([0, *map(len, self.coded)], dtype=np.int64)

    @cached_property
    def _live(self) -> NDArray[np.bool_] | None:
        """bool [positions]: which are still there; None: all of them."""
        if all(segment.live is None for segment in self.coded):
            return None
        return np.concatenate([
            np.ones(len(segment), dtype=bool) if segment.live is None else segment.live
            for segment in self.coded
        ])  # fmt: skip

    def vectors(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return which of *rows* (int64 [m]) are here (bool [m]) and their vectors [hits, dim]."""
        found = np.zeros(len(rows), dtype=bool)
        halves = np.empty((len(rows), self.dim), dtype=np.uint16)
        for segment in self.segments:
            here, places = segment.places(rows)
            if len(places):
                halves[here] = segment.halves(places)
                found |= here
        return found, widen(halves[found])

    def candidates(
        self,
        queries: NDArray[np.float32],
        count: int,
        least: int,
        recall: Recall,
        less_hubs: bool = False,
    ) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Return for each query approximate scores and positions of live rows, best first.

        *count* of each, fewer where rows have been deleted, but *least* where there are so many.
        """
        assert self.codes is not None
        lists = self.codes.entry.efforts[recall].lists
        total = int(self.starts[-1])
        found: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
        searched = self.codes.search(queries, count, lists, less_hubs)
        for scores, positions in zip(*searched, strict=True):
            found.append(self._living(scores, positions))
        for at, (_, positions) in enumerate(found):
            wider, more = count, lists
            enough = min(least, self._live_count)
            # What was deleted may have been the nearest, or an inverted list may hold too few.
            while len(positions) < enough and (wider < total or more < self.codes.lists):
                wider, more = min(4 * wider, total), min(4 * max(more, 1), self.codes.lists)
                scores, wide = self.codes.search(queries[at : at + 1], wider, more, less_hubs)
                found[at] = self._living(scores[0], wide[0])
                positions = found[at][1]
            if len(positions) < enough:
                found[at] = self._completed(*found[at])
        return found

    @cached_property
    def _live_count(self) -> int:
        return sum(segment.entry.live for segment in self.coded)

    def _living(
        self, scores: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        keep = positions >= 0
        if self._live is not None:
            keep &= self._live[positions]
        return (scores, positions) if keep.all() else (scores[keep], positions[keep])

    def _completed(
        self, scores: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return these and after them all others: FAISS finds no vector whose code is in every
        part the farthest that there is."""
        live = np.arange(self.starts[-1]) if self._live is None else np.flatnonzero(self._live)
        others = np.setdiff1d(live, positions)
        last = np.full(len(others), -np.inf, dtype=np.float32)
        return np.concatenate([scores, last]), np.concatenate([positions, others])


def nearest(
    partitions: Sequence[Partition],
    queries: NDArray[np.float32],
    k: int,
    recall: Recall,
    *,
    less_hubs: bool = False,
) -> list[Nearest]:
    """Return for each query its *k* nearest rows in all of *partitions*.

    *queries* is float32 [q, dim], unit length. With *less_hubs*, the rows that are best by
    ``hubs.held_back``; where vectors are scanned, of the nearest hubs.DEPTH, or 2 *k* if that is
    more. Fewer than *k* only where there are no more. Raises IndexDamagedError.
    """
    coded = [p for p in partitions if p.codes is not None and recall is not Recall.EXACT]
    scanned = [
        segment
        for p in partitions
        for segment in (p.others if p in coded else p.segments)
        if segment.entry.live
    ]
    depth = max(hubs.DEPTH, 2 * k) if less_hubs else k
    with _threads_for(len(queries)):
        answers: list[list[Nearest]] = [[] for _ in queries]
        for segment in scanned:
            for answer, found in zip(answers, _scan(segment, queries, depth), strict=True):
                answer.append(found)
        if coded:
            compared = _compared(coded, queries, k, recall, less_hubs)
            for answer, found in zip(answers, compared, strict=True):
                answer.append(found)
    return [_best(answer, k, less_hubs) for answer in answers]


def _scan(segment: Segment, queries: NDArray[np.float32], k: int) -> Iterator[Nearest]:
    """Yield the nearest rows of *segment*: *k*, and all others whose score is that of the last."""
    vectors, known = segment.vector_file, segment.row_file
    vectors.check()  # all of it is read anyway
    known.check()
    # One more than is asked for: of equal scores the first rows count, and FAISS takes any.
    for query, scores, places in zip(
        queries, *vectors.search(queries, k + 1, segment.live), strict=True
    ):
        while k < len(places) < len(segment) and places[-1] >= 0 and scores[-1] == scores[k - 1]:
            (scores,), (places,) = vectors.search(query[None], 4 * len(places), segment.live)
        if places.min() < 0:
            scores, places = scores[places >= 0], places[places >= 0]
        yield Nearest(known.rows[places], scores, known.hubness[places].astype(np.float32))


def _compared(
    partitions: Sequence[Partition],
    queries: NDArray[np.float32],
    k: int,
    recall: Recall,
    less_hubs: bool,
) -> Iterator[Nearest]:
    counts = [max(_SPARE * k, p.codes.entry.efforts[recall].candidates) for p in partitions]
    lists = [
        partition.candidates(queries, count, k, recall, less_hubs)
        for partition, count in zip(partitions, counts, strict=True)
    ]
    for query, found in zip(queries, zip(*lists, strict=True), strict=True):
        best = _top(found, max(counts))
        yield _compare(partitions, query, [positions for _, positions in best])


def _top(
    found: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], count: int
) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Return of several lists, best first, what is among the *count* best of all."""
    if sum(len(scores) for scores, _ in found) <= count:
        return list(found)
    every = np.concatenate([scores for scores, _ in found])
    least = np.partition(every, len(every) - count)[len(every) - count]
    kept = [int(np.count_nonzero(scores >= least)) for scores, _ in found]
    return [
        (scores[:n], positions[:n]) for n, (scores, positions) in zip(kept, found, strict=True)
    ]


def _compare(
    partitions: Sequence[Partition],
    query: NDArray[np.float32],
    positions: Sequence[NDArray[np.int64]],
) -> Nearest:
    """Return the vectors at *positions*, of each partition, with their own scores, in any order."""
    total = sum(map(len, positions))
    halves = np.empty((total, len(query)), dtype=np.uint16)
    sums = np.empty(total, dtype=np.uint64)
    rows = np.empty(total, dtype=np.int64)
    hubness = np.empty(total, dtype=np.float16)
    at = 0
    parts: list[tuple[Segment, slice]] = []
    for partition, wanted in zip(partitions, positions, strict=True):
        wanted = np.sort(wanted)
        bounds = np.searchsorted(wanted, partition.starts).tolist()
        for number, segment in enumerate(partition.coded):
            first, last = bounds[number], bounds[number + 1]
            if first == last:
                continue
            places = wanted[first:last] - partition.starts[number]
            part = slice(at, at + last - first)
            known = segment.row_file
            halves[part] = segment.vector_file.halves[places]
            sums[part] = known.sums[places]
            rows[part] = known.rows[places]
            hubness[part] = known.hubness[places]
            parts.append((segment, part))
            at = part.stop
    if not np.array_equal(row_sums(halves, rows, hubness), sums):
        for segment, part in parts:  # which of them?
            segment.check(halves[part], rows[part], hubness[part], sums[part])
    return Nearest(rows, inner_products(halves, query), hubness.astype(np.float32))


def _best(parts: Sequence[Nearest], k: int, less_hubs: bool) -> Nearest:
    if not parts:
        return Nearest(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))
    rows = np.concatenate([part.rows for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    hubness = np.concatenate([part.hubness for part in parts])
    if less_hubs:
        # The cosine decides among those that have nothing left.
        order = np.lexsort((rows, -scores, -hubs.held_back(scores, hubness)))[:k]
    else:
        order = np.lexsort((rows, -scores))[:k]
    return Nearest(rows[order], scores[order], hubness[order])


@contextmanager
def _threads_for(queries: int) -> Iterator[None]:
    """One thread for a single query: two make it slower, not faster (docs/benchmarks.md)."""
    import faiss

    threads = faiss.omp_get_max_threads()
    if queries == 1:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        if queries == 1:
            faiss.omp_set_num_threads(threads)
