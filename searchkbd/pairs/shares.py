"""How many pairs of each two languages: shares of a whole, as far as there are so many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from searchkbd.pairs.options import Langs, PrepareOptions


@dataclass(frozen=True, slots=True)
class Share:
    """Training pairs of two languages: ``asked`` and ``got`` are shares of the whole, 0 to 1.

    ``available`` is how many there were, within the cap; ``pairs`` how many are taken.
    """

    langs: Langs
    available: int
    pairs: int
    asked: float
    got: float

    @property
    def is_met(self) -> bool:
        """Whether the share is what was asked for, to a hundredth of the whole."""
        return abs(self.asked - self.got) <= 0.01


def allocate(total: int, weights: Sequence[float], available: Sequence[int]) -> list[int]:
    """Return whole numbers in proportion to *weights*, none above what is *available*.

    What one part cannot take is shared out among the others. The sum is *total*, or all that is
    available to the parts with a weight. Fractions: the largest remainders are rounded up.
    """
    shares = np.zeros(len(weights))
    left = float(min(total, sum(n for n, w in zip(available, weights, strict=True) if w > 0)))
    open_ = np.array(weights, dtype=float)
    limits = np.array(available, dtype=float)
    while left > 1e-9 and open_.any():
        wanted = left * open_ / open_.sum()
        full = (open_ > 0) & (wanted >= limits)
        if not full.any():
            shares += wanted
            break
        shares[full] = limits[full]
        left -= limits[full].sum()
        open_[full] = 0
    whole = np.floor(shares + 1e-9).astype(int)
    rest = round(shares.sum()) - int(whole.sum())
    order = np.argsort(-(shares - whole), kind="stable")
    for at in [at for at in order.tolist() if whole[at] < limits[at] and shares[at] > 0][:rest]:
        whole[at] += 1
    return whole.tolist()


def training_shares(counts: Mapping[Langs, int], options: PrepareOptions) -> list[Share]:
    """Return how many training pairs of each two languages are taken, of *counts*.

    Shares are those of ``options.mix``, where languages that are not named get none; or in
    proportion to n^(1/T) with a temperature T (Arivazhagan et al. 2019, "Massively Multilingual
    Neural Machine Translation in the Wild", section 4.2: T = 1 is as the data are, large T gives
    all the same); else in proportion to n. No pair is taken twice: without ``options.most`` a mix
    is as large as its scarcest languages allow; with it, what is lacking is made up by the others.
    """
    langs = sorted({*counts, *options.mix})
    cap = options.cap
    available = [min(counts.get(one, 0), cap or counts.get(one, 0)) for one in langs]
    if options.mix:
        weights = [float(options.mix.get(one, 0)) for one in langs]
    elif options.temperature is not None:
        weights = [n ** (1 / options.temperature) for n in available]
    else:
        weights = [float(n) for n in available]
    total = sum(available)
    if options.mix:
        present = [(n, w) for n, w in zip(available, weights, strict=True) if n and w]
        scarcest = min((n / w for n, w in present), default=0)
        total = int(scarcest * sum(w for _, w in present) + 1e-9)
    if options.most is not None:
        total = options.most
    taken = allocate(total, weights, available)
    asked, got = sum(weights) or 1.0, sum(taken) or 1
    return [
        Share(one, n, pairs, weight / asked, pairs / got)
        for one, n, pairs, weight in zip(langs, available, taken, weights, strict=True)
    ]
