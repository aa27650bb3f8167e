"""The Kabardian student: a bag of words and n-grams in the space of the teacher.

A text's vector is the normalised sum of one trained row for each of its features
(``searchkbd.encoders.features``). Rows are 4-bit numbers with one scale a row, mapped from the
file: a query touches the rows of its own features only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders import features
from searchkbd.encoders.base import EncoderError, Vectors, check_batch
from searchkbd.encoders.sums import BIAS, interleave, sum_packed, sum_rows
from searchkbd.encoders.tensors import TensorFile, TensorFileError, map_tensors, write_tensors
from searchkbd.encoders.threads import blas_threads

FORMAT = "searchkbd-student-1"
DEFAULT_PATH = Path(__file__).parents[1] / "resources" / "student.safetensors"

_BATCH_CHARS = 1 << 18
"""Characters among which repeated words are computed once; bounds the memory (about 100 MB)."""

_PART_WORDS = 512
"""Words that a thread takes at a time."""

_FEW_TEXTS = 64
"""Texts up to which looking for repeated words, and a second thread, cost more than they save."""

_PROBE = "Ар къыщIидзащ, 1уэху! 2 XIX «щ1алэ-щӏалэ» Ёлкэ, T1y lэ? ÎЭ"


@dataclass(frozen=True)
class StudentWeights:
    """The arrays of a student file.

    ``features`` uint64 [n], ascending; ``rows`` uint8 [n, dim / 2], two 4-bit numbers a byte,
    low half first, stored as value + 8; ``scales`` float16 [n]; ``unknown`` float32 [dim], the
    unit vector of a text none of whose features is known.
    """

    features: NDArray[np.uint64]
    rows: NDArray[np.uint8]
    scales: NDArray[np.float16]
    unknown: NDArray[np.float32]

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return len(self.unknown)


class StudentEncoder:
    """The Kabardian half of the embedded encoder. Raises EncoderError for a bad file."""

    name = "kabardian-student"

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self._path = Path(path)

    @property
    def dim(self) -> int:
        """Dimensions of a vector: 512 in the shipped file."""
        return self._weights.dim

    @cached_property
    def fingerprint(self) -> str:
        """Identity (hex) of the weights and of what the text code makes of a probe sentence."""
        digest = hashlib.sha256(self._file.metadata.get("sha256", "").encode())
        digest.update(features.VERSION.encode())
        # Text folding is shared with other parts: a change of it must show here.
        digest.update(features.text_features([_PROBE]).ids.tobytes())
        return digest.hexdigest()[:16]

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``; *langs* has no influence here.

        A text counts up to its first 4,096 characters. A text without any known feature (empty,
        or of a foreign script) has one fixed vector.
        """
        batch, _ = check_batch(texts, langs)
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        for part in _batches(batch):
            out[part] = self._encode(batch[part])
        return out

    def _encode(self, batch: list[str]) -> Vectors:
        keys = features.model_keys(batch)
        few = len(batch) <= _FEW_TEXTS
        out = interleave(self._sums(keys) if few else self._sums_by_word(keys))
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        # Nothing known; or rows that cancel out, in theory: a zero vector is no unit vector.
        return np.where(norms > 1e-9, out / np.maximum(norms, 1e-9), self._weights.unknown)

    def _sums(self, keys: list[str]) -> NDArray[np.float32]:
        """Return the sum of the rows of each key, as ``sum_packed`` does; any thread may."""
        weights = self._weights
        found = features.key_features(keys)
        at, known = lookup(weights.features, found.ids)
        return sum_packed(weights.rows, weights.scales[at] * known, at, found.offsets)

    def _sums_by_word(self, keys: list[str]) -> NDArray[np.float32]:
        """Return the same, computing once each different word; the threads share the words."""
        from concurrent.futures import ThreadPoolExecutor

        split = features.split_words(keys)
        # Words of one length have as many features each, and are summed together.
        order = sorted(range(len(split.words)), key=lambda place: len(split.words[place]))
        table = np.empty((len(order), self.dim), dtype=np.float32)
        parts = [order[at : at + _PART_WORDS] for at in range(0, len(order), _PART_WORDS)]

        def fill(part: list[int]) -> None:
            table[part] = self._sums([split.words[place] for place in part])

        _ = self._weights  # opened here, and not by two threads at once
        with ThreadPoolExecutor(blas_threads()) as pool:
            for _ in pool.map(fill, parts):
                pass
        return sum_rows(table, split.ids, split.offsets)

    @cached_property
    def _file(self) -> TensorFile:
        try:
            file = map_tensors(self._path)
        except (OSError, TensorFileError) as error:
            raise EncoderError(f"cannot read the student {self._path.name}: {error}") from error
        wanted = {"format": FORMAT, "features": features.VERSION}
        for key, value in wanted.items():
            if file.metadata.get(key) != value:
                raise EncoderError(
                    f"{self._path.name}: {key} is {file.metadata.get(key)!r}, not {value!r}"
                )
        return file

    @cached_property
    def _weights(self) -> StudentWeights:
        try:
            unknown = self._file.take("unknown", "f4", None)
            ids = self._file.take("features", "u8", None)
            rows = self._file.take("rows", "u1", len(ids), len(unknown) // 2)
            scales = self._file.take("scales", "f2", len(ids))
        except TensorFileError as error:
            raise EncoderError(f"{self._path.name}: {error}") from error
        if not len(ids) or len(unknown) % 2:
            raise EncoderError(f"{self._path.name}: {len(ids)} features, {len(unknown)} dimensions")
        return StudentWeights(ids, rows, scales, unknown)


def _batches(batch: list[str]) -> Iterator[slice]:
    """Yield slices of *batch* that have few enough characters to be encoded at once."""
    first = total = 0
    for at, text in enumerate(batch):
        size = min(len(text), features.MAX_CHARS)
        if at > first and total + size > _BATCH_CHARS:
            yield slice(first, at)
            first, total = at, 0
        total += size
    if batch:
        yield slice(first, len(batch))


def kept_offsets(
    offsets: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return *offsets* of a list as they are when only its *kept* items are left."""
    return np.concatenate(([0], np.cumsum(kept)))[offsets]


def lookup(
    vocabulary: NDArray[np.uint64], ids: NDArray[np.uint64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each of *ids* is in the ascending *vocabulary*, and whether it is there."""
    # Sought in ascending order: neighbours are in the cache, which takes a fifth of the time.
    order = np.argsort(ids)
    at = np.empty(len(ids), dtype=np.intp)
    at[order] = np.searchsorted(vocabulary, ids[order])
    np.minimum(at, len(vocabulary) - 1, out=at)
    return at, vocabulary[at] == ids


def unpack(rows: NDArray[np.uint8], scales: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return float32 [n, dim] of packed *rows* uint8 [n, dim / 2]."""
    out = np.empty((len(rows), 2 * rows.shape[1]), dtype=np.float32)
    out[:, 0::2] = rows & 15
    out[:, 1::2] = rows >> 4
    out -= BIAS
    out *= scales.astype(np.float32)[:, None]
    return out


def pack(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Return 4-bit rows and scales of *values* float32 [n, dim], dim even.

    The scale of a row is the one of a few that leaves the least squared error: clipping a row's
    largest numbers costs less than coarse steps for all others.
    """
    top = np.maximum(np.abs(values).max(axis=1), 1e-6)
    best = np.full(len(values), np.inf)
    levels = np.zeros(values.shape, dtype=np.uint8)
    scales = np.ones(len(values), dtype=np.float16)
    for share in (1.0, 0.8, 0.7, 0.6, 0.5, 0.4):
        scale = np.maximum(top * (share / 7), 1e-7).astype(np.float16)
        step = scale.astype(np.float32)[:, None]
        rounded = np.clip(np.rint(values / step), -7, 7)
        error = ((rounded * step - values) ** 2).sum(axis=1)
        better = error < best
        best[better] = error[better]
        scales[better] = scale[better]
        levels[better] = (rounded[better] + BIAS).astype(np.uint8)
    return levels[:, 0::2] | (levels[:, 1::2] << 4), scales


def save_student(
    path: Path, weights: StudentWeights, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a student file, atomically; *metadata* is added to what the format needs."""
    arrays = {
        "features": weights.features,
        "rows": weights.rows,
        "scales": weights.scales,
        "unknown": weights.unknown,
    }
    digest = content_hash(weights)
    known = {"format": FORMAT, "features": features.VERSION, "sha256": digest}
    write_tensors(path, arrays, {**(metadata or {}), **known})


def content_hash(weights: StudentWeights) -> str:
    """Return the SHA-256 (hex) of the arrays, which a student file keeps in its metadata."""
    digest = hashlib.sha256()
    for array in (weights.features, weights.rows, weights.scales, weights.unknown):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
