"""How a student is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class StudentConfig:
    """How a student is trained. The defaults are those of the shipped one."""

    steps: int = 1500
    """Optimiser steps."""
    batch: int = 768
    """Texts a step, drawn by weight."""
    learning_rate: float = 0.1
    """Of Adagrad; falls linearly to a twentieth over the second half."""
    cosine: float = 1.5
    """Weight of the cosine loss; the cross-entropy (mean of both directions) has weight 1."""
    scale: float = 25.0
    """Factor of the cosines in the cross-entropy (inverse temperature)."""
    negatives: int = 2048
    """Drawn translations among which the right target must be found, besides the batch's."""
    same: float = 0.9
    """Targets of at least this cosine count as one meaning: neither is the other's negative."""
    word_dropout: float = 0.8
    """Share of words whose own feature is hidden at a step, so that their n-grams learn to do
    without: most word forms of a new text were never seen."""
    feature_dropout: float = 0.2
    """Share of all features hidden at a step."""
    joined: int = 100_000
    """Artificial longer texts: two to six pairs in a row (see ``lessons.join_pairs``)."""
    joined_share: float = 0.5
    """Share of the joined texts among what is drawn."""
    joined_weight: float = 1.0
    """Least weight of a pair that is joined with others."""
    max_features: int = 120_000
    """Features kept, those in most texts; 266 bytes each in the file."""
    min_count: int = 2
    """Texts in which a feature must occur to be kept."""
    watch_every: int = 500
    """Steps between two evaluations."""
    patience: int = 8
    """Evaluations without a better development figure after which training stops."""
    seed: int = 0


_SMALL = 2000
"""Pairs below which a feature seen once is worth keeping."""

_SMALL_STEPS = 400


def config_for(pairs: int, **given: int | None) -> StudentConfig:
    """Return the defaults for this many *pairs*, with what is *given* (not None) in their place.

    A batch as large as the data would show every text at every step, and negatives drawn from
    less than their number would be repetitions. A few hundred steps are enough for few pairs.
    There are 20 evaluations.
    """
    full = StudentConfig()
    changes = {name: value for name, value in given.items() if value is not None}
    steps = changes.get("steps", full.steps if pairs >= _SMALL else _SMALL_STEPS)
    scaled = replace(
        full,
        steps=steps,
        batch=min(full.batch, max(16, pairs // 4)),
        negatives=min(full.negatives, max(16, pairs // 2)),
        joined=min(full.joined, 8 * pairs),
        min_count=full.min_count if pairs >= _SMALL else 1,
        watch_every=max(1, steps // 20),
    )
    return replace(scaled, **changes)
