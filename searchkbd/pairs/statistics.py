"""What the pairs of a split are like: lengths, repeated texts, spellings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.transformer.model_text import WITH_PALOCHKA
from searchkbd.text.forms import fold_palochka, words

BATCHES = (16, 64, 256)
"""Sizes of batches for which the share with a repeated text is given."""

SAMPLES = 3
SIDES = ("a", "b")

Tokens = Callable[[Sequence[str], str], list[int]]
"""Texts and their language → the number of tokens of each."""

_MARK = "\ue000"  # private use: in no text that is folded


@dataclass(slots=True)
class Spread:
    """The least, the mean and the greatest of numbers."""

    count: int = 0
    total: int = 0
    least: int | None = None
    most: int | None = None

    def add(self, values: Iterable[int]) -> None:
        for value in values:
            self.count += 1
            self.total += value
            self.least = value if self.least is None else min(self.least, value)
            self.most = value if self.most is None else max(self.most, value)

    def shape(self) -> dict[str, float | int | None]:
        """Return it as JSON, the mean to two places."""
        mean = round(self.total / self.count, 2) if self.count else None
        return {"min": self.least, "mean": mean, "max": self.most}


@dataclass(slots=True)
class SetStatistics:
    """The pairs of two languages in one split, added some at a time."""

    langs: tuple[str, str]
    tokens: Tokens | None = None
    pairs: int = 0
    machine: int = 0
    palochkas: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[str, str]] = field(default_factory=list)
    spreads: dict[tuple[str, str], Spread] = field(default_factory=dict)

    def add(self, rows: Sequence[Mapping[str, Any]], machine: int) -> None:
        """Add the texts ``a`` and ``b`` of *rows*, *machine* of which a machine made."""
        self.pairs += len(rows)
        self.machine += machine
        missing = SAMPLES - len(self.samples)
        self.samples += [(row["a"], row["b"]) for row in rows[:missing]]
        for side, lang in zip(SIDES, self.langs, strict=True):
            texts = [row[side] for row in rows]
            self._spread(side, "words").add(len(words(text)) for text in texts)
            self._spread(side, "characters").add(map(len, texts))
            if self.tokens:
                self._spread(side, "tokens").add(self.tokens(texts, lang))
            if lang in WITH_PALOCHKA:
                for text in texts:
                    self.palochkas.update(palochkas(text))

    def shape(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> dict[str, Any]:
        """Return it as JSON; *first* and *second* are numbers of the pairs' texts."""
        lengths = {
            side: {
                what: spread.shape() for (of, what), spread in self.spreads.items() if of == side
            }
            for side in SIDES
        }
        return {
            "languages": list(self.langs),
            "pairs": self.pairs,
            "machine": self.machine,
            "sentences": {"a": len(np.unique(first)), "b": len(np.unique(second))},
            "lengths": lengths,
            "repeated": repeats(first, second),
            "palochka": dict(self.palochkas.most_common()),
            "samples": [list(sample) for sample in self.samples],
        }

    def _spread(self, side: str, what: str) -> Spread:
        return self.spreads.setdefault((side, what), Spread())


def palochkas(text: str) -> list[str]:
    """Return the characters of *text* that stand for a palochka."""
    folded = fold_palochka(text, _MARK)
    return [char for char, mark in zip(text, folded, strict=True) if mark == _MARK != char]


def repeats(first: NDArray[np.integer], second: NDArray[np.integer]) -> dict[str, Any]:
    """Return for each side the share of pairs whose text others have too, and for batches of
    BATCHES pairs the share in which a text is repeated (null where there are fewer pairs)."""
    found = {}
    for side, texts in zip(SIDES, (first, second), strict=True):
        counts = np.unique(texts, return_counts=True)[1]
        times, having = np.unique(counts, return_counts=True)
        multiplicities = dict(zip(times.tolist(), having.tolist(), strict=True))
        share = float(counts[counts > 1].sum() / len(texts)) if len(texts) else 0.0
        found[side] = {
            "pairs": round(share, 6),
            "batches": {
                str(batch): _rounded(share_with_repeat(multiplicities, batch))
                for batch in BATCHES
            },
        }
    return found


def share_with_repeat(multiplicities: Mapping[int, int], batch: int) -> float | None:
    """Return the chance that *batch* pairs, drawn without replacement, have a text twice.

    *multiplicities*: times that a text occurs → number of such texts. Of the C(n, batch) ways to
    draw from n pairs, as many have no text twice as the elementary symmetric polynomial of degree
    *batch* of the texts' multiplicities says: the coefficient of x^batch in the product of
    (1 + m·x) over the texts. Computed in logarithms; None when there are fewer pairs.
    """
    pairs = sum(times * texts for times, texts in multiplicities.items())
    if batch > pairs:
        return None
    degrees = np.arange(batch + 1)
    product = np.full(batch + 1, -np.inf)
    product[0] = 0.0
    for times, texts in sorted(multiplicities.items()):
        # (1 + m·x) ** texts
        factor = np.full(batch + 1, -np.inf)
        top = min(texts, batch)
        factor[: top + 1] = [_log_choose(texts, degree) for degree in range(top + 1)]
        factor += degrees * math.log(times)
        next_ = np.full(batch + 1, -np.inf)
        for degree in range(top + 1):
            shifted = product[: batch + 1 - degree] + factor[degree]
            next_[degree:] = np.logaddexp(next_[degree:], shifted)
        product = next_
    without = math.exp(min(0.0, float(product[batch]) - _log_choose(pairs, batch)))
    return 1.0 - without


def _log_choose(of: int, taken: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(taken + 1) - math.lgamma(of - taken + 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def tokens_by(spec: str) -> tuple[str, Tokens]:
    """Return the name of a model, without where it lies here, and how to count the tokens,
    special ones included, that it makes of texts.

    *spec* is what ``find_model`` takes; no weights are loaded. Raises MissingModelError and
    EncoderError.
    """
    from searchkbd.encoders.base import EncoderError
    from searchkbd.encoders.transformer.files import find_model
    from searchkbd.encoders.transformer.model_text import model_text

    model = find_model(spec)
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise EncoderError(
            "--tokenizer needs the package tokenizers; install it: "
            "pip install 'searchkbd[transformers]'"
        ) from None
    try:
        tokenizer = Tokenizer.from_file(str(model.tokenizer))
    except Exception as error:  # the library raises nothing narrower
        raise EncoderError(f"{model.tokenizer} cannot be read: {error}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str], lang: str) -> list[int]:
        given = [model_text(text, lang, model.palochka) for text in texts]
        if model.lower_case:
            given = [text.lower() for text in given]
        return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(given)]

    return model.directory.name if model.repo is None else model.name, count
