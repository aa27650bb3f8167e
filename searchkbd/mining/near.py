"""Near duplicates among texts, or among pairs: candidates by FAISS, then their spelling."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from searchkbd.encoders.base import Vectors
from searchkbd.mining.vectors import VectorStore

SIMILARITY = 0.98
EDIT = 0.9

_QUERIES = 2048
_BASE = 8192
_CHECKED = 4096
_ROUNDING = 1e-5  # of float16


@dataclass(frozen=True, slots=True)
class Near:
    """Item *dropped* is a near duplicate of item *kept*; the least cosine and the least edit
    similarity of their sides."""

    dropped: int
    kept: int
    similarity: float
    edit: float


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """n items of m sides each: ``texts``, int ``[n, m]``, rows of ``vectors``; ``marks``, int64
    ``[n]``: items that differ in their mark are never duplicates; ``keys`` gives the m search keys
    of an item."""

    vectors: VectorStore
    texts: NDArray[np.integer]
    marks: NDArray[np.int64]
    keys: Callable[[int], Sequence[str]]

    def joined(self, items: NDArray[np.integer]) -> Vectors:
        """Return float32 ``[len(items), m × dim]``, unit rows: the sides' vectors side by side.

        Their inner product is the mean of the sides' cosines, so that what is near in every side is
        near here.
        """
        sides = [self.vectors[self.texts[items, side]] for side in range(self.texts.shape[1])]
        return np.ascontiguousarray(np.concatenate(sides, axis=1) / len(sides) ** 0.5)


def near_duplicates(
    items: Items,
    *,
    similarity: float = SIMILARITY,
    edit: float = EDIT,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Near]:
    """Yield the items that duplicate one before them that is kept, with the nearest such.

    Near means in every side: a cosine of *similarity* or more, and an edit similarity (1 − edits /
    length of the longer, of search keys) of *edit* or more. Items are taken in their order, so none
    of those that are kept is near to another. *progress* gets the number of items done.

    Candidates are found by exact range search in blocks: memory holds 10,240 joined vectors, and
    the candidates of 2,048 items among 8,192. Time grows with items × items kept.
    """
    kept = array("q")
    for top in range(0, len(items.texts), _QUERIES):
        block = np.arange(top, min(top + _QUERIES, len(items.texts)))
        queries = items.joined(block)
        among_kept = np.array(kept, dtype=np.int64)
        candidates = [
            _candidates(items, block, queries, part, items.joined(part), similarity)
            for part in np.split(among_kept, range(_BASE, len(among_kept), _BASE))
            if len(part)
        ]
        candidates.append(_candidates(items, block, queries, block, queries, similarity))
        dropped = set()
        for near in _verified(items, np.concatenate(candidates), edit, dropped):
            dropped.add(near.dropped)
            yield near
        kept.extend(at for at in block.tolist() if at not in dropped)
        if progress:
            progress(int(block[-1]) + 1)


_CANDIDATE = np.dtype([("item", "i8"), ("other", "i8"), ("mean", "f4"), ("least", "f4")])


def _candidates(
    items: Items,
    block: NDArray[np.int64],
    queries: Vectors,
    base: NDArray[np.int64],
    vectors: Vectors,
    similarity: float,
) -> NDArray:
    """Return the items of *block* with those of *base* before them that are near by cosine."""
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    starts, means, places = index.range_search(queries, similarity - _ROUNDING)
    of = np.repeat(np.arange(len(block)), np.diff(starts.astype(np.int64)))
    possible = (base[places] < block[of]) & (items.marks[base[places]] == items.marks[block[of]])
    of, places, means = of[possible], places[possible], means[possible]
    least = np.empty(len(of), dtype=np.float32)
    sides = items.texts.shape[1]
    for start in range(0, len(of), _CHECKED):
        some = slice(start, start + _CHECKED)
        products = queries[of[some]] * vectors[places[some]]
        cosines = products.reshape(len(products), sides, -1).sum(axis=2) * sides
        least[some] = cosines.min(axis=1)
    near = least >= similarity - _ROUNDING
    found = np.empty(int(near.sum()), dtype=_CANDIDATE)
    found["item"], found["other"] = block[of[near]], base[places[near]]
    found["mean"], found["least"] = means[near], least[near]
    return found


def _verified(
    items: Items, candidates: NDArray, edit: float, dropped: set[int]
) -> Iterator[Near]:
    """Yield the first near one that is spelt alike too and is not in *dropped*, item by item."""
    order = np.lexsort((candidates["other"], -candidates["mean"], candidates["item"]))
    done = -1
    for item, other, _, least in candidates[order].tolist():
        if item == done or other in dropped:
            continue
        alike = min(map(Levenshtein.normalized_similarity, items.keys(item), items.keys(other)))
        if alike >= edit:
            done = item
            yield Near(item, other, min(least, 1.0), alike)
