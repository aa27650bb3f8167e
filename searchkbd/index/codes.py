"""Codes: the vectors of many segments of a language, compressed so that a search reads little.

A rotation, then product quantisation (Jégou, Douze, Schmid 2011, "Product Quantization for Nearest
Neighbor Search") to 4 bits for every four or eight dimensions, scanned in registers (André,
Kermarrec, Le Scouarnec 2015, "Cache Locality Is Not Enough: High-Performance Nearest Neighbor
Search with Product Quantization Fast Scan"): 64 or 32 bytes for 512 dimensions instead of 1,024.
Their order is only nearly right, so they give candidates, which searchkbd.index.partition compares
with the vectors themselves. From IVF_ROWS on, inverted lists in front leave many codes unread.

One part more holds what a search takes off for hubness (searchkbd.index.hubs), so that candidates
come in the order of the scores that hits are ranked by; by cosines alone, it would take three times
as many of them.

A vector is known by its position: segments one after the other, in the order of ``segments``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from searchkbd.index import hubs
from searchkbd.index.files import IndexFile, check_size, check_sum, damaged
from searchkbd.index.rows import RowFile
from searchkbd.index.vectors import VectorFile, widen

CODES_ROWS = 8_192
"""Vectors of a language from which codes pay; below, a scan takes about as long
(docs/benchmarks.md)."""

IVF_ROWS = 4_000_000
"""Vectors of a language from which inverted lists pay."""

TRAINING_ROWS = 16_384
"""Vectors that 16 centroids for each part, and the rotation, are learned from."""

FINE_ROWS = 131_072
"""Vectors up to which codes are twice as long: they fit the processor's cache all the same, and
a third of the candidates will do."""

_LIST_ROWS = 32  # training rows for each inverted list
_CHUNK = 16_384  # vectors widened at a time
_FINE = (4, 6, 2, 8, 10, 12, 16)
_COARSE = (8, 6, 10, 12, 16, 4, 2)
"""Dimensions for 4 bits, the best first; the first that divides the dimension is taken."""


class Block(Protocol):
    """What codes are made of: a segment."""

    def __len__(self) -> int: ...

    @property
    def row_file(self) -> RowFile:
        """What is known of each vector."""
        ...

    def read_vectors(self) -> VectorFile:
        """Return the vectors, mapped anew."""
        ...


class Recall(str, Enum):
    """How sure a search is to find the nearest neighbours, against how long it takes."""

    FAST = "fast"
    BALANCED = "balanced"
    EXACT = "exact"


TARGETS = {Recall.FAST: 0.95, Recall.BALANCED: 0.992}
"""Share of the ten hits of an exact search that each level is set to find."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How codes are searched, and what that finds.

    ``candidates`` vectors are compared in full; ``lists`` inverted lists are read (0: there are
    none); ``recall`` is the share of an exact search's ten hits that were found when it was
    measured.
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
    except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(f"codes {row}: {error}") from error
    return CodesEntry(row, lang, kind, rows, levels)


def width(dim: int, rows: int) -> int | None:
    """Return how many dimensions share 4 bits in codes of *rows* vectors.

    None where no width fits, and codes cannot be.
    """
    widths = _FINE if rows <= FINE_ROWS else _COARSE
    return next((width for width in widths if dim % width == 0 and dim > width), None)


def code_bytes(dim: int, rows: int) -> int:
    """Return the bytes of one code of *rows*."""
    return (dim // (width(dim, rows) or 1) + 2) // 2


def make_codes(
    segments: Sequence[Block], dim: int, step: Callable[[int], None] = lambda rows: None
) -> tuple[str, memoryview]:
    """Return the kind and the content of the codes of *segments*, one after the other.

    Learns from vectors drawn evenly. Memory: the codes twice over, and some 500 MB. *step* is
    called with the number of vectors that have got codes since.
    """
    import faiss

    total = sum(map(len, segments))
    room = width(dim, total)
    parts = dim // room
    spec = f"PQ{parts + 1}x4fs"
    kind, learn = "pq", TRAINING_ROWS
    if total >= IVF_ROWS:
        lists = 1 << round(np.log2(2 * np.sqrt(total)))
        kind, spec, learn = "ivfpq", f"IVF{lists},{spec}", max(TRAINING_ROWS, _LIST_ROWS * lists)
    quantizer = faiss.index_factory(room * (parts + 1), spec, faiss.METRIC_INNER_PRODUCT)
    if kind == "ivfpq":
        inverted = faiss.extract_index_ivf(quantizer)
        inverted.cp.niter = 8
        inverted.cp.max_points_per_centroid = _LIST_ROWS
        # Of the vectors themselves: codes of one list are comparable with those of another.
        inverted.by_residual = False
    sample = _drawn(segments, total, min(learn, total))
    # The last number of a vector is put into a part of its own, as it is.
    matrix = np.zeros((room * (parts + 1), dim + 1), dtype=np.float32)
    matrix[:dim, :dim] = _rotation(sample[:TRAINING_ROWS, :dim], parts)
    matrix[dim, dim] = 1
    rotation = faiss.LinearTransform(dim + 1, len(matrix), False)
    faiss.copy_array_to_vector(matrix.ravel(), rotation.A)
    rotation.is_trained = True
    index = faiss.IndexPreTransform(rotation, quantizer)
    index.train(sample)
    for segment in segments:
        for start in range(0, len(segment), _CHUNK):
            part = np.arange(start, min(start + _CHUNK, len(segment)))
            index.add(_with_hubness(segment, part))
            step(len(part))
    return kind, memoryview(faiss.serialize_index(index))


def _rotation(sample: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """Return float32 [dim, dim]: principal components, dealt out to *parts* of equal size so that
    the product of the variances is about the same in each.

    The parametric solution of Ge, He, Ke, Sun 2014, "Optimized Product Quantization": it needs a
    third of the candidates that unrotated vectors need, and no iterations.
    """
    centred = sample - sample.mean(axis=0)
    variances, components = np.linalg.eigh(centred.T @ centred / len(sample))
    room = len(variances) // parts
    logs = np.log(np.maximum(variances[::-1], 1e-12))
    logs -= logs.min() - 1  # each takes a little: positive, or an empty part would stay empty
    filled: list[list[int]] = [[] for _ in range(parts)]
    loads = [0.0] * parts
    for component, weight in enumerate(logs.tolist()):
        part = min((p for p in range(parts) if len(filled[p]) < room), key=loads.__getitem__)
        filled[part].append(component)
        loads[part] += weight
    order = [component for part in filled for component in part]
    return components[:, ::-1].T[order].astype(np.float32)


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
        if (index.ntotal, index.d) != (total, dim + 1):
            raise damaged(path, f"not the codes of {total} vectors of {dim} dimensions")
        self._index = index
        self._ivf = faiss.try_extract_index_ivf(index)
        self.entry = entry

    def __len__(self) -> int:
        return self._index.ntotal

    @property
    def lists(self) -> int:
        """How many inverted lists there are; 0 for none."""
        return self._ivf.nlist if self._ivf is not None else 0

    def search(
        self, queries: NDArray[np.float32], count: int, lists: int, less_hubs: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return approximate scores and positions, [q, count'], best first; -1: no vector.

        Scores are inner products, with *less_hubs* less half the hubness.
        """
        import faiss

        last = np.full((len(queries), 1), less_hubs, dtype=np.float32)
        queries = np.hstack([queries, last])

        count = min(count, self._index.ntotal)
        if self._ivf is None:
            return self._index.search(queries, count)
        reading = faiss.IVFSearchParameters(nprobe=max(1, min(lists, self.lists)))
        parameters = faiss.SearchParametersPreTransform(index_params=reading)
        return self._index.search(queries, count, params=parameters)


def _drawn(segments: Sequence[Block], total: int, count: int) -> NDArray[np.float32]:
    """Return *count* vectors, evenly from all *segments*."""
    places = np.arange(count) * total // count
    parts = []
    start = 0
    for segment in segments:
        stop = start + len(segment)
        mine = places[(places >= start) & (places < stop)] - start
        parts.append(_with_hubness(segment, mine))
        start = stop
    return np.concatenate(parts)


def _with_hubness(segment: Block, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return float32 [m, dim + 1]: the vectors at *places* and what each loses for its hubness."""
    vectors = widen(segment.read_vectors().halves[places])
    lost = hubs.WEIGHT * np.maximum(segment.row_file.hubness[places].astype(np.float32), 0)
    return np.hstack([vectors, -lost[:, None]])
