"""Text files: what the translation memory and the concordance read of sentences, mapped.

One safetensors file for each segment: sketches and base forms for fuzzy matches
(searchkbd.index.sketches), words and their places for the concordance (searchkbd.index.tokens).
All of it is made of the search keys and can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.tensors import TensorFileError, map_tensors, tensor_bytes
from searchkbd.index import sketches, tokens
from searchkbd.index.files import IndexFile, check_size, damaged, write_file
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
    return write_file(directory, "texts", lang, segment, tensor_bytes(arrays))


class TextFile:
    """The mapped arrays of one file, and which of its sentences are *live* (None: all).

    Raises IndexDamagedError when the file is missing, short or not a safetensors file.
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
            self.rows: NDArray[np.int64] = mapped.take("rows", "<i8", rows)
            """int64 [n], ascending: the ``sentences.row`` of each sentence."""
        except TensorFileError as error:
            raise damaged(path, str(error)) from error
        self.lang = lang
        self.live = live
        self.arrays: Mapping[str, NDArray] = mapped.arrays
