"""The word table of a model, read from its safetensors file as it is: mapped, never loaded.

LaBSE's has 501,153 rows and is 82 % of its bytes; a text needs a dozen of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import TensorFileError, map_tensors

_NAME = "embeddings.word_embeddings.weight"


class WordTable:
    """Rows of float32, float16 or bfloat16, mapped; ``rows`` gives them as float32."""

    def __init__(self, array: NDArray, bfloat16: bool) -> None:
        self._array = array
        self._bfloat16 = bfloat16

    @property
    def shape(self) -> tuple[int, int]:
        """Pieces and dimensions."""
        return self._array.shape

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return float32 [*ids.shape, dimensions]."""
        found = self._array[ids]
        if self._bfloat16:  # the upper half of a float32
            return (found.astype(np.uint32) << 16).view(np.float32)
        return found.astype(np.float32, copy=False)


def open_table(weights: Iterable[Path]) -> WordTable:
    """Map the word table, which one of the files *weights* holds; raises EncoderError."""
    for path in weights:
        try:
            arrays = map_tensors(path)
        except (OSError, TensorFileError) as error:
            raise EncoderError(f"{path}: damaged ({error}); fetch the model again") from error
        for name, array in arrays.arrays.items():
            if name.endswith(_NAME) and array.ndim == 2:
                return WordTable(array, array.dtype == np.uint16)
    raise EncoderError(f"no word table (…{_NAME}) among the weights of the model")
