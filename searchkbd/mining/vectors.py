"""Vectors of more texts than memory may hold."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import Encoder, EncoderError, Vectors
from searchkbd.mining.spool import scratch_errors

MEMORY_ROWS = 50_000
"""Vectors that are kept in memory as they are; more are written to a temporary file as float16,
which moves a cosine by some 1e-5."""

_LENGTH_ERROR = 1e-3


def encode_checked(encoder: Encoder, texts: Sequence[str], langs: Sequence[str | None]) -> Vectors:
    """Return float32 ``[len(texts), dim]``; EncoderError when these are no unit vectors."""
    vectors = np.asarray(encoder.encode(list(texts), list(langs)))
    if vectors.shape != (len(texts), encoder.dim):
        raise EncoderError(
            f"the encoder {encoder.name!r} gave an array of the shape {vectors.shape} "
            f"for {len(texts)} texts, not {(len(texts), encoder.dim)}"
        )
    lengths = np.linalg.norm(vectors, axis=1)
    # Written so that NaN is bad too.
    bad = np.flatnonzero(~(np.abs(lengths - 1) <= _LENGTH_ERROR))
    if len(bad):
        raise EncoderError(
            f"the encoder {encoder.name!r} gave a vector of length {lengths[bad[0]]:.3g}, "
            f"not 1, for {texts[bad[0]][:80]!r} ({langs[bad[0]]}) and {len(bad) - 1} other texts"
        )
    return vectors


class VectorStore:
    """Vectors appended one batch after the other, read by slice or by row numbers.

    As float32 in memory up to *limit* rows; then as float16 in a temporary file, ``rows × dim × 2``
    bytes, which goes when the store is closed.
    """

    def __init__(self, dim: int, limit: int = MEMORY_ROWS) -> None:
        self.dim = dim
        self._limit = limit
        self._count = 0
        self._parts: list[NDArray] = []
        self._file = None
        self._whole: NDArray | None = None

    def __enter__(self) -> VectorStore:
        return self

    def __exit__(self, *error: object) -> None:
        self._whole = None
        self._parts.clear()
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return self._count

    def append(self, vectors: Vectors) -> None:
        """Add float32 ``[n, dim]``; raises OSError when the disk is full."""
        self._whole = None
        self._count += len(vectors)
        self._parts.append(vectors)
        if self._count <= self._limit:
            return
        with scratch_errors():
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="searchkbd-vectors-")  # noqa: SIM115
            for part in self._parts:
                self._file.write(part.astype(np.float16).tobytes())
        self._parts.clear()

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> Vectors:
        """Return the vectors *rows* as float32 ``[n, dim]``."""
        return np.asarray(self._all()[rows], dtype=np.float32)

    def _all(self) -> NDArray:
        if self._whole is None:
            if self._file is not None:
                with scratch_errors():
                    self._file.flush()
                shape = (self._count, self.dim)
                self._whole = np.memmap(self._file, dtype=np.float16, mode="r", shape=shape)
            elif self._parts:
                self._whole = np.concatenate(self._parts)
                self._parts = [self._whole]
            else:
                self._whole = np.empty((0, self.dim), dtype=np.float32)
        return self._whole


class Subset:
    """Some rows of a store, in an order of their own, sliced as an array is."""

    def __init__(self, store: VectorStore, rows: NDArray[np.integer]) -> None:
        self._store = store
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice) -> Vectors:
        return self._store[self._rows[rows]]
