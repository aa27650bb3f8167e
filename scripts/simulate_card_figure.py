"""Why a Spearman figure against labels that are mostly missing says nothing about search.

    python scripts/simulate_card_figure.py

The card of panagoa/LaBSE-kbd-v0.2 gives one figure: Spearman -0.32 between the cosines of
pairs of translations and a column of labels, which is 0.0 for some pairs and about 0.93 for others,
0.36 in the mean. Here vectors and labels are drawn of which everything is known, and both the
figure and the accuracy of search are computed. Needs numpy only; takes a few seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEED = 32
PAIRS = 2000
DIMENSIONS = 768
LABEL, LABEL_SPREAD = 0.93, 0.02
LABELLED = 0.36 / LABEL
"""Share of pairs with a label, so that their mean is the card's 0.36."""
SPREAD = 0.09
OTHERS = 0.80
KABARDIAN = 0.74
"""Spread of the cosines of pairs; their mean for pairs without Kabardian; and for those with it, of
an encoder that comes out at the card's figure."""

Floats = NDArray[np.float64]


def unit(rows: Floats) -> Floats:
    """Return *rows* scaled to length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def pairs_of_cosine(rng: np.random.Generator, cosines: Floats, dim: int) -> tuple[Floats, Floats]:
    """Return unit vectors ``[n, dim]`` of both halves: random, but each pair has its cosine."""
    left = unit(rng.normal(size=(len(cosines), dim)))
    noise = rng.normal(size=left.shape)
    across = unit(noise - (noise * left).sum(axis=1, keepdims=True) * left)
    return left, cosines[:, None] * left + np.sqrt(1 - cosines[:, None] ** 2) * across


def accuracy_at_1(left: Floats, right: Floats) -> float:
    """Return the share of *left* whose own half is the nearest of all of *right*."""
    return float((np.argmax(left @ right.T, axis=1) == np.arange(len(left))).mean())


def ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]


def spearman(a: Floats, b: Floats) -> float:
    """Return the correlation of the ranks of *a* and *b*."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def labels(rng: np.random.Generator, has_label: NDArray[np.bool_]) -> Floats:
    """Return another model's cosine where there is a label, and 0.0 where there is none."""
    given = rng.normal(LABEL, LABEL_SPREAD, size=len(has_label)).clip(0, 0.98)
    return np.where(has_label, given, 0.0)


def cosines(rng: np.random.Generator, means: Floats) -> Floats:
    """Return a cosine for each pair, about its mean."""
    return rng.normal(means, SPREAD).clip(-0.99, 0.99)


def line(name: str, left: Floats, right: Floats, given: Floats) -> None:
    """Print the two figures of one encoder and one column of labels."""
    figure = spearman((left * right).sum(axis=1), given)
    print(f"  {name:<44}{accuracy_at_1(left, right):>10.3f}{figure:>+10.2f}")


def heading(text: str) -> None:
    print(f"\n{text}\n  {'':<44}accuracy@1  Spearman")


def main() -> None:
    rng = np.random.default_rng(SEED)
    kabardian = rng.permutation(PAIRS) < round(LABELLED * PAIRS)
    of_kabardian = labels(rng, kabardian)
    print(
        f"{PAIRS:,} pairs; the {kabardian.mean():.0%} with Kabardian have a label "
        f"({LABEL} +- {LABEL_SPREAD}),\nthe others 0.0; mean label {of_kabardian.mean():.2f}"
    )

    heading(f"1. Encoders that know Kabardian better and better (other pairs: cosine {OTHERS:.2f})")
    for mean in (0.50, 0.60, 0.70, KABARDIAN, 0.80, 0.85, 0.90):
        drawn = cosines(rng, np.where(kabardian, mean, OTHERS))
        left, right = pairs_of_cosine(rng, drawn, DIMENSIONS)
        line(f"cosine of Kabardian pairs {mean:.2f}", left, right, of_kabardian)

    heading(f"2. One encoder, Kabardian pairs {KABARDIAN:.2f}: only the labels differ")
    drawn = cosines(rng, np.where(kabardian, KABARDIAN, OTHERS))
    left, right = pairs_of_cosine(rng, drawn, DIMENSIONS)
    line("labelled: the pairs with Kabardian", left, right, of_kabardian)
    line("labelled: the other pairs", left, right, labels(rng, ~kabardian))
    line("labelled: as many pairs, by chance", left, right, labels(rng, rng.permutation(kabardian)))
    line("labelled: all", left, right, labels(rng, np.ones(PAIRS, bool)))

    heading("3. Useless encoders: every text is a point on a circle")
    for name, mean in (("labelled pairs nearer", 0.90), ("labelled pairs farther", 0.30)):
        drawn = cosines(rng, np.where(kabardian, mean, 0.60))
        line(name, *pairs_of_cosine(rng, drawn, 2), of_kabardian)


if __name__ == "__main__":
    main()
