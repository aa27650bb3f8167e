"""The end of the teacher: from the pooled features of a text to its vector.

It is a small part of the teacher (1.7 of 68 million numbers), and the one that can be tuned on
parallel text in minutes (``searchkbd.training.head``). The tuned one ships with the package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError, Vectors
from searchkbd.encoders.tensors import TensorFile, TensorFileError, map_tensors, write_tensors

FORMAT = "searchkbd-head-1"
DEFAULT_PATH = Path(__file__).parents[1] / "resources" / "head.safetensors"

POOLED = 1280
"""Pooled features of a text."""
DIM = 512
_SHAPES = {
    "out": (POOLED, 512), "out_b": (512,),
    "d0": (512, 320), "d1": (320, 320), "p1": (512, 320),
    "d2": (320, 512), "d3": (512, DIM), "p3": (320, DIM),
}  # fmt: skip
NAMES = tuple(_SHAPES)
"""Names of the arrays, in a file and in ``Head``."""


@dataclass(frozen=True)
class Head:
    """A projection (``out``, ``out_b``) and two residual blocks without biases.

    All float32. A block is two dense layers (``d``) beside a plain projection (``p``).
    """

    out: NDArray[np.float32]
    out_b: NDArray[np.float32]
    d0: NDArray[np.float32]
    d1: NDArray[np.float32]
    p1: NDArray[np.float32]
    d2: NDArray[np.float32]
    d3: NDArray[np.float32]
    p3: NDArray[np.float32]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray]) -> Head:
        """Take the arrays called ``NAMES``, of any floating type, out of *arrays*."""
        return cls(**{name: np.asarray(arrays[name], dtype=np.float32) for name in NAMES})

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in NAMES}

    def __call__(self, pooled: NDArray[np.float32], roots: NDArray[np.float32]) -> Vectors:
        """Return float32 [n, 512], unit rows.

        *pooled* float32 [n, 1280]: the sum over a text's pieces, divided by the root of their
        number, which is *roots* float32 [n].
        """
        x = pooled @ self.out
        x += roots[:, None] * self.out_b
        hidden = np.maximum(x @ self.d0, 0) @ self.d1
        hidden += x @ self.p1
        np.maximum(hidden, 0, out=hidden)
        out = np.maximum(hidden @ self.d2, 0) @ self.d3
        out += hidden @ self.p3
        np.tanh(out, out=out)
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return out


class HeadFile:
    """A head on disk, in 16-bit numbers. Raises EncoderError for a file that is none."""

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self._path = Path(path)
        self._file = self._open()

    @property
    def identity(self) -> str:
        """SHA-256 (hex) of the arrays, as the file's header tells it."""
        return self._file.metadata.get("sha256", "")

    def load(self) -> Head:
        """Read the arrays."""
        try:
            return Head.of({n: self._file.take(n, "f2", *shape) for n, shape in _SHAPES.items()})
        except TensorFileError as error:
            raise EncoderError(f"{self._path.name}: {error}") from error

    def _open(self) -> TensorFile:
        try:
            file = map_tensors(self._path)
        except (OSError, TensorFileError) as error:
            raise EncoderError(f"cannot read {self._path.name}: {error}") from error
        if file.metadata.get("format") != FORMAT:
            raise EncoderError(
                f"{self._path.name}: format is {file.metadata.get('format')!r}, not {FORMAT!r}"
            )
        return file


def save_head(path: Path, head: Head) -> str:
    """Write *head* atomically, as 16-bit numbers, and return their SHA-256 (hex)."""
    arrays = {name: array.astype(np.float16) for name, array in head.arrays().items()}
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()
    write_tensors(path, arrays, {"format": FORMAT, "sha256": digest})
    return digest
