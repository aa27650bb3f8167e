"""How good a student is while it learns: does it find the translations of development pairs?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.training.evaluate import Figure, both_directions
from searchkbd.training.pairs import Group

MAX_PAIRS = 2000
"""Pairs of one language that are measured: work grows with the square of their number."""


@dataclass(frozen=True)
class Evaluation:
    """What was measured after a step.

    *loss* is the mean since the evaluation before; *accuracy* (0 to 1) the share of texts, from
    either side, whose translation is found first; *cosine* the mean cosine of a text and its
    translation.
    """

    step: int
    loss: float
    accuracy: float
    cosine: float

    def better_than(self, other: Evaluation) -> bool:
        """Return whether more is found; where as much is found, whether it is nearer."""
        return (self.accuracy, self.cosine) > (other.accuracy, other.cosine)

    def __str__(self) -> str:
        return (
            f"step {self.step:,}: loss {self.loss:.3f}, "
            f"dev accuracy@1 {self.accuracy:.3f}, cosine {self.cosine:.3f}"
        )


@dataclass(frozen=True)
class _Set:
    """Pairs of one language: texts, translations, and the teacher's vectors of these."""

    texts: list[str]
    translations: list[str]
    vectors: Vectors


class Development:
    """Development pairs of all languages, read by the teacher once."""

    def __init__(self, groups: Sequence[Group], lang: str, teacher: Encoder) -> None:
        """One pair of each group and language is measured, of the first MAX_PAIRS groups."""
        self._lang = lang
        pairs: dict[str, list[tuple[str, str]]] = {}
        for group in groups:
            for code, pair in {pair.lang: pair for pair in reversed(group)}.items():
                pairs.setdefault(code, []).append((pair.kabardian, pair.translation))
        self._sets: dict[str, _Set] = {}
        for code in sorted(pairs):
            texts, translations = map(list, zip(*pairs[code][:MAX_PAIRS], strict=True))
            vectors = teacher.encode(translations, [code] * len(translations))
            self._sets[code] = _Set(texts, translations, vectors)

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs each language has."""
        return {code: len(one.texts) for code, one in self._sets.items()}

    def figures(self, encode: Callable[[list[str]], Vectors]) -> list[Figure]:
        """Return accuracy@1 and @10 of each language and direction."""
        return [
            figure
            for code, one in self._sets.items()
            for figure in both_directions(
                "dev", (self._lang, code), encode(one.texts), one.vectors,
                (one.texts, one.translations),
            )
        ]  # fmt: skip

    def evaluate(
        self, step: int, loss: float, encode: Callable[[list[str]], Vectors]
    ) -> Evaluation:
        """Measure a student; a language counts by its number of pairs."""
        found, near, total = 0.0, 0.0, 0
        for code, one in self._sets.items():
            vectors = encode(one.texts)
            figures = both_directions(
                "dev", (self._lang, code), vectors, one.vectors, (one.texts, one.translations)
            )
            found += len(one.texts) * float(np.mean([f.accuracy.at_1 for f in figures]))
            near += float((vectors * one.vectors).sum())
            total += len(one.texts)
        return Evaluation(step, loss, found / total, near / total)
