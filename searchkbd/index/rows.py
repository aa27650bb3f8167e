"""Row files: which sentences the vectors of a segment are of, and what is known of each vector.

``rows`` are ``sentences.row``, ascending; ``hubness`` what searchkbd.index.hubness measures;
``sums`` a checksum of each row's number, hubness and vector, by which a reader checks what it uses
without reading the rest.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.tensors import TensorFileError, map_tensors, tensor_bytes
from searchkbd.index.files import IndexFile, check_size, check_sum, damaged, map_bytes, write_file

_ROW = np.uint64(0x9E3779B97F4A7C15)
_HUBNESS = np.uint64(0xC2B2AE3D27D4EB4F)


def row_sums(
    halves: NDArray[np.uint16], rows: NDArray[np.int64], hubness: NDArray[np.float16]
) -> NDArray[np.uint64]:
    """Return uint64 [n]: the sum of each vector's words, its row and its hubness, modulo 2**64.

    *halves* is uint16 [n, dim]; its words have 64 bits where they divide the row. Row and hubness
    are multiplied by odd numbers, so that any single changed bit changes the sum.
    """
    words = halves if halves.shape[1] % 4 else np.ascontiguousarray(halves).view("<u8")
    sums = words.sum(axis=1, dtype=np.uint64)
    sums += rows.astype(np.uint64) * _ROW
    sums += hubness.astype(np.float16).view(np.uint16).astype(np.uint64) * _HUBNESS
    return sums


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
    """The mapped arrays of one row file.

    Raises IndexDamagedError when the file is missing, short or not a safetensors file. Its bytes
    are checked where they are used, by ``sums``, or all by :meth:`check`.
    """

    def __init__(self, directory: Path, file: IndexFile, rows: int) -> None:
        self._file = file
        self._path = path = file.path(directory)
        check_size(path, file)
        self._content = map_bytes(path)  # for check, when the file may be gone
        try:
            mapped = map_tensors(path)
            self.rows: NDArray[np.int64] = mapped.take("rows", "<i8", rows)
            """int64 [n], ascending: the ``sentences.row`` of each vector."""
            self.sums: NDArray[np.uint64] = mapped.take("sums", "<u8", rows)
            """uint64 [n]: ``row_sums``."""
            self.hubness: NDArray[np.float16] = mapped.take("hubness", "<f2", rows)
            """float16 [n]; 0 where nothing was measured."""
        except (TensorFileError, OSError) as error:
            raise damaged(path, str(error)) from error

    def check(self) -> None:
        """Raise IndexDamagedError unless every byte is what was written."""
        self._checked  # noqa: B018 (once)

    @cached_property
    def _checked(self) -> bool:
        check_sum(self._path, self._file, self._content)
        del self._content  # what is mapped and read counts as memory
        return True
