"""Immutable FAISS files: written once, checksummed, memory-mapped by readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from searchkbd.errors import IndexDamagedError
from searchkbd.index.files import IndexFile, check_size, write_file

SUFFIX = ".faiss"


def write_vectors(
    directory: Path, lang: str, rows: np.ndarray, vectors: np.ndarray
) -> IndexFile:
    """Write one inner-product index of *vectors* into *directory*, durable on return.

    *rows* is int64 [n], ascending: the ``sentences.row`` of each vector. *vectors* is float32
    [n, dim], unit length. Raises OSError when the disk is full or not writable.
    """
    import faiss

    index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
    index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), rows.astype(np.int64))
    # In memory first: FAISS reports a full disk as a bare RuntimeError and cannot fsync.
    data = memoryview(faiss.serialize_index(index))
    return write_file(directory, SUFFIX, lang, int(rows[0]), len(rows), data)


class Partition:
    """The memory-mapped vectors of one file.

    Raises IndexDamagedError when the file is missing, short or not a FAISS file. Checksums are
    the business of ``searchkbd verify``: reading every byte would cost more than a search.
    """

    def __init__(self, directory: Path, file: IndexFile) -> None:
        import faiss  # here, since a lexical search needs none of it

        path = directory / file.name
        check_size(path, file)
        try:
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
            self._flat = faiss.downcast_index(self._index.index)
        except (RuntimeError, AttributeError) as error:
            raise IndexDamagedError(
                f"{path}: not a readable FAISS file; rebuild the index with --replace"
            ) from error
        self.lang = file.lang
        self.rows: np.ndarray = faiss.vector_to_array(self._index.id_map)
        """int64 [n], ascending: the ``sentences.row`` of each vector."""
        if len(self.rows) != file.rows:
            raise IndexDamagedError(
                f"{path}: {len(self.rows)} vectors, {file.rows} expected; "
                "rebuild the index with --replace"
            )

    @property
    def dim(self) -> int:
        return self._index.d

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores float32 [q, k'] and rows int64 [q, k'], best first, k' = min(k, n).

        *queries* is float32 [q, dim], unit length; scores are inner products, so cosines.
        """
        import faiss

        if len(queries) == 1:
            # Two threads make one exact query slower, not faster (docs/benchmarks.md).
            threads = faiss.omp_get_max_threads()
            faiss.omp_set_num_threads(1)
            try:
                return self._index.search(queries, min(k, len(self.rows)))
            finally:
                faiss.omp_set_num_threads(threads)
        return self._index.search(queries, min(k, len(self.rows)))

    def vectors(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of *rows* (int64 [m]) are here (bool [m]) and their vectors [hits, dim]."""
        at = np.searchsorted(self.rows, rows)
        at[at == len(self.rows)] = 0
        here = self.rows[at] == rows
        found = at[here]
        if not len(found):
            return here, np.empty((0, self.dim), dtype=np.float32)
        return here, self._flat.reconstruct_batch(found)
