"""Text files: what the translation memory and the concordance read of sentences, mapped.

One safetensors file for the same rows as a vector file: sketches and base forms for fuzzy matches
(searchkbd.index.sketches), words and their places for the concordance (searchkbd.index.tokens).
All of it is made of the search keys and can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.tensors import TensorFileError, map_tensors, tensor_bytes
from searchkbd.errors import IndexDamagedError
from searchkbd.index import sketches, tokens
from searchkbd.index.files import IndexFile, check_size, write_file
from searchkbd.text.segment import base_form

SUFFIX = ".safetensors"


def write_texts(directory: Path, lang: str, rows: np.ndarray, keys: Sequence[str]) -> IndexFile:
    """Write the text file of sentences with these search keys, durable on return.

    *rows* is int64 [n], ascending: the ``sentences.row`` of each key. Raises OSError when the
    disk is full or not writable.
    """
    arrays = {
        "rows": np.asarray(rows, dtype=np.int64),
        **sketches.build([base_form(key) for key in keys]),
        **tokens.build(keys),
    }
    return write_file(
        directory, SUFFIX, lang, int(rows[0]), len(rows), tensor_bytes(arrays)
    )


class TextFile:
    """The mapped arrays of one file.

    Raises IndexDamagedError when the file is missing, short or not a safetensors file.
    """

    def __init__(self, directory: Path, file: IndexFile) -> None:
        path = directory / file.name
        check_size(path, file)
        try:
            mapped = map_tensors(path)
            self.rows: NDArray[np.int64] = mapped.take("rows", "<i8", file.rows)
            """int64 [n], ascending: the ``sentences.row`` of each sentence."""
        except TensorFileError as error:
            raise IndexDamagedError(f"{path}: {error}; rebuild the index with --replace") from error
        self.lang = file.lang
        self.arrays: Mapping[str, NDArray] = mapped.arrays
