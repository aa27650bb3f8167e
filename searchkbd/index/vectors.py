"""Vector files: the vectors of a segment in half precision, a memory-mapped FAISS index each.

Half precision moves a cosine by less than 0.0005 and costs no recall (docs/benchmarks.md), for
half the bytes of every exact scan.
"""

from __future__ import annotations

import ctypes
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.index.files import IndexFile, check_size, check_sum, damaged, map_bytes, write_file

_CHUNK = 8192  # vectors widened at a time
_COUNT_AT = 8  # where a FAISS file has the number of vectors: after its kind and the dimension
_SIGN_AND_HALF = np.int32(-0x70000001)  # all bits but the three that a sign spreads into
_TWO_112 = np.float32(2.0**112)


def write_vectors(
    directory: Path, lang: str, segment: int, vectors: NDArray[np.floating]
) -> IndexFile:
    """Write the vectors of *segment* into the index *directory*, durable on return.

    *vectors* is float [n, dim], unit length. Raises OSError when the disk is full or not writable.
    """
    import faiss

    index = faiss.IndexScalarQuantizer(
        vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    for start in range(0, len(vectors), _CHUNK):
        part = np.ascontiguousarray(vectors[start : start + _CHUNK], dtype=np.float32)
        if start == 0:
            index.train(part)  # learns nothing of half precision, but FAISS wants it
        index.add(part)
    # In memory first: FAISS reports a full disk as a bare RuntimeError and cannot fsync.
    return write_file(directory, "vectors", lang, segment, memoryview(faiss.serialize_index(index)))


def widen(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the float32 numbers that the bits of half-precision ones stand for."""
    return halves.view("<f2").astype(np.float32)


def inner_products(
    halves: NDArray[np.uint16], query: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return float32 [n], the inner products of *halves*, [n, dim], and *query*, [dim].

    As with ``widen``, several times as fast: exponents are left as half precision has them, 112
    too low in single precision, and the query makes up for it. Infinities, which no unit vector
    has, would come out as numbers.
    """
    bits = halves.view("<i2").astype(np.int32)
    bits <<= 13
    bits &= _SIGN_AND_HALF
    # Not a BLAS product: with other load on the machine its threads wait for each other for
    # milliseconds, and this is a few microseconds of work.
    return np.vecdot(bits.view(np.float32), query * _TWO_112)


@cache
def _empty_file(dim: int) -> bytes:
    """Return the file of no vectors, which is all of a file but their number and themselves."""
    import faiss

    index = faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.is_trained = True
    return faiss.serialize_index(index).tobytes()


def _has_head(path: Path, rows: int, dim: int) -> bool:
    """Return whether *path* begins as this FAISS begins a file of so many vectors.

    False for a damaged file, one that is gone, and one that another FAISS began otherwise.
    """
    expected = bytearray(_empty_file(dim))
    expected[_COUNT_AT : _COUNT_AT + 8] = rows.to_bytes(8, "little")
    expected[-8:] = (2 * rows * dim).to_bytes(8, "little")
    try:
        with path.open("rb") as file:
            return file.read(len(expected)) == expected
    except OSError:
        return False


class VectorFile:
    """The memory-mapped vectors of one segment; a vector is known by its place in it.

    Raises IndexDamagedError when the file is missing, short or not what it should be. Its bytes
    are not read before they are searched; :meth:`check` does.
    """

    def __init__(self, directory: Path, file: IndexFile, rows: int, dim: int) -> None:
        import faiss  # here, since a lexical search needs none of it

        self._file = file
        self._path = path = file.path(directory)
        check_size(path, file)
        self._content = map_bytes(path)  # for check, when the file may be gone
        if not _has_head(path, rows, dim):
            check_sum(path, file)  # FAISS trusts what it reads: it would crash on damage
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise damaged(path, "not a readable FAISS file") from error
        if (
            not isinstance(index, faiss.IndexScalarQuantizer)
            or index.sq.qtype != faiss.ScalarQuantizer.QT_fp16
            or index.metric_type != faiss.METRIC_INNER_PRODUCT
            or (index.ntotal, index.d) != (rows, dim)
            or index.codes.size() != rows * dim * 2
        ):
            raise damaged(path, f"not {rows} vectors of {dim} dimensions in half precision")
        self._index = index

    @cached_property
    def halves(self) -> NDArray[np.uint16]:
        """uint16 [n, dim]: the bits of the half-precision vectors, where they lie in the file."""
        index = self._index
        start = int(index.codes.data())
        bits = (ctypes.c_uint8 * index.codes.size()).from_address(start)
        bits.owner = index  # unmapped when the last array over it is gone, not before
        halves = np.frombuffer(bits, dtype="<u2").reshape(index.ntotal, index.d)
        halves.flags.writeable = False  # nor is the map: writing would end the process
        return halves

    def search(
        self, queries: NDArray[np.float32], k: int, live: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scan all vectors: return scores and places, [q, k'], best first, k' at most *k*.

        With *live*, bool [n], only of those. A place of -1 stands for no vector.
        """
        import faiss

        k = min(k, self._index.ntotal)
        if live is None:
            return self._index.search(queries, k)
        bitmap = np.packbits(live, bitorder="little")
        selector = faiss.IDSelectorBitmap(bitmap)
        return self._index.search(queries, k, params=faiss.SearchParameters(sel=selector))

    def check(self) -> None:
        """Raise IndexDamagedError unless every byte is what was written."""
        self._checked  # noqa: B018 (once)

    @cached_property
    def _checked(self) -> bool:
        check_sum(self._path, self._file, self._content)
        del self._content  # what is mapped and read counts as memory
        return True
