"""Universal Sentence Encoder Multilingual v3 in numpy: Russian, English, French, Turkish.

Yang et al. 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval", the
convolutional variant: piece embeddings, three residual convolution branches over 2, 3 and 5
pieces, a layer norm, a sum over pieces divided by the root of their number, and a residual
feed-forward net, the head. Weights: see ``use_weights``; the head that ships is a tuned one.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import Vectors, check_batch
from searchkbd.encoders.head import DEFAULT_PATH, POOLED, Head, HeadFile
from searchkbd.encoders.pieces import Tokenizer
from searchkbd.encoders.threads import blas_threads, one_thread
from searchkbd.encoders.use_weights import ORDERS, Source, find_source, load_arrays

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

MAX_PIECES = 512
"""Pieces of a text that are read; what follows does not count."""

_MAX_CHARS = 16 * MAX_PIECES
_BATCH_PIECES = 4096
"""Pieces among which repeated ones are computed once; bounds the memory (about 40 MB)."""

_GROUP_PIECES = 384
"""Pieces convolved at once: enough to fill the matrix products, few enough to stay in cache."""

_FEW_PIECES = 128
"""Pieces below which several threads are slower than one."""

_BLOCKS = 17
_WIDTH = 256
_GAP = 2
"""Zero rows between two texts; the widest window looks two pieces to either side."""


_Result = TypeVar("_Result")


class UniversalSentenceEncoder:
    """The teacher half of the embedded encoder; 512 dimensions.

    Loading is lazy: the constructor finds the files, the first ``encode`` opens them. Raises
    EncoderError when they are missing or damaged.
    """

    name = "use-multilingual-v3"
    dim = 512

    def __init__(self, source: Source | None = None, head: Path | None = DEFAULT_PATH) -> None:
        """*head* is the file of the head; None takes the one that the model was published with."""
        self._source = source or find_source()
        self._head_file = None if head is None else HeadFile(head)

    @cached_property
    def fingerprint(self) -> str:
        """Identity of the weights' content (hex)."""
        if self._head_file is None:
            return self._source.identity
        both = f"{self._source.identity} {self._head_file.identity}"
        return hashlib.sha256(both.encode()).hexdigest()[:16]

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``; *langs* has no influence here.

        A text counts up to its first 512 pieces (about 2,000 characters). The vector of an
        empty text is that of a text without pieces: defined, and far from most others.
        """
        batch, _ = check_batch(texts, langs)
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        net, head = self._net, self.head
        for part, vectors in self._map(lambda pieces: head(*net.pool(pieces)), batch):
            out[part] = vectors
        return out

    def pool(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the head is given: float32 [n, 1280] and [n], see ``Head.__call__``."""
        batch, _ = check_batch(texts, None)
        pooled = np.empty((len(batch), POOLED), dtype=np.float32)
        roots = np.empty(len(batch), dtype=np.float32)
        for part, found in self._map(self._net.pool, batch):
            pooled[part], roots[part] = found
        return pooled, roots

    def _map(
        self, work: Callable[[list[list[int]]], _Result], batch: list[str]
    ) -> Iterator[tuple[slice, _Result]]:
        """Yield the places of some of *batch* and *work* of their pieces, until all are done.

        The threads share the texts, not the matrix products: much of the work is no product.
        """
        with ExitStack() as stack:
            pool: ThreadPoolExecutor | None = None
            running: deque[tuple[slice, Future[_Result]]] = deque()
            for first, pieces in self._micro_batches(batch):
                part = slice(first, first + len(pieces))
                if part.stop - part.start == len(batch):
                    few = sum(map(len, pieces)) <= _FEW_PIECES
                    with one_thread() if few else ExitStack():
                        yield part, work(pieces)
                    return
                if pool is None:
                    from concurrent.futures import ThreadPoolExecutor

                    workers = blas_threads()
                    stack.enter_context(one_thread())
                    pool = stack.enter_context(ThreadPoolExecutor(workers))
                # A few ahead, not all: the pieces of a corpus would take more than its text.
                if len(running) > workers:
                    yield running[0][0], running.popleft()[1].result()
                running.append((part, pool.submit(work, pieces)))
            for part, future in running:
                yield part, future.result()

    def _micro_batches(self, batch: list[str]) -> Iterator[tuple[int, list[list[int]]]]:
        if not batch:
            return
        pending: list[list[int]] = []
        first = total = 0
        # Tokenised in slices: the pieces of a whole corpus would take more memory than its text.
        for start in range(0, len(batch), 1024):
            slice_ = [_clean(text) for text in batch[start : start + 1024]]
            for ids in self._tokenizer.encode(slice_):
                if len(ids) > MAX_PIECES:
                    ids = ids[: MAX_PIECES - 1] + ids[-1:]
                if pending and total + len(ids) > _BATCH_PIECES:
                    yield first, pending
                    first, total, pending = first + len(pending), 0, []
                pending.append(ids)
                total += len(ids)
        yield first, pending

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._source)

    @cached_property
    def _arrays(self) -> Mapping[str, NDArray]:
        return load_arrays(self._source)

    @cached_property
    def _net(self) -> _Net:
        return _Net(self._arrays)

    @cached_property
    def head(self) -> Head:
        """The head; its arrays are not to be changed."""
        return Head.of(self._arrays) if self._head_file is None else self._head_file.load()


@dataclass(frozen=True)
class _Pieces:
    """What the net computes of a piece alone, for the *u* different pieces of a batch."""

    embedded: NDArray[np.float32]
    """[u, 512]"""
    projected: NDArray[np.float32]
    """[u, 768]: 256 for each branch."""
    first: list[NDArray[np.float32]]
    """For each branch [u + 1, order, 256]: the piece's part in the first convolution, for each
    place in the window. The last row, of no piece, is zero."""


class _Net:
    """The forward pass over pieces of several texts at once, without padding to one length.

    Up to the first convolution all is linear in, or a function of, a single piece. A text
    corpus repeats its pieces, so that much is computed once for each different piece. From
    there on the pieces of all texts lie in one matrix, with zero rows between two texts, so that
    a convolution is a product over shifted rows and never sees a neighbouring text.
    """

    def __init__(self, arrays: Mapping[str, NDArray]) -> None:
        self._a = arrays
        self._eps = float(arrays["eps"][0])

    def pool(self, texts: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the pooled features and roots of *texts*; each has at least one piece.

        float32 [len(texts), 1280] and [len(texts)], see ``Head.__call__``.
        """
        lengths = np.array([len(ids) for ids in texts])
        flat = np.concatenate([np.asarray(ids, dtype=np.intp) for ids in texts])
        unique, where = np.unique(flat, return_inverse=True)
        pieces = self._read(unique)
        pooled = np.empty((len(texts), POOLED), dtype=np.float32)
        ends = np.cumsum(lengths)
        first = 0
        while first < len(texts):
            begin = ends[first] - lengths[first]
            last = max(first + 1, int(np.searchsorted(ends, begin + _GROUP_PIECES, side="right")))
            part = slice(first, last)
            pooled[part] = self._pool(pieces, where[begin : ends[last - 1]], lengths[part])
            first = last
        roots = np.sqrt(lengths.astype(np.float32))
        pooled /= roots[:, None]
        return pooled, roots

    def _read(self, unique: NDArray[np.intp]) -> _Pieces:
        a = self._a
        block = unique % _BLOCKS
        embedded = a["table"][unique] * a["scale"][block, None]
        embedded += a["lo"][block, None]
        projected = embedded @ a["proj"]
        projected += a["proj_b"]
        self._normalise(projected, a["proj_gain"], a["proj_shift"])
        first = []
        for branch, order in enumerate(ORDERS):
            part = np.zeros((len(unique) + 1, order * _WIDTH), dtype=np.float32)
            x = projected[:, branch * _WIDTH : (branch + 1) * _WIDTH]
            np.matmul(x, a[f"first_{order}"], out=part[:-1])
            first.append(part.reshape(-1, order, _WIDTH))
        return _Pieces(embedded, projected, first)

    def _pool(
        self, pieces: _Pieces, where: NDArray[np.intp], lengths: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return the sums of features, float32 [texts, 1280]; *where* is each piece's row."""
        a = self._a
        # Row of each piece in the spaced layout, and the piece of each of its rows.
        rows = np.arange(len(where)) + _GAP * (1 + np.repeat(np.arange(len(lengths)), lengths))
        spaced = np.full(rows[-1] + 1 + _GAP, len(pieces.embedded))
        spaced[rows] = where

        width = pieces.embedded.shape[1]
        features = np.empty((len(where), width + len(ORDERS) * _WIDTH), dtype=np.float32)
        features[:, :width] = pieces.embedded[where]
        hidden = np.zeros((len(spaced), _WIDTH), dtype=np.float32)
        for branch, order in enumerate(ORDERS):
            left = (order - 1) // 2
            x = pieces.first[branch][spaced[rows - left], 0]
            for place in range(1, order):
                x += pieces.first[branch][spaced[rows + place - left], place]
            x += a[f"b1_{order}"]
            np.maximum(x, 0, out=x)
            x += pieces.projected[where, branch * _WIDTH : (branch + 1) * _WIDTH]

            hidden[rows] = x
            windows = np.concatenate(
                [hidden[rows + place - left] for place in range(order)], axis=1
            )
            out = windows @ a[f"w2_{order}"]
            out += a[f"b2_{order}"]
            np.maximum(out, 0, out=out)
            out += x
            features[:, width + branch * _WIDTH : width + (branch + 1) * _WIDTH] = out

        self._normalise(features, a["ln_g"], a["ln_b"])
        offsets = np.concatenate(([0], np.cumsum(lengths[:-1])))
        return np.add.reduceat(features, offsets, axis=0)

    def _normalise(self, x: NDArray, gain: NDArray, shift: NDArray) -> None:
        """Layer norm of each row (over all three branches together), in place."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1]
        x /= np.sqrt(variance + self._eps)
        x *= gain
        x += shift


def _clean(text: str) -> str:
    text = text[:_MAX_CHARS]
    if text.isascii():
        return text
    # Lone surrogates are no text: the tokenizer, which reads UTF-8, refuses them.
    return text.encode("utf-8", "replace").decode("utf-8")
