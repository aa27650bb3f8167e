"""The word table of a model, read from its safetensors file as it is: a row at a time.

LaBSE's has 501,153 rows and is 82 % of its bytes; a text needs a dozen of them. They are read, not
mapped: with each row, a mapped file brings its neighbours into the memory of the process, until a
build holds most of the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import Place, TensorFileError, find_tensors

_NAME = "embeddings.word_embeddings.weight"
_BFLOAT16 = "BF16"


class WordTable:
    """Rows of float32, float16 or bfloat16 in a file, which ``rows`` gives as float32."""

    def __init__(self, path: Path, place: Place) -> None:
        self.shape: tuple[int, int] = place.shape
        """Pieces and dimensions."""
        self._path = path
        self._place = place

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32 [*ids.shape, dimensions].

        Raises EncoderError for an id that the table has no row for, and a file that was cut.
        """
        different, places = np.unique(ids, return_inverse=True)
        if len(different) and not 0 <= different[0] <= different[-1] < self.shape[0]:
            raise EncoderError(
                f"{self._path}: {self.shape[0]:,} words, but the tokenizer has more; fetch the "
                "model again"
            )
        width = self.shape[1]
        found = np.empty((len(different), width), self._place.dtype)
        # Opened for each batch: threads need places of their own in the file.
        with self._path.open("rb", buffering=0) as file:
            for row, piece in zip(found, different.tolist(), strict=True):
                file.seek(self._place.start + piece * width * found.itemsize)
                if file.readinto(row) != row.nbytes:
                    raise EncoderError(f"{self._path}: shorter than it was; fetch the model again")
        if self._place.kind == _BFLOAT16:  # the upper half of a float32
            found = (found.astype(np.uint32) << 16).view(np.float32)
        return found.astype(np.float32, copy=False)[places.reshape(ids.shape)]


def open_table(weights: Iterable[Path]) -> WordTable:
    """Open the word table, which one of the files *weights* holds; raises EncoderError."""
    for path in weights:
        try:
            places, _ = find_tensors(path)
            for name, place in places.items():
                if name.endswith(_NAME) and len(place.shape) == 2:
                    return WordTable(path, place)
        except (OSError, TensorFileError) as error:
            raise EncoderError(f"{path}: damaged ({error}); fetch the model again") from error
    raise EncoderError(f"no word table (…{_NAME}) among the weights of the model")
