"""Held-out pairs that share nothing with those trained on, nor with each other's split.

Pairs that share a text, on whichever side, are a cluster; clusters with texts that are alike grow
together. A cluster is held out as a whole or not at all. Clusters are grown from pairs drawn by
chance, for as long as they are small: the text of one pair is compared with all others, so no copy
is missed, while those that end in one huge cluster cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.pairs.clusters import Clusters
from searchkbd.pairs.shares import allocate

LARGEST_SHARE = 0.1
LEAST_LARGEST = 30
"""Pairs of the largest cluster that is held out: a tenth of the split, or 30 if that is more; one
larger would make it one-sided."""

_LEAST = 10  # pairs of each two languages, where that is no more than a fifth of them
_TRIES = 20  # clusters looked at for each pair that is wanted

_BLOCK = 1 << 16

FREE, LARGE = 0, -1

Near = Callable[[Sequence[int]], Iterator[Sequence[int]]]
"""Texts (their numbers) → for each of them those that are alike."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTexts:
    """Pairs as numbers: ``first`` and ``second``, int ``[n]``, are texts, equal ones equal numbers
    below ``texts``; ``strata``, int ``[n]``, are their languages, numbers below ``count``."""

    first: NDArray[np.integer]
    second: NDArray[np.integer]
    texts: int
    strata: NDArray[np.integer]
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A split to hold out: pairs, and where that was asked how many of each stratum."""

    pairs: int
    quotas: tuple[int, ...]


def quotas(pairs: int, counts: Sequence[int]) -> Wanted:
    """Return how many of *pairs* each stratum, of *counts*, shall have: in proportion, but some of
    each (10, at most a fifth of what there is and an equal part of the split)."""
    present = sum(count > 0 for count in counts) or 1
    least = [min(_LEAST, count // 5, pairs // present) for count in counts]
    rest = [count - floor for count, floor in zip(counts, least, strict=True)]
    more = allocate(pairs - sum(least), rest, rest)
    return Wanted(pairs, tuple(map(sum, zip(least, more, strict=True))))


def hold_out(
    pairs: PairTexts,
    wanted: Sequence[Wanted],
    near: Near | None,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.int8]:
    """Return int8 ``[n]``: 0 for pairs to train on, k for those of the k-th split *wanted*.

    No text is in two splits, and with *near* no text of one is alike to a text of another. A split
    gets what it wants, or less, never more. *progress* gets (pairs held out, wanted in all). The
    same arguments give the same answer.
    """
    if not sum(one.pairs for one in wanted):
        return np.zeros(len(pairs.first), dtype=np.int8)
    largest = max(LEAST_LARGEST, round(LARGEST_SHARE * max(one.pairs for one in wanted)))
    grown = _Growing(pairs, near, largest)
    rng = np.random.default_rng([seed, 2])
    done, total = 0, sum(one.pairs for one in wanted)
    for number, one in enumerate(wanted, 1):
        got = np.zeros(pairs.count, dtype=int)
        # A little more than wanted, as a cluster has pairs of several strata.
        limits = np.array([quota + max(1, quota // 10) for quota in one.quotas])
        for stratum in np.argsort(one.quotas, kind="stable").tolist():
            rows = np.flatnonzero(pairs.strata == stratum)
            rng.shuffle(rows)
            tries = _TRIES * one.quotas[stratum]
            unfit: set[int] = set()
            for row in rows.tolist():
                if got[stratum] >= one.quotas[stratum] or got.sum() == one.pairs or not tries:
                    break
                cluster = grown.cluster_of(row)
                if grown.state[cluster] != FREE or cluster in unfit:
                    continue
                tries -= 1
                whole = grown.grow(cluster)
                if whole is None:
                    continue
                own = pairs.strata[grown.pairs_of(whole)]
                more = got + np.bincount(own, minlength=pairs.count)
                if more.sum() > one.pairs or (more > limits).any():
                    unfit.update(whole)
                    continue
                grown.state[whole] = number
                got = more
                if progress:
                    progress(done + int(got.sum()), total)
        done += int(got.sum())
    return np.maximum(grown.state[grown.of_pair], FREE).astype(np.int8)


class _Growing:
    """Clusters of pairs that share texts, and how they grow together by texts that are alike."""

    def __init__(self, pairs: PairTexts, near: Near | None, largest: int) -> None:
        clusters = Clusters(pairs.texts)
        for top in range(0, len(pairs.first), _BLOCK):
            some = slice(top, top + _BLOCK)
            for one, other in zip(
                pairs.first[some].tolist(), pairs.second[some].tolist(), strict=True
            ):
                clusters.join(one, other)
        self.of_text = np.unique(clusters.roots(), return_inverse=True)[1].reshape(-1)
        self.of_pair = self.of_text[pairs.first]
        self._near = near
        self._largest = largest
        self._texts = _Members(self.of_text)
        self._pairs = _Members(self.of_pair, len(self._texts.sizes))
        self.state = np.where(self._pairs.sizes > largest, LARGE, FREE)
        """Of each cluster: _BLOCK = 1 << 16

FREE, LARGE, or the number of the split it is in."""

    def cluster_of(self, row: int) -> int:
        return int(self.of_pair[row])

    def pairs_of(self, clusters: Sequence[int]) -> NDArray[np.int64]:
        return np.concatenate([self._pairs.of(one) for one in clusters])

    def grow(self, cluster: int) -> list[int] | None:
        """Return *cluster* and all that are alike to it, or to those; None when they are too many
        to be held out, which is noted for each of them."""
        found = {cluster}
        size = int(self._pairs.sizes[cluster])
        edge = [cluster]
        while edge and self._near is not None:
            texts = np.concatenate([self._texts.of(one) for one in edge]).tolist()
            edge = []
            for alike in self._near(texts):
                for other in np.unique(self.of_text[alike]).tolist():
                    if other not in found:
                        found.add(other)
                        edge.append(other)
                        size += int(self._pairs.sizes[other])
                        # What is alike to a part of something large is a part of it.
                        if size > self._largest or self.state[other] == LARGE:
                            self.state[list(found)] = LARGE
                            return None
        return sorted(found)


class _Members:
    """Which items have each value: values are 0 to *count* − 1."""

    def __init__(self, values: NDArray[np.integer], count: int = 0) -> None:
        self._order = np.argsort(values, kind="stable")
        self.sizes = np.bincount(values, minlength=count)
        self._ends = np.cumsum(self.sizes)

    def of(self, value: int) -> NDArray[np.int64]:
        end = self._ends[value]
        return self._order[end - self.sizes[value] : end]
