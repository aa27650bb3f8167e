"""Universal Sentence Encoder Multilingual v3 in numpy: Russian, English, French, Turkish.

Yang et al. 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval", the
convolutional variant: piece embeddings, three residual convolution branches over 2, 3 and 5
pieces, a layer norm, a sum over pieces divided by the root of their number, and a residual
feed-forward net. Weights: see ``use_weights``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError, Vectors, check_batch
from searchkbd.encoders.threads import one_thread
from searchkbd.encoders.use_weights import ORDERS, Source, find_source, load_arrays

MAX_PIECES = 512
"""Pieces of a text that are read; what follows does not count."""

_MAX_CHARS = 16 * MAX_PIECES
_BATCH_PIECES = 1024
"""Pieces of a micro-batch: enough to fill the matrix products, small enough to stay in cache."""

_FEW_PIECES = 128
"""Pieces below which several threads are slower than one."""

_BLOCKS = 17
_WIDTH = 256
_GAP = 2
"""Zero rows between two texts; the widest window looks two pieces to either side."""


class UniversalSentenceEncoder:
    """The teacher half of the embedded encoder; 512 dimensions.

    Loading is lazy: the constructor finds the files, the first ``encode`` opens them. Raises
    EncoderError when they are missing or damaged.
    """

    name = "use-multilingual-v3"
    dim = 512

    def __init__(self, source: Source | None = None) -> None:
        self._source = source or find_source()

    @property
    def fingerprint(self) -> str:
        """Identity of the weights' content (hex)."""
        return self._source.identity

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``; *langs* has no influence here.

        A text counts up to its first 512 pieces (about 2,000 characters). The vector of an
        empty text is that of a text without pieces: defined, and far from most others.
        """
        batch, _ = check_batch(texts, langs)
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        for first, pieces in self._micro_batches(batch):
            few = sum(map(len, pieces)) <= _FEW_PIECES
            with one_thread() if few else nullcontext():
                out[first : first + len(pieces)] = self._net.forward(pieces)
        return out

    def _micro_batches(self, batch: list[str]) -> Iterator[tuple[int, list[list[int]]]]:
        if not batch:
            return
        pending: list[list[int]] = []
        first = total = 0
        # Tokenised in slices: the pieces of a whole corpus would take more memory than its text.
        for start in range(0, len(batch), 1024):
            slice_ = [_clean(text) for text in batch[start : start + 1024]]
            for ids in self._tokenizer.encode(slice_, add_bos=True, add_eos=True, num_threads=1):
                if len(ids) > MAX_PIECES:
                    ids = ids[: MAX_PIECES - 1] + ids[-1:]
                if pending and total + len(ids) > _BATCH_PIECES:
                    yield first, pending
                    first, total, pending = first + len(pending), 0, []
                pending.append(ids)
                total += len(ids)
        yield first, pending

    @cached_property
    def _tokenizer(self):
        from sentencepiece import SentencePieceProcessor

        try:
            return SentencePieceProcessor(model_file=str(self._source.tokenizer))
        except (OSError, RuntimeError) as error:
            raise EncoderError(f"cannot read {self._source.tokenizer.name}: {error}") from error

    @cached_property
    def _net(self) -> _Net:
        return _Net(load_arrays(self._source))


class _Net:
    """The forward pass over pieces of several texts at once, without padding to one length.

    The pieces of all texts lie in one matrix, with zero rows between two texts, so that a
    convolution is a product over shifted views and never sees a neighbouring text.
    """

    def __init__(self, arrays) -> None:
        self._a = arrays
        self._eps = float(arrays["eps"][0])

    def forward(self, pieces: list[list[int]]) -> Vectors:
        """Return float32 [len(pieces), 512], unit rows; every text has at least one piece."""
        a = self._a
        lengths = np.array([len(ids) for ids in pieces])
        starts = _GAP + np.concatenate(([0], np.cumsum(lengths[:-1] + _GAP)))
        flat = np.concatenate([np.asarray(ids, dtype=np.intp) for ids in pieces])
        # Row of each piece in the spaced layout.
        rows = np.arange(len(flat)) + _GAP * (1 + np.repeat(np.arange(len(pieces)), lengths))

        block = flat % _BLOCKS
        embedded = a["table"][flat] * a["scale"][block, None]
        embedded += a["lo"][block, None]
        projected = embedded @ a["proj"]
        projected += a["proj_b"]
        self._normalise(projected, a["proj_gain"], a["proj_shift"])

        width = embedded.shape[1]
        features = np.empty((len(flat), width + len(ORDERS) * _WIDTH), dtype=np.float32)
        features[:, :width] = embedded
        spaced = np.zeros((starts[-1] + lengths[-1] + _GAP, _WIDTH), dtype=np.float32)
        for branch, order in enumerate(ORDERS):
            x = projected[:, branch * _WIDTH : (branch + 1) * _WIDTH]
            for layer in ("w1", "w2"):
                spaced[rows] = x
                x = self._convolve(spaced, rows, order, layer) + x
            features[:, width + branch * _WIDTH : width + (branch + 1) * _WIDTH] = x

        self._normalise(features, a["ln_g"], a["ln_b"])
        # The projection is linear: it is taken of the sum, not of each piece.
        offsets = np.concatenate(([0], np.cumsum(lengths[:-1])))
        pooled = np.add.reduceat(features, offsets, axis=0) @ a["out"]
        counts = lengths.astype(np.float32)[:, None]
        pooled += counts * a["out_b"]
        pooled /= np.sqrt(counts)
        return self._feed_forward(pooled)

    def _convolve(self, spaced: NDArray, rows: NDArray, order: int, layer: str) -> NDArray:
        weights = self._a[f"{layer}_{order}"]
        bias = self._a[f"b{layer[1]}_{order}"]
        left = (order - 1) // 2
        windows = np.concatenate([spaced[rows + shift - left] for shift in range(order)], axis=1)
        out = windows @ weights
        out += bias
        return np.maximum(out, 0, out=out)

    def _normalise(self, x: NDArray, gain: NDArray, shift: NDArray) -> None:
        """Layer norm of each row (over all three branches together), in place."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1]
        x /= np.sqrt(variance + self._eps)
        x *= gain
        x += shift

    def _feed_forward(self, x: NDArray) -> Vectors:
        a = self._a
        hidden = np.maximum(x @ a["d0"], 0) @ a["d1"] + x @ a["p1"]
        np.maximum(hidden, 0, out=hidden)
        out = np.tanh(np.maximum(hidden @ a["d2"], 0) @ a["d3"] + hidden @ a["p3"])
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
        return out


def _clean(text: str) -> str:
    text = text[:_MAX_CHARS]
    if text.isascii():
        return text
    # Lone surrogates are no text: the tokenizer, which reads UTF-8, refuses them.
    return text.encode("utf-8", "replace").decode("utf-8")
