"""Text files: what the translation memory and the concordance read of sentences, mapped.

One safetensors file for each segment: sketches and base forms for fuzzy matches
(searchkbd.index.sketches), words and their places for the concordance (searchkbd.index.tokens).
All of it is made of the search keys and can be made again.

The metadata of the file hold a checksum of every array and one of the header. A reader checks an
array when it is first asked for, so it reads none that it does not use.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.tensors import TensorFile, TensorFileError, map_tensors, tensor_bytes
from searchkbd.index import sketches, tokens
from searchkbd.index.files import IndexFile, check_size, damaged, word_sum, write_file
from searchkbd.text.segment import base_form


def write_texts(
    directory: Path, lang: str, segment: int, rows: NDArray[np.int64], keys: Sequence[str]
) -> IndexFile:
    """Write the text file of *segment* into the index *directory*, durable on return.

    *rows* is int64 [n], ascending: the ``sentences.row`` of each search key. Raises OSError when
    the disk is full or not writable.
    """
    arrays = {
        "rows": np.asarray(rows, dtype=np.int64),
        **sketches.build([base_form(key) for key in keys]),
        **tokens.build(keys),
    }
    sums = {name: _array_sum(array) for name, array in arrays.items()}
    metadata = {_SUMS: json.dumps(sums), _CHECK: str(_header_check(arrays, sums))}
    return write_file(directory, "texts", lang, segment, tensor_bytes(arrays, metadata))


_SUMS, _CHECK = "sums", "check"


def _array_sum(array: NDArray) -> int:
    return word_sum(array.reshape(-1).view(np.uint8))


def _header_check(arrays: Mapping[str, NDArray], sums: Mapping[str, int]) -> int:
    """Return the CRC-32 of what the header says of each array."""
    said = sorted((name, a.dtype.str, a.shape, sums[name]) for name, a in arrays.items())
    return zlib.crc32(repr(said).encode())


class _Checked(dict):
    """Arrays of a file by name, each checked when it is first asked for."""

    def __init__(self, path: Path, mapped: TensorFile) -> None:
        self._path = path
        self._mapped = mapped.arrays
        try:
            self._sums = {n: int(s) for n, s in json.loads(mapped.metadata[_SUMS]).items()}
            check = _header_check(self._mapped, self._sums)
            if mapped.metadata[_CHECK] != str(check) or len(self._sums) != len(self._mapped):
                raise ValueError("checksum")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(path, f"its header is not what was written ({error})") from error

    def __missing__(self, name: str) -> NDArray:
        array = self._mapped[name]
        if _array_sum(array) != self._sums[name]:
            raise damaged(self._path, f"{name} is not what was written (checksum)")
        self[name] = array
        return array


class TextFile:
    """The mapped arrays of one file, and which of its sentences are *live* (None: all).

    Raises IndexDamagedError when the file is missing, short or not what was written; so does
    ``arrays`` when it is asked for a damaged one.
    """

    def __init__(
        self,
        directory: Path,
        file: IndexFile,
        lang: str,
        rows: int,
        live: NDArray[np.bool_] | None,
    ) -> None:
        path = file.path(directory)
        check_size(path, file)
        try:
            mapped = map_tensors(path)
            mapped.take("rows", "<i8", rows)
        except (TensorFileError, OSError) as error:
            raise damaged(path, str(error)) from error
        self.lang = lang
        self.live = live
        self.arrays: Mapping[str, NDArray] = _Checked(path, mapped)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """int64 [n], ascending: the ``sentences.row`` of each sentence."""
        return self.arrays["rows"]
