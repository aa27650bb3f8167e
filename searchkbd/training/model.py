"""The model that is trained, and its loss: all that knows what a student's weights are.

The rest of training (lessons, loop, checkpoints, files) uses ``StudentModel`` through ``step``,
``state``, ``load_state`` and ``snapshot``, and ``Student`` through ``encode`` and ``packed``.
Needs torch (the extra ``train``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders import features
from searchkbd.encoders.base import Vectors
from searchkbd.encoders.student import StudentWeights, kept_offsets, lookup, pack, sum_rows
from searchkbd.training.config import StudentConfig
from searchkbd.training.lessons import Batch


@dataclass(frozen=True)
class Student:
    """A trained student in float32: ``features`` uint64 [n], ``table`` [n, dim]."""

    features: NDArray[np.uint64]
    table: NDArray[np.float32]

    def packed(self) -> StudentWeights:
        """Return the weights as they are shipped: 4 bits a number."""
        rows, scales = pack(self.table)
        unknown = self.table.mean(axis=0)
        unknown /= max(float(np.linalg.norm(unknown)), 1e-9)
        return StudentWeights(self.features, rows, scales, unknown)

    def copy(self) -> Student:
        """Return one that later steps of a model do not change."""
        return Student(self.features, self.table.copy())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, dim], unit rows, zero for a text without known features."""
        found = features.text_features(texts)
        at, known = lookup(self.features, found.ids)
        out = sum_rows(self.table, at[known], kept_offsets(found.offsets, known))
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return out / np.maximum(norms, 1e-9)


class StudentModel:
    """A row for each feature, trained by Adagrad (Duchi et al. 2011)."""

    def __init__(self, vocabulary: NDArray[np.uint64], dim: int, config: StudentConfig) -> None:
        """*vocabulary* uint64 [n], ascending: the features that have a row."""
        import torch

        self._features = vocabulary
        self._config = config
        self._generator = torch.Generator().manual_seed(config.seed)
        shape = (len(vocabulary), dim)
        self._table = torch.empty(shape).normal_(0, 0.01, generator=self._generator)
        # Adagrad by hand: only the rows of a batch are read and written.
        self._squares = torch.zeros(shape)

    def step(self, batch: Batch, number: int) -> float:
        """Learn from *batch* and return its loss; *number* counts from 1 to ``config.steps``."""
        import torch
        from torch.nn import functional

        rows = torch.from_numpy(batch.rows)
        leaf = self._table[rows].requires_grad_()
        words = functional.embedding_bag(
            torch.from_numpy(batch.inverse), leaf, torch.from_numpy(batch.word_starts), mode="sum"
        )
        sums = functional.embedding_bag(
            torch.from_numpy(batch.words), words, torch.from_numpy(batch.text_starts), mode="sum"
        )
        found = functional.normalize(sums, eps=1e-6)
        wanted, drawn = torch.from_numpy(batch.wanted), torch.from_numpy(batch.drawn)
        loss = _loss(found, wanted, drawn, self._config)
        (gradient,) = torch.autograd.grad(loss, leaf)
        with torch.no_grad():
            state = self._squares[rows] + gradient * gradient
            self._squares[rows] = state
            self._table[rows] -= self._rate(number) * gradient / (state.sqrt() + 1e-10)
        return loss.item()

    def state(self) -> dict[str, NDArray]:
        """Return all that a later ``step`` depends on; the arrays share the model's memory."""
        return {
            "table": self._table.numpy(),
            "squares": self._squares.numpy(),
            "generator": self._generator.get_state().numpy(),
        }

    def load_state(self, state: Mapping[str, NDArray]) -> None:
        """Take over (copy) what ``state`` gave; raises ValueError for arrays of another model."""
        import torch

        own = self.state()
        for name, array in own.items():
            other = state.get(name)
            if other is None or (other.shape, other.dtype) != (array.shape, array.dtype):
                raise ValueError(f"the model's {name!r} is missing or of another shape")
        self._table.copy_(torch.from_numpy(np.array(state["table"])))
        self._squares.copy_(torch.from_numpy(np.array(state["squares"])))
        self._generator.set_state(torch.from_numpy(np.array(state["generator"])))

    def snapshot(self) -> Student:
        """Return the student as it is now; the next step changes it, since memory is shared."""
        return Student(self._features, self._table.numpy())

    def _rate(self, number: int) -> float:
        config = self._config
        return config.learning_rate * min(1.0, 0.05 + 1.9 * (1 - number / config.steps))


def _loss(found, wanted, drawn, config: StudentConfig):
    """Cosine loss plus the cross-entropy of both directions (the second within the batch)."""
    import torch
    from torch.nn import functional

    scores = config.scale * found @ wanted.T
    same = wanted @ wanted.T >= config.same
    same.fill_diagonal_(False)
    scores = scores.masked_fill(same, -1e4)
    others = config.scale * found @ drawn.T
    others = others.masked_fill(wanted @ drawn.T >= config.same, -1e4)
    place = torch.arange(len(found))
    forward = functional.cross_entropy(torch.cat([scores, others], dim=1), place)
    backward = functional.cross_entropy(scores.T, place)
    cosine = 1 - (found * wanted).sum(dim=1).mean()
    return config.cosine * cosine + (forward + backward) / 2
