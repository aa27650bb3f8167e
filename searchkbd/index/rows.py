"""Row files: which sentences the vectors of a segment are of, and what is known of each vector.

``rows`` are ``sentences.row``, ascending; ``sums`` the sum of each vector's words, by which
a reader checks the vectors that it uses without reading the others; ``hubness`` what
searchkbd.index.hubness measures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.tensors import TensorFileError, map_tensors, tensor_bytes
from searchkbd.index.files import IndexFile, check_size, check_sum, damaged, write_file


def vector_sums(halves: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Return uint64 [n]: the sum of the words of each row of *halves*, uint16 [n, dim].

    Words of 64 bits where they divide the row, modulo 2**64. Any single changed bit changes it.
    """
    words = halves if halves.shape[1] % 4 else np.ascontiguousarray(halves).view("<u8")
    return words.sum(axis=1, dtype=np.uint64)


def write_rows(
    directory: Path,
    lang: str,
    segment: int,
    rows: NDArray[np.int64],
    sums: NDArray[np.uint64],
    hubness: NDArray[np.floating],
) -> IndexFile:
    """Write the row file of *segment* into the index *directory*, durable on return.

    Raises OSError when the disk is full or not writable.
    """
    arrays = {
        "rows": np.asarray(rows, dtype=np.int64),
        "sums": np.asarray(sums, dtype=np.uint64),
        "hubness": np.asarray(hubness, dtype=np.float16),
    }
    return write_file(directory, "rows", lang, segment, tensor_bytes(arrays))


class RowFile:
    """The mapped arrays of one row file, checked as a whole: they are few bytes.

    Raises IndexDamagedError when the file is missing or not what was written.
    """

    def __init__(self, directory: Path, file: IndexFile, rows: int) -> None:
        path = file.path(directory)
        check_size(path, file)
        check_sum(path, file)
        try:
            mapped = map_tensors(path)
            self.rows: NDArray[np.int64] = mapped.take("rows", "<i8", rows)
            """int64 [n], ascending: the ``sentences.row`` of each vector."""
            self.sums: NDArray[np.uint64] = mapped.take("sums", "<u8", rows)
            """uint64 [n]: ``vector_sums`` of each vector."""
            self.hubness: NDArray[np.float16] = mapped.take("hubness", "<f2", rows)
            """float16 [n]; 0 where nothing was measured."""
        except TensorFileError as error:
            raise damaged(path, str(error)) from error
