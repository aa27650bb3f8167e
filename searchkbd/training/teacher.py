"""A teacher that reads every text once: its vectors are kept in files until training is done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from searchkbd.encoders.base import Encoder, Vectors, check_batch
from searchkbd.encoders.tensors import TensorFileError, map_tensors, write_tensors

CHUNK = 4096
"""Texts of one file (8 MB at 512 dimensions), and the most that are read again after a crash."""

_PREFIX = "teacher-"


class CachedTeacher:
    """Gives the vectors of *teacher*, from files in *folder* where it has read the texts before.

    A file is named after the texts, their languages and the teacher, so one that fits cannot be
    out of date; one that is damaged is made again. *progress* is called with (texts read, texts
    in all). Files are float32 [n, dim] in safetensors.
    """

    def __init__(
        self,
        teacher: Encoder,
        folder: Path,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._teacher = teacher
        self._folder = folder
        self._progress = progress

    @property
    def name(self) -> str:
        """See ``Encoder.name``."""
        return self._teacher.name

    @property
    def dim(self) -> int:
        """See ``Encoder.dim``."""
        return self._teacher.dim

    @property
    def fingerprint(self) -> str:
        """See ``Encoder.fingerprint``."""
        return self._teacher.fingerprint

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``."""
        batch, codes = check_batch(texts, langs)
        codes = codes if codes is not None else [None] * len(batch)
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        for start in range(0, len(batch), CHUNK):
            part = slice(start, start + CHUNK)
            out[part] = self._read(batch[part], codes[part])
            self._progress(min(start + CHUNK, len(batch)), len(batch))
        return out

    def _read(self, texts: list[str], langs: list[str | None]) -> Vectors:
        path = self._folder / f"{_PREFIX}{self._key(texts, langs)}.safetensors"
        try:
            return map_tensors(path).take("vectors", "f4", len(texts), self.dim)
        except (OSError, TensorFileError):
            vectors = self._teacher.encode(texts, langs)
        write_tensors(path, {"vectors": vectors})
        return vectors

    def _key(self, texts: list[str], langs: list[str | None]) -> str:
        digest = hashlib.sha256(self.fingerprint.encode())
        for text, lang in zip(texts, langs, strict=True):
            digest.update(f"\0{lang}\0{text}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:32]
