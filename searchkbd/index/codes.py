"""Codes: the vectors of many segments of a language, compressed so that a search reads little.

Product quantisation (Jégou, Douze, Schmid 2011, "Product Quantization for Nearest Neighbor Search")
to 4 bits for every eight dimensions, scanned in registers (André, Kermarrec, Le Scouarnec 2015,
"Cache Locality Is Not Enough: High-Performance Nearest Neighbor Search with Product Quantization
Fast Scan"): 32 bytes for 512 dimensions instead of 1,024. Their order is only nearly right, so they
give candidates, which searchkbd.index.partition compares with the vectors themselves. From
IVF_ROWS on, inverted lists in front of them leave most codes unread.

A vector is known by its position: segments one after the other, in the order of ``segments``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.index.files import IndexFile, check_size, check_sum, damaged

CODES_ROWS = 32_768
"""Vectors of a language from which codes pay; below, a scan takes about as long
(docs/benchmarks.md)."""

IVF_ROWS = 2_000_000
"""Vectors of a language from which inverted lists pay."""

TRAINING_ROWS = 65_536
_LIST_ROWS = 32  # training rows for each inverted list
_WIDTHS = (8, 4, 12, 16, 6, 10, 2)
"""Dimensions for 4 bits, the best first; the first that divides the dimension is taken."""


class Recall(str, Enum):
    """How sure a search is to find the nearest neighbours, against how long it takes."""

    FAST = "fast"
    BALANCED = "balanced"
    EXACT = "exact"


TARGETS = {Recall.FAST: 0.95, Recall.BALANCED: 0.995}
"""Share of the true ten nearest neighbours that each level is set to find."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How codes are searched, and what that finds.

    ``candidates`` vectors are compared in full; ``lists`` inverted lists are read (0: there are
    none); ``recall`` is the share of the true ten nearest that were found when it was measured.
    """

    candidates: int
    lists: int
    recall: float


@dataclass(frozen=True, slots=True)
class CodesEntry:
    """A row of ``codes``. ``kind`` is ``pq`` or ``ivfpq``; ``efforts`` by level of recall."""

    row: int
    lang: str
    kind: str
    segments: tuple[int, ...]
    efforts: Mapping[Recall, Effort]



def settings(efforts: Mapping[Recall, Effort]) -> str:
    """Return how codes are searched as it is stored."""
    return json.dumps({level.value: asdict(effort) for level, effort in efforts.items()})


def read_entry(row: int, lang: str, kind: str, segments: str, efforts: str) -> CodesEntry:
    """Return the entry that a row of ``codes`` holds; raises ValueError for one that is none."""
    try:
        rows = tuple(int(number) for number in json.loads(segments))
        levels = {
            Recall(level): Effort(
                int(effort["candidates"]), int(effort["lists"]), float(effort["recall"])
            )
            for level, effort in json.loads(efforts).items()
        }
        if not set(TARGETS) <= set(levels) or any(e.candidates < 1 for e in levels.values()):
            raise ValueError("no settings")
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(f"codes {row}: {error}") from error
    return CodesEntry(row, lang, kind, rows, levels)


def width(dim: int) -> int | None:
    """Return how many dimensions share 4 bits; None where no width fits, and codes cannot be."""
    return next((width for width in _WIDTHS if dim % width == 0 and dim > width), None)


def code_bytes(dim: int) -> int:
    """Return the bytes of one code."""
    return -(-dim // (width(dim) or 1) // 2)


def make_codes(blocks: Sequence[NDArray[np.uint16]], dim: int) -> tuple[str, memoryview]:
    """Return the kind and the content of the codes of *blocks*, the halves of each segment.

    Learns from vectors drawn evenly. Memory: the codes twice over, and some 500 MB.
    """
    import faiss

    total = sum(map(len, blocks))
    spec = f"PQ{dim // width(dim)}x4fs"
    kind, learn = "pq", TRAINING_ROWS
    if total >= IVF_ROWS:
        lists = 1 << round(np.log2(2 * np.sqrt(total)))
        kind, spec, learn = "ivfpq", f"IVF{lists},{spec}", max(TRAINING_ROWS, _LIST_ROWS * lists)
    index = faiss.index_factory(dim, spec, faiss.METRIC_INNER_PRODUCT)
    if kind == "ivfpq":
        inverted = faiss.extract_index_ivf(index)
        inverted.cp.niter = 8
        inverted.cp.max_points_per_centroid = _LIST_ROWS
        # Of the vectors themselves: codes of one list are comparable with those of another.
        inverted.by_residual = False
    index.train(_drawn(blocks, total, min(learn, total)))
    for part in _widened(blocks):
        index.add(part)
    return kind, memoryview(faiss.serialize_index(index))


class Codes:
    """The mapped codes of one entry; checked as a whole, since a search reads all of them.

    Raises IndexDamagedError when the file is missing or not what was written.
    """

    def __init__(
        self, directory: Path, file: IndexFile, entry: CodesEntry, total: int, dim: int
    ) -> None:
        import faiss

        path = file.path(directory)
        check_size(path, file)
        check_sum(path, file)
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise damaged(path, "not a readable FAISS file") from error
        if (index.ntotal, index.d) != (total, dim):
            raise damaged(path, f"not the codes of {total} vectors of {dim} dimensions")
        self._index = index
        self._ivf = faiss.try_extract_index_ivf(index) if entry.kind == "ivfpq" else None
        self.entry = entry

    def __len__(self) -> int:
        return self._index.ntotal

    @property
    def lists(self) -> int:
        """How many inverted lists there are; 0 for none."""
        return self._ivf.nlist if self._ivf is not None else 0

    def search(
        self, queries: NDArray[np.float32], count: int, lists: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return approximate scores and positions, [q, count'], best first; -1: no vector."""
        import faiss

        count = min(count, self._index.ntotal)
        if self._ivf is None:
            return self._index.search(queries, count)
        parameters = faiss.IVFSearchParameters(nprobe=max(1, min(lists, self.lists)))
        return self._index.search(queries, count, params=parameters)


def _drawn(
    blocks: Sequence[NDArray[np.uint16]], total: int, count: int
) -> NDArray[np.float32]:
    """Return *count* vectors, evenly from all *blocks*."""
    places = np.arange(count) * total // count
    starts = np.concatenate([[0], np.cumsum([len(block) for block in blocks])])
    parts = [
        block[places[(places >= start) & (places < start + len(block))] - start]
        for block, start in zip(blocks, starts[:-1].tolist(), strict=True)
    ]
    return np.concatenate(parts).view("<f2").astype(np.float32)


def _widened(blocks: Sequence[NDArray[np.uint16]]) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        for start in range(0, len(block), 16_384):
            yield block[start : start + 16_384].view("<f2").astype(np.float32)
